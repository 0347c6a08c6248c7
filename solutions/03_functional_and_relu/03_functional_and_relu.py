# %% [markdown]
# # Functions, modules and the ReLU
#
# `torch.nn` offers most operations twice: as a **function** and as a **module**. This notebook shows what
# the difference is, with the smallest operation that a network needs: the ReLU. When you are through, you can
#
# - say when to take `F.relu` and when `nn.ReLU`, and what a module holds that a function does not;
# - read a batch: the first dimension counts the samples, and its size may change from call to call;
# - write the ReLU, its derivative, its leaky and its clipped variant for tensors of any shape;
# - tell how many units of a layer are dead, and why they stay dead;
# - say how much memory `inplace=True` really saves, and when autograd refuses it.
#
# **Time:** about 90 minutes, of which 50 are for the 8 exercises (15 points).
# **You need:** tensors, shapes, memory and views (notebook 01), gradients with autograd (notebook 02).

# %% setup

# %% [markdown]
# ## A function computes, a module remembers
#
# Here are two samples with five features each. We want a layer that turns each sample into three numbers,
# a weighted sum of the five features plus a bias, three times:
#
# $$y_d = \sum_{c=1}^{5} w_{d,c}\, x_c + b_d, \qquad d = 1, 2, 3.$$
#
# That needs 3 × 5 weights and 3 biases. Somebody has to hold them. There are two ways.

# %%
x = torch.tensor(
    [
        [0.8008, -0.2586, 0.5019, -0.2002, -0.7416],
        [0.0557, 0.6046, 0.0864, -0.5929, 1.2606],
    ]
)

# The function: you make the weights, you keep them, you hand them over in every call.
weight = torch.randn(3, 5)
bias = torch.zeros(3)
y = F.linear(x, weight, bias)
print("function:", tuple(x.shape), "→", tuple(y.shape))

# The module: it makes the weights when it is created and keeps them. A call needs the input alone.
layer = nn.Linear(5, 3)
y = layer(x)
print("module:  ", tuple(x.shape), "→", tuple(y.shape))

# %% [markdown]
# What does the module hold? Ask it.

# %%
for name, parameter in layer.named_parameters():
    print(f"{name:7} {tuple(parameter.shape)!s:7} {type(parameter).__name__}, requires_grad={parameter.requires_grad}")

same = torch.equal(layer(x), F.linear(x, layer.weight, layer.bias))
print("layer(x) equals F.linear(x, layer.weight, layer.bias):", same)


# %% [markdown]
# So the module is the function plus a memory. An `nn.Parameter` is a tensor with `requires_grad=True` that a module
# registers when you assign it to an attribute. Thanks to that register, `layer.parameters()` finds all of them, and one
# line hands them to an optimizer: `torch.optim.SGD(layer.parameters(), lr=0.1)`.


# %%
def box(ax, left, bottom, width, height, text, role, strength=0.25):
    colour = COLOURS[role]
    ax.add_artist(
        plt.Rectangle((left, bottom), width, height, facecolor=(colour, strength), edgecolor=colour, linewidth=2)
    )
    ax.text(left + width / 2, bottom + height / 2, text, ha="center", va="center", fontsize=10, color=INK)


def arrow(ax, start, end):
    ax.annotate(
        "", end, start, arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 1.4, "shrinkA": 0, "shrinkB": 0}
    )


figure, axes = plt.subplots(1, 2, figsize=(10, 2.7), layout="constrained")
for ax, title in zip(axes, ["F.linear(x, weight, bias)", "layer(x)   with   layer = nn.Linear(5, 3)"]):
    ax.set(xlim=(-0.9, 9.3), ylim=(-0.2, 3.9))
    ax.set_title(title, fontsize=11, color=INK, family="monospace")
    ax.axis("off")
left, right = axes
right.axvline(-0.75, color=COLOURS["plain"], linewidth=1, clip_on=False)
for bottom, text, role in [(2.7, "x\nN×5", "input"), (1.4, "weight\n3×5", "learned"), (0.1, "bias\n3", "learned")]:
    box(left, 0, bottom, 1.7, 1.0, text, role)
    arrow(left, (1.7, bottom + 0.5), (3.4, 1.9 + (bottom - 1.4) * 0.45))
box(left, 3.4, 1.0, 2.3, 1.8, "function\nholds nothing", "plain", 0.12)
arrow(left, (5.7, 1.9), (7.3, 1.9))
box(left, 7.3, 1.4, 1.7, 1.0, "y\nN×3", "output")
box(right, 0, 1.4, 1.7, 1.0, "x\nN×5", "input")
arrow(right, (1.7, 1.9), (2.9, 1.9))
box(right, 2.9, 0.1, 3.2, 3.6, "", "plain", 0.12)
right.text(4.5, 3.25, "module", ha="center", va="center", fontsize=10, color=INK)
box(right, 3.6, 1.7, 1.8, 1.0, "weight\n3×5", "learned")
box(right, 3.6, 0.4, 1.8, 1.0, "bias\n3", "learned")
arrow(right, (6.1, 1.9), (7.3, 1.9))
box(right, 7.3, 1.4, 1.7, 1.0, "y\nN×3", "output")
show(
    figure,
    alt="Left: the function F.linear is an empty box with three arrows into it, x of shape N×5, weight 3×5 and bias 3, "
    "and one arrow out of it to y of shape N×3. Right: the module nn.Linear is a box that contains weight and bias; only x goes in.",
)

# %% [markdown]
# **Before you run it:** the next cell counts the parameters of seven modules, each beside the function that does the same
# job. `nn.MSELoss` is the mean squared error, a loss. Which of the seven hold parameters? Is a loss a module at all?

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
print("module       function       nn.Module?  parameters")
for module, function in pairs:
    count = sum(parameter.numel() for parameter in module.parameters())
    print(f"{type(module).__name__:12} {function:14} {isinstance(module, nn.Module)!s:11} {count:6}")

# %% [markdown]
# Everything here is a module, the loss too. Only three hold parameters: `nn.Linear` has 3 · 5 + 3 = 18, the convolution
# 4 · 3 · 3 + 4 = 40, and the sequence has those of its linear layer, for **`nn.ReLU` has none**. A module without
# parameters may still keep *settings*: the 2 of the pooling, the 0.3 of the dropout.
#
# **The rule.** A function of `torch.nn.functional` computes its result from its arguments alone. A subclass of `nn.Module`
# is a loss or a component of a network; a component can hold `Parameter`s, which training changes.
#
# **In practice.** Parameters to keep: take the module. Nothing to keep, as with the ReLU: both are fine. Inside
# a `forward` one often writes `F.relu(h)`; inside `nn.Sequential` it must be a module, `nn.ReLU()`.
#
# | | today | in texts from before 2018 |
# |---|---|---|
# | what goes in and comes out | tensors | `Variable`s around tensors; the two are one since PyTorch 0.4 |
# | a loss as a Python number | `loss.item()` | `loss.data[0]` |

# %%
target = torch.zeros(2, 3)
criterion = nn.MSELoss()  # the module: made once, called as often as you like
print("F.mse_loss:", round(F.mse_loss(layer(x), target).item(), 4))
print("nn.MSELoss:", round(criterion(layer(x), target).item(), 4))

# %% [markdown]
# ## The first dimension counts the samples
#
# A layer that maps $\mathbb{R}^C \to \mathbb{R}^D$ works on one sample of $C$ numbers. Yet you hand it a whole **batch**:
# a tensor of shape $N \times C$, one sample in each row. Out comes $N \times D$. The layer knows $C$ and $D$; it does not
# know $N$.
#
# **Before you run it:** `layer` was made with `nn.Linear(5, 3)`. It is called with 1, 2, 523 and 0 samples, then with a
# single sample without a batch dimension, shape `(5,)`, and last with a tensor of shape `(5, 2)`. Which calls work, and what shape comes out?

# %% predict
for n in (1, 2, 523, 0):
    print(f"{n}×5 → {'×'.join(map(str, layer(torch.randn(n, 5)).shape))}")
print("5 →", *layer(torch.randn(5)).shape)
try:
    layer(torch.randn(5, 2))
