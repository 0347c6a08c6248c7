# %% [markdown]
# # Batch processing
#
# Networks hardly ever get their samples one at a time; they get them in batches. At the end of this notebook, your functions train a classifier
# on real digits and point out the images that it finds hardest.
#
# After this notebook you can
#
# - explain why networks get batches: count how often parameters are copied into a small, fast memory, with and without batches;
# - turn a loop over samples into a few operations on the whole batch, forward and backward, and prove it by counting operations;
# - time code so that the number means something, and find the batch size beyond which your machine gains nothing;
# - split a batch that does not fit into memory, and still get the gradient of the whole.
#
# **Points**: 12. **Time**: about 45 minutes of reading and 55 minutes for the 7 exercises. **You need**: shapes and broadcasting (`01_tensors`),
# `backward()` and `.grad` (`02_gradients_and_optimizers`), $s = x\,w^T + b$ and its backward pass (`04_linear`), `F.mse_loss` and its `reduction` (`05_mse_loss`).
#
# The check below each exercise tests what its text asks for. The grader tests the same things with other values.
#
# Unless an exercise says otherwise, tensors are on the CPU and hold at least one element, and their values are finite. An argument that must not be
# changed keeps its values, shape and dtype. A later call never changes an earlier result.

# %% setup

# %% [markdown]
# ## From columns to rows
#
# A textbook writes a linear layer for **one** sample, as a column: $s_n = w\,x_n$. Code keeps all $N$ samples in one matrix, one sample per **row**,
# so that the first index is the number of the sample:
#
# $$x = \begin{pmatrix} x_{1,1} & \dots & x_{1,C} \\ \vdots & & \vdots \\ x_{N,1} & \dots & x_{N,C} \end{pmatrix}
# = \begin{pmatrix} (x_1)^T \\ \vdots \\ (x_N)^T \end{pmatrix} \in \mathbb{R}^{N \times C}.$$
#
# The literal translation of the textbook is a loop over the rows. It can also be done in one product. (`w.mv(v)` is matrix times vector, `x.mm(y)` is
# matrix times matrix, `t()` transposes.)
#
# **Before you run it:** `x` holds four samples and is 4×3; `w` is 2×3. What is the shape of `w.mv(x[0])`? And of `x.mm(w.t())`?

# %% predict
x = torch.tensor([[1.0, 0, 2], [0, 3, 0], [1, 1, 1], [2, 0, -1]])
w = torch.tensor([[1.0, 2, 3], [0, -1, 1]])

loop = torch.stack([w.mv(row) for row in x])
batched = x.mm(w.t())

print("w.mv(x[0])", tuple(w.mv(x[0]).shape), "   x.mm(w.t())", tuple(batched.shape))
print("the same numbers:", torch.equal(loop, batched))
print(batched)

# %% predict folded label="Draw both ways"
# Helpers for this notebook's pictures.
SUBSCRIPTS = "₁₂₃₄"


def canvas(width, height, cell=0.42):
    """A figure without axes, `width` × `height` cells large, y pointing down."""
    figure, ax = plt.subplots(figsize=(width * cell, height * cell))
    figure.subplots_adjust(0, 0, 1, 1)
    ax.set(xlim=(0, width), ylim=(height, 0), aspect="equal")
    ax.axis("off")
    return figure, ax


def write(ax, x, y, text, size=10.0, colour=INK, **options):
    ax.text(x, y, text, **({"ha": "center", "va": "center", "fontsize": size, "color": colour} | options))


def box(ax, left, top, width, height, role, strength=0.3, **options):
    """A rectangle in the colour of a role."""
    style = {"facecolor": (COLOURS[role], strength), "edgecolor": INK, "linewidth": 0.8} | options
    ax.add_artist(plt.Rectangle((left, top), width, height, **style))


def empty(ax, left, top, size, name, role):
    """A grid without numbers, for pictures in which only the shape counts."""
    draw_grid(ax, Grid(torch.zeros(size), name, role, hide=True), left, top)


