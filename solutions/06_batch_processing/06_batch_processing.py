# %% [markdown]
# # Batch processing
#
# A network gets its samples in batches, hardly ever one by one. After this notebook you will be able to
#
# - say why: count how often parameters are copied into a small fast memory, one by one and batched;
# - rewrite a loop over samples as a few operations on the whole batch, forward and backward, and prove it by counting operations;
# - time code so that the number means something: warm-up, median, waiting for the GPU;
# - measure how much a batch gains on your machine, and from which batch size on it gains no more;
# - process a batch that is too large for the memory in parts, and get exactly the gradient of the whole.
#
# **Time**: about 90 minutes. **You need**: broadcasting (`01_tensors`), `backward()` and `.grad` (`02_gradients_and_optimizers`),
# $s = x\,w^T + b$ and its backward pass (`04_linear`), `F.mse_loss` and its `reduction` (`05_mse_loss`).

# %% setup

# %% [markdown]
# ## From columns to rows
#
# A book writes a linear layer for **one** sample, as a column: $s_n = w\,x_n$. You have four samples. The direct translation of the book is a loop.
#
# **Before you run it:** the samples are the rows of `x`, 4×3, and `w` is 2×3. `w.mv(v)` is matrix times vector. What is the shape of `w.mv(x[0])`,
# and what is the shape of `x.mm(w.t())`? (`mm` is the product of two matrices, `t()` transposes.)

# %% predict
x = torch.tensor([[1.0, 0, 2], [0, 3, 0], [1, 1, 1], [2, 0, -1]])  # 4 samples × 3 features
w = torch.tensor([[1.0, 2, 3], [0, -1, 1]])  # 2 outputs × 3 features

loop = torch.empty(4, 2)
for k in range(4):
    loop[k] = w.mv(x[k])  # a column of the book, stored as a row
batched = x.mm(w.t())

print("w.mv(x[0])", tuple(w.mv(x[0]).shape), "   x.mm(w.t())", tuple(batched.shape))
print("the same numbers:", torch.equal(loop, batched))
print(batched)

# %% [markdown]
# The batch is a matrix with one sample per **row**, so that the first index is the number of the sample:
#
# $$x = \begin{pmatrix} x_{1,1} & \dots & x_{1,C} \\ \vdots & & \vdots \\ x_{N,1} & \dots & x_{N,C} \end{pmatrix}
# = \begin{pmatrix} (x_1)^T \\ \vdots \\ (x_N)^T \end{pmatrix} \in \mathbb{R}^{N \times C}.$$
#
# Transpose both sides of the book's equation and you have the output as a row. It is the same equation for each row, so one product does them all:
#
# $$(s_n)^T = (w\,x_n)^T = (x_n)^T\,w^T \quad\text{for each } n \qquad\Longrightarrow\qquad s = x\,w^T .$$


# %%
def canvas(width, height, cell=0.42):
    """A figure without axes, `width` × `height` cells large, y pointing down."""
    figure, ax = plt.subplots(figsize=(width * cell, height * cell))
    figure.subplots_adjust(0, 0, 1, 1)
    ax.set(xlim=(0, width), ylim=(height, 0), aspect="equal")
    ax.axis("off")
    return figure, ax


def write(ax, x, y, text, size=10.0, colour=INK, **options):
    ax.text(x, y, text, **({"ha": "center", "va": "center", "fontsize": size, "color": colour} | options))


def empty(ax, left, top, size, name, role):
    """A grid without numbers, for pictures in which only the shape counts."""
    draw_grid(ax, Grid(torch.zeros(size), name, role, hide=True), left, top)


figure, ax = canvas(29.0, 14.6, cell=0.32)
write(ax, 0.2, 0.7, "columns: one product for each sample", 11, ha="left", weight="bold")
for k in range(4):
    left = 0.3 + 7.3 * k
    empty(ax, left, 3.3, (2, 3), "w", "learned")
    empty(ax, left + 3.5, 2.8, (3, 1), f"x{'₁₂₃₄'[k]}", "input")
    write(ax, left + 4.95, 4.3, "=", 13)
    empty(ax, left + 5.4, 3.3, (2, 1), f"s{'₁₂₃₄'[k]}", "output")
write(ax, 0.2, 7.9, "rows: one product for all samples", 11, ha="left", weight="bold")
empty(ax, 0.3, 10.2, (4, 3), "x", "input")
empty(ax, 4.6, 10.7, (3, 2), "wᵀ", "learned")
write(ax, 7.6, 12.2, "=", 15)
empty(ax, 8.6, 10.2, (4, 2), "s", "output")
write(ax, 12.0, 11.4, "N = 4 samples, C = 3 features, D = 2 outputs", ha="left")
write(ax, 12.0, 12.6, "N×C times C×D gives N×D", ha="left")
show(
    figure,
    alt="Above, columns: four separate products, each of the weight w, 2×3, and a column of 3×1, x₁ to x₄, giving a column "
    "of 2×1, s₁ to s₄. The weight is drawn four times. Below, rows: one product of x, 4×3, and wᵀ, 3×2, gives s, 4×2. "
    "The weight is drawn once.",
)

# %% [markdown]
# ### Exercise: A layer without its loop
#
# This is a linear layer with a ReLU behind it, in the book's manner, one sample after the other:
#
# ```python
# s = torch.empty(len(x), len(weight), dtype=x.dtype)
# for k in range(len(x)):
#     s[k] = (weight.mv(x[k]) + bias).clamp(min=0)
# ```
#
# Write `layer_for_batch(x, weight, bias)`: it returns the same `s`, without a loop over the samples. The arguments must not be changed.
#
# **How it is checked, here and below.** The check counts the torch operations that your function performs, also small ones such as `x[k]` or
# `w.t()`. It does so for 6 samples and for 13. **Their number must not depend on N.** No clock is involved: it does not matter how fast your machine is.
# Stay in torch: a detour over Python lists or NumPy is a loop, or a library, that torch does not see. The check finds it out because autograd cannot follow it from the
# arguments to the result.
#
# <details><summary>Hint 1: which product?</summary>
#
# The one of the picture's lower half. It has all $w\,x_n$ in its rows. (`mv` takes a single vector.)
#
# </details>
#
# <details><summary>Hint 2: and the rest of the line?</summary>
#
# `+` broadcasts a bias of shape `(D,)` over N rows. `clamp` does not care about the shape at all.
#
# </details>


# %% exercise="layer_for_batch" difficulty=1 minutes=4
def layer_for_batch(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    """Linear layer and ReLU for a batch of row vectors.

    x: (N, C). weight: (D, C). bias: (D,). Returns: (N, D).
    """
    ### BEGIN SOLUTION
    return (x @ weight.T + bias).clamp(min=0)
    ### END SOLUTION


# %% check="layer_for_batch" points=1
g = torch.Generator().manual_seed(11)
# All square first: there, a wrong order or a forgotten transpose raises no error, it only gives wrong numbers.
x, weight, bias = (torch.randn(size, generator=g) for size in [(3, 3), (3, 3), (3,)])
before = [x.clone(), weight.clone(), bias.clone()]
s, turned = x @ weight.T, x @ weight
wanted = (s + bias).relu()
expect(
    layer_for_batch(inplace(x), inplace(weight), inplace(bias)),
    wanted,
    "layer_for_batch(x, weight, bias) for shapes (3, 3), (3, 3), (3,)",
    mistakes={
        "The weight is not transposed.": (turned + bias).relu(),
        "The ReLU is missing: negative outputs become 0.": s + bias,
        "The bias is missing.": s.relu(),
        "The bias is added before the ReLU, not after it.": s.relu() + bias,
        "The result is turned: one row per sample.": wanted.T,
        "This is weight times x: the samples are rows, so x comes first.": (weight @ x + bias).relu(),
        "The result is turned, and the bias meets the samples: one row per sample was asked for.": (s.T + bias).relu(),
        "The bias is added along the samples: it has one number for each output.": (s + bias[:, None]).relu(),
    },
)
expect([x, weight, bias], before, "x, weight and bias are left as they were")
x, weight, bias = (torch.randn(size, generator=g) for size in [(6, 5), (2, 5), (2,)])
expect(
    layer_for_batch(x, weight, bias),
    (x @ weight.T + bias).relu(),
    "layer_for_batch(x, weight, bias) for shapes (6, 5), (2, 5), (2,)",
)
counts = []
for n in (6, 13):
    x = torch.randn(n, 5, generator=g)
    with Watch() as seen:
        layer_for_batch(x, weight, bias)
    counts.append(len(seen.operations))
more = counts[1] - counts[0]
expect(
    more,
    0,
    "13 samples take no more torch operations than 6 (how many more?)",
    mistakes={f"You loop over the samples or over parts of them: each one costs about {more / 7:.0f}.": more},
)
result = layer_for_batch(x.requires_grad_(), weight, bias)
expect(
    result.requires_grad,
    True,
    "autograd can follow from x to the result",
    mistakes={"Stay in torch: on the way through lists, NumPy or detach(), autograd loses the trace.": False},
)
### BEGIN HIDDEN TESTS
for n, c, d in [(1, 4, 7), (9, 1, 3), (8, 6, 1)]:
    x, weight, bias = (torch.randn(size, generator=g, dtype=torch.float64) for size in [(n, c), (d, c), (d,)])
    wanted = (x @ weight.T + bias).relu()
    what = f"layer_for_batch for N={n}, C={c}, D={d}, in float64"
    expect(layer_for_batch(x, weight, bias), wanted, what)
### END HIDDEN TESTS

# %% [markdown]
# ## Copies into a small fast memory
#
# The numbers are the same. Why does everybody prefer the batch? A processor does not compute in the large main memory. It computes with what lies
# in its **cache**: fast, next to the arithmetic, and small. To compute $f_d(x_n)$, both must be in the cache: the parameters of the module $f_d$,
# **and** the sample. A network of reasonable size does not fit. So the parameters of a module are copied into the cache each time the module is used, and
# push out those of the module before. Such a copy can take longer than the arithmetic itself. (A GPU has a cache of its own. The same holds there.)
#
# Take three modules in a row, $f = f_3 \circ f_2 \circ f_1$, and three samples $x_1, x_2, x_3$. Wanted are $f(x_1), f(x_2), f(x_3)$: nine computations.
#
# **Before you run it:** how many times are parameters copied into the cache if the samples go through one by one? And if each module gets all three samples at once?

# %% predict
torch.manual_seed(0)
f = [nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4)]
samples = torch.randn(3, 4)