except RuntimeError as error:
    print("5×2 →", str(error).removeprefix("addmm: "))

# %% [markdown]
# Any $N$ works, and $N$ may change from call to call. A single sample works, too. The last call fails: its *rows* have 2
# features where the layer wants 5. (The message names 5×3: the layer multiplies with its transposed weight.)
#
# What do the samples of a batch have to do with each other?
#
# **Before you run it:** we replace sample 2 of a batch of five and leave the other four alone. Which rows of the output change?

# %% predict
batch = torch.randn(5, 5)
other = batch.clone()
other[2] = torch.tensor([1.0, -1.0, 2.0, -2.0, 0.5])
with torch.no_grad():
    change_in, change_out = other - batch, F.relu(layer(other)) - F.relu(layer(batch))
print("rows that change:", [n for n in range(5) if change_out[n].abs().sum() > 0])
draw_row(
    Grid(change_in, "change of the batch", "input"),
    "→",
    Grid(change_out, "change of the output", "output"),
    alt="Two matrices. The change of the batch, 5×5, is zero but for row 2. "
    "The change of the output, 5×3, is zero but for row 2, too.",
)

# %% [markdown]
# Row 2 alone. Each sample goes its own way through the layer; the batch only carries them together, because that is
# faster (notebook 06 measures it). Nearly all layers behave so; batch normalisation in training is the exception (notebook 15).
#
# **The rule.** Functions and modules of `torch.nn` take batches: the first dimension indexes the samples, in the input and
# in the output. $\mathbb{R}^C \to \mathbb{R}^D$ becomes $N \times C \to N \times D$; for images, $C \times H \times W$ becomes
# $N \times C \times H \times W$. (*What changed:* older texts say that *only* batches are accepted. Today many modules, `nn.Linear`
# and `nn.Conv2d` among them, take a single sample, too.)
#
# ## ReLU: zero what is negative
#
# Two linear layers in a row are again one linear layer. To get more out of depth, something that is *not* linear must stand
# between them. The **rectified linear unit** is the simplest choice. For a number $x$,
#
# $$\mathrm{ReLU}(x) = \max(0, x).$$
#
# For a tensor it does this to each value on its own. So it takes **any shape** and returns the **same shape**.
#
# **Before you run it:** `x` is the 2×5 tensor from above. What will `F.relu(x)` be? And `x` afterwards?

# %% predict
print(x)
before = x.clone()
y = F.relu(x)
print(y)
print("x is as it was:", torch.equal(x, before))

# %%
draw_row(
    Grid(x, "x", "input", digits=2),
    "→",
    Grid(y, "F.relu(x)", "output", digits=2),
    alt="Left the 2×5 input: four of its ten cells are negative and hatched. Right the output of the same shape: these four "
    "cells are 0, the six others are unchanged.",
    cell=0.6,
)

# %% [markdown]
# Hatched cells are negative. They become 0, all others stay. The same goes for any number of dimensions:

# %%
for shape in [(), (4,), (2, 5), (7, 3, 6, 2)]:
    result = F.relu(torch.randn(shape))
    print(f"{shape!s:13} → {tuple(result.shape)!s:13} smallest value ≥ 0: {bool((result >= 0).all())}")

# %% [markdown]
# **The API.** `F.relu(input, inplace=False)`. The same function also goes by the names `torch.relu(x)` and `x.relu()`; as a module
# it is `nn.ReLU(inplace=False)`.
#
# ### A worked example: the absolute value
#
# Before your turn, here is an exercise that is solved. *Write `absolute(x)`: the absolute value of every element of `x`, as
# a new tensor.*
#
# `torch.where(condition, a, b)` builds a new tensor: where the condition holds it takes the value from `a`, elsewhere
# from `b`. The three are broadcast to one shape; `a` and `b` may also be plain numbers.


# %%
def absolute(x: torch.Tensor) -> torch.Tensor:
    """The absolute value of each element. x: any shape. Returns: same shape, a new tensor."""
    return torch.where(x < 0, -x, x)


before = x.clone()
expect(absolute(x), x.abs(), "absolute(x) for x of shape (2, 5)")
expect(x, before, "absolute(x) leaves x alone")


# %% [markdown]
# `expect` compares your value with the right one. If they agree, it prints a line with a tick. If not, it says
# what differs, and if it knows the mistake, it names it. Run a check as often as you like.
#
# ### Exercise: ReLU of any shape
#
# Write `relu(x)` without any of PyTorch's own ReLU functions: no `F.relu`, `F.leaky_relu`, `F.prelu`, `F.rrelu` or `F.threshold`, and none of their
# other forms such as `torch.relu`, `x.relu()` and `nn.ReLU`. The check notices them.
#
# - It works for every shape, and the result has the shape and the dtype of `x`.
# - It returns a **new** tensor, even if no value is negative; `x` stays as it is.
# - Every negative value becomes 0, also $-\infty$.
# - Autograd can pass through it: use operations of torch on the whole tensor, no loop over numbers.
#
# <details><summary>Hint 1: one number first</summary>
#
# For one number $a$ there are two cases: $a > 0$ gives $a$, all else gives 0. The worked example also has two cases.
#
# </details>
#
# <details><summary>Hint 2: which operation?</summary>
#
# There are several: `torch.where` chooses between two values; `Tensor.clamp` limits values to a range; `torch.maximum` takes the
# larger one of two tensors. One line is enough.
#
# </details>
#
# <details><summary>Hint 3: nan appears</summary>
#
# A mask times the values gives $0 \cdot (-\infty)$, and that is *nan* (not a number). Choose between values instead of multiplying.
#
# </details>


# %% exercise="relu" difficulty=1 minutes=4
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
    y,
    before.clamp(min=0),
    "relu(x) for x of shape (3, 4, 5)",
    mistakes={
        "You return x unchanged.": before,
        "That is the absolute value: a negative value must become 0, not positive.": before.abs(),
        "You kept the negative values and zeroed the positive ones: turn the condition round.": before.clamp(max=0),
        "That is the mask of the positive values, not the values themselves.": (before > 0).float(),
        "You dropped the negative values: the shape must stay. Put 0 in their place.": before[before > 0],
    },
)
expect(
    x,
    before,
    "relu(x) leaves x as it was",
    mistakes={"You wrote the result into x: work on a new tensor, not in place.": before.clamp(min=0)},
)
x = torch.rand(6, 2, generator=g) + 1
expect(
    relu(inplace(x)).data_ptr() != x.data_ptr(),
    True,
    "relu(x) is a new tensor even if no value is negative",
    mistakes={"You returned x itself: a later write into the result would change x.": False},
)
x = torch.tensor([-math.inf, -1.0, 0.0, 3.0])
expect(
    relu(x),
    torch.tensor([0.0, 0.0, 0.0, 3.0]),
    "relu(x) with −∞ in x",
    mistakes={
        "0 · (−∞) and −∞ + ∞ are nan: choose between values instead of computing with them.": torch.tensor(
            [math.nan, 0.0, 0.0, 3.0]
        )
    },
)
x = torch.randn(4, 3, generator=g).requires_grad_()
y = relu(x)
expect(
    y.requires_grad,
    True,
    "autograd passes through relu",
    mistakes={
        "The way back is cut: .data, .detach(), .item(), NumPy and new tensors made from numbers do that.": False
    },
)
y.sum().backward()
expect(x.grad, (x > 0).float(), "the gradient of relu(x).sum()")
### BEGIN HIDDEN TESTS
x = torch.randn(2, 7, 3, 4, generator=g, dtype=torch.float64)
expect(relu(x), x.clamp(min=0), "relu(x) in float64, shape (2, 7, 3, 4)")
for value in (-2.5, 0.0, 1.5):
    x = torch.tensor(value)
    expect(relu(x), x.clamp(min=0), f"relu of a 0-d tensor: {value}")
### END HIDDEN TESTS

# %% [markdown]
# ## The derivative: a gate
#
# In the backward pass, each value asks: if I had been a little larger, how much larger would the output be? For $x > 0$
# the answer is 1, for $x < 0$ it is 0:
#
# $$\mathrm{ReLU}'(x) = \begin{cases} 1 & \text{if } x > 0 \\ 0 & \text{if } x < 0. \end{cases}$$
#
# At $x = 0$ there is a kink and no derivative. PyTorch still has to give a number.
#
# **Before you run it:** four ways to write the ReLU follow. Their values agree for every number that is not huge or infinite. Do their derivatives agree at 0?

