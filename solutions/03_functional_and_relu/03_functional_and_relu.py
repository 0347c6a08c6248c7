# %% [markdown]
# # Functions, modules and the ReLU
#
# `torch.nn` offers most operations twice: as a **function** and as a **module**. This notebook shows the difference
# with the simplest operation a network needs, the ReLU.
#
# After this notebook you can
#
# - choose between `F.relu` and `nn.ReLU`, and say what a module holds that a function does not;
# - read the shapes of a batch on its way through a layer;
# - write the ReLU, its derivative, its leaky and its clipped variant for tensors of any shape;
# - find the dead units of a layer and explain what training does to them;
# - say what `inplace=True` does and when autograd refuses it.
#
# **Points**: 15. **Time**: about 45 minutes of reading and 60 minutes for the 8 exercises. **You need**: tensors, their
# shapes, and views that share memory (`01_tensors`); gradients with `backward()` (`02_gradients_and_optimizers`). If a notebook like this is new to you, start with `00_start`.
#
# The check below each exercise tests what its text asks for. The grader tests the same things with other values.
#
# Unless an exercise says otherwise, tensors are on the CPU and hold at least one element, and their values are finite. An
# argument that must not be changed keeps its values, shape and dtype. A later call never changes an earlier result.

# %% setup

# %% [markdown]
# ## A function computes, a module remembers
#
# Here are two samples with five features each. We want a layer that turns each sample into three numbers. Each number is
# a weighted sum of the five features plus a bias:
#
# $$y_d = \sum_{c=1}^{5} w_{d,c}\, x_c + b_d, \qquad d = 1, 2, 3.$$
#
# That takes 3 × 5 weights and 3 biases. They have to be stored somewhere, and there are two ways to do it.

# %%
x = torch.tensor(
    [
        [0.8008, -0.2586, 0.5019, -0.2002, -0.7416],
        [0.0557, 0.6046, 0.0864, -0.5929, 1.2606],
    ]
)

# The function: you create the weights, keep them, and pass them in every call.
weight = torch.randn(3, 5)
bias = torch.zeros(3)
y = F.linear(x, weight, bias)
print("function:", tuple(x.shape), "→", tuple(y.shape))

# The module: it creates the weights and keeps them. You pass the input alone.
layer = nn.Linear(5, 3)
y = layer(x)
print("module:  ", tuple(x.shape), "→", tuple(y.shape))

# %% [markdown]
# What does the module hold? Ask it.

# %%
for name, parameter in layer.named_parameters():
    kind = type(parameter).__name__
    print(f"{name:7} {tuple(parameter.shape)!s:7} {kind}, requires_grad={parameter.requires_grad}")

same = torch.equal(layer(x), F.linear(x, layer.weight, layer.bias))
print("layer(x) equals F.linear(x, layer.weight, layer.bias):", same)

# %% [markdown]
# So the module is the function plus a memory. An `nn.Parameter` is a special kind of tensor: it requires a gradient by default, and
# when you assign it to an attribute of a module, the module registers it. That is why `layer.parameters()` finds all parameters, and why
# one line hands them to an optimizer: `torch.optim.SGD(layer.parameters(), lr=0.1)`.


# %% folded label="Draw the function and the module"
def box(ax, left, bottom, width, height, text, role, strength=0.25):
    colour = COLOURS[role]
    ax.add_artist(
        plt.Rectangle((left, bottom), width, height, facecolor=(colour, strength), edgecolor=colour, linewidth=2)
    )
    ax.text(left + width / 2, bottom + height / 2, text, ha="center", va="center", fontsize=12, color=INK)


def arrow(ax, start, end):
    ax.annotate(
        "", end, start, arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 1.4, "shrinkA": 0, "shrinkB": 0}
    )


figure, axes = plt.subplots(2, 1, figsize=(6.4, 6.2), layout="constrained")
for ax, title in zip(axes, ["F.linear(x, weight, bias)", "layer(x)   with   layer = nn.Linear(5, 3)"]):
    ax.set(xlim=(-0.2, 9.3), ylim=(-0.2, 3.9))
    ax.set_title(title, fontsize=12, color=INK, family="monospace")
    ax.axis("off")
above, below = axes
for bottom, text, role in [(2.7, "x\nN×5", "input"), (1.4, "weight\n3×5", "learned"), (0.1, "bias\n3", "learned")]:
    box(above, 0, bottom, 1.7, 1.05, text, role)
    arrow(above, (1.7, bottom + 0.5), (3.4, 1.9 + (bottom - 1.4) * 0.45))
box(above, 3.4, 1.0, 2.4, 1.8, "function\nholds nothing", "plain", 0.12)
arrow(above, (5.8, 1.9), (7.3, 1.9))
box(above, 7.3, 1.4, 1.7, 1.05, "y\nN×3", "output")
box(below, 0, 1.4, 1.7, 1.05, "x\nN×5", "input")
arrow(below, (1.7, 1.9), (2.9, 1.9))
box(below, 2.9, 0.1, 3.2, 3.6, "", "plain", 0.12)
below.text(4.5, 3.25, "module", ha="center", va="center", fontsize=12, color=INK)
box(below, 3.6, 1.7, 1.8, 1.05, "weight\n3×5", "learned")
box(below, 3.6, 0.4, 1.8, 1.05, "bias\n3", "learned")
arrow(below, (6.1, 1.9), (7.3, 1.9))
box(below, 7.3, 1.4, 1.7, 1.05, "y\nN×3", "output")
show(
    figure,
    alt="Top: the function F.linear is an empty box with three arrows into it, x of shape N×5, weight 3×5 and bias 3, "
    "and one arrow out to y of shape N×3. Bottom: the module nn.Linear is a box that contains weight and bias; only x goes in.",
)

# %% [markdown]
# Losses come in both forms, too. `F.mse_loss` is the mean squared error as a function, `nn.MSELoss` as a module:

# %%
target = torch.zeros(2, 3)
criterion = nn.MSELoss()  # created once, called as often as you like
print("F.mse_loss:", round(F.mse_loss(layer(x), target).item(), 4))
print("nn.MSELoss:", round(criterion(layer(x), target).item(), 4))

# %% [markdown]
# **Before you run it:** the next cell counts the parameters of seven modules and prints them beside the function that does the
# same job. Which of the seven have any? How many do the first two have? (The convolution uses four kernels of 3×3 numbers and four biases.)

# %% predict
pairs = [
    (nn.Linear(5, 3), "F.linear"),
    (nn.Conv2d(1, 4, kernel_size=3), "F.conv2d"),
    (nn.ReLU(), "F.relu"),
    (nn.MaxPool2d(2), "F.max_pool2d"),
    (nn.Dropout(0.3), "F.dropout"),
    (nn.MSELoss(), "F.mse_loss"),
    (nn.Sequential(nn.Linear(5, 3), nn.ReLU()), "(none)"),
]
print("module       function       parameters")
for module, function in pairs:
    count = sum(parameter.numel() for parameter in module.parameters())
    print(f"{type(module).__name__:12} {function:14} {count:6}")

# %% [markdown]
# <details><summary>Why?</summary>
#
# Only three hold parameters. `nn.Linear` has 3 · 5 + 3 = 18. The convolution has four kernels of 3×3 and four biases, 4 · 9 + 4 = 40. `Sequential`
# has those of the linear layer inside it. The other four have nothing to learn. The 2 of the pooling and the 0.3 of the
# dropout are *settings*: the module keeps them, but training does not change them.
#
# </details>
#
# **The rule.** A function of `torch.nn.functional` keeps nothing: you pass it whatever it needs, in every call. An `nn.Module` is
# a component of a network, or a loss. It can hold `Parameter`s, which training changes, and settings, which it does not.
#
# **In practice.** If there are parameters to keep, use the module. If there are none, both forms are fine: inside `forward`, the method in which a
# module computes, people often write the function; `nn.Sequential`, which runs modules one after another, accepts modules only. There is one
# exception. Dropout draws random numbers while you train and must do nothing afterwards. `nn.Dropout` switches itself off when you call
# `net.eval()`; `F.dropout` has to be told:
# `F.dropout(x, 0.3, training=self.training)`, where `self.training` is `True` after `net.train()`, in *training mode*, and `False` after
# `net.eval()`, in *evaluation mode*.
#
# <details><summary>If you read code from before 2018</summary>
#
# A `Variable` was a wrapper around a tensor that recorded its gradient, and `loss.data[0]` was what is now `loss.item()`.
#
# </details>
#
# ## The first dimension counts the samples
#
# A layer that maps $\mathbb{R}^C \to \mathbb{R}^D$ works on one sample of $C$ numbers. In practice you pass it a whole **batch**:
# a tensor of shape $N \times C$ with one sample in each row. The result is $N \times D$.
#
# **Before you run it:** `layer` was made with `nn.Linear(5, 3)`. We call it with 1, 2, 523 and 0 samples, then with a
# single sample that has no batch dimension, of shape `(5,)`, and last with a tensor of shape `(5, 2)`. Which calls work, and what
# are the shapes of their results?

# %% predict
for n in (1, 2, 523, 0):
    print(f"{n}×5 → {'×'.join(map(str, layer(torch.randn(n, 5)).shape))}")
print("5 →", *layer(torch.randn(5)).shape)
try:
    layer(torch.randn(5, 2))
except RuntimeError as error:
    print("5×2 →", str(error).removeprefix("addmm: "))

# %% [markdown]
# <details><summary>Why?</summary>
#
# Any $N$ works, even 0: the layer knows $C$ and $D$, but not $N$, which may change from call to call. A single sample works, too. The last call fails: its *rows* have 2
# features, and the layer needs 5. (The message mentions 5×3 because the layer multiplies by its transposed weight.)
#
# </details>
#
# Do the samples of a batch influence one another?
#
# **Before you run it:** we replace sample 2 of a batch of five and leave the other four alone. Which rows of the output change?

# %% predict
batch = torch.randn(5, 5)
other = batch.clone()
other[2] = torch.tensor([1.0, -1.0, 2.0, -2.0, 0.5])
with torch.no_grad():
    change_in = other - batch
    change_out = F.relu(layer(other)) - F.relu(layer(batch))
print("rows that change:", [n for n in range(5) if change_out[n].abs().sum() > 0])