def use(d, batch, log):
    """Apply module d; its parameters are copied into the cache for that, so write it down."""
    log.append(f"f{d + 1}")
    return f[d](batch)


one_by_one, log_one = [], []
for row in samples:
    row = row[None]  # a batch of one: shape (1, 4)
    for d in range(3):
        row = use(d, row, log_one)
    one_by_one.append(row)

all_at_once, log_all = samples, []
for d in range(3):
    all_at_once = use(d, all_at_once, log_all)

print("one by one:", len(log_one), "copies:", *log_one)
print("batched:   ", len(log_all), "copies:", *log_all)
print("the same results:", torch.allclose(torch.cat(one_by_one), all_at_once, atol=1e-6))

# %% [markdown]
# Both ways do the same nine computations. Only the order differs: sample by sample, or module by module. Follow it step by step. An orange bar on a
# cell means that the parameters had to be copied for this computation.

# %%
SUBSCRIPTS = "₁₂₃"


def lane(ax, left, title, order, i):
    """The state after computation i: the cache, and which of the nine computations (sample, module) are done."""
    copied = [k for k in range(len(order)) if k == 0 or order[k][1] != order[k - 1][1]]
    n, d = order[i]
    write(ax, left, 0.5, title, 11, ha="left", weight="bold")
    write(ax, left + 1.75, 1.45, "cache", 9)
    ax.add_artist(plt.Rectangle((left, 1.8), 3.5, 3.6, facecolor="#F4F4F4", edgecolor=INK, linewidth=1.2))
    sample = f"x{SUBSCRIPTS[n]}" if d == 0 else f"f{SUBSCRIPTS[d - 1]}(…x{SUBSCRIPTS[n]})"
    slots = [(2.1, f"parameters of f{SUBSCRIPTS[d]}", "learned", 1.8), (4.1, sample, "input", 1.0)]
    for top, text, role, height in slots:
        new = role == "learned" and i in copied
        face = (COLOURS[role], 0.45 if new else 0.15)
        line = 2.4 if new else 1.0
        ax.add_artist(
            plt.Rectangle((left + 0.2, top), 3.1, height, facecolor=face, edgecolor=COLOURS[role], linewidth=line)
        )
        write(ax, left + 1.75, top + height / 2, text, 8)
    for k in range(3):
        write(ax, left + 5.8 + 1.5 * k, 1.45, f"f{SUBSCRIPTS[k]}", 9, COLOURS["learned"])
        write(ax, left + 4.6, 2.4 + 1.2 * k, f"x{SUBSCRIPTS[k]}", 9, COLOURS["input"])
    for row in range(3):
        for column in range(3):
            k = order.index((row, column))
            at = (left + 5.05 + 1.5 * column, 1.8 + 1.2 * row)
            face = "white" if k > i else (COLOURS["output"], 0.5 if k == i else 0.2)
            line = 2.2 if k == i else 0.7
            ax.add_artist(plt.Rectangle(at, 1.5, 1.2, facecolor=face, edgecolor=INK, linewidth=line))
            if k <= i:
                write(ax, at[0] + 0.85, at[1] + 0.6, str(k + 1), 9)
                if k in copied:
                    ax.add_artist(plt.Rectangle(at, 0.32, 1.2, facecolor=COLOURS["learned"], edgecolor=INK, zorder=3))
    copies = sum(k <= i for k in copied)
    write(ax, left, 6.1, f"copies of parameters: {copies}", 10, COLOURS["learned"], ha="left", weight="bold")


ORDERS = {
    "one by one": [(n, d) for n in range(3) for d in range(3)],  # all modules for a sample, then the next sample
    "batched": [(n, d) for d in range(3) for n in range(3)],  # all samples for a module, then the next module
}


def frame(ax, i):
    lane(ax, 0.3, "one by one", ORDERS["one by one"], i)
    lane(ax, 12.0, "batched", ORDERS["batched"], i)
    ax.set(xlim=(0, 22.2), ylim=(6.9, 0), aspect="equal")


stepper(
    frame,
    9,
    keys=[0, 2, 3, 8],
    size=(8.2, 2.6),
    columns=1,
    alt="Four moments of the nine computations, one by one on the left and batched on the right. Each side shows the cache, which "
    "holds the parameters of one module and one sample, and a table of samples x₁ to x₃ by modules f₁ to f₃ that fills with "
    "the numbers of the computations. After 1 computation: 1 copy of parameters on both sides. After 3: one by one has filled "
    "the row of x₁ with 3 copies, batched has filled the column of f₁ with 1 copy. After 4: 4 copies against 2. After all 9: "
    "9 copies, an orange bar on every cell, against 3 copies, a bar on the first cell of each column only.",
)

# %% [markdown]
# ### What a batch pays for it
#
# Module by module, the samples move more: each comes into the cache once per module, as what the module before made of it. Parameters are copied less, samples
# more. That is a bargain as long as a module's parameters are many more numbers than a sample:
#
# | copies into the cache | of parameters | of samples |
# |---|---|---|
# | one by one | samples × modules | samples |
# | batched | modules | samples × modules |
#
# In the next picture time runs to the right. Wide orange boxes are copies of parameters, narrow blue ones copies of a sample, green ones computations.
# The widths are made up; the order and the number of boxes are not.

# %%
WIDTH = {"learned": 2.6, "input": 0.7, "output": 0.9}


def schedule(order):
    """What happens one after the other: (role, label) for each copy and each computation."""
    steps, module, sample = [], None, None
    for n, d in order:
        if d != module:
            steps.append(("learned", f"f{SUBSCRIPTS[d]}"))
        if n != sample:
            steps.append(("input", ""))
        steps.append(("output", ""))
        module, sample = d, n
    return steps


figure, ax = canvas(38.5, 6.6, cell=0.24)
for row, (title, order) in enumerate(ORDERS.items()):
    left, top = 0.2, 1.2 + 3.3 * row
    write(ax, left, top - 0.6, title, 10.5, ha="left", weight="bold")
    for role, label in schedule(order):
        face = (COLOURS[role], 0.45)
        ax.add_artist(plt.Rectangle((left, top), WIDTH[role], 1.4, facecolor=face, edgecolor=INK, linewidth=0.8))
        write(ax, left + WIDTH[role] / 2, top + 0.7, label, 9.5)
        left += WIDTH[role]
    steps = schedule(order)
    for role, word in [("learned", "copies of parameters"), ("input", "copies of samples"), ("output", "computations")]:
        print(f"{title:10}  {sum(step[0] == role for step in steps)} {word}")
ax.annotate("time", (36.5, 6.2), (30.5, 6.2), va="center", arrowprops={"arrowstyle": "->", "color": INK}, color=INK)
show(
    figure,
    alt="Two strips of boxes over the same time axis. One by one: for each of three samples the wide orange boxes f₁, f₂, f₃, each "
    "followed by a green one, with one narrow blue box behind f₁; nine orange boxes in all. Batched: for each of f₁, f₂, f₃ "
    "one wide orange box followed by three pairs of blue and green; three orange boxes in all. The batched strip is much shorter.",
)