figure, ax = canvas(18.6, 20.6, cell=0.36)
write(ax, 0.2, 0.7, "columns: one product for each sample", 11, ha="left", weight="bold")
for k in range(4):
    left, top = 0.6 + 9.6 * (k % 2), 2.9 + 5.2 * (k // 2)
    empty(ax, left, top + 0.5, (2, 3), "w", "learned")
    empty(ax, left + 3.7, top, (3, 1), f"x{SUBSCRIPTS[k]}", "input")
    write(ax, left + 5.3, top + 1.5, "=", 14)
    empty(ax, left + 6.1, top + 0.5, (2, 1), f"s{SUBSCRIPTS[k]}", "output")
write(ax, 0.2, 13.0, "rows: one product for all samples", 11, ha="left", weight="bold")
empty(ax, 0.6, 15.5, (4, 3), "x", "input")
empty(ax, 4.9, 16.0, (3, 2), "wᵀ", "learned")
write(ax, 7.9, 17.5, "=", 15)
empty(ax, 8.8, 15.5, (4, 2), "s", "output")
write(ax, 12.2, 16.4, "N = 4 samples", ha="left")
write(ax, 12.2, 17.5, "C = 3 features", ha="left")
write(ax, 12.2, 18.6, "D = 2 outputs", ha="left")
show(
    figure,
    alt="Above, columns: four separate products, each of the weight w, 2×3, and a column of 3×1, x₁ to x₄, giving a column "
    "of 2×1, s₁ to s₄. The weight is drawn four times. Below, rows: one product of x, 4×3, and wᵀ, 3×2, gives s, 4×2. "
    "The weight is drawn once.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# `w.mv(x[0])` has one number for each output: `(2,)`. Transpose both sides of the textbook's equation and the output becomes a row. The equation is
# the same for every row, so one product does them all, N×C times C×D gives N×D:
#
# $$(s_n)^T = (w\,x_n)^T = (x_n)^T\,w^T \quad\text{for each } n \qquad\Longrightarrow\qquad s = x\,w^T .$$
#
# </details>
#
# ### Exercise: A layer without its loop
#
# Here is a linear layer followed by a ReLU, written as in a textbook, one sample after another:
#
# ```python
# s = torch.empty(len(x), len(weight), dtype=x.dtype)
# for k in range(len(x)):
#     s[k] = (weight.mv(x[k]) + bias).clamp(min=0)
# ```
#
# Write `layer_for_batch(x, weight, bias)`. It returns the same `s`, for float32 and float64, without a loop over the samples. The numbers in `x` and
# `weight` may be tiny or large, up to $10^{15}$ in absolute value. The bias may even be infinite: $-\infty$ gives an output of 0, $\infty$ an output of
# $\infty$. The arguments must not be changed.
#
# **What “without a loop” means in this notebook.** The check counts the torch operations that your function performs, even small ones such as `x[k]`
# or `w.t()`. **Their number must not depend on N**, for up to 100,000 samples. (A loop over the features would pass, but you never need one.) Nothing
# is timed, so the speed of your machine does not matter. And **gradients must reach every argument**. So **stay in torch**: no lists of numbers, no
# NumPy and no threads. All of them hide a loop from the check, and autograd cannot follow lists or NumPy.
#
# In every exercise with a batch, the result keeps the samples' dimension, even for a single sample.
#
# <details><summary>Hint 1: which product?</summary>
#
# The one in the lower half of the picture: it has all the $w\,x_n$ in its rows. (`mv` takes one vector only.)
#
# </details>
#
# <details><summary>Hint 2: and the rest of the line?</summary>
#
# `+` broadcasts a bias of shape `(D,)` over N rows. `clamp` works on any shape.
#
# </details>


# %% exercise="layer_for_batch" difficulty=1 minutes=5
def layer_for_batch(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    """A linear layer and a ReLU, for a batch of row vectors.

    x: (N, C). weight: (D, C). bias: (D,). Returns: (N, D), a new tensor of the dtype of x.
    """
    ### BEGIN SOLUTION
    return (x @ weight.T + bias).clamp(min=0)
    ### END SOLUTION


# %% check="layer_for_batch" points=1
g = torch.Generator().manual_seed(11)


def by_loop(x, weight, bias):
    return torch.stack([torch.stack([(row * line).sum() for line in weight]) + bias for row in x])


def untouched(names, now, before):
    changed = [name for name, mine, theirs in zip(names, now, before) if not torch.equal(mine, theirs)]
    first = changed[0] if changed else ""
    advice = (
        f"Your code changes {first} in place: look for names that end in _, for += and the like, for {first}[…] = …"
    )
    require(not changed, f"{' and '.join(names)} should stay unchanged", advice)


# All square first: there, a wrong order or a forgotten transpose raises no error, it only gives wrong numbers.
x, weight, bias = (3 * torch.randn(size, generator=g) for size in [(3, 3), (3, 3), (3,)])
before = [x.clone(), weight.clone(), bias.clone()]
s, swapped = by_loop(x, weight, bias), by_loop(x, weight.T, bias)
wanted = torch.where(s > 0, s, 0.0)
answer = layer_for_batch(inplace(x), inplace(weight), inplace(bias))
untouched(("x", "weight", "bias"), (x, weight, bias), before)
again = layer_for_batch(x, weight, bias)
require(
    not all(isinstance(one, torch.Tensor) for one in (answer, again))
    or torch.equal(answer.nan_to_num(), again.nan_to_num()),
    "the same arguments should give the same result",
    "A new nn.Linear or nn.Parameter has random numbers of its own: use `weight` and `bias`.",
)
expect(
    answer,
    wanted,
    "layer_for_batch(x, weight, bias) for shapes (3, 3), (3, 3), (3,)",
    mistakes={
        "The weight is not transposed.": torch.where(swapped > 0, swapped, 0.0),
        "The ReLU is missing: negative outputs become 0. (`clamp` returns a new tensor: use its result.)": s,
        "The ReLU is upside down: clamp(min=0) keeps the positive numbers.": torch.where(s < 0, s, 0.0),
        "The bias is subtracted: add it.": torch.where(s > 2 * bias, s - 2 * bias, 0.0),
        "`*` multiplies element by element: the matrix product is `@` or mm.": (
            torch.stack([(row * line + bias).clamp(min=0) for row, line in zip(x, weight)])
        ),
        "The bias is missing.": torch.where(s > bias, s - bias, 0.0),
        "Add the bias before the ReLU, not after it.": torch.where(s > bias, s - bias, 0.0) + bias,
        "The result is transposed: it should have one row per sample.": wanted.T,
        "This is weight times x: the samples are rows, so x comes first.": (
            by_loop(weight, x.T, bias) * (by_loop(weight, x.T, bias) > 0)
        ),
        "The result is transposed, and the bias was added along the samples: one row per sample was asked for.": (
            ((s - bias).T + bias) * ((s - bias).T + bias > 0)
        ),
        "The bias was added along the samples: it has one number for each output.": (
            (s - bias + bias[:, None]) * (s - bias + bias[:, None] > 0)
        ),
    },
    rtol=1e-4,
    atol=1e-5,
)
x, weight, bias = (torch.randn(size, generator=g, dtype=torch.float64) for size in [(1, 5), (2, 5), (2,)])
wanted = torch.where(by_loop(x, weight, bias) > 0, by_loop(x, weight, bias), 0.0)
expect(
    layer_for_batch(x, weight, bias),
    wanted,
    "layer_for_batch(x, weight, bias) for one sample, in float64",
    mistakes={"With one sample, squeeze() removes the dimension of the samples as well.": wanted[0]},
)
x, weight, bias = torch.randn(13, 5, generator=g), torch.randn(2, 5, generator=g), torch.randn(2, generator=g)
s = by_loop(x, weight, bias)
wanted, counts = torch.where(s > 0, s, 0.0), {}
for times in (1, 2, 7_500):
    many = x.repeat(times, 1)
    with Watch() as seen:
        answer = layer_for_batch(many, weight, bias)
    n, counts[times] = 13 * times, len(seen.operations)
    expect(answer, wanted.repeat(times, 1), f"layer_for_batch(x, weight, bias) for {n:,} samples", rtol=1e-4, atol=1e-5)
    if times > 1:
        require(
            counts[times] == counts[1],
            f"{n:,} samples should take no more torch operations than 13",
            f"You loop over the samples or over blocks of them: {n:,} samples take {counts[times]:,} operations, "
            f"13 samples take {counts[1]}.",
        )
leaves = [x.requires_grad_(), weight.requires_grad_(), bias.requires_grad_()]
push = torch.randn(13, 2, generator=g)
try:
    answer = layer_for_batch(*leaves)
except RuntimeError as error:
    require(
        "numpy" not in str(error),
        "no NumPy, torch alone",
        "Stay in torch: autograd cannot follow through NumPy.",
    )
    raise
require(
    answer.requires_grad,
    "autograd should be able to follow from the arguments to the result",
    "Stay in torch: on the way through lists, NumPy, detach() or no_grad(), autograd loses track.",
)
found = torch.autograd.grad(answer, leaves, push, allow_unused=True)
ideal = torch.autograd.grad(by_loop(*leaves).relu(), leaves, push)
for name, mine, theirs in zip(("x", "weight", "bias"), found, ideal):
    if mine is None:
        require(
            False,
            f"a gradient should reach {name}",
            f"{name} was cut off: is there a detach(), a no_grad() or a copy, such as a new Parameter?",
        )
    expect(mine, theirs, f"the gradient for {name}", rtol=1e-4, atol=1e-4)
advice = "−∞ times 0 is nan: do not multiply by a mask; use `clamp(min=0)` or `torch.where`."
for number, dot in [(1.0, 3.0), (1e15, 3e30)]:
    x, bias = torch.full((4, 3), number), torch.tensor([-math.inf, 10_000.0, math.inf])
    before, wanted = bias.clone(), torch.tensor([[0.0, dot + 10_000, math.inf]]).repeat(4, 1)
    answer = layer_for_batch(x, x[:3], inplace(bias))
    untouched(["bias"], [bias], [before])
    expect(
        answer,
        wanted,
        f"layer_for_batch for a bias of −∞, 10,000 and ∞, all other numbers being {number:g}",
        mistakes={advice: torch.where(wanted > 0, wanted, math.nan)},
    )


PYTHON = {"tolist", "numpy", "__array__", "__dlpack__", "Thread.start"}  # ways out of torch, or out of sight
CLOSE = {torch.float32: {"rtol": 1e-5, "atol": 1e-4}, torch.float64: {"rtol": 1e-9, "atol": 1e-9}}
LAYOUTS = {
    "stored column by column": lambda one: one.T.contiguous().T if one.dim() == 2 else one,
    "every second number of a larger tensor": lambda one: torch.stack([one, one + 1], -1)[..., 0],
    "one row repeated by expand": lambda one: one[:1].expand(one.shape),
}


def must(condition, what, otherwise):
    """As require, but silent if all is well."""
    if not condition:
        require(False, what, otherwise)


def agree(mine, theirs, what, **rules):
    """As expect, but silent if all is well."""
    rules = rules or CLOSE[theirs.dtype]
    fits = isinstance(mine, torch.Tensor) and (mine.shape, mine.dtype) == (theirs.shape, theirs.dtype)
    if not (fits and torch.allclose(mine, theirs, **rules)):
        expect(mine, theirs, what, **rules)


def call(*arguments):
    """The learner's result, and what torch did. The arguments are looked at before the result."""
    before = [one.detach().clone() for one in arguments]
    with Watch() as seen:
        answer = layer_for_batch(*(one if one.requires_grad else inplace(one) for one in arguments))
    if not all(map(torch.equal, arguments, before)):
        untouched(("x", "weight", "bias"), arguments, before)
    told = "Your code leaves torch: lists, NumPy and threads hide a loop from the check. Stay in torch."
    must(not PYTHON & set(seen.functions), "torch should compute everything", told)
    return answer, seen


def thorough(groups, odd):
    """Values, gradients, arguments and the number of operations, for many inputs.

    groups: the sizes that share their widths, and so must take equally many operations. odd: sizes for other layouts.
    """
    kept, cases, counted = [], [], {}
    for dtype in (torch.float32, torch.float64):
        for k, sizes in enumerate(groups):
            cases += [(size, "", make(*size, dtype), (k, dtype)) for size in sizes]
        cases += [(odd, f", {name}", list(map(layout, make(*odd, dtype))), None) for name, layout in LAYOUTS.items()]
    for size, layout, arguments, group in cases:
        names = ", ".join(f"{letter}={number}" for letter, number in zip("NCD", size))
        about = f"layer_for_batch for {names} in {str(arguments[0].dtype)[6:]}{layout}"
        leaves = [one.detach().clone(memory_format=torch.preserve_format).requires_grad_() for one in arguments]
        ideal = by_loop(*leaves).clamp(min=0)
        push = torch.randint(-3, 4, ideal.shape, generator=g).to(ideal.dtype)
        theirs = torch.autograd.grad(ideal, leaves, push)
        made = [leaf.clone() for leaf in leaves]
        for given, kind in [(arguments, ""), (leaves, ", with requires_grad"), (made, ", given what a layer made")]:
            what = about + kind
            answer, seen = call(*given)
            agree(answer, ideal.detach(), what)
            kept.append((answer, answer.detach().clone()))
            if group and size[0] > 1:
                count = len(seen.operations)
                other, few = counted.setdefault((*group, kind), (size, count))
                told = f"You loop: {count:,} operations instead of {few}."
                must(count == few, f"{what}: there should be as many operations as for sizes {other}", told)
            if not kind:
                continue
            must(
                answer.requires_grad, f"{what}: autograd should be able to follow", "Is there a detach() or no_grad()?"
            )
            found = torch.autograd.grad(answer, leaves, push, allow_unused=True)
            for name, mine, right in zip(("x", "weight", "bias"), found, theirs):
                must(mine is not None, f"{what}: a gradient should reach {name}", "Is there a detach() or no_grad()?")
                agree(mine, right, f"the gradient for {name}, {what}")
    told = "A later call overwrote it: make a new tensor in each call."
    must(all(torch.equal(*pair) for pair in kept), "an earlier result should stay as it was", told)
    require(
        True, f"right, without a loop and with gradients, for {len(cases)} more inputs of other sizes and layouts", ""
    )


def make(n, c, d, dtype):
    """Numbers that float32 rounds; with the bias no output is exactly 0."""
    x, weight, bias = (torch.randint(-3, 4, size, generator=g).to(dtype) for size in [(n, c), (d, c), (d,)])
    return [x / 3, weight / 7, bias + 0.1]


thorough(
    [[(2, 5, 2), (3, 5, 2), (12, 5, 2), (40, 5, 2)], [(1, 8, 1), (5, 8, 1), (20, 8, 1)], [(1, 1, 7), (9, 1, 7)]],
    (6, 4, 3),
)
x, weight, bias = (one * tiny for one, tiny in zip(make(4, 7, 3, torch.float64), (2.0**-12, 2.0**-12, 2.0**-24)))
wanted = by_loop(x, weight, bias).relu()
expect(layer_for_batch(x, weight, bias), wanted, "layer_for_batch for numbers below 1/1000", rtol=1e-9, atol=0)
### BEGIN HIDDEN TESTS
thorough(
    [[(3, 4, 7), (4, 4, 7), (11, 4, 7), (70, 4, 7)], [(1, 6, 1), (8, 6, 1), (21, 6, 1)], [(1, 9, 3), (7, 9, 3)]],
    (5, 3, 6),
)
x, weight, bias = (one * tiny for one, tiny in zip(make(3, 6, 5, torch.float64), (2.0**-11, 2.0**-13, 2.0**-24)))
wanted = by_loop(x, weight, bias).relu()
expect(layer_for_batch(x, weight, bias), wanted, "layer_for_batch for numbers below 1/1000", rtol=1e-9, atol=0)
x, wanted = torch.full((2, 5), 1e12), torch.tensor([[5e24, 0.0]] * 2)
answer = layer_for_batch(x, x, torch.tensor([0.0, -math.inf]))
expect(answer, wanted, "layer_for_batch for a bias of 0 and −∞, all other numbers being 1e12")
### END HIDDEN TESTS

# %% [markdown]
# ## Copies into a small fast memory
#
# The numbers are the same. So why does everybody prefer the batch? A processor does not compute in its large main memory. It computes with what is in
# its **cache**: fast, close to the arithmetic, and small. Here is a simple model of it. To compute $f_d(x_n)$, two things must be in the
# cache: the parameters of the module $f_d$ **and** the sample. There is room for one module and one sample. Using another module means
# copying its parameters in and pushing the old ones out. Such a copy can take longer than the arithmetic itself.
#
# (This is a simplification, and real machines are kinder: they have several caches, some of them large, and they load a big weight piece by piece.
# GPUs have caches too. But the trend is the one the model shows, and below you will measure it.)
#
# Take three modules in a row, $f = f_3 \circ f_2 \circ f_1$, and three samples $x_1, x_2, x_3$. Computing $f(x_1), f(x_2), f(x_3)$ takes nine
# steps, in whatever order.
#
# **Before you run it:** how many times are parameters copied into the cache if the samples go through one by one? And if all three samples go
# through a module, one after another, before the next module is loaded?

# %% predict
torch.manual_seed(0)
f = [nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4)]
samples = torch.randn(3, 4)


def use(d, batch, log):
    """Apply module d to all rows of the batch. Its parameters are copied into the cache once for that: write it down."""
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

# %% predict folded label="Watch the nine computations"
ORDERS = {
    "one by one": [(n, d) for n in range(3) for d in range(3)],  # all modules for a sample, then the next sample
    "batched": [(n, d) for d in range(3) for n in range(3)],  # all samples for a module, then the next module
}


def lane(ax, top, title, order, i):
    """The state after computation i: the cache, and which of the nine computations (sample, module) are done."""
    copied = [k for k in range(len(order)) if k == 0 or order[k][1] != order[k - 1][1]]
    n, d = order[i]
    write(ax, 0.2, top, title, 12, ha="left", weight="bold")
    copies = sum(k <= i for k in copied)
    write(ax, 11.0, top, f"parameters copied: {copies}×", 11, COLOURS["learned"], ha="right", weight="bold")
    write(ax, 2.3, top + 1.0, "cache", 10)
    box(ax, 0.2, top + 1.4, 4.2, 3.9, "plain", 0.1, linewidth=1.2)
    sample = f"x{SUBSCRIPTS[n]}"
    for k in range(d):
        sample = f"f{SUBSCRIPTS[k]}({sample})"
    new = i in copied
    edge = {"edgecolor": COLOURS["learned"], "linewidth": 2.6 if new else 1.0}
    box(ax, 0.4, top + 1.6, 3.8, 2.2, "learned", 0.45 if new else 0.15, **edge)
    write(ax, 2.3, top + 2.4, f"parameters of f{SUBSCRIPTS[d]}", 10)
    write(ax, 2.3, top + 3.2, "copied now" if new else "still there", 9, weight="bold" if new else "normal")
    box(ax, 0.4, top + 4.0, 3.8, 1.1, "input", 0.2, edgecolor=COLOURS["input"])
    write(ax, 2.3, top + 4.55, sample, 10)
    for k in range(3):
        write(ax, 6.9 + 1.6 * k, top + 1.0, f"f{SUBSCRIPTS[k]}", 11, COLOURS["learned"])
        write(ax, 5.5, top + 2.05 + 1.3 * k, f"x{SUBSCRIPTS[k]}", 11, COLOURS["input"])
        for column in range(3):
            step = order.index((k, column))
            left, upper = 6.1 + 1.6 * column, top + 1.4 + 1.3 * k
            now = {"linewidth": 2.4} if step == i else {}
            box(ax, left, upper, 1.6, 1.3, "output", 0.0 if step > i else 0.5 if step == i else 0.2, **now)
            if step <= i:
                write(ax, left + 0.95, upper + 0.65, str(step + 1), 11)
            if step <= i and step in copied:
                box(ax, left, upper, 0.36, 1.3, "learned", 1.0, zorder=3)


def frame(ax, i):
    for row, (title, order) in enumerate(ORDERS.items()):
        lane(ax, 0.6 + 6.2 * row, title, order, i)
    box(ax, 0.2, 12.45, 0.36, 0.9, "learned", 1.0)
    write(ax, 0.8, 12.9, "parameters copied for this computation", 9.5, ha="left")
    ax.set(xlim=(0, 11.2), ylim=(13.6, 0), aspect="equal")


stepper(
    frame,
    9,
    keys=[0, 2, 3, 8],
    size=(4.2, 5.1),
    columns=2,
    alt="Four moments of the nine computations, one by one above and batched below. Each half shows the cache, which "
    "holds the parameters of one module and one sample, and a table of samples x₁ to x₃ by modules f₁ to f₃ that fills with "
    "the numbers of the computations. After 1 computation: 1 copy of parameters in both. After 3: one by one has filled "
    "the row of x₁ with 3 copies, batched has filled the column of f₁ with 1 copy. After 4: 4 copies against 2. After all 9: "
    "9 copies, an orange bar on every cell, against 3 copies, a bar on the first cell of each column only.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# One by one, the next computation always needs another module, so its parameters have to be copied: samples × modules = 9. Batched, the parameters of
# a module stay until all samples have used them: modules = 3. The computations are the same nine; only their order differs.
#
# </details>
#
# ### What a batch pays for it
#
# **Before you run it:** the parameters move less. The samples move more: by what factor? The cell draws what happens in the cache, one step after
# another: read it like text. Only the order and the number of the boxes matter, not their widths.

# %% predict folded label="Draw the two schedules"
WIDTH = {"learned": 2.6, "input": 1.1, "output": 1.1}
WORDS = {"learned": "copies of parameters", "input": "copies of samples", "output": "computations"}


def schedule(order):
    """What happens one after another: (role, label) for each copy and each computation."""
    steps, module, sample = [], None, None
    for n, d in order:
        if d != module:
            steps.append(("learned", f"f{SUBSCRIPTS[d]}"))
        if n != sample:
            steps.append(("input", f"x{SUBSCRIPTS[n]}"))
        steps.append(("output", ""))
        module, sample = d, n
    return steps


figure, ax = canvas(13.2, 15.6, cell=0.38)
top = 0.0
for title, order in ORDERS.items():
    steps = schedule(order)
    counts = [f"{sum(role == one for role, _ in steps)} {word}" for one, word in WORDS.items()]
    print(f"{title + ':':12}{', '.join(counts)}")
    write(ax, 0.2, top + 0.6, title, 11, ha="left", weight="bold")
    for third in range(3):  # three lines, to be read like text
        line = steps[third * len(steps) // 3 : (third + 1) * len(steps) // 3]
        left, top = 0.2, top + (1.3 if third == 0 else 1.7)
        for role, label in line:
            box(ax, left, top, WIDTH[role], 1.4, role, 0.45, hatch="...." if role == "output" else None)
            write(ax, left + WIDTH[role] / 2, top + 0.7, label, 10)
            left += WIDTH[role]
    top += 1.9
for k, (role, word) in enumerate([("learned", "copy parameters"), ("input", "copy a sample"), ("output", "compute")]):
    left = 0.2 + 4.7 * k
    box(ax, left, 14.4, 0.9, 0.9, role, 0.45, hatch="...." if role == "output" else None)
    write(ax, left + 1.15, 14.85, word, 9, ha="left")
show(
    figure,
    alt="Two schedules, each of three lines of boxes that are read like text, with a legend. One by one, a line for each sample: a "
    "wide orange box f₁, the copy of its parameters, a narrow blue one, the copy of the sample, a dotted green one, a computation, then "
    "f₂, a computation, f₃, a computation; nine orange boxes and three blue ones in all. Batched, a line for each module: one wide orange "
    "box, then three pairs of blue and green; three orange boxes and nine blue ones. The lines of the batch are shorter.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# By a factor of 3, the number of modules. Module by module, each sample enters the cache once for every module, as the output of the module before.
#
# | copies into the cache | of parameters | of samples |
# |---|---|---|
# | one by one | samples × modules | samples |
# | batched | modules | samples × modules |
#
# That is a bargain as long as a module has many more parameters than a sample has numbers.
#
# </details>
#
# ### Arithmetic intensity
#
# Now real sizes: one layer from $C = 1000$ to $D = 1500$ features, in float32, at 4 bytes per number. The layer computes $N\,C\,D$ products. For
# this, the weight is copied into the cache once for the whole batch; each sample is copied in, and its output copied out. (We now count the outputs,
# too; above we left them out.) The amount of arithmetic per number moved is called **arithmetic intensity**. If it is low, the arithmetic waits for
# the memory: the computation is **memory-bound**. If it is high, the memory keeps up and the arithmetic is the limit: **compute-bound**.
#
# **Before you run it:** how many products are there for each number moved, for a single sample: about 1, 60 or 600? And for a batch of 100,000?

# %% predict
C, D = 1000, 1500
print(f"weight {4 * C * D / 1e6:.1f} MB, a sample {4 * C / 1e3:.1f} kB, its output {4 * D / 1e3:.1f} kB")
for n in (1, 10, 100, 2500, 100_000):
    moved = C * D + n * (C + D)  # the weight once, each sample in, each output out
    print(f"batch of {n:7,}: {n * C * D / moved:5.0f} products per number moved")

# %% [markdown]
# <details><summary>Why?</summary>
#
# For a single sample nearly everything that moves is the weight, and each of its numbers is used **once**. In a batch each is used again and again
# while it is there:
#
# $$\frac{\text{products}}{\text{numbers moved}} = \frac{N\,C\,D}{C\,D + N\,(C + D)} \;\longrightarrow\; \frac{C\,D}{C + D} = 600 \quad\text{for large } N .$$
#
# (Data sheets count operations per *byte*. A product and its addition are two operations, a float32 number has four bytes: so halve our numbers.)
#
# This is not yet a speed-up. Once the numbers arrive faster than the arithmetic can use them, a higher intensity gains nothing: the number of samples
# per second, the *throughput*, levels off long before the intensity does. You will measure that below.
#
# </details>
#
# ### Exercise: Count the copies
#
# In practice, samples come in batches of a given size, and the last batch may be smaller. Each batch goes through all modules before the next one starts.
# Each time a module is used on a batch, its parameters are copied into the cache, once. (Count a copy for every use, even if there is only one
# module.) Write `parameter_copies(samples, modules, batch_size)`: the number of such copies until all `samples` have gone through
# all `modules`. Return an `int`. There are at most a billion samples.
#
# <details><summary>Hint 1: how many batches?</summary>
#
# 10 samples in batches of 4 are 4 + 4 + 2: three batches. Each of them goes through every module.
#
# </details>
#
# <details><summary>Hint 2: rounding up</summary>
#
# `//` divides and rounds down; `math.ceil` rounds up. Or check whether there is a remainder: `%`.
#
# </details>


# %% exercise="parameter_copies" difficulty=1 minutes=4
def parameter_copies(samples: int, modules: int, batch_size: int) -> int:
    """The number of times parameters are copied into the cache, summed over all modules.

    samples, modules: how many there are, at least 1. At most a billion samples.
    batch_size: how many samples a batch has, at least 1. The last batch may have fewer.
    """
    ### BEGIN SOLUTION
    batches = math.ceil(samples / batch_size)
    return batches * modules
    ### END SOLUTION


# %% check="parameter_copies" points=1
expect(
    parameter_copies(10, 7, 4),
    21,
    "parameter_copies(10, 7, batch_size=4): batches of 4, 4 and 2",
    mistakes={
        "The last, smaller batch is missing: it needs the parameters too.": 14,
        "The number of batches is not a whole number: round up.": 17.5,
        "Round up the number of batches first, then multiply: there is no half batch.": 18,
        "Round up the number of batches first, then multiply: you rounded the product down.": 17,
        "This is the number of batches: each of them goes through every module.": 3,
        "This is one by one: batch_size makes no difference.": 70,
        "The batches and the modules multiply, they do not add up.": 10,
        "This is one batch for all: 4 samples fit into a batch, not 10.": 7,
        "The samples that are left over make one batch, however many they are.": 28,
        "Only the type is wrong: the number of copies is an int.": 21.0,
    },
)
expect(
    parameter_copies(12, 7, 4),
    21,
    "parameter_copies(12, 7, batch_size=4): three full batches",
    mistakes={"12 samples fill exactly 3 batches of 4: there is no fourth.": 28},
)
expect(parameter_copies(3, 3, 1), 9, "parameter_copies(3, 3, batch_size=1), the example one by one")
expect(parameter_copies(3, 3, 3), 3, "parameter_copies(3, 3, batch_size=3), the example as one batch")
expect(
    parameter_copies(5, 4, 64),
    4,
    "parameter_copies(5, 4, batch_size=64), fewer samples than fit into a batch",
    mistakes={"5 samples make a batch, even if it is not full.": 0},
)
expect(
    parameter_copies(10, 1, 4),
    3,
    "parameter_copies(10, 1, batch_size=4), a single module",
    mistakes={"A single module counts as well: one copy for every batch.": 1},
)


def several(table):
    """One line for many: samples, modules, batch size, and how many copies that makes."""
    for samples, modules, size, copies in table:
        mine = parameter_copies(samples, modules, size)
        if type(mine) is not int or mine != copies:
            expect(mine, copies, f"parameter_copies({samples}, {modules}, batch_size={size})")
    require(True, f"right for {len(table)} more sets of numbers, small and large", "")


several(
    [
        (640, 5, 64, 50),
        (5001, 3, 2, 7503),
        (1, 1, 1, 1),
        (1, 9, 7, 9),
        (301, 2, 300, 4),
        (299, 2, 300, 2),
        (70_000, 152, 128, 83_144),
        (17, 13, 5, 52),
        (16, 13, 5, 52),
        (15, 13, 5, 39),
        (1_000_000, 2, 1, 2_000_000),
        (99, 1, 10, 10),
        (10_001, 1, 10_000, 2),
        (9, 1000, 4, 3000),
        (525, 1, 75, 7),
        (16_777_217, 1, 1, 16_777_217),
        (40_960_001, 1, 4096, 10_001),
        (1_000_000_000, 1, 999_999_999, 2),
    ]
)
### BEGIN HIDDEN TESTS
several([(2500, 1, 64, 40), (4999, 12, 100, 600), (1, 9, 1, 9), (302, 2, 300, 4), (600, 11, 300, 22), (7, 60, 8, 60)])
several(
    [
        (20_001, 700, 20_000, 1400),
        (60_001, 50, 32, 93_800),
        (23, 4, 6, 16),
        (24, 4, 6, 16),
        (25, 4, 6, 20),
        (3_000_000, 3, 1, 9_000_000),
        (539, 4, 77, 28),
        (1078, 2, 77, 28),
        (33_554_433, 2, 2, 33_554_434),
        (999_999_999, 3, 999_999_998, 6),
    ]
)
### END HIDDEN TESTS

# %% [markdown]
# ## The other reason: Python
#
# Every torch operation that you call goes through Python and then through torch's *dispatcher*: look up the method, check the arguments, choose the
# code for the dtype and device, make a tensor for the result. That takes a few microseconds, whether the tensor has one element or a thousand.
#
# Since every operation passes through the dispatcher, operations can be counted there. A `TorchDispatchMode` watches the code run. (The underscore in
# the name of its module is a warning: it may change between versions.)
#
# **Before you run it:** in a loop, the line `y[k] = w.mv(x[k])` runs 2500 times. How many operations is that? And `x.mm(w.t())`?

# %% predict
from collections import Counter as Tally

from torch.utils._python_dispatch import TorchDispatchMode


class CountOperations(TorchDispatchMode):
    """Inside `with CountOperations() as counted:`, counted.names collects the operations' names."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        self.names.append(operation.overloadpacket.__name__)
        return operation(*args, **(kwargs or {}))


x, w, y = torch.zeros(2500, 4), torch.zeros(3, 4), torch.empty(2500, 3)
with CountOperations() as counted:
    for k in range(2500):
        y[k] = w.mv(x[k])
print(f"loop:    {len(counted.names):6,} operations:", dict(Tally(counted.names)))
with CountOperations() as counted:
    y = x.mm(w.t())
print(f"batched: {len(counted.names):6,} operations:", dict(Tally(counted.names)))

# %% [markdown]
# <details><summary>Why?</summary>
#
# Four for each sample: select the row `x[k]`, multiply, select the row `y[k]`, copy the result into it. The batch takes two, however many samples
# there are.
#
# </details>
#
# How long does one operation take on your machine? Here each addition is repeated 200 times, and the median is taken.

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


for numbers in (1, 10, 100, 1000, 10_000, 100_000):
    each = microseconds(numbers)
    print(f"{numbers:9,} numbers: {each:6.1f} µs in all, {1000 * each / numbers:7.2f} ns for each")

# %% [markdown]
# Adding to 100 numbers takes about as long as adding to one: you pay for the call. Only with large tensors does the call no longer matter.
#
# ### How a loop becomes a batch
#
# Write the loop for one sample first. Then let the first dimension carry all samples:
#
# | in the loop, for sample `k` | for all samples at once | shape |
# |---|---|---|
# | `x[k].sum()` | `x.sum(dim=1)` | (N,) |
# | `x[k] / c[k]`, one number for each sample | `x / c[:, None]`: the extra dimension keeps `c` with its row | (N, C) |
# | `x[k] @ v` | `x @ v` | (N,) |
# | `w @ x[k]` | `x @ w.T` | (N, D) |
# | `x[k] @ y[k]`, two vectors for each sample | `(x * y).sum(dim=1)` | (N,) |
# | `a[n] + b[m]` for all pairs | `a[:, None] + b` | (N, M, C) |
#
# The pattern: a dimension that you sum over disappears, all others stay, and the samples' dimension comes first. `keepdim=True` keeps a dimension of
# size 1, so that the result still broadcasts against what it came from. `torch.einsum("nc,nc->n", x, y)` says the same with letters: a letter that is
# missing after the arrow is summed over.
#
# ### Exercise: Scale every sample to length one
#
# Write `unit_rows(x)`: divide each row of `x` by its length $\|x_n\| = \sqrt{\sum_c x_{nc}^2}$. So that nothing is ever divided by zero, replace any
# length below $10^{-12}$ by $10^{-12}$. A row of zeros then stays a row of zeros, and a row of length $2 \cdot 10^{-13}$ becomes one of length 0.2. No
# entry of `x` exceeds $10^{15}$ in absolute value.
#
# The argument must not be changed, the result is a new tensor of the dtype of `x` (float32 or float64), and there is no loop (as defined in exercise 1: the number
# of operations must not depend on N, and you stay in torch). Gradients must reach `x`; only for rows of zeros and for lengths above $10^4$ do their
# values not matter.
#
# <details><summary>Hint 1: one number for each row</summary>
#
# You sum over the features, so it is `dim=1`. The lengths have shape `(N,)`. To divide each *row* by its own length, they must be `(N, 1)`.
#
# </details>
#
# <details><summary>Hint 2: no length below 10⁻¹²</summary>
#
# `clamp(min=…)` sets a lower bound and leaves everything above it alone. (Adding a small number to every length would change the long rows too.)
#
# </details>


# %% exercise="unit_rows" difficulty=1 minutes=7
def unit_rows(x: torch.Tensor) -> torch.Tensor:
    """Each row divided by its length, or by 1e-12 if the length is smaller than that.

    x: (N, C). Returns: (N, C), a new tensor of the same dtype.
    """
    ### BEGIN SOLUTION
    length = x.square().sum(dim=1, keepdim=True).sqrt()
    return x / length.clamp(min=1e-12)
    ### END SOLUTION


# %% check="unit_rows" points=1
g = torch.Generator().manual_seed(13)


def lengths(x):
    return [math.hypot(*row) for row in x.tolist()]


def by_loop(x, numbers):
    return torch.stack([row / number for row, number in zip(x, numbers)])


def untouched(names, now, before):
    changed = [name for name, mine, theirs in zip(names, now, before) if not torch.equal(mine, theirs)]
    first = changed[0] if changed else ""
    advice = (
        f"Your code changes {first} in place: look for names that end in _, for += and the like, for {first}[…] = …"
    )
    require(not changed, f"{' and '.join(names)} should stay unchanged", advice)


# As many samples as features first: there, a lost dimension raises no error, it only divides by the wrong lengths.
x = torch.randn(4, 4, generator=g)
before, columns, wanted = x.clone(), by_loop(x.T, lengths(x)).T, by_loop(x, lengths(x))
answer = unit_rows(inplace(x))
untouched("x", [x], [before])
expect(
    answer,
    wanted,
    "unit_rows(x) for x of shape (4, 4)",
    mistakes={
        "A shape (N,) is read as (1, N): column c was divided by the length of row c. Make the lengths (N, 1), "
        "with keepdim=True.": columns,
        "You took the length of each column (dim=0): the features of one sample run along dim=1.": (
            by_loop(x.T, lengths(x.T)).T
        ),
        "The square root is missing.": by_loop(wanted, lengths(x)),
        "You divided by the sum of the row, not by its length: add up squares and take the root.": (
            by_loop(x, map(sum, x.tolist()))
        ),
        "You divided by the sum of the row, and clamped it: add up squares and take the root.": (
            by_loop(x, [max(sum(row), 1e-12) for row in x.tolist()])
        ),
        "You divided by the sum of absolute values, not by the length.": by_loop(x, [row.abs().sum() for row in x]),
        "You divided by the length of the whole batch: each row has its own.": x / math.hypot(*lengths(x)),
        "You took the mean of the squares: the length is made with their sum.": 2 * wanted,
        "clamp(max=…) is an upper bound: a lower one is clamp(min=…).": 1e12 * x,
        "These are the lengths: divide each row by its own.": torch.tensor(lengths(x))[:, None],
    },
)
x = torch.tensor([[10.0**-k, 0] for k in range(12)], dtype=torch.float64)
answer = unit_rows(x)
expect(tuple(answer.shape), (12, 2), "the shape of unit_rows(x) for x of shape (12, 2)")
got = answer[:, 0].tolist()
require(
    abs(got[0] - 1) < 1e-11,
    "a row of length 1 stays as it is",
    f"Yours becomes a row of length {got[0]:.12f}: is something added to the lengths?",
)
short = next((k for k, mine in enumerate(got) if not abs(mine - 1) < 1e-6), 0)
advice = "only lengths below 1e-12 are replaced, and nothing is added to the others."
if short == 7 and abs(got[7] - 0.1) < 1e-3:
    advice = "the bound 1e-12 belongs to the length. For its square it is 1e-24."
require(
    short == 0,
    "rows of the lengths 0.1, 0.01 and so on to 1e-11 should get length 1",
    f"With yours, a row of length 1e-{short} gets length {got[short]:.6f}: {advice}",
)
x, wanted = torch.tensor([[0, 5.0], [1.2e-13, -1.6e-13]]), torch.tensor([[0, 1], [0.12, -0.16]])
expect(
    unit_rows(x),
    wanted,
    "unit_rows(x) for rows of the lengths 5 and 2e-13",
    mistakes={
        "The length 2e-13 is smaller than 1e-12: use 1e-12 in its place.": torch.tensor([[0, 1], [0.6, -0.8]]),
        "A row shorter than 1e-12 is not a row of zeros: divide it by 1e-12.": torch.tensor([[0, 1], [0, -0.0]]),
    },
)
x = torch.randn(6, 3, generator=g, dtype=torch.float64)
x[2] = 0
nothing = by_loop(x, [number or math.nan for number in lengths(x)])
expect(
    unit_rows(x),
    by_loop(x, [number or 1 for number in lengths(x)]),
    "unit_rows(x) for x of shape (6, 3) in float64 with a row of zeros",
    mistakes={"0 / 0 is nan: a row of zeros must stay a row of zeros.": nothing},
)
x = torch.tensor([[-3.0, 4.0]])
expect(
    unit_rows(x),
    torch.tensor([[-0.6, 0.8]]),
    "unit_rows(x) for one sample",
    mistakes={"With one sample, squeeze() removes the dimension of the samples as well.": torch.tensor([-0.6, 0.8])},
)
x = torch.randn(13, 5, generator=g)
x[1:4] = 0  # a loop over the rows of zeros is a loop, too
x[4:7] *= 1e-14  # and so is one over the short rows
wanted, counts = by_loop(x, [max(number, 1e-12) for number in lengths(x)]), {}
for times in (1, 2, 7_500):
    many = x.repeat(times, 1)
    with Watch() as seen:
        answer = unit_rows(many)
    n, counts[times] = 13 * times, len(seen.operations)
    expect(answer, wanted.repeat(times, 1), f"unit_rows(x) for {n:,} samples")
    if times > 1:
        require(
            counts[times] == counts[1],
            f"{n:,} samples should take no more torch operations than 13",
            f"You loop over the samples or over blocks of them: {n:,} samples take {counts[times]:,} operations, "
            f"13 samples take {counts[1]}.",
        )
x, push = torch.randn(4, 3, generator=g).requires_grad_(), torch.randn(4, 3, generator=g)
try:
    answer = unit_rows(x)
except RuntimeError as error:
    require(
        "numpy" not in str(error),
        "no NumPy, torch alone",
        "Stay in torch: autograd cannot follow through NumPy.",
    )
    raise
require(
    answer.requires_grad,
    "autograd should be able to follow from x to the result",
    "Stay in torch: on the way through lists, NumPy, detach() or no_grad(), autograd loses track.",
)
ideal = torch.autograd.grad(torch.stack([row / row.norm() for row in x]), x, push)[0]
mine = torch.autograd.grad(answer, x, push, allow_unused=True)[0]
if mine is None:
    require(False, "a gradient should reach x", "The result does not depend on x for autograd: stay in torch.")
expect(
    mine,
    ideal,
    "the gradient for x",
    mistakes={"The lengths depend on x as well: they were cut off from it.": by_loop(push, lengths(x.detach()))},
    rtol=1e-4,
    atol=1e-5,
)


PYTHON = {"tolist", "numpy", "__array__", "__dlpack__", "Thread.start"}  # ways out of torch, or out of sight
CLOSE = {torch.float32: {"rtol": 1e-5, "atol": 1e-4}, torch.float64: {"rtol": 1e-9, "atol": 1e-9}}
LAYOUTS = {
    "stored column by column": lambda one: one.T.contiguous().T if one.dim() == 2 else one,
    "every second number of a larger tensor": lambda one: torch.stack([one, one + 1], -1)[..., 0],
    "one row repeated by expand": lambda one: one[:1].expand(one.shape),
}


def must(condition, what, otherwise):
    """As require, but silent if all is well."""
    if not condition:
        require(False, what, otherwise)


def agree(mine, theirs, what, **rules):
    """As expect, but silent if all is well."""
    rules = rules or CLOSE[theirs.dtype]
    fits = isinstance(mine, torch.Tensor) and (mine.shape, mine.dtype) == (theirs.shape, theirs.dtype)
    if not (fits and torch.allclose(mine, theirs, **rules)):
        expect(mine, theirs, what, **rules)


def call(*arguments):
    """The learner's result, and what torch did. The arguments are looked at before the result."""
    before = [one.detach().clone() for one in arguments]
    with Watch() as seen:
        answer = unit_rows(*(one if one.requires_grad else inplace(one) for one in arguments))
    if not all(map(torch.equal, arguments, before)):
        untouched("x", arguments, before)
    told = "Your code leaves torch: lists, NumPy and threads hide a loop from the check. Stay in torch."
    must(not PYTHON & set(seen.functions), "torch should compute everything", told)
    return answer, seen


def thorough(groups, odd):
    """Values, gradients, arguments and the number of operations, for many inputs.

    groups: the sizes that share their widths, and so must take equally many operations. odd: sizes for other layouts.
    """
    kept, cases, counted = [], [], {}
    for dtype in (torch.float32, torch.float64):
        for k, sizes in enumerate(groups):
            cases += [(size, "", make(*size, dtype), (k, dtype)) for size in sizes]
        cases += [(odd, f", {name}", list(map(layout, make(*odd, dtype))), None) for name, layout in LAYOUTS.items()]
    for size, layout, arguments, group in cases:
        names = ", ".join(f"{letter}={number}" for letter, number in zip("NC", size))
        about = f"unit_rows for {names} in {str(arguments[0].dtype)[6:]}{layout}"
        leaves = [one.detach().clone(memory_format=torch.preserve_format).requires_grad_() for one in arguments]
        ideal = torch.stack([row / row.norm() if row.any() else row for row in leaves[0]])
        push = torch.randint(-3, 4, ideal.shape, generator=g).to(ideal.dtype)
        theirs = torch.autograd.grad(ideal, leaves, push)
        made = [leaf.clone() for leaf in leaves]
        for given, kind in [(arguments, ""), (leaves, ", with requires_grad"), (made, ", given what a layer made")]:
            what = about + kind
            answer, seen = call(*given)
            agree(answer, ideal.detach(), what)
            kept.append((answer, answer.detach().clone()))
            if group and size[0] > 1:
                count = len(seen.operations)
                other, few = counted.setdefault((*group, kind), (size, count))
                told = f"You loop: {count:,} operations instead of {few}."
                must(count == few, f"{what}: there should be as many operations as for sizes {other}", told)
            if not kind:
                continue
            must(
                answer.requires_grad, f"{what}: autograd should be able to follow", "Is there a detach() or no_grad()?"
            )
            mine = torch.autograd.grad(answer, leaves, push, allow_unused=True)[0]
            must(mine is not None, f"{what}: a gradient should reach x", "Is there a detach() or no_grad()?")
            rows = ideal.detach().abs().sum(dim=1) > 0
            agree(mine[rows], theirs[0][rows], f"the gradient for the rows that are not 0, {what}")
    told = "A later call overwrote it: make a new tensor in each call."
    must(all(torch.equal(*pair) for pair in kept), "an earlier result should stay as it was", told)
    require(
        True, f"right, without a loop and with gradients, for {len(cases)} more inputs of other sizes and layouts", ""
    )


def make(n, c, dtype):
    x = torch.randint(-3, 4, (n, c), generator=g).to(dtype) / 4
    x[:, 0] = 2 - torch.rand(n, generator=g, dtype=dtype)
    x[1:2] = 0  # a row of zeros, where there are two rows or more
    return [x]


def extremes(dtype):
    """Rows of many lengths, with what becomes of them."""
    many = [1e15, 6e9, 1e3, 1, 0.02, 1e-5, 1e-9, 3e-12, 1e-12, 5e-13, 1e-13, 1e-16, 0]
    ideal = [[0.6 * min(1, length / 1e-12), -0.8 * min(1, length / 1e-12)] for length in many]
    x = torch.tensor([[0.6 * length, -0.8 * length] for length in many], dtype=dtype).requires_grad_()
    answer, about, rules = call(x)[0], f"for lengths from 0 to 1e15 in {dtype}", {"rtol": 1e-5, "atol": 1e-6}
    agree(answer, torch.tensor(ideal, dtype=dtype), f"unit_rows {about}", **rules)
    # Times the length, the gradient is what arrives, (1, 2), less its part along the row, unless the row is too short.
    mine = torch.autograd.grad(answer, x, torch.tensor([[1.0, 2]], dtype=dtype).expand(x.shape))[0]
    for length, gradient in zip(many, mine):
        if 1e-17 < length < 1e4 and length != 1e-12:
            along = torch.tensor([1.6, 1.2] if length > 1e-12 else [1.0, 2.0], dtype=dtype)
            agree(gradient * max(length, 1e-12), along, f"{length} times the gradient, {about}", **rules)
    wide = torch.full((2, 2500), 1e15, dtype=dtype)
    agree(call(wide)[0], torch.full_like(wide, 0.02), f"unit_rows for 2,500 values of 1e15 in {dtype}", **rules)
    for length in (1, 0):
        same = length * torch.eye(3, dtype=dtype)
        shared = call(same)[0].untyped_storage().data_ptr() == same.untyped_storage().data_ptr()
        must(not shared, "the result should be a new tensor", f"Yours is x itself where all rows have length {length}.")


thorough([[(2, 5), (3, 5), (12, 5), (40, 5)], [(1, 8), (5, 8), (20, 8)], [(1, 1), (9, 1)]], (6, 3))
extremes(torch.float32)
extremes(torch.float64)
### BEGIN HIDDEN TESTS
thorough([[(3, 4), (4, 4), (11, 4), (70, 4)], [(1, 20), (8, 20), (21, 20)], [(1, 2), (7, 2)]], (5, 6))
x = torch.tensor([[3e-4, -4e-4], [0.0, 0.0], [3e6, 4e6], [3e-10, 4e-10], [0, 5e-13]])
wanted = torch.tensor([[0.6, -0.8], [0, 0], [0.6, 0.8], [0.6, 0.8], [0, 0.5]])
expect(unit_rows(x), wanted, "unit_rows(x) for short and long rows")
expect(unit_rows(x.double()), wanted.double(), "unit_rows(x) for short and long rows in float64", rtol=1e-5)
### END HIDDEN TESTS

# %% [markdown]
# `F.normalize(x)` does exactly this. Embeddings (vectors that stand for words or images) are often normalised this way before they are
# compared by angle.
#
# <details><summary>And the gradient at a row of zeros?</summary>
#
# The slope of a square root at 0 is infinite. In `x.square().sum(1).sqrt().clamp(min=1e-12)` the clamp passes a gradient of 0 back, and autograd
# multiplies: $0 \cdot \infty$ is nan. `norm` knows about this case and gives a finite gradient. Or put the bound before the root:
# `clamp(min=1e-24).sqrt()`.
#
# </details>
#
# ### Exercise: A quadratic form for each sample
#
# A C×C matrix `a` gives each sample one number, $q_n = x_n^T\,a\,x_n = \sum_{c,d} x_{nc}\,a_{cd}\,x_{nd}$. In a loop it is `q[k] = x[k] @ a @ x[k]`.
#
# Write `quadratic_form(x, a)` for a whole batch, in float32 and float64. N may be large, so there is no loop (as in exercise 1: the number of
# operations must not depend on N, and you stay in torch), and **no intermediate tensor may have more than N·C·C elements**: N×N would not fit into
# memory. Gradients must reach `x` and `a`, and neither may be changed.
#
# <details><summary>Hint 1: from left to right</summary>
#
# The first product, `x[k] @ a`, is a row. For the batch it is a matrix of N such rows. What do you do with row k of it and row k of `x`?
#
# </details>
#
# <details><summary>Hint 2: why not x @ a @ x.T?</summary>
#
# It pairs every sample with every other one: N×N numbers, of which you need only the diagonal. The table above has a line for two vectors for each
# sample.
#
# </details>


# %% exercise="quadratic_form" difficulty=2 minutes=8
def quadratic_form(x: torch.Tensor, a: torch.Tensor) -> torch.Tensor:
    """One number for each sample: the row, times a, times the row again.

    x: (N, C). a: (C, C), not necessarily symmetric. Returns: (N,), of the dtype of x.
    """
    ### BEGIN SOLUTION
    return ((x @ a) * x).sum(dim=1)
    ### END SOLUTION


# %% check="quadratic_form" points=2
g = torch.Generator().manual_seed(14)
close = {"rtol": 1e-4, "atol": 1e-4}


def by_loop(x, a):
    return torch.stack([row @ a @ row for row in x])


def untouched(names, now, before):
    changed = [name for name, mine, theirs in zip(names, now, before) if not torch.equal(mine, theirs)]
    first = changed[0] if changed else ""
    advice = (
        f"Your code changes {first} in place: look for names that end in _, for += and the like, for {first}[…] = …"
    )
    require(not changed, f"{' and '.join(names)} should stay unchanged", advice)


# As many samples as features first: there, a wrong order or transpose raises no error, it only gives wrong numbers.
x, a = torch.randn(3, 3, generator=g), torch.randn(3, 3, generator=g)
before = [x.clone(), a.clone()]
wanted, pairs = by_loop(x, a), torch.stack([torch.stack([p @ a @ q for q in x]) for p in x])
products = torch.stack([torch.mv(a.T, row) * row for row in x])
answer = quadratic_form(inplace(x), inplace(a))
untouched("xa", (x, a), before)
expect(
    answer,
    wanted,
    "quadratic_form(x, a) for shapes (3, 3) and (3, 3)",
    mistakes={
        "These are the numbers of all pairs of samples: one for each sample was asked for.": pairs,
        "x.T @ a @ x mixes the samples: the formula is for one column, here the samples are rows.": (
            torch.stack([torch.stack([p @ a @ q for q in x.T]) for p in x.T])
        ),
        "The second x takes all samples as one matrix: row n of x @ a should meet row n of x only.": (
            torch.stack([torch.mv(x.T, torch.mv(a.T, row)) for row in x])
        ),
        "The products are not added up yet.": products,
        "You added up over the samples: the features run along dim=1.": products.sum(dim=0),
        "You added up over the samples: in a @ x.T the features run along dim=0.": (
            sum(torch.mv(a, row) * row for row in x)
        ),
        "You added up everything: each sample has its own number.": products.sum(),
        "You took the mean over the features: the sum was asked for.": wanted / 3,
        "The result has shape (N, 1): (N,) was asked for.": wanted[:, None],
        "The result has shape (N, 1, 1): (N,) was asked for.": wanted[:, None, None],
        "The second x needs the index d of a, not c once more.": (
            torch.stack([sum(p * p * line.sum() for p, line in zip(row, a)) for row in x])
        ),
        "Only the diagonal of a is used.": by_loop(x, torch.diag(a.diagonal())),
        "The matrix a is missing.": by_loop(x, torch.eye(3)),
        "The second x is missing: this is x @ a, added up.": torch.stack([torch.mv(a.T, row).sum() for row in x]),
        "`*` multiplies element by element: x[k] @ a is a matrix product.": (
            torch.stack([sum(p * q * p for p, q in zip(row, line)) for row, line in zip(x, a)])
        ),
    },
    **close,
)
x, a = torch.randn(1, 4, generator=g, dtype=torch.float64), torch.randn(4, 4, generator=g, dtype=torch.float64)
wanted = by_loop(x, a)
expect(
    quadratic_form(x, a),
    wanted,
    "quadratic_form(x, a) for one sample, in float64",
    mistakes={"With one sample, squeeze() removes the dimension of the samples as well.": wanted[0]},
)
x, a = torch.randn(13, 3, generator=g), torch.randn(3, 3, generator=g)
wanted, counts = by_loop(x, a), {}
for times in (1, 2, 5, 7_500):
    many = x.repeat(times, 1)
    with Watch() as seen:
        answer = quadratic_form(many, a)
    n, counts[times] = 13 * times, len(seen.operations)
    expect(answer, wanted.repeat(times), f"quadratic_form(x, a) for {n:,} samples", **close)
    if times > 1:
        require(
            counts[times] == counts[1],
            f"{n:,} samples should take no more torch operations than 13",
            f"You loop over the samples or over blocks of them: {n:,} samples take {counts[times]:,} operations, "
            f"13 samples take {counts[1]}.",
        )
        require(
            seen.largest <= n * 3 * 3,
            f"no intermediate tensor should have more than N·C·C = {n * 9:,} elements",
            f"The largest has {seen.largest:,}{' = N·N' * (seen.largest == n * n)}: do not make all pairs of samples.",
        )
x, a = x.requires_grad_(), a.requires_grad_()
push = torch.randn(13, generator=g)
try:
    answer = quadratic_form(x, a)
except RuntimeError as error:
    require(
        "numpy" not in str(error),
        "no NumPy, torch alone",
        "Stay in torch: autograd cannot follow through NumPy.",
    )
    raise
require(
    answer.requires_grad,
    "autograd should be able to follow from x and a to the result",
    "Stay in torch: on the way through lists, NumPy, detach() or no_grad(), autograd loses track.",
)
found = torch.autograd.grad(answer, [x, a], push, allow_unused=True)
ideal = torch.autograd.grad(by_loop(x, a), [x, a], push)
half = torch.stack([k * torch.mv(a, row) for k, row in zip(push, x)]).detach()
once = {"x stands in the formula twice, and only one of the two sends back a gradient: is there a detach()?": half}
for name, mine, theirs in zip("xa", found, ideal):
    if mine is None:
        require(
            False,
            f"a gradient should reach {name}",
            f"{name} was cut off: is there a detach(), a no_grad() or a copy, such as a new Parameter?",
        )
    expect(mine, theirs, f"the gradient for {name}", mistakes=once if name == "x" else {}, **close)


PYTHON = {"tolist", "numpy", "__array__", "__dlpack__", "Thread.start"}  # ways out of torch, or out of sight
CLOSE = {torch.float32: {"rtol": 1e-5, "atol": 1e-4}, torch.float64: {"rtol": 1e-9, "atol": 1e-9}}
LAYOUTS = {
    "stored column by column": lambda one: one.T.contiguous().T if one.dim() == 2 else one,
    "every second number of a larger tensor": lambda one: torch.stack([one, one + 1], -1)[..., 0],
    "one row repeated by expand": lambda one: one[:1].expand(one.shape),
}


def must(condition, what, otherwise):
    """As require, but silent if all is well."""
    if not condition:
        require(False, what, otherwise)


def agree(mine, theirs, what, **rules):
    """As expect, but silent if all is well."""
    rules = rules or CLOSE[theirs.dtype]
    fits = isinstance(mine, torch.Tensor) and (mine.shape, mine.dtype) == (theirs.shape, theirs.dtype)
    if not (fits and torch.allclose(mine, theirs, **rules)):
        expect(mine, theirs, what, **rules)


def call(*arguments):
    """The learner's result, and what torch did. The arguments are looked at before the result."""
    before = [one.detach().clone() for one in arguments]
    with Watch() as seen:
        answer = quadratic_form(*(one if one.requires_grad else inplace(one) for one in arguments))
    if not all(map(torch.equal, arguments, before)):
        untouched("xa", arguments, before)
    told = "Your code leaves torch: lists, NumPy and threads hide a loop from the check. Stay in torch."
    must(not PYTHON & set(seen.functions), "torch should compute everything", told)
    n, c = arguments[0].shape
    told = f"The largest has {seen.largest:,}{' = N·N' * (seen.largest == n * n)}: do not make all pairs of samples."
    what = f"no intermediate tensor should have more than N·C·C = {n * c * c:,} elements"
    must(seen.largest <= n * c * c, what, told)
    return answer, seen


def thorough(groups, odd):
    """Values, gradients, arguments and the number of operations, for many inputs.

    groups: the sizes that share their widths, and so must take equally many operations. odd: sizes for other layouts.
    """
    kept, cases, counted = [], [], {}
    for dtype in (torch.float32, torch.float64):
        for k, sizes in enumerate(groups):
            cases += [(size, "", make(*size, dtype), (k, dtype)) for size in sizes]
        cases += [(odd, f", {name}", list(map(layout, make(*odd, dtype))), None) for name, layout in LAYOUTS.items()]
    for size, layout, arguments, group in cases:
        names = ", ".join(f"{letter}={number}" for letter, number in zip("NC", size))
        about = f"quadratic_form for {names} in {str(arguments[0].dtype)[6:]}{layout}"
        leaves = [one.detach().clone(memory_format=torch.preserve_format).requires_grad_() for one in arguments]
        ideal = by_loop(*leaves)
        push = torch.randint(-3, 4, ideal.shape, generator=g).to(ideal.dtype)
        theirs = torch.autograd.grad(ideal, leaves, push)
        made = [leaf.clone() for leaf in leaves]
        for given, kind in [(arguments, ""), (leaves, ", with requires_grad"), (made, ", given what a layer made")]:
            what = about + kind
            answer, seen = call(*given)
            agree(answer, ideal.detach(), what)
            kept.append((answer, answer.detach().clone()))
            if group and size[0] > 1:
                count = len(seen.operations)
                other, few = counted.setdefault((*group, kind), (size, count))
                told = f"You loop: {count:,} operations instead of {few}."
                must(count == few, f"{what}: there should be as many operations as for sizes {other}", told)
            if not kind:
                continue
            must(
                answer.requires_grad, f"{what}: autograd should be able to follow", "Is there a detach() or no_grad()?"
            )
            found = torch.autograd.grad(answer, leaves, push, allow_unused=True)
            for name, mine, right in zip("xa", found, theirs):
                must(mine is not None, f"{what}: a gradient should reach {name}", "Is there a detach() or no_grad()?")
                agree(mine, right, f"the gradient for {name}, {what}")
    told = "A later call overwrote it: make a new tensor in each call."
    must(all(torch.equal(*pair) for pair in kept), "an earlier result should stay as it was", told)
    require(
        True, f"right, without a loop and with gradients, for {len(cases)} more inputs of other sizes and layouts", ""
    )


def make(n, c, dtype):
    """Numbers that float32 rounds."""
    return [torch.randint(-3, 4, size, generator=g).to(dtype) / 7 for size in [(n, c), (c, c)]]


def scaled(power, *sizes):
    """A matrix of tiny or huge numbers: with a power of 2, every rounding error scales with them."""
    x, a = make(*sizes, torch.float32)
    about = f"quadratic_form for an a of numbers around 2**{power}"
    agree(call(x, 2.0**power * a)[0], 2.0**power * by_loop(x, a), about, rtol=1e-4, atol=1e-5 * 2.0**power)


thorough([[(2, 3), (5, 3), (12, 3), (40, 3)], [(1, 5), (3, 5), (30, 5)], [(2, 99), (7, 99)], [(1, 1), (9, 1)]], (6, 3))
scaled(-20, 5, 4)
scaled(25, 5, 4)
### BEGIN HIDDEN TESTS
thorough(
    [[(3, 4), (6, 4), (11, 4), (50, 4)], [(1, 6), (4, 6), (70, 6)], [(3, 120), (9, 120)], [(1, 2), (7, 2)]], (5, 4)
)
scaled(-22, 7, 3)
scaled(28, 7, 3)
### END HIDDEN TESTS

# %% [markdown]
# ### Exercise: All squared distances
#
# To find the nearest neighbours of N samples among M others, you need all squared distances, $d_{nm} = \sum_c (a_{nc} - b_{mc})^2$. In Python that is
# a nested loop.
#
# Write `squared_distances(a, b)`, in float32 and float64, without a loop (as in exercise 1: the number of operations must depend neither on N nor on
# M, and you stay in torch). Gradients must reach `a` and `b`, and neither may be changed. Write the formula yourself: `torch.cdist` and
# `F.pairwise_distance` are not allowed.
#
# <details><summary>Hint 1: a dimension for each index</summary>
#
# There are three indices: n, m and c. Give `a` the shape (N, 1, C) and `b` the shape (1, M, C). What does broadcasting make of their difference? Which dimension
# do you sum over?
#
# </details>
#
# <details><summary>Hint 2: with much less memory</summary>
#
# N·M·C numbers may be a lot. Expand the square: $|a_n - b_m|^2 = |a_n|^2 + |b_m|^2 - 2\,a_n^T b_m$. All the $a_n^T b_m$ together are one matrix product.
# The check accepts both.
#
# </details>


# %% exercise="squared_distances" difficulty=2 minutes=8
def squared_distances(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The squared distance from each row of a to each row of b.

    a: (N, C). b: (M, C), of the same dtype. Returns: (N, M), of that dtype.
    """
    ### BEGIN SOLUTION
    return (a[:, None] - b).square().sum(dim=2)
    ### END SOLUTION


# %% check="squared_distances" points=2
g = torch.Generator().manual_seed(15)
close = {"rtol": 1e-4, "atol": 1e-4}
FORBIDDEN = {"cdist", "_cdist_forward", "_euclidean_dist", "_pdist_forward", "pairwise_distance"}


def by_loop(a, b, number):
    return torch.stack([torch.stack([number(p, q) for q in b]) for p in a])


def square(p, q):
    return torch.dot(p - q, p - q)


def watched(a, b):
    """The learner's result, and the number of torch operations."""
    with Watch() as seen:
        answer = squared_distances(a, b)
    used = [name for name in [*seen.functions, *seen.names] if name in FORBIDDEN]
    if used:
        require(
            False,
            "cdist and pairwise_distance must not be used",
            f"Your code calls `{used[0]}`: write the formula yourself.",
        )
    return answer, len(seen.operations)


def untouched(names, now, before):
    changed = [name for name, mine, theirs in zip(names, now, before) if not torch.equal(mine, theirs)]
    first = changed[0] if changed else ""
    advice = (
        f"Your code changes {first} in place: look for names that end in _, for += and the like, for {first}[…] = …"
    )
    require(not changed, f"{' and '.join(names)} should stay unchanged", advice)


# As many samples on both sides as features: there, a wrong dimension has the right shape and only wrong numbers.
a, b = torch.randn(4, 4, generator=g), torch.randn(4, 4, generator=g)
before, wanted = [a.clone(), b.clone()], by_loop(a, b, square)
dots = by_loop(a, b, torch.dot)
answer, _ = watched(inplace(a), inplace(b))
untouched("ab", (a, b), before)
expect(
    answer,
    wanted,
    "squared_distances(a, b) for shapes (4, 4) and (4, 4)",
    mistakes={
        "The result is transposed: row n belongs to a[n], column m to b[m].": wanted.T,
        "These are the distances: their squares were asked for.": wanted.sqrt(),
        "You compared a[n] with b[n] only, not every a[n] with every b[m].": wanted.diagonal(),
        "You took the mean over the features: the sum was asked for.": wanted / 4,
        "Square first, then add up.": by_loop(a, b, lambda p, q: sum((p - q).tolist()) ** 2 + 0 * p[0]),
        "You took absolute values: squares were asked for.": by_loop(a, b, lambda p, q: sum(map(abs, p - q))),
        "The factor 2 is missing in −2 aₙᵀ bₘ.": wanted + dots,
        "A sign is wrong: it is a − b, and multiplied out −2 aₙᵀ bₘ.": wanted + 4 * dots,
        "Both squared lengths run along the columns: those of a belong to the rows, [:, None].": (
            wanted - (a * a).sum(dim=1)[:, None] + (a * a).sum(dim=1)
        ),
        "Both squared lengths run along the rows: those of b belong to the columns.": (
            wanted - (b * b).sum(dim=1) + (b * b).sum(dim=1)[:, None]
        ),
        "The squares are not added up over the features yet.": by_loop(a, b, lambda p, q: (p - q) ** 2),
        "You compared a[n] with b[n] only: a needs its extra dimension in the middle, b does not.": (
            wanted.diagonal()[:, None]
        ),
        "You added up everything: each pair has its own number.": wanted.sum(),
        "You added up everything, and compared a[n] with b[n] only.": wanted.diagonal().sum(),
        "You summed over the wrong dimension: the features are the last one.": (
            torch.stack([sum((p - q) ** 2 for q in b) for p in a])
        ),
        "The squared lengths of a belong to the rows, those of b to the columns: a's need the [:, None].": (
            torch.stack(
                [
                    torch.stack([torch.dot(p, p) + torch.dot(q, q) - 2 * dot for p, dot in zip(a, line)])
                    for q, line in zip(b, dots)
                ]
            )
        ),
    },
    **close,
)
for n, m in [(1, 4), (4, 1)]:
    a, b = (torch.randn(size, 5, generator=g, dtype=torch.float64) for size in (n, m))
    wanted = by_loop(a, b, square)
    expect(
        watched(a, b)[0],
        wanted,
        f"squared_distances(a, b) for N = {n} and M = {m}, in float64",
        mistakes={"squeeze() removes the dimension of the samples as well, where there is only one.": wanted.squeeze()},
    )
a, b = torch.randn(7, 3, generator=g), torch.randn(4, 3, generator=g)
wanted = by_loop(a, b, square)
_, few = watched(a, b)
for times, over in [((2, 1), "a"), ((1, 2), "b"), ((14_000, 1), "a"), ((1, 24_000), "b")]:
    many, others = a.repeat(times[0], 1), b.repeat(times[1], 1)
    answer, count = watched(many, others)
    sizes = f"N = {len(many):,} and M = {len(others):,}"
    expect(answer, wanted.repeat(*times), f"squared_distances(a, b) for {sizes}", **close)
    require(
        count == few,
        f"{sizes} should take no more torch operations than N = 7 and M = 4",
        f"You loop over the rows of {over} or over blocks of them: {count:,} operations instead of {few}.",
    )
a, b, push = a.requires_grad_(), b.requires_grad_(), torch.randn(7, 4, generator=g)
try:
    answer = watched(a, b)[0]
except RuntimeError as error:
    require(
        "numpy" not in str(error),
        "no NumPy, torch alone",
        "Stay in torch: autograd cannot follow through NumPy.",
    )
    raise
require(
    answer.requires_grad,
    "autograd should be able to follow from a and b to the result",
    "Stay in torch: on the way through lists, NumPy, detach() or no_grad(), autograd loses track.",
)
found = torch.autograd.grad(answer, [a, b], push, allow_unused=True)
ideal = torch.autograd.grad(by_loop(a, b, square), [a, b], push)
for name, mine, theirs in zip("ab", found, ideal):
    if mine is None:
        require(
            False,
            f"a gradient should reach {name}",
            f"{name} was cut off: is there a detach(), a no_grad() or a copy, such as a new Parameter?",
        )
    expect(mine, theirs, f"the gradient for {name}", rtol=1e-3, atol=1e-3)


PYTHON = {"tolist", "numpy", "__array__", "__dlpack__", "Thread.start"}  # ways out of torch, or out of sight
CLOSE = {torch.float32: {"rtol": 1e-5, "atol": 1e-4}, torch.float64: {"rtol": 1e-9, "atol": 1e-9}}
LAYOUTS = {
    "stored column by column": lambda one: one.T.contiguous().T if one.dim() == 2 else one,
    "every second number of a larger tensor": lambda one: torch.stack([one, one + 1], -1)[..., 0],
    "one row repeated by expand": lambda one: one[:1].expand(one.shape),
}


def must(condition, what, otherwise):
    """As require, but silent if all is well."""
    if not condition:
        require(False, what, otherwise)


def agree(mine, theirs, what, **rules):
    """As expect, but silent if all is well."""
    rules = rules or CLOSE[theirs.dtype]
    fits = isinstance(mine, torch.Tensor) and (mine.shape, mine.dtype) == (theirs.shape, theirs.dtype)
    if not (fits and torch.allclose(mine, theirs, **rules)):
        expect(mine, theirs, what, **rules)


def call(*arguments):
    """The learner's result, and what torch did. The arguments are looked at before the result."""
    before = [one.detach().clone() for one in arguments]
    with Watch() as seen:
        answer = squared_distances(*(one if one.requires_grad else inplace(one) for one in arguments))
    if not all(map(torch.equal, arguments, before)):
        untouched("ab", arguments, before)
    told = "Your code leaves torch: lists, NumPy and threads hide a loop from the check. Stay in torch."
    must(not PYTHON & set(seen.functions), "torch should compute everything", told)
    used = [name for name in [*seen.functions, *seen.names] if name in FORBIDDEN]
    if used:
        advice = f"Your code calls `{used[0]}`: write the formula yourself."
        require(False, "cdist and pairwise_distance must not be used", advice)
    return answer, seen


def thorough(groups, odd):
    """Values, gradients, arguments and the number of operations, for many inputs.

    groups: the sizes that share their widths, and so must take equally many operations. odd: sizes for other layouts.
    """
    kept, cases, counted = [], [], {}
    for dtype in (torch.float32, torch.float64):
        for k, sizes in enumerate(groups):
            cases += [(size, "", make(*size, dtype), (k, dtype)) for size in sizes]
        cases += [(odd, f", {name}", list(map(layout, make(*odd, dtype))), None) for name, layout in LAYOUTS.items()]
    for size, layout, arguments, group in cases:
        names = ", ".join(f"{letter}={number}" for letter, number in zip("NMC", size))
        about = f"squared_distances for {names} in {str(arguments[0].dtype)[6:]}{layout}"
        leaves = [one.detach().clone(memory_format=torch.preserve_format).requires_grad_() for one in arguments]
        ideal = torch.stack([((row - leaves[1]) ** 2).sum(dim=1) for row in leaves[0]])
        push = torch.randint(-3, 4, ideal.shape, generator=g).to(ideal.dtype)
        theirs = torch.autograd.grad(ideal, leaves, push)
        made = [leaf.clone() for leaf in leaves]
        for given, kind in [(arguments, ""), (leaves, ", with requires_grad"), (made, ", given what a layer made")]:
            what = about + kind
            answer, seen = call(*given)
            agree(answer, ideal.detach(), what)
            kept.append((answer, answer.detach().clone()))
            if group:
                count, ones = len(seen.operations), [number == 1 for number in size[:2]]
                other, few = counted.setdefault((*group, kind, *ones), (size, count))
                told = f"You loop: {count:,} operations instead of {few}."
                must(count == few, f"{what}: there should be as many operations as for sizes {other}", told)
            if not kind:
                continue
            must(
                answer.requires_grad, f"{what}: autograd should be able to follow", "Is there a detach() or no_grad()?"
            )
            found = torch.autograd.grad(answer, leaves, push, allow_unused=True)
            for name, mine, right in zip("ab", found, theirs):
                must(mine is not None, f"{what}: a gradient should reach {name}", "Is there a detach() or no_grad()?")
                agree(mine, right, f"the gradient for {name}, {what}")
    told = "A later call overwrote it: make a new tensor in each call."
    must(all(torch.equal(*pair) for pair in kept), "an earlier result should stay as it was", told)
    require(
        True, f"right, without a loop and with gradients, for {len(cases)} more inputs of other sizes and layouts", ""
    )


def make(n, m, c, dtype):
    """Numbers that float32 rounds."""
    return [torch.randint(-3, 4, size, generator=g).to(dtype) / 7 for size in [(n, c), (m, c)]]


thorough(
    [
        [(2, 3, 3), (7, 4, 3), (5, 5, 3), (12, 11, 3), (40, 2, 3), (2, 40, 3)],
        [(1, 3, 8), (1, 9, 8), (3, 2, 8), (20, 20, 8), (30, 15, 8)],
        [(1, 1, 1), (3, 1, 1), (12, 1, 1), (9, 8, 1)],
    ],
    (6, 3, 5),
)


def scaled(power, *sizes):
    """Points close together or far apart: with a power of 2, every rounding error scales with the squares."""
    a, b = make(*sizes, torch.float32)
    answer = call(2.0**power * a, 2.0**power * b)[0]
    about = f"squared_distances for numbers around 2**{power}"
    agree(answer, 4.0**power * by_loop(a, b, square), about, rtol=1e-4, atol=1e-5 * 4.0**power)


scaled(-10, 5, 4, 3)
scaled(12, 5, 4, 3)
a = make(5, 5, 4, torch.float32)[0]
agree(call(a, a)[0], by_loop(a, a, square), "squared_distances(a, a), the same tensor twice")
agree(call(a, a[:2])[0], by_loop(a, a[:2], square), "squared_distances(a, a[:2]), a part of the same tensor")
### BEGIN HIDDEN TESTS
thorough(
    [
        [(3, 2, 5), (6, 6, 5), (13, 12, 5), (60, 3, 5), (3, 60, 5)],
        [(1, 4, 9), (2, 5, 9), (25, 25, 9), (15, 33, 9)],
        [(1, 1, 2), (1, 6, 2), (1, 14, 2), (5, 1, 2), (11, 1, 2), (8, 9, 2)],
    ],
    (4, 7, 3),
)
scaled(-11, 4, 6, 2)
scaled(11, 4, 6, 2)
a = make(6, 6, 7, torch.float64)[0]
agree(call(a, a)[0], by_loop(a, a, square), "squared_distances(a, a), the same tensor twice")
### END HIDDEN TESTS

# %% [markdown]
# ### Two formulas for one distance
#
# The hints of the last exercise give two formulas for the squared distance, $\sum_c (p_c - q_c)^2$ and $|p|^2 + |q|^2 - 2\,p^T q$. Multiply the first
# one out and you get the second.
#
# **Before you run it:** two points are far from the origin and 1 apart. What does each formula give for their squared distance, in float32?

# %% predict
p, q = torch.tensor([10_000.0, 10_000, 10_000, 0]), torch.tensor([10_000.0, 10_000, 10_000, 1])
print("(p − q)², added up:", (p - q).square().sum().item())
print("|p|² + |q|² − 2pᵀq:", (p.square().sum() + q.square().sum() - 2 * p @ q).item())

# %% [markdown]
# <details><summary>Why?</summary>
#
# The first formula gives 1, which is right; the second gives 0. float32 holds about 7 digits. $|p|^2 = 300{,}000{,}000$ and $|q|^2 =
# 300{,}000{,}001$, but float32 numbers of that size are 32 apart: the 1 is lost before anything is subtracted. This is called **cancellation**: the
# difference of two large, nearly equal numbers keeps little but their rounding errors, and it may even come out negative. The expanded formula is the
# faster one, and for values of moderate size it is fine. It becomes safer if you first subtract the mean of all points from every point.
#
# </details>
#
# ### Two more ways to get rid of a loop
#
# `torch.bmm` multiplies a batch of matrices by a batch of matrices, pair by pair: here each point gets a rotation of its own. `torch.func.vmap` takes
# a function for **one** sample and gives you the function for a batch. You write the loop's body; it runs the whole batch through each operation at
# once.

# %%
angles = torch.tensor([0.0, math.pi / 2, math.pi])
cos, sin = angles.cos(), angles.sin()
turns = torch.stack([torch.stack([cos, -sin], dim=1), torch.stack([sin, cos], dim=1)], dim=1)  # (3, 2, 2)
points = torch.tensor([[2.0, 1], [2, 1], [2, 1]])
print("bmm: ", torch.bmm(turns, points[:, :, None])[:, :, 0].round(decimals=3).tolist())
print("vmap:", torch.func.vmap(torch.mv)(turns, points).round(decimals=3).tolist())
counts = []
for n in (3, 300):
    with CountOperations() as counted:
        torch.func.vmap(torch.mv)(torch.ones(n, 2, 2), torch.ones(n, 2))
    counts.append(len(counted.names))
print("vmap takes as many operations for 300 samples as for 3:", counts[0] == counts[1])

# %% [markdown]
# ### Reading digits with your distances
#
# This is enough for a classifier that needs no training. An unknown digit gets the label of its **nearest neighbour** among 500 known ones.
# Your `squared_distances` finds it, once for the images as they are and once after your `unit_rows`, which evens out the amount of ink.
#
# **Before you run it:** of 100 unknown digits, how many will be read correctly? Does it help to scale the images to length 1?

# %% yours
images, labels = load_digits()  # 1,797 images of 8×8 pixels
pixels = images.flatten(1)
known, unknown = pixels[:500], pixels[1000:1100]
distances = yours_or_ours(squared_distances, lambda a, b: torch.cdist(a, b).square(), known[:2], known[:3])
scaled = yours_or_ours(unit_rows, lambda x: torch.stack([row / row.norm() for row in x]), known[:2])

for what, prepare in [("as they are", lambda x: x), ("scaled to length 1", scaled)]:
    nearest = distances(prepare(unknown), prepare(known)).argmin(dim=1)
    right = labels[nearest] == labels[1000:1100]
    print(f"{what:19}: {int(right.sum())} of 100 digits read correctly")

# %% yours folded label="Draw some digits and their nearest neighbours"
wrong_first = right.int().argsort(stable=True)[:4].tolist()
shown = [images[1000 + k] for k in wrong_first] + [images[nearest[k]] for k in wrong_first]
titles = [f"digit {labels[1000 + k]}: {'right' if right[k] else 'wrong'}" for k in wrong_first]
draw_images(
    shown,
    titles + [f"nearest: {labels[nearest[k]]}" for k in wrong_first],
    columns=4,
    cell=1.35,
    alt="Four unknown digits, those read wrongly first, and below each its nearest neighbour among the known ones. "
    + ", ".join(f"digit {labels[1000 + k]} next to {labels[nearest[k]]}" for k in wrong_first),
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# Some people press harder than others. As the images are, the distance counts a difference in ink as if it were one in shape; between images of length 1
# it depends on the angle alone, $|p - q|^2 = 2 - 2\cos\varphi$. Here that helps, 98 digits instead of 92. Where brightness carries meaning, it would do harm.
#
# </details>
#
# ## Timing properly
#
# Counting operations is exact, but in the end you want seconds. A single reading means little. Three rules help:
#
# 1. **A clock for durations**: `time.perf_counter()`. `time.time()` reads the system clock, which may be adjusted while you measure.
# 2. **Warm up**: run the code once beforehand. The first run also loads libraries, starts threads and allocates memory.
# 3. **Repeat and take the median.** Now and then something else runs on your machine. One slow run spoils the mean but not the median.
#
# There is a fourth rule, for GPUs, and you do not need a GPU to discover it: here a second thread stands in for one. Python calls `submit` to give
# the thread a job of 50 ms, as it gives a GPU a matrix product, and `result` to fetch the outcome.
#
# **Before you run it:** the clock is read after `submit` and again after `result`. What does it show each time?

# %% predict varies
from concurrent.futures import ThreadPoolExecutor

with ThreadPoolExecutor(max_workers=1) as worker:
    worker.submit(time.sleep, 0).result()  # warm-up: starts the worker
    start = time.perf_counter()
    job = worker.submit(time.sleep, 0.05)
    after_submit = time.perf_counter() - start
    job.result()
    after_result = time.perf_counter() - start
print(f"after submit: {1000 * after_submit:5.1f} ms")
print(f"after result: {1000 * after_result:5.1f} ms")

# %% [markdown]
# <details><summary>Why?</summary>
#
# A call only puts the work into a queue and returns; Python goes on while the GPU computes. Stop the clock there and you have timed the queue. So the
# fourth rule is: **wait for the GPU before you start the clock and before you stop it.** The wait is `torch.cuda.synchronize()`. The first one keeps
# earlier work out of the timed part; the second one belongs *inside* it.
# (Operations that need the value in Python, such as `.item()`, `print` or `.cpu()`, wait by themselves.)
#
# </details>
#
# ### A timer that follows the rules
#
# `torch.utils.benchmark.Timer` follows all four rules for you: `blocked_autorange` warms up, repeats the code until enough time has passed, waits for a
# GPU, and its result has a `.median`. One thing to know: it uses **one** CPU thread unless you give it `num_threads`. Try it on the function from
# exercise 1.

# %% folded label="Load the timer"
import logging

logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)  # its remarks about CUDA do not matter here
import torch.utils.benchmark

# %% yours varies
from torch.utils.benchmark import Timer


def layer_by_loop(x, weight, bias):
    return torch.stack([(weight.mv(row) + bias).clamp(min=0) for row in x])


sizes = {"x": torch.randn(500, 64), "weight": torch.randn(10, 64), "bias": torch.randn(10)}
batched = yours_or_ours(layer_for_batch, lambda x, w, b: F.linear(x, w, b).relu(), *sizes.values())
medians = {}
for name, function in [("loop", layer_by_loop), ("batch", batched)]:
    timer = Timer("function(x, weight, bias)", globals={"function": function, **sizes})
    medians[name] = timer.blocked_autorange(min_run_time=0.1).median
    print(f"{name}: {1e6 * medians[name]:8.1f} µs")
print(f"the batch is {medians['loop'] / medians['batch']:.0f} times as fast")

# %% [markdown]
# These matrices are small: the loop loses its time to Python, not to memory.
#
# ## The speed-up, measured
#
# Now a large layer, from 1000 to 1500 features, and 2500 samples: a loop of `w.mv(x[k])` against `x.mm(w.t())`, on one
# CPU core, and on the GPU if there is one. (This cell takes a few seconds.)
#
# **Before you run it:** copies of the weight go down from 2500 to 1, operations from 10,000 to 2. Do you expect a speed-up of 2500? Of 10?

# %% predict varies
torch.manual_seed(0)
x, w = torch.randn(2500, 1000), torch.randn(1500, 1000)


def loop(x, w, y):
    for k in range(len(x)):
        y[k] = w.mv(x[k])


for where in [torch.device("cpu")] + [device] * (device.type == "cuda"):
    # y is made beforehand, on the same device: no result is copied from one device to another
    there = {"loop": loop, "x": x.to(where), "w": w.to(where), "y": torch.empty(2500, 1500, device=where)}
    slow = Timer("loop(x, w, y)", globals=there).blocked_autorange(min_run_time=0.5).median
    fast = Timer("x.mm(w.t())", globals=there).blocked_autorange(min_run_time=0.2).median
    print(f"{where}: loop {1000 * slow:.0f} ms, batch {1000 * fast:.2f} ms: {slow / fast:.1f} times as fast")

# %% [markdown]
# <details><summary>Why?</summary>
#
# Two lectures published this very measurement between 2018 and 2021, with different results:
#
# | speed-up (times as fast) | CPU | GPU |
# |---|---|---|
# | EPFL, EE-559 | 10.0 | 80.7 |
# | KISTI, Modules in PyTorch | 16.4 | 102.8 |
#
# Neither count predicts the time, because the arithmetic stays the same, 3.75 billion products, and it sets a limit. The batch is compute-bound: it
# gains from many cores and wide arithmetic units. The loop is memory-bound: it has to fetch the 6 MB of `w` 2500 times. On one core the batch waits
# for the arithmetic, and if the cache holds the 6 MB, the loop gets them quickly: then the speed-up is small. A GPU has thousands of arithmetic
# units, and the loop leaves most of them idle: there the speed-up is large. The number of cores matters (with `num_threads=torch.get_num_threads()`
# all of them work), and so do library versions and what exactly is timed.
#
# A speed-up means little without the machine, the sizes and the code. But in every measurement the batch wins.
#
# </details>
#
# ### How large must a batch be?
#
# **Throughput** is the number of samples per second. The arithmetic intensity grows with the batch size; up to what size does the throughput follow?
# To see how fast the machine *can* be, the cell keeps the fastest run for each size, because whatever else is running only makes a run slower.
# Without a GPU it uses one core.
#
# **Before you run it:** sketch the curve, from batch size 1 to 1,024 (on a GPU to 32,768). Where does it flatten out: at 4, at 64, at 1,024?

# %% predict varies
sizes = [2**k for k in range(11 if device.type == "cpu" else 16)]
timers = [
    Timer("batch.mm(w.t())", globals={"batch": torch.randn(size, 1000, device=device), "w": w.to(device)})
    for size in sizes
]
fastest = [math.inf] * len(sizes)
for _ in range(8):  # eight rounds through all sizes, so that a disturbance does not hit one size alone
    for k, timer in enumerate(timers):
        fastest[k] = min(fastest[k], *timer.blocked_autorange(min_run_time=0.005).times)
throughput = [size / seconds for size, seconds in zip(sizes, fastest)]
for size, rate in list(zip(sizes, throughput))[::2]:
    print(f"batch of {size:6,}: {rate:11,.0f} samples per second, {1000 * size / rate:7.3f} ms in all")

# %% predict varies folded label="Draw the throughput"
best = max(throughput)
enough = next(size for size, rate in zip(sizes, throughput) if rate >= 0.8 * best)
print(f"80 % of the best is reached with a batch of {enough:,}")
hardware = "one CPU core" if device.type == "cpu" else "GPU"
figure, ax = plot_axes(6.4, 3.4)
ax.axhline(best, color=INK, linestyle="--", linewidth=1)
ax.text(sizes[0], 1.02 * best, "the best", fontsize=9, color=INK, va="bottom")
ax.axvline(enough, color=COLOURS["plain"], linestyle=":", linewidth=1.5)
ax.text(enough * 1.07, 0.05 * best, "80 % of the best", fontsize=9, color=INK)
ax.plot(sizes, throughput, "o-", color=COLOURS["output"], linewidth=2)
ax.set_xscale("log", base=2)
ax.set_xticks(sizes[::2], [f"{size:,}" for size in sizes[::2]])
ax.yaxis.set_major_formatter("{x:,.0f}")
ax.set(xlabel="batch size (samples)", ylabel="samples per second", ylim=(0, 1.15 * best))
ax.set_title(f"throughput of a layer 1000 → 1500 ({hardware})", fontsize=11)
show(
    figure,
    alt="Throughput in samples per second against the batch size, each step along the axis doubling it, measured on the machine that ran this cell. "
    f"With one sample at a time it is {throughput[0]:,.0f}, the best value is {best:,.0f}, marked by a dashed line. "
    f"80 % of the best is reached first with a batch of {enough:,}, marked by a dotted line.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# Where the curve rises, twice the batch takes less than twice the time: most of it goes into fetching the weight (memory-bound) and into the call
# itself. Where it is flat, the layer is compute-bound: twice the batch takes twice the time. On one CPU core the curve typically flattens out between
# 16 and 64, on a GPU at several hundred or a few thousand. (If your curve falls again or has a kink near 1, other programs or another routine are at
# work: one row is a matrix–vector product.)
#
# The throughput levels off, but the *time* keeps growing. Beyond that point, more samples only cost memory. So choose a batch size on the flat part, but
# not far into it.
#
# How the batch size changes what a network *learns* is another question: with a larger batch there are fewer steps per epoch (one pass over all
# samples), with less noisy gradients.
#
# </details>
#
# ## Backward for a batch
#
# The same step from columns to rows works for gradients. Let $g_n = \partial L/\partial s_n$, as a column. For one sample, a textbook has $\partial
# L/\partial w = g_n\,x_n^T$, an **outer product**: column times row. Every sample uses the same $w$, so for the batch its gradient is the **sum**
# over the samples. And a sum of outer products is one matrix product:
#
# $$\frac{\partial L}{\partial w} = \sum_{n=1}^{N} g_n\,x_n^T = \left(\frac{\partial L}{\partial s}\right)^{\!T} x ,
# \qquad \frac{\partial L}{\partial x} = \frac{\partial L}{\partial s}\; w .$$
#
# **Before you run it:** each of the two samples below has 4 features, and the layer has 3 outputs. What is the shape of the outer product of one
# sample? What is the shape of their sum?

# %% predict
x = torch.tensor([[1.0, 0, 2, 1], [0, 3, 1, 0]])
grad_s = torch.tensor([[1.0, 2, 0], [-1, 0, 1]])

outer = [torch.outer(grad_s[k], x[k]) for k in range(2)]
total = grad_s.t().mm(x)
print("one sample:", tuple(outer[0].shape), "  the batch:", tuple(total.shape))
print("the sum of the outer products equals the one product:", torch.equal(sum(outer), total))

w = torch.tensor([[1.0, 2, 3, 0], [0, -1, 1, 1], [2, 0, 0, 1]], requires_grad=True)
leaf = x.clone().requires_grad_()
leaf.mm(w.t()).backward(grad_s)
print("autograd agrees:", torch.equal(w.grad, total), torch.equal(leaf.grad, grad_s.mm(w.detach())))

# %% predict folded label="Draw the sum"
grids = [Grid(matrix + 0, f"g{SUBSCRIPTS[k]} x{SUBSCRIPTS[k]}ᵀ", "plain", digits=0) for k, matrix in enumerate(outer)]
draw_row(
    grids[0],
    "+",
    grids[1],
    "=",
    Grid(total + 0, "∂L/∂w", "loss", digits=0),
    alt="Two grey matrices of 3×4, the outer products of the two samples, are added up and give the red matrix ∂L/∂w, "
    "also 3×4, with the rows 1, -3, 1, 1 and 2, 0, 4, 2 and 0, 3, 1, 0.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# A column of 3 times a row of 4 is 3×4, the shape of $w$: row $d$ belongs to output $d$, column $c$ to feature $c$. Adding up changes no shape. The
# shapes also tell you where a transpose belongs: $\partial L/\partial s$ is N×D and $x$ is N×C, so there is only one product of the two that gives
# the shape of $w$, D×C.
#
# The other gradient: $s_{nd} = \sum_c x_{nc}\,w_{dc}$, so $x_{nc}$ takes part in every $s_{nd}$, with the factor $w_{dc}$. By the chain rule $\partial
# L/\partial x_{nc} = \sum_d g_{nd}\,w_{dc}$, which is the product of $\partial L/\partial s$ and $w$.
#
# </details>
#
# What if the loss is a *mean* over the samples? Then each $g_n$ carries a factor $\frac1N$. The rule itself stays a sum.
#
# ### Exercise: The gradient of every single sample
#
# Sometimes you want the terms of that sum, not the sum: to see which sample pulls most strongly, or to limit the influence of each one, as differentially
# private training does. Write `per_sample_gradients(x, grad_s)`: entry n of the result is sample n's share of $\partial L/\partial w$, so that the
# sum over n is the gradient of the batch, in float32 and float64. No loop (as in exercise 1: the number of operations must not depend on N, and you
# stay in torch). Gradients must reach `x` and `grad_s`, and neither may be changed.
#
# <details><summary>Hint 1: the shape</summary>
#
# N matrices of D×C: the result is (N, D, C), with entry $[n, d, c] = g_{nd}\,x_{nc}$. Nothing is summed over, so no index disappears.
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

    x: (N, C), the inputs. grad_s: (N, D), the gradient for the outputs, of the same dtype.
    Returns: (N, D, C).
    """
    ### BEGIN SOLUTION
    return grad_s[:, :, None] * x[:, None, :]
    ### END SOLUTION


# %% check="per_sample_gradients" points=2
g = torch.Generator().manual_seed(16)


def one_by_one(x, grad_s):
    """The gradient of each sample, as autograd has it."""
    found = []
    for row, gradient in zip(x, grad_s):
        weight = torch.zeros(grad_s.shape[1], x.shape[1], dtype=x.dtype, requires_grad=True)
        found.append(torch.autograd.grad(F.linear(row, weight), weight, gradient, create_graph=True)[0])
    return torch.stack(found)


def untouched(names, now, before):
    changed = [name for name, mine, theirs in zip(names, now, before) if not torch.equal(mine, theirs)]
    first = changed[0] if changed else ""
    advice = (
        f"Your code changes {first} in place: look for names that end in _, for += and the like, for {first}[…] = …"
    )
    require(not changed, f"{' and '.join(names)} should stay unchanged", advice)


# As many samples as features and outputs first: there, a wrong order raises no error, it only gives wrong numbers.
x, grad_s = torch.randn(3, 3, generator=g), torch.randn(3, 3, generator=g)
before, wanted = [x.clone(), grad_s.clone()], one_by_one(x, grad_s).detach()
answer = per_sample_gradients(inplace(x), inplace(grad_s))
untouched(("x", "grad_s"), (x, grad_s), before)
expect(
    answer,
    wanted,
    "per_sample_gradients(x, grad_s) for N=3, C=3, D=3",
    mistakes={
        "Each matrix is transposed: it should have one row per output, as the weight has.": wanted.transpose(1, 2),
        "This is the sum over the samples: keep them apart.": sum(wanted),
        "These are the products of sample with sample: here every output should meet every feature.": (
            torch.stack([torch.stack([torch.dot(p, q) for q in x]) for p in grad_s])
        ),
        "This is divided by N: each sample gives its whole share.": wanted / 3,
        "Output d meets every feature c: the elementwise product of the two has only d = c.": (
            torch.stack([matrix.diagonal() for matrix in wanted])
        ),
        "x needs an extra dimension too, (N, 1, C): without it, every sample's gradient meets all the samples.": (
            torch.stack([torch.stack([row * k for row, k in zip(x, gradient)]) for gradient in grad_s])
        ),
        "grad_s needs an extra dimension too, (N, D, 1): without it, every sample meets all the gradients.": (
            torch.stack([torch.stack([row * gradient for gradient in grad_s]) for row in x])
        ),
        "The samples come first: the result is (N, D, C).": torch.stack(list(wanted), dim=2),
    },
)
x, grad_s = torch.randn(1, 2, generator=g), torch.randn(1, 4, generator=g)
wanted = one_by_one(x, grad_s).detach()
expect(
    per_sample_gradients(x, grad_s),
    wanted,
    "per_sample_gradients(x, grad_s) for one sample: N=1, C=2, D=4",
    mistakes={"With one sample, squeeze() removes the dimension of the samples as well.": wanted[0]},
)
x, grad_s = (torch.randn(size, generator=g, dtype=torch.float64) for size in [(6, 4), (6, 2)])
answer = per_sample_gradients(x, grad_s)
expect(answer, one_by_one(x, grad_s).detach(), "per_sample_gradients(x, grad_s) for N=6, C=4, D=2 in float64")
weight = torch.zeros(2, 4, dtype=torch.float64, requires_grad=True)
F.linear(x, weight).backward(grad_s)
expect(answer.sum(dim=0), weight.grad, "their sum is autograd's gradient of the batch")
x, grad_s = torch.randn(13, 4, generator=g), torch.randn(13, 3, generator=g)
wanted, counts = one_by_one(x, grad_s).detach(), {}
for times in (1, 2, 7_500):
    many, gradients = x.repeat(times, 1), grad_s.repeat(times, 1)
    with Watch() as seen:
        answer = per_sample_gradients(many, gradients)
    n, counts[times] = 13 * times, len(seen.operations)
    expect(answer, wanted.repeat(times, 1, 1), f"per_sample_gradients(x, grad_s) for {n:,} samples")
    if times > 1:
        require(
            counts[times] == counts[1],
            f"{n:,} samples should take no more torch operations than 13",
            f"You loop over the samples or over blocks of them: {n:,} samples take {counts[times]:,} operations, "
            f"13 samples take {counts[1]}.",
        )
x, grad_s, push = x.requires_grad_(), grad_s.requires_grad_(), torch.randn(13, 3, 4, generator=g)
try:
    answer = per_sample_gradients(x, grad_s)
except RuntimeError as error:
    require(
        "numpy" not in str(error),
        "no NumPy, torch alone",
        "Stay in torch: autograd cannot follow through NumPy.",
    )
    raise
require(
    answer.requires_grad,
    "autograd should be able to follow from x and grad_s to the result",
    "Stay in torch: through lists, NumPy, detach(), no_grad() or backward(), autograd loses track.",
)
found = torch.autograd.grad(answer, [x, grad_s], push, allow_unused=True)
ideal = torch.autograd.grad(one_by_one(x, grad_s), [x, grad_s], push)
for name, mine, theirs in zip(("x", "grad_s"), found, ideal):
    if mine is None:
        require(
            False,
            f"a gradient should reach {name}",
            f"{name} was cut off: is there a detach(), a no_grad() or a copy, such as a new Parameter?",
        )
    expect(mine, theirs, f"the gradient for {name}", rtol=1e-4, atol=1e-5)


PYTHON = {"tolist", "numpy", "__array__", "__dlpack__", "Thread.start"}  # ways out of torch, or out of sight
CLOSE = {torch.float32: {"rtol": 1e-5, "atol": 1e-4}, torch.float64: {"rtol": 1e-9, "atol": 1e-9}}
LAYOUTS = {
    "stored column by column": lambda one: one.T.contiguous().T if one.dim() == 2 else one,
    "every second number of a larger tensor": lambda one: torch.stack([one, one + 1], -1)[..., 0],
    "one row repeated by expand": lambda one: one[:1].expand(one.shape),
}


def must(condition, what, otherwise):
    """As require, but silent if all is well."""
    if not condition:
        require(False, what, otherwise)


def agree(mine, theirs, what, **rules):
    """As expect, but silent if all is well."""
    rules = rules or CLOSE[theirs.dtype]
    fits = isinstance(mine, torch.Tensor) and (mine.shape, mine.dtype) == (theirs.shape, theirs.dtype)
    if not (fits and torch.allclose(mine, theirs, **rules)):
        expect(mine, theirs, what, **rules)


def call(*arguments):
    """The learner's result, and what torch did. The arguments are looked at before the result."""
    before = [one.detach().clone() for one in arguments]
    with Watch() as seen:
        answer = per_sample_gradients(*(one if one.requires_grad else inplace(one) for one in arguments))
    if not all(map(torch.equal, arguments, before)):
        untouched(("x", "grad_s"), arguments, before)
    told = "Your code leaves torch: lists, NumPy and threads hide a loop from the check. Stay in torch."
    must(not PYTHON & set(seen.functions), "torch should compute everything", told)
    return answer, seen


def thorough(groups, odd):
    """Values, gradients, arguments and the number of operations, for many inputs.

    groups: the sizes that share their widths, and so must take equally many operations. odd: sizes for other layouts.
    """
    kept, cases, counted = [], [], {}
    for dtype in (torch.float32, torch.float64):
        for k, sizes in enumerate(groups):
            cases += [(size, "", make(*size, dtype), (k, dtype)) for size in sizes]
        cases += [(odd, f", {name}", list(map(layout, make(*odd, dtype))), None) for name, layout in LAYOUTS.items()]
    for size, layout, arguments, group in cases:
        names = ", ".join(f"{letter}={number}" for letter, number in zip("NCD", size))
        about = f"per_sample_gradients for {names} in {str(arguments[0].dtype)[6:]}{layout}"
        leaves = [one.detach().clone(memory_format=torch.preserve_format).requires_grad_() for one in arguments]
        ideal = one_by_one(*leaves)
        push = torch.randint(-3, 4, ideal.shape, generator=g).to(ideal.dtype)
        theirs = torch.autograd.grad(ideal, leaves, push)
        made = [leaf.clone() for leaf in leaves]
        for given, kind in [(arguments, ""), (leaves, ", with requires_grad"), (made, ", given what a layer made")]:
            what = about + kind
            answer, seen = call(*given)
            agree(answer, ideal.detach(), what)
            kept.append((answer, answer.detach().clone()))
            if group and size[0] > 1:
                count = len(seen.operations)
                other, few = counted.setdefault((*group, kind), (size, count))
                told = f"You loop: {count:,} operations instead of {few}."
                must(count == few, f"{what}: there should be as many operations as for sizes {other}", told)
            if not kind:
                continue
            must(
                answer.requires_grad, f"{what}: autograd should be able to follow", "Is there a detach() or no_grad()?"
            )
            found = torch.autograd.grad(answer, leaves, push, allow_unused=True)
            for name, mine, right in zip(("x", "grad_s"), found, theirs):
                must(mine is not None, f"{what}: a gradient should reach {name}", "Is there a detach() or no_grad()?")
                agree(mine, right, f"the gradient for {name}, {what}")
    told = "A later call overwrote it: make a new tensor in each call."
    must(all(torch.equal(*pair) for pair in kept), "an earlier result should stay as it was", told)
    require(
        True, f"right, without a loop and with gradients, for {len(cases)} more inputs of other sizes and layouts", ""
    )


def make(n, c, d, dtype):
    """Numbers that float32 rounds."""
    return [torch.randint(-3, 4, size, generator=g).to(dtype) / 7 for size in [(n, c), (n, d)]]


def scaled(power, *sizes):
    """Tiny or huge numbers: with a power of 2, the products are as exact as before."""
    x, grad_s = make(*sizes, torch.float32)
    answer, about = call(2.0**power * x, grad_s)[0], f"per_sample_gradients for an x of numbers around 2**{power}"
    agree(answer, 2.0**power * one_by_one(x, grad_s).detach(), about, rtol=1e-5, atol=0)


thorough(
    [
        [(2, 3, 5), (3, 3, 5), (12, 3, 5), (30, 3, 5)],
        [(1, 8, 2), (5, 8, 2), (16, 8, 2)],
        [(1, 1, 4), (7, 1, 4)],
        [(1, 6, 1), (6, 6, 1)],
    ],
    (6, 4, 3),
)
scaled(-30, 5, 3, 2)
scaled(30, 5, 3, 2)
### BEGIN HIDDEN TESTS
thorough(
    [
        [(3, 4, 7), (4, 4, 7), (11, 4, 7), (40, 4, 7)],
        [(1, 9, 3), (6, 9, 3), (15, 9, 3)],
        [(1, 1, 6), (8, 1, 6)],
        [(1, 7, 1), (7, 7, 1)],
    ],
    (5, 3, 6),
)
scaled(-25, 4, 2, 5)
scaled(25, 4, 2, 5)
### END HIDDEN TESTS

# %% [markdown]
# ## A batch in parts
#
# A large batch may not fit: autograd keeps the activations of all its samples until `backward`. The way out uses what you know: **gradients add up**,
# in `.grad` and over samples. Send the batch through in parts, called *micro-batches*, call `backward()` after each, and take the step only when all are
# through. This is called **gradient accumulation**.
#
# **Before you run it:** ten samples are cut into parts of 4, 4 and 2. Is the mean loss of the whole batch the mean of the three mean losses?

# %% predict
torch.manual_seed(0)
x, y = torch.randn(10, 3), torch.randn(10, 1)
model = nn.Linear(3, 1)
with torch.no_grad():
    whole = F.mse_loss(model(x), y).item()
    losses = [F.mse_loss(model(part), target).item() for part, target in zip(x.split(4), y.split(4))]

print("the three parts:  ", " ".join(f"{loss:.4f}" for loss in losses))
print(f"mean of the three: {sum(losses) / 3:.4f}")
print(f"the whole batch:   {whole:.4f}")

# %% predict folded label="Draw the shares of the samples"
figure, ax = canvas(17.0, 7.4, cell=0.36)
left = 0.4
for k, n in enumerate([4, 4, 2]):
    for j in range(n):
        box(ax, left + 1.4 * j, 1.6, 1.4, 1.5, "input")
        write(ax, left + 1.4 * j + 0.7, 2.35, f"1/{n}", 10)
        box(ax, left + 1.4 * j, 5.0, 1.4, 1.5, "loss", 0.2)
        write(ax, left + 1.4 * j + 0.7, 5.75, "1/10", 10)
    middle = left + 0.7 * n
    write(ax, middle, 1.0, f"part {k + 1}: {n} samples", 10, COLOURS["input"])
    arrow = {"arrowstyle": "->", "color": COLOURS["loss"], "lw": 1.6}
    ax.annotate("", (middle, 4.8), (middle, 3.3), arrowprops=arrow)
    write(ax, middle + 0.3, 4.0, f"× {n}/10", 11, COLOURS["loss"], ha="left", weight="bold")
    left += 1.4 * n + 1.1
write(ax, 0.4, 0.3, "share of a sample in the mean of its part", 9, ha="left")
write(ax, 0.4, 7.0, "share of a sample in the mean of the whole batch", 9, ha="left")
show(
    figure,
    alt="Ten samples in parts of 4, 4 and 2. Above, in blue, the share of a sample in the mean of its own part: 1/4, 1/4 and 1/2. "
    "The parts are multiplied by 4/10, 4/10 and 2/10. Below, in red, every sample has the share 1/10.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# The plain mean of the three counts each sample of the small part twice as much as the others. With the weights $n_k/N$ every sample counts
# $\frac1N$, as in the whole batch. The same holds for the gradients, because the gradient of a weighted sum is the weighted sum of the gradients:
#
# $$L = \sum_k \frac{n_k}{N}\,L_k, \qquad \frac{\partial L}{\partial w} = \sum_k \frac{n_k}{N}\,\frac{\partial L_k}{\partial w} .$$
#
# </details>
#
# ### Exercise: Gradient accumulation
#
# Write `accumulate_gradients(model, x, y, size)`. After the call, each parameter's `.grad` is the gradient of `F.mse_loss(model(x), y)` over the
# **whole** batch (mean reduction), but the model never sees more than `size` samples at once:
#
# - gradients from before the call are cleared first, including those of frozen parameters (a `.grad` may also be `None`);
# - the parts are the rows 0 to `size` − 1, then the next `size` rows, and so on; the last part may be smaller. Each part goes through `model` exactly once;
# - `backward()` is called for each part before the next one goes through the model, and it frees the part's graph (no `retain_graph=True`): then memory
#   for one part is enough;
# - it returns the loss of the whole batch as a Python `float`;
# - parameters, `x` and `y` keep their values (no optimizer step), and frozen parameters stay frozen and get no gradient (`None` or zeros);
# - throughout the call, the model and each of its layers stay in the mode (train or eval) that they were in, even if there is dropout or batch
#   normalisation among them.
#
# The model may be a single layer or a net with a `forward` of its own, in float32 or float64. At least one parameter is not frozen.
#
# <details><summary>Hint 1: the parts</summary>
#
# `x.split(size)` gives the parts, the last one possibly smaller. `y` is cut in the same way.
#
# </details>
#
# <details><summary>Hint 2: the weights</summary>
#
# Multiply the loss of a part by its share of the samples *before* `backward()`. The share is made with the part's own number of samples, not with
# `size`.
#
# </details>
#
# <details><summary>Hint 3: what is cleared when?</summary>
#
# `model.zero_grad()` once, at the beginning. Inside the loop you want gradients to add up.
#
# </details>


# %% exercise="accumulate_gradients" difficulty=3 minutes=14
def accumulate_gradients(model: nn.Module, x: torch.Tensor, y: torch.Tensor, size: int) -> float:
    """The whole batch's gradient of the mean squared error, from parts of at most `size` samples.

    x: (N, C). y: (N, D), what model(x) should be.
    Returns: the loss of the whole batch. The gradients are in .grad.
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
import weakref


class Watched(nn.Linear):
    """A linear layer that writes down what happens: the rows of each batch, "backward" for each backward pass, the mode.

    The first feature of each row is its number.
    """

    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.events, self.modes = [], []

    def __deepcopy__(self, memo):
        return self  # a copy would see batches that this one does not

    def forward(self, x):
        self.modes.append(self.training)
        self.events.append([round(number) for number in x[:, 0].tolist()])
        output = super().forward(x)
        if output.requires_grad:
            output.register_hook(lambda gradient: self.events.append("backward"))
        return output


class Skip(nn.Sequential):
    """Four layers, and a forward of their own: what comes out of the first two goes around the third as well."""

    def forward(self, x):
        hidden = self[1](self[0](x))
        return self[3](hidden + self[2](hidden))


class Noted(nn.Module):
    """A layer that writes down its modes."""

    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.modes = []

    def forward(self, x):
        self.modes.append(self.training)
        return super().forward(x)


class NotedDropout(Noted, nn.Dropout):
    pass


class NotedNorm(Noted, nn.BatchNorm1d):
    pass


class Gain(nn.Module):
    """A layer with a parameter that has another name. It writes down its modes, and how many of its inputs are kept."""

    def __init__(self, size):
        super().__init__()
        self.gain, self.modes, self.inputs, self.kept = nn.Parameter(torch.ones(size)), [], [], 0

    def forward(self, x):
        self.kept = max(self.kept, sum(one() is not None for one in self.inputs))
        self.modes.append(self.training)
        self.inputs.append(weakref.ref(x))
        return x * self.gain


g = torch.Generator().manual_seed(17)
close = {"rtol": 1e-4, "atol": 1e-5}


def must(condition, what, otherwise):
    """As require, but silent if all is well."""
    if not condition:
        require(False, what, otherwise)


def agree(mine, theirs, what):
    """As expect, but silent if all is well."""
    rules = close if theirs.dtype == torch.float32 else {"rtol": 1e-8, "atol": 1e-10}
    fits = isinstance(mine, torch.Tensor) and (mine.shape, mine.dtype) == (theirs.shape, theirs.dtype)
    if not (fits and torch.allclose(mine, theirs, **rules)):
        expect(mine, theirs, what, **rules)


def in_words(events):
    return [event if event == "backward" else f"rows {event} went forward" for event in events]


def same_mode(training):
    changed = [mode for mode in [*model.modes, model.training] if mode != training]
    advice = f"Your code called {'eval()' if training else 'train()'}."
    require(not changed, f"a model in {'train' if training else 'eval'} mode should stay in it", advice)


x, y = torch.randn(10, 3, generator=g), torch.randn(10, 2, generator=g)
x[:, 0] = torch.arange(10)
model = Watched(3, 2)
with torch.no_grad():
    for parameter in model.parameters():
        parameter.copy_(torch.randn(parameter.shape, generator=g))
weight, bias = model.weight.detach().clone().requires_grad_(), model.bias.detach().clone()


def gradient_of(rows, targets=None):
    loss = F.mse_loss(F.linear(x[rows], weight, bias), y[rows if targets is None else targets])
    return torch.autograd.grad(loss, weight)[0]


def loss_of(rows):
    return F.mse_loss(F.linear(x[rows], weight, bias), y[rows]).item()


cuts = [slice(0, 4), slice(4, 8), slice(8, 10)]
whole, (one, two, three) = gradient_of(slice(0, 10)), map(gradient_of, cuts)
losses = list(map(loss_of, cuts))
old = torch.randn(2, 3, generator=g)
model.weight.grad, model.bias.grad = old.clone(), torch.ones(2)
before = [x.clone(), y.clone(), weight.detach().clone(), bias.clone()]

answer = accumulate_gradients(inplace(model), inplace(x), inplace(y), 4)
now = [x, y, model.weight.detach(), model.bias.detach()]
changed = [n for n, mine, theirs in zip(("x", "y", "weight", "bias"), now, before) if not torch.equal(mine, theirs)]
advice = f"Your code changes {', '.join(changed)}: no optimizer step, nothing in place."
require(not changed, "x, y, and the model's weight and bias should stay as they were", advice)
first, second, third = [0, 1, 2, 3], [4, 5, 6, 7], [8, 9]
forward = [event for event in model.events if event != "backward"]
through = [row for rows in forward for row in rows]
require(
    through == sorted(through) or sorted(through) != list(range(10)),
    "the rows should go through the model in their order",
    f"Yours go through in this order: {through}.",
)
expect(
    forward,
    [first, second, third],
    "the rows that went through the model together, for 10 samples and size=4",
    mistakes={
        "The whole batch went through the model at once: there is memory for `size` samples only.": [
            first + second + third
        ],
        "The last, smaller part is missing.": [first, second],
        "size is the number of samples in a part, not the number of parts.": [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9]],
        "Each sample went through by itself.": [[n] for n in range(10)],
        "Each part went through twice: keep its loss instead of computing it anew.": [
            rows for rows in (first, second, third) for _ in range(2)
        ],
        "The whole batch went through as well: add up the loss from the parts.": [
            first,
            second,
            third,
            first + second + third,
        ],
    },
)
forwards = in_words([first, second, third])
expect(
    in_words(model.events),
    in_words([first, "backward", second, "backward", third, "backward"]),
    "each part should go backward before the next one goes forward",
    mistakes={
        "Call backward() for each part, inside the loop: otherwise all parts stay in memory.": (
            [*forwards, *3 * ["backward"]]
        ),
        "No gradient reaches the model: is backward() missing, or is there a detach() or no_grad()?": forwards,
        "Only the last part goes backward: call backward() inside the loop.": [*forwards, "backward"],
    },
)
require(
    isinstance(model.weight.grad, torch.Tensor),
    "the gradient should be in .grad",
    "The weight's .grad is None: backward() puts it there, and nothing may clear it afterwards.",
)
expect(
    model.weight.grad.detach(),
    whole,
    "the weight's gradient from parts of 4, 4 and 2 is that of the whole batch",
    mistakes={
        "You added up the gradients of three means: weight each part by its share of the samples.": one + two + three,
        "You weighted the parts equally: the last one has 2 samples, the others 4.": (one + two + three) / 3,
        "The share of the last part is 2/10, not size/N = 4/10.": 0.4 * (one + two + three),
        "Only the last part's gradient is there: clear the gradients once, not in the loop.": three,
        "Only the last part's gradient is there: clear the gradients once, not in the loop. (Its weight is right.)": (
            0.2 * three
        ),
        "The gradient from before the call is still in it: clear it first.": old + whole,
        "The gradient from before the call is still in it, and the parts are not weighted.": old + one + two + three,
        "You added up squares without dividing: the mean over all components was asked for.": whole * 20,
        "You divided by the number of samples: the mean is over all components, N·D.": whole * 2,
        "Each part needs its own rows of y: yours meets the first ones every time.": (
            0.4 * one + 0.4 * gradient_of(slice(4, 8), slice(0, 4)) + 0.2 * gradient_of(slice(8, 10), slice(0, 2))
        ),
        "The share of a part is its number of samples divided by N = 10, not by size.": one + two + 0.5 * three,
    },
    **close,
)
advice = "Use .item() to get the number out of it."
require(not isinstance(answer, torch.Tensor), "the loss must be a float, not a tensor", advice)
expect(
    answer,
    sum(share * loss for share, loss in zip((0.4, 0.4, 0.2), losses)),
    "the loss of the whole batch, a float",
    mistakes={
        "This is the loss of the last part.": losses[-1],
        "This is 10 times the loss: divide by the number of samples.": 4 * losses[0] + 4 * losses[1] + 2 * losses[2],
        "This is the loss of the last part, weighted.": 0.2 * losses[-1],
        "These are three means added up: weight them as you weighted the gradients.": sum(losses),
        "This is the plain mean of the three: weight them as you weighted the gradients.": sum(losses) / 3,
    },
    **close,
)
same_mode(True)
model.bias.requires_grad_(False)
model.bias.grad = None
for size, rows in [(5, [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]), (1, [[n] for n in range(10)]), (12, [list(range(10))])]:
    model.train(size == 5)
    model.events.clear()
    model.modes.clear()
    try:
        accumulate_gradients(inplace(model), x, y, size)
    except RuntimeError as error:
        advice = "The bias is frozen here, requires_grad=False: no gradient can be asked for it."
        require("does not require grad" not in str(error), "a model with a frozen bias", advice)
        raise
    expect(
        [event for event in model.events if event != "backward"],
        rows,
        f"the rows that went through the model together, for 10 samples and size={size}",
        mistakes={"An empty part went through: 10 samples fill exactly two parts of 5.": [*rows, []]},
    )
    expect(model.weight.grad.detach(), whole, f"called again, with size={size}: the weight's gradient", **close)
    frozen = model.weight.requires_grad and not model.bias.requires_grad
    advice = (
        "Your code changed the requires_grad of a parameter." if not frozen else "Its .grad should be None or zeros."
    )
    without = model.bias.grad is None or not bool(model.bias.grad.any())
    require(frozen and without, "the frozen bias should stay frozen and get no gradient", advice)
    same_mode(size == 5)


def thorough(n, size, dtype, frozen, training):
    """A net with a skip connection, its first layer watched, some parameters frozen and a layer in the other mode."""
    inner = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), Gain(5), nn.Linear(5, 6))
    out = 1 if n % 2 else 3
    net = Skip(Watched(4, 6), nn.Tanh(), inner, nn.Linear(6, out)).to(dtype)
    net.train(training)
    net[2].train(not training)
    modes = [module.training for module in net.modules()]
    x, y = torch.randn(n, 4, generator=g, dtype=dtype), torch.randn(n, out, generator=g, dtype=dtype)
    x[:, 0] = torch.arange(n)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=g, dtype=dtype) / 2)
    for name, parameter in net.named_parameters():
        parameter.requires_grad_(name not in frozen)
    live = [parameter for parameter in net.parameters() if parameter.requires_grad]
    names = [name for name, parameter in net.named_parameters() if parameter.requires_grad]
    loss = F.mse_loss(net(x), y)
    ideal = dict(zip(names, torch.autograd.grad(loss, live)))
    before = [x.clone(), y.clone(), *(parameter.detach().clone() for parameter in net.parameters())]
    rows = [list(range(start, min(start + size, n))) for start in range(0, n, size)]
    gain = inner[2]
    for again in ("", ", called again"):
        about = f"for N={n}, size={size}, {str(dtype)[6:]}, a net with a skip connection{again}"
        for parameter in net.parameters():  # left over from before
            parameter.grad = None if again else torch.ones_like(parameter)
        net[0].events.clear()
        net[0].modes.clear()
        gain.modes.clear()
        gain.inputs.clear()
        with Watch() as seen:
            answer = accumulate_gradients(inplace(net), inplace(x), inplace(y), size)
        now = [x, y, *(parameter.detach() for parameter in net.parameters())]
        told = "No optimizer step, nothing in place."
        must(all(map(torch.equal, now, before)), f"x, y and the parameters should keep their values, {about}", told)
        events = [event for one in rows for event in (one, "backward")]
        if net[0].events != events:
            expect(in_words(net[0].events), in_words(events), f"the rows that go through the model and back, {about}")
        inputs = [one.arguments[1] for one in seen.operations if one.name == "addmm"]  # of the layers, in turn
        batches = [rows for rows, features in inputs if features == 4]  # only the first layer has four features
        told = f"Yours: the first layer computed batches of {batches} samples."
        must(batches == [len(one) for one in rows], f"at most {size} samples at once, {about}", told)
        told = f"One of them was called {len(gain.modes)} times for {len(rows)} parts."
        must(len(gain.modes) == len(rows), f"each part should go through the model exactly once, {about}", told)
        told = "The graph of an earlier part is still in memory: retain_graph=True keeps it."
        must(gain.kept == 0, f"memory for one part should be enough, {about}", told)
        for name, parameter in net.named_parameters():
            same = parameter.requires_grad == (name not in frozen)
            told = f"You changed the requires_grad of {name}."
            must(same, f"frozen parameters should stay frozen, the others not, {about}", told)
            if name in frozen:
                clear = parameter.grad is None or not bool(parameter.grad.any())
                told = f"The frozen parameter {name} still has its gradient from before the call: clear that one, too."
                if again:
                    told = f"The frozen parameter {name} has one after the call."
                must(clear, f"a frozen parameter should have no gradient, {about}", told)
            else:
                must(parameter.grad is not None, f"the gradient of {name}, {about}", "Yours is None.")
                agree(parameter.grad.detach(), ideal[name], f"the gradient of {name}, {about}")
        kind = type(answer) is float
        if not (kind and math.isclose(answer, loss.item(), rel_tol=1e-5)):
            expect(answer, loss.item(), f"the loss {about}", rtol=1e-5)
        told = "Your code calls train() or eval(), which also reaches the layers inside."
        kept = [module.training for module in net.modules()] == modes
        kept = kept and set(net[0].modes) == {training} and set(gain.modes) == {not training}
        must(kept, f"each layer should stay in its mode, {about}", told)


def with_chance(n, size, training):
    """Dropout and batch normalisation: the gradient may differ from the whole batch's, but no layer may be switched."""
    net = nn.Sequential(nn.Linear(3, 8), NotedNorm(8), nn.ReLU(), NotedDropout(0.5), nn.Linear(8, 2)).train(training)
    x, y = torch.randn(n, 3, generator=g), torch.randn(n, 2, generator=g)
    answer = accumulate_gradients(inplace(net), x, y, size)
    must(type(answer) is float, "the loss must be a float", f"Yours is a {type(answer).__name__}.")
    seen = [*net[1].modes, *net[3].modes, *(module.training for module in net.modules())]
    require(
        set(seen) == {training},
        f"dropout and batch normalisation should stay in {'train' if training else 'eval'} mode during the call",
        "Your code switches them: that changes what the model computes.",
    )


CASES = [
    (7, 3, torch.float64, [], True),
    (12, 4, torch.float32, ["3.weight"], False),
    (5, 9, torch.float64, ["0.bias", "3.weight"], True),
    (120, 1, torch.float32, ["3.bias", "2.0.weight"], True),
    (1, 2, torch.float64, ["0.weight"], False),
]
for case in CASES:
    thorough(*case)
require(
    True,
    "a net with a skip connection, some layers frozen, one in another mode: parts of 1 to 9 samples, float32 and float64",
    "",
)
with_chance(10, 4, True)
with_chance(7, 3, False)
### BEGIN HIDDEN TESTS
for case in [
    (8, 3, torch.float32, [], False),
    (12, 6, torch.float64, ["3.weight", "0.weight"], True),
    (4, 11, torch.float32, ["3.bias"], True),
    (5, 1, torch.float64, ["2.0.bias", "3.weight"], False),
    (1, 1, torch.float32, ["0.bias"], True),
    (33, 8, torch.float64, [], True),
]:
    thorough(*case)
with_chance(9, 3, True)
with_chance(8, 5, False)
### END HIDDEN TESTS

# %% [markdown]
# ### When is it exact?
#
# Accumulation assumes that a layer's output for a sample depends neither on the other samples in its part nor on chance.
#
# **Before you run it:** ten samples, parts of 4, 4 and 2. For which of these layers, in training mode, does the second part give the same outputs
# alone and within the whole batch?

# %% predict
torch.manual_seed(0)
x = torch.randn(10, 3)
for layer in (nn.Linear(3, 3), nn.ReLU(), nn.BatchNorm1d(3), nn.Dropout(0.5)):
    within, alone = layer(x)[4:8], layer(x[4:8])
    print(f"{type(layer).__name__:12} {torch.allclose(within, alone, atol=1e-6)}")

# %% [markdown]
# <details><summary>Why?</summary>
#
# Batch normalisation subtracts the mean of the batch and divides by its standard deviation. In a part these are the part's own, so outputs and
# gradients are different, and its running statistics are updated once for every part. Dropout draws anew in each call which numbers it sets to zero:
# not even the whole batch gives the same gradient twice.
#
# With either of them in the model, accumulation gives *a* useful gradient, but not exactly that of the whole batch. Without them it is exact up to
# rounding: the numbers are added up in another order, which may change their last digits.
#
# </details>
#
# ## Your functions on real digits
#
# The last cells put your functions to work. A linear classifier learns from a thousand digits: 64 pixels in, 10 scores out, +1 wanted for the right digit
# and −1 for the others. Each of its 40 steps uses all 1,000 images in parts of 250, with your
# `accumulate_gradients`.

# %% yours
torch.manual_seed(0)
x, digits = pixels[:1000] / 16, labels[:1000]
y = 2.0 * F.one_hot(digits, 10) - 1
model = nn.Linear(64, 10)


def all_at_once(model, x, y, size):
    model.zero_grad()
    loss = F.mse_loss(model(x), y)
    loss.backward()
    return loss.item()


step = yours_or_ours(accumulate_gradients, all_at_once, model, x[:5], y[:5], 2)
optimizer, history = torch.optim.SGD(model.parameters(), lr=0.4, momentum=0.5), []
for _ in range(40):
    history.append(step(model, x, y, 250))
    optimizer.step()
guesses = model(pixels[1000:] / 16).argmax(dim=1)
correct = (guesses == labels[1000:]).float().mean().item()
print(f"loss {history[0]:.2f} → {history[-1]:.2f}; of 797 new digits it reads {100 * correct:.0f} % correctly")

# %% [markdown]
# Which of the 1,000 images pull most strongly on the weight? The gradient of one image's own loss $\frac1{10}\sum_d (s_d - y_d)^2$ with respect to
# its scores is $\frac2{10}(s - y)$. Your `per_sample_gradients` turns that into a gradient for the weight, one for each image. The norm of this
# gradient is the image's pull.

# %% yours
with torch.no_grad():
    scores = model(x)
    grad_s = 2 * (scores - y) / 10


def one_by_one(x, grad_s):
    return torch.stack([torch.outer(gradient, row) for row, gradient in zip(x, grad_s)])


gradients = yours_or_ours(per_sample_gradients, one_by_one, x[:3], grad_s[:3])(x, grad_s)
pull = gradients.flatten(1).norm(dim=1)
order = pull.argsort(descending=True)
print(f"the strongest pull is {pull.max() / pull.min():.1f} times the weakest")
mean = grad_s.T @ x / 1000
print("the batch's gradient is their mean:", torch.allclose(gradients.mean(dim=0), mean, atol=1e-5))

# %% yours folded label="Draw the loss and the strongest and weakest pulls"
figure, ax = plot_axes(6.4, 2.4)
ax.plot(history, color=COLOURS["loss"], linewidth=2)
ax.set(xlabel="step", ylabel="loss of all 1,000 images", ylim=(0, None))
show(
    figure,
    alt=f"The loss of the 1,000 images against the step: it starts at {history[0]:.2f}, drops at once, and then falls ever more slowly to {history[-1]:.2f}.",
)


def an(digit):
    return f"an {digit}" if digit == 8 else f"a {digit}"


ends = [*order[:4].tolist(), *order[-4:].tolist()]
read = scores.argmax(dim=1)
draw_images(
    [images[k] for k in ends],
    [f"{an(digits[k])}, read as {read[k]}" for k in ends],
    columns=4,
    cell=1.35,
    alt="Above the four images that pull most strongly, below the four that pull least. "
    + ", ".join(f"{an(digits[k])} read as {read[k]}" for k in ends),
)

# %% [markdown]
# The upper row pulls most strongly: untidy digits, all of them misread. The lower row pulls least: the classifier gets these almost exactly right.
# Sorting by the norm of the per-sample gradients is a quick way to find odd or wrongly labelled images in a data set of your own.
#
# ## Recap
#
# Answer from memory, then unfold.
#
# <details><summary>1. 640 samples go through 5 modules. How many times are parameters copied into the cache one by one, in batches of 64, and
# all at once? What moves more in return?</summary>
#
# 640 · 5 = 3200 times; 10 batches · 5 = 50 times; 5 times. The samples move more: each enters the cache once for every module. A sample has far fewer
# numbers than a module has parameters.
#
# </details>
#
# <details><summary>2. You timed a matrix product on a GPU, and it took 10 µs whatever the size of the matrices. What did you really time, and how do you fix it?</summary>
#
# You timed how long Python needs to put the product into the GPU's queue. Call `torch.cuda.synchronize()` before you stop the clock (and before you
# start it), warm up once, repeat, and take the median. Or let `torch.utils.benchmark.Timer` do it.
#
# </details>
#
# <details><summary>3. A colleague cuts a batch of 100 into parts of 32, averages the four losses and calls the result the batch's loss. What is wrong, and what would be right?</summary>
#
# The parts have 32, 32, 32 and 4 samples. Averaging gives each sample of the last part eight times the weight of the others. Multiply each part's
# mean loss by 0.32, 0.32, 0.32 and 0.04 and add up, or add up the sums of squares and divide once by the number of all elements.
#
# </details>
#
# **Next**: `07_convolution`. A linear layer from a 256×256 colour image to one of the same size would have nearly 39 billion weights. A convolution
# uses a few numbers again and again, at every position in the image.
