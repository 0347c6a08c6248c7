# %% [markdown]
# # Measuring error: `nn.MSELoss` and `nn.L1Loss`
#
# A network is trained by making one number small: the **loss**. This notebook is about that number. Afterwards you will be able to
#
# - say what `nn.MSELoss` and `nn.L1Loss` compute, and write both yourself, with each `reduction`;
# - choose between them when some of the data are wrong;
# - derive the gradient that a loss sends back, to the input *and* to the target;
# - spot the shape trap that ruins a training run with no more than a warning;
# - train a classifier of handwritten digits with a loss that was made for regression.
#
# **Time**: about 90 minutes. **You need**: tensors and broadcasting (`01_tensors`), `backward` and the loop
# `zero_grad` → loss → `backward` → `step` (`02_gradients_and_optimizers`), and `nn.Linear` (`04_linear`).
# Run the set-up cell first, then work from top to bottom.

# %% setup

# %% [markdown]
# ## One number for how wrong you are
#
# A model answers 3. The right answer is 0. How wrong is it? And how wrong is a model that gives four answers,
# 3, 0, 0, 0, where 0, 0, 0, 0 would have been right?
#
# `nn.MSELoss()` answers with the **mean squared error**.
#
# **Before you run it**: which two numbers will be printed?

# %% predict
mse_loss = nn.MSELoss()

one = mse_loss(torch.tensor([[3.0]]), torch.tensor([[0.0]]))
four = mse_loss(torch.tensor([[3.0, 0.0, 0.0, 0.0]]), torch.tensor([[0.0, 0.0, 0.0, 0.0]]))
print("one answer:  ", one)
print("four answers:", four)

# %% [markdown]
# <details><summary>Why 2.25?</summary>
#
# The sum of the squares is 9 both times. MSE divides it by the number of *components*: 9 / 1 = 9 and 9 / 4 = 2.25.
# It does not divide by the number of rows, which is 1 both times.
#
# </details>
#
# The same computation, step by step:

# %%
x = torch.tensor([[3.0, 0.0, 0.0, 0.0]])
y = torch.zeros(1, 4)
squares = (x - y) ** 2
print("squares:", squares)
print("sum:    ", squares.sum())
print("mean:   ", squares.sum() / squares.numel())

draw_row(
    Grid(x, "input", "input", digits=0),
    "−",
    Grid(y, "target", "plain", digits=0),
    "→",
    Grid(squares, "squares", "loss", digits=0),
    "→",
    Grid(squares.mean(), "mean", "loss", digits=2),
    alt="Four tensors in a row. Input 3, 0, 0, 0 minus target 0, 0, 0, 0 gives the squares 9, 0, 0, 0, all of shape 1×4."
    " Their mean is one number without dimensions, 2.25.",
)

# %% [markdown]
# For an input $x$ and a target $y$ of the same shape, with $M$ components each,
#
# $$L(x, y) = \frac{1}{M} \sum_{m=1}^{M} (x_m - y_m)^2 .$$
#
# The first argument of a loss is called the **input** (what the model gave), the second the **target** (what is wanted).
# MSE would not notice if you swapped them. Other losses do: theirs may even differ in shape and type, as in notebook
# `13_classification_losses`. So get used to the order.
#
# | | |
# |---|---|
# | as a module | `nn.MSELoss()(input, target)` |
# | as a function | `F.mse_loss(input, target)` |

# %% [markdown]
# ### A loss is a tensor without dimensions
#
# A loss is a module like `nn.Linear`, with nothing to learn in it. What it returns is a tensor of shape `()`: it can be
# differentiated. For a log or a curve you want a Python number: that is `.item()`.

# %%
print("parameters of nn.MSELoss():", list(mse_loss.parameters()))
print("shape of the loss:         ", four.shape)
print("as a Python number:        ", four.item(), type(four.item()))

try:
    four.data[0]
except IndexError as error:
    print("loss.data[0]:               IndexError,", error)

# %% [markdown]
# What changed: older code reads a loss with `loss.data[0]`, because a loss used to have shape `(1,)`. Today it is 0-d, and `.item()` reads it.

# %% [markdown]
# ### See the squares
#
# A distance sensor is to be calibrated. A ruler says how far away the object is (in cm), the sensor gives a reading (in cm).
# A line $s = w x + b$ is to predict the reading from the distance. Each error is the side of a square; MSE is the
# average *area*.

# %%
distance = torch.arange(1.0, 9.0)  # what the ruler says, shape (8,)
reading = torch.tensor([1.3, 3.0, 2.6, 3.4, 5.1, 4.2, 6.6, 6.2])  # what the sensor says, shape (8,)


def add_squares(ax, w, b, title):
    """Draw the readings, the line s = w·x + b and the square of each error."""
    s = w * distance + b
    for x0, s0, y0 in zip(distance.tolist(), s.tolist(), reading.tolist()):
        side = y0 - s0
        corner = (x0 - max(side, 0), min(s0, y0))  # squares over the line lie left of it, those under it lie right
        ax.add_artist(plt.Rectangle(corner, abs(side), abs(side), fc=(COLOURS["loss"], 0.25), ec=COLOURS["loss"]))
    ends = torch.tensor([0.0, 9.0])
    ax.plot(ends, w * ends + b, color=COLOURS["learned"], lw=2.5)
    ax.plot(distance, reading, "o", color=COLOURS["input"])
    ax.set(xlim=(0, 9), ylim=(0, 8), aspect="equal", xlabel="distance (cm)", ylabel="reading (cm)")
    ax.set_title(f"{title}\nMSE = {F.mse_loss(s, reading):.2f} cm²", fontsize=11)


figure, axes = plot_axes(8.4, 4.0, columns=2)
add_squares(axes[0], 0.3, 2.0, "a guess: s = 0.30 x + 2.00")
add_squares(axes[1], 0.7, 0.9, "the best line: s = 0.70 x + 0.90")
show(
    figure,
    alt="Two panels with the same eight sensor readings and a square drawn on the error of each. Left, the line"
    " s = 0.30 x + 2.00 leaves some large squares. Right, the line s = 0.70 x + 0.90 leaves only small ones, and"
    " the MSE, their average area, is far smaller.",
)

# %% [markdown]
# Twice the error is four times the area. So a few large errors can outweigh many small ones.

# %% [markdown]
# ### Exercise: Mean squared error
#
# Write `mse(input, target)` with tensor arithmetic: the sum of the squared differences, divided by the number of components. Do not call `F.mse_loss`
# or `nn.MSELoss`: this is what they compute.
#
# - `input` and `target` have the same shape, with any number of dimensions; neither is changed.
# - The result is a 0-d tensor of the same dtype, and autograd can pass through it (so no `.item()` on the way).
#
# <details><summary>Hint 1: where to start</summary>
#
# Four steps, as in the picture: differences, squares, sum, division. Each is one operation on the whole tensor.
#
# </details>
#
# <details><summary>Hint 2: the number of components</summary>
#
# `len(t)` and `t.shape[0]` count rows. `t.numel()` counts components. Or is there a method that sums and divides at once?
#
# </details>