# %% [markdown]
# Now with real sizes: one layer from 1000 to 1500 features, 2500 samples, and float32, 4 bytes for a number.

# %%
N, C, D = 2500, 1000, 1500
weight_mb, sample_kb, output_kb = 4 * C * D / 1e6, 4 * C / 1e3, 4 * D / 1e3
print(f"the weight: {weight_mb:.1f} MB, a sample: {sample_kb:.1f} kB, its output: {output_kb:.1f} kB")
print(f"copies of the weight, one by one: {N * weight_mb / 1e3:.1f} GB, batched: {weight_mb / 1e3:.3f} GB")
print(f"products to compute, both ways:   {N * C * D:,}\n")

for n in (1, 10, 100, 2500, 100_000):
    moved = C * D + n * (C + D)  # the weight once, each sample in, each output out
    print(f"batch of {n:7,}: {n * C * D / moved:5.0f} products for each number that is moved")
print(f"an endless batch: {C * D / (C + D):5.0f}")

# %% [markdown]
# One by one, each number that is moved takes part in about **one** product. In a batch it is used again and again while it is there:
#
# $$\frac{\text{products}}{\text{numbers moved}} = \frac{N\,C\,D}{C\,D + N\,(C + D)} \;\longrightarrow\; \frac{C\,D}{C + D} \quad\text{for large } N .$$
#
# It grows with $N$ and then levels off. This is a bound, not yet a speed-up: as soon as the numbers come faster than the arithmetic can use them, a larger ratio gains nothing. So
# the time levels off earlier. You will measure that below. And real caches have several levels, and today's are large. A weight of 6 MB may stay in one of them. Then the copies
# come from a faster place, and one by one is less slow.
#
# ### Exercise: Count the copies
#
# In practice the samples come in batches of a given size, and the last batch may be smaller. Each time a module is used on a batch, its parameters are copied into the
# cache once. Write `parameter_copies(samples, modules, batch_size)`: how many copies of parameters are made until all `samples` have gone through all `modules`.
# Return an `int`, and compute it: the numbers are too large to count one by one. The result must be exact for numbers of any size, also for those with 18 digits, which a `float`
# cannot hold.
#
# With `batch_size=1` it is samples × modules, with `batch_size=samples` it is modules.
#
# <details><summary>Hint 1: how many batches are there?</summary>
#
# 10 samples in batches of 4 are 4 + 4 + 2: three batches. Every one of them goes through every module.
#
# </details>
#
# <details><summary>Hint 2: rounding up</summary>
#
# `//` divides and rounds down. What could you add to the numerator so that it rounds up, unless it divides evenly? (`math.ceil(a / b)` works only as long as
# `a / b` is exact enough: a float has about 16 digits.)
#
# </details>


# %% exercise="parameter_copies" difficulty=1 minutes=5
def parameter_copies(samples: int, modules: int, batch_size: int) -> int:
    """How often the parameters of some module are copied into the cache.

    samples, modules: how many there are. batch_size: samples in a batch, at least 1; the last batch may have fewer.
    """
    ### BEGIN SOLUTION
    batches = (samples + batch_size - 1) // batch_size
    return batches * modules
    ### END SOLUTION