# %% predict
ways = {
    "F.relu(x)": lambda x: F.relu(x),
    "torch.where(x > 0, x, 0.0)": lambda x: torch.where(x > 0, x, 0.0),
    "torch.where(x >= 0, x, 0.0)": lambda x: torch.where(x >= 0, x, 0.0),
    "(x + x.abs()) / 2": lambda x: (x + x.abs()) / 2,
}
print(f"{'derivative at x =':28} -1     0     1")
for name, way in ways.items():
    x = torch.tensor([-1.0, 0.0, 1.0], requires_grad=True)
    way(x).sum().backward()
    print(f"{name:28}" + "".join(f"{slope:4.1f}  " for slope in x.grad.tolist()))

# %% [markdown]
# <details><summary>Why do they differ?</summary>
#
# Autograd does not know that the four are the same function. It differentiates the steps that you wrote. `x >= 0` lets the
# gradient of `x` through at 0. The last one averages the derivative of `x`, which is 1, with that of `abs` at 0, for
# which PyTorch takes 0.
#
# </details>
#
# **The rule.** PyTorch's ReLU has the derivative **0 at 0**. Any number between 0 and 1 would do for training.

# %%
figure, axes = plot_axes(8.4, 3.0, columns=2)
negative, positive = torch.tensor([-3.0, 0.0]), torch.tensor([0.0, 3.0])
axes[0].plot([-3, 0, 3], [0, 0, 3], color=COLOURS["output"], linewidth=2.6)
axes[0].set(title="ReLU(x)", xlabel="x", ylabel="output", ylim=(-0.4, 3.2))
for part, slope in [(negative, 0.0), (positive, 1.0)]:
    axes[1].plot(part, [slope, slope], color=COLOURS["loss"], linewidth=2.6)
axes[1].plot(0, 1, "o", markersize=8, markerfacecolor="white", markeredgecolor=COLOURS["loss"], markeredgewidth=2)
axes[1].plot(0, 0, "o", markersize=8, color=COLOURS["loss"])
axes[1].annotate("0 at x = 0", (0, 0), (0.55, 0.12), color=INK, arrowprops={"arrowstyle": "-", "color": INK})
axes[1].set(title="its derivative", xlabel="x", ylabel="derivative", ylim=(-0.13, 1.15))
show(
    figure,
    alt="Left: the ReLU is flat at 0 for negative x and the line y = x for positive x, with a kink at 0. "
    "Right: its derivative is 0 up to and including x = 0 (filled dot) and 1 beyond it (open dot at 1).",
)

# %% [markdown]
# In a network a loss $L$ comes after the ReLU. Let $y = \mathrm{ReLU}(x)$, and let $\partial L / \partial y$ have arrived from above.
# The chain rule multiplies it by the derivative, element by element:
#
# $$\frac{\partial L}{\partial x} = \frac{\partial L}{\partial y} \cdot \mathrm{ReLU}'(x).$$
#
# So the ReLU is a gate: where it let the value through, it lets the gradient through *unchanged*; elsewhere it stops both.

# %%
x = torch.tensor([[0.8, -0.3, 0.5], [-0.7, 0.1, -0.2]], requires_grad=True)
grad_output = torch.tensor([[2.0, 2.0, -1.0], [-1.0, -3.0, 4.0]])
F.relu(x).backward(grad_output)
draw_row(
    Grid(x, "x", "input"),
    Grid(grad_output, "∂L/∂y", "loss"),
    "→",
    Grid(x.grad, "∂L/∂x", "loss"),
    alt="Three 2×3 matrices: the input x with three negative, hatched cells, the gradient ∂L/∂y, and the gradient ∂L/∂x. "
    "Where x is negative, ∂L/∂x is 0; elsewhere it equals ∂L/∂y, also where that is negative.",
    cell=0.6,
)


# %% [markdown]
# ### Exercise: The backward pass of the ReLU
#
# Write `relu_backward(grad_output, x)`. It gets `grad_output` $= \partial L / \partial y$ and the input `x`, both of the same shape, and
# returns $\partial L / \partial x$, a new tensor of that shape and dtype. Do it by the formula, not with autograd (no `backward()`, no
# `torch.autograd.grad`). At $x = 0$ the derivative is 0, as in PyTorch. Leave both arguments as they are.
#
# <details><summary>Hint 1: which tensor decides?</summary>
#
# Look at the picture: the sign of `x` decides whether the gradient passes. The sign of `grad_output` does not matter.
#
# </details>
#
# <details><summary>Hint 2: a mask</summary>
#
# `x > 0` is a tensor of `True` and `False`. Multiplied by numbers, they count as 1 and 0; `torch.where` takes it as a condition.
#
# </details>