# %% predict folded label="Draw both changes"
draw_row(
    Grid(change_in, "change of the batch", "input"),
    "→",
    Grid(change_out, "change of the output", "output"),
    alt="Two matrices. The change of the batch, 5×5, is zero except in row 2. "
    "The change of the output, 5×3, is also zero except in row 2.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# Only row 2 changes. Each sample passes through the layer on its own. They travel together because that is
# faster; `06_batch_processing` measures by how much. Nearly all layers work like this. The best-known exception is batch normalisation during
# training.
#
# </details>
#
# **The rule.** Most layers of `torch.nn` take batches: the first dimension indexes the samples, in the input and
# in the output. $\mathbb{R}^C \to \mathbb{R}^D$ becomes $N \times C \to N \times D$; for images, $C \times H \times W$ becomes
# $N \times C \times H \times W$. Many modules, `nn.Linear` and `nn.Conv2d` among them, accept a single sample as well.
#
# ## ReLU: set negative values to zero
#
# Two linear layers in a row collapse into one linear layer. To gain anything from depth, we need something between them that is *not*
# linear: an **activation function**. The **rectified linear unit** is the simplest choice. For a number $x$,
#
# $$\mathrm{ReLU}(x) = \max(0, x).$$
#
# For a tensor, it does this to each value separately. So it takes **any shape** and returns the **same shape**.
#
# `x` is the 2×5 tensor from the beginning:

# %%
print(x)
before = x.clone()
y = F.relu(x)
print(y)
print("x is unchanged:", torch.equal(x, before))

# %% folded label="Draw x and F.relu(x)"
draw_row(
    Grid(x, "x", "input", digits=2),
    "→",
    Grid(y, "F.relu(x)", "output", digits=2),
    alt="On the left the 2×5 input: four of its ten cells are negative and hatched. On the right the output of the same shape: these four "
    "cells are 0, the six others are unchanged.",
    cell=0.6,
)

# %% [markdown]
# Hatched cells are negative. They become 0; all others stay. The result is a new tensor, so `x` keeps its values.
#
# The number of dimensions does not matter:

# %%
for shape in [(), (4,), (2, 5), (7, 3, 6, 2)]:
    result = F.relu(torch.randn(shape))
    print(f"{shape!s:13} → {tuple(result.shape)!s:13} smallest value ≥ 0: {bool((result >= 0).all())}")

# %% [markdown]
# **The API.** `F.relu(input, inplace=False)`. The same function is also called `torch.relu(x)` and `x.relu()`; as a module
# it is `nn.ReLU(inplace=False)`.
#
# ### A worked example: the absolute value
#
# Before it is your turn, here is an exercise with its solution. *Write `absolute(x)`: the absolute value of every element of `x`, as
# a new tensor.*
#
# `torch.where(condition, a, b)` builds a new tensor: where the condition holds, it takes the value from `a`, elsewhere
# from `b`. The three are broadcast to one shape; `a` and `b` may also be plain numbers.


# %%
def absolute(x: torch.Tensor) -> torch.Tensor:
    """The absolute value of each element. x: any shape. Returns: same shape, a new tensor."""
    return torch.where(x < 0, -x, x)


before = x.clone()
expect(absolute(x), x.abs(), "absolute(x) for x of shape (2, 5)")
expect(x, before, "absolute(x) leaves x as it was")


# %% [markdown]
# `expect` compares your value with the right one. If they agree, it prints a line with a tick. If not, it says
# what differs and, if it recognises the mistake, names it. Run a check as often as you like.
#
# ### Exercise: ReLU of any shape
#
# Write `relu(x)` without PyTorch's own ReLU functions: no `F.relu`, `F.leaky_relu`, `F.prelu`, `F.rrelu` or `F.threshold`, and none of
# their other forms, such as `torch.relu`, `x.relu()`, `nn.ReLU` or the operators in `torch.ops`. Everything else is allowed, even
# `F.hardtanh` and `F.relu6`.
#
# - `x` may have any shape, including zero-dimensional and empty tensors. Its dtype is float16, bfloat16, float32 or float64. The result
#   has the shape and the dtype of `x`.
# - Every negative value becomes 0, even $-\infty$. Positive values stay exactly as they are, however small or large, even $+\infty$.
# - The result is a **new** tensor, even if no value is negative, and `x` stays as it is.
# - Gradients can flow back through it. (Its gradient at 0 and at $\pm\infty$ is up to you.)
#
# <details><summary>Hint 1: one number first</summary>
#
# For one number $a$ there are two cases: if $a > 0$ the result is $a$, otherwise 0. The worked example has two cases as well.
#
# </details>
#
# <details><summary>Hint 2: which operation?</summary>
#
# There are several. `torch.where` chooses between two values; `Tensor.clamp` limits values to a range; `torch.maximum` takes the
# larger of two tensors. One line is enough.
#
# </details>
#
# <details><summary>Hint 3: nan appears</summary>
#
# A mask times the values gives $0 \cdot (-\infty)$, which is *nan* (not a number). Choose between values instead of multiplying.
#
# </details>


# %% exercise="relu" difficulty=1 minutes=6
def relu(x: torch.Tensor) -> torch.Tensor:
    """The ReLU of each element.

    Args:
        x: floating point, any shape.

    Returns:
        A new tensor of the same shape and dtype.
    """
    ### BEGIN SOLUTION
    return torch.where(x > 0, x, 0.0)
    ### END SOLUTION


# %% check="relu" points=1
g = torch.Generator().manual_seed(11)
x = torch.randn(3, 4, 5, generator=g)
before = x.clone()
with forbidden("relu", "leaky_relu", "prelu", "rrelu", "threshold"):
    y = relu(inplace(x))
expect(
    x,
    before,
    "relu(x) leaves x as it was",
    mistakes={"You wrote the result into x: make a new tensor instead.": F.relu(before)},
)
expect(
    y,
    F.relu(before),
    "relu(x) for x of shape (3, 4, 5)",
    mistakes={
        "You returned x unchanged.": before,
        "That is the absolute value: a negative value must become 0, not positive.": before.abs(),
        "You kept the negative values and zeroed the positive ones: it is the other way round.": -F.relu(-before),
        "That is the mask of the positive values, not the values themselves.": (before > 0).float(),
        "You dropped the negative values, so the shape is lost: put 0 in their place.": before[before > 0],
    },
)
relu(1 - before)
require(
    torch.equal(y, F.relu(before)),
    "a later call leaves the earlier result alone",
    "The later call wrote into it: make a new tensor in each call.",
)
large = torch.tensor([[-math.inf, -3e38, -1e-30, -0.0], [0.0, 1e-30, 3e38, math.inf]])
with forbidden("relu", "leaky_relu", "prelu", "rrelu", "threshold"):
    y = relu(large)
expect(
    y,
    F.relu(large),
    "relu(x) with −∞, ∞, very large and very small values",
    mistakes={
        "0 · (−∞) and −∞ + ∞ are nan: choose between values instead of computing with them.": large * (large > 0),
        "You add |x| to x on the way: −∞ + ∞ is nan, and 3e38 + 3e38 is more than float32 holds. Choose between values.": (
            (large + large.abs()) / 2
        ),
        "You treat small values as 0: compare x with 0 itself.": large.where(large > 1e-8, 0.0),
    },
    rtol=0,
    atol=0,
)
x = torch.randn(4, 3, generator=g).requires_grad_()
with forbidden("relu", "leaky_relu", "prelu", "rrelu", "threshold"):
    y = relu(x)
require(
    y.requires_grad,
    "autograd passes through relu",
    "The path for gradients is cut: .data, .detach(), .item(), NumPy and tensors made from Python numbers do that.",
)


KINDS = torch.float32, torch.float64, torch.float16, torch.bfloat16


def rare(dtype):
    """The smallest and the largest finite numbers of a dtype, in eight dimensions."""
    limits = torch.finfo(dtype)
    ends = torch.tensor([limits.tiny * limits.eps, limits.tiny, 1e-8, limits.max], dtype=dtype)
    return torch.stack([ends, -ends]).view(2, 1, 2, 1, 1, 1, 2, 1)


def copied(y):
    """The result as it is now: a later call may write into it."""
    return y.clone() if isinstance(y, torch.Tensor) else y


def in_turn(g, first, **options):
    """Unkind inputs, each shape and layout in one dtype: the dtypes take turns."""
    drawn = [unkind_inputs(g, dtypes=(dtype,), **options) for dtype in KINDS]
    return [each[(first + i) % len(KINDS)] for i, each in enumerate(zip(*drawn))]


def same_memory(one, other):
    return one is other or (one.numel() > 0 and one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr())


def try_many(seed, largest, rares, numbers, every, first):
    """Many inputs; every so many of them twice in a row and all positive, every third with a gradient."""
    g = torch.Generator().manual_seed(seed)
    found = in_turn(g, seed, extremes=True, largest=largest)
    found += [(f"the smallest and the largest numbers, {dtype}", rare(dtype)) for dtype in rares]
    found += [(f"x = {a}, without dimensions", torch.tensor(a)) for a in numbers]
    inputs, twice = {}, []
    for i, (what, x) in enumerate(found):
        inputs[what] = x
        if i % every == 2:
            inputs |= {f"{what}, once more": x, f"{what}, all positive": x.abs() + 1}
            twice.append(what)
    before = {what: x.clone() for what, x in inputs.items()}
    wanted, answers, copies = {what: F.relu(x) for what, x in inputs.items()}, {}, {}
    with Watch(operations=False) as seen, forbidden("relu", "leaky_relu", "prelu", "rrelu", "threshold"):
        for what, x in inputs.items():
            answers[what] = relu(inplace(x))
            copies[what] = copied(answers[what])
    expect(inputs, before, f"relu(x) leaves x as it was: {len(inputs)} tensors of many shapes, layouts and dtypes")
    wider = {what: y.to(torch.promote_types(y.dtype, torch.float32)) for what, y in wanted.items()}
    mistakes = {"Your zeros are float32: use `torch.zeros_like(x)` or a plain 0.": wider}
    expect(copies, wanted, "relu(x) for each of them, to the last digit", mistakes=mistakes, rtol=0, atol=0)
    hidden_form = [name for name in seen.functions if "prelu" in name or "rrelu" in name]
    require(hidden_form == [], "no other form of PReLU or RReLU", f"Your code calls {', '.join(hidden_form[:1])}.")
    shared = [what for what, x in inputs.items() if same_memory(x, answers[what])]
    require(
        shared == [],
        "each result is a new tensor",
        f"You returned x itself or a view of it, for {'; '.join(shared[:1])}.",
    )
    kept = [what for what in twice if same_memory(answers[what], answers[f"{what}, once more"])]
    require(
        kept == [],
        "a second call with the same x gives another new tensor",
        f"It returned the earlier result, for {'; '.join(kept[:1])}: make a new tensor in each call.",
    )
    changed = [what for what in inputs if not torch.equal(answers[what], wanted[what])]
    require(
        changed == [],
        "later calls leave earlier results alone",
        f"A later call wrote into the result for {'; '.join(changed[:1])}: make a new tensor in each call.",
    )
    leaves = {what: x.detach().requires_grad_() for what, x in found[first::3]}
    with forbidden("relu", "leaky_relu", "prelu", "rrelu", "threshold"):
        answers = {what: relu(x.view_as(x)) for what, x in leaves.items()}
    expect(answers, {what: wanted[what] for what in leaves}, "the same when x requires a gradient", rtol=0, atol=0)
    gradients, wanted, cut = {}, {}, []
    for what, x in leaves.items():
        if x.numel() > 0:
            upstream = torch.randn(x.shape, generator=g).to(x.dtype)
            plain = x.detach().isfinite() & (x.detach() != 0)
            wanted[what] = torch.autograd.grad(F.relu(x), x, upstream)[0].where(plain, 0.0)
            gradients[what] = torch.zeros_like(x)
            if answers[what].requires_grad:
                gradients[what] = torch.autograd.grad(answers[what], x, upstream)[0].where(plain, 0.0)
            elif wanted[what].any():
                cut.append(what)
    require(
        cut == [],
        "autograd passes through relu for each of them",
        f"The path for gradients is cut for {'; '.join(cut[:1])}.",
    )
    expect(gradients, wanted, "the gradient of (relu(x) * c).sum() with respect to x, where x is not 0 or ±∞")


try_many(20, 15_000, KINDS, (-2.5, -math.inf, 1.5), every=5, first=0)
### BEGIN HIDDEN TESTS
try_many(30, 12_000, KINDS[::2], (), every=10, first=2)
### END HIDDEN TESTS

# %% [markdown]
# ## The derivative: a gate
#
# In the backward pass, the question for each value is: if it grew by a tiny $\varepsilon$, by how many times $\varepsilon$ would the
# output grow? For $x > 0$ the answer is 1, for $x < 0$ it is 0:
#
# $$\mathrm{ReLU}'(x) = \begin{cases} 1 & \text{if } x > 0 \\ 0 & \text{if } x < 0. \end{cases}$$
#
# At $x = 0$ there is a kink and no derivative. PyTorch still has to return a number.
#
# **Before you run it:** here are four ways to write the ReLU. Their values agree at −1, 0 and 1. Do their derivatives agree, too?

# %% predict
ways = {
    "F.relu(x)": lambda x: F.relu(x),
    "x * (x > 0)": lambda x: x * (x > 0),
    "x * (x >= 0)": lambda x: x * (x >= 0),
    "(x + x.abs()) / 2": lambda x: (x + x.abs()) / 2,
}
print(f"{'derivative at x =':18} -1     0     1")
for name, way in ways.items():
    x = torch.tensor([-1.0, 0.0, 1.0], requires_grad=True)
    way(x).sum().backward()
    print(f"{name:18}" + "".join(f"{slope:4.1f}  " for slope in x.grad.tolist()))

# %% predict folded label="Draw the ReLU and its derivative"
figure, axes = plot_axes(6.4, 2.8, columns=2)
axes[0].plot([-3, 0, 3], [0, 0, 3], color=COLOURS["output"], linewidth=2.6)
axes[0].set(title="ReLU(x)", xlabel="x", ylabel="output", ylim=(-0.4, 3.2))
for ends, slope in [([-3, 0], 0), ([0, 3], 1)]:
    axes[1].plot(ends, [slope, slope], color=COLOURS["loss"], linewidth=2.6)
axes[1].plot(0, 1, "o", markersize=8, markerfacecolor="white", markeredgecolor=COLOURS["loss"], markeredgewidth=2)
axes[1].plot(0, 0, "o", markersize=8, color=COLOURS["loss"])
axes[1].annotate("0 at x = 0", (0, 0), (0.7, 0.2), color=INK, arrowprops={"arrowstyle": "-", "color": INK})
axes[1].set(title="its derivative in PyTorch", xlabel="x", ylabel="derivative", ylim=(-0.13, 1.15))
show(
    figure,
    alt="Left: the ReLU is flat at 0 for negative x and the line y = x for positive x, with a kink at 0. "
    "Right: its derivative is 0 up to and including x = 0 (filled dot) and 1 beyond it (open dot at 1).",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# At 0 they differ. Autograd does not know that the four are the same function. It differentiates the steps that you wrote. In the products the
# mask counts as a constant, so its value at 0 is the derivative: 0 for `x > 0`, 1 for `x >= 0`. In the last way PyTorch takes the
# derivative of $|x|$ at 0 to be 0, which leaves one half. `F.relu` has the derivative **0 at 0**. Any number from 0 to 1 would do for training.
#
# </details>
#
# In a network a loss $L$ comes after the ReLU. Let $y = \mathrm{ReLU}(x)$, and suppose that $\partial L / \partial y$ has arrived from the
# layer after it. The chain rule multiplies it by the derivative, element by element (⊙):
#
# $$\frac{\partial L}{\partial x} = \frac{\partial L}{\partial y} \odot \mathrm{ReLU}'(x).$$
#
# So the ReLU is a gate: where it let the value through, it lets the gradient through *unchanged*; elsewhere it stops both.

# %%
x = torch.tensor([[0.8, -0.3, 0.5], [-0.7, 0.1, -0.2]], requires_grad=True)
grad_output = torch.tensor([[2.0, 2.0, -1.0], [-1.0, -3.0, 4.0]])
F.relu(x).backward(grad_output)
print(x.grad)

# %% folded label="Draw the gate"
gate = Grid((x > 0).float(), "ReLU'(x)", "plain", digits=0)
draw_row(
    Grid(x, "x", "input"),
    "→",
    gate,
    alt="Two 2×3 matrices: the input x with three negative, hatched cells, and the derivative, 1 where x is positive and 0 where it is negative.",
    cell=0.46,
)
draw_row(
    gate,
    "⊙",
    Grid(grad_output, "∂L/∂y", "loss"),
    "=",
    Grid(x.grad, "∂L/∂x", "loss"),
    alt="Three 2×3 matrices: the derivative times the gradient ∂L/∂y, element by element, gives the gradient ∂L/∂x. It is 0 where the "
    "derivative is 0; elsewhere it equals ∂L/∂y, even where that is negative.",
    cell=0.46,
)


# %% [markdown]
# ### Exercise: The backward pass of the ReLU
#
# Write `relu_backward(grad_output, x)`. It receives `grad_output` $= \partial L / \partial y$ and the input `x`, both of the
# same shape (any shape, including zero-dimensional and empty tensors) and dtype (float16, bfloat16, float32 or float64), and
# returns $\partial L / \partial x$.
#
# - The result is a **new** tensor of that shape and dtype; both arguments stay as they are.
# - `x` may contain zeros, very small values and $\pm\infty$, and `grad_output` huge ones. `x` may require a gradient, as in the
#   cell above.
# - At $x = 0$ the derivative is 0, as in PyTorch.
# - Use the formula. Do not let PyTorch differentiate: no `backward()`, `torch.autograd.grad`, `torch.func.vjp` or `torch.func.jvp`, and none of its
#   ready-made derivatives such as `threshold_backward`. (The check also calls your function with autograd switched off.)
#
# <details><summary>Hint 1: which tensor decides?</summary>
#
# Look at the picture: the sign of `x` decides whether the gradient passes. The sign of `grad_output` does not matter.
#
# </details>
#
# <details><summary>Hint 2: a mask</summary>
#
# A comparison gives a tensor of `True` and `False`. Multiplied by numbers, they count as 1 and 0; `torch.where` takes such a tensor as its condition.
#
# </details>


# %% exercise="relu_backward" difficulty=1 minutes=6
def relu_backward(grad_output: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """The gradient of the loss with respect to the input of a ReLU.

    Args:
        grad_output: ∂L/∂y, floating point, any shape.
        x: the input of the ReLU, same shape and dtype.

    Returns:
        ∂L/∂x, a new tensor of the same shape and dtype.
    """
    ### BEGIN SOLUTION
    return torch.where(x > 0, grad_output, 0.0)
    ### END SOLUTION


# %% check="relu_backward" points=2
g = torch.Generator().manual_seed(12)
x = torch.randn(6, 4, generator=g)
x[[0, 2, 3, 5], [1, 2, 0, 3]] = 0.0
grad_output = torch.randn(6, 4, generator=g)
before, arrived = x.clone(), grad_output.clone()
answer = crash = None
with Watch(operations=False) as seen:
    try:
        answer = relu_backward(inplace(grad_output), inplace(x))
    except RuntimeError as error:
        crash = error
forward = {"_make_dual": "torch.func.jvp", "grad_fn": "grad_fn"}
used = [forward.get(name, name) for name in seen.functions if name in ("grad", *forward) or name.endswith("backward")]
require(
    used == [],
    "relu_backward does not let PyTorch differentiate",
    f"Your code lets PyTorch differentiate (`{', '.join(used[:1])}` was called): use the formula.",
)
if crash is not None:
    raise crash
leaf = before.clone().requires_grad_()
(expected,) = torch.autograd.grad(F.relu(leaf), leaf, arrived)
expect(
    grad_output,
    arrived,
    "relu_backward(grad_output, x) leaves grad_output as it was",
    mistakes={"You wrote the result into grad_output: make a new tensor instead.": expected},
)
expect(x, before, "relu_backward(grad_output, x) leaves x as it was")
expect(
    answer,
    expected,
    "relu_backward(grad_output, x) for shape (6, 4), with zeros in x",
    mistakes={
        "That is ReLU'(x) alone: the chain rule multiplies it by grad_output.": (before > 0).float(),
        "You let grad_output decide: the gate is open where x is positive.": F.relu(arrived),
        "You used both signs: where x is positive, a negative gradient passes, too.": F.relu(expected),
        "You multiplied by ReLU(x), the value. The chain rule needs the derivative.": F.relu(before) * arrived,
        "The gate is the wrong way round: it is open where x is positive.": arrived - expected,
        "At x = 0 PyTorch's derivative is 0: the gate is closed there.": arrived.where(before == 0, expected),
        "You returned grad_output unchanged: the gate is closed where x is negative.": arrived,
        "For negative x the derivative is 0, not −1: that is the sign of x.": before.sign() * arrived,
        "You exchanged the two arguments: x opens the gate, grad_output passes through it.": before * (arrived > 0),
        "0 / 0 is nan: compare x with 0 instead of dividing by it.": arrived * F.relu(before) / before,
    },
)


KINDS = torch.float32, torch.float64, torch.float16, torch.bfloat16


def rare(dtype):
    """The smallest and the largest finite numbers of a dtype, in eight dimensions."""
    limits = torch.finfo(dtype)
    ends = torch.tensor([limits.tiny * limits.eps, limits.tiny, 1e-8, limits.max], dtype=dtype)
    return torch.stack([ends, -ends]).view(2, 1, 2, 1, 1, 1, 2, 1)


def copied(y):
    """The result as it is now: a later call may write into it."""
    return y.clone() if isinstance(y, torch.Tensor) else y


def in_turn(g, first, **options):
    """Unkind inputs, each shape and layout in one dtype: the dtypes take turns."""
    drawn = [unkind_inputs(g, dtypes=(dtype,), **options) for dtype in KINDS]
    return [each[(first + i) % len(KINDS)] for i, each in enumerate(zip(*drawn))]


def same_memory(one, other):
    return one is other or (one.numel() > 0 and one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr())


def try_many(seed, largest, some, every):
    """Many pairs; every so many of them twice in a row, and with all of x positive."""
    g = torch.Generator().manual_seed(seed)
    found = in_turn(g, seed, extremes=True, largest=largest)
    coming = in_turn(g, seed, largest=largest)
    inputs, arriving, twice = {}, {}, []
    for i, ((what, x), (_, grad_output)) in enumerate(zip(found, coming, strict=True)):
        inputs[what], arriving[what] = x, grad_output
        if i % every == 0:
            inputs |= {f"{what}, once more": x, f"{what}, all positive": x.abs() + 1}
            arriving |= {f"{what}, once more": grad_output, f"{what}, all positive": -grad_output}
            twice.append(what)
    inputs["x = 3, −1, 2, −4"] = torch.tensor([3.0, -1.0, 2.0, -4.0])
    inputs["x = −4, 2, −1, 3, after x = 3, −1, 2, −4"] = torch.tensor([-4.0, 2.0, -1.0, 3.0])
    inputs |= {f"x with the smallest and the largest numbers, {dtype}": rare(dtype) for dtype in some}
    for what in inputs.keys() - arriving.keys():
        arriving[what] = torch.randn(inputs[what].shape, generator=g).to(inputs[what].dtype)
    for dtype in some:  # huge gradients, as under loss scaling
        x = torch.randn(4, 3, generator=g).to(dtype)
        inputs[f"grad_output with huge values, {dtype}"] = x
        arriving[f"grad_output with huge values, {dtype}"] = torch.rand_like(x).add(1.0) * (torch.finfo(dtype).max / 2)
    for dtype in some:
        inputs[f"x = 0, without dimensions, {dtype}"] = torch.zeros((), dtype=dtype)
        arriving[f"x = 0, without dimensions, {dtype}"] = torch.tensor(-3.0, dtype=dtype)
    before = {what: (arriving[what].clone(), x.clone()) for what, x in inputs.items()}
    wanted, answers, copies = {}, {}, {}
    for what, (grad_output, x) in before.items():
        leaf = x.clone().requires_grad_()
        (wanted[what],) = torch.autograd.grad(F.relu(leaf), leaf, grad_output)
    with (
        Watch(operations=False) as seen,
        forbidden("backward", "grad", "threshold_backward"),
        torch.inference_mode(),
    ):
        for what, x in inputs.items():
            answers[what] = relu_backward(inplace(arriving[what]), inplace(x))
            copies[what] = copied(answers[what])
    expect(
        {what: (arriving[what], x) for what, x in inputs.items()},
        before,
        f"the arguments stay as they were: {len(inputs)} pairs of many shapes, layouts and dtypes, with ±∞ in x",
    )
    wider = {what: y.to(torch.promote_types(y.dtype, torch.float32)) for what, y in wanted.items()}
    mistakes = {
        "A float32 tensor takes part: multiply by the mask itself, not by mask.float(); for zeros, a 0 will do.": wider
    }
    expect(copies, wanted, "relu_backward(grad_output, x) for each of them", mistakes=mistakes, rtol=0, atol=0)
    used = [forward.get(name, name) for name in seen.functions if name in forward or name.endswith("_backward")]
    require(
        used == [],
        "relu_backward does not let PyTorch differentiate, whatever the shape and dtype",
        f"Your code lets PyTorch differentiate (`{', '.join(used[:1])}` was called): use the formula.",
    )
    shared = [
        what
        for what, x in inputs.items()
        if same_memory(x, answers[what]) or same_memory(arriving[what], answers[what])
    ]
    require(
        shared == [],
        "each result is a new tensor",
        f"You returned an argument itself or a view of it, for {'; '.join(shared[:1])}.",
    )
    kept = [what for what in twice if same_memory(answers[what], answers[f"{what}, once more"])]
    require(
        kept == [],
        "a second call with the same arguments gives another new tensor",
        f"It returned the earlier result, for {'; '.join(kept[:1])}: make a new tensor in each call.",
    )
    changed = [what for what in inputs if not torch.equal(answers[what], wanted[what])]
    require(
        changed == [],
        "later calls leave earlier results alone",
        f"A later call wrote into the result for {'; '.join(changed[:1])}: make a new tensor in each call.",
    )
    leaf, grad_output = torch.randn(5, 3, generator=g).requires_grad_(), torch.randn(5, 3, generator=g)
    (expected,) = torch.autograd.grad(F.relu(leaf), leaf, grad_output)
    expect(relu_backward(grad_output, 2 * leaf), expected, "relu_backward(grad_output, x) if x requires a gradient")


try_many(20, 15_000, KINDS, every=5)
### BEGIN HIDDEN TESTS
try_many(34, 12_000, KINDS[1::2], every=10)
### END HIDDEN TESTS

# %% [markdown]
# ## Dead units
#
# Let a **unit** be one column of a layer's output: one number for each sample. If a unit is
# at most 0 for *every* sample, its ReLU outputs 0 for all of them. Such a unit is called **dead**.
#
# Here is a small net that learns to predict a number. It has 100 *hidden* units, between its input and its output. (We use float64, so that
# rounding errors stay negligible.)

# %%
samples = torch.rand(256, 20, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
targets = 10 * samples.mean(dim=1, keepdim=True)  # 256×1


def new_net():
    """The two linear layers of a net 20 → 100 → 1, the same in every call."""
    torch.manual_seed(0)
    return nn.Linear(20, 100, dtype=torch.float64), nn.Linear(100, 1, dtype=torch.float64)


def train(hidden, out, learning_rate, steps, activation=F.relu, more_parameters=()):
    """Take steps of gradient descent; return the loss after the last one."""
    parameters = [*hidden.parameters(), *out.parameters(), *more_parameters]
    optimizer = torch.optim.SGD(parameters, lr=learning_rate)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(out(activation(hidden(samples))), targets)
        loss.backward()
        optimizer.step()
    return F.mse_loss(out(activation(hidden(samples))), targets).item()


# %% [markdown]
# **Before you run it:** after ten steps with the learning rate 0.02 the loss has fallen to 0.04. What will six times that rate do to the loss,
# and to the 100 units? And 25 times that rate?

# %% predict
print("learning rate   loss   dead units of 100")
for learning_rate in (0.02, 0.12, 0.5):
    hidden, out = new_net()
    loss = train(hidden, out, learning_rate, steps=10)
    units = F.relu(hidden(samples))  # 256×100
    dead = sum(bool((units[:, j] == 0).all()) for j in range(100))
    print(f"{learning_rate:13} {loss:6.2f} {dead:12}")
print(f"\nvariance of the targets: {targets.var(correction=0).item():.2f}")

# %% [markdown]
# <details><summary>Why?</summary>
#
# Two units are dead from the start. A step that is too large can push a unit below 0 for every sample: at 0.12 a third of the units
# die, at 0.5 nearly all. Then the loss is about the variance of the targets: for every sample the net predicts almost the same number, the mean.
# At 0.12 the first steps overshoot, and the loss after each is 17.9, 24.8, 14.4, …; then it decays to 0.34, not far below that variance.
#
# </details>
#
# **Before you run it:** take the net that was trained with 0.12. Can a smaller learning rate or more steps bring its dead
# units back? What is the largest gradient among all the weights that lead into them?

# %% predict
hidden, out = new_net()
train(hidden, out, 0.12, steps=10)
F.mse_loss(out(F.relu(hidden(samples))), targets).backward()
units = F.relu(hidden(samples))
dead = torch.tensor([bool((units[:, j] == 0).all()) for j in range(100)])
print("dead units:", int(dead.sum()))
print("largest gradient of their weights:           ", hidden.weight.grad[dead].abs().max().item())
print("largest gradient of the other units' weights:", round(hidden.weight.grad[~dead].abs().max().item(), 4))

# %% predict folded label="Draw three dead and five living units"
with torch.no_grad():
    h = hidden(samples)
positive = (h[:6] > 0).sum(dim=0)  # in how many of the first six samples
living = ((positive >= 3) & (positive <= 5)).nonzero()[:5, 0]
some = torch.cat([dead.nonzero()[:3, 0], living]).sort().values
rows = (h[:, some].abs() > 0.005).all(dim=1).nonzero()[:6, 0]  # no value that would be written as 0.00
part = h[rows][:, some]
figure, axes = plt.subplots(2, 1, figsize=(5.0, 8.4), layout="constrained")
grids = [Grid(part, "before the ReLU", "input", digits=2), Grid(F.relu(part), "after", "output", digits=2)]
for ax, grid in zip(axes, grids):
    draw_grid(ax, grid, 0, 0)
    for j, unit in enumerate(some.tolist()):
        label = f"{unit}\ndead" if dead[unit] else f"{unit}"
        ax.text(j + 0.5, 6.15, label, ha="center", va="top", fontsize=11, color=INK)
    ax.text(-0.2, 3, "sample", rotation=90, ha="right", va="center", fontsize=11, color=INK)
    ax.text(8.1, 6.15, "unit", ha="left", va="top", fontsize=11, color=INK)
    ax.set(xlim=(-0.8, 9.0), ylim=(7.5, -1.4), aspect="equal")
    ax.axis("off")
show(
    figure,
    alt="Two 6×8 matrices, one row for each sample, one column for each unit. Before the ReLU, the three columns "
    "marked as dead are negative throughout. After it, these three are all 0; the other five have let positive values through.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# The largest gradient is exactly 0. The gate of a dead unit is closed for every sample, so no gradient reaches its weights, and with plain gradient
# descent no step of any size moves them. (The samples are fixed here. Inside a deeper net, the layers before
# the unit may still move and wake it.)
#
# </details>
#
# ### Exercise: The fraction of dead units
#
# Write `dead_fraction(h)`. `h` is what goes *into* a ReLU, for a batch: shape `(N, D)`, or `(N, D, ...)` with further dimensions,
# as for images. Dimension 0 indexes the samples, **dimension 1 the units** (for images: the channels).
#
# - A unit is dead if *all* its values in `h` are at most 0, over all samples and all further dimensions.
# - Return the number of dead units divided by the number of units, as a Python `float`. Do not round it; the precision of
#   float32 is enough.
# - The dtype of `h` is float16, bfloat16, float32 or float64. `h` may contain very small values and $\pm\infty$. It may require
#   a gradient, as the output of a layer does. It stays as it is.
#
# <details><summary>Hint 1: which values belong to one unit?</summary>
#
# Those with the same index in dimension 1: `h[:, 0]` for the first unit, whatever dimensions follow. You need one yes or no for each unit,
# so a tensor of shape `(D,)`, and then the mean over it.
#
# </details>
#
# <details><summary>Hint 2: all values of a unit</summary>
#
# `.all(dim=0)` on a mask asks whether *all* entries along dimension 0 are true. First collect the values of each unit in one
# column or row: `transpose` followed by `flatten(1)` does that for any number of dimensions; so does `movedim`.
#
# </details>
#
# <details><summary>Hint 3: to a Python number</summary>
#
# A mask has no mean until you turn it into numbers: `mask.double().mean()`. That is a 0-d tensor; `.item()` turns it into a Python `float`.
#
# </details>


# %% exercise="dead_fraction" difficulty=2 minutes=9
def dead_fraction(h: torch.Tensor) -> float:
    """How many units are at most 0 for every sample, divided by the number of units.

    Args:
        h: the input of a ReLU, shape (N, D) or (N, D, ...); dimension 1 indexes the units.

    Returns:
        A Python float from 0 to 1.
    """
    ### BEGIN SOLUTION
    per_unit = h.transpose(0, 1).flatten(1)  # (D, N · …)
    dead = (per_unit <= 0).all(dim=1)
    return dead.double().mean().item()
    ### END SOLUTION


# %% check="dead_fraction" points=2
h = torch.tensor(
    [
        [0.3, -1.0, -0.2, 2.0, -0.5, 0.0, 0.0, 1.5],
        [-0.1, -2.0, 0.4, 1.0, -0.4, 0.9, 0.0, 0.4],
        [-0.6, -0.5, -0.3, -3.0, -0.7, -0.2, 0.0, -0.7],
        [0.2, -0.3, 0.8, 0.5, -0.1, 0.1, 0.0, 0.6],
        [0.1, -0.9, 0.5, 0.7, -0.2, 0.3, 0.0, 0.4],
        [-0.6, -0.3, -0.5, 0.4, -0.6, 0.2, 0.0, -0.5],
        [0.4, -0.8, 0.6, 0.3, -0.9, -0.1, 0.0, 0.2],
    ]
)
before = h.clone()
answer = dead_fraction(inplace(h))
expect(
    h,
    before,
    "dead_fraction(h) leaves h as it was",
    mistakes={"You wrote the ReLU of h into h: make a new tensor instead.": F.relu(before)},
)
mask = before <= 0
expect(
    answer,
    0.375,
    "dead_fraction(h) for shape (7, 8): units 1, 4 and 6 are dead",
    mistakes={
        "You returned a 0-d tensor: .item() makes a Python float of it.": torch.tensor(
            0.375, dtype=answer.dtype if isinstance(answer, torch.Tensor) else None
        ),
        "You returned a NumPy number: float(…) makes a Python float of it.": np.float32(0.375),
        "You returned the number of dead units: divide it by the number of units.": 3,
        "That is the number of dead units: divide it by the number of units.": 3.0,
        "You divided by the number of samples: divide by the number of units, `h.shape[1]`.": 3 / 7,
        "You rounded the result: return it as it is.": 0.38,
        "That is the fraction of living units.": 0.625,
        "That is the fraction of all values that are at most 0. A unit is dead if all its values are.": (
            mask.float().mean().item()
        ),
        "You asked whether any value of a unit is at most 0: in a dead unit all of them are.": 1.0,
        "You asked whether the sum of a unit is at most 0: in a dead unit every single value is.": 0.5,
        "You counted samples: the units are the columns, so ask over dimension 0, the samples.": 1 / 7,
        "A value of exactly 0 counts as dead, too: at most 0, not less than 0.": 0.25,
        "You looked for zeros in h, which is the input of the ReLU: there, a dead unit is at most 0.": 0.125,
        "`reshape` cuts the values in the order of memory, so the units are mixed up: transpose first.": 0.0,
    },
)
g = torch.Generator().manual_seed(13)
h = torch.randn(3, 8, 4, 5, generator=g)
h[:, 6] = -h[:, 6].abs()
h[0, 6, 1] = 0.0
h[:, 1, 0] = -h[:, 1, 0].abs()  # at most 0 in one row of each image: alive
h[1, 3] = -h[1, 3].abs()  # at most 0 for one sample only: alive
h[:, 3, 2, 2] = torch.tensor([1.0, -1.0, 1.0])
h[:, [0, 1, 2, 4, 5, 7], 3, 4] = 1.0
h[:, 3, 3, 4] = torch.tensor([1.0, -1.0, 1.0])
expect(
    dead_fraction(h),
    0.125,
    "dead_fraction(h) for images, shape (3, 8, 4, 5): channel 6 is dead",
    mistakes={
        "You asked over the samples alone: a dead channel is at most 0 at each of its positions, too.": (
            (h.amax(dim=0) <= 0).float().mean().item()
        ),
        "You asked for each image separately: a dead channel is at most 0 in all images.": (
            (h.amax(dim=(2, 3)) <= 0).float().mean().item()
        ),
    },
)


def try_many(seed, samples, units):
    """Each unit has a 0; a living one is positive in a single place, by the smallest number, by 1 or by ∞."""
    g = torch.Generator().manual_seed(seed)
    shapes = [(1, 7), (7, 1), (9, 7), (samples, 7), (3, units), (1, 7, 2), (2, 7, 3), (1, 3, 2, 4), (3, 7, 4, 5)]
    shapes += [(2, units, 5, 4), (2, 11, 2, 1, 3), (2, 3, 1, 2, 2, 2), (2, 7, 1, 1, 2, 1, 1, 2), (1, 1)]
    kinds = torch.float32, torch.float64, torch.float16, torch.bfloat16
    smallest = {dtype: torch.finfo(dtype).tiny * torch.finfo(dtype).eps for dtype in kinds}
    inputs, wanted = {}, {}
    for draw in (0, 1):
        for k, shape in enumerate(shapes):
            dtype = kinds[(seed + k + draw) % len(kinds)]
            count = shape[1]
            values = -torch.randn(count, math.prod(shape) // count, generator=g, dtype=torch.float64).abs()
            size, rows = values.shape[1], torch.arange(count)
            values[rows, torch.randint(size, (count,), generator=g)] = -math.inf
            values[rows, torch.randint(size, (count,), generator=g)] = 0.0
            few = 2 * count // 7
            living = torch.randperm(count, generator=g)[: few if draw % 2 else count - few]
            for unit in living.tolist():
                positive = (smallest[dtype], 1.0, math.inf)[unit % 5 % 3]
                values[unit, int(torch.randint(size, (), generator=g))] = positive
            h = values.to(dtype).reshape(count, shape[0], *shape[2:]).transpose(0, 1)
            layout = ("", ", transposed", ", permuted")[len(inputs) % 3]
            if layout == "":
                h = h.contiguous()
            if layout == ", permuted":
                order = list(range(h.dim()))[::-1]
                h = h.permute(order).contiguous().permute(order)
            what = f"h of shape {shape}{layout}, {str(dtype).removeprefix('torch.')}, draw {draw}"
            inputs[what], wanted[what] = h, 1 - len(living) / count
    one_in_many = torch.ones(2, 100 * units)
    one_in_many[:, 5] = -1.0
    inputs["one dead unit among many"], wanted["one dead unit among many"] = one_in_many, 0.01 / units
    before = {what: h.clone() for what, h in inputs.items()}
    answers = {what: dead_fraction(inplace(h)) for what, h in inputs.items()}
    expect(inputs, before, f"h stays as it was: {len(inputs)} tensors of many shapes, layouts and dtypes")
    what = "dead_fraction(h) for each of them: zeros, ±∞ and very small values among others"
    expect(answers, wanted, what, rtol=1.3e-6, atol=0)
    many = -torch.rand(130, 3, 28, 28, generator=g)
    many[samples % 130, 0, units % 28, 5] = 1.0
    many[units % 100 :][:16, 1, :2, 3:11] = 1.0
    what = "dead_fraction(h) for shape (130, 3, 28, 28): unit 0 is positive in one place, unit 1 in 256, unit 2 is dead"
    expect(dead_fraction(many), 1 / 3, what)
    h = torch.randn(50, 5, generator=g).requires_grad_() * torch.tensor([1.0, 0.0, -1.0, 0.0, 2.0])
    expect(dead_fraction(h), 0.4, "dead_fraction(h) for h of shape (50, 5) that requires a gradient")


try_many(23, 5000, 330)
### BEGIN HIDDEN TESTS
try_many(33, 4500, 270)
### END HIDDEN TESTS

# %% [markdown]
# ### Your functions at work
#
# The next cell trains the net with your `relu` at eleven learning rates and measures it with your `dead_fraction`. (If you have
# not solved them yet, PyTorch's ReLU and the course's own measure stand in.)


# %% folded label="The course's own measure"
def dead_part(h):
    """What stands in for dead_fraction."""
    return 1 - F.relu(h).any(dim=0).double().mean().item()


# %% yours
activation = yours_or_ours(relu, F.relu, samples)
measure = yours_or_ours(dead_fraction, dead_part, samples)

rates = [0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.12, 0.15, 0.2, 0.3, 0.5]
losses, fractions = [], []
for learning_rate in rates:
    hidden, out = new_net()
    losses.append(train(hidden, out, learning_rate, 10, activation))
    fractions.append(measure(hidden(samples).detach()))
for learning_rate, fraction, loss in zip(rates, fractions, losses):
    print(f"learning rate {learning_rate:4}: {fraction:4.0%} dead, loss {loss:.2f}")

# %% yours folded label="Draw the fraction of dead units and the loss"
figure, axes = plot_axes(6.4, 3.0, columns=2)
axes[0].plot(rates, fractions, "o-", color=INK, linewidth=2)
axes[0].set(title="dead units after ten steps", xlabel="learning rate", ylabel="fraction", ylim=(-0.04, 1.04))
axes[1].plot(rates, losses, "s-", color=COLOURS["loss"], linewidth=2)
axes[1].set(title="loss after ten steps", xlabel="learning rate", ylabel="mean squared error", yscale="log")
for ax in axes:
    ax.set_xscale("log")
    ax.set_xticks([0.01, 0.03, 0.1, 0.3], ["0.01", "0.03", "0.1", "0.3"], minor=False)
show(
    figure,
    alt="Two curves over the learning rate from 0.01 to 0.5, after ten steps. Left: the fraction of dead units. "
    "Right: the mean squared error on a logarithmic scale.",
)

# %% [markdown]
# <details><summary>What do the curves show?</summary>
#
# Up to 0.04 no further unit dies, and the loss ends below 0.1. At 0.06 the loss ends highest of all, although still only two units are dead: each step
# overshoots, and the loss swings up and down. From 0.08 on, units die. A higher rate does not always kill more of them: it depends on where the swings
# happen to lead. From 0.2 on, the loss ends close to 0.40, the variance of the targets: the net predicts little more than their mean.
#
# </details>
#
# ## Leaky and clipped variants
#
# The slope of the ReLU is 0 to the left of 0. The **leaky ReLU** has a small slope $s$ there:
#
# $$\mathrm{LeakyReLU}(x) = \begin{cases} x & \text{if } x > 0 \\ s\,x & \text{otherwise.} \end{cases}$$
#
# In PyTorch: `F.leaky_relu(x, negative_slope=0.01)`. Some networks need an upper limit, for example on devices that compute with few bits. The
# **clipped ReLU** has a ceiling $c$:
#
# $$\mathrm{ClippedReLU}(x) = \min(\max(0, x), c).$$
#
# In PyTorch: `F.relu6(x)` for $c = 6$, `F.hardtanh(x, 0, c)` for any $c$. Today's language models mostly use smooth
# relatives: **GELU** (`F.gelu`), which is $x$ times the probability that a standard normal variable is below $x$, and **SiLU** (`F.silu`),
# $x$ times the sigmoid $\sigma(x) = 1/(1 + e^{-x})$.

# %% folded label="Draw the ReLU and four relatives"
line = torch.linspace(-6, 8, 1401, dtype=torch.float64)
curves = {
    "ReLU": F.relu,
    "leaky, s = 0.1": lambda x: F.leaky_relu(x, 0.1),
    "clipped, c = 6": F.relu6,
    "GELU": F.gelu,
    "SiLU": F.silu,
}
figure, axes = plt.subplots(2, 3, figsize=(6.6, 4.8), layout="constrained", sharex=True, sharey=True)
for ax, (name, function) in zip(axes.flat, curves.items()):
    leaf = line.clone().requires_grad_()
    (derivative,) = torch.autograd.grad(function(leaf).sum(), leaf)
    ax.plot(line, function(line), "-", color=COLOURS["output"], linewidth=2.4, label="output")
    ax.plot(line, derivative, "--", color=COLOURS["loss"], linewidth=1.8, label="derivative")
    ax.set_title(name, fontsize=12)
    ax.axhline(0, color=INK, linewidth=0.8, zorder=0)
    ax.set(ylim=(-0.8, 8.2), xticks=range(-4, 9, 4))
    ax.tick_params(labelbottom=True, labelleft=True)
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(alpha=0.25)
for ax in (axes[0, 2], axes[1, 0], axes[1, 1]):
    ax.set_xlabel("x")
axes[1, 2].axis("off")
axes[1, 2].legend(*axes[0, 0].get_legend_handles_labels(), loc="center", frameon=False, fontsize=12)
show(
    figure,
    alt="Five panels, each with a function (solid) and its derivative (dashed). ReLU: flat at 0, then the line y = x. Leaky with s = 0.1: "
    "falls slowly below 0. Clipped at 6: like the ReLU, and flat again above 6. GELU and SiLU: smooth, they dip slightly below 0 for negative x "
    "and approach the line y = x on the right.",
)

# %% [markdown]
# **Before you run it:** take the net trained at 0.12 again, with its dead units. The values that the dead units pass to the ReLU lie
# between −5.5 and 0. Replace the ReLU with each of its relatives in turn. With which of them do the dead units' weights get a gradient again?

# %% predict
hidden, out = new_net()
train(hidden, out, 0.12, steps=10)
units = F.relu(hidden(samples))
dead = torch.tensor([bool((units[:, j] == 0).all()) for j in range(100)])
for name, function in curves.items():
    hidden.zero_grad()
    F.mse_loss(out(function(hidden(samples))), targets).backward()
    print(f"{name:15} largest gradient {hidden.weight.grad[dead].abs().max().item():.4f}")


# %% [markdown]
# <details><summary>Why?</summary>
#
# What counts is the derivative to the left of 0. The clipped ReLU is as flat there as the ReLU. The leaky one has the slope 0.1, and GELU and
# SiLU are not flat near 0 (further left they nearly are).
#
# </details>
#
# ### Exercise: Leaky ReLU
#
# Write `leaky_relu(x, negative_slope)` by the formula above, without PyTorch's own leaky ReLUs: no `F.leaky_relu`, `F.prelu` or
# `F.rrelu`, nor any of their other forms.
#
# - `x` may have any shape, including zero-dimensional and empty tensors. Its dtype is float16, bfloat16, float32 or float64.
#   The result has the shape and the dtype of `x`.
# - The slope is any number from −10 to 10, even **negative, 0, or above 1**. The default is 0.01. The values of `x` are
#   between −5000 and 5000, some very close to 0.
# - Rounding errors at the precision of `x`'s dtype are fine, and so is a slope that is rounded to float32.
# - The result is a **new** tensor, whatever the values and the slope, and `x` stays as it is.
# - Gradients can flow back through it. (Its gradient at 0 is up to you.)
#
# <details><summary>Hint 1: how many cases?</summary>
#
# Two, as in the worked example. Which value belongs to which sign?
#
# </details>
#
# <details><summary>Hint 2: the larger of the two?</summary>
#
# For $s = 0.1$ the result is the larger of $x$ and $s\,x$. Try $s = 2$ and $x = 1$ on paper: now it is not.
#
# </details>


# %% exercise="leaky_relu" difficulty=1 minutes=5
def leaky_relu(x: torch.Tensor, negative_slope: float = 0.01) -> torch.Tensor:
    """x where it is positive, negative_slope · x elsewhere.

    Args:
        x: floating point, any shape.
        negative_slope: the slope for negative values, from −10 to 10.

    Returns:
        A new tensor of the same shape and dtype.
    """
    ### BEGIN SOLUTION
    return torch.where(x > 0, x, negative_slope * x)
    ### END SOLUTION


# %% check="leaky_relu" points=2
import itertools

g = torch.Generator().manual_seed(14)
x = torch.randn(5, 3, 4, generator=g)
before = x.clone()
with forbidden("leaky_relu", "prelu", "rrelu"):
    y = leaky_relu(inplace(x), 0.2)
expect(
    x,
    before,
    "leaky_relu(x, 0.2) leaves x as it was",
    mistakes={"You wrote the result into x: make a new tensor instead.": F.leaky_relu(before, 0.2)},
)
expect(
    y,
    F.leaky_relu(before, 0.2),
    "leaky_relu(x, 0.2) for x of shape (5, 3, 4)",
    mistakes={
        "You used the slope 0.01 and not the argument `negative_slope`.": F.leaky_relu(before, 0.01),
        "The slope belongs to the negative values; you gave it to the positive ones.": -F.leaky_relu(-before, 0.2),
        "You replaced the negative values with the slope: multiply them by it.": F.threshold(before, 0, 0.2),
        "The sign of the negative values is lost: for s > 0, s·x stays negative.": F.leaky_relu(before, -0.2),
        "That is the plain ReLU.": F.relu(before),
        "You multiplied every value by the slope: positive values stay as they are.": before - 0.8 * before,
        "You added s·x to the positive values, too: they stay as they are.": F.relu(before) + 0.2 * before,
    },
)
with forbidden("leaky_relu", "prelu", "rrelu"):
    y = leaky_relu(x)
expect(y, F.leaky_relu(before), "leaky_relu(x): the default slope is 0.01")
with forbidden("leaky_relu", "prelu", "rrelu"):
    y = leaky_relu(x, negative_slope=2.5)
expect(
    y,
    F.leaky_relu(before, 2.5),
    "leaky_relu(x, negative_slope=2.5): a slope above 1",
    mistakes={
        "You took the larger of x and s·x: for s > 1 that is the wrong one. Ask for the sign of x.": (
            before.maximum(before * 2.5)
        ),
        "You limited the slope to 1: it may be larger.": before,
    },
)
x = torch.randn(4, 3, generator=g).requires_grad_()
with forbidden("leaky_relu", "prelu", "rrelu"):
    y = leaky_relu(x, 0.3)
require(
    y.requires_grad,
    "autograd passes through leaky_relu",
    "The path for gradients is cut: .data, .detach(), .item(), NumPy and tensors made from Python numbers do that.",
)


KINDS = torch.float32, torch.float64, torch.float16, torch.bfloat16


def copied(y):
    """The result as it is now: a later call may write into it."""
    return y.clone() if isinstance(y, torch.Tensor) else y


def in_turn(g, first, **options):
    """Unkind inputs, each shape and layout in one dtype: the dtypes take turns."""
    drawn = [unkind_inputs(g, dtypes=(dtype,), **options) for dtype in KINDS]
    return [each[(first + i) % len(KINDS)] for i, each in enumerate(zip(*drawn))]


def same_memory(one, other):
    return one is other or (one.numel() > 0 and one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr())


def try_many(seed, largest, some, every, first):
    """Many inputs; every so many of them twice in a row and all positive, every third with a gradient."""
    g = torch.Generator().manual_seed(seed)
    slopes = [-8.0, 1, -3, 0, 0.01, -0.5, 1.0, 0.001, 9.5]
    gentle = [0.3, -0.5, 0, 1.0, 0.75]  # for dtypes with few digits
    turns = {dtype: itertools.cycle(gentle) for dtype in KINDS[2:]} | dict.fromkeys(KINDS[:2], itertools.cycle(slopes))
    found = in_turn(g, seed, largest=largest)
    found += [(f"x = {a}, {dtype}", torch.tensor(a, dtype=dtype)) for a, dtype in zip((1.5, -1.5), KINDS)]
    cases, twice, taped = {}, {}, []
    for i, (what, x) in enumerate(found):
        s = next(turns[x.dtype]) if x.numel() > 0 else 1
        cases[f"{what}, s = {s}"] = x, s
        if i % every == 2:
            cases[f"{what}, once more, s = {s}"] = x, s
            cases[f"{what}, all positive, s = {s}"] = x.abs() + 1, s
            twice[f"{what}, s = {s}"] = f"{what}, once more, s = {s}"
        if i % 3 == first:
            taped.append(f"{what}, s = {s}")
    for dtype, s in zip(some, (10, -10.0, 10, -10.0)):
        cases[f"x = 5000 and −5000, {dtype}, s = {s}"] = torch.tensor([5000.0, -5000.0], dtype=dtype), s
        cases[f"x very close to 0, {dtype}, s = {-s}"] = torch.randn(9, generator=g).div(1e4).pow(3).to(dtype), -s
    before = {what: x.clone() for what, (x, s) in cases.items()}
    wanted, answers, copies = {what: F.leaky_relu(x, s) for what, (x, s) in cases.items()}, {}, {}
    with Watch(operations=False) as seen, forbidden("leaky_relu", "prelu", "rrelu"):
        for what, (x, s) in cases.items():
            answers[what] = leaky_relu(inplace(x), s)
            copies[what] = copied(answers[what])
    written = [what for what, (x, s) in cases.items() if not torch.equal(x, before[what])]
    used = [name for name in seen.functions if "prelu" in name or "rrelu" in name]
    gradients, slopes, cut = {}, {}, []
    for what in taped:
        x, s = before[what].requires_grad_(), cases[what][1]
        with forbidden("leaky_relu", "prelu", "rrelu"):
            y = leaky_relu(x.view_as(x), s)
        upstream = torch.randn(x.shape, generator=g).to(x.dtype)
        slopes[what] = torch.autograd.grad(F.leaky_relu(x, s), x, upstream)[0].where(x.detach() != 0, 0.0)
        gradients[what] = torch.zeros_like(x)
        if y.requires_grad:
            gradients[what] = torch.autograd.grad(y, x, upstream)[0].where(x.detach() != 0, 0.0)
        elif slopes[what].any():
            cut.append(what)
    # In float64 a slope rounded to float32 is close enough, an x rounded to float32 is not.
    for dtypes, rtol, atol in [(KINDS[:1], 1.3e-6, 1e-5), (KINDS[1:2], 5e-8, 1e-300), (KINDS[2:], 4e-2, 4e-2)]:

        def part(of):
            return {what: y for what, y in of.items() if cases[what][0].dtype in dtypes}  # noqa: B023

        kind = f"many shapes and layouts, {' and '.join(str(dtype)[6:] for dtype in dtypes)}"
        expect(part(copies), part(wanted), f"leaky_relu(x, s) for {kind}", rtol=rtol, atol=atol)
        if not cut:
            expect(part(gradients), part(slopes), f"the gradient with respect to x, {kind}", rtol=rtol, atol=atol)
    require(written == [], "x stays as it was", f"You wrote into x, for {'; '.join(written[:1])}.")
    require(used == [], "no other form of PReLU or RReLU", f"Your code calls {', '.join(used[:1])}.")
    shared = [what for what, (x, s) in cases.items() if same_memory(x, answers[what])]
    kept = [what for what, again in twice.items() if same_memory(answers[what], answers[again])]
    changed = [what for what in cases if not torch.equal(answers[what], copies[what])]
    require(
        shared == [],
        "each result is a new tensor",
        f"You returned x itself or a view of it, for {'; '.join(shared[:1])}.",
    )
    require(
        kept == [],
        "a second call with the same arguments gives another new tensor",
        f"It returned the earlier result, for {'; '.join(kept[:1])}: make a new tensor in each call.",
    )
    require(
        changed == [],
        "later calls leave earlier results alone",
        f"A later call wrote into the result for {'; '.join(changed[:1])}: make a new tensor in each call.",
    )
    require(
        cut == [],
        "autograd passes through leaky_relu for each of them",
        f"The path for gradients is cut for {'; '.join(cut[:1])}.",
    )


try_many(24, 15_000, KINDS, every=5, first=0)
### BEGIN HIDDEN TESTS
try_many(34, 12_000, KINDS[:2], every=10, first=2)
### END HIDDEN TESTS

# %% [markdown]
# ### Exercise: Clipped ReLU
#
# Write `clipped_relu(x, ceiling)` without `F.relu6`, `F.hardtanh` or any of their other forms: values below 0 become 0, values above `ceiling`
# become `ceiling`, and all others stay exactly as they are.
#
# - `ceiling` is a positive number within the range of the dtype of `x`; the default is 6. For float64 all its digits count:
#   do not round it to float32.
# - `x` may have any shape, including zero-dimensional and empty tensors. Its dtype is float16, bfloat16, float32 or float64. It may
#   contain very small values, huge ones and $\pm\infty$. The result has the shape and the dtype of `x`.
# - The result is a **new** tensor, even if no value is clipped, and `x` stays as it is.
# - Gradients can flow back through it. (Its gradient at 0, at `ceiling` and at $\pm\infty$ is up to you.)
#
# <details><summary>Hint: read the formula from the inside</summary>
#
# First the maximum with 0, then the minimum with $c$. There is one PyTorch operation that limits values on both sides; look at the arguments
# of `Tensor.clamp`.
#
# </details>


# %% exercise="clipped_relu" difficulty=1 minutes=4
def clipped_relu(x: torch.Tensor, ceiling: float = 6.0) -> torch.Tensor:
    """The ReLU with an upper limit.

    Args:
        x: floating point, any shape.
        ceiling: the largest value that the result may have, positive.

    Returns:
        A new tensor of the same shape and dtype.
    """
    ### BEGIN SOLUTION
    return x.clamp(min=0, max=ceiling)
    ### END SOLUTION


# %% check="clipped_relu" points=1
g = torch.Generator().manual_seed(15)
x = 4 * torch.randn(4, 7, generator=g)
before = x.clone()
with forbidden("relu6", "hardtanh"):
    y = clipped_relu(inplace(x), 2.5)
expect(
    x,
    before,
    "clipped_relu(x, 2.5) leaves x as it was",
    mistakes={"You wrote the result into x: make a new tensor instead.": F.hardtanh(before, 0, 2.5)},
)
expect(
    y,
    F.hardtanh(before, 0, 2.5),
    "clipped_relu(x, 2.5) for x of shape (4, 7)",
    mistakes={
        "The values above the ceiling are still there.": F.relu(before),
        "The negative values are still there.": 2.5 - F.relu(2.5 - before),
        "Values above the ceiling became 0: they must become the ceiling.": F.relu(before) * (before <= 2.5),
        "You clipped at 6 and not at the argument `ceiling`.": F.relu6(before),
        "You rounded the ceiling to a whole number.": F.hardtanh(before, 0, 2),
        "You scaled the values to reach the ceiling: those in between must stay.": (
            F.relu(before) / before.max() * 2.5
        ),
        "You limited the values to −ceiling below: the lower limit is 0.": F.hardtanh(before, -2.5, 2.5),
        "You limited the absolute value: a negative value must become 0.": F.hardtanh(before.abs(), 0, 2.5),
        "Each value is at the ceiling or above: you took the larger of x and the ceiling.": before.clamp_min(2.5),
        "All values are 0: the arguments of `clamp` are in the wrong order, the lower limit comes first.": (
            torch.zeros_like(before)
        ),
    },
)
with forbidden("relu6", "hardtanh"):
    y = clipped_relu(4 * x)
expect(y, F.relu6(4 * before), "clipped_relu(x): the default ceiling is 6")
huge = torch.tensor([[-math.inf, -3e38, -1e9, 0.0], [0.75, 1e9, 3e38, math.inf]])
with forbidden("relu6", "hardtanh"):
    y = clipped_relu(huge, 1.5)
expect(
    y,
    F.hardtanh(huge, 0, 1.5),
    "clipped_relu(x, 1.5) with huge values and ±∞",
    mistakes={
        "The difference of two huge numbers is inexact, and ∞ − ∞ is nan: choose between values.": (
            F.relu(huge) - F.relu(huge - 1.5)
        ),
    },
)
x = torch.randn(4, 3, generator=g).requires_grad_()
with forbidden("relu6", "hardtanh"):
    y = clipped_relu(x, 1.5)
require(
    y.requires_grad,
    "autograd passes through clipped_relu",
    "The path for gradients is cut: .data, .detach(), .item(), NumPy and tensors made from Python numbers do that.",
)


KINDS = torch.float32, torch.float64, torch.float16, torch.bfloat16


def rare(dtype):
    """The smallest and the largest finite numbers of a dtype, in eight dimensions."""
    limits = torch.finfo(dtype)
    ends = torch.tensor([limits.tiny * limits.eps, limits.tiny, 1e-8, limits.max], dtype=dtype)
    return torch.stack([ends, -ends]).view(2, 1, 2, 1, 1, 1, 2, 1)


def copied(y):
    """The result as it is now: a later call may write into it."""
    return y.clone() if isinstance(y, torch.Tensor) else y


def in_turn(g, first, **options):
    """Unkind inputs, each shape and layout in one dtype: the dtypes take turns."""
    drawn = [unkind_inputs(g, dtypes=(dtype,), **options) for dtype in KINDS]
    return [each[(first + i) % len(KINDS)] for i, each in enumerate(zip(*drawn))]


def same_memory(one, other):
    return one is other or (one.numel() > 0 and one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr())


def try_many(seed, largest, rares, numbers, every, first):
    """Many inputs; every so many of them with nothing to clip, twice in a row, every third with a gradient."""
    g = torch.Generator().manual_seed(seed)
    ceilings = [0.3125, 6, 1000.0, 0.1, 6.0, 2.5, 7, 40_000, 0.7]
    found = in_turn(g, seed, extremes=True, largest=largest)
    found += [(f"x = {a} times the ceiling, without dimensions", torch.tensor(a)) for a in numbers]
    cases, twice, taped = {}, {}, []
    for i, (what, x) in enumerate(found):
        ceiling = ceilings[i % len(ceilings)]
        what, inside = f"{what}, ceiling {ceiling}", torch.rand_like(x).mul(0.9 * ceiling)
        cases[what] = x if 0 in x.stride() else x.mul_(ceiling), ceiling  # in place, for the sake of the layout
        if i % every == 2:
            cases[f"{what}, nothing to clip"] = cases[f"{what}, nothing to clip, once more"] = inside, ceiling
            twice[f"{what}, nothing to clip"] = f"{what}, nothing to clip, once more"
        if i % 3 == first:
            taped.append(what)
    cases |= {f"the smallest and the largest numbers, {dtype}, ceiling 0.1": (rare(dtype), 0.1) for dtype in rares}
    before = {what: x.clone() for what, (x, ceiling) in cases.items()}
    wanted, answers, copies = {what: F.hardtanh(x, 0, ceiling) for what, (x, ceiling) in cases.items()}, {}, {}
    with forbidden("relu6", "hardtanh"):
        for what, (x, ceiling) in cases.items():
            answers[what] = clipped_relu(inplace(x), ceiling)
            copies[what] = copied(answers[what])
    expect(
        {what: x for what, (x, ceiling) in cases.items()},
        before,
        f"x stays as it was: {len(cases)} tensors of many shapes, layouts and dtypes, with several ceilings",
    )
    mistakes = {
        "The ceiling passed through float32, which rounds 0.1 and 0.7: use the number itself.": {
            what: F.hardtanh(x, 0, torch.tensor(float(ceiling)).item()) for what, (x, ceiling) in cases.items()
        },
        "x / c · c is not always x: leave the values between 0 and the ceiling alone.": {
            what: (x / ceiling).clamp(0, 1) * ceiling for what, (x, ceiling) in cases.items()
        },
    }
    for dtype in KINDS:
        some = [what for what, (x, ceiling) in cases.items() if x.dtype == dtype]
        mine, theirs, *others = ({what: y[what] for what in some} for y in (copies, wanted, *mistakes.values()))
        what = f"clipped_relu(x, ceiling) for each of them in {str(dtype).removeprefix('torch.')}, to the last digit"
        expect(mine, theirs, what, mistakes=dict(zip(mistakes, others)), rtol=0, atol=0)
    shared = [what for what, (x, ceiling) in cases.items() if same_memory(x, answers[what])]
    require(
        shared == [],
        "each result is a new tensor",
        f"You returned x itself or a view of it, for {'; '.join(shared[:1])}.",
    )
    kept = [what for what, again in twice.items() if same_memory(answers[what], answers[again])]
    require(
        kept == [],
        "a second call with the same arguments gives another new tensor",
        f"It returned the earlier result, for {'; '.join(kept[:1])}: make a new tensor in each call.",
    )
    changed = [what for what in cases if not torch.equal(answers[what], wanted[what])]
    require(
        changed == [],
        "later calls leave earlier results alone",
        f"A later call wrote into the result for {'; '.join(changed[:1])}: make a new tensor in each call.",
    )
    gradients, wanted, cut = {}, {}, []
    for what in taped:
        x, ceiling = before[what].requires_grad_(), cases[what][1]
        with forbidden("relu6", "hardtanh"):
            y = clipped_relu(x.view_as(x), ceiling)
        if x.numel() > 0:
            upstream = torch.randn(x.shape, generator=g).to(x.dtype)
            plain = x.detach().isfinite() & (x.detach() != 0) & (x.detach() != torch.tensor(ceiling, dtype=x.dtype))
            wanted[what] = torch.autograd.grad(F.hardtanh(x, 0, ceiling), x, upstream)[0].where(plain, 0.0)
            gradients[what] = torch.zeros_like(x)
            if y.requires_grad:
                gradients[what] = torch.autograd.grad(y, x, upstream)[0].where(plain, 0.0)
            elif wanted[what].any():
                cut.append(what)
    require(
        cut == [],
        "autograd passes through clipped_relu for each of them",
        f"The path for gradients is cut for {'; '.join(cut[:1])}.",
    )
    expect(gradients, wanted, "the gradient with respect to x for each of them, between 0 and the ceiling and outside")


try_many(24, 15_000, KINDS, (0.5, -2.5, 1.5, -math.inf), every=5, first=0)
### BEGIN HIDDEN TESTS
try_many(34, 12_000, KINDS[::2], (), every=10, first=2)
### END HIDDEN TESTS

# %% [markdown]
# ## In place: the result on top of the input
#
# `F.relu(x)` makes a new tensor, which takes as much memory as `x`. With `inplace=True` the result is written over the input.

# %%
x = torch.tensor([[0.8, -0.3, 0.5, -0.2, -0.7], [0.1, 0.6, 0.1, -0.6, 1.3]])
for overwrite in (False, True):
    y = F.relu(x, inplace=overwrite)
    same = y.data_ptr() == x.data_ptr()
    print(f"inplace={overwrite!s:5}  same memory: {same!s:5}  negative values in x: {int((x < 0).sum())}")


# %% [markdown]
# `F.relu_(x)`, `x.relu_()` and `nn.ReLU(inplace=True)(x)` do the same. In PyTorch a trailing underscore means *in place*.
#
# ### Exercise: ReLU in place
#
# Write `relu_(x)` without PyTorch's own ReLU functions: again no `F.relu`, `F.leaky_relu`, `F.prelu`, `F.rrelu` or `F.threshold`, under whatever
# name, so no `x.relu_()` either.
#
# - It replaces every negative value of `x` with 0, even $-\infty$, **in the memory of `x`**. All other values stay exactly as they are, even $+\infty$.
# - It returns `x` itself, the very same tensor, with the same shape.
# - It works for every shape, including zero-dimensional and empty tensors, in float16, bfloat16, float32 and float64.
# - It works for a view, such as a transposed matrix, a slice or a single element of a vector: the underlying tensor changes where the view is
#   and nowhere else.
#
# `x` does not require a gradient, and no two of its elements share memory (as those of an expanded tensor do).
#
# <details><summary>Hint 1: a name is not memory</summary>
#
# `x = ...` inside a function makes the name `x` refer to another tensor. The caller's tensor does not change. You must *write into*
# the tensor.
#
# </details>
#
# <details><summary>Hint 2: ways to write</summary>
#
# `x[mask] = value` writes where the mask is true. Methods with a trailing underscore write, too, such as `x.add_(1)`. `x.copy_(other)` writes all values of
# another tensor.
#
# </details>
#
# <details><summary>Hint 3: the transposed matrix does not change</summary>
#
# You may have flattened it first. If the values of a tensor are not in order in memory, `reshape(-1)` has to copy, and then you write into
# the copy. There is no need to flatten.
#
# </details>


# %% exercise="relu_in_place" difficulty=2 minutes=7
def relu_(x: torch.Tensor) -> torch.Tensor:
    """Write the ReLU of x over x.

    Args:
        x: floating point, any shape, contiguous or not; its values are changed.

    Returns:
        x itself.
    """
    ### BEGIN SOLUTION
    return x.clamp_(min=0)
    ### END SOLUTION


# %% check="relu_in_place" points=2
g = torch.Generator().manual_seed(16)
x = torch.randn(3, 4, 5, generator=g)
x[1, 2, 3] = -math.inf
before, same_memory = x.clone(), x.view(-1)
with forbidden("relu", "leaky_relu", "prelu", "rrelu", "threshold"):
    y = relu_(inplace(x))
expect(
    same_memory.view(3, 4, 5),
    F.relu(before),
    "the memory of x after relu_(x), shape (3, 4, 5), one value −∞",
    mistakes={
        "It is unchanged: you made a new tensor, or gave x another memory (x.data = …). Write into the memory of x. "
        "(`x[mask]` on its own is a copy; `x[mask] = 0` writes into x.)": before,
        "That is the absolute value: a negative value must become 0.": before.abs(),
        "0 · (−∞) is nan: write 0 where a value is negative instead of multiplying.": before * (before > 0),
        "You zeroed the positive values: it is the other way round.": -F.relu(-before),
    },
)
expect(y, F.relu(before), "the value that relu_(x) returns")
require(
    y is x,
    "relu_(x) returns x itself",
    "You returned another tensor, a view of x: return x."
    if y.data_ptr() == x.data_ptr()
    else "You returned a copy, which has memory of its own: return x.",
)
matrix = torch.randn(6, 4, generator=g, dtype=torch.float64)
before, view = matrix.clone(), matrix.t()
try:
    with forbidden("relu", "leaky_relu", "prelu", "rrelu", "threshold"):
        y = relu_(inplace(view))
except RuntimeError as error:
    require(
        "view size" not in str(error),
        "relu_ of a transposed matrix",
        "`view` cannot flatten it, and `reshape` would copy it. There is no need to flatten.",
    )
    raise
expect(
    matrix,
    F.relu(before),
    "the matrix after relu_ of its transpose, float64",
    mistakes={"The matrix is unchanged: you wrote into a copy. `reshape` and `contiguous` copy here.": before},
)
require(y is view, "relu_ returns the transposed matrix itself", "Return the x that relu_ was given.")
matrix = torch.randn(4, 6, generator=g).half()
before, view = matrix.clone(), matrix[1:, 2:5]
with forbidden("relu", "leaky_relu", "prelu", "rrelu", "threshold"):
    y = relu_(inplace(view))
expected = before.clone()
expected[1:, 2:5] = F.relu(before[1:, 2:5])
expect(
    matrix,
    expected,
    "the matrix after relu_ of a slice of it, float16",
    mistakes={
        "The matrix is unchanged: you wrote into a copy.": before,
        "You changed values outside the slice, too.": F.relu(before),
    },
)
require(y is view, "relu_ returns the slice itself", "Return the x that relu_ was given.")


KINDS = torch.float32, torch.float64, torch.float16, torch.bfloat16


def rare(dtype):
    """The smallest and the largest finite numbers of a dtype, in eight dimensions."""
    limits = torch.finfo(dtype)
    ends = torch.tensor([limits.tiny * limits.eps, limits.tiny, 1e-8, limits.max], dtype=dtype)
    return torch.stack([ends, -ends]).view(2, 1, 2, 1, 1, 1, 2, 1)


def try_many(seed, largest, rares, some):
    """Each shape and layout in one dtype: the dtypes take turns."""
    g = torch.Generator().manual_seed(seed)
    drawn = [unkind_inputs(g, dtypes=(dtype,), extremes=True, largest=largest) for dtype in KINDS]
    found = [each[(seed + i) % len(KINDS)] for i, each in enumerate(zip(*drawn))]
    found += [(f"the smallest and the largest numbers, {dtype}", rare(dtype)) for dtype in rares]
    cases = {what: x for what, x in found if "expanded" not in what}
    for dtype in some:
        kind = str(dtype).removeprefix("torch.")
        cases[f"one element of a vector, {kind}"] = torch.rand(6, generator=g).neg().to(dtype)[3]
        cases[f"one element of a vector, −∞, {kind}"] = torch.full((5,), -math.inf, dtype=dtype)[2]
        cases[f"every third element of a vector, {kind}"] = torch.randn(17, generator=g).to(dtype)[1::3]
        cases[f"a part of a permuted tensor, {kind}"] = (
            torch.randn(4, 3, 5, 2, generator=g).to(dtype).permute(2, 0, 3, 1)[1:4, ::2]
        )
        cases[f"positive values, {kind}"] = torch.rand(4, 5, generator=g).to(dtype) + 1
    memories, wanted, geometry = {}, {}, {}
    for what, x in cases.items():
        memory = torch.empty(0, dtype=x.dtype).set_(x.untyped_storage())
        memories[what], geometry[what] = memory, (x.shape, x.stride(), x.storage_offset())
        wanted[what] = memory.clone()
        wanted[what].as_strided(*geometry[what]).copy_(F.relu(x))
    with Watch(operations=False) as seen, forbidden("relu", "leaky_relu", "prelu", "rrelu", "threshold"):
        answers = {what: relu_(inplace(x)) for what, x in cases.items()}
    expect(
        memories,
        wanted,
        f"the memory of {len(cases)} tensors of many shapes and dtypes after relu_(x), many of them views of a larger tensor",
        rtol=0,
        atol=0,
    )
    others = [what for what, x in cases.items() if answers[what] is not x]
    require(
        others == [], "relu_(x) returns x itself for each of them", f"It is another tensor for {'; '.join(others[:1])}."
    )
    turned = [what for what, x in cases.items() if (x.shape, x.stride(), x.storage_offset()) != geometry[what]]
    require(
        turned == [],
        "x keeps its shape and its place in memory",
        f"The shape or the order of the dimensions of x has changed for {'; '.join(turned[:1])}: change values only.",
    )
    hidden_form = [name for name in seen.functions if "prelu" in name or "rrelu" in name]
    require(hidden_form == [], "no other form of PReLU or RReLU", f"Your code calls {', '.join(hidden_form[:1])}.")


try_many(24, 15_000, KINDS, KINDS[::2])
### BEGIN HIDDEN TESTS
try_many(34, 12_000, KINDS[1::2], KINDS[1::2])
### END HIDDEN TESTS

# %% [markdown]
# ### How much memory does it save? (optional)
#
# Let us measure it. `CountBytes` in the folded cell watches each operation of PyTorch, adds the bytes of each new block of
# memory, and subtracts them when the block is freed. It counts tensors only, so the result is exact and the same on every machine.

# %% folded label="CountBytes: how the bytes are counted"
import weakref
from torch.utils._python_dispatch import TorchDispatchMode  # PyTorch's own, for a look inside; do not build on it

MIB = 2**20  # bytes


class CountBytes(TorchDispatchMode):
    """Inside `with CountBytes() as memory:`, memory.peak is the most bytes that new tensors held at one time."""

    def __init__(self):
        super().__init__()
        self.now = self.peak = 0

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        result = operation(*args, **(kwargs or {}))
        old = {tensor.untyped_storage().data_ptr() for tensor in args if isinstance(tensor, torch.Tensor)}
        if isinstance(result, torch.Tensor) and result.untyped_storage().data_ptr() not in old:
            storage = result.untyped_storage()
            self.now += storage.nbytes()
            self.peak = max(self.peak, self.now)
            weakref.finalize(storage, self.free, storage.nbytes())
        return result

    def free(self, size):
        self.now -= size


# %%
x = torch.randn(1024, 256)  # 1024 · 256 · 4 bytes = 1 MiB
for overwrite in (False, True):
    with CountBytes() as memory:
        y = F.relu(x, inplace=overwrite)
    print(f"F.relu(x, inplace={overwrite}): peak {memory.peak / MIB:.0f} MiB of new memory")


# %% [markdown]
# For a single ReLU: 1 MiB versus none. Now consider a forward pass, while autograd records, through a net of $L$ layers, each
# a linear layer and a ReLU. Every **activation** (the output of a layer or a ReLU) has the size of `x`, 1 MiB. Here are three ways to
# write the loop:


# %%
def every_name(x, layers):
    names = []  # stands for h1 = …, a1 = F.relu(h1), h2 = …, a2 = …
    for layer in layers:
        h = layer(x)
        x = F.relu(h)
        names += [h, x]
    return x


def one_name(x, layers):  # as nn.Sequential does it
    for layer in layers:
        x = layer(x)
        x = F.relu(x)
    return x


def in_place(x, layers):
    for layer in layers:
        x = layer(x)
        x = F.relu(x, inplace=True)
    return x


# %% [markdown]
# **Before you run it:** for $L = 8$ the first way holds 16 MiB at its peak. What is the peak of the second and of the third? Is the third
# peak half of the second?


# %% predict
def peak_mib(function, depth):
    layers = [nn.Linear(256, 256) for _ in range(depth)]
    x = torch.zeros(1024, 256)
    with CountBytes() as memory:
        function(x, layers)
    return memory.peak / MIB


depths = (1, 2, 4, 8)
peaks = {way.__name__: [peak_mib(way, depth) for depth in depths] for way in (every_name, one_name, in_place)}
print("layers L    " + "".join(f"{depth:4}" for depth in depths) + "     peak in MiB")
for name, values in peaks.items():
    print(f"{name:12}" + "".join(f"{value:4.0f}" for value in values))

# %% predict folded label="Draw the peaks"
figure, ax = plot_axes(5.4, 3.2)
for name, style, role in [("every_name", "s-", "loss"), ("one_name", "o--", "input"), ("in_place", "^-.", "output")]:
    ax.plot(depths, peaks[name], style, color=COLOURS[role], linewidth=2, markersize=6, label=name)
ax.set(xlabel="layers L", ylabel="peak memory (MiB)", xticks=range(1, 9), ylim=(0, 17))
ax.legend(frameon=False)
show(
    figure,
    alt="Peak memory of a forward pass against the number of layers. With a name for every result it grows as 2L, to 16 MiB "
    "at 8 layers. With one name it is L + 1, 9 MiB at 8 layers, and in place L, 8 MiB: the last two lines run side by side, 1 MiB apart.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# The peaks are $2L$, $L + 1$ and $L$: in this forward pass `inplace` saves **one** activation, not half of them.
#
# For the backward pass autograd keeps one tensor per layer: the output of the ReLU, which the ReLU itself and the next
# linear layer both need. Nobody needs the input $h$ of the ReLU any more, so it is freed as soon as no name refers to it.
# So $h$ and the output exist side by side only while the ReLU is being computed. With `inplace` they share one memory, and $L + 1$ becomes $L$.
#
# The backward pass adds gradients to what is kept. In this net its peak is higher, and there `inplace` saves nothing.
#
# So `inplace=True` pays only where the forward pass sets the peak and one activation is much larger than the rest. Not keeping
# a name for every intermediate result saves more.
#
# </details>
#
# On a GPU, PyTorch's allocator does the counting, and shows the same: one tensor's memory, or none. The next cell needs one.

# %% varies folded label="The same on a GPU"
if device.type == "cuda":
    for overwrite in (False, True):
        x = torch.randn(4096, 4096, device=device)  # 64 MiB
        torch.cuda.reset_peak_memory_stats()
        start = torch.cuda.memory_allocated()
        y = F.relu(x, inplace=overwrite)
        extra = torch.cuda.max_memory_allocated() - start
        print(f"inplace={overwrite}: {extra / MIB:.0f} MiB more on {torch.cuda.get_device_name()}")
        del x, y
else:
    print("There is no GPU here, so nothing to measure.")

# %% [markdown]
# ## When autograd refuses
#
# Writing over a value is harmless only if nobody needs the old value. Autograd keeps some of them for the backward pass:
# for each operation, those from which its derivative is computed.
#
# **Before you run it:** here are three attempts. One fails at once, one fails in `backward()`, and one works. Which is which?


# %% predict
def attempt(name, function):
    try:
        step = "F.relu"
        result = function()
        step = "backward"
        result.sum().backward()
        print(f"{name}: works")
    except RuntimeError as error:
        print(f"{name}: refused in {step}:\n   {str(error).split(':')[0].split(' by an')[0]}")


leaf = torch.randn(4, 5, requires_grad=True)
layer = nn.Linear(5, 3)
attempt("a leaf that requires a gradient", lambda: F.relu(leaf, inplace=True))
attempt("the output of a linear layer", lambda: F.relu(layer(leaf), inplace=True))
attempt("the output of a sigmoid", lambda: F.relu(torch.sigmoid(leaf), inplace=True))

# %% [markdown]
# <details><summary>Why?</summary>
#
# 1. A **leaf** that requires a gradient is a parameter, or an input that you created. We want its gradient at its old value, which
#    would be lost. PyTorch refuses at once.
# 2. A **linear layer** keeps its input and its weight, but not its output, so the output may be overwritten.
# 3. A **sigmoid** $\sigma$ keeps its own *output*, because its derivative is $\sigma (1 - \sigma)$. Overwriting it would make the gradient
#    wrong. Autograd notices that in `backward()`.
#
# </details>
#
# And the ReLU itself? It keeps its output $y$, not its input $x$: the gate is open exactly where $y > 0$. That is why a ReLU can work
# in place at all.
#
# How does autograd notice a write? Every tensor counts the writes into it. Autograd notes the count when it keeps a tensor, and compares it later.

# %%
x = torch.linspace(-1, 1, 5, requires_grad=True)
h = x * 2
y = F.relu(h)
print("the ReLU keeps its own output:", y.grad_fn._saved_result.data_ptr() == y.data_ptr())
print("writes into h so far:", h._version)
F.relu(h, inplace=True)
print("writes into h now:   ", h._version)

# %% [markdown]
# **Before you run it:** the next cell puts eight operations before the ReLU and says what each of them keeps. Is there one where the gradient
# comes out wrong without a warning? For which of them does `inplace=True` work?

# %% predict
operations = {
    "h + 1": (lambda x: x + 1, "nothing"),
    "nn.Linear(5, 5)": (nn.Linear(5, 5), "its input, its weight"),
    "nn.BatchNorm1d(5)": (nn.BatchNorm1d(5), "its input, statistics"),
    "h ** 2": (lambda x: x**2, "its input"),
    "tanh": (torch.tanh, "its output"),
    "exp": (torch.exp, "its output"),
    "softmax": (lambda x: x.softmax(dim=1), "its output"),
    "relu": (torch.relu, "its output"),
}


def gradient(operation, overwrite):
    x = torch.linspace(-2, 2, 20).reshape(4, 5).requires_grad_()
    (F.relu(operation(x), inplace=overwrite) * torch.arange(20.0).reshape(4, 5)).sum().backward()
    return x.grad


print("before the ReLU     keeps                    ReLU in place")
for name, (operation, keeps) in operations.items():
    plain = gradient(operation, overwrite=False)
    try:
        same = torch.allclose(plain, gradient(operation, overwrite=True))
        verdict = "works, same gradient" if same else "WRONG gradient"
    except RuntimeError:
        verdict = "refused"
    print(f"{name:19} {keeps:24} {verdict}")

# %% [markdown]
# <details><summary>Why?</summary>
#
# It works unless the operation before keeps its output. No gradient is wrong: autograd refuses instead. Only a write through `.data`, which it
# cannot see, could spoil one unnoticed. (A second ReLU after a ReLU would not change a single value. It is refused all the same,
# because autograd counts writes and does not compare values.)
#
# </details>
#
# **Before you run it:** the next cell adds $h$ to the ReLU of $h$, as residual networks (`10_modules`)
# do. For $h = (-2, 3)$ the sum is $(-2 + 0,\; 3 + 3) = (-2, 6)$. What does the second line print, or is there an error?

# %% predict
h = torch.tensor([-2.0, 3.0])
print("new tensor:", (h + F.relu(h)).tolist())
print("in place:  ", (h + F.relu(h, inplace=True)).tolist())

# %% [markdown]
# <details><summary>Why, and a rule for <code>inplace=True</code></summary>
#
# There is no error, and the result is wrong. Python evaluates both operands first; by then the in-place ReLU has overwritten $h$, and the sum is
# twice the ReLU. Autograd guards only the *backward* pass: if your *forward* pass uses a value a second time, nobody warns you.
#
# **The rule.** Use `inplace=True` on a value that (1) is not a leaf that requires a gradient, (2) is not kept by the operation before it, and
# (3) you use nowhere else. Right after a linear, convolution or batch norm layer, (1) and (2) hold; (3) is up to you. When in doubt, leave it out.
#
# </details>
#
# ## A module made from a function
#
# `nn.Sequential` takes modules, not functions. So we wrap the function. To write a module, define a subclass of `nn.Module` with two methods: `__init__`
# calls `super().__init__()` and keeps what will be needed; `forward` computes. Here is one without parameters and one with a learned factor.


# %%
class Absolute(nn.Module):
    """The absolute value, times a fixed factor."""

    def __init__(self, factor=1.0):
        super().__init__()  # always first: it prepares the registries
        self.factor = factor  # a setting: a plain attribute

    def forward(self, x):
        return self.factor * x.abs()


class LearnedFactor(nn.Module):
    """Multiply by one number that is learned."""

    def __init__(self):
        super().__init__()
        self.factor = nn.Parameter(torch.ones(()))  # a Parameter: registered, trained, saved

    def forward(self, x):
        return self.factor * x


x = torch.tensor([[1.0, -2.0, 3.0]])
for module in (Absolute(0.5), LearnedFactor()):
    names = [name for name, _ in module.named_parameters()]
    print(f"{type(module).__name__:14} {module(x).tolist()}  parameters: {names}")

net = nn.Sequential(nn.Linear(3, 2), Absolute(), LearnedFactor())
print("in a Sequential:", [name for name, _ in net.named_parameters()])


# %% [markdown]
# You define `forward`, but you call the module: `module(x)`, not `module.forward(x)`. The call also runs hooks, functions that others may have attached
# to the module.
#
# ### Exercise: The clipped ReLU as a module
#
# Write the class `ClippedReLU`, a subclass of `nn.Module` that can be part of an `nn.Sequential`.
#
# - `ClippedReLU(ceiling=6.0)` creates a module. `ceiling` is a positive number within the range of the dtype of `x`; each
#   module keeps its own and does not round it to float32.
# - Calling the module with `x` of any shape, including zero-dimensional and empty tensors (in float16, bfloat16, float32 or
#   float64), limits the values to the range from 0 to the ceiling; those inside stay exactly as they are.
# - The result is a **new** tensor with the shape and the dtype of `x`, even if no value is clipped; `x` stays as it is.
# - It has **no** parameters, not even after a call with an `nn.Parameter`: the ceiling is a setting and is not learned.
# - Gradients can flow back through it. (Its gradient at 0 and at `ceiling` is up to you.)
# - After `module.eval()` it does the same.
#
# You may use any function of PyTorch. (Your `clipped_relu` will do as well, but then a mistake in it costs points here, too.)
#
# <details><summary>Hint 1: what goes where?</summary>
#
# The ceiling is known when the module is created, `x` when it is called. So one belongs in `__init__`, the other in `forward`; `self` carries
# the ceiling from one to the other.
#
# </details>
#
# <details><summary>Hint 2: an AttributeError about <code>_parameters</code>, <code>_modules</code> or a hook</summary>
#
# The registries are missing: `super().__init__()` should come first in `__init__`.
#
# </details>


# %% exercise="clipped_module" difficulty=2 minutes=8
class ClippedReLU(nn.Module):
    """The ReLU with an upper limit, as a module.

    Args:
        ceiling: the largest value of the output, positive; a setting, not a parameter.
    """

    def __init__(self, ceiling: float = 6.0):
        ### BEGIN SOLUTION
        super().__init__()
        self.ceiling = ceiling
        ### END SOLUTION

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: floating point, any shape. Returns: a new tensor of the same shape and dtype."""
        ### BEGIN SOLUTION
        return x.clamp(min=0, max=self.ceiling)
        ### END SOLUTION


# %% check="clipped_module" points=2
g = torch.Generator().manual_seed(17)
low, high = ClippedReLU(1.5), ClippedReLU()
require(
    isinstance(low, nn.Module),
    "ClippedReLU(1.5) is an nn.Module",
    "The class must be derived from nn.Module: `class ClippedReLU(nn.Module)`.",
)
require(
    hasattr(low, "_parameters"),
    "ClippedReLU(1.5) has its registries",
    "They are missing: `super().__init__()` should come first in `__init__`.",
)
found = [name for module in (low, high) for name, _ in module.named_parameters()]
require(
    found == [],
    "ClippedReLU(1.5) and ClippedReLU() have no parameters",
    f"There is `{', '.join(dict.fromkeys(found))}`, which an optimizer would change. The ceiling is a setting: keep it as a plain number.",
)
x = 5 * torch.randn(4, 3, 5, generator=g)
before = x.clone()
try:
    y, endless = low(inplace(x)), False
except RecursionError:
    endless = True
require(
    not endless,
    "ClippedReLU(1.5)(x) comes to an end",
    "`forward` calls the module itself, which calls `forward` again, and so on: compute the result from x.",
)
expect(
    x,
    before,
    "ClippedReLU(1.5)(x) leaves x as it was",
    mistakes={"The module wrote the result into x: make a new tensor instead.": F.hardtanh(before, 0, 1.5)},
)
expect(
    y,
    F.hardtanh(before, 0, 1.5),
    "ClippedReLU(1.5)(x) for x of shape (4, 3, 5), while a ClippedReLU() exists, too",
    mistakes={
        "It clips at 6 whatever the ceiling: use `self.ceiling` in `forward`, not one that belongs to the class or is global.": (
            F.relu6(before)
        ),
        "The values above the ceiling are still there. (If `forward` calls your `clipped_relu`, look there.)": (
            F.relu(before)
        ),
        "The negative values are still there. (If `forward` calls your `clipped_relu`, look there.)": (
            1.5 - F.relu(1.5 - before)
        ),
        "Values above the ceiling became 0: they must become the ceiling.": F.relu(before) * (before <= 1.5),
    },
)
expect(high(x), F.relu6(before), "ClippedReLU()(x): the default ceiling is 6")
expect(low(-x), F.hardtanh(-before, 0, 1.5), "ClippedReLU(1.5)(−x), the first module once more")
linear = nn.Linear(3, 7)
x = torch.randn(5, 3, generator=g)
net = nn.Sequential(linear, ClippedReLU(0.5))
upstream = torch.randn(5, 7, generator=g)
y, expected = net(x), F.hardtanh(F.linear(x, linear.weight, linear.bias), 0, 0.5)
expect(y.detach(), expected.detach(), "nn.Sequential(nn.Linear(3, 7), ClippedReLU(0.5))(x)")
require(
    y.requires_grad,
    "autograd passes through the module",
    "The path for gradients is cut: .data, .detach(), .item(), NumPy and `torch.no_grad()` do that.",
)
(gradient,) = torch.autograd.grad(y, linear.weight, upstream, allow_unused=True)
(wanted,) = torch.autograd.grad(expected, linear.weight, upstream)
expect(
    gradient,
    wanted,
    "the gradient of the linear layer's weight",
    mistakes={
        "No gradient reaches it: `.detach()` and .data cut the path, and a new requires_grad_() does not help.": None
    },
)
require(
    not low(before).requires_grad,
    "the output requires no gradient if x does not",
    "Something else that takes part requires one: the ceiling is a setting, so keep it as a plain number.",
)


KINDS = torch.float32, torch.float64, torch.float16, torch.bfloat16


def rare(dtype):
    """The smallest and the largest finite numbers of a dtype, in eight dimensions."""
    limits = torch.finfo(dtype)
    ends = torch.tensor([limits.tiny * limits.eps, limits.tiny, 1e-8, limits.max], dtype=dtype)
    return torch.stack([ends, -ends]).view(2, 1, 2, 1, 1, 1, 2, 1)


def copied(y):
    """The result as it is now: a later call may write into it."""
    return y.clone() if isinstance(y, torch.Tensor) else y


def in_turn(g, first, **options):
    """Unkind inputs, each shape and layout in one dtype: the dtypes take turns."""
    drawn = [unkind_inputs(g, dtypes=(dtype,), **options) for dtype in KINDS]
    return [each[(first + i) % len(KINDS)] for i, each in enumerate(zip(*drawn))]


def same_memory(one, other):
    return one is other or (one.numel() > 0 and one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr())


def try_many(seed, largest, step, rares, first):
    """Many inputs; some of them twice in a row with nothing to clip, some after module.eval(), some with a gradient."""
    g = torch.Generator().manual_seed(seed)
    ceilings = [0.3125, 6.0, 0.1, 40_000, 0.7]
    modules = [ClippedReLU(0.3125), ClippedReLU(), ClippedReLU(0.1), *(ClippedReLU(ceiling=c) for c in ceilings[3:])]
    cases, twice, evaluated, taped = {}, {}, [], []
    for i, (what, x) in enumerate(in_turn(g, seed, largest=largest)[step - 1 :: step]):
        number = i % len(ceilings)
        what, inside = f"{what}, ceiling {ceilings[number]}", torch.rand_like(x).mul(0.9 * ceilings[number])
        # In place, for the sake of the layout.
        cases[what] = x if 0 in x.stride() else x.mul_(ceilings[number]), number
        if i % 5 == 0:
            cases[f"{what}, nothing to clip"] = cases[f"{what}, nothing to clip, once more"] = inside, number
            twice[f"{what}, nothing to clip"] = f"{what}, nothing to clip, once more"
            evaluated += [f"{what}, nothing to clip"] * (i == 5)
        if i % 3 == 1:
            evaluated.append(what)
        if i % 3 == first:
            taped.append(what if i > 0 else f"{what}, nothing to clip")
    cases |= {f"the smallest and the largest numbers, {dtype}, ceiling 0.1": (rare(dtype), 2) for dtype in rares}
    before = {what: x.clone() for what, (x, number) in cases.items()}
    wanted = {what: F.hardtanh(x, 0, ceilings[number]) for what, (x, number) in cases.items()}
    answers, copies, tape, leaves = {}, {}, {}, {}
    for mode, some, with_gradient in (("", cases, taped), (", after module.eval()", evaluated, evaluated[-2:])):
        for module in modules:
            module.train(mode == "")
        for what in some:
            x, module = cases[what][0], modules[cases[what][1]]
            with torch.no_grad():
                answers[what + mode] = module(inplace(x))
            copies[what + mode] = copied(answers[what + mode])
        for what in with_gradient:
            leaf, module = before[what].clone().requires_grad_(), modules[cases[what][1]]
            leaves[what + mode], tape[what + mode] = leaf, module(leaf.view_as(leaf))
    inputs = {what: x for what, (x, number) in cases.items()}
    expect(
        inputs,
        before,
        f"x stays as it was: {len(cases)} tensors of many shapes, layouts and dtypes, with five ceilings",
    )
    wanted |= {f"{what}, after module.eval()": wanted[what] for what in evaluated}
    rounded = {
        what: F.hardtanh(x, 0, torch.tensor(float(ceilings[number])).item())
        for what, (x, number) in ((what, cases[what.partition(", after")[0]]) for what in answers)
    }
    unclipped = {
        what: before.get(what.partition(", after")[0]) if ", after" in what else y for what, y in wanted.items()
    }
    for dtype in KINDS:
        some = [what for what in answers if inputs[what.partition(", after")[0]].dtype == dtype]
        mine, theirs, other, off = ({what: y[what] for what in some} for y in (copies, wanted, rounded, unclipped))
        expect(
            mine,
            theirs,
            f"ClippedReLU(ceiling)(x) for each of them in {str(dtype)[6:]}, before and after module.eval()",
            mistakes={
                "The ceiling passed through float32, which rounds 0.1 and 0.7: keep the number itself.": other,
                "After `eval()` it no longer clips.": off,
            },
            rtol=0,
            atol=0,
        )
    expect(tape, {what: wanted[what] for what in tape}, "the same when x requires a gradient", rtol=0, atol=0)
    shared = [what for what, y in answers.items() if same_memory(y, inputs[what.partition(", after")[0]])]
    require(
        shared == [],
        "each result is a new tensor",
        f"You returned x itself or a view of it, for {'; '.join(shared[:1])}.",
    )
    kept = [what for what, again in twice.items() if same_memory(answers[what], answers[again])]
    changed = [what for what in answers if not torch.equal(answers[what], wanted[what])]
    require(
        kept == [],
        "a second call with the same x gives another new tensor",
        f"It returned the earlier result, for {'; '.join(kept[:1])}: make a new tensor in each call.",
    )
    require(
        changed == [],
        "later calls leave earlier results alone",
        f"A later call wrote into the result for {'; '.join(changed[:1])}: make a new tensor in each call.",
    )
    gradients, slopes, cut = {}, {}, []
    for what, leaf in leaves.items():
        if leaf.numel() > 0:
            ceiling = torch.tensor(ceilings[cases[what.partition(", after")[0]][1]], dtype=leaf.dtype)
            upstream = torch.randn(leaf.shape, generator=g).to(leaf.dtype)
            plain = (leaf.detach() != 0) & (leaf.detach() != ceiling)
            slopes[what] = torch.autograd.grad(F.hardtanh(leaf, 0, ceiling.item()), leaf, upstream)[0].where(plain, 0.0)
            gradients[what] = torch.zeros_like(leaf)
            if tape[what].requires_grad:
                gradients[what] = torch.autograd.grad(tape[what], leaf, upstream)[0].where(plain, 0.0)
            elif slopes[what].any():
                cut.append(what)
    require(
        cut == [],
        "autograd passes through the module, before and after module.eval()",
        f"The path for gradients is cut for {'; '.join(cut[:1])}: .data, .detach(), .item() and NumPy do that.",
    )
    expect(gradients, slopes, "the gradient with respect to x for each of them, between 0 and the ceiling and outside")
    for module in modules[:2]:
        module(nn.Parameter(torch.randn(2, 3, generator=g)))
    found = [name for module in modules for name, _ in module.named_parameters()]
    require(
        found == [],
        "no module has parameters, after the calls either, the last of them with an nn.Parameter",
        f"There is `{', '.join(found[:1])}`: an nn.Parameter that is assigned to an attribute is registered, x as well.",
    )


try_many(32, 9000, 1, KINDS, first=0)
### BEGIN HIDDEN TESTS
try_many(38, 8000, 2, KINDS[::2], first=2)
### END HIDDEN TESTS

# %% [markdown]
# ### Exercise: A leaky ReLU that learns its slopes
#
# Which slope is best? Let training decide, with one slope for each channel. (PyTorch has this as `nn.PReLU`; He et al., 2015.) Write
# the class `LearnedLeakyReLU(channels)`, a subclass of `nn.Module`:
#
# - It has exactly one parameter, named `weight`, of shape `(channels,)` and dtype float32. At the start each slope is 0.25. No
#   call adds another parameter, not even if `x` is an `nn.Parameter`.
# - It takes `x` of shape `(N, C)` or `(N, C, ...)` with `C = channels`, in float32; dimension 1 indexes the channels.
# - A value $x > 0$ of channel $c$ stays as it is; any other becomes $w_c\, x$. During training a slope may become any number from
#   −10 to 10, even **negative, 0, or above 1**. The values of `x` are between −5000 and 5000, and rounding errors are fine, as for
#   `leaky_relu`.
# - The output is a **new** tensor with the shape and the dtype of `x`, even if no value is negative; `x` stays as it is.
# - Gradients reach `x` and `weight` (the latter also if `x` requires none), and those of several passes add up in
#   `weight.grad`, as for every layer. (At $x = 0$ any gradient for `x` will do.)
# - After `module.eval()` it does the same. After `module.double()` it takes float64.
#
# Do not call `F.prelu`, either directly or through `nn.PReLU` or another of its forms.
#
# <details><summary>Hint 1: shapes</summary>
#
# Broadcasting aligns shapes from the *right*. For `x` of shape `(N, C, H, W)`, a tensor of shape `(C,)` would be aligned with $W$. It must have
# the shape `(C, 1, 1)` or `(1, C, 1, 1)`.
#
# </details>
#
# <details><summary>Hint 2: any number of further dimensions</summary>
#
# `x.dim()` is the number of dimensions; `x.dim() - 2` of them come after the channels. A shape is a tuple, and you can compute tuples:
# `(1,) * 3` is `(1, 1, 1)`.
#
# </details>
#
# <details><summary>Hint 3: the optimizer does not see the slopes</summary>
#
# Only an `nn.Parameter` that is assigned to an attribute is registered. A plain tensor is not, even with `requires_grad=True`. Create the Parameter
# once, in `__init__`.
#
# </details>


# %% exercise="learned_leaky" difficulty=3 minutes=15
class LearnedLeakyReLU(nn.Module):
    """A leaky ReLU with one learned slope for each channel.

    Args:
        channels: the size of dimension 1 of the input.
    """

    def __init__(self, channels: int):
        ### BEGIN SOLUTION
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25))
        ### END SOLUTION

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: (N, C) or (N, C, ...). Returns: a new tensor of the same shape."""
        ### BEGIN SOLUTION
        slopes = self.weight.reshape(-1, *[1] * (x.dim() - 2))  # (C, 1, …, 1)
        return torch.where(x > 0, x, slopes * x)
        ### END SOLUTION


# %% check="learned_leaky" points=3
g = torch.Generator().manual_seed(18)
module = LearnedLeakyReLU(4)
require(
    isinstance(module, nn.Module),
    "LearnedLeakyReLU(4) is an nn.Module",
    "The class must be derived from nn.Module: `class LearnedLeakyReLU(nn.Module)`.",
)
require(
    hasattr(module, "_parameters"),
    "LearnedLeakyReLU(4) has its registries",
    "They are missing: `super().__init__()` should come first in `__init__`.",
)
found = {name: str(tuple(parameter.shape)) for name, parameter in module.named_parameters()}
other_name = next((name for name in found if name != "weight"), "slopes")
expect(
    found,
    {"weight": "(4,)"},
    "the parameters of LearnedLeakyReLU(4) and their shapes",
    mistakes={
        "No parameter is registered: assign an nn.Parameter to self.weight; a plain tensor is not enough.": {},
        "That is one slope for all: there must be one for each channel.": {"weight": "()"},
        "That is a vector with one slope: there must be one for each channel.": {"weight": "(1,)"},
        "Keep the shape (channels,) and reshape the slopes in `forward`.": {"weight": "(1, 4, 1, 1)"},
        "Keep the shape (channels,): the slopes get their further dimensions in `forward`.": {"weight": "(4, 1, 1)"},
        "Keep the shape (channels,), without a dimension for the samples.": {"weight": "(1, 4)"},
        "The parameter has another name: rename it to `weight`.": {other_name: "(4,)"},
    },
)
expect(
    module.weight.detach(),
    torch.full((4,), 0.25),
    "the slopes at the start",
    mistakes={
        "They start at 0; they must start at 0.25.": torch.zeros(4),
        "They start at 0.01; they must start at 0.25.": torch.full((4,), 0.01),
        "They start at 1; they must start at 0.25.": torch.ones(4),
    },
)
slopes = torch.tensor([0.5, -1.0, 0.1, 2.0])
other = LearnedLeakyReLU(4)
module.load_state_dict({"weight": slopes})
x = torch.randn(5, 4, generator=g)
before = x.clone()
with forbidden("prelu"):
    y = module(inplace(x))
expect(
    x,
    before,
    "the module leaves x as it was",
    mistakes={"The module wrote the result into x: make a new tensor instead.": F.prelu(before, slopes)},
)
expect(
    y.detach(),
    F.prelu(before, slopes),
    "the output for x of shape (5, 4) with the slopes 0.5, −1, 0.1, 2",
    mistakes={
        "The output still uses 0.25: `forward` must use self.weight.": F.leaky_relu(before, 0.25),
        "You took the larger of x and w·x: for a slope above 1 that is the wrong one. Ask for the sign of x.": (
            before.maximum(slopes * before)
        ),
        "The slopes went to the positive values.": -F.prelu(-before, slopes),
        "The sign is wrong: a value that is not positive becomes w·x, not −w·x.": F.prelu(before, -slopes),
        "You replaced the value with the slope: multiply.": F.relu(before) + (before <= 0) * slopes,
        "The slopes have four dimensions here, x has two: give them as many as x has.": torch.where(
            before > 0, before, slopes[:, None, None] * before
        )[None],
    },
)
expect(
    other.weight.detach(), torch.full((4,), 0.25), "the slopes of another module, after those of the first have changed"
)
x = torch.randn(2, 4, 3, 4, generator=g)
with forbidden("prelu"):
    y = module(x)
expect(
    y.detach(),
    F.prelu(x, slopes),
    "the output for images, x of shape (2, 4, 3, 4)",
    mistakes={
        "The slopes belong to the last dimension now: (C,) is aligned from the right. Which shape meets dimension 1?": (
            F.prelu(x.transpose(1, 3), slopes).transpose(1, 3)
        )
    },
)
module, reference = LearnedLeakyReLU(3), nn.PReLU(3)
for number in (1, 2):
    x = torch.randn(6, 3, 5, generator=g).requires_grad_()
    upstream = torch.randn(6, 3, 5, generator=g)
    with forbidden("prelu"):
        y = module(x)
    require(
        y.requires_grad,
        "autograd passes through the module",
        "The path for gradients is cut: .data, .detach(), .item() and `torch.no_grad()` do that.",
    )
    (y * upstream).sum().backward()
    gradient, x.grad = x.grad, None
    (reference(x) * upstream).sum().backward()
    expect(
        gradient,
        x.grad,
        "the gradient of x, shape (6, 3, 5)",
        mistakes={"No gradient reaches x: do not use x.detach() or x.data.": None},
    )
    require(
        module.weight.grad is not None,
        "the slopes get a gradient",
        "None reaches them: `forward` must use self.weight itself, not its .data, .detach(), .tolist() or a copy.",
    )
    expect(
        module.weight.grad,
        reference.weight.grad,
        "the gradient of the slopes, shape (3,)" if number == 1 else "the gradient of the slopes after a second pass",
        mistakes={
            "The first pass's gradient is lost: create the Parameter once, in `__init__`, and do not touch weight.grad.": (
                torch.autograd.grad(F.prelu(x, reference.weight), reference.weight, upstream)[0]
            )
        }
        if number == 2
        else None,
        rtol=1e-4,
        atol=1e-5,
    )
x = torch.randn(6, 3, 5, generator=g)
with forbidden("prelu"):
    y = module(x)
require(
    y.requires_grad,
    "autograd passes through the module if only the slopes require a gradient",
    "Here x requires none, and the slopes' path is cut: `forward` must use self.weight itself.",
)
(y * upstream).sum().backward()
(reference(x) * upstream).sum().backward()
what = "the gradient of the slopes after a third pass, in which x requires none"
expect(module.weight.grad, reference.weight.grad, what, rtol=1e-4, atol=1e-5)
net = nn.Sequential(nn.Linear(2, 3), module)
require(
    len(list(net.parameters())) == 3,
    "an nn.Sequential of nn.Linear and the module has three parameters",
    "It has another number: the module must have exactly one.",
)
torch.optim.SGD(module.parameters(), lr=0.5).step()
torch.optim.SGD(reference.parameters(), lr=0.5).step()
x = torch.randn(4, 3, generator=g)
with forbidden("prelu"):
    y = module(x)
expect(
    y.detach(),
    reference(x).detach(),
    "the output after a step of gradient descent",
    mistakes={"The step does not change the output: `forward` must use self.weight.": F.leaky_relu(x, 0.25)},
    rtol=1e-4,
    atol=1e-5,
)


def copied(y):
    """The result as it is now: a later call may write into it."""
    return y.clone() if isinstance(y, torch.Tensor) else y


def same_memory(one, other):
    return one is other or (one.numel() > 0 and one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr())


def try_many(seed, shapes):
    """Many inputs; some after module.eval(), some with a gradient, some twice in a row, some all positive."""
    g = torch.Generator().manual_seed(seed)
    cases, references, modules, twice, taped, evaluated = {}, {}, {}, {}, [], []
    for number, channels in enumerate(dict.fromkeys(shape[1] for shape in shapes)):
        modules[channels], references[channels] = LearnedLeakyReLU(channels), nn.PReLU(channels)
        expect_start = torch.full((channels,), 0.25)
        if not torch.equal(modules[channels].weight.detach(), expect_start):
            expect(
                modules[channels].weight.detach(),
                expect_start,
                f"the slopes of LearnedLeakyReLU({channels}) at the start",
            )
        slopes = (3 * torch.randn(channels, generator=g)).clamp(-10, 10)
        slopes[0] = (-9.5, 8.0, 0.0, 1.0)[number % 4]
        modules[channels].load_state_dict({"weight": slopes})
        references[channels].load_state_dict({"weight": slopes})
    for i, shape in enumerate(shapes):
        x, layout = torch.randn(shape, generator=g), ("", ", permuted", ", with zeros")[i % 3]
        order, what = list(range(x.dim()))[::-1], f"x of shape {shape}{layout}"
        x = x.permute(order).contiguous().permute(order) + 0.5 if layout == ", permuted" else x
        cases[what] = x.round() if layout == ", with zeros" else x
        if i % 6 == 1:
            twice[what] = f"{what}, once more"
            cases |= {f"{what}, once more": cases[what], f"{what}, all positive": x.abs() + 1}
            evaluated += [f"{what}, all positive"] * (i == 1)
        if i % 2 == 0:
            taped.append(what)
        if i % 4 == 0:
            evaluated.append(what)
    before = {what: x.clone() for what, x in cases.items()}
    modes = ("", cases, taped), (", after module.eval()", evaluated, evaluated[-2:])
    upstream = {what + mode: torch.randn(cases[what].shape, generator=g) for mode, _, some in modes for what in some}
    answers, copies, gradients, cut, unreached = {}, {}, {}, [], []
    with Watch(operations=False) as seen, forbidden("prelu"):
        for mode, some, with_gradient in modes:
            for module in modules.values():
                module.train(mode == "")
            for what in some:
                x, module = cases[what], modules[cases[what].shape[1]]
                with torch.no_grad():
                    answers[what + mode] = module(inplace(x))
                copies[what + mode] = copied(answers[what + mode])
            for what in with_gradient:
                leaf, module = before[what].clone().requires_grad_(), modules[before[what].shape[1]]
                y = module(leaf.view_as(leaf))
                if y.requires_grad and y.shape == leaf.shape:  # another shape is found below
                    (y * upstream[what + mode]).sum().backward()
                cut += [what + mode] * (not y.requires_grad)
                unreached += [what + mode] * (leaf.grad is None)
                gradients[what + mode] = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
    wanted, slopes = {}, {}
    for what in answers:
        start = before[what.partition(", after")[0]]
        leaf = start.clone().requires_grad_()
        y = references[leaf.shape[1]](leaf)
        wanted[what] = y.detach()
        if what in gradients:
            (y * upstream[what]).sum().backward()
            slopes[what] = leaf.grad
            gradients[what] = gradients[what].where(start != 0, leaf.grad)  # at 0 anything will do
    expect(
        cases,
        before,
        f"x stays as it was: {len(cases)} tensors with 1 to {max(modules)} channels, contiguous and not",
    )
    expect(copies, wanted, "the output for each of them, before and after module.eval()")
    used = [name for name in seen.functions if "prelu" in name]
    require(used == [], "no other form of PReLU", f"Your code calls {', '.join(used[:1])}.")
    shared = [what for what, y in answers.items() if same_memory(y, cases[what.partition(", after")[0]])]
    require(
        shared == [],
        "each result is a new tensor",
        f"You returned x itself or a view of it, for {'; '.join(shared[:1])}.",
    )
    kept = [what for what, again in twice.items() if same_memory(answers[what], answers[again])]
    require(
        kept == [],
        "a second call with the same x gives another new tensor",
        f"It returned the earlier result, for {'; '.join(kept[:1])}: make a new tensor in each call.",
    )
    changed = [what for what in answers if not torch.allclose(answers[what], wanted[what], 1e-5, 1e-5)]
    require(
        changed == [],
        "later calls leave earlier results alone",
        f"A later call wrote into the result for {'; '.join(changed[:1])}: make a new tensor in each call.",
    )
    require(
        cut == [],
        "autograd passes through each module, before and after module.eval()",
        f"The path for gradients is cut for {'; '.join(cut[:1])}: .data, .detach(), .item() and NumPy do that.",
    )
    require(
        unreached == [],
        "a gradient reaches each x",
        f"None reaches it for {'; '.join(unreached[:1])}: do not use x.detach() or x.data.",
    )
    expect(gradients, slopes, "the gradient of x for each of them")
    with torch.no_grad():
        for channels in list(modules)[:2]:
            modules[channels](nn.Parameter(torch.ones(2, channels, 3)))
    added = [name for module in modules.values() for name, _ in module.named_parameters() if name != "weight"]
    require(
        added == [],
        "no call adds a parameter, not even with an nn.Parameter",
        f"There is `{', '.join(added[:1])}`: an nn.Parameter assigned to an attribute is registered. Do not keep x in self.",
    )
    expect(
        {f"{channels} channels": module.weight.grad for channels, module in modules.items()},
        {f"{channels} channels": module.weight.grad for channels, module in references.items()},
        "the gradient of the slopes, added up over all passes",
        rtol=1e-4,
        atol=1e-3,
    )
    module, slopes = modules[4].double(), torch.tensor([-0.7, 0.1, 10.0, 1e-3], dtype=torch.float64)
    module.load_state_dict({"weight": slopes})
    x = torch.randn(3, 4, 2, 2, generator=g, dtype=torch.float64)
    x[0], x[1] = x[0].clamp(-5, 5) * 1000, x[1] * 1e-8
    with forbidden("prelu"):
        y = module(x)
    what = "the output in float64, after module.double(), with the slopes −0.7, 0.1, 10 and 0.001"
    lost = {"Digits are lost: the slopes or x pass through float32 on the way.": F.prelu(x, slopes.float().double())}
    expect(y.detach(), F.prelu(x, slopes), what, mistakes=lost, rtol=1e-9, atol=0)


shapes = [(9, 3), (1, 1), (4, 4), (3, 4, 5), (5, 1), (5, 4, 1, 5), (2, 64, 3, 3), (1, 1, 2, 2), (8, 3, 2, 6, 4)]
shapes += [(3000, 2), (2, 2, 1, 3, 2, 2), (1, 4), (2, 3, 1, 2, 1, 1, 2, 1), (7, 428)]
try_many(28, shapes)
### BEGIN HIDDEN TESTS
shapes = [(3, 4, 1), (1, 1), (2, 4, 6, 5), (4, 4), (2, 4, 1, 2, 1, 1, 3, 2), (5, 1, 2, 2, 3), (7, 300), (2100, 4)]
try_many(38, shapes)
### END HIDDEN TESTS

# %% [markdown]
# ### Your module at work
#
# The net with the dead units gets your module in place of its ReLU. Then both versions train for another 60 steps at the small rate of 0.02,
# and we measure how far the weights of each unit move. For comparison, a third net trains at 0.02 for all 70 steps.

# %% yours
LeakyModule = yours_or_ours(LearnedLeakyReLU, nn.PReLU, 100)

moved, labels = [], ["with the ReLU", "with learned slopes"]
for label, activation in zip(labels, [nn.ReLU(), LeakyModule(100).double()]):
    hidden, out = new_net()
    train(hidden, out, 0.12, steps=10)  # a third of the units die
    before = hidden.weight.detach().clone()
    loss = train(hidden, out, 0.02, 60, activation, list(activation.parameters()))
    moved.append((hidden.weight.detach() - before).norm(dim=1))  # one number for each unit
    negative = int((hidden(samples) <= 0).all(dim=0).sum())
    still = int((moved[-1] == 0).sum())
    print(f"{label:20} loss {loss:.3f}, {still} units did not move, {negative} are never positive")
print(f"{'never too fast':20} loss {train(*new_net(), 0.02, 70):.3f}")
print("slopes after training: from", *(f"{end:.2f}" for end in activation.weight.detach().aminmax()))

# %% yours folded label="Draw how far each unit has moved"
figure, axes = plt.subplots(2, 1, figsize=(6.2, 4.8), sharex=True, sharey=True, layout="constrained")
order = moved[0].argsort()
stuck = int((moved[0] == 0).sum())
for ax, label, distance in zip(axes, labels, moved):
    ax.bar(range(100), distance[order], color=COLOURS["learned"], width=0.8)
    ax.axvline(stuck - 0.5, color=INK, linestyle="--", linewidth=1.2)
    ax.set_title(label, fontsize=12)
    ax.set(ylabel="movement", yscale="symlog", ylim=(0, None))
    ax.set_yscale("symlog", linthresh=1e-3)
    ax.spines[["top", "right"]].set_visible(False)
axes[0].text(stuck / 2 - 0.5, 2e-3, f"{stuck} dead units", ha="center", va="bottom", color=INK, fontsize=11)
axes[1].set_xlabel("the 100 units, in the order of their movement with the ReLU")
show(
    figure,
    alt="Two rows of 100 bars: how far the weights of each unit have moved in 60 more steps, above with the ReLU, below with the "
    "module that learns its slopes. A dashed line separates the units that were dead at the start.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# With the ReLU the dead units stay exactly where they are. A learned slope starts at 0.25, so a gradient reaches every unit, and all of them move. Most of the
# formerly dead ones are still negative for every sample, but now their negative values take part. The loss is only a little smaller, and
# ten times that of the net whose steps were never too large: the slopes let the gradient through again, but 60 small steps do not undo
# the damage. It is better not to lose the units in the first place.
#
# </details>
#
# ## Recap
#
# Answer from memory, then unfold.
#
# <details><summary>1. What does <code>nn.Linear</code> hold that <code>F.linear</code> does not, and why doesn't <code>F.relu</code> need it?</summary>
#
# Parameters: the module creates and keeps weight and bias and lists them in `parameters()`; the function gets them as arguments in each call. A ReLU
# has no parameters, so the function and the module differ only in how you write them.
#
# </details>
#
# <details><summary>2. A layer maps ℝ<sup>10</sup> to ℝ<sup>4</sup>, and a ReLU follows. What are the shapes for 523 samples? How many units can be dead, and what gradient do their
# weights get?</summary>
#
# 523×10 goes in, 523×4 comes out. Up to 4 units can be dead: those whose input to the ReLU is at most 0 for all samples. The derivative of the ReLU is
# 0 there, including at 0, so the gradient of their weights is exactly 0.
#
# </details>
#
# <details><summary>3. What does <code>inplace=True</code> save, and what are the three ways in which it can go wrong?</summary>
#
# It saves the memory of one activation while its ReLU is computed, in the forward pass; the backward pass may have the
# higher peak. It is refused at once on a leaf that requires a gradient; it is refused in the backward pass if the
# operation before keeps the overwritten value, as the sigmoid does; and it goes wrong *silently* if the forward pass uses the old value again.
#
# </details>
#
# **Next:** `04_linear` opens the layer that came before every ReLU here: its weight and bias, how they are initialised, and its backward pass as three matrix products.