# %% check="parameter_copies" points=1
expect(
    parameter_copies(3, 3, 1),
    9,
    "parameter_copies(3, 3, batch_size=1), the example one by one",
    mistakes={"Every sample goes through every module: samples × modules.": 3, "The two multiply, they do not add.": 6},
)
expect(
    parameter_copies(3, 3, 3),
    3,
    "parameter_copies(3, 3, batch_size=3), the example as one batch",
    mistakes={
        "batch_size makes no difference in yours.": 9,
        "This is the number of batches: each of them goes through all modules.": 1,
    },
)
expect(
    parameter_copies(10, 7, 4),
    21,
    "parameter_copies(10, 7, batch_size=4): batches of 4, 4 and 2",
    mistakes={
        "The last, smaller batch is missing: it needs the parameters too.": 14,
        "The number of batches is not whole: round up.": 17.5,
        "Round up the batches, then multiply: there is no half batch.": 18,
    },
)
expect(
    parameter_copies(12, 7, 4),
    21,
    "parameter_copies(12, 7, batch_size=4): three full batches",
    mistakes={"12 samples fill exactly 3 batches of 4, there is no fourth.": 28},
)
expect(
    type(parameter_copies(10, 7, 4)).__name__,
    "int",
    "the type of the result",
    mistakes={
        "You divided with / : stay with integers.": "float",
        "NumPy's ceil returns a float: stay with integers.": "float64",
    },
)
expect(
    parameter_copies(10**17 + 1, 3, 10),
    3 * (10**16 + 1),
    "parameter_copies(10**17 + 1, 3, batch_size=10), a number with 18 digits",
    mistakes={"The quotient went through a float, which has about 16 digits: divide with // only.": 3 * 10**16},
)
### BEGIN HIDDEN TESTS
draw = random.Random(12)
for _ in range(6):
    samples, modules, size = draw.randint(1, 5000), draw.randint(1, 60), draw.randint(1, 300)
    wanted = -(-samples // size) * modules
    expect(parameter_copies(samples, modules, size), wanted, f"parameter_copies({samples}, {modules}, {size})")
expect(parameter_copies(5, 4, 64), 4, "parameter_copies(5, 4, 64): fewer samples than a batch holds")
### END HIDDEN TESTS

# %% [markdown]
# ## The other reason: Python
#
# Each torch operation that you call takes a way through Python: look up the method, check the arguments, choose the code for the dtype and device, make
# a tensor for the result. That takes a few microseconds, whether the tensor has one element or a thousand.
#
# torch can tell you how many operations a piece of code performs. Everything that it really executes passes through its *dispatcher*, and a
# `TorchDispatchMode` looks on. (The module's name begins with an underscore: it is meant for tools like this one and may change.)
#
# **Before you run it:** the loop `y[k] = w.mv(x[k])` runs 2500 times. How many operations is that: 2500? More? And `x.mm(w.t())`?

# %% predict
from collections import Counter as Tally

from torch.utils._python_dispatch import TorchDispatchMode


class CountOperations(TorchDispatchMode):
    """Inside `with CountOperations() as counted:`, counted.names has the name of each torch operation."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        self.names.append(operation.overloadpacket.__name__)
        return operation(*args, **(kwargs or {}))


x, w = torch.zeros(2500, 4), torch.zeros(3, 4)
with CountOperations() as counted:
    y = torch.empty(2500, 3)
    for k in range(2500):
        y[k] = w.mv(x[k])
print(f"loop:    {len(counted.names):6,} operations:", dict(Tally(counted.names)))
with CountOperations() as counted:
    y = x.mm(w.t())
print(f"batched: {len(counted.names):6,} operations:", dict(Tally(counted.names)))

# %% [markdown]
# Four for each sample: select the row `x[k]`, multiply, select the row `y[k]`, copy the result into it. (One more makes `y`.) The batch takes two,
# however many samples there are. How long does one operation take on your machine?

# %% varies
import statistics
import time


def microseconds(numbers):
    """The median time of one addition to a tensor of that many numbers."""
    x, times = torch.zeros(numbers), []
    for _ in range(200):
        start = time.perf_counter()
        x + 1
        times.append(time.perf_counter() - start)
    return 1e6 * statistics.median(times)


for numbers in (1, 10, 100, 1000, 10_000):
    each = microseconds(numbers)
    print(f"{numbers:6,} numbers: {each:8.1f} µs for the operation, {1000 * each / numbers:10.2f} ns for each number")

# %% [markdown]
# An addition of 100 numbers takes about as long as an addition of one: you pay for the call. Only large tensors make the call cheap.
#
# ### How a loop becomes a batch
#
# Write the loop for one sample first. Then let the first dimension carry all samples:
#
# | in the loop, for sample `k` | for all samples at once | shape |
# |---|---|---|
# | `x[k].sum()` | `x.sum(dim=1)` | (N,) |
# | `x[k] / c[k]`, a number for each sample | `x / c[:, None]`: the extra dimension keeps `c` in its row | (N, C) |
# | `x[k] @ v` | `x @ v` | (N,) |
# | `w @ x[k]` | `x @ w.T` | (N, D) |
# | `x[k] @ y[k]`, two vectors for each sample | `(x * y).sum(dim=1)` | (N,) |
# | `a[n] - b[m]` for all pairs | `a[:, None] - b` | (N, M, C) |
#
# A pattern stands behind it: dimensions that are added up disappear, all others stay, and the sample's is first. `keepdim=True` keeps a dimension of size 1,
# so that the result still broadcasts against what it came from. And `torch.einsum("nc,nc->n", x, y)` says it with letters: a letter that is missing
# behind the arrow is added up.
#
# ### Exercise: Every sample to length one
#
# Write `unit_rows(x)`: each row of `x` divided by its length $\sqrt{\sum_c x_{nc}^2}$. A row of zeros has length 0 and stays a row of zeros.
# Every other row, however short, gets length 1. The argument must not be
# changed, the dtype stays, and the number of torch operations must not depend on N (counted as above, for 6 and 13 samples).
#
# <details><summary>Hint 1: one number for each row</summary>
#
# The features are added up, so it is `dim=1`. The lengths have shape `(N,)`. To divide each *row* by its own, they must be `(N, 1)`.
#
# </details>
#
# <details><summary>Hint 2: no NaN for the rows of zeros</summary>
#
# 0 / 0 is `nan`. Divide such a row by any other number: it gives 0. `torch.where(condition, a, b)` chooses elementwise, `clamp(min=…)` sets a lower bound. (A small number added
# to *every* length would change the other rows too.)
#
# </details>


# %% exercise="unit_rows" difficulty=1 minutes=6
def unit_rows(x: torch.Tensor) -> torch.Tensor:
    """Each row scaled to length 1, rows of zeros left as they are.

    x: (N, C). Returns: (N, C), a new tensor.
    """
    ### BEGIN SOLUTION
    length = x.square().sum(dim=1, keepdim=True).sqrt()
    return x / torch.where(length > 0, length, 1)
    ### END SOLUTION


# %% check="unit_rows" points=1
g = torch.Generator().manual_seed(13)
# As many samples as features first: there, a lost dimension raises no error, it only divides by the wrong lengths.
x = torch.randn(4, 4, generator=g)
length = x.square().sum(dim=1, keepdim=True).sqrt()
before, wanted = x.clone(), x / length
expect(
    unit_rows(inplace(x)),
    wanted,
    "unit_rows(x) for x of shape (4, 4)",
    mistakes={
        "(N,) against (N, C) broadcasts along the columns: the lengths must be (N, 1), see keepdim.": x / length[:, 0],
        "You took the length of each column (dim=0): the features of one sample lie along dim=1.": x
        / x.square().sum(dim=0).sqrt(),
        "The square root is missing.": x / length**2,
        "You divided by the sum, not by the length.": x / x.sum(dim=1, keepdim=True),
        "You divided by the sum of absolute values, not by the length.": x / x.abs().sum(dim=1, keepdim=True),
        "You divided by the length of the whole batch: each row has its own.": x / length.square().sum().sqrt(),
        "You took the mean of the squares, the sum was asked for.": x / (length / 2),
    },
)
expect(x, before, "x is left as it was")
x = torch.randn(6, 3, generator=g)
x[2] = 0
x[4] *= 1e-5
length = x.norm(dim=1, keepdim=True)
with_nan = x / length
wanted = with_nan.nan_to_num()
few = [10.0**-k for k in range(1, 10)]
added = [f"You added {small:.0e} to the length: add nothing to the lengths of other rows." for small in few]
bounds = [f"You made every length at least {small:.0e}: a short row gets length 1 too." for small in few]
expect(
    unit_rows(x),
    wanted,
    "unit_rows(x) for x of shape (6, 3) with a row of zeros and a very short one",
    mistakes={
        "0 / 0 is nan: a row of zeros must stay a row of zeros.": with_nan,
        **{text: x / (length + small) for text, small in zip(added, few)},
        **{text: x / length.clamp(min=small) for text, small in zip(bounds, few)},
        "The short row counts as a row of zeros in yours: it has a length.": torch.where(length > 1e-4, wanted, x),
    },
)
counts = []
for n in (6, 13):
    x = torch.randn(n, 5, generator=g)
    x[1:] = 0  # a loop over the rows of zeros is a loop, too
    with Watch() as seen:
        unit_rows(x)
    counts.append(len(seen.operations))
more = counts[1] - counts[0]
expect(
    more,
    0,
    "13 samples take no more torch operations than 6 (how many more?)",
    mistakes={f"You loop over the samples or over parts of them: each one costs about {more / 7:.0f}.": more},
)
expect(
    unit_rows(x.requires_grad_()).requires_grad,
    True,
    "autograd can follow from x to the result",
    mistakes={"Stay in torch: on the way through lists, NumPy or detach(), autograd loses the trace.": False},
)
### BEGIN HIDDEN TESTS
for n, c in [(1, 4), (7, 1), (9, 20)]:
    x = torch.randn(n, c, generator=g, dtype=torch.float64)
    expect(unit_rows(x), x / x.norm(dim=1, keepdim=True), f"unit_rows(x) for x of shape ({n}, {c}), in float64")
x = torch.tensor([[3e-4, -4e-4], [0.0, 0.0], [3e6, 4e6]])
wanted = torch.tensor([[0.6, -0.8], [0, 0], [0.6, 0.8]])
expect(unit_rows(x), wanted, "unit_rows of short and long rows", rtol=1e-3, atol=1e-6)
### END HIDDEN TESTS

# %% [markdown]
# ### Exercise: A quadratic form for each sample
#
# A matrix `a` of C×C gives each sample one number, $q_n = x_n^T\,a\,x_n = \sum_{c,d} x_{nc}\,a_{cd}\,x_{nd}$. In a loop it is `q[k] = x[k] @ a @ x[k]`.
#
# Write `quadratic_form(x, a)` for a whole batch. The number of torch operations must not depend on N. And **no tensor may have N×N elements** on the way, because N
# may be large: the check uses 60 samples with 3 features and looks at the largest tensor that an operation makes. It may have up to N·C·C elements.
#
# <details><summary>Hint 1: from the left to the right</summary>
#
# The first product, `x[k] @ a`, is a row. For the batch it is a matrix of N such rows. What do you do with row k of it and row k of `x`?
#
# </details>
#
# <details><summary>Hint 2: why not x @ a @ x.T?</summary>
#
# It multiplies every sample with every other one: N×N numbers, of which you need those on the diagonal. The table above has a line for two vectors for each sample.
#
# </details>


# %% exercise="quadratic_form" difficulty=2 minutes=7
def quadratic_form(x: torch.Tensor, a: torch.Tensor) -> torch.Tensor:
    """One number for each sample: the row, times a, times the row again.

    x: (N, C). a: (C, C), not always symmetric. Returns: (N,).
    """
    ### BEGIN SOLUTION
    return ((x @ a) * x).sum(dim=1)
    ### END SOLUTION


# %% check="quadratic_form" points=2
g = torch.Generator().manual_seed(14)
# As many samples as features first: there, a wrong order or transpose raises no error, it only gives wrong numbers.
x, a = torch.randn(3, 3, generator=g), torch.randn(3, 3, generator=g)
before = [x.clone(), a.clone()]
wanted = torch.stack([row @ a @ row for row in x])
pairs, products = x @ a @ x.T, (x @ a) * x
expect(
    quadratic_form(inplace(x), inplace(a)),
    wanted,
    "quadratic_form(x, a) for shapes (3, 3) and (3, 3)",
    mistakes={
        "These are the numbers of all pairs of samples; wanted is one for each sample.": pairs,
        "x.T @ a @ x mixes the samples: the formula is for one column, here the samples are rows.": x.T @ a @ x,
        "The second x takes all samples as one matrix: row n of x @ a meets row n of x only.": x @ a @ x,
        "The products are not added up yet.": products,
        "You added up over the samples: the features lie along dim=1.": products.sum(dim=0),
        "You added up everything: each sample has its own number.": products.sum(),
        "You took the mean over the features, the sum was asked for.": products.mean(dim=1),
        "The result has shape (N, 1), (N,) was asked for.": wanted[:, None],
        "Only the diagonal of a is used.": x.square() @ a.diagonal(),
        "The matrix a is missing.": x.square().sum(dim=1),
    },
    rtol=1e-4,
    atol=1e-4,
)
expect([x, a], before, "x and a are left as they were")
counts = []
for n in (6, 13):
    x = torch.randn(n, 3, generator=g)
    with Watch() as seen:
        quadratic_form(x, a)
    counts.append(len(seen.operations))
more = counts[1] - counts[0]
expect(
    more,
    0,
    "13 samples take no more torch operations than 6 (how many more?)",
    mistakes={f"You loop over the samples or over parts of them: each one costs about {more / 7:.0f}.": more},
)
x = torch.randn(60, 3, generator=g)
with Watch() as seen:
    quadratic_form(x, a)
expect(
    max(seen.largest, 60 * 3 * 3),
    60 * 3 * 3,
    "no tensor on the way has more than N·C·C = 540 elements, for N=60 and C=3",
    mistakes={"A tensor of N×N or more is made: every sample meets every other one.": max(seen.largest, 60 * 60)},
)
expect(
    quadratic_form(x.requires_grad_(), a).requires_grad,
    True,
    "autograd can follow from x to the result",
    mistakes={"Stay in torch: on the way through lists, NumPy or detach(), autograd loses the trace.": False},
)
### BEGIN HIDDEN TESTS
for n, c in [(1, 4), (7, 1), (9, 9), (30, 6)]:
    x, a = (torch.randn(size, generator=g, dtype=torch.float64) for size in [(n, c), (c, c)])
    wanted = torch.stack([row @ a @ row for row in x])
    expect(quadratic_form(x, a), wanted, f"quadratic_form for N={n}, C={c}, in float64")
### END HIDDEN TESTS

# %% [markdown]
# ### Exercise: All squared distances
#
# To find the nearest neighbours of N samples among M others, you need all squared distances, $d_{nm} = \sum_c (a_{nc} - b_{mc})^2$. In Python that is a loop in a loop.
# Write `squared_distances(a, b)`. The number of torch operations must depend neither on N nor on M. The arguments must not be changed. Don't use `torch.cdist`
# (it has the root in it, and you want to know how it is done). Small rounding differences are fine.
#
# <details><summary>Hint 1: a dimension for each index</summary>
#
# Three indices occur: n, m and c. Bring `a` to (N, 1, C) and `b` to (1, M, C). What does broadcasting make of their difference? Which dimension is added up?
#
# </details>
#
# <details><summary>Hint 2: with much less memory</summary>
#
# N·M·C numbers may be many. Multiply out: $|a_n - b_m|^2 = |a_n|^2 + |b_m|^2 - 2\,a_n^T b_m$. All the $a_n^T b_m$ together are one matrix product. Either way is right here.
#
# </details>


# %% exercise="squared_distances" difficulty=2 minutes=8
def squared_distances(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The squared distance from each row of a to each row of b.

    a: (N, C). b: (M, C). Returns: (N, M).
    """
    ### BEGIN SOLUTION
    return (a[:, None] - b).square().sum(dim=2)
    ### END SOLUTION


# %% check="squared_distances" points=2
g = torch.Generator().manual_seed(15)
close = {"rtol": 1e-4, "atol": 1e-4}
# As many samples on both sides first: there, a turned result has the right shape and only wrong numbers.
a, b = torch.randn(5, 3, generator=g), torch.randn(5, 3, generator=g)
before = [a.clone(), b.clone()]
difference = a[:, None] - b
wanted = difference.square().sum(dim=2)
with forbidden("cdist"):
    answer = squared_distances(inplace(a), inplace(b))
expect(
    answer,
    wanted,
    "squared_distances(a, b) for shapes (5, 3) and (5, 3)",
    mistakes={
        "The result is turned: row n belongs to a[n], column m to b[m].": wanted.T,
        "These are the distances; their squares were asked for.": wanted.sqrt(),
        "You compared a[n] with b[n] only, not every a[n] with every b[m].": (a - b).square().sum(dim=1),
        "You compared a[n] with b[n] only, and the squares are not added up yet.": (a - b).square(),
        "You took the mean over the features, the sum was asked for.": difference.square().mean(dim=2),
        "Square first, then add up.": difference.sum(dim=2).square(),
        "You took absolute values, squares were asked for.": difference.abs().sum(dim=2),
        "The factor 2 is missing in −2 aₙᵀ bₘ.": wanted + a @ b.T,
        "The sign of 2 aₙᵀ bₘ is wrong.": wanted + 4 * (a @ b.T),
        "The squares are not added up over the features yet.": difference.square(),
        "You compared a[n] with b[n] only: a needs its extra dimension in the middle, b does not.": (a - b)
        .square()
        .sum(dim=1, keepdim=True),
        "You added up everything: each pair has its own number.": difference.square().sum(),
        "You added up everything, and compared a[n] with b[n] only.": (a - b).square().sum(),
        "You added up over the wrong dimension: the features are the last one.": difference.square().sum(dim=1),
    },
    **close,
)
expect([a, b], before, "a and b are left as they were")
a, b = torch.randn(6, 4, generator=g), torch.randn(2, 4, generator=g)
wanted = (a[:, None] - b).square().sum(dim=2)
expect(squared_distances(a, b), wanted, "squared_distances(a, b) for shapes (6, 4) and (2, 4)", **close)


def operations(n, m):
    a, b = torch.randn(n, 4, generator=g), torch.randn(m, 4, generator=g)
    with Watch() as seen:
        squared_distances(a, b)
    return len(seen.operations)


more = operations(13, 5) - operations(6, 5)
expect(
    more,
    0,
    "13 rows in a take no more torch operations than 6 (how many more?)",
    mistakes={f"You loop over the rows of a or over parts of them: each one costs about {more / 7:.0f}.": more},
)
more = operations(5, 13) - operations(5, 6)
expect(
    more,
    0,
    "13 rows in b take no more torch operations than 6 (how many more?)",
    mistakes={f"You loop over the rows of b or over parts of them: each one costs about {more / 7:.0f}.": more},
)
result = squared_distances(a.requires_grad_(), b)
expect(
    result.requires_grad,
    True,
    "autograd can follow from a to the result",
    mistakes={"Stay in torch: on the way through lists, NumPy or detach(), autograd loses the trace.": False},
)
### BEGIN HIDDEN TESTS
for n, m, c in [(1, 4, 3), (7, 1, 2), (9, 8, 1), (40, 30, 5)]:
    a, b = (torch.randn(size, generator=g, dtype=torch.float64) for size in [(n, c), (m, c)])
    wanted = (a[:, None] - b).square().sum(dim=2)
    expect(squared_distances(a, b), wanted, f"squared_distances for N={n}, M={m}, C={c}, in float64", **close)
### END HIDDEN TESTS

# %% [markdown]
# ## Timing properly
#
# Counting operations is exact, but in the end you want seconds. A single time on a clock says little. Four rules make it say more:
#
# 1. **A clock for durations**: `time.perf_counter()`. `time.time()` may be set back while you measure.
# 2. **Warm up**: run the code once before. The first run also loads libraries, starts threads and finds memory.
# 3. **Repeat and take the median.** Now and then something else runs on your machine. The mean suffers from one slow run, the median does not.
# 4. **Wait for the GPU before you stop the clock.** That one is easily forgotten.
#
# A call for the GPU only puts the work into a queue; Python goes on while the GPU computes. You can see the effect
# without a GPU. Here a second worker plays its part. Its work takes 50 ms.
#
# **Before you run it:** which time will the clock show that is stopped right after the call? Which one after the wait?

# %% predict varies
from concurrent.futures import ThreadPoolExecutor

with ThreadPoolExecutor(max_workers=1) as worker:
    worker.submit(time.sleep, 0)  # warm-up: starts the worker
    start = time.perf_counter()
    job = worker.submit(time.sleep, 0.05)  # puts the work into the queue and returns at once
    after_call = time.perf_counter() - start
    job.result()  # waits until it is done
    after_wait = time.perf_counter() - start
print(f"clock stopped after the call: {1000 * after_call:5.1f} ms")
print(f"clock stopped after the wait: {1000 * after_wait:5.1f} ms")

# %% [markdown]
# For a real GPU the wait is `torch.cuda.synchronize()`, and it belongs **inside** the timed part, before the clock stops. (Operations that need the value in
# Python, such as `.item()`, `print` or `.cpu()`, wait by themselves.) Here is a stopwatch that keeps the four rules.


# %%
def seconds(work, where=device, repetitions=5):
    """The median time that work() takes."""

    def wait():
        if where.type == "cuda":
            torch.cuda.synchronize()

    work()  # warm-up, not timed
    wait()  # nothing is left in the queue when the clock starts
    times = []
    for _ in range(repetitions):
        start = time.perf_counter()
        work()
        wait()  # before the clock stops
        times.append(time.perf_counter() - start)
    return statistics.median(times)


# %% [markdown]
# ### A stopwatch that stops in one branch only
#
# Two lectures measured the speed-up of a batch in this manner: KISTI's *Modules in PyTorch* and EPFL's EE-559, lecture 4b. In the older listing (EPFL) both measurements wait and
# stop the clock. In the newer one (KISTI), as it is printed, the two last lines have slid to the right: they stand in the `else` branch, behind the loop.
#
# **Before you run it:** this is that structure, with trivial work. What is the median time of the batch?


# %% predict
def slid_to_the_right(batch, repetitions=5):
    t = torch.zeros(repetitions)
    for u in range(repetitions):
        start = time.perf_counter()
        if batch:
            torch.ones(50, 50).mm(torch.ones(50, 50))
        else:
            for _ in range(50):
                torch.ones(50, 50).mv(torch.ones(50))
            # Here a GPU would be waited for: in this branch only.
            t[u] = time.perf_counter() - start
    return t.median()


loop, batch = slid_to_the_right(batch=False), slid_to_the_right(batch=True)
print(f"batch: {batch:.1f} s, so the speed-up is {loop / batch}")

# %% [markdown]
# In the branch of the batch nobody writes down a time, and nobody waits for the GPU. Its median is 0 and the speed-up is infinite. So the printed listing
# cannot have produced the numbers beside it; the slide's indentation must have been lost on the way. Moved to the left, out of the `else`, the two lines serve both branches. If
# you moved only the line that stops the clock, a CPU would be timed correctly. On a GPU you would time how fast Python fills a queue.
#
# ## The speed-up, measured
#
# Now the lectures' experiment: 2500 samples, a layer from 1000 to 1500, a loop of `w.mv(x[k])` against `x.mm(w.t())`.
#
# **Before you run it:** the copies go from 2500 to 1, the operations from 10,000 to 2. Do you expect a speed-up of 2500? Of 10?

# %% predict varies
torch.manual_seed(0)
x, w = torch.randn(2500, 1000), torch.randn(1500, 1000)


def speed_up(where):
    """Seconds of the loop and of the batch on a device; the results stay on that device."""
    x_there, w_there = x.to(where), w.to(where)
    y = torch.empty(2500, 1500, device=where)

    def loop():
        for k in range(len(x_there)):
            y[k] = w_there.mv(x_there[k])

    def batch():
        return x_there.mm(w_there.t())

    return seconds(loop, where), seconds(batch, where)


places = [torch.device("cpu")] + [device] * (device.type == "cuda")
for where in places:
    loop_time, batch_time = speed_up(where)
    print(
        f"{where}: loop {1000 * loop_time:.0f} ms, batch {1000 * batch_time:.2f} ms: {loop_time / batch_time:.1f} times as fast"
    )
if device.type != "cuda":
    print("(No GPU here.)")
print("\nthe lectures    CPU     GPU")
for lecture, on_cpu, on_gpu in [("EPFL", 10.0, 80.7), ("KISTI", 16.4, 102.8)]:
    print(f"{lecture:12} {on_cpu:6.1f}  {on_gpu:6.1f}")

# %% [markdown]
# <details><summary>Why do three measurements of the same thing differ so much?</summary>
#
# *The machine.* A batch is limited by arithmetic: it gains from many cores and wide arithmetic units. The loop is limited by fetching the 6 MB of `w` 2500 times, and by Python. A
# machine with two cores and a cache in which 6 MB fit has a slow batch and a fast loop, so the speed-up is small. A GPU has thousands of units and leaves most of them idle
# in the loop, so there the speed-up is large.
#
# *The software.* The lectures are some years old (2018 to 2021). Both the matrix products and the way through the dispatcher have changed since.
#
# *What is timed.* EPFL writes the loop's results into a tensor that was made before, on the same device. KISTI makes a new one inside the timed part, and without a
# `device=`, so on the CPU, even when `x` and `w` are on the GPU. Then each of the 2500 rows is copied from the GPU to the CPU, one after the other, while
# the result of the batch stays where it is. That makes the loop slower and the ratio larger. The cell above keeps the results on the device.
#
# A speed-up without the machine, the sizes and the listing says little. That the batch wins, they all say.
#
# </details>
#
# ### How large must a batch be?
#
# **Throughput** is the number of samples per second. By the formula above it should grow with the batch size and then level off. To see how fast the machine *can* be,
# the cell takes the fastest of eight runs for each size: whatever else runs on your machine only makes a run slower. For the same reason it uses one core if there is no GPU
# (with several, each waits for the one that is disturbed; they would lift the flat part).
#
# **Before you run it:** sketch the curve, from batch size 1 to 1,024 (on a GPU to 32,768). Where does it become flat: at 4, at 64, at 1,024?

# %% predict varies
sizes = [2**k for k in range(11 if device.type == "cpu" else 16)]
w_there = w.to(device)
batches = [torch.randn(size, 1000, device=device) for size in sizes]
fastest = [math.inf] * len(sizes)
threads = torch.get_num_threads()
torch.set_num_threads(1)  # on a CPU: one core
for _ in range(8):  # eight rounds through all sizes, so that a disturbance does not hit one size alone
    for k, batch in enumerate(batches):
        fastest[k] = min(fastest[k], seconds(lambda batch=batch: batch.mm(w_there.t()), repetitions=1))
torch.set_num_threads(threads)
throughput = [size / time_of_batch for size, time_of_batch in zip(sizes, fastest)]
best = max(throughput)
enough = next(size for size, rate in zip(sizes, throughput) if rate >= 0.8 * best)
for size, rate in list(zip(sizes, throughput))[::2]:
    print(f"batch of {size:6,}: {rate:12,.0f} samples per second, {1000 * size / rate:8.3f} ms for the batch")
print(f"80 % of the best is reached with a batch of {enough:,}")

hardware = "one CPU core" if device.type == "cpu" else "GPU"
figure, ax = plot_axes(6.4, 3.4)
ax.axhline(best, color=INK, linestyle="--", linewidth=1)
ax.plot(sizes, throughput, "o-", color=COLOURS["output"], linewidth=2)
ax.set_xscale("log", base=2)
ax.set_xticks(sizes[::2], [f"{size:,}" for size in sizes[::2]])
ax.yaxis.set_major_formatter("{x:,.0f}")
ax.set(xlabel="batch size (samples)", ylabel="samples per second", ylim=(0, 1.1 * best))
ax.set_title(f"throughput of a layer 1000 → 1500 ({hardware})", fontsize=11)
show(
    figure,
    alt="Throughput in samples per second against the batch size, each step along the axis doubling it, measured on the machine that ran this cell. "
    f"With one sample at a time it is {throughput[0]:,.0f}, the best value is {best:,.0f}, marked by a dashed line. "
    f"80 % of the best is reached first with a batch of {enough:,}.",
)

# %% [markdown]
# Look at both columns. Where the curve rises, twice the batch takes less than twice the time: the weight has to be fetched and the call to be paid anyway. Where it is flat,
# twice the batch takes twice the time: all units are busy. More samples only take more memory there. So choose a batch size on the flat part, but not far into it. (How the batch size
# changes what a network *learns* is another question: a larger batch makes fewer steps with less noisy gradients.)
#
# ## Backward for a batch
#
# The same step from columns to rows works for the gradients. With $g_n = \partial L/\partial s_n$ as a column, a book has for each sample the matrix
# $g_n\,x_n^T$ (an *outer product*: column times row). Every sample uses the same $w$, so its gradient is the **sum** over the samples. And a sum of
# outer products is one matrix product:
#
# $$\frac{\partial L}{\partial w} = \sum_{n=1}^{N} g_n\,x_n^T = \left(\frac{\partial L}{\partial s}\right)^{\!T} x ,
# \qquad \frac{\partial L}{\partial x} = \frac{\partial L}{\partial s}\; w .$$
#
# **Before you run it:** what is the shape of the outer product for one sample, if a sample has 3 features and the layer 2 outputs? What is the shape of their sum?

# %% predict
x = torch.tensor([[1.0, 0, 2], [0, 3, 0], [1, 1, 1]])  # N=3 samples, C=3 features
grad_s = torch.tensor([[1.0, 2], [-1, 0], [2, -1]])  # N=3 samples, D=2 outputs

outer = [torch.outer(grad_s[k], x[k]) for k in range(3)]
total = grad_s.t().mm(x)
print("one sample:", tuple(outer[0].shape), "  the batch:", tuple(total.shape))
print("the sum of the outer products equals the one product:", torch.equal(sum(outer), total))

w = torch.tensor([[1.0, 2, 3], [0, -1, 1]], requires_grad=True)
x_leaf = x.clone().requires_grad_()
x_leaf.mm(w.t()).backward(grad_s)
print("autograd agrees:", torch.equal(w.grad, total), torch.equal(x_leaf.grad, grad_s.mm(w.detach())))

# %%
grids = [Grid(matrix + 0, f"g{SUBSCRIPTS[k]} x{SUBSCRIPTS[k]}ᵀ", "plain", digits=0) for k, matrix in enumerate(outer)]
draw_row(
    grids[0],
    "+",
    grids[1],
    "+",
    grids[2],
    "=",
    Grid(total, "∂L/∂w", "loss", digits=0),
    alt="Three grey matrices of 2×3, the outer products of the three samples, are added up and give the red matrix ∂L/∂w, "
    "also 2×3, with the rows 3, -1, 4 and 1, -1, 3.",
)

# %% [markdown]
# One product for the whole batch, forward and backward. (In KISTI's slide the second formula has a transpose on its first factor, in EPFL's it has none. The shapes decide:
# $\partial L/\partial s$ is N×D and $w$ is D×C, so without it they fit.)
#
# Where does the sum go if the loss is a *mean* over the samples? Into $g_n$: each one then carries a factor $\frac1N$. The rule itself stays a sum.
#
# ### Exercise: The gradient of every single sample
#
# Sometimes you want the terms of that sum, not the sum: to see which sample pulls hardest, or to limit the influence of each one (private training does so). `backward()` gives only the sum. Write
# `per_sample_gradients(x, grad_s)`: entry n of the result is sample n's share of $\partial L/\partial w$, so that the sum over n is the gradient of the batch. Write it as a
# formula with torch operations, without `backward()` and `torch.autograd.grad`; autograd must be able to follow from `grad_s` to the result, as above. The arguments must not be changed, and the number of
# torch operations must not depend on N.
#
# <details><summary>Hint 1: the shape</summary>
#
# N matrices of D×C: the result is (N, D, C), with entry $[n, d, c] = g_{nd}\,x_{nc}$. Nothing is added up, so no index disappears.
#
# </details>
#
# <details><summary>Hint 2: an outer product by broadcasting</summary>
#
# A column (D, 1) times a row (1, C), elementwise, broadcasts to (D, C). Now put the N in front of both. `None` in an index makes a dimension of size 1.
#
# </details>


# %% exercise="per_sample_gradients" difficulty=2 minutes=8
def per_sample_gradients(x: torch.Tensor, grad_s: torch.Tensor) -> torch.Tensor:
    """The gradient of a linear layer's weight, for each sample by itself.

    x: (N, C), the inputs. grad_s: (N, D), the gradient with respect to the outputs. Returns: (N, D, C).
    """
    ### BEGIN SOLUTION
    return grad_s[:, :, None] * x[:, None, :]
    ### END SOLUTION


# %% check="per_sample_gradients" points=2
g = torch.Generator().manual_seed(16)
# As many outputs as features first: there, turned matrices have the right shape and only wrong numbers.
x, grad_s = torch.randn(5, 3, generator=g), torch.randn(5, 3, generator=g)
before = [x.clone(), grad_s.clone()]
wanted = torch.stack([torch.outer(grad_s[n], x[n]) for n in range(5)])
batch = grad_s.T @ x
with forbidden("backward", "grad"):
    answer = per_sample_gradients(inplace(x), inplace(grad_s))
expect(
    answer,
    wanted,
    "per_sample_gradients(x, grad_s) for N=5, C=3, D=3",
    mistakes={
        "Each matrix is turned: it must have one row per output, as the weight has.": wanted.transpose(1, 2),
        "This is the sum over the samples: keep them apart.": batch,
        "This is the sum over the samples, repeated: keep them apart.": batch.expand(5, 3, 3),
        "These are the products of sample with sample: here every output meets every feature.": grad_s @ x.T,
        "This is divided by N: each sample gives its whole share.": wanted / 5,
        "Output d meets every feature c: the elementwise product of the two has only d = c.": grad_s * x,
    },
)
expect([x, grad_s], before, "x and grad_s are left as they were")
x, grad_s = torch.randn(6, 4, generator=g), torch.randn(6, 2, generator=g)
answer = per_sample_gradients(x, grad_s)
expect(
    tuple(answer.shape),
    (6, 2, 4),
    "the shape for N=6, C=4, D=2",
    mistakes={"Each matrix is turned: D×C was asked for.": (6, 4, 2)},
)
weight = torch.zeros(2, 4, requires_grad=True)
F.linear(x, weight).backward(grad_s)
expect(answer.sum(dim=0), weight.grad, "their sum is autograd's gradient of the batch", rtol=1e-4, atol=1e-5)
counts = []
for n in (6, 13):
    x, grad_s = torch.randn(n, 4, generator=g), torch.randn(n, 3, generator=g)
    with Watch() as seen:
        per_sample_gradients(x, grad_s)
    counts.append(len(seen.operations))
more = counts[1] - counts[0]
expect(
    more,
    0,
    "13 samples take no more torch operations than 6 (how many more?)",
    mistakes={f"You loop over the samples or over parts of them: each one costs about {more / 7:.0f}.": more},
)
expect(
    per_sample_gradients(x, grad_s.requires_grad_()).requires_grad,
    True,
    "autograd can follow from grad_s to the result",
    mistakes={"Stay in torch: through lists, NumPy, detach() or backward(), autograd loses the trace.": False},
)
### BEGIN HIDDEN TESTS
for n, c, d in [(1, 3, 5), (8, 1, 4), (7, 6, 1)]:
    x, grad_s = (torch.randn(size, generator=g, dtype=torch.float64) for size in [(n, c), (n, d)])
    alone = []
    for k in range(n):
        weight = torch.zeros(d, c, dtype=torch.float64, requires_grad=True)
        F.linear(x[k : k + 1], weight).backward(grad_s[k : k + 1])
        alone.append(weight.grad)
    what = f"each sample by itself, as autograd has it, for N={n}, C={c}, D={d}, in float64"
    expect(per_sample_gradients(x, grad_s), torch.stack(alone), what)
### END HIDDEN TESTS

# %% [markdown]
# ## A batch in parts
#
# A large batch may not fit: autograd keeps the activations of all its samples until `backward`. The way out uses what you know: **gradients add up**, in
# `.grad` (`02_gradients_and_optimizers`) and over samples (just now). Send the batch in parts, called *micro-batches*, call `backward()` after each, and step only when all are
# through. It is called **gradient accumulation**.
#
# Does it give the *same* gradient? With a loss that takes the mean, look closely.
#
# **Before you run it:** ten samples are cut into parts of 4, 4 and 2. Is the mean loss of the whole the mean of the three mean losses?

# %% predict
torch.manual_seed(0)
x, y = torch.randn(10, 3), torch.randn(10, 1)
model = nn.Linear(3, 1)
with torch.no_grad():
    whole = F.mse_loss(model(x), y).item()
    parts = [(len(part), F.mse_loss(model(part), target).item()) for part, target in zip(x.split(4), y.split(4))]

for n, loss in parts:
    print(f"{n} samples: mean loss {loss:.4f}")
print(f"mean of the three:           {sum(loss for _, loss in parts) / 3:.4f}")
print(f"weighted by 4/10, 4/10, 2/10: {sum(n / 10 * loss for n, loss in parts):.4f}")
print(f"the whole batch:             {whole:.4f}")

# %% [markdown]
# Not quite. The plain mean of the three counts each sample of the small part twice as much as the others. With the weights $n_k/N$ every sample counts $\frac1N$, as in the whole
# batch. The same holds for the gradients, because a gradient of a weighted sum is the weighted sum of gradients:
#
# $$L = \sum_k \frac{n_k}{N}\,L_k, \qquad \frac{\partial L}{\partial w} = \sum_k \frac{n_k}{N}\,\frac{\partial L_k}{\partial w} .$$

# %%
figure, ax = canvas(24.6, 6.2, cell=0.34)
left = 0.4
for k, n in enumerate([4, 4, 2]):
    for j in range(n):
        face = (COLOURS["input"], 0.3)
        ax.add_artist(plt.Rectangle((left + 2 * j, 0.9), 2, 1.5, facecolor=face, edgecolor=INK, linewidth=0.8))
        write(ax, left + 2 * j + 1, 1.65, f"1/{n}", 9)
    write(ax, left + n, 0.4, f"part {k + 1}: {n} samples", 9.5, COLOURS["input"])
    ax.annotate(
        "", (left + n, 3.9), (left + n, 2.6), arrowprops={"arrowstyle": "->", "color": COLOURS["loss"], "lw": 1.6}
    )
    write(ax, left + n + 0.4, 3.2, f"× {n}/10", 10, COLOURS["loss"], ha="left", weight="bold")
    for j in range(n):
        face = (COLOURS["loss"], 0.2)
        ax.add_artist(plt.Rectangle((left + 2 * j, 4.1), 2, 1.5, facecolor=face, edgecolor=INK, linewidth=0.8))
        write(ax, left + 2 * j + 1, 4.85, "1/10", 9)
    left += 2 * n + 1.8
show(
    figure,
    alt="Ten samples in parts of 4, 4 and 2. Above, in blue, the share of a sample in the mean of its own part: 1/4, 1/4 and 1/2. "
    "The parts are multiplied by 4/10, 4/10 and 2/10. Below, in red, every sample has the share 1/10.",
)

# %% [markdown]
# ### Exercise: Gradient accumulation
#
# Write `accumulate_gradients(model, x, y, size)`. Afterwards each parameter's `.grad` is the gradient of `F.mse_loss(model(x), y)` over the **whole** batch (mean reduction), but the
# model never sees more than `size` samples at once:
#
# - gradients from before the call are cleared first;
# - the parts are the rows 0 to `size`, then the next `size` rows, and so on; the last part may be smaller. Each part goes through `model` exactly once;
# - `backward()` is called for each part before the next one goes through the model. Only then is memory for one part enough;
# - it returns the loss of the whole batch as a Python `float`. The parameters, `x` and `y` stay as they are: no optimizer step.
#
# <details><summary>Hint 1: the parts</summary>
#
# `x.split(size)` gives the parts, the last one possibly smaller. `y` is cut in the same way.
#
# </details>
#
# <details><summary>Hint 2: the weights</summary>
#
# Multiply a part's loss by its share of the samples *before* `backward()`. The share is made with the part's own number of samples, not with `size`.
#
# </details>
#
# <details><summary>Hint 3: what is cleared when?</summary>
#
# `model.zero_grad()` once, at the beginning. In the loop, the adding up of gradients is just what you want.
#
# </details>


# %% exercise="accumulate_gradients" difficulty=3 minutes=12
def accumulate_gradients(model: nn.Module, x: torch.Tensor, y: torch.Tensor, size: int) -> float:
    """The whole batch's gradient of the mean squared error, from parts of at most `size` samples.

    x: (N, C). y: (N, D), what model(x) should be. Returns: the loss of the whole batch; the gradients are in .grad.
    """
    ### BEGIN SOLUTION
    model.zero_grad()
    total = 0.0
    for part, target in zip(x.split(size), y.split(size)):
        loss = F.mse_loss(model(part), target) * (len(part) / len(x))
        loss.backward()
        total += loss.item()
    return total
    ### END SOLUTION


# %% check="accumulate_gradients" points=3
class Watched(nn.Linear):
    """A linear layer that writes down what happens: the size of each batch, and "backward" for each backward pass."""

    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.events = []

    def forward(self, x):
        self.events.append(len(x))
        output = super().forward(x)
        if output.requires_grad:
            output.register_hook(lambda gradient: self.events.append("backward"))
        return output


g = torch.Generator().manual_seed(17)
x, y = torch.randn(10, 3, generator=g), torch.randn(10, 2, generator=g)
model = Watched(3, 2)
with torch.no_grad():
    for parameter in model.parameters():
        parameter.copy_(torch.randn(parameter.shape, generator=g))
weight, bias = model.weight.detach().clone().requires_grad_(), model.bias.detach().clone()
loss = F.mse_loss(F.linear(x, weight, bias), y)
whole = torch.autograd.grad(loss, weight)[0]
one, two, three = (
    torch.autograd.grad(F.mse_loss(F.linear(part, weight, bias), target), weight)[0]
    for part, target in zip(x.split(4), y.split(4))
)
old = torch.randn(2, 3, generator=g)
model.weight.grad, model.bias.grad = old.clone(), torch.ones(2)
before = [x.clone(), y.clone()]
close = {"rtol": 1e-4, "atol": 1e-5}

answer = accumulate_gradients(inplace(model), inplace(x), inplace(y), 4)
expect(
    [event for event in model.events if event != "backward"],
    [4, 4, 2],
    "the sizes of the batches that the model got, for 10 samples and size=4",
    mistakes={
        "The whole batch went through the model at once: yet there is no memory for more than size samples.": [10],
        "The last, smaller part is missing.": [4, 4],
        "size is the number of samples in a part, not the number of parts.": [3, 3, 3, 1],
        "Each sample went through by itself.": [1] * 10,
        "The whole batch went through too: add up the loss from the parts.": [4, 4, 2, 10],
    },
)
gradient = torch.zeros_like(weight) if model.weight.grad is None else model.weight.grad.detach()
expect(
    model.events,
    [4, "backward", 4, "backward", 2, "backward"],
    "each part goes backward before the next one goes forward",
    mistakes={
        "Call backward() for each part, inside the loop: else the memory of all parts is needed.": [4, 4, 2]
        + 3 * ["backward"],
        "Nothing goes backward: is backward() missing?": [4, 4, 2],
        "Only the last part goes backward: call backward() inside the loop.": [4, 4, 2, "backward"],
    },
)
expect(
    gradient,
    whole,
    "the weight's gradient for parts of 4, 4 and 2 is that of the whole batch",
    mistakes={
        "You added up the gradients of three means: weight each part by its share of the samples.": one + two + three,
        "You weighted the parts equally: the last one has 2 samples, the others 4.": (one + two + three) / 3,
        "The share of the last part is 2/10, not size/N = 4/10.": 0.4 * (one + two + three),
        "Only the last part's gradient is there: clear the gradients once, not in the loop.": three,
        "Only the last part's gradient is there: clear the gradients once, not in the loop. (Its weight is right.)": 0.2
        * three,
        "The gradient from before the call is still in it: clear it first.": old + whole,
        "The gradient from before the call is still in it, and the parts are not weighted.": old + one + two + three,
        "You added up squares without dividing: the mean over all components was asked for.": whole * 20,
        "You divided by the number of samples: the mean is over all components, N·D.": whole * 2,
    },
    **close,
)
expect(
    type(answer).__name__,
    "float",
    "the loss is returned as a Python float",
    mistakes={"Nothing comes back: is a `return` missing?": "NoneType", "Use .item() to get the number.": "Tensor"},
)
losses = [F.mse_loss(F.linear(p, weight, bias), t).item() for p, t in zip(x.split(4), y.split(4))]
expect(
    answer,
    loss.item(),
    "the loss of the whole batch",
    mistakes={
        "This is the loss of the last part.": losses[-1],
        "This is the loss of the last part, weighted.": 0.2 * losses[-1],
        "These are three means added up: weight them as you weighted the gradients.": sum(losses),
        "This is the plain mean of the three: weight them as you weighted the gradients.": sum(losses) / 3,
    },
    **close,
)
expect([model.weight.detach(), model.bias.detach()], [weight.detach(), bias], "the parameters are left as they were")
expect([x, y], before, "x and y are left as they were")
x, y = torch.randn(8, 3, generator=g), torch.randn(8, 2, generator=g)
model.events.clear()
accumulate_gradients(inplace(model), x, y, 4)
expect(
    [event for event in model.events if event != "backward"],
    [4, 4],
    "the sizes of the batches that the model got, for 8 samples and size=4",
    mistakes={"An empty part went through: 8 samples fill exactly two parts, there is no third.": [4, 4, 0]},
)
### BEGIN HIDDEN TESTS
for n, size in [(7, 3), (12, 4), (5, 9), (6, 1), (1, 2)]:
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3)).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=g, dtype=torch.float64))
    x, y = (torch.randn(n, c, generator=g, dtype=torch.float64) for c in (4, 3))
    loss = F.mse_loss(model(x), y)
    wanted = torch.autograd.grad(loss, list(model.parameters()))
    for again in ("", ", called again"):
        answer = accumulate_gradients(inplace(model), x, y, size)
        what = f"for N={n}, size={size}, two layers, float64{again}"
        expect([parameter.grad for parameter in model.parameters()], wanted, f"the gradients {what}")
        expect(answer, loss.item(), f"the loss {what}", rtol=1e-6, atol=1e-8)