# %% exercise="relu_backward" difficulty=1 minutes=5
def relu_backward(grad_output: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """The gradient of the loss with respect to the input of a ReLU.

    Args:
        grad_output: ∂L/∂y, any shape.
        x: the input of the ReLU, same shape.

    Returns:
        ∂L/∂x, a new tensor of the same shape and dtype.
    """
    ### BEGIN SOLUTION
    return torch.where(x > 0, grad_output, 0.0)
    ### END SOLUTION


# %% check="relu_backward" points=2
g = torch.Generator().manual_seed(12)
x = torch.randn(4, 6, generator=g)
grad_output = torch.randn(4, 6, generator=g)
arrived, before = grad_output.clone(), x.clone()
with forbidden("backward", "grad"):
    answer = relu_backward(inplace(grad_output), inplace(x))
expect(
    answer,
    (before > 0) * arrived,
    "relu_backward(grad_output, x) for shape (4, 6)",
    mistakes={
        "That is ReLU'(x) alone: the chain rule multiplies it by grad_output.": (before > 0).float(),
        "You let grad_output decide: the gate is open where x is positive.": arrived.clamp(min=0),
        "You used both signs: a negative gradient passes, too, where x is positive.": (before > 0)
        * arrived.clamp(min=0),
        "You multiplied by ReLU(x), the value. The chain rule wants its derivative.": before.clamp(min=0) * arrived,
        "The gate is the wrong way round: it is open where x is positive.": (before <= 0) * arrived,
    },
)
expect([grad_output, x], [arrived, before], "relu_backward leaves its arguments as they were")
x = torch.randint(-2, 3, (3, 5, 4), generator=g).double()  # many zeros
grad_output = torch.randn(3, 5, 4, generator=g, dtype=torch.float64)
expect(
    relu_backward(grad_output, x),
    (x > 0) * grad_output,
    "relu_backward with zeros in x, float64, shape (3, 5, 4)",
    mistakes={
        "At x = 0 PyTorch takes the derivative 0: the gate is open for x > 0, not for x ≥ 0.": (x >= 0) * grad_output
    },
)
### BEGIN HIDDEN TESTS
expect(relu_backward(torch.tensor(3.0), torch.tensor(0.5)), torch.tensor(3.0), "relu_backward for 0-d tensors")
### END HIDDEN TESTS

# %% [markdown]
# ## Dead units
#
# The gate has a price. Let a **unit** be one column of a layer's output: one number for each sample. If a unit is
# negative for *every* sample, its ReLU gives 0 for all of them, and no gradient passes. Then its weights get the
# gradient 0 and no step changes them. The unit is **dead**.
#
# Steps that are too large do it. Here is a small regression with 100 hidden units, trained for ten steps of
# gradient descent. (`dtype=torch.float64` keeps rounding out of the picture.)

# %%
samples = torch.rand(256, 20, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
targets = 10 * samples.mean(dim=1, keepdim=True)  # 256×1


def train(learning_rate, steps=10, activation=F.relu):
    """Train a net 20 → 100 → 1. Returns the hidden layer, the output layer and the last loss."""
    torch.manual_seed(0)
    hidden, out = nn.Linear(20, 100, dtype=torch.float64), nn.Linear(100, 1, dtype=torch.float64)
    optimizer = torch.optim.SGD([*hidden.parameters(), *out.parameters()], lr=learning_rate)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(out(activation(hidden(samples))), targets)
        loss.backward()
        optimizer.step()
    return hidden, out, F.mse_loss(out(activation(hidden(samples))), targets).item()


# %% [markdown]
# **Before you run it:** with the learning rate 0.02 the loss falls to 0.04. What will six times that rate do to the loss, and to the 100
# units? And 25 times?

# %% predict
print("learning rate   loss   dead units of 100")
for learning_rate in (0.02, 0.12, 0.5):
    hidden, out, loss = train(learning_rate)
    units = F.relu(hidden(samples))  # 256×100
    dead = sum(bool((units[:, j] == 0).all()) for j in range(100))
    print(f"{learning_rate:13} {loss:6.2f} {dead:12}")
print(f"\nvariance of the targets: {targets.var(correction=0).item():.2f}")

# %% [markdown]
# At 0.12 a third of the units are dead, at 0.5 nearly all. There the loss is the variance of the targets: the net answers every
# sample with very nearly the same number, the mean. Do dead units come back with a smaller rate? Look at their gradients, after training with 0.12.

# %%
hidden, out, loss = train(0.12)
loss = F.mse_loss(out(F.relu(hidden(samples))), targets)
loss.backward()
dead = (hidden(samples) <= 0).all(dim=0)  # one entry for each unit
print("dead units:", int(dead.sum()))
print("largest gradient of their weights:           ", hidden.weight.grad[dead].abs().max().item())
print("largest gradient of the other units' weights:", round(hidden.weight.grad[~dead].abs().max().item(), 4))

# %% [markdown]
# Exactly 0. With plain gradient descent no learning rate and no number of steps moves them; that is why they are called dead. (Here the input is
# fixed. Inside a deeper net, the layers before may still move and wake a unit.) The picture shows three dead units of that layer and five living ones, for six of the 256 samples.

# %%
with torch.no_grad():
    h = hidden(samples)[:6]
positive = (h > 0).sum(dim=0)  # in how many of the six samples
living = ((positive >= 3) & (positive <= 5)).nonzero()[:5, 0]
some = torch.cat([dead.nonzero()[:3, 0], living]).sort().values
part = h[:, some]
figure, axes = plt.subplots(1, 2, figsize=(9.2, 4.0), layout="constrained")
for ax, grid in zip(
    axes, [Grid(part, "before the ReLU", "input", digits=2), Grid(F.relu(part), "after", "output", digits=2)]
):
    draw_grid(ax, grid, 0, 0)
    for j, unit in enumerate(some.tolist()):
        label = f"{unit}\ndead" if dead[unit] else f"{unit}"
        ax.text(j + 0.5, 6.15, label, ha="center", va="top", fontsize=9, color=INK)
    ax.text(-0.2, 3, "sample", rotation=90, ha="right", va="center", fontsize=10, color=INK)
    ax.text(4, 7.45, "unit", ha="center", va="bottom", fontsize=10, color=INK)
    ax.set(xlim=(-0.8, 8.2), ylim=(7.5, -1.4), aspect="equal")
    ax.axis("off")
show(
    figure,
    alt="Two 6×8 matrices, one row for each sample, one column for each unit. Before the ReLU the three columns "
    "marked as dead are negative throughout. After it these three are all 0; the other five have let positive values through.",
)


# %% [markdown]
# ### Exercise: The fraction of dead units
#
# Write `dead_fraction(h)`. `h` is what goes *into* a ReLU, for a batch: shape `(N, D)`, or `(N, D, ...)` with further dimensions,
# as for images. Dimension 0 indexes the samples, **dimension 1 the units** (for images: the channels).
#
# A unit is dead if *all* its values in `h` are at most 0, over all samples and all further dimensions. Return the number of dead units over
# the number of units, as a Python `float`. Leave `h` as it is.
#
# <details><summary>Hint 1: which values belong to one unit?</summary>
#
# Those with the same index in dimension 1: `h[:, 0]` for the first unit, whatever follows. You want one yes or no for each unit,
# so a tensor of shape `(D,)`, and then the mean of these.
#
# </details>
#
# <details><summary>Hint 2: all values of a unit</summary>
#
# `.all(dim=0)` on a mask asks whether *all* entries along dimension 0 are true. First bring the values of a unit into one
# column or row: `transpose` and `flatten(1)` do that for any number of dimensions; so does `movedim`.
#
# </details>
#
# <details><summary>Hint 3: to a Python number</summary>
#
# The mean of a mask needs numbers: `mask.float().mean()`. That is a 0-d tensor; `.item()` makes a Python `float` of it.
#
# </details>


# %% exercise="dead_fraction" difficulty=2 minutes=7
def dead_fraction(h: torch.Tensor) -> float:
    """How many units are at most 0 for every sample, over the number of units.

    Args:
        h: the input of a ReLU, shape (N, D) or (N, D, ...); dimension 1 indexes the units.

    Returns:
        A Python float from 0 to 1.
    """
    ### BEGIN SOLUTION
    per_unit = h.transpose(0, 1).flatten(1)  # (D, N · …)
    dead = (per_unit <= 0).all(dim=1)
    return dead.float().mean().item()
    ### END SOLUTION


# %% check="dead_fraction" points=2
h = torch.tensor(
    [
        [0.3, -1.0, -0.2, 2.0, -0.5],
        [-0.1, -2.0, 0.4, 1.0, 0.0],
        [-0.6, -0.5, -0.3, 3.0, -0.7],
    ]
)
expect(
    dead_fraction(h),
    0.4,
    "dead_fraction(h): units 1 and 4 of 5 are dead",
    mistakes={
        "You return a 0-d tensor: .item() makes a Python float of it.": torch.tensor(0.4),
        "You return the mask of the dead units: take its mean.": torch.tensor([False, True, False, False, True]),
        "You return the number of dead units: divide it by the number of units.": 2,
        "That is the fraction of living units.": 0.6,
        "That is the fraction of all values that are at most 0. A unit is dead if all its values are.": 10 / 15,
        "You ask whether any value of a unit, or their sum, is at most 0: a dead unit has all of them there.": 0.8,
        "You count samples: the units are columns, so ask over dimension 0, the samples.": 0.0,
        "A value of exactly 0 counts as dead, too: at most 0, not less than 0.": 0.2,
    },
)
g = torch.Generator().manual_seed(13)
h = torch.randn(3, 8, 4, 5, generator=g)
h[:, 6] = -h[:, 6].abs()
h[:, 1, 0] = -h[:, 1, 0].abs()  # dead in one row of each image only: alive
h[1, 3] = -h[1, 3].abs()  # dead for one sample only: alive
h[:, 3, 2, 2] = 1.0
h[2, 3, 0, 0] = 1.0
single = float((h <= 0).all(0).float().mean())
expect(
    dead_fraction(h),
    0.125,
    "dead_fraction(h) for images, h of shape (3, 8, 4, 5): channel 6 of 8 is dead",
    mistakes={
        "You asked over the samples alone: a channel is dead if it is at most 0 at all its positions, too.": single,
    },
)
### BEGIN HIDDEN TESTS
h = torch.randn(7, 12, generator=g, dtype=torch.float64)
h[:, [2, 5, 11]] = -h[:, [2, 5, 11]].abs()
before = h.clone()
expect(dead_fraction(inplace(h)), 0.25, "dead_fraction(h) for h of shape (7, 12), float64")
expect(h, before, "dead_fraction leaves h as it was")
expect(dead_fraction(torch.ones(2, 3)), 0.0, "dead_fraction of positive values")
expect(dead_fraction(-torch.ones(2, 3)), 1.0, "dead_fraction of negative values")
### END HIDDEN TESTS

# %% [markdown]
# ## Leaky and clipped variants
#
# A dead unit has no way back because the slope on the left is 0. The **leaky ReLU** puts a small slope $s$ there:
#
# $$\mathrm{LeakyReLU}(x) = \begin{cases} x & \text{if } x > 0 \\ s\,x & \text{otherwise.} \end{cases}$$
#
# In PyTorch: `F.leaky_relu(x, negative_slope=0.01)`. Another need is an upper limit, say on devices that compute with few bits. The
# **clipped ReLU** has a ceiling $c$:
#
# $$\mathrm{ClippedReLU}(x) = \min(\max(0, x), c).$$
#
# In PyTorch: `F.relu6(x)` for $c = 6$, `F.hardtanh(x, 0, c)` for any $c$.

# %%
figure, axes = plot_axes(9, 3.1, columns=2)
line = torch.linspace(-4, 9, 1301)
curves = {
    "ReLU": (F.relu(line), "-", INK),
    "leaky, s = 0.1": (F.leaky_relu(line, 0.1), "--", COLOURS["learned"]),
    "clipped, c = 6": (F.hardtanh(line, 0, 6), "-.", COLOURS["input"]),
}
for name, (values, style, colour) in curves.items():
    axes[0].plot(line, values, style, color=colour, linewidth=2.2, label=name)
for pieces, style, colour in [
    ([(-4, 0, 0), (0, 9, 1)], "-", INK),
    ([(-4, 0, 0.1), (0, 9, 1)], "--", COLOURS["learned"]),
    ([(-4, 0, 0), (0, 6, 1), (6, 9, 0)], "-.", COLOURS["input"]),
]:
    for start, end, slope in pieces:
        axes[1].plot([start, end], [slope, slope], style, color=colour, linewidth=2.2)
axes[0].set(title="function", xlabel="x", ylabel="output")
axes[1].set(title="derivative", xlabel="x", ylabel="derivative", ylim=(-0.08, 1.15))
axes[0].legend(frameon=False)
show(
    figure,
    alt="Left: ReLU, leaky ReLU with slope 0.1 and ReLU clipped at 6. They agree between 0 and 6; below 0 the leaky one "
    "falls slowly, above 6 the clipped one stays at 6. Right: their derivatives. Below 0 only the leaky one is not zero (0.1); "
    "above 6 the clipped one is zero, the others are 1.",
)

# %% [markdown]
# **Before you run it:** take the net with its dead units from above. The largest gradient of their weights was
# exactly 0. Does that stay so if the ReLU is replaced by a leaky one?

# %% predict
hidden.zero_grad()
loss = F.mse_loss(out(F.leaky_relu(hidden(samples), 0.1)), targets)
loss.backward()
print("largest gradient of the dead units' weights:", round(hidden.weight.grad[dead].abs().max().item(), 4))


# %% [markdown]
# Not zero any more, so these units can come back.
#
# ### Exercise: Leaky ReLU
#
# Write `leaky_relu(x, negative_slope)` by the formula above, for `x` of any shape, without PyTorch's own leaky ReLUs (no `F.leaky_relu`, `F.prelu` or
# `F.rrelu`, nor the modules that call them). The slope may be **any** number, also negative, 0, or above 1. Return a new tensor of the same shape and
# dtype; leave `x` as it is; autograd can pass through.
#
# <details><summary>Hint 1: how many cases?</summary>
#
# Two, as in the worked example. Which value belongs to which sign?
#
# </details>
#
# <details><summary>Hint 2: the larger of the two?</summary>
#
# For $s = 0.1$ the result is the larger one of $x$ and $s\,x$. Try $s = 2$ and $x = 1$ on paper: it is not any more.
#
# </details>


# %% exercise="leaky_relu" difficulty=1 minutes=4
def leaky_relu(x: torch.Tensor, negative_slope: float = 0.01) -> torch.Tensor:
    """x where it is positive, negative_slope · x elsewhere.

    Args:
        x: any shape.
        negative_slope: any number.

    Returns:
        A new tensor of the same shape and dtype.
    """
    ### BEGIN SOLUTION
    return torch.where(x > 0, x, negative_slope * x)
    ### END SOLUTION


# %% check="leaky_relu" points=2
g = torch.Generator().manual_seed(14)
x = torch.randn(5, 3, 4, generator=g)
before = x.clone()
positive, negative = x.clamp(min=0), x.clamp(max=0)
with forbidden("leaky_relu", "prelu", "rrelu"):
    y = leaky_relu(inplace(x), 0.2)
expect(
    y,
    positive + 0.2 * negative,
    "leaky_relu(x, 0.2) for x of shape (5, 3, 4)",
    mistakes={
        "You used the slope 0.01 and not the argument `negative_slope`.": positive + 0.01 * negative,
        "The slope belongs to the negative values, you gave it to the positive ones.": 0.2 * positive + negative,
        "You put the slope in the place of negative values: multiply them by it.": torch.where(before > 0, before, 0.2),
        "The sign of the negative values is lost: s·x stays negative for s > 0.": positive - 0.2 * negative,
        "That is the plain ReLU.": positive,
    },
)
expect(x, before, "leaky_relu(x) leaves x as it was")
expect(leaky_relu(x), positive + 0.01 * negative, "leaky_relu(x): the slope is 0.01 unless given")
expect(
    leaky_relu(x, 2.5),
    positive + 2.5 * negative,
    "leaky_relu(x, 2.5): a slope above 1",
    mistakes={
        "You take the larger one of x and s·x: for s > 1 that is the wrong one. Ask for the sign of x.": torch.maximum(
            before, 2.5 * before
        )
    },
)
x = torch.randn(2, 6, generator=g).requires_grad_()
y = leaky_relu(x, 0.3)
expect(y.requires_grad, True, "autograd passes through leaky_relu")
y.sum().backward()
expect(x.grad, torch.where(x > 0, 1.0, 0.3).detach(), "the gradient of leaky_relu(x, 0.3).sum()")
### BEGIN HIDDEN TESTS
for slope in (3.0, -0.5, 0.0, 1.0):
    x = torch.randn(3, 7, generator=g, dtype=torch.float64)
    expect(leaky_relu(x, slope), torch.where(x > 0, x, slope * x), f"leaky_relu(x, {slope}), float64")
### END HIDDEN TESTS

# %% [markdown]
# ### Exercise: Clipped ReLU
#
# Write `clipped_relu(x, ceiling)` without `F.relu6` and `F.hardtanh`: values below 0 become 0, values above `ceiling` become `ceiling`, the others stay.
# `ceiling` is a positive number, 6 unless given. Any shape, a new tensor of the same shape and dtype, `x` stays as it is, autograd can pass through.
#
# <details><summary>Hint: read the formula from inside</summary>
#
# First the maximum with 0, then the minimum with $c$. One operation of PyTorch limits values on both sides; look at the arguments
# of `Tensor.clamp`.
#
# </details>


# %% exercise="clipped_relu" difficulty=1 minutes=3
def clipped_relu(x: torch.Tensor, ceiling: float = 6.0) -> torch.Tensor:
    """The ReLU with an upper limit.

    Args:
        x: any shape.
        ceiling: the largest value of the result, positive.

    Returns:
        A new tensor of the same shape and dtype.
    """
    ### BEGIN SOLUTION
    return x.clamp(min=0, max=ceiling)
    ### END SOLUTION


# %% check="clipped_relu" points=1
g = torch.Generator().manual_seed(15)
x = 3 * torch.randn(4, 7, generator=g)
before = x.clone()
with forbidden("relu6", "hardtanh"):
    y = clipped_relu(inplace(x), 2.5)
expect(
    y,
    F.hardtanh(before, 0, 2.5),
    "clipped_relu(x, 2.5) for x of shape (4, 7)",
    mistakes={
        "The values above the ceiling are still there.": before.clamp(min=0),
        "The negative values are still there.": before.clamp(max=2.5),
        "Values above the ceiling became 0: they must become the ceiling.": torch.where(
            before > 2.5, 0.0, before.clamp(min=0)
        ),
        "You clipped at 6 and not at the argument `ceiling`.": before.clamp(0, 6),
        "You scaled the values to reach the ceiling: those in between must stay.": before.clamp(min=0)
        / before.max()
        * 2.5,
        "You limited at −ceiling below: the lower limit is 0.": before.clamp(-2.5, 2.5),
    },
)
expect(x, before, "clipped_relu(x) leaves x as it was")
expect(clipped_relu(4 * x), F.relu6(4 * before), "clipped_relu(x): the ceiling is 6 unless given")
x = (2 * torch.randn(3, 6, generator=g)).requires_grad_()
y = clipped_relu(x, 1.5)
expect(y.requires_grad, True, "autograd passes through clipped_relu")
y.sum().backward()
expect(x.grad, ((x > 0) & (x < 1.5)).float(), "the gradient of clipped_relu(x, 1.5).sum()")
### BEGIN HIDDEN TESTS
x = torch.randn(2, 3, 5, generator=g, dtype=torch.float64)
expect(clipped_relu(x, 0.5), x.clamp(0, 0.5), "clipped_relu(x, 0.5), float64, shape (2, 3, 5)")
### END HIDDEN TESTS

# %% [markdown]
# ## In place: the result on top of the input
#
# `F.relu(x)` makes a new tensor, which costs as much memory as `x`. With `inplace=True` the result is written over the input.

# %%
x = torch.tensor([[0.8008, -0.2586, 0.5019, -0.2002, -0.7416], [0.0557, 0.6046, 0.0864, -0.5929, 1.2606]])

y = F.relu(x)
print("inplace=False: same memory?", y.data_ptr() == x.data_ptr(), " negative values in x:", int((x < 0).sum()))

y = F.relu(x, inplace=True)
print("inplace=True:  same memory?", y.data_ptr() == x.data_ptr(), " negative values in x:", int((x < 0).sum()))


# %% [markdown]
# The same in other words: `F.relu_(x)`, `x.relu_()`, `nn.ReLU(inplace=True)`. In PyTorch's names a final underscore means *in place*.
#
# ### Exercise: ReLU in place
#
# Write `relu_(x)` without PyTorch's own ReLU functions: as above, no `F.relu`, `F.leaky_relu`, `F.prelu`, `F.rrelu` or `F.threshold`, under whatever
# name, so no `x.relu_()` either. It replaces every negative value of `x` by 0 **in the memory of `x`** and
# returns `x`. It works for every shape and also for a view, such as a transposed matrix or a slice: the tensor behind the view changes at the
# view's places and nowhere else. `x` does not require a gradient.
#
# <details><summary>Hint 1: a name is not a memory</summary>
#
# `x = ...` in a function makes the name `x` point to another tensor. The caller's tensor does not notice. You must *write into*
# the tensor.
#
# </details>
#
# <details><summary>Hint 2: ways to write</summary>
#
# `x[mask] = value` writes where the mask is true. Methods with a final underscore write, too, such as `x.add_(1)`. `x.copy_(other)` writes all values of
# another tensor.
#
# </details>
#
# <details><summary>Hint 3: the transposed matrix stays as it was</summary>
#
# You may have flattened it first. `reshape(-1)` of a tensor whose values do not lie in order has to copy, and then you write into
# the copy. No need to flatten.
#
# </details>


# %% exercise="relu_in_place" difficulty=2 minutes=5
def relu_(x: torch.Tensor) -> torch.Tensor:
    """Write the ReLU of x over x.

    Args:
        x: any shape, contiguous or not; is changed.

    Returns:
        x itself.
    """
    ### BEGIN SOLUTION
    return x.clamp_(min=0)
    ### END SOLUTION


# %% check="relu_in_place" points=2
g = torch.Generator().manual_seed(16)
x = torch.randn(3, 4, 5, generator=g)
before, same_memory = x.clone(), x.view(-1)
with forbidden("relu", "leaky_relu", "prelu", "rrelu", "threshold"):
    y = relu_(inplace(x))
expect(
    same_memory.view(3, 4, 5),
    before.clamp(min=0),
    "the memory of x after relu_(x), shape (3, 4, 5)",
    mistakes={
        "It is unchanged: you made a new tensor, or gave x another memory (x.data = …). Write into the memory of x.": (
            before
        ),
        "That is the absolute value: a negative value must become 0.": before.abs(),
    },
)
expect(y, before.clamp(min=0), "the value that relu_(x) returns")
expect(
    y.data_ptr() == x.data_ptr(),
    True,
    "relu_(x) returns x itself, not a copy",
    mistakes={"What you return lies in other memory than x: return x.": False},
)
matrix = torch.randn(6, 4, generator=g, dtype=torch.float64)
before = matrix.clone()
relu_(inplace(matrix.t()))
expect(
    matrix,
    before.clamp(min=0),
    "the matrix after relu_ of its transpose, float64",
    mistakes={"The matrix is unchanged: you wrote into a copy. `reshape` and `contiguous` copy here.": before},
)
### BEGIN HIDDEN TESTS
matrix = torch.randn(5, 7, generator=g)
before = matrix.clone()
relu_(inplace(matrix[:, 2:5]))
expected = before.clone()
expected[:, 2:5] = before[:, 2:5].clamp(min=0)
expect(
    matrix,
    expected,
    "the matrix after relu_ of its columns 2 to 4",
    mistakes={
        "The matrix is unchanged: you wrote into a copy.": before,
        "You changed values outside the view, too.": before.clamp(min=0),
    },
)
### END HIDDEN TESTS

# %% [markdown]
# ### How much memory does it save?
#
# Let us measure. While the following `with` block runs, PyTorch reports each operation to us. We add the bytes of each new
# memory block and subtract them when it is freed. This counts the tensors alone, so it is exact and the same on every machine.
# (You need not follow each line. Modules and attributes with a leading underscore are PyTorch's own: good for a look inside, not to build on.)

# %%
import weakref
from torch.utils._python_dispatch import TorchDispatchMode

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


x = torch.randn(1024, 256)  # 1024 · 256 · 4 bytes = 1 MiB
for overwrite in (False, True):
    with CountBytes() as memory:
        y = F.relu(x, inplace=overwrite)
    print(f"F.relu(x, inplace={overwrite}): peak {memory.peak / MIB:.0f} MiB of new memory")


# %% [markdown]
# One call: 1 MiB against nothing. So much for one ReLU. Now a training pass through a net of $L$ layers, each a linear layer
# and a ReLU. All its activations have the size of `x`, 1 MiB. We write the loop in three ways:
#
# 1. every result keeps a name of its own, as in `h1 = …`, `a1 = F.relu(h1)`, `h2 = …`;
# 2. one name is used again and again, as `nn.Sequential` does: `x = layer(x)`, `x = F.relu(x)`;
# 3. as 2, but with `inplace=True`.
#
# **Before you run it:** for $L = 8$ the first way holds 16 MiB. What do the second and the third hold? Does `inplace` save half of it?


# %% predict
def every_name(x, layers):
    names = []
    for layer in layers:
        h = layer(x)
        x = F.relu(h)
        names += [h, x]
    return x


def one_name(x, layers):
    for layer in layers:
        x = layer(x)
        x = F.relu(x)
    return x


def in_place(x, layers):
    for layer in layers:
        x = layer(x)
        x = F.relu(x, inplace=True)
    return x


def peak_mib(function, depth, training=True):
    layers = [nn.Linear(256, 256) for _ in range(depth)]
    x = torch.zeros(1024, 256)
    with CountBytes() as memory, torch.set_grad_enabled(training):
        function(x, layers)
    return memory.peak / MIB


depths = (1, 2, 4, 8)
peaks = {
    function.__name__: [peak_mib(function, depth) for depth in depths] for function in (every_name, one_name, in_place)
}
print("layers L    " + "".join(f"{depth:4}" for depth in depths) + "     with autograd, MiB")
for name, values in peaks.items():
    print(f"{name:12}" + "".join(f"{value:4.0f}" for value in values))
print("\nlayers L    " + "".join(f"{depth:4}" for depth in depths) + "     under torch.no_grad(), MiB")
for function in (every_name, one_name, in_place):
    print(f"{function.__name__:12}" + "".join(f"{peak_mib(function, depth, training=False):4.0f}" for depth in depths))

# %% [markdown]
# <details><summary>Why does it save one activation and not half of them?</summary>
#
# For the backward pass autograd keeps one tensor per layer: the output of the ReLU, which the ReLU itself and the next
# linear layer both need. Nobody needs the input $h$ of the ReLU any more, so it is freed as soon as no name points to it.
# It lives for a moment only: while its ReLU is computed. With `inplace` this moment is gone too: $L + 1$ becomes $L$.
#
# Without autograd only the input and the output of the current step exist, 2 MiB whatever the depth. From the second layer on the linear layer itself
# needs both, so `inplace` saves nothing there.
#
# </details>

# %%
figure, ax = plot_axes(6.4, 3.4)
styles = {"every_name": ("s-", "loss", 16), "one_name": ("o--", "input", 9), "in_place": ("^-", "output", 8)}
labels = {"every_name": "every result has a name: 2L", "one_name": "one name: L + 1", "in_place": "in place: L"}
for name, (style, role, _) in styles.items():
    ax.plot(depths, peaks[name], style, color=COLOURS[role], linewidth=2, markersize=6, label=labels[name])
ax.set(xlabel="layers L", ylabel="peak memory (MiB)", xticks=range(1, 9), ylim=(0, 17))
ax.legend(frameon=False)
show(
    figure,
    alt="Peak memory of a training pass against the number of layers. With a name for every result it grows as 2L, to 16 MiB "
    "at 8 layers. With one name it is L + 1, 9 MiB at 8 layers, and in place L, 8 MiB: the two lines run side by side, 1 MiB apart.",
)

# %% [markdown]
# **The rule.** `inplace=True` saves the memory of **one** activation, at the moment of its ReLU. That is half of the peak for one layer, and
# little for many of one size. It pays where one activation is much larger than the rest. Not keeping a
# name for every intermediate result saves more.
#
# On a GPU PyTorch's own memory allocator keeps the count, and it says the same. This cell needs one.

# %% varies
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
    print("No GPU here: nothing to measure.")


# %% [markdown]
# ## When autograd refuses
#
# Writing over a value is harmless only if nobody needs the old value. Autograd needs some of them for the backward pass.
#
# **Before you run it:** three attempts. Which one fails at once, which one in `backward()`, and which one works?


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
attempt("a leaf that requires grad", lambda: F.relu(leaf, inplace=True))
attempt("the output of a linear layer", lambda: F.relu(layer(leaf), inplace=True))
attempt("the output of a sigmoid", lambda: F.relu(torch.sigmoid(leaf), inplace=True))

# %% [markdown]
# 1. A **leaf** that requires a gradient is a parameter, or an input of yours. Its gradient is wanted at its old value, which
#    would be lost. Refused at once.
# 2. A **linear layer** keeps its input and its weight for the backward pass, not its output. The output may be overwritten.
# 3. A **sigmoid** keeps its *output* $\sigma$, because its derivative is $\sigma (1 - \sigma)$. Overwriting the output would make the gradient
#    wrong. Autograd notices in the backward pass.
#
# And the ReLU itself? It keeps its output $y$, not its input $x$: the gate is open exactly where $y > 0$. That is why a ReLU can be
# done in place at all.
#
# How does autograd notice? Every tensor counts the writes into it. Autograd notes the count when it keeps a tensor, and compares.

# %%
x = torch.linspace(-1, 1, 5, requires_grad=True)
h = x * 2
y = F.relu(h)
print("the ReLU keeps its own output:", y.grad_fn._saved_result.data_ptr() == y.data_ptr())
print("writes into h so far:", h._version)
F.relu(h, inplace=True)
print("writes into h now:   ", h._version)

# %% [markdown]
# The rule is then easy to check for any operation before the ReLU. The last column is computed: it compares the gradients with and without
# `inplace`.

# %%
operations = {
    "h + 1": (lambda x: x + 1, "nothing"),
    "nn.Linear(5, 5)": (nn.Linear(5, 5), "its input, its weight"),
    "nn.BatchNorm1d(5)": (nn.BatchNorm1d(5), "its input, statistics"),
    "h ** 2": (lambda x: x**2, "its input"),
    "sigmoid": (torch.sigmoid, "its output"),
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
# No wrong gradient anywhere: autograd refuses rather than errs, unless you write behind its back, through `.data`. (After a ReLU a second one would not even change a value. It is refused
# all the same, for autograd counts writes and does not compare values.)
#
# But autograd guards the *backward* pass alone. **Before you run it:** this block adds its input $h$ to the ReLU of $h$, as residual networks
# do. For $h = (-2, 3)$ the sum is $(-2 + 0,\; 3 + 3) = (-2, 6)$. What does the second line print? Is there an error?

# %% predict
h = torch.tensor([-2.0, 3.0])
print("new tensor:", (h + F.relu(h)).tolist())
print("in place:  ", (h + F.relu(h, inplace=True)).tolist())

# %% [markdown]
# No error, and a wrong result: Python first evaluates both operands, the in-place ReLU has then overwritten $h$, and the sum is
# twice the ReLU. If a value is used a second time in your *forward* pass, nobody warns you.
#
# **The rule.** Use `inplace=True` on a value that (1) is not a leaf that requires a gradient, (2) the operation before does not keep,
# (3) you use nowhere else. Directly after a linear, convolution or batch norm layer, (1) and (2) are met; (3) is up to you. When in doubt, leave it out.
#
# ## A module made from a function
#
# `nn.Sequential` takes modules, not functions. So we wrap. A module is a class with two methods: `__init__`
# calls `super().__init__()` and keeps what is needed later; `forward` computes. Here is one without parameters and one with a learned factor.


# %%
class Absolute(nn.Module):
    """The absolute value, times a fixed factor."""

    def __init__(self, factor=1.0):
        super().__init__()  # first of all: sets up the registers
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
    print(
        f"{type(module).__name__:14} {module(x).tolist()}  parameters: {[name for name, _ in module.named_parameters()]}"
    )

net = nn.Sequential(nn.Linear(3, 2), Absolute(), LearnedFactor())
print("in a Sequential:", [name for name, _ in net.named_parameters()])


# %% [markdown]
# You define `forward`, but you call the module: `module(x)`, not `module.forward(x)`. The call does a little more than `forward`; notebook 11 shows what.
#
# ### Exercise: The clipped ReLU as a module
#
# Write the class `ClippedReLU`, a subclass of `nn.Module`, so that it can stand in an `nn.Sequential`.
#
# - `ClippedReLU(ceiling=6.0)` makes one; each keeps a ceiling of its own.
# - Calling it with `x` of any shape limits the values of `x` to the range from 0 to the ceiling, in a new tensor.
# - It has **no** parameters: the ceiling is a setting, not learned.
#
# <details><summary>Hint 1: what goes where?</summary>
#
# The ceiling is known when the module is made, `x` when it is called. So the one belongs in `__init__`, the other in `forward`; `self` carries
# the ceiling from here to there.
#
# </details>
#
# <details><summary>Hint 2: an AttributeError about `_parameters`, `_modules` or a hook</summary>
#
# The registers are not there: the first line of `__init__` must be `super().__init__()`.
#
# </details>


# %% exercise="clipped_module" difficulty=2 minutes=7
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
        """x: any shape. Returns: a new tensor of the same shape and dtype."""
        ### BEGIN SOLUTION
        return x.clamp(min=0, max=self.ceiling)
        ### END SOLUTION


# %% check="clipped_module" points=2
g = torch.Generator().manual_seed(17)
low, high = ClippedReLU(1.5), ClippedReLU()
expect(isinstance(low, nn.Module), True, "ClippedReLU(1.5) is an nn.Module")
try:
    parameters = list(low.parameters())
except AttributeError:
    parameters = None
expect(
    parameters,
    [],
    "ClippedReLU(1.5) has no parameters",
    mistakes={
        "The registers are missing: call super().__init__() first in __init__.": None,
        "The ceiling became a Parameter, so an optimizer would change it: keep it as a plain number.": [
            torch.tensor(1.5)
        ],
    },
)
x = 5 * torch.randn(4, 3, 5, generator=g)
before = x.clone()
expect(
    low(inplace(x)),
    F.hardtanh(before, 0, 1.5),
    "ClippedReLU(1.5)(x) for x of shape (4, 3, 5)",
    mistakes={
        "It clips at 6: ClippedReLU(1.5) lost its own ceiling. Keep it in self, not in the class or a global name.": before.clamp(
            0, 6
        ),
        "The values above the ceiling are still there.": before.clamp(min=0),
        "The negative values are still there.": before.clamp(max=1.5),
    },
)
expect(x, before, "x is as it was")
expect(high(x), F.relu6(before), "ClippedReLU()(x): the ceiling is 6 unless given")
### BEGIN HIDDEN TESTS
x = torch.randn(6, 2, generator=g, dtype=torch.float64)
expect(ClippedReLU(0.25)(x), x.clamp(0, 0.25), "ClippedReLU(0.25)(x) in float64")
net = nn.Sequential(nn.Linear(2, 7, dtype=torch.float64), ClippedReLU(0.5))
expect(net(x).detach(), net[0](x).detach().clamp(0, 0.5), "ClippedReLU(0.5) in an nn.Sequential")
expect(len(list(net.parameters())), 2, "the nn.Sequential has the linear layer's two parameters and no more")
### END HIDDEN TESTS

# %% [markdown]
# ### Exercise: A leaky ReLU that learns its slopes
#
# Which slope is best? Let training decide, one slope for each channel. (PyTorch has this as `nn.PReLU`; He and others, 2015.) Write
# the class `LearnedLeakyReLU(channels)`:
#
# - It has exactly one parameter, named `weight`, of shape `(channels,)`, float32, with 0.25 in every place at first.
# - It takes `x` of shape `(N, C)` or `(N, C, ...)` with `C = channels`; dimension 1 indexes the channels. The output has the same shape.
# - A value $x > 0$ of channel $c$ stays, any other becomes $w_c\, x$.
# - Gradients flow to `x` and to `weight`.
#
# Use `torch.where`, and bring the slopes into a shape that broadcasts over `x`. Do not call `F.prelu`, neither yourself nor through `nn.PReLU`.
#
# <details><summary>Hint 1: shapes</summary>
#
# Broadcasting aligns shapes from the *right*. For `x` of shape `(N, C, H, W)`, a tensor of shape `(C,)` would be laid along $W$. It must have
# the shape `(C, 1, 1)` or `(1, C, 1, 1)`.
#
# </details>
#
# <details><summary>Hint 2: any number of further dimensions</summary>
#
# `x.dim()` is the number of dimensions; `x.dim() - 2` of them stand behind the channels. A shape is a tuple, and tuples can be built:
# `(1,) * 3` is `(1, 1, 1)`.
#
# </details>
#
# <details><summary>Hint 3: the optimizer does not see the slopes</summary>
#
# Only an `nn.Parameter` that is assigned to an attribute is registered. A plain tensor is not, even with `requires_grad=True`. Make the Parameter
# once, in `__init__`.
#
# </details>


# %% exercise="learned_leaky" difficulty=3 minutes=12
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
        """x: (N, C) or (N, C, ...). Returns: the same shape."""
        ### BEGIN SOLUTION
        slopes = self.weight.reshape(-1, *[1] * (x.dim() - 2))  # (C, 1, …, 1)
        return torch.where(x > 0, x, slopes * x)
        ### END SOLUTION


# %% check="learned_leaky" points=3
g = torch.Generator().manual_seed(18)
module = LearnedLeakyReLU(4)
expect(
    {name: tuple(parameter.shape) for name, parameter in module.named_parameters()},
    {"weight": (4,)},
    "the parameters of LearnedLeakyReLU(4)",
    mistakes={
        "No parameter is registered: a plain tensor is not enough, it must be an nn.Parameter.": {},
        "That is one slope for all: one for each channel is wanted.": {"weight": ()},
        "That is one slope in a vector of one: one for each channel is wanted.": {"weight": (1,)},
        "The parameter must have the shape (channels,): bring it into another shape in `forward`.": {"weight": (1, 4)},
        "The parameter must have the shape (channels,): append the ones in `forward`.": {"weight": (4, 1, 1)},
        "The parameter must have the shape (channels,): put the ones around it in `forward`.": {"weight": (1, 4, 1, 1)},
    },
)
expect(module.weight.detach(), torch.full((4,), 0.25), "the slopes at first")
slopes = torch.tensor([0.5, -1.0, 0.1, 2.0])
module.load_state_dict({"weight": slopes})
x = torch.randn(5, 4, generator=g)
with forbidden("prelu"):
    y = module(x)
expect(
    y.detach(),
    torch.where(x > 0, x, slopes * x),
    "the output for x of shape (5, 4) with the slopes 0.5, −1, 0.1, 2",
    mistakes={
        "The output still uses 0.25: `forward` must use self.weight.": torch.where(x > 0, x, 0.25 * x),
        "You take the larger one of x and w·x: for a slope above 1 that is the wrong one. Ask for the sign of x.": torch.maximum(
            x, slopes * x
        ),
        "The slopes went to the positive values.": torch.where(x > 0, slopes * x, x),
        "You put the slope in the place of the value: multiply.": torch.where(x > 0, x, slopes.expand(5, 4)),
    },
)
x = torch.randn(2, 4, 3, 4, generator=g)
expect(
    module(x).detach(),
    torch.where(x > 0, x, slopes.reshape(4, 1, 1) * x),
    "the output for images, x of shape (2, 4, 3, 4)",
    mistakes={
        "The slopes lie along the last dimension: (C,) is aligned from the right. Give them the shape (C, 1, 1).": torch.where(
            x > 0, x, slopes * x
        )
    },
)
module = LearnedLeakyReLU(3)
x = torch.randn(6, 3, 5, generator=g).requires_grad_()
upstream = torch.randn(6, 3, 5, generator=g)
y = module(x)
expect(y.requires_grad, True, "autograd passes through the module")
(y * upstream).sum().backward()
expect(x.grad, torch.where(x > 0, upstream, 0.25 * upstream).detach(), "the gradient of x, shape (6, 3, 5)")
expect(
    module.weight.grad,
    (upstream * x.detach().clamp(max=0)).sum(dim=(0, 2)),
    "the gradient of the slopes, shape (3,)",
    mistakes={
        "No gradient reaches the slopes: use self.weight itself, not its .data, .detach() or .tolist().": None,
    },
    rtol=1e-4,
    atol=1e-5,
)
### BEGIN HIDDEN TESTS
module = LearnedLeakyReLU(6)
x = torch.randn(3, 6, 2, 6, 4, generator=g)
slopes = torch.rand(6, generator=g)
module.load_state_dict({"weight": slopes})
expect(module(x).detach(), F.prelu(x, slopes), "the output for x of shape (3, 6, 2, 6, 4)")
net = nn.Sequential(nn.Linear(2, 6), LearnedLeakyReLU(6))
expect(len(list(net.parameters())), 3, "an nn.Sequential with nn.Linear and LearnedLeakyReLU has three parameters")
### END HIDDEN TESTS

# %% [markdown]
# ## Recap
#
# Answer from memory, then unfold.
#
# <details><summary>1. What does <code>nn.Linear</code> have that <code>F.linear</code> has not, and why does nobody miss it with <code>nn.ReLU</code>?</summary>
#
# Parameters: the module makes and keeps weight and bias and shows them in `parameters()`; the function gets them as arguments in each call. A ReLU
# has no parameters, so the function and the module differ only in how you write them.
#
# </details>
#
# <details><summary>2. A layer maps ℝ<sup>10</sup> to ℝ<sup>4</sup>. What goes in and what comes out for 523 samples? How many dead units can there be, and what gradient do their weights get?</summary>
#
# 523×10 goes in, 523×4 comes out. After a ReLU up to 4 units can be dead, each with a non-positive input for all samples. The derivative of the ReLU is
# 0 there, at 0 too, so the gradient of their weights is exactly 0.
#
# </details>
#
# <details><summary>3. What does <code>inplace=True</code> save, and what are the three ways in which it goes wrong?</summary>
#
# The memory of one activation at the moment of the ReLU. It is refused at once on a leaf that requires a gradient; it is refused in the backward pass if an
# operation keeps the overwritten value, as the sigmoid does; and it goes wrong *silently* if the forward pass uses the old value again.
#
# </details>
#
# **Next:** `04_linear` opens the layer that stood before every ReLU here: its weight and bias, how they are initialised, and its backward pass as three matrix products.