# %% exercise="mse" difficulty=1 minutes=4
def mse(input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The mean squared error.

    input, target: any shape, both the same.
    Returns: a 0-d tensor.
    """
    ### BEGIN SOLUTION
    return ((input - target) ** 2).sum() / input.numel()
    ### END SOLUTION


# %% check="mse" points=1
g = torch.Generator().manual_seed(11)
x, y = torch.randn(3, 5, generator=g), torch.randn(3, 5, generator=g)
x_before, y_before, e = x.clone(), y.clone(), x - y
with forbidden("mse_loss"):
    answer = mse(inplace(x), inplace(y))
expect(
    answer,
    e.square().mean(),
    "mse(x, y) for x and y of shape (3, 5)",
    mistakes={
        "You divided by the number of rows. Divide by the number of components, 15.": e.square().sum() / 3,
        "You divided by the number of columns. Divide by the number of components, 15.": e.square().sum() / 5,
        "This is the sum of the squares: divide it by the number of components.": e.square().sum(),
        "You took the absolute values: square the differences.": e.abs().mean(),
        "You squared the mean. Square each difference first, then take the mean.": e.mean().square(),
        "You took a square root at the end (RMSE): leave it out.": e.square().mean().sqrt(),
        "The differences are not squared.": e.mean(),
        "One number per row: take the mean over all dimensions.": e.square().mean(1),
        "One number per column: take the mean over all dimensions.": e.square().mean(0),
        "The mean over everything is missing: one number is asked for.": e.square(),
        "Right value, but a Python number: return the tensor (no .item()).": e.square().mean().item(),
    },
)
expect(
    [x, y],
    [x_before, y_before],
    "input and target are left as they were",
    mistakes={"You wrote the difference into the input (-= or sub_): make a new tensor.": [e, y_before]},
)
### BEGIN HIDDEN TESTS
expect(mse(torch.tensor([[3.0]]), torch.tensor([[0.0]])), torch.tensor(9.0), "mse of (3) and (0)")
expect(mse(torch.tensor([[3.0, 0, 0, 0]]), torch.zeros(1, 4)), torch.tensor(2.25), "mse of (3, 0, 0, 0) and zeros")
x = torch.randn(2, 3, 4, 5, generator=g, dtype=torch.float64)
y = torch.randn(2, 3, 4, 5, generator=g, dtype=torch.float64)
x_before, y_before, wanted = x.clone(), y.clone(), F.mse_loss(x, y)
expect(mse(inplace(x), inplace(y)), wanted, "mse(x, y) for shape (2, 3, 4, 5) in float64")
expect(x, x_before, "mse leaves the input alone")
expect(y, y_before, "mse leaves the target alone")
x = torch.randn(4, 3, generator=g).requires_grad_()
y = torch.randn(4, 3, generator=g)
mse(x, y).backward()
expect(x.grad, 2 * (x - y).detach() / 12, "the gradient that autograd finds through mse")
### END HIDDEN TESTS

# %% [markdown]
# ## Absolute errors, and what to do with them
#
# `nn.L1Loss()` takes the absolute value of each difference where MSE takes the square.
# The input is (1, 2, 3), the target (1, 2, 9). Two answers are right, one is 6 off.
#
# **Before you run it**: what does L1 give? And MSE?

# %% predict
x, y = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 2.0, 9.0])
print("L1: ", nn.L1Loss()(x, y).item())
print("MSE:", nn.MSELoss()(x, y).item())

# %% [markdown]
# $$L_1(x, y) = \frac{1}{M} \sum_{m=1}^{M} |x_m - y_m|$$
#
# (0 + 0 + 6) / 3 = 2, and (0 + 0 + 36) / 3 = 12. L1 has the unit of the data (cm), MSE the unit squared (cm²).

# %% [markdown]
# ### Three reductions
#
# Both losses first compute one number per component. `reduction` says what happens next.
#
# | `reduction` | result | shape |
# |---|---|---|
# | `"none"` | $\lvert x_m - y_m\rvert$, or its square, for each $m$ | that of the input |
# | `"sum"` | their sum | `()` |
# | `"mean"` (the default) | their sum divided by $M$ | `()` |

# %%
x = torch.tensor([[1.0, 2.0, 3.0], [5.0, 0.0, 4.0]])
y = torch.tensor([[1.0, 4.0, 9.0], [4.0, 0.0, 1.0]])
results = {}
for reduction in ["none", "sum", "mean"]:
    results[reduction] = F.l1_loss(x, y, reduction=reduction)
    print(f"{reduction:<5}", results[reduction].tolist())

draw_row(
    Grid(x, "input", "input", digits=0),
    "−",
    Grid(y, "target", "plain", digits=0),
    "→",
    Grid(results["none"], "none", "loss", digits=0),
    "→",
    Grid(results["sum"], "sum", "loss", digits=0),
    "→",
    Grid(results["mean"], "mean", "loss", digits=0),
    alt="A 2×3 input minus a 2×3 target. Reduction none gives the 2×3 absolute differences 0, 2, 6 and 1, 0, 3;"
    " sum gives the single number 12; mean gives 12 / 6 = 2.",
)

# %% [markdown]
# What changed: older code writes `size_average=False` for today's `reduction="sum"`, and `reduce=False` for `reduction="none"`.
# Both arguments are deprecated.
#
# Which one should you train with? Suppose that every sample comes in 1, 10 or 100 copies. No new information, the same best line.
#
# **Before you run it**: what happens to the gradient with `"mean"`, and what with `"sum"`?

# %% predict
for copies in [1, 10, 100]:
    gradients = []
    for reduction in ["mean", "sum"]:
        w = torch.tensor(0.3, requires_grad=True)
        F.mse_loss(w * distance.repeat(copies) + 2.0, reading.repeat(copies), reduction=reduction).backward()
        gradients.append(w.grad.item())
    print(f"{8 * copies:4} samples:   mean {gradients[0]:6.2f}   sum {gradients[1]:9.2f}")

# %% [markdown]
# With `"sum"` the gradient grows with the number of samples, and the learning rate would have to shrink with it.
# With `"mean"` its size does not depend on their number. That is why it is the default. `"none"` is for weighting samples or
# looking at them one by one: `F.mse_loss(x, y, reduction="none")`.

# %% [markdown]
# ### Exercise: L1 with its three reductions
#
# Write `l1(input, target, reduction="mean")`, the absolute differences, with tensor arithmetic: no `F.l1_loss`, no `nn.L1Loss`.
#
# - `reduction="none"`: a tensor of the input's shape.
# - `reduction="sum"` or `"mean"`: a 0-d tensor; the mean is over all components.
# - Any other word raises a `ValueError`: a typing mistake must not pass unnoticed.
# - Neither `input` nor `target` is changed. Autograd can pass through, and the result has the dtype of the input.
#
# <details><summary>Hint 1: the plan</summary>
#
# All three begin with the same tensor. Compute it once, then decide what to return.
#
# </details>
#
# <details><summary>Hint 2: refusing a word</summary>
#
# After the three cases that you know, one line is reached only by an unknown word: `raise ValueError("...")`.
#
# </details>


# %% exercise="l1" difficulty=1 minutes=6
def l1(input: torch.Tensor, target: torch.Tensor, reduction: str = "mean") -> torch.Tensor:
    """The L1 loss.

    input, target: any shape, both the same. reduction: "none", "mean" or "sum".
    Returns: a tensor of the input's shape for "none", else a 0-d tensor.
    """
    ### BEGIN SOLUTION
    errors = (input - target).abs()
    if reduction == "none":
        return errors
    if reduction == "sum":
        return errors.sum()
    if reduction == "mean":
        return errors.mean()
    raise ValueError(f"unknown reduction: {reduction!r}")
    ### END SOLUTION


# %% check="l1" points=2
g = torch.Generator().manual_seed(21)
x, y = torch.randn(4, 3, generator=g), torch.randn(4, 3, generator=g)
x_before, y_before, e = x.clone(), y.clone(), x - y
with forbidden("l1_loss"):
    answer = l1(inplace(x), inplace(y))
expect(
    answer,
    e.abs().mean(),
    "l1(x, y) for shape (4, 3): the mean, without a reduction being named",
    mistakes={
        "You squared the differences: take their absolute values.": e.square().mean(),
        'You took the sum where the mean was asked for: the default is "mean".': e.abs().sum(),
        "You divided by the number of rows. Divide by the number of components, 12.": e.abs().sum() / 4,
        "The differences lost their absolute values: positive and negative ones cancel.": e.mean(),
        "You took the absolute value of the mean. Take it of each difference, before the mean.": e.mean().abs(),
        'No reduction took place: the default is "mean".': e.abs(),
        "One number per row: take the mean over all dimensions.": e.abs().mean(1),
    },
)
expect(
    [x, y],
    [x_before, y_before],
    "input and target are left as they were",
    mistakes={"You wrote the difference into the input (-= or sub_): make a new tensor.": [e, y_before]},
)
expect(
    l1(x, y, reduction="sum"),
    e.abs().sum(),
    'l1(x, y, reduction="sum")',
    mistakes={
        "This is the mean: `reduction` makes no difference yet.": e.abs().mean(),
        "You took the absolute value of the sum. Take it of each difference.": e.sum().abs(),
        "One number per row: sum over all dimensions.": e.abs().sum(1),
    },
)
expect(
    l1(x, y, reduction="none"),
    e.abs(),
    'l1(x, y, reduction="none")',
    mistakes={
        "The differences keep their signs: take absolute values.": e,
        'The mean was taken: "none" keeps one number per component.': e.abs().mean(),
        'The sum was taken: "none" keeps one number per component.': e.abs().sum(),
    },
)
x = torch.randn(4, 1, generator=g).requires_grad_()
expect(
    l1(x, torch.zeros(4, 1)).requires_grad,
    True,
    "autograd passes through l1",
    mistakes={"The way back is cut: .data, .detach(), .item() and NumPy do that.": False},
)
try:
    outcome = f"no error; it returned {l1(x, y, reduction='average')!r}"
except Exception as error:
    outcome = type(error).__name__
expect(
    outcome,
    "ValueError",
    'what l1(x, y, reduction="average") raises',
    mistakes={
        "Raise the error yourself, as a ValueError: a missing key is the dictionary's own complaint.": "KeyError"
    },
)
### BEGIN HIDDEN TESTS
expect(
    l1(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 2.0, 9.0])), torch.tensor(2.0), "l1 of (1, 2, 3) and (1, 2, 9)"
)
x = torch.randn(2, 1, 5, 3, generator=g, dtype=torch.float64)
y = torch.randn(2, 1, 5, 3, generator=g, dtype=torch.float64)
x_before, y_before = x.clone(), y.clone()
for word in ["none", "mean", "sum"]:
    wanted = F.l1_loss(x_before, y_before, reduction=word)
    expect(l1(inplace(x), inplace(y), word), wanted, f'reduction="{word}" for shape (2, 1, 5, 3) in float64')
expect(x, x_before, "l1 leaves the input alone")
expect(y, y_before, "l1 leaves the target alone")
### END HIDDEN TESTS

# %% [markdown]
# ## One bad reading: MSE against L1
#
# At 7 cm the sensor's echo is lost, and it reports 0 instead of 6.6. Which line is best now? To see what each *loss* wants,
# without any optimizer in between, score every line on a fine grid of slopes and intercepts and keep the best one.

# %%
spoilt = reading.clone()
spoilt[6] = 0.0

slopes = torch.arange(-50, 151).double()[:, None, None] / 100  # −0.50 … 1.50
intercepts = torch.arange(-100, 401).double()[None, :, None] / 100  # −1.00 … 4.00
lines = slopes * distance + intercepts  # (201, 501, 8): every line at every distance


def best_line(loss, target):
    """Slope and intercept of the line on the grid with the smallest loss."""
    scores = loss(lines, target.double().expand_as(lines), reduction="none").mean(dim=2)  # (201, 501)
    row, column = divmod(scores.argmin().item(), scores.shape[1])
    return slopes[row].item(), intercepts[0, column].item()


# %% [markdown]
# **Before you run it**: which loss will let the bad reading move its line further?

# %% predict
best = {}
for name, loss in {"MSE": F.mse_loss, "L1": F.l1_loss}.items():
    for case, target in {"clean": reading, "spoilt": spoilt}.items():
        best[name, case] = best_line(loss, target)
        print(f"{name:>3}, {case:<6} readings: s = {best[name, case][0]:.2f} x + {best[name, case][1]:.2f}")

# %%
figure, (left, middle, right) = plot_axes(10.2, 3.5, columns=3)
errors = torch.linspace(-3, 3, 121)
left.plot(errors, errors**2, color=COLOURS["loss"], lw=2.5, label="square (MSE)")
left.plot(errors, errors.abs(), color=COLOURS["loss"], lw=2.5, ls="--", label="absolute (L1)")
left.set(xlabel="error x − y (cm)", ylabel="loss of one component", title="how one error counts")
left.legend(frameon=False, loc="upper center")

ends = torch.tensor([0.0, 9.0])
for ax, name in [(middle, "MSE"), (right, "L1")]:
    w, b = best[name, "clean"]
    ax.plot(ends, w * ends + b, color=(COLOURS["learned"], 0.35), lw=7, label="without the lost echo")
    w, b = best[name, "spoilt"]
    ax.plot(ends, w * ends + b, color=COLOURS["learned"], lw=2.2, label="with it")
    ax.plot(distance, spoilt, "o", color=COLOURS["input"])
    ax.annotate("lost echo", (7, 0), (4.0, 0.35), arrowprops={"arrowstyle": "->", "color": INK}, color=INK, va="center")
    ax.set(xlabel="distance (cm)", ylabel="reading (cm)", title=f"best line by {name}", ylim=(-0.5, 8.8))
    ax.legend(frameon=False, loc="upper left")
show(
    figure,
    alt="Three panels. Left: the loss of one component against its error; the square rises ever more steeply, the absolute value"
    " is a V. Middle and right: eight readings, the one at 7 cm lies at 0. The best line by MSE is pulled down by it, far from"
    " the line found without it. The best line by L1 is the same with and without it.",
)

# %% [markdown]
# The bad reading is about 6 cm off. Under L1 it counts as much as six errors of 1 cm; under MSE as much as *thirty-six*.
# So the MSE line gives up the good readings to come nearer to the bad one. The L1 line has not moved at all.
#
# | | MSE | L1 |
# |---|---|---|
# | best constant for a set of numbers | their mean | their median |
# | a few gross errors in the data | pull hard | pull no more than other points |
# | slope of one component near error 0 | fades away: small last steps | keeps its size: steps must be made smaller |
#
# `nn.HuberLoss` joins the two: squares for small errors, absolute values for large ones.

# %% [markdown]
# ## The gradient: which way, and how hard
#
# Training uses a loss only through its gradient. Take the four answers (3, 0, 0, 0) again. The loss was 2.25.
#
# **Before you run it**: what is the gradient of the MSE with respect to each of the four? And of L1?

# %% predict
for name, loss in {"MSE": F.mse_loss, "L1": F.l1_loss}.items():
    x = torch.tensor([[3.0, 0.0, 0.0, 0.0]], requires_grad=True)
    loss(x, torch.zeros(1, 4)).backward()
    print(f"{name:>3}: {x.grad}")

# %% [markdown]
# Only one term of the sum contains $x_m$. So
#
# $$\frac{\partial L}{\partial x_m} = \frac{2}{M}\,(x_m - y_m) \quad\text{(MSE)}, \qquad
# \frac{\partial L_1}{\partial x_m} = \frac{1}{M}\,\mathrm{sign}(x_m - y_m) \quad\text{(L1)}.$$
#
# For $x_1 = 3$: $\frac{2}{4} \cdot 3 = 1.5$, and $\frac{1}{4}$. The gradient of MSE is proportional to the error. That of L1
# knows only its sign: this is why the lost echo pulled no harder than any other point. (At an error of 0, PyTorch takes 0 for L1.)

# %% [markdown]
# ### The target gets a gradient, too
#
# A target is usually data, which nobody wants to differentiate. But it can also come out of another network. Does a loss pass
# a gradient to it?

# %%
x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
y = torch.tensor([1.0, 2.0, 9.0], requires_grad=True)
F.mse_loss(x, y).backward()
print("gradient of the input: ", x.grad)
print("gradient of the target:", y.grad)

x.grad = y.grad = None
F.mse_loss(x, y.detach()).backward()
print("with target.detach():  ", y.grad)

# %% [markdown]
# What changed: losses once refused a target with `requires_grad=True`. Today the gradient flows to both, with opposite signs:
# the input is pulled up towards the target, the target down towards the input. If only the input is to move, pass `target.detach()`.

# %% [markdown]
# ### Exercise: The gradient of MSE by hand
#
# Write `mse_gradients(input, target, reduction="mean")`. It returns two tensors: the gradient of the MSE loss with respect to
# `input`, and with respect to `target`. Use the formula, not autograd: neither `backward` nor `torch.autograd.grad`.
#
# - `reduction` is `"mean"` or `"sum"`; nothing else will be asked for.
# - Both results have the shape and the dtype of the input; neither argument is changed.
#
# <details><summary>Hint 1: the sum</summary>
#
# Differentiate $\sum_m (x_m - y_m)^2$ with respect to one $x_m$. What does dividing the loss by $M$ do to its gradient?
#
# </details>
#
# <details><summary>Hint 2: the target</summary>
#
# Differentiate the same square with respect to $y_m$. The inner derivative of $x_m - y_m$ is no longer 1. Compare the two
# gradients that were printed above.
#
# </details>


# %% exercise="mse_gradients" difficulty=2 minutes=8
def mse_gradients(
    input: torch.Tensor, target: torch.Tensor, reduction: str = "mean"
) -> tuple[torch.Tensor, torch.Tensor]:
    """The gradients of the MSE loss.

    input, target: any shape, both the same. reduction: "mean" or "sum".
    Returns: (gradient of the input, gradient of the target), both of the input's shape.
    """
    ### BEGIN SOLUTION
    grad = 2 * (input - target)
    if reduction == "mean":
        grad = grad / input.numel()
    return grad, -grad
    ### END SOLUTION


# %% check="mse_gradients" points=2
g = torch.Generator().manual_seed(31)
x, y = torch.randn(3, 4, generator=g), torch.randn(3, 4, generator=g)
x_before, y_before, e = x.clone(), y.clone(), x - y
with forbidden("backward", "grad"):
    answer = mse_gradients(inplace(x), inplace(y))
expect(
    answer,
    (e / 6, -e / 6),
    'mse_gradients(x, y) for shape (3, 4), reduction "mean"',
    mistakes={
        "The division by the number of components, 12, is missing: the loss is a mean.": (2 * e, -2 * e),
        "The factor 2 is missing: the derivative of a square u² is 2u.": (e / 12, -e / 12),
        "You divided by the number of rows, 3. Divide by the number of components, 12.": (2 * e / 3, -2 * e / 3),
        "Both signs are wrong: the input's gradient is 2 (input − target) / M.": (-e / 6, e / 6),
        "The target's gradient has the opposite sign: target stands behind a minus.": (e / 6, e / 6),
        "The target does get a gradient, the opposite of the input's.": (e / 6, torch.zeros(3, 4)),
        "This is the gradient of the absolute values, not of the squares.": (e.sign() / 12, -e.sign() / 12),
        "These are the squares themselves: differentiate them.": (e.square() / 12, -e.square() / 12),
    },
)
expect([x, y], [x_before, y_before], "input and target are left as they were")
expect(
    mse_gradients(x, y, reduction="sum"),
    (2 * e, -2 * e),
    'mse_gradients(x, y, reduction="sum")',
    mistakes={"A sum is not divided by anything: `reduction` makes no difference yet.": (e / 6, -e / 6)},
)
### BEGIN HIDDEN TESTS
for word in ["mean", "sum"]:
    x = torch.randn(2, 5, 3, generator=g, dtype=torch.float64).requires_grad_()
    y = torch.randn(2, 5, 3, generator=g, dtype=torch.float64).requires_grad_()
    F.mse_loss(x, y, reduction=word).backward()
    x_plain, y_plain = x.detach().clone(), y.detach().clone()
    what = f'mse_gradients for shape (2, 5, 3) in float64, reduction "{word}", against autograd'
    expect(mse_gradients(inplace(x_plain), inplace(y_plain), word), (x.grad, y.grad), what)
    expect(x_plain, x.detach(), "the input is left alone")
    expect(y_plain, y.detach(), "the target is left alone")
### END HIDDEN TESTS

# %% [markdown]
# ## The shape trap: (N, 1) against (N,)
#
# `nn.Linear(1, 1)` gives outputs of shape $N \times 1$. Data often come as a plain vector of shape $(N,)$. Here is a model that
# is right about every one of four samples.
#
# **Before you run it**: what should the loss be? And what does PyTorch say?

# %% predict
output = torch.tensor([[1.0], [2.0], [3.0], [4.0]])  # (4, 1)
target = torch.tensor([1.0, 2.0, 3.0, 4.0])  # (4,)
print("loss:", F.mse_loss(output, target))

# %% [markdown]
# The model is perfect, and the loss is 2.5. PyTorch broadcasts $(4, 1)$ against $(4,)$ to $4 \times 4$: *every* output is
# compared with *every* target. Only the diagonal was meant.

# %%
pairs = (output - target) ** 2
draw_row(
    Grid(output, "output", "output", digits=0),
    "−",
    Grid(target, "target", "plain", digits=0),
    "→",
    Grid(pairs, "squares", "loss", digits=0),
    "→",
    Grid(pairs.mean(), "mean", "loss", digits=1),
    alt="A column of outputs 1 to 4, of shape 4×1, minus a row of targets 1 to 4, of shape 4, gives a 4×4 table of squares."
    " Its diagonal is 0, the other cells are 1, 4 or 9, and their mean is 2.5.",
)

# %% [markdown]
# The computation went through; all you got is a **warning**, and Python shows a warning from the same line only once.
# In a long log it is gone in no time. What does the trap do to training? Fit the line to the clean readings twice: with a target of
# shape $(8,)$ and with one of shape $(8, 1)$.
#
# **Before you run it**: what line will the first fit find?


# %% predict
def fit_line(target):
    """Fit a line to `target` at the distances by 1000 steps of SGD; slope, intercept and last loss."""
    torch.manual_seed(0)
    line = nn.Linear(1, 1)
    optimizer = torch.optim.SGD(line.parameters(), lr=0.02)
    for _ in range(1000):
        optimizer.zero_grad()
        loss = F.mse_loss(line(distance[:, None]), target)
        loss.backward()
        optimizer.step()
    return line.weight.item(), line.bias.item(), loss.item()


trapped = fit_line(reading)  # (8, 1) against (8,)
matched = fit_line(reading[:, None])  # (8, 1) against (8, 1)
for name, (w, b, loss) in {"target (8,)": trapped, "target (8, 1)": matched}.items():
    print(f"{name:<13}  s = {w:.2f} x + {b:.2f}   loss {loss:.2f}")
print(f"mean of the readings: {reading.mean():.2f}")

# %%
figure, ax = plot_axes(6.4, 3.3)
for (w, b, _), style, name in [(matched, "-", "target of shape (8, 1)"), (trapped, "--", "target of shape (8,)")]:
    ax.plot(ends, w * ends + b, style, color=COLOURS["learned"], lw=2.5, label=name)
ax.plot(distance, reading, "o", color=COLOURS["input"], label="readings")
ax.set(xlabel="distance (cm)", ylabel="reading (cm)", ylim=(0, 8.5))
ax.legend(frameon=False, loc="upper left")
show(
    figure,
    alt="Eight readings that rise with the distance. The line fitted with a target of shape (8, 1) follows them. The line"
    " fitted with a target of shape (8,) is flat, at the mean of the readings.",
)

# %% [markdown]
# If every output is compared with every target, the best that *each* output can be is the mean of all targets. The line is flat, the
# loss has gone down, nothing has crashed, and the model has learned nothing about $x$.
#
# Two ways out: give the target a column, `target[:, None]` (or `target.unsqueeze(1)`), or take the column off the output, `output.squeeze(1)`.
# A plain `squeeze()` removes *every* dimension of size 1, including a batch that happens to hold one sample.

# %% [markdown]
# ### Exercise: A loss that cannot fall into the trap
#
# Write `paired_mse(output, target)` for models with one output. Sample $n$ of `output` is compared with sample $n$ of `target`, and with no other.
#
# - `output` has shape $(N, 1)$ or $(N,)$; so has `target`, independently. All four combinations are right, $N = 1$ included.
# - The result is the 0-d mean of the $N$ squares, in the dtype of `output`; autograd can pass through it.
# - If the two do not have the same number of samples, raise a `ValueError`. That includes 1 sample against 5, which would broadcast.
#
# You may use `F.mse_loss`.
#
# <details><summary>Hint 1: four cases or one?</summary>
#
# Bring both tensors to the same shape first, whatever shape they had. Then there is only one case left.
#
# </details>
#
# <details><summary>Hint 2: the same shape</summary>
#
# `t.reshape(-1)` makes a vector of $(N, 1)$ and leaves $(N,)$ as it is. `t.reshape(-1, 1)` makes a column of both.
#
# </details>
#
# <details><summary>Hint 3: the refusal</summary>
#
# Compare the two shapes *before* you subtract: afterwards broadcasting has already happened.
#
# </details>


# %% exercise="paired_mse" difficulty=2 minutes=8
def paired_mse(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The MSE of N outputs and their N targets, sample by sample.

    output, target: (N, 1) or (N,), each.
    Returns: a 0-d tensor. Raises ValueError if the numbers of samples differ.
    """
    ### BEGIN SOLUTION
    output, target = output.reshape(-1), target.reshape(-1)
    if output.shape != target.shape:
        raise ValueError(f"{len(output)} outputs, but {len(target)} targets")
    return F.mse_loss(output, target)
    ### END SOLUTION


# %% check="paired_mse" points=2
g = torch.Generator().manual_seed(41)
a, b = torch.randn(5, generator=g), torch.randn(5, generator=g)
crossed = (a[:, None] - b).square()
for output, target in [(a[:, None], b), (a, b), (a, b[:, None]), (a[:, None], b[:, None])]:
    expect(
        paired_mse(output, target),
        (a - b).square().mean(),
        f"paired_mse for an output of shape {tuple(output.shape)} and a target of shape {tuple(target.shape)}",
        mistakes={
            "(N, 1) against (N,) broadcasts to N×N: give both the same shape first.": crossed.mean(),
            "(N, 1) against (N,) broadcast to N×N, and the sum was taken.": crossed.sum(),
            "(N, 1) against (N,) broadcast to N×N, and only then was divided by N.": crossed.sum() / 5,
            "You took the sum where the mean over the N samples was asked for.": (a - b).square().sum(),
            "One number per sample: take the mean of them.": (a - b).square(),
        },
    )
x = torch.randn(4, 1, generator=g).requires_grad_()
expect(
    paired_mse(x, torch.zeros(4)).requires_grad,
    True,
    "autograd passes through paired_mse",
    mistakes={"The way back is cut: .data, .detach(), .item() and NumPy do that.": False},
)
for output, target in [(a[:, None], b[:4]), (a[:1, None], b)]:
    try:
        outcome = f"no error; it returned {paired_mse(output, target)!r}"
    except Exception as error:
        outcome = type(error).__name__
    expect(
        outcome,
        "ValueError",
        f"what paired_mse raises for {len(output)} outputs and {len(target)} targets",
        mistakes={
            "PyTorch stopped you here, but it will not stop 1 against 5: compare the numbers yourself.": "RuntimeError",
            "`assert` raises an AssertionError: write `raise ValueError(...)`.": "AssertionError",
        },
    )
### BEGIN HIDDEN TESTS
a, b = torch.randn(1, generator=g, dtype=torch.float64), torch.randn(1, generator=g, dtype=torch.float64)
for output, target in [(a[:, None], b), (a, b), (a, b[:, None]), (a[:, None], b[:, None])]:
    what = f"paired_mse for shapes {tuple(output.shape)} and {tuple(target.shape)} in float64"
    expect(paired_mse(output, target), (a - b).square().mean(), what)
### END HIDDEN TESTS

# %% [markdown]
# ## A class is not a number: targets of ±1
#
# Now a classification: which digit is written in an image of 8×8 pixels? Scale the pixels to 0…1, and hold back every fifth
# image to see what the model makes of images that it was not trained on.

# %%
images, labels = load_digits()
images = images / 16  # 0 … 16 becomes 0 … 1
held_back = torch.arange(len(images)) % 5 == 4

x_train, y_train = images[~held_back].flatten(1), labels[~held_back]
x_test, y_test = images[held_back].flatten(1), labels[held_back]
print("images:   ", tuple(images.shape), images.dtype, "from", images.min().item(), "to", images.max().item())
print("training: ", tuple(x_train.shape), "labels", tuple(y_train.shape), y_train.dtype)
print("held back:", tuple(x_test.shape), "labels", tuple(y_test.shape))

# %% [markdown]
# The obvious idea: one output, trained by MSE to be the label itself (as a float, and with the shapes matched), then rounded.
#
# **Before you run it**: guessing gets about 10 % right. How far will this get: 25 %, 60 % or 90 %?

# %% predict
torch.manual_seed(0)
one_output = nn.Linear(64, 1)
optimizer = torch.optim.SGD(one_output.parameters(), lr=0.05)
for _ in range(500):
    optimizer.zero_grad()
    F.mse_loss(one_output(x_train).squeeze(1), y_train.float()).backward()
    optimizer.step()

with torch.no_grad():
    rounded = one_output(x_test).squeeze(1).round()
print(f"right: {(rounded == y_test).float().mean():.0%} of the held-back images")

# %% [markdown]
# The numbering of the classes says that 3 lies between 2 and 4, and that to take an 8 for a 9 is a smaller error than to take a 1 for a 7.
# As *shapes* this makes no sense. So give each class an output of its own. With $C$ classes and $N$ samples the target is a matrix
# $z \in \mathbb{R}^{N \times C}$ with 1 in the column of the right class and −1 everywhere else:
#
# $$z_{n,m} = \begin{cases} 1 & \text{if } m = y_n \\ -1 & \text{otherwise.} \end{cases}$$
#
# An example: $N = 5$ samples of the classes 2, 1, 1, 3, 2, **counted from 1** as in mathematics. Python and PyTorch **count from 0**, so
# subtract 1 first. The definition, cell by cell:

# %%
y = torch.tensor([2, 1, 1, 3, 2]) - 1  # counted from 0: 1, 0, 0, 2, 1
z = torch.empty(5, 3)
for n in range(5):
    for m in range(3):
        z[n, m] = 1.0 if m == y[n] else -1.0
print(z)

draw_row(
    Grid(y[:, None], "class y", "input", digits=0),
    "→",
    Grid(z, "target z", "plain", digits=0),
    alt="Five classes, counted from 0: 1, 0, 0, 2, 1. Beside each a row of three targets: plus 1 in the column of the class,"
    " minus 1 (hatched) in the two others.",
)

# %% [markdown]
# ### Exercise: Targets of plus and minus one
#
# Write `signed_targets(labels, num_classes)` without a Python loop.
#
# - `labels` has shape $(N,)$ and dtype int64, counted from 0.
# - The result has shape $(N, C)$ with $C$ = `num_classes`, even if some class does not occur in `labels`. `labels` is not changed.
# - Its dtype is float32 (`F.mse_loss` takes no integers), its values are 1 and −1.
#
# <details><summary>Hint 1: comparing</summary>
#
# Read the definition as a comparison: is $m$ equal to $y_n$? Broadcasting answers it for all $n$ and $m$ at once, if one of them is a column
# and the other a row. This time $(N, 1)$ against $(C,)$ is just what you want.
#
# </details>
#
# <details><summary>Hint 2: one-hot</summary>
#
# `F.one_hot(labels, num_classes)` gives 1 and 0, as integers. Which straight line maps 1 to 1 and 0 to −1?
#
# </details>
#
# <details><summary>Hint 3: writing into a matrix</summary>
#
# Or start with a matrix full of −1. Then `z[rows, columns] = 1` with two index vectors of length $N$ writes one entry per row.
#
# </details>


# %% exercise="signed_targets" difficulty=2 minutes=8
def signed_targets(labels: torch.Tensor, num_classes: int) -> torch.Tensor:
    """Targets for a classification with MSE.

    labels: (N,), int64, values 0 to num_classes − 1.
    Returns: (N, num_classes), float32; 1 in the column of the label, −1 elsewhere.
    """
    ### BEGIN SOLUTION
    return 2 * F.one_hot(labels, num_classes).float() - 1
    ### END SOLUTION


# %% check="signed_targets" points=2
expect(
    signed_targets(torch.tensor([1, 0, 0, 2, 1]), 3),
    torch.tensor([[-1.0, 1, -1], [1, -1, -1], [1, -1, -1], [-1, -1, 1], [-1, 1, -1]]),
    "signed_targets of the labels 1, 0, 0, 2, 1 with 3 classes",
    mistakes={
        "You gave 0 and 1: the other classes get −1, not 0.": F.one_hot(torch.tensor([1, 0, 0, 2, 1]), 3).float(),
        "Plus and minus are swapped: the right class gets 1.": 1
        - 2 * F.one_hot(torch.tensor([1, 0, 0, 2, 1]), 3).float(),
        "Labels count from 0 here: do not subtract 1.": 2 * F.one_hot(torch.tensor([0, 2, 2, 1, 0]), 3).float() - 1,
        "Rows and columns are swapped: one row per sample, one column per class.": 2
        * F.one_hot(torch.tensor([1, 0, 0, 2, 1]), 3).float().T
        - 1,
        "The values are right, the dtype is not: MSE needs float32, not integers.": 2
        * F.one_hot(torch.tensor([1, 0, 0, 2, 1]), 3)
        - 1,
        "Whole columns became 1: index with a vector of rows, torch.arange(N), and not with a colon.": torch.ones(5, 3),
    },
)
g = torch.Generator().manual_seed(51)
labels_drawn = torch.randint(0, 5, (7,), generator=g)  # the classes 5 and above do not occur
wanted = torch.full((7, 8), -1.0)
wanted[range(7), labels_drawn.tolist()] = 1.0
seen = int(labels_drawn.max()) + 1
expect(
    signed_targets(labels_drawn, 8),
    wanted,
    f"signed_targets of the labels {labels_drawn.tolist()} with 8 classes",
    mistakes={"Columns are missing: take their number from num_classes, not from the labels.": wanted[:, :seen]},
)
### BEGIN HIDDEN TESTS
labels_drawn = torch.randint(0, 10, (31,), generator=g)
before = labels_drawn.clone()
wanted = torch.full((31, 10), -1.0)
wanted[range(31), labels_drawn.tolist()] = 1.0
expect(signed_targets(inplace(labels_drawn), 10), wanted, "signed_targets of 31 labels with 10 classes")
expect(labels_drawn, before, "signed_targets leaves the labels alone")
expect(signed_targets(torch.tensor([3]), 4), torch.tensor([[-1.0, -1, -1, 1]]), "signed_targets of a single label")
### END HIDDEN TESTS

# %% [markdown]
# ## From ten outputs to one answer
#
# The way back: a model gives ten numbers per image, and its answer is the class with the **largest** one. They need not be near ±1,
# nor positive.

# %%
output = torch.tensor(
    [[-0.7, 0.4, -0.9], [-0.2, -0.6, -0.5], [0.3, 0.1, 0.6], [0.8, 0.2, -1.3]]
)  # 4 samples, 3 classes
answers = output.argmax(dim=1)
print("answers:", answers)

draw_row(
    Grid(output, "output", "output", digits=1),
    "→",
    Grid(answers[:, None], "argmax", "output", digits=0),
    alt="A 4×3 table of outputs and beside each row the column of its largest value: 1, 0, 2, 0."
    " In the second row all outputs are negative, and the largest is −0.2, in column 0.",
)

# %% [markdown]
# **Accuracy** is the fraction of samples whose answer is the label:
#
# $$\text{accuracy} = \frac{1}{N}\,\bigl|\{\, n : \arg\max_m s_{n,m} = y_n \,\}\bigr| .$$
#
# <details><summary>Why not train with accuracy itself?</summary>
#
# Move one weight a little: no answer changes, so accuracy does not change either. Its gradient is 0 almost everywhere and says nothing
# about where to go. MSE changes with every weight. You train with the loss and report the accuracy.
#
# </details>

# %% [markdown]
# ### Exercise: Accuracy
#
# Write `accuracy(output, labels)`: the fraction of rows of `output` whose largest value stands in the column given by `labels`.
#
# - The result is a Python `float` between 0 and 1.
#
# <details><summary>Hint 1: which dimension?</summary>
#
# `argmax(dim=d)` makes dimension `d` disappear. What shape must be left to be compared with `labels`?
#
# </details>
#
# <details><summary>Hint 2: the mean of booleans</summary>
#
# Comparing gives `True` and `False`, and PyTorch takes no mean of booleans. Convert them with `.float()` first, or count them with `.sum()`.
#
# </details>


# %% exercise="accuracy" difficulty=1 minutes=5
def accuracy(output: torch.Tensor, labels: torch.Tensor) -> float:
    """The fraction of samples that are classified correctly.

    output: (N, C), any float dtype. labels: (N,), int64.
    Returns: a Python float, 0 to 1.
    """
    ### BEGIN SOLUTION
    return (output.argmax(dim=1) == labels).float().mean().item()
    ### END SOLUTION


# %% check="accuracy" points=1
g = torch.Generator().manual_seed(69)
for n, c in [(6, 6), (9, 4)]:
    output = torch.randn(n, c, generator=g) - 0.5
    labels_drawn = output.argmax(1)
    labels_drawn[[1, 4]] = (labels_drawn[[1, 4]] + 1) % c  # two of them are wrong
    z = 2 * F.one_hot(labels_drawn, c).float() - 1
    mistakes = {
        "This is a tensor: make a Python float of it with .item().": torch.tensor((n - 2) / n),
        "This is a percentage: a fraction between 0 and 1 is asked for.": 100 * (n - 2) / n,
        "This is the number of right answers: divide by the number of samples.": n - 2,
        "This is the number of right answers, as a tensor: divide by the number of samples.": torch.tensor(n - 2),
        "This is the fraction of wrong answers.": 2 / n,
        "You divided by N·C. Each of the N samples gives one answer.": (n - 2) / (n * c),
        "You compared the largest values with the labels. It is their columns that count: argmax, not max.": 0.0,
        "You judged single outputs by their sign. A sample's answer is the class with the largest output.": (
            ((output > 0) == (z > 0)).float().mean().item()
        ),
        "You asked whether the label's output is positive. It must be the largest of its row.": (
            (output[range(n), labels_drawn] > 0).float().mean().item()
        ),
    }
    if n == c:
        by_column = (output.argmax(0) == labels_drawn).float().mean().item()
        mistakes["You looked for the largest of each column. One answer per row is argmax(dim=1)."] = by_column
    what = f"accuracy of {n} samples and {c} classes, all but 2 of them right"
    expect(accuracy(output, labels_drawn), (n - 2) / n, what, mistakes=mistakes)
### BEGIN HIDDEN TESTS
output = torch.randn(5, 5, generator=g, dtype=torch.float64)
labels_drawn = output.argmax(1)
expect(accuracy(output, labels_drawn), 1.0, "accuracy when all 5 of 5 samples are right (5 classes, float64)")
expect(accuracy(output, (labels_drawn + 2) % 5), 0.0, "accuracy when none of 5 samples is right")
output, labels_drawn = torch.randn(101, 3, generator=g) * 7, torch.randint(0, 3, (101,), generator=g)
right = sum(int(row.argmax()) == int(label) for row, label in zip(output, labels_drawn))
expect(accuracy(output, labels_drawn), right / 101, "accuracy of 101 random samples and 3 classes")
### END HIDDEN TESTS

# %% [markdown]
# ## Training a classifier with MSE
#
# One linear layer, 64 pixels to 10 outputs: $s = x\,w^T + b$. The loss is the MSE of $s$ and the ±1 targets. For such a small model you need
# not even ask autograd: the gradient of MSE (above) and the backward pass of a linear layer (notebook `04_linear`) are known,
#
# $$\frac{\partial L}{\partial s} = \frac{2}{N C}\,(s - z), \qquad
# \frac{\partial L}{\partial w} = \left(\frac{\partial L}{\partial s}\right)^T x, \qquad
# \frac{\partial L}{\partial b} = \sum_n \frac{\partial L}{\partial s_n} .$$
#
# All parameters start at 0. (One layer with MSE may: its loss has a single valley. With hidden layers it would not work.)
#
# **Before you run it**: all outputs are 0 in the first step, all targets are ±1. What is the first loss?

# %% predict
z_train = torch.full((len(y_train), 10), -1.0)
z_train[torch.arange(len(y_train)), y_train] = 1.0

weight, bias = torch.zeros(10, 64), torch.zeros(10)
losses, accuracies = [], []
for step in range(301):
    s = x_train @ weight.T + bias  # (1438, 10)
    losses.append(F.mse_loss(s, z_train).item())
    accuracies.append(((x_test @ weight.T + bias).argmax(1) == y_test).float().mean().item())
    if step in (0, 1, 10, 100, 300):
        print(f"step {step:3}   loss {losses[-1]:.3f}   accuracy on held-back images {accuracies[-1]:.1%}")
    grad_s = 2 * (s - z_train) / s.numel()
    weight -= 0.5 * grad_s.T @ x_train
    bias -= 0.5 * grad_s.sum(0)

# %% [markdown]
# The first loss is 1: every square is $(0 - 1)^2$ or $(0 + 1)^2$. How good is a final loss of 0.135? Compare it with a model that does not look at the image. The best it can do is to answer, for every class, the mean target:
# −1 nine times in ten and 1 once make −0.8, and the loss is $0.9 \cdot 0.2^2 + 0.1 \cdot 1.8^2 = 0.36$.

# %%
figure, (left, right) = plot_axes(8.4, 3.3, columns=2)
left.plot(losses, color=COLOURS["loss"], lw=2.5)
left.axhline(0.36, color=INK, lw=1.2, ls=":")
left.text(300, 0.375, "same answer for every image: 0.36", ha="right", va="bottom", fontsize=9, color=INK)
left.set(xlabel="step", ylabel="MSE on the training images", ylim=(0, 1.05), title="loss while training")
right.plot([100 * value for value in accuracies], color=COLOURS["output"], lw=2.5)
right.axhline(10, color=INK, lw=1.2, ls=":")
right.text(300, 12, "guessing: 10 %", ha="right", va="bottom", fontsize=9, color=INK)
right.set(xlabel="step", ylabel="held-back images right (%)", ylim=(0, 100), title="accuracy")
show(
    figure,
    alt="Two curves over 300 steps. Left, the loss falls from 1 below 0.36, the loss of a model that gives the same answer for"
    " every image, within a few steps, then ever more slowly to about 0.14. Right, the accuracy on held-back images climbs from"
    " guessing to about 90 percent in the first hundred steps and ends near 92 percent.",
)

# %% [markdown]
# The loss never gets near 0: a linear function of 64 pixels cannot hit ±1 for every image. They do not have to. For a right answer the right
# output must only be the largest. MSE was made for regression, and still it makes a decent classifier.
#
# Look at the images, not only at the number:

# %%
with torch.no_grad():
    answers = (x_test @ weight.T + bias).argmax(1)
wrong = answers != y_test
chosen = torch.cat([torch.arange(20), wrong.nonzero()[:10, 0]])  # the first 20 images, then ten wrong answers

figure, axes = plt.subplots(3, 10, figsize=(8.6, 3.5), layout="constrained")
for ax, i in zip(axes.flat, chosen.tolist()):
    ax.imshow(x_test[i].reshape(8, 8), cmap="Blues", vmin=0, vmax=1)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set(color=COLOURS["loss"] if wrong[i] else INK, linewidth=3 if wrong[i] else 0.6)
    title = f"{answers[i]} ✗ is {y_test[i]}" if wrong[i] else f"{answers[i]}"
    ax.set_title(
        title, fontsize=10, color=COLOURS["loss"] if wrong[i] else INK, weight="bold" if wrong[i] else "normal"
    )
show(
    figure,
    alt="A contact sheet of 30 held-back digits with the model's answer above each. The first two rows are the first 20 images,"
    " all of them right. The third row shows ten wrong answers, each in a red frame with the right label; five of them are"
    " eights, four are threes.",
)
print(f"{wrong.sum()} of {len(wrong)} held-back images are wrong.")

# %% [markdown]
# ### Exercise: From images to a trained classifier
#
# Now with PyTorch's own parts: `nn.Linear`, the MSE loss, `torch.optim.SGD`. Write `train(images, labels, num_classes, steps, lr)`.
#
# - `images` has shape $(N, H, W)$, float32, already scaled; `labels` has shape $(N,)$, int64, counted from 0.
# - Make a new `nn.Linear` from $H \cdot W$ pixels to `num_classes` outputs; leave its initial values as PyTorch sets them.
# - The targets are ±1, the loss is MSE with the reduction `"mean"`, the optimizer plain SGD with learning rate `lr`.
# - Do exactly `steps` steps. Each step uses *all* images at once.
# - Everything stays on the device of `images`, the returned layer too: do not move anything.
# - Return the trained layer and a list of `steps` Python floats: the loss in each step, computed *before* the parameters change.
#
# The check trains on the digits for 300 steps with `lr=0.5` and asks for at least **90 %** on the held-back images. It also looks at the losses.
#
# The cell must stand on its own: write everything you need into `train` (you may copy lines of your earlier answers).
#
# <details><summary>Hint 1: the plan</summary>
#
# Before the loop, once: flatten the images to $(N, H \cdot W)$, make the targets, the layer, the optimizer. In the loop: forward, loss, note
# it down, gradients, step.
#
# </details>
#
# <details><summary>Hint 2: the loss rises and falls in waves</summary>
#
# `backward` *adds* to the gradients that are already there. What has to be called in each step before it?
#
# </details>
#
# <details><summary>Hint 3: the loss is too large</summary>
#
# Compare the shapes of the layer's output and of the targets. Both must be $(N, C)$. Are the other classes −1?
#
# </details>


# %% exercise="train" difficulty=3 minutes=15
def train(
    images: torch.Tensor, labels: torch.Tensor, num_classes: int, steps: int, lr: float
) -> tuple[nn.Linear, list[float]]:
    """Train a linear classifier with MSE on targets of ±1, with full-batch SGD.

    images: (N, H, W), float32. labels: (N,), int64.
    Returns: the trained nn.Linear(H·W, num_classes), and the loss of each step before its update.
    """
    ### BEGIN SOLUTION
    x = images.flatten(1)
    z = 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return layer, losses
    ### END SOLUTION


# %% check="train" points=3
# A small problem first: 30 images of 3×4 pixels, 5 classes. With a learning rate of 0 the layer stays as it was made,
# so the losses must be those of the layer that comes back.
g = torch.Generator().manual_seed(71)
small, small_labels = torch.rand(30, 3, 4, generator=g), torch.randint(0, 5, (30,), generator=g)
answer = train(small, small_labels, 5, steps=3, lr=0.0)
is_pair = isinstance(answer, (tuple, list)) and len(answer) == 2
expect(is_pair, True, "train returns two things: the layer and the list of losses")
layer, losses = answer
expect(isinstance(layer, nn.Linear), True, "the first of the two is the nn.Linear")
expect(tuple(layer.weight.shape), (5, 12), "shape of the layer's weight for images of 3×4 pixels and 5 classes")
with torch.no_grad():
    s = layer(small.reshape(30, 12))
hot = F.one_hot(small_labels, 5).float()
z = 2 * hot - 1
loss = F.mse_loss(s, z).item()
differ = losses if isinstance(losses, list) and len(set(map(float, losses))) > 1 else None
expect(
    losses,
    [loss] * 3,
    "the losses of 3 steps with lr=0",
    rtol=1e-4,
    mistakes={
        "The targets are 0 and 1: the wrong classes must get −1.": [F.mse_loss(s, hot).item()] * 3,
        "You summed the squares: the reduction must be the mean.": [F.mse_loss(s, z, reduction="sum").item()] * 3,
        "You divided by N alone: the mean is over all N·C components.": [F.mse_loss(s, z).item() * 5] * 3,
        "These are absolute errors (L1): take the squares.": [F.l1_loss(s, z).item()] * 3,
        "This is cross-entropy, the loss of a later notebook: take MSE with targets of ±1.": [
            F.cross_entropy(s, small_labels).item()
        ]
        * 3,
        "The losses are tensors: note down loss.item(), a Python float.": [torch.tensor(loss)] * 3,
        "The losses change although lr is 0: give lr to the optimizer, make the layer once before the loop,"
        " and use all images in each step.": differ,
        "One loss too many: note it down once per step.": [loss] * 4,
        "Only one loss: note it down inside the loop, in each step.": [loss],
        "The list is empty: note the loss down in each step.": [],
    },
)
# The same seed gives the same start, so two steps can be computed by hand.
torch.manual_seed(72)
start, _ = train(small, small_labels, 5, steps=1, lr=0.0)
random_start = start.bias is not None and bool(start.weight.any()) and bool(start.bias.any())
expect(random_start, True, "the layer has a bias, and both start with PyTorch's random values")
torch.manual_seed(72)
stepped, _ = train(small, small_labels, 5, steps=2, lr=0.3)
wanted, summed = ([p.detach().clone() for p in start.parameters()] for _ in range(2))
earlier = None
for _ in range(2):
    for values in (wanted, summed):
        leaves = [p.requires_grad_() for p in values]
        grads = torch.autograd.grad(F.mse_loss(F.linear(small.flatten(1), *leaves), z), leaves)
        if values is summed:
            earlier = grads = [a + b for a, b in zip(grads, earlier)] if earlier else grads
        values[:] = [(p - 0.3 * grad).detach() for p, grad in zip(leaves, grads)]
expect(
    [p.detach() for p in stepped.parameters()],
    wanted,
    "weight and bias after 2 steps of plain SGD with lr=0.3",
    rtol=1e-4,
    atol=1e-5,
    mistakes={
        "Gradients add up: set them to zero before each backward.": summed,
        "The parameters have not changed: is `step` called, with the layer's own parameters?": [
            p.detach() for p in start.parameters()
        ],
    },
)
layer, losses = train(small, small_labels, 5, steps=30, lr=0.3)
falls = sum(losses[i + 1] < losses[i] for i in range(len(losses) - 1))
expect(
    falls,
    29,
    "how often the loss falls from one step to the next, in 30 steps with lr=0.3",
    mistakes={"The loss never changes: is `step` called, with the layer's own parameters?": 0}
    | {
        f"The loss rose {29 - k} times: gradients add up, so set them to zero before each backward.": k
        for k in range(1, 29)
    },
)

layer, losses = train(small, small_labels, 5, steps=1, lr=0.3)
with torch.no_grad():
    after = F.mse_loss(layer(small.reshape(30, 12)), z).item()
expect(
    after < 0.98 * losses[0],
    True,
    f"one step with lr=0.3 lowers the loss: {losses[0]:.4f} noted down before the step, {after:.4f} with the layer returned",
)

# Now the digits: train on four fifths, judge by the rest.
digits, digit_labels = load_digits()
kept = torch.arange(len(digits)) % 5 == 4
layer, losses = train(digits[~kept] / 16, digit_labels[~kept], 10, steps=300, lr=0.5)
with torch.no_grad():
    right = (layer(digits[kept].flatten(1) / 16).argmax(1) == digit_labels[kept]).float().mean().item()
expect(right >= 0.90, True, f"at least 90 % of the held-back digits are right (yours: {right:.1%})")
expect(len(losses), 300, "number of losses after 300 steps")
expect(losses[-1] < 0.15, True, f"the loss is below 0.15 in the last of 300 steps (yours: {losses[-1]:.3f})")
### BEGIN HIDDEN TESTS
other = torch.rand(30, 2, 4, generator=g)
layer, losses = train(other, small_labels, 7, steps=2, lr=0.3)
expect(tuple(layer.weight.shape), (7, 8), "shape of the layer's weight for images of 2×4 pixels and 7 classes")
expect(len(losses), 2, "number of losses after 2 steps")
layer, losses = train(small, small_labels, 5, steps=0, lr=0.3)
expect(losses, [], "no losses for 0 steps")
### END HIDDEN TESTS

# %% [markdown]
# ## Go further: MNIST
#
# *Not graded.* The same classifier on images of 28×28 pixels: 784 inputs instead of 64. `load_mnist` takes torchvision's MNIST from disk or
# downloads it. Without a network, it brings the 8×8 digits to 28×28 and says so. So the numbers below depend on what is there.
#
# A larger input means a larger gradient, so the learning rate is smaller. To keep it to seconds, at most 10,000 images are used. They go to
# `device`, a GPU if you have one.

# %% varies
mnist, mnist_test = load_mnist(train=True), load_mnist(train=False)
pixels = mnist.data[:10_000].flatten(1).float().to(device) / 255  # (N, 784), values 0 to 1
classes = mnist.targets[:10_000].to(device)
signs = torch.where(classes[:, None] == torch.arange(10, device=device), 1.0, -1.0)  # (N, 10), ±1

torch.manual_seed(0)
classifier = nn.Linear(784, 10).to(device)
optimizer = torch.optim.SGD(classifier.parameters(), lr=0.1)
for step in range(201):
    loss = F.mse_loss(classifier(pixels), signs)
    if step % 50 == 0:
        print(f"step {step:3}   loss {loss.item():.3f}")
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

with torch.no_grad():
    answers = classifier(mnist_test.data.flatten(1).float().to(device) / 255).argmax(1).cpu()
print(
    f"{len(pixels)} training images; right: {(answers == mnist_test.targets).float().mean():.1%} of {len(answers)} test images"
)

# %% [markdown]
# Some things to try: more steps; a learning rate of 1.0 (watch the loss); `F.l1_loss` in place of `F.mse_loss`; 0 and 1 in place of ±1.

# %% [markdown]
# ## Recap
#
# Answer from memory, then unfold.
#
# **1.** An output and a target both have shape $(20, 10)$. By which number does `nn.MSELoss()` divide the sum of squares, and what is the gradient for one
# component that is 0.5 too large?
#
# <details><summary>Answer</summary>
#
# By 200, the number of components. The gradient is $2 \cdot 0.5 / 200 = 0.005$.
#
# </details>
#
# **2.** Your regression's loss goes down, but the model gives nearly the same output for every input. What do you look at first?
#
# <details><summary>Answer</summary>
#
# The shapes of output and target. $(N, 1)$ against $(N,)$ broadcasts to $N \times N$, and then the best output is the mean of all targets. PyTorch only warns.
#
# </details>
#
# **3.** Some of your targets are grossly wrong, and nobody knows which. MSE or L1, and why?
#
# <details><summary>Answer</summary>
#
# L1. Its gradient has the same size for every error, so a gross error pulls no harder than a small one. With MSE its pull grows with the error.
#
# </details>
#
# **Next**: you fed all 1438 images to the layer at once, and never wrote a loop over samples. `06_batch_processing` shows why: what a batch saves, in copies
# and in time, and how to turn loops over samples into operations on whole batches.