### END HIDDEN TESTS

# %% [markdown]
# ## Recap
#
# Answer from memory, then unfold.
#
# <details><summary>1. 640 samples go through 5 modules. How often are parameters copied into the cache one by one, in batches of 64, and all at once? What moves more in exchange?</summary>
#
# 640 · 5 = 3200 times; 10 batches · 5 = 50 times; 5 times. The samples move more: each comes into the cache once for every module. They are small, compared with the parameters.
#
# </details>
#
# <details><summary>2. You timed a matrix product on a GPU, and it took 10 µs whatever the size of the matrices. What did you really time, and how do you mend it?</summary>
#
# You timed how long Python needs to put the product into the GPU's queue. Call `torch.cuda.synchronize()` before you stop the clock (and before you start it), warm up once, repeat, and take the
# median.
#
# </details>
#
# <details><summary>3. A colleague cuts a batch of 100 into parts of 32, averages the four losses and calls the result the batch's loss. What is wrong, and what would be right?</summary>
#
# The parts have 32, 32, 32 and 4 samples. Averaging gives each sample of the last part eight times the weight of the others. Multiply each part's mean loss by 0.32, 0.32, 0.32 and 0.04 and
# add up, or add up the sums of squares and divide once.
#
# </details>
#
# **Next**: `07_convolution`. A linear layer for an image of 256×256 pixels in colour would have nearly 39 billion weights. A convolution uses a few numbers again and again, at every place of the image.
