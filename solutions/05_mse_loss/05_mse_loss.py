# %% [markdown]
# # Measuring error: `nn.MSELoss` and `nn.L1Loss`
#
# Training a network means making one number small: the **loss**. This notebook is about that number.
#
# After this notebook you can
#
# - explain what `nn.MSELoss` and `nn.L1Loss` compute, and write both yourself, with each `reduction`;
# - choose between them when some data are wrong;
# - work out the gradient that a loss sends back;
# - protect a training run against a shape mistake that raises no error;
# - train a classifier of handwritten digits with a loss that was made for regression.
#
# **Points**: 13. **Time**: about 40 minutes of reading and 55 minutes for the 7 exercises. **You need**: tensors and broadcasting
# (`01_tensors`); `backward()`, and the training loop with an optimizer: `zero_grad`, loss, `backward`, `step` (`02_gradients_and_optimizers`);
# `nn.Linear` (`04_linear`).
#
# The check below each exercise tests what its text asks for. The grader tests the same things with other values.
#
# Unless an exercise says otherwise, tensors are on the CPU and hold at least one element, and their values are finite. An
# argument that must not be changed keeps its values, shape and dtype. A later call never changes an earlier result.

# %% setup

# %% [markdown]
# ## One number for how wrong you are
#
# A model answers 3. The right answer is 0. How wrong is it? And how wrong is a model that gives four answers,
# 3, 0, 0, 0, where 0, 0, 0, 0 would have been right?
#
# `nn.MSELoss()` answers with the **mean squared error**.
#
# **Before you run it:** which two numbers will be printed?

# %% predict
mse_loss = nn.MSELoss()

one = mse_loss(torch.tensor([[3.0]]), torch.tensor([[0.0]]))
four = mse_loss(torch.tensor([[3.0, 0.0, 0.0, 0.0]]), torch.tensor([[0.0, 0.0, 0.0, 0.0]]))
print("one answer:  ", one)
print("four answers:", four)

# %% predict folded label="Draw the four answers, step by step"
x, y = torch.tensor([[3.0, 0.0, 0.0, 0.0]]), torch.zeros(1, 4)
squares = (x - y) ** 2
draw_row(
    Grid(x, "input", "input", digits=0),
    "−",
    Grid(y, "target", "plain", digits=0),
    alt="Two tensors of shape 1×4: input 3, 0, 0, 0 minus target 0, 0, 0, 0.",
)
draw_row(
    Grid(squares, "squares", "loss", digits=0),
    "→",
    Grid(squares.mean(), "mean", "loss", digits=2),
    alt="The squares of the differences, 9, 0, 0, 0, also of shape 1×4. Their mean is one number without dimensions, 2.25.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# The squares add up to 9 both times. MSE divides by the number of *components*: 9 / 1 = 9 and 9 / 4 = 2.25.
# It does not divide by the number of rows, which is 1 both times.
#
# </details>
#
# ### The formula
#
# For an input $x$ and a target $y$ of the same shape, with $M$ components each,
#
# $$L(x, y) = \frac{1}{M} \sum_{m=1}^{M} (x_m - y_m)^2 .$$
#
# The first argument of a loss is called the **input** (what the model gave), the second the **target** (what it should have given).
# MSE would not notice if you swapped them. Other losses would: their target may even have another shape and dtype. So get used to the order.
#
# | | |
# |---|---|
# | as a module | `nn.MSELoss()(input, target)` |
# | as a function | `F.mse_loss(input, target)` |

# %% [markdown]
# ### A loss is a tensor without dimensions
#
# A loss function is a module like `nn.Linear`, but it has no parameters: there is nothing in it to learn. By default it returns
# the loss, a 0-d tensor, of shape `()`, from which `backward` can start. To print or plot it you want a Python number: `.item()` gives you one.

# %%
loss = mse_loss(torch.ones(5), torch.zeros(5))
print("parameters of nn.MSELoss():", list(mse_loss.parameters()))
print("shape of the loss:         ", loss.shape)
print("as a Python number:        ", loss.item(), type(loss.item()))

# %% [markdown]
# ### See the squares
#
# You calibrate a distance sensor. A ruler gives the true distance $x$ of an object in cm, the sensor gives a reading in cm.
# We want a line $s = w x + b$ that predicts the reading from the distance. Here are two candidates: a guess, and the line with the smallest MSE
# (slope and intercept rounded to one decimal). Predicting a number, as here, is called **regression**.

# %%
distance = torch.arange(1.0, 9.0)  # from the ruler, shape (8,)
reading = torch.tensor([1.3, 3.0, 2.6, 3.4, 5.1, 4.2, 6.6, 6.2])  # from the sensor, shape (8,)

for w, b in [(0.3, 2.0), (0.7, 0.9)]:
    print(f"s = {w} x + {b}:   MSE {F.mse_loss(w * distance + b, reading):.2f} cm²")

# %% folded label="Draw both lines and their squared errors"
ends = torch.tensor([0.0, 9.0])
panels = []
for (w, b), name in [((0.3, 2.0), "a guess"), ((0.7, 0.9), "the best line")]:
    figure, ax = plot_axes(4.4, 4.2)
    s = w * distance + b
    for x0, s0, y0 in zip(distance.tolist(), s.tolist(), reading.tolist()):
        side = y0 - s0
        corner = (x0 - max(side, 0), min(s0, y0))  # above the line the square goes to the left, below it to the right
        ax.add_artist(plt.Rectangle(corner, abs(side), abs(side), fc=(COLOURS["loss"], 0.25), ec=COLOURS["loss"]))
    ax.plot(ends, w * ends + b, color=COLOURS["learned"], lw=2.5, label="line")
    ax.plot(distance, reading, "o", color=COLOURS["input"], label="reading")
    ax.plot([], [], "s", color=(COLOURS["loss"], 0.25), mec=COLOURS["loss"], ms=10, label="squared error")
    ax.set(xlim=(0, 9), ylim=(0, 8.5), aspect="equal", xlabel="distance (cm)", ylabel="reading (cm)")
    ax.set_title(f"{name}: s = {w} x + {b}\nMSE = {F.mse_loss(s, reading):.2f} cm²", fontsize=11)
    ax.legend(frameon=False, loc="upper left", fontsize=9)
    panels.append(picture(figure, f"Eight readings, {name}, and a square drawn on the error of each reading."))
alt = (
    "Two panels with the same eight sensor readings and a square drawn on the error of each. Left, the line"
    " s = 0.3 x + 2.0 leaves some large squares. Right, the line s = 0.7 x + 0.9 leaves only small ones, and"
    " the MSE, their average area, is far smaller."
)
display(Picture(f'<div style="display:flex;flex-wrap:wrap;gap:8px">{"".join(panels)}</div>', alt=alt))

# %% [markdown]
# Each error is the side of a square, and the MSE is the average *area*. Twice the error is four times the area, so a few large errors can
# outweigh many small ones.

# %% [markdown]
# ### Exercise: Mean squared error
#
# Write `mse(input, target)` with tensor arithmetic: the mean of the squared differences over all components.
#
# - Use none of torch's own losses: no `F.mse_loss`, no `nn.MSELoss`, nothing else whose name ends in "loss".
# - `input` and `target` are float tensors of the same shape and dtype, with any number of dimensions. They may be transposed or
#   strided views. The sum of the squares does not overflow that dtype. Neither is changed.
# - The result is a 0-d tensor of the same dtype. Gradients flow through it to both arguments.
#
# <details><summary>Hint 1: where to start</summary>
#
# Follow the picture: differences, squares, mean. Each step is one operation on the whole tensor.
#
# </details>
#
# <details><summary>Hint 2: the number of components</summary>
#
# `len(t)` and `t.shape[0]` count rows; `t.numel()` counts components. There is also a method that adds up and divides in one go.
#
# </details>


# %% exercise="mse" difficulty=1 minutes=4
def mse(input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The mean squared error.

    input, target: float tensors of any shape, the same for both.
    Returns: a 0-d tensor.
    """
    ### BEGIN SOLUTION
    return (input - target).square().mean()
    ### END SOLUTION


# %% check="mse" points=1
g = torch.Generator().manual_seed(11)


def attempt(x, y):
    """One call, watched; what it did to its arguments is looked at first."""
    kept = [x.detach().clone(), y.detach().clone()]
    with Watch(operations=False) as seen, forbidden():
        answer = mse(inplace(x), inplace(y))
    losses = [name for name in seen.functions if name.endswith("_loss")]
    if losses:
        require(False, "none of torch's own losses", f"Your code calls `{losses[0]}`: use tensor arithmetic instead.")
    if not (torch.equal(x, kept[0]) and torch.equal(y, kept[1])):
        advice = {
            "You wrote the differences into the input (-= or sub_): make a new tensor.": [kept[0] - kept[1], kept[1]]
        }
        what = f"input and target of shape {tuple(kept[0].shape)} are left as they were"
        expect([x.detach(), y.detach()], kept, what, mistakes=advice)
    if isinstance(answer, torch.Tensor) and answer.dtype != x.dtype:
        what = f"mse(x, y) of shape {tuple(x.shape)} and dtype {x.dtype} keeps the dtype"
        require(False, what, f"Yours is {answer.dtype}: no .float(), no dtype of your own.")
    return answer


x, y = (2 * torch.randn(3, 5, generator=g) for _ in range(2))
wanted, each = F.mse_loss(x, y), F.mse_loss(x, y, reduction="none")
expect(
    attempt(x, y),
    wanted,
    "mse(x, y) for x and y of shape (3, 5)",
    mistakes={
        "You divided by the number of rows. Divide by the number of components, 15.": wanted * 5,
        "You divided by the number of columns. Divide by the number of components, 15.": wanted * 3,
        "This is the sum of the squares: divide it by the number of components.": wanted * 15,
        "This is half the MSE: leave out the factor ½.": wanted / 2,
        "You took the absolute values: square the differences.": F.l1_loss(x, y),
        "You squared the mean. Square each difference first, then take the mean.": F.mse_loss(x.mean(), y.mean()),
        "You took a square root at the end (RMSE): leave it out.": wanted.sqrt(),
        "The differences are not squared.": x.mean() - y.mean(),
        "One number per row: take the mean over all dimensions.": each.mean(1),
        "One number per column: take the mean over all dimensions.": each.mean(0),
        "These are the squares: now take their mean.": each,
        "The value is right, but it is a Python number: return the tensor (no .item()).": wanted.item(),
    },
)


def try_level(level):
    """Large values that differ by little: nothing may cancel."""
    x, y = (level + torch.randn(4, 6, generator=g) for _ in range(2))
    expect(attempt(x, y), F.mse_loss(x, y), f"mse(x, y) for values near {level} that differ by about 1", rtol=1e-3)


def try_many(seed, largest):
    """Values and gradients for many shapes, layouts and dtypes."""
    g = torch.Generator().manual_seed(seed)
    dtypes = {torch.float32: 1e-5, torch.float64: 1e-12, torch.float16: 5e-3, torch.bfloat16: 5e-2}
    for k, (dtype, rtol) in enumerate(dtypes.items()):
        size = largest if dtype.itemsize > 2 else 60
        first, second = (unkind_inputs(g, dtypes=(dtype,), largest=size) for _ in range(2))
        answers, wanted = {}, {}
        for n, ((kind, x), (_, y)) in enumerate(zip(first, second)):
            # Each dtype but float32 meets a part of the inputs, and the largest.
            if x.numel() == 0 or (k and x.numel() < 1000 and (n + k + seed) % 4):
                continue
            kind = kind.replace("x of", "x and y of")
            answers[kind], wanted[kind] = attempt(x, y), F.mse_loss(x, y)
            y = torch.where(torch.rand(x.shape, generator=g) < 0.3, x, -y)  # other values, some of them equal to x
            wants = [(True, True), (True, False), (False, True)][n % 3]
            leaves = [leaf.detach().requires_grad_(want) for leaf, want in zip((x, y), wants)]
            names = [name for name, want in zip(("x", "y"), wants) if want]
            key, given = f"{kind}, gradient wanted for {' and '.join(names)}", leaves
            if (n + seed) % 2:
                key, given = f"{key}, made by another layer", [leaf.view_as(leaf) for leaf in leaves]
            answer, right = attempt(*given), F.mse_loss(*leaves)
            answers[key], wanted[key] = answer, right
            asked, grads = [leaf for leaf in leaves if leaf.requires_grad], [None]
            factor = [1, -3, 0.25][(n + seed) % 3]  # more arithmetic follows
            if isinstance(answer, torch.Tensor) and answer.requires_grad:
                grads = torch.autograd.grad(factor * answer, asked, allow_unused=True)
            if any(grad is None for grad in grads):
                advice = "A path back is cut: .data, .detach(), .item(), NumPy and torch.tensor(…) do that."
                require(False, f"gradients flow back ({key})", advice)
            for name, grad, known in zip(names, grads, torch.autograd.grad(factor * right, asked)):
                key_of = f"{key}: M · gradient of {factor} · mse(x, y) for {name}"
                answers[key_of], wanted[key_of] = x.numel() * grad, x.numel() * known
        what = f"values and gradients for {len(answers)} more cases in {str(dtype).removeprefix('torch.')}"
        expect(answers, wanted, what, rtol=rtol, atol=rtol)


try_level(1000)
try_many(12, 70_000)
### BEGIN HIDDEN TESTS
expect(attempt(torch.tensor([[3.0]]), torch.tensor([[0.0]])), torch.tensor(9.0), "mse of (3) and (0)")
x, y = torch.tensor([[3.0, 0, 0, 0]]), torch.zeros(1, 4)
expect(attempt(x, y), torch.tensor(2.25), "mse of (3, 0, 0, 0) and zeros")
try_level(-700)
try_many(13, 5_000)
### END HIDDEN TESTS

# %% [markdown]
# ## Absolute errors, and what to do with them
#
# `nn.L1Loss()` takes the absolute value of each difference where MSE takes the square:
#
# $$L_1(x, y) = \frac{1}{M} \sum_{m=1}^{M} |x_m - y_m| .$$
#
# The input is (1, 2, 3), the target (1, 2, 9).
#
# **Before you run it:** what does L1 give? And MSE?

# %% predict
x, y = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 2.0, 9.0])
print("L1: ", nn.L1Loss()(x, y).item())
print("MSE:", nn.MSELoss()(x, y).item())

# %% [markdown]
# <details><summary>Why?</summary>
#
# Two answers are right, one is 6 off: (0 + 0 + 6) / 3 = 2 and (0 + 0 + 36) / 3 = 12. The L1 loss has the unit of the data (cm here),
# MSE has that unit squared (cm²).
#
# </details>
#
# ### Three reductions
#
# Both losses first compute one number per component. `reduction` says what happens to these numbers.
#
# | `reduction` | result | shape |
# |---|---|---|
# | `"none"` | $\lvert x_m - y_m\rvert$, or its square, for each $m$ | that of the input |
# | `"sum"` | their sum | `()` |
# | `"mean"` (the default) | their sum divided by $M$ | `()` |

# %%
x = torch.tensor([[1.0, 2.0, 3.0], [5.0, 0.0, 4.0]])
y = torch.tensor([[1.0, 4.0, 8.0], [0.0, 0.0, 1.0]])
for reduction in ["none", "sum", "mean"]:
    print(f"{reduction:<5}", F.l1_loss(x, y, reduction=reduction).tolist())

# %% folded label="Draw the three reductions"
results = {reduction: F.l1_loss(x, y, reduction=reduction) for reduction in ["none", "sum", "mean"]}
draw_row(
    Grid(x, "input", "input", digits=0),
    "−",
    Grid(y, "target", "plain", digits=0),
    alt="A 2×3 input, 1, 2, 3 and 5, 0, 4, minus a 2×3 target, 1, 4, 8 and 0, 0, 1.",
)
draw_row(
    Grid(results["none"], "none", "loss", digits=0),
    "→",
    Grid(results["sum"], "sum", "loss", digits=0),
    "→",
    Grid(results["mean"], "mean", "loss", digits=1),
    alt="Reduction none gives the 2×3 absolute differences 0, 2, 5 and 5, 0, 3; sum gives the single number 15; mean gives 15 / 6 = 2.5.",
)

# %% [markdown]
# <details><summary>In older code</summary>
#
# `size_average=False` is today's `reduction="sum"`, `reduce=False` is today's `reduction="none"`, and `loss.data[0]` is today's `loss.item()`.
#
# </details>
#
# Which reduction should you train with? Suppose that you have 1, 10 or 100 copies of every sample.
#
# **Before you run it:** what happens to the gradient with `"mean"`, and with `"sum"`?

# %% predict
for copies in [1, 10, 100]:
    gradients = []
    for reduction in ["mean", "sum"]:
        w = torch.tensor(0.3, requires_grad=True)
        F.mse_loss(w * distance.repeat(copies) + 2.0, reading.repeat(copies), reduction=reduction).backward()
        gradients.append(w.grad.item())
    print(f"{8 * copies:4} samples:   mean {gradients[0]:6.2f}   sum {gradients[1]:9.2f}")

# %% [markdown]
# <details><summary>Why?</summary>
#
# A sum has one term per sample, so with `"sum"` the gradient grows with the number of samples, though copies add no information.
# You would have to lower the learning rate to match. With `"mean"` the size of the gradient does not depend on that number. That makes it a good default. `"none"` lets
# you weight the samples, or look at them one by one.
#
# </details>
#
# ### Exercise: L1 with its three reductions
#
# Write `l1(input, target, reduction="mean")`: the absolute differences, reduced as `reduction` says.
#
# - Use none of torch's own losses: no `F.l1_loss`, no `nn.L1Loss`, nothing else whose name ends in "loss".
# - `reduction="none"` gives a tensor of the input's shape, `"sum"` and `"mean"` give a 0-d tensor; the mean is over all components.
# - Any other string raises a `ValueError`: a typo must not go unnoticed.
# - `input` and `target` are float tensors of the same shape and dtype. They may be transposed or strided views. The sum of the
#   absolute differences does not overflow that dtype. Neither is changed.
# - The result has the dtype of the input. Gradients flow through it to both arguments, and are finite even where the two are equal:
#   any slope from −1 to 1 will do there.
#
# <details><summary>Hint 1: the plan</summary>
#
# All three begin with the same tensor. Compute it once, then decide what to return.
#
# </details>
#
# <details><summary>Hint 2: refusing a word</summary>
#
# After the three known cases, only unknown words reach the next line: `raise ValueError("...")`.
#
# </details>


# %% exercise="l1" difficulty=1 minutes=6
def l1(input: torch.Tensor, target: torch.Tensor, reduction: str = "mean") -> torch.Tensor:
    """The L1 loss.

    input, target: float tensors of any shape, the same for both. reduction: "none", "mean" or "sum".
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


def attempt(x, y, word=None, named=True):
    """One call, watched; what it did to its arguments is looked at first."""
    kept = [x.detach().clone(), y.detach().clone()]
    with Watch(operations=False) as seen, forbidden():
        if word is None:
            answer = l1(inplace(x), inplace(y))
        elif named:
            answer = l1(inplace(x), inplace(y), reduction=word)
        else:
            answer = l1(inplace(x), inplace(y), word)
    losses = [name for name in seen.functions if name.endswith("_loss")]
    if losses:
        require(False, "none of torch's own losses", f"Your code calls `{losses[0]}`: use tensor arithmetic instead.")
    if not (torch.equal(x, kept[0]) and torch.equal(y, kept[1])):
        what = (
            f"input and target of shape {tuple(kept[0].shape)} are left as they were (reduction {word or 'not given'})"
        )
        advice = {
            "You wrote the differences into the input (-= or sub_): make a new tensor.": [kept[0] - kept[1], kept[1]],
            "You wrote the absolute differences into the input: make a new tensor.": [
                F.l1_loss(*kept, reduction="none"),
                kept[1],
            ],
        }
        expect([x.detach(), y.detach()], kept, what, mistakes=advice)
    if isinstance(answer, torch.Tensor) and answer.dtype != x.dtype:
        what = f"l1(x, y) of shape {tuple(x.shape)} and dtype {x.dtype} keeps the dtype"
        require(False, what, f"Yours is {answer.dtype}: no .float(), no dtype of your own.")
    return answer


x, y = (2 * torch.randn(4, 3, generator=g) for _ in range(2))
each, total, mean = (F.l1_loss(x, y, reduction=word) for word in ("none", "sum", "mean"))
expect(
    attempt(x, y),
    mean,
    "l1(x, y) for shape (4, 3), no reduction given",
    mistakes={
        "You squared the differences: take their absolute values.": F.mse_loss(x, y),
        'This is the sum. The default is "mean".': total,
        "You divided by the number of rows. Divide by the number of components, 12.": total / 4,
        "The absolute values are missing: positive and negative differences cancel.": x.mean() - y.mean(),
        "You took the absolute value of the mean. Take it of each difference, before the mean.": F.l1_loss(
            x.mean(), y.mean()
        ),
        'Nothing was reduced. The default is "mean".': each,
        "One number per row: take the mean over all dimensions.": each.mean(1),
        "One number per column: take the mean over all dimensions.": each.mean(0),
        "The value is right, but it is a Python number: return the tensor (no .item()).": mean.item(),
    },
)
expect(
    attempt(x, y, "sum"),
    total,
    'l1(x, y, reduction="sum")',
    mistakes={
        "This is the mean: `reduction` makes no difference yet.": mean,
        "You took the absolute value of the sum. Take it of each difference.": F.l1_loss(x.sum(), y.sum()),
        "The absolute values are missing in the sum.": x.sum() - y.sum(),
        "One number per row: sum over all dimensions.": each.sum(1),
    },
)
try:
    answer = attempt(x, y, "none")
except ValueError:
    advice = 'Your code refuses the word "none", a string. It is not Python\'s None.'
    require(False, 'l1(x, y, reduction="none") returns the absolute differences', advice)
expect(
    answer,
    each,
    'l1(x, y, reduction="none")',
    mistakes={
        "The differences keep their signs: take absolute values.": x - y,
        'This is the mean: "none" keeps one number per component.': mean,
        'This is the sum: "none" keeps one number per component.': total,
        'One number per row: "none" keeps one number per component.': each.mean(1),
    },
)


def try_large(n, word):
    """Differences whose squares overflow float16."""
    x, y = ((300 * torch.randn(n, generator=g)).half() for _ in range(2))
    what = f'l1(x, y, reduction="{word}") for values of some hundreds in float16'
    expect(attempt(x, y, word), F.l1_loss(x, y, reduction=word), what, rtol=5e-3)


def try_many(seed, largest):
    """Values and gradients for each word and many shapes, layouts and dtypes."""
    g = torch.Generator().manual_seed(seed)
    dtypes = {torch.float32: 1e-5, torch.float64: 1e-12, torch.float16: 5e-3, torch.bfloat16: 5e-2}
    for k, (dtype, rtol) in enumerate(dtypes.items()):
        size = largest if dtype.itemsize > 2 else 60
        first, second = (unkind_inputs(g, dtypes=(dtype,), largest=size) for _ in range(2))
        answers, wanted = {}, {}
        for n, ((kind, x), (_, y)) in enumerate(zip(first, second)):
            # Each dtype but float32 meets a part of the inputs, and the largest.
            if x.numel() == 0 or (k and x.numel() < 1000 and (n + k + seed) % 4):
                continue
            near = torch.where(torch.rand(x.shape, generator=g) < 0.3, x, -y)  # other values, some of them equal to x
            words = ["none", "sum", "mean"]
            word = words[(n + seed) % 3]
            key = f'{kind.replace("x of", "x and y of")}, "{word}"'
            given = None if word == "mean" and n % 2 else word
            answers[key], wanted[key] = attempt(x, y, given, named=n % 4 < 2), F.l1_loss(x, y, reduction=word)
            word = words[(n + n // 3 + seed + 1) % 3]
            key = f'{kind.replace("x of", "x and y of")}, "{word}"'
            wants = [(True, True), (True, False), (False, True)][n // 2 % 3]
            leaves = [leaf.detach().requires_grad_(want) for leaf, want in zip((x, near), wants)]
            names = [name for name, want in zip(("x", "y"), wants) if want]
            key, given = f"{key}, gradient wanted for {' and '.join(names)}", leaves
            if (n + seed) % 4 < 2:
                key, given = f"{key}, made by another layer", [leaf.view_as(leaf) for leaf in leaves]
            answer, right = attempt(*given, word, named=n % 4 > 1), F.l1_loss(*leaves, reduction=word)
            answers[key], wanted[key] = answer, right
            asked, grads = [leaf for leaf in leaves if leaf.requires_grad], [None]
            scale = x.numel() if word == "mean" else 1
            if isinstance(answer, torch.Tensor) and answer.requires_grad:
                if answer.shape != right.shape:
                    expect(answer, right, f"l1 for {key}")
                arriving = torch.randn(right.shape, generator=g).to(dtype)
                grads = torch.autograd.grad(answer, asked, arriving, allow_unused=True)
            if any(grad is None for grad in grads):
                advice = "A path back is cut: .data, .detach(), .item(), NumPy and torch.tensor(…) do that."
                require(False, f"gradients flow back ({key})", advice)
            if any(not bool(grad.isfinite().all()) for grad in grads):
                advice = "The square root has an infinite gradient at 0: take the absolute value with `abs`."
                require(False, f"gradients are finite where x and y are equal ({key})", advice)
            for name, grad, known in zip(names, grads, torch.autograd.grad(right, asked, arriving)):
                grad, known = scale * grad, scale * known
                # At 0 anything between the two slopes will do.
                free = (x == near) & (grad.abs() <= 1.01 * arriving.abs())
                answers[f"{key}: gradient of {name}"] = torch.where(free, known, grad)
                wanted[f"{key}: gradient of {name}"] = known
        what = f"values and gradients for {len(answers)} more cases in {str(dtype).removeprefix('torch.')}"
        expect(answers, wanted, what, rtol=rtol, atol=rtol)


try_many(22, 70_000)
try_large(9, "mean")


def refuse(*words):
    x, y = (torch.randn(2, 3, generator=g) for _ in range(2))
    advice = "After the three known values, write `raise ValueError(...)`. Do not return anything."
    for word in words:
        try:
            l1(x, y, reduction=word)
        except ValueError:
            continue
        except Exception:  # expect_error says what it was
            pass
        what = f'l1(x, y, reduction="{word}") raises ValueError'
        expect_error(ValueError, lambda word=word: l1(x, y, reduction=word), what, advice)
        require(False, what, "It was raised in the second of two equal calls only.")
    require(True, f"other words raise ValueError: {', '.join(map(repr, words))}", advice)


refuse("average", "Mean", "SUM", "None", "max", "meann", "sums", "m", " sum", "mean ", "elementwise_mean", "")
### BEGIN HIDDEN TESTS
x, y = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 2.0, 9.0])
expect(attempt(x, y), torch.tensor(2.0), "l1 of (1, 2, 3) and (1, 2, 9)")
try_many(23, 5_000)
try_large(7, "none")
refuse("", "sum ", "non", "nones", "NONE", "min", "ean", "prod", "none ")
### END HIDDEN TESTS

# %% [markdown]
# ## One bad reading: MSE against L1
#
# At 7 cm the sensor's echo is lost, and it reports 0 instead of 6.6. Which line is best now? To see what each *loss* prefers,
# with no optimizer in between, we score every line on a fine grid of slopes and intercepts and keep the best one.

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
# **Before you run it:** how far down will the bad reading pull the line at 7 cm, under MSE and under L1? Guess in cm for each.

# %% predict
best = {}
for name, loss in {"MSE": F.mse_loss, "L1": F.l1_loss}.items():
    for case, target in {"clean": reading, "spoilt": spoilt}.items():
        w, b = best[name, case] = best_line(loss, target)
        print(f"{name:>3}, {case:<6} readings: s = {w:.2f} x + {b:.2f}   at 7 cm: {7 * w + b:.2f}")

# %% predict folded label="Draw the four lines"
figure, ax = plot_axes(3.4, 3.5)
errors = torch.linspace(-3, 3, 121)
ax.plot(errors, errors**2, color=COLOURS["loss"], lw=2.5, label="square (MSE)")
ax.plot(errors, errors.abs(), color=COLOURS["loss"], lw=2.5, ls="--", label="absolute (L1)")
ax.set(xlabel="error x − y (cm)", ylabel="loss of one component", title="how one error counts")
ax.legend(frameon=False, loc="upper center")
panels = [
    picture(figure, "The loss of one component against its error: the square is a parabola, the absolute value a V.")
]

ends = torch.tensor([0.0, 9.0])
for name in ["MSE", "L1"]:
    figure, ax = plot_axes(3.7, 3.5)
    w, b = best[name, "clean"]
    ax.plot(ends, w * ends + b, color=(COLOURS["learned"], 0.35), lw=7, label="best line, clean readings")
    w, b = best[name, "spoilt"]
    ax.plot(ends, w * ends + b, color=COLOURS["learned"], lw=2.2, label="best line, lost echo")
    ax.plot(distance, spoilt, "o", color=COLOURS["input"])
    ax.annotate("lost echo", (7, 0), (4.0, 0.35), arrowprops={"arrowstyle": "->", "color": INK}, color=INK, va="center")
    ax.set(xlabel="distance (cm)", ylabel="reading (cm)", title=f"best line under {name}", ylim=(-0.5, 9.4))
    ax.legend(frameon=False, loc="upper left", fontsize=9)
    panels.append(
        picture(figure, f"Eight readings, one of them 0, and the best line under {name} with and without it.")
    )
alt = (
    "Three panels. Left: the loss of one component against its error; the square rises ever more steeply, the absolute value"
    " is a V. Middle and right: eight readings, the one at 7 cm is 0. The best line under MSE is pulled down by it, far from"
    " the line found without it. The best line under L1 is the same with and without it."
)
display(Picture(f'<div style="display:flex;flex-wrap:wrap;gap:8px">{"".join(panels)}</div>', alt=alt))

# %% [markdown]
# <details><summary>Why?</summary>
#
# The bad reading is about 6 cm off. Under L1 it counts as much as six errors of 1 cm, under MSE as much as *thirty-six*.
# So the MSE line gives up the good readings to get closer to the bad one: at 7 cm it drops from 5.80 to 4.00.
#
# Here the L1 line does not move: three good readings, at 1, 4 and 8 cm, lie exactly on it and hold it. In general it moves a little.
#
# | | MSE | L1 |
# |---|---|---|
# | best constant for a set of numbers | their mean | their median |
# | a few gross errors in the data | pull hard | pull no harder than any other point |
#
# `nn.HuberLoss` combines the two: squares for small errors, absolute values for large ones.
#
# </details>
#
# ## The gradient: which way, and how hard
#
# Training uses a loss only through its gradient. Take the four answers (3, 0, 0, 0) again, with a target of zeros.
#
# **Before you run it:** what is the gradient of the MSE with respect to each of the four answers? And that of L1?

# %% predict
for name, loss in {"MSE": F.mse_loss, "L1": F.l1_loss}.items():
    x = torch.tensor([[3.0, 0.0, 0.0, 0.0]], requires_grad=True)
    loss(x, torch.zeros(1, 4)).backward()
    print(f"{name:>3}: {x.grad}")

# %% [markdown]
# <details><summary>Why?</summary>
#
# Only one term of the sum contains $x_m$. So
#
# $$\frac{\partial L}{\partial x_m} = \frac{2}{M}\,(x_m - y_m) \quad\text{(MSE)}, \qquad
# \frac{\partial L_1}{\partial x_m} = \frac{1}{M}\,\mathrm{sign}(x_m - y_m) \quad\text{(L1)}.$$
#
# For $x_1 = 3$ that is $\frac{2}{4} \cdot 3 = 1.5$ and $\frac{1}{4} = 0.25$. The gradient of MSE is proportional to the error. The gradient of L1
# knows only its sign, which is why the lost echo pulled no harder than any other point. (At an error of 0, L1 has no derivative; PyTorch uses 0.)
#
# Near an error of 0 the gradient of MSE shrinks, so the last steps are small. That of L1 keeps its size, so you have to make the steps
# smaller yourself.
#
# </details>
#
# ### Does the target get a gradient, too?
#
# A target is usually data, and nobody wants to change data. But a target can also come out of another network.
#
# **Before you run it:** the second call gets `y.detach()`. What is `y.grad` after each of the two calls?

# %% predict
x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
y = torch.tensor([1.0, 2.0, 9.0], requires_grad=True)
F.mse_loss(x, y).backward()
print("gradient of the input: ", x.grad)
print("gradient of the target:", y.grad)

x.grad, y.grad = None, None  # forget the first call
F.mse_loss(x, y.detach()).backward()
print("with target.detach():  ", y.grad)

# %% [markdown]
# <details><summary>Why?</summary>
#
# A loss does not know which of its arguments you want to train. The gradient flows to both, with opposite signs: here a step of gradient descent
# raises the third input towards its target, and lowers the target towards the input.
#
# If only the input should move, pass `target.detach()`. The second `y.grad` is `None`: `y.detach()` has the same values, but it is cut off
# from `y`, so no gradient reaches `y`.
#
# </details>
#
# ### Exercise: The gradient of MSE by hand
#
# Write `mse_gradients(input, target, reduction="mean")`. It returns a tuple of two tensors: the gradient of the MSE loss with respect to
# `input`, and the gradient with respect to `target`.
#
# - Use the formula. Do not let PyTorch differentiate: no `backward`, no `torch.autograd`, no `torch.func`, none of torch's own
#   losses, such as `F.mse_loss`, and none of their derivatives, such as `torch.ops.aten.mse_loss_backward`.
# - `reduction` is `"mean"` or `"sum"`; no other value will be passed.
# - `input` and `target` are float tensors of the same shape and dtype. They may be transposed or strided views. Neither is
#   changed. Both results have the shape and dtype of `input`.
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
# gradients that you printed above.
#
# </details>


# %% exercise="mse_gradients" difficulty=2 minutes=8
def mse_gradients(
    input: torch.Tensor, target: torch.Tensor, reduction: str = "mean"
) -> tuple[torch.Tensor, torch.Tensor]:
    """The gradients of the MSE loss.

    input, target: float tensors of any shape, the same for both. reduction: "mean" or "sum".
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


def attempt(x, y, word=None, named=True):
    """One call, without autograd; what it did to its arguments is looked at first."""
    kept = [x.detach().clone(), y.detach().clone()]
    with Watch(operations=False) as seen, forbidden():
        if word is None:
            answer = mse_gradients(inplace(x), inplace(y))
        elif named:
            answer = mse_gradients(inplace(x), inplace(y), reduction=word)
        else:
            answer = mse_gradients(inplace(x), inplace(y), word)
    used = [name for name in seen.functions if name in ("grad", "grad_fn", "_make_dual") or name.endswith("backward")]
    if used:
        advice = f"Your code lets PyTorch differentiate (`{used[0]}` was called): use the formula."
        require(False, "the formula, not autograd", advice)
    losses = [name for name in seen.functions if name.endswith("_loss")]
    if losses:
        require(False, "none of torch's own losses", f"Your code calls `{losses[0]}`: use the formula.")
    if not (torch.equal(x, kept[0]) and torch.equal(y, kept[1])):
        spoilt, _ = by_autograd(*kept, word or "mean")
        what = (
            f"input and target of shape {tuple(kept[0].shape)} are left as they were (reduction {word or 'not given'})"
        )
        advice = {
            "You wrote the gradient into the input (-=, *= or the like): make a new tensor.": [spoilt, kept[1]],
            "You wrote the differences into the input (-= or sub_): make a new tensor.": [kept[0] - kept[1], kept[1]],
        }
        expect([x.detach(), y.detach()], kept, what, mistakes=advice)
    dtypes = [part.dtype for part in answer if isinstance(part, torch.Tensor)] if isinstance(answer, tuple) else []
    if any(dtype != x.dtype for dtype in dtypes):
        what = f"both results for shape {tuple(x.shape)} and dtype {x.dtype} keep the dtype"
        require(False, what, f"Yours are {dtypes}: no .float(), no dtype of your own.")
    return answer


def by_autograd(x, y, word):
    """The two gradients that autograd finds; in float64, then rounded."""
    leaves = [t.detach().double().clone().requires_grad_() for t in (x, y)]
    return tuple(t.to(x.dtype) for t in torch.autograd.grad(F.mse_loss(*leaves, reduction=word), leaves))


x, y = (2 * torch.randn(3, 4, generator=g) for _ in range(2))
mine, theirs = by_autograd(x, y, "mean")
nothing = torch.zeros(3, 4)
squares = F.mse_loss(x, y, reduction="none") / 12
signs = mine.sign() / 12
expect(
    attempt(x, y),
    (mine, theirs),
    "mse_gradients(x, y) for shape (3, 4), no reduction given",
    mistakes={
        "The division by the number of components, 12, is missing: the loss is a mean.": (mine * 12, theirs * 12),
        "The factor 2 is missing: the derivative of a square u² is 2u.": (mine / 2, theirs / 2),
        "You divided by the number of rows, 3. Divide by the number of components, 12.": (mine * 4, theirs * 4),
        "Both signs are wrong. Where the input is too large, its gradient is positive.": (theirs, mine),
        "The target's gradient has the wrong sign: the target is subtracted.": (mine, mine),
        "The first result equals the second. Is it one tensor, whose sign you changed in place?": (theirs, theirs),
        "The target gets a gradient, too.": (mine, nothing),
        "The target gets a gradient, too, and the factor 2 is missing.": (mine / 2, nothing),
        "This is the gradient of the absolute values (L1), not of the squares.": (signs, -signs),
        "These are the squares, divided by their number: differentiate them.": (squares, -squares),
        "A gradient has one number per component: do not take the mean of it.": (12 * mine.mean(), 12 * theirs.mean()),
        "You returned one tensor: return a tuple of two, the second one for the target.": mine,
        "You returned a list: return a tuple, as in `return a, b`.": [mine, theirs],
        "You stacked the two into one tensor: return a tuple, as in `return a, b`.": torch.stack([mine, theirs]),
    },
)
expect(
    attempt(x, y, "sum"),
    by_autograd(x, y, "sum"),
    'mse_gradients(x, y, reduction="sum")',
    mistakes={
        'Your code ignores `reduction`: with "sum" nothing is divided.': (mine, theirs),
        "The factor 2 is missing with the sum: the derivative of a square u² is 2u.": (mine * 6, theirs * 6),
    },
)


def try_many(seed, largest):
    """Both words, many shapes, layouts and dtypes, also with arguments that want a gradient themselves."""
    g = torch.Generator().manual_seed(seed)
    dtypes = {torch.float32: 1e-5, torch.float64: 1e-12, torch.float16: 5e-3, torch.bfloat16: 5e-2}
    for k, (dtype, rtol) in enumerate(dtypes.items()):
        first, second = (unkind_inputs(g, dtypes=(dtype,), largest=largest) for _ in range(2))
        answers, wanted = {}, {}
        for n, ((kind, x), (_, y)) in enumerate(zip(first, second)):
            # Each dtype but float32 meets a part of the inputs, and the largest.
            if x.numel() == 0 or (k and x.numel() < 1000 and (n + k + seed) % 4):
                continue
            word, other = ("mean", "sum") if (n + seed) % 2 else ("sum", "mean")
            key = f'{kind.replace("x of", "x and y of")}, "{word}"'
            given = None if word == "mean" and n % 4 < 2 else word
            answers[key], wanted[key] = attempt(x, y, given, named=n % 3 == 0), by_autograd(x, y, word)
            key = f'{kind.replace("x of", "x and y of")}, "{other}", other values, x requires a gradient'
            z, leaf = torch.where(x > 0, x, 1 - y), x.detach().requires_grad_()
            answers[key], wanted[key] = attempt(leaf, z, other, named=n % 3 != 0), by_autograd(x, z, other)
        what = f"mse_gradients for {len(answers)} more cases in {str(dtype).removeprefix('torch.')}"
        expect(answers, wanted, what, rtol=rtol, atol=1e-5 if dtype.itemsize == 2 else 1e-13)


try_many(32, 70_000)
### BEGIN HIDDEN TESTS
try_many(33, 80_000)
for word in ["mean", "sum"]:
    x, y = (torch.randn(2, 6, generator=g) for _ in range(2))
    expect(attempt(x, y, word), by_autograd(x, y, word), f'mse_gradients(x, y, reduction="{word}") for shape (2, 6)')
### END HIDDEN TESTS

# %% [markdown]
# ## A perfect model, and its loss
#
# `nn.Linear(1, 1)` gives outputs of shape $N \times 1$. Data often come as a plain vector of shape $(N,)$. Here is a model that
# is exactly right on all four samples.
#
# **Before you run it:** what will be printed?

# %% predict
output = torch.tensor([[1.0], [2.0], [3.0], [4.0]])  # (4, 1)
target = torch.tensor([1.0, 2.0, 3.0, 4.0])  # (4,)
print("loss:", F.mse_loss(output, target))

# %% predict folded label="Draw what was subtracted from what"
pairs = (output - target) ** 2
figure, ax = plt.subplots(figsize=(7.6, 2.9))
figure.subplots_adjust(0, 0, 1, 1)
draw_grid(ax, Grid(output, "output", "output", digits=0), 0.4, 0)
ax.text(2.4, 2, "−", fontsize=17, ha="center", va="center", color=INK)
draw_grid(ax, Grid(target, "target", "plain", digits=0), 3.4, 1.5)
ax.text(8.4, 2, "→", fontsize=17, ha="center", va="center", color=INK)
draw_grid(ax, Grid(pairs, "squares", "loss", digits=0), 9.4, 0)
for i in range(4):
    ax.add_artist(plt.Rectangle((9.46 + i, i + 0.06), 0.88, 0.88, fill=False, ec=INK, lw=2.6))
ax.text(11.4, 4.25, "framed: the four intended pairs", fontsize=9.5, ha="center", va="top", color=INK)
ax.text(14.4, 2, "→", fontsize=17, ha="center", va="center", color=INK)
draw_grid(ax, Grid(pairs.mean(), "mean", "loss", digits=1), 15.4, 1.5)
ax.set(xlim=(0, 17), ylim=(4.9, -1.4), aspect="equal")
ax.axis("off")
show(
    figure,
    alt="A column of outputs 1 to 4, of shape 4×1, minus a row of targets 1 to 4, of shape 4, gives a 4×4 table of squares."
    " Its diagonal, framed, is 0: the four intended pairs. The other cells are 1, 4 or 9, and the mean of all 16 is 2.5.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# The model is perfect, and the loss is 2.5. PyTorch broadcasts $(4, 1)$ against $(4,)$ to $4 \times 4$: *every* output is
# compared with *every* target, though you meant only the diagonal. All you get is a **warning**, and Python shows a warning from the same line
# only once. In a long log it is easily missed.
#
# </details>
#
# What does that do to training? Fit the line to the clean readings twice, with targets of two different shapes.
#
# **Before you run it:** sketch the two lines that the fits will find.


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


first = fit_line(reading)  # target of shape (8,)
second = fit_line(reading[:, None])  # target of shape (8, 1)
for name, (w, b, loss) in {"target (8,)": first, "target (8, 1)": second}.items():
    print(f"{name:<13}  s = {w:.2f} x + {b:.2f}   loss {loss:.2f}")

# %% predict folded label="Draw both fits"
figure, ax = plot_axes(6.4, 3.3)
for (w, b, _), style, name in [
    (second, "-", "fit, target of shape (8, 1)"),
    (first, "--", "fit, target of shape (8,)"),
]:
    ax.plot(ends, w * ends + b, style, color=COLOURS["learned"], lw=2.5, label=name)
ax.axhline(reading.mean(), color=INK, lw=1.2, ls=":", label=f"mean of the readings, {reading.mean():.2f}")
ax.plot(distance, reading, "o", color=COLOURS["input"], label="readings")
ax.set(xlabel="distance (cm)", ylabel="reading (cm)", ylim=(0, 10))
ax.legend(frameon=False, loc="upper left", fontsize=9)
show(
    figure,
    alt="Eight readings that rise with the distance. The line fitted with a target of shape (8, 1) follows them. The line"
    " fitted with a target of shape (8,) is flat, at the mean of the readings, 4.05.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# If every output is compared with every target, the best that *each* output can be is the mean of all targets. The line is flat, the
# loss has gone down, nothing has crashed, and the model has learned nothing about $x$.
#
# </details>
#
# There are two ways out: make the target a column, `target[:, None]` (or `target.unsqueeze(1)`), or make the output a vector,
# `output.squeeze(1)`. A plain `squeeze()` removes *every* dimension of size 1, even the batch dimension when the batch holds a single sample.

# %% [markdown]
# ### Exercise: A loss that pairs its samples
#
# Write `paired_mse(output, target)` for models with one output. Sample $n$ of `output` is compared with sample $n$ of `target`, and with no other.
#
# - `output` has shape $(N, 1)$ or $(N,)$; `target` has either shape, too, whatever the shape of `output`. All four combinations must work,
#   for $N = 1$ too.
# - Both have the same float dtype, and need not be contiguous. The sum of the squares does not overflow that dtype. Neither is
#   changed.
# - The result is the mean of the $N$ squares, a 0-d tensor of the same dtype. Gradients flow through it to both arguments.
# - If the two do not have the same number of samples, raise a `ValueError`. That includes 1 sample against 5 and 1 against none: both would
#   broadcast. When the two agree, $N$ is between 1 and 2000.
#
# You may use `F.mse_loss`.
#
# <details><summary>Hint 1: four cases or one?</summary>
#
# First bring both tensors to the same kind of shape. Then only one case is left.
#
# </details>
#
# <details><summary>Hint 2: the same kind of shape</summary>
#
# `t.reshape(-1)` turns $(N, 1)$ into a vector and leaves $(N,)$ as it is. `t.reshape(-1, 1)` turns either into a column.
#
# </details>
#
# <details><summary>Hint 3: raising the error</summary>
#
# Compare the two numbers of samples *before* you subtract. Once the subtraction has broadcast, it is too late.
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


def attempt(output, target):
    """One call; what it did to its arguments is looked at first."""
    kept = [output.detach().clone(), target.detach().clone()]
    shapes = f"{tuple(output.shape)} and {tuple(target.shape)}"
    try:
        answer = paired_mse(inplace(output), inplace(target))
    except (TypeError, IndexError) as error:
        advice = {
            "len() of a 0-d": "`squeeze()` without a dimension also removes the batch dimension when N = 1.",
            "Dimension out of": "A tensor of shape (N,) has no dimension 1: look at `dim()` first, or use `reshape`.",
        }
        known = [text for start, text in advice.items() if str(error).startswith(start)]
        if not known:
            raise
        require(False, f"paired_mse for shapes {shapes}", f"{type(error).__name__}: {error}. {known[0]}")
    except ValueError as error:
        advice = f"Your code raises a ValueError ({error}), but both hold {len(output)} samples and must work."
        require(False, f"paired_mse for shapes {shapes}", advice)
    if not (torch.equal(output, kept[0]) and torch.equal(target, kept[1])):
        require(
            output.shape == kept[0].shape and target.shape == kept[1].shape,
            f"output and target of shapes {shapes} keep their shapes",
            "You changed a shape in place (squeeze_, unsqueeze_, resize_): make a new view instead.",
        )
        what = f"output and target of shapes {shapes} keep their values"
        expect([output.detach(), target.detach()], kept, what)
    if isinstance(answer, torch.Tensor) and answer.dtype != output.dtype:
        what = f"paired_mse(output, target) of shapes {shapes} and dtype {output.dtype} keeps the dtype"
        require(False, what, f"Yours is {answer.dtype}: no .float(), no dtype of your own.")
    return answer


def combinations(a, b):
    """All combinations of column and vector."""
    return [(a[:, None], b), (a, b), (a, b[:, None]), (a[:, None], b[:, None])]


a, b = (2 * torch.randn(5, generator=g) for _ in range(2))
wanted, each = F.mse_loss(a, b), F.mse_loss(a, b, reduction="none")
crossed = torch.tensor([[F.mse_loss(p, q) for q in b] for p in a])  # every output with every target
for outputs, targets in combinations(a, b):
    expect(
        attempt(outputs, targets),
        wanted,
        f"paired_mse for an output of shape {tuple(outputs.shape)} and a target of shape {tuple(targets.shape)}",
        mistakes={
            "Your two tensors have different shapes and broadcast to N×N: give both the same shape first.": crossed.mean(),
            "Your two tensors have different shapes and broadcast to N×N, and you took the sum.": crossed.sum(),
            "Your two tensors have different shapes and broadcast to N×N: dividing by N is no help.": crossed.sum() / 5,
            "This is the sum: take the mean over the N samples.": wanted * 5,
            "One number per sample: take their mean.": each,
            "One number per sample, in a column: take their mean.": each[:, None],
            "The value is right, but it is a Python number: return the tensor (no .item()).": wanted.item(),
        },
    )


def try_many(seed, sizes):
    """Values and gradients of all four combinations for several numbers of samples, layouts and dtypes."""
    g = torch.Generator().manual_seed(seed)
    dtypes = {torch.float32: 1e-5, torch.float64: 1e-12, torch.float16: 5e-3, torch.bfloat16: 5e-2}
    for k, (dtype, rtol) in enumerate(dtypes.items()):
        answers, wanted = {}, {}
        for turn, (n, i) in enumerate((n, i) for n in (sizes if k < 2 else sizes[:3]) for i in range(4)):
            if k and (turn + k + seed) % 3:  # each other dtype meets a part of the combinations
                continue
            layout = ["", ", every second one of a larger tensor", ", one value expanded"][(turn + turn // 12) % 3]
            a, b = (torch.randn(2 * n, generator=g, dtype=torch.float64).to(dtype) for _ in range(2))
            a, b = {"": (a[:n], b[n:])}.get(layout, (a[::2], b[1::2]))
            if "expanded" in layout:
                a = a[:1].expand(n)
            elif layout and dtype.itemsize > 2:  # large errors
                a, b = 1e4 * a, 1e4 * b
            outputs, targets = combinations(a, b)[i]
            for wants in [[(False, False), (True, False), (False, True)][(turn + turn // 3) % 3], (True, True)]:
                leaves = [leaf.detach().requires_grad_(want) for leaf, want in zip((outputs, targets), wants)]
                names = [name for name, want in zip(("output", "target"), wants) if want]
                shapes = f"{tuple(outputs.shape)} and {tuple(targets.shape)}"
                key = f"{shapes}{layout}, gradient wanted for {' and '.join(names) or 'neither'}"
                given = leaves
                if wants == (True, True) and (turn + n) % 2:
                    key, given = f"{key}, made by another layer", [leaf.view_as(leaf) for leaf in leaves]
                answer, right = attempt(*given), F.mse_loss(*(leaf.reshape(n) for leaf in leaves))
                answers[key], wanted[key] = answer, right
                asked, grads = [leaf for leaf in leaves if leaf.requires_grad], [None] * len(names)
                factor = [1, -3, 0.25][i % 3]  # more arithmetic follows
                if asked and isinstance(answer, torch.Tensor) and answer.requires_grad:
                    grads = torch.autograd.grad(factor * answer, asked, allow_unused=True)
                if any(grad is None for grad in grads):
                    advice = "A path back is cut: .data, .detach(), .item(), NumPy and torch.tensor(…) do that."
                    require(False, f"gradients flow back to output and target ({key})", advice)
                known = torch.autograd.grad(factor * right, asked) if asked else []
                for name, mine, theirs in zip(names, grads, known):
                    key_of = f"{key}: N · gradient of {factor} · loss for {name}"
                    answers[key_of], wanted[key_of] = n * mine, n * theirs
        what = f"values and gradients for {len(answers)} more cases in {str(dtype).removeprefix('torch.')}"
        expect(answers, wanted, what, rtol=rtol, atol=rtol)


try_many(42, [1, 2, 5, 8, 300])


def refuse(*sizes):
    """Different numbers of samples, columns and vectors."""
    advice = (
        "Compare the two numbers of samples and write `raise ValueError(...)` yourself. PyTorch raises nothing for 1 against"
        " 5, and a RuntimeError otherwise; `assert` raises an AssertionError."
    )
    for n, m in sizes:
        pairs = combinations(torch.randn(n, generator=g), torch.randn(m, generator=g))
        for outputs, targets in pairs if 1 in (n, m) else pairs[(n + m) % 2 :: 2]:
            try:
                paired_mse(outputs, targets)
            except ValueError:
                continue
            except Exception:  # expect_error says what it was
                pass
            what = f"shapes {tuple(outputs.shape)} and {tuple(targets.shape)} raise ValueError"
            expect_error(
                ValueError, lambda outputs=outputs, targets=targets: paired_mse(outputs, targets), what, advice
            )
            require(False, what, "It was raised in the second of two equal calls only.")
    numbers = ", ".join(f"{n} and {m}" for n, m in sizes)
    require(True, f"different numbers of samples raise ValueError: {numbers}", advice)


refuse((5, 4), (1, 5), (5, 1), (2, 4), (6, 3), (0, 1), (1, 0), (0, 2), (3, 0))
### BEGIN HIDDEN TESTS
try_many(43, [1, 3, 7, 6, 1100])
refuse((2, 6), (1, 6), (6, 1), (6, 3), (3, 6), (6, 5), (0, 4), (2, 0), (1, 0), (0, 1), (300, 200), (2000, 1))
### END HIDDEN TESTS

# %% [markdown]
# ## Which digit is it?
#
# Now for **classification**, where the answer is one of several classes: which digit is written in an image of 8×8 pixels? Scale the pixels to 0…1,
# and hold out every fifth image, to see how the model does on images that it was not trained on.

# %%
images, labels = load_digits()
images = images / 16  # 0 … 16 becomes 0 … 1
held_out = torch.arange(len(images)) % 5 == 4

x_train, y_train = images[~held_out].flatten(1), labels[~held_out]
x_test, y_test = images[held_out].flatten(1), labels[held_out]
print("images:  ", tuple(images.shape), "from", images.min().item(), "to", images.max().item())
print("training:", tuple(x_train.shape), "labels", tuple(y_train.shape))
print("held out:", tuple(x_test.shape), "labels", tuple(y_test.shape))

# %% folded label="Draw one image of each digit"
draw_images(
    [images[labels == digit][0] for digit in range(10)],
    [f"label {digit}" for digit in range(10)],
    columns=5,
    cell=0.95,
    alt="Ten small images of 8×8 pixels, one for each of the handwritten digits 0 to 9, with its label above.",
)

# %% [markdown]
# The obvious idea: one output, trained by MSE to be the label itself (as a float, and with matching shapes), then rounded.
#
# **Before you run it:** guessing gets about 10 % right. How far will this get: 25 %, 60 % or 90 %?

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
print(f"right: {(rounded == y_test).float().mean():.0%} of the held-out images")

# %% [markdown]
# <details><summary>Why?</summary>
#
# Only 25 %. To count as right, the output must land within 0.5 of the label, and a linear function of the pixels rarely gets that close.
# As a *number*, 3 is between 2 and 4, and mistaking an 8 for a 9 is a smaller error than mistaking a 1 for a 7.
# As *shapes*, digits have no such order. A class is not a number.
#
# </details>
#
# ### Targets of ±1
#
# Another way is to give each class an output of its own. With $N$ samples and $C$ classes the target is a matrix
# $z \in \mathbb{R}^{N \times C}$ with 1 in the column of the right class and −1 everywhere else:
#
# $$z_{n,m} = \begin{cases} 1 & \text{if } m = y_n \\ -1 & \text{otherwise.} \end{cases}$$
#
# An example: $N = 5$ samples of the classes 2, 1, 1, 3, 2, **counted from 1** as in mathematics. Python and PyTorch **count from 0**, so
# subtract 1 first. Here is the definition, cell by cell:

# %%
y = torch.tensor([2, 1, 1, 3, 2]) - 1  # counted from 0: 1, 0, 0, 2, 1
z = torch.empty(5, 3)
for n in range(5):
    for m in range(3):
        z[n, m] = 1.0 if m == y[n] else -1.0
print(z)

# %% folded label="Draw the classes and their targets"
figure, ax = plt.subplots(figsize=(4.6, 3.6))
figure.subplots_adjust(0, 0, 1, 1)
column = Grid(y[:, None], "class y", "plain", digits=0)
column.shape = tuple(y.shape)  # drawn upright, but it is a vector
draw_grid(ax, column, 0.6, 0)
ax.text(2.6, 2.5, "→", fontsize=17, ha="center", va="center", color=INK)
for n in range(5):
    for m in range(3):
        right = z[n, m] > 0
        face = "#5F646D" if right else "white"
        ax.add_artist(plt.Rectangle((3.8 + m, n), 1, 1, fc=face, ec=INK, lw=0.8))
        style = {"color": "white", "weight": "bold"} if right else {"color": INK}
        ax.text(4.3 + m, n + 0.5, "+1" if right else "−1", ha="center", va="center", fontsize=11, **style)
ax.add_artist(plt.Rectangle((3.8, 0), 3, 5, fill=False, ec=COLOURS["plain"], lw=2.2))
ax.text(5.3, -0.62, "target z", ha="center", va="bottom", fontsize=11, color=COLOURS["plain"], weight="bold")
ax.text(5.3, -0.16, "5×3", ha="center", va="bottom", fontsize=9, color=INK)
for m in range(3):
    ax.text(4.3 + m, 5.15, f"class {m}", ha="center", va="top", fontsize=8.5, color=INK)
ax.set(xlim=(0, 7.3), ylim=(5.7, -1.3), aspect="equal")
ax.axis("off")
show(
    figure,
    alt="Five classes, counted from 0: 1, 0, 0, 2, 1. Beside each a row of three targets: plus 1, on a dark cell, in the"
    " column of the class, minus 1, on white cells, in the two other columns.",
)

# %% [markdown]
# ### Exercise: Targets of plus and minus one
#
# Write `signed_targets(labels, num_classes)` with operations on whole tensors, none of them inside a `for` or a comprehension:
# your code makes the same number of torch calls for 1 label and for 100,000, for 1 class and for 3000. The labels stay a tensor, too: no
# `tolist`, no `numpy`.
#
# - `labels` has shape $(N,)$, $N \ge 1$, and dtype int64. The classes are counted from 0; there may be a single one, or thousands. `labels` is not changed.
# - The result has shape $(N, C)$ with $C$ = `num_classes`, even if some class does not occur in `labels`.
# - Its values are 1 and −1, its dtype is float32, like that of the scores it will be compared with.
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
# Another way is to start with a matrix filled with −1. Then `z[rows, columns] = 1` with two index vectors of length $N$ writes one entry per row.
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
g = torch.Generator().manual_seed(51)
PYTHON = ("tolist", "numpy", "array", "dlpack", "storage", "data_ptr", "reduce_ex", "repr", "format")


def attempt(labels, num_classes):
    """One call, watched; what it did to the labels is looked at first. Returns the result and the number of calls."""
    kept, what = labels.clone(), f"signed_targets of {len(labels)} labels with {num_classes} classes"
    with Watch(operations=False) as seen, forbidden():
        try:
            answer = signed_targets(inplace(labels), num_classes)
        except RuntimeError as error:
            if "must match the size" not in str(error):
                raise
            advice = f"{error}. To compare every label with every class, make the labels a column: labels[:, None]."
            require(False, what, advice)
    left = [name for name in seen.functions if any(part in name for part in PYTHON)]
    if left:
        require(False, "the labels stay a tensor", f"Your code calls `{left[0]}`: work on whole tensors instead.")
    if not torch.equal(labels, kept):
        require(False, "the labels are left as they were", "Your code changes them in place: make a new tensor.")
    return answer, len(seen.functions)


def matrix(labels, num_classes, on=1.0, off=-1.0):
    """The definition, cell by cell."""
    return torch.tensor([[on if m == label else off for m in range(num_classes)] for label in labels.tolist()])


classes = torch.tensor([1, 0, 0, 2, 1])
expect(
    attempt(classes, 3)[0],
    torch.tensor([[-1.0, 1, -1], [1, -1, -1], [1, -1, -1], [-1, -1, 1], [-1, 1, -1]]),
    "signed_targets of the labels 1, 0, 0, 2, 1 with 3 classes",
    mistakes={
        "You gave 1 and 0: the right class gets 1, and the other classes get −1, not 0.": matrix(classes, 3, off=0.0),
        "You gave True and False: the values are 1.0 and −1.0.": matrix(classes, 3, on=True, off=False),
        "Plus and minus are swapped: the right class gets 1.": matrix(classes, 3, on=-1.0, off=1.0),
        "The labels count from 0 already: do not subtract 1.": matrix((classes - 1) % 3, 3),
        "The columns count from 0, as the labels do: torch.arange(num_classes).": matrix(classes - 1, 3),
        "Rows and columns are swapped: one row per sample, one column per class.": matrix(classes, 3).t(),
        "The values are right, the dtype is not: make it float32, the dtype of the scores.": matrix(
            classes, 3, on=1, off=-1
        ),
        "The values are right, the dtype is not: float32 is asked for, not float64.": matrix(classes, 3).double(),
        "Whole columns became 1: index with a vector of rows, torch.arange(N), not with a colon.": torch.ones(5, 3),
    },
)
classes = torch.randint(1, 5, (14,), generator=g)[::2]  # the classes 0 and 5 to 7 do not occur
seen_classes = int(classes.max()) + 1
expect(
    attempt(classes, 8)[0],
    matrix(classes, 8),
    f"signed_targets of the labels {classes.tolist()} with 8 classes",
    mistakes={
        "Columns are missing: take their number from num_classes, not from the labels.": matrix(classes, seen_classes)
    },
)


def try_many(seed, *sizes):
    """Few and many labels, few and many classes, several layouts; the number of calls must always be the same."""
    g = torch.Generator().manual_seed(seed)
    answers, wanted, counts = {}, {}, {}
    for n, c in sizes:
        drawn = torch.randint(0, c, (2 * n,), generator=g)
        drawn[0], drawn[-2] = c - 1, (c - 1) % 256  # apart by a multiple of 256, if there are that many classes
        layouts = {"": drawn[:n].clone(), ", every second one of a longer vector": drawn[::2]}
        for kind, classes in layouts.items():
            kind = f"N = {n}{kind}, C = {c}"
            answers[kind], counts[kind] = attempt(classes, c)
            wanted[kind] = torch.full((n, c), -1.0).index_put_((torch.arange(n), classes), torch.ones(()))
    classes = torch.tensor([c - 1]).expand(3)
    answers["3 equal labels, expanded"], _ = attempt(classes, c)
    wanted["3 equal labels, expanded"] = matrix(classes, c)
    expect(answers, wanted, f"signed_targets for {len(answers)} more cases")
    few, many = (pick(counts, key=counts.get) for pick in (min, max))
    advice = f"Your code calls torch {counts[few]} times for {few}, {counts[many]} times for {many}. It must be equally often."
    require(counts[few] == counts[many], "no loop over samples or classes: always the same number of calls", advice)
    advice = f"Your code calls torch {counts[many]} times, whatever the number of labels and classes. A few calls are enough."
    require(counts[many] < 40, "no loop of a fixed length", advice)


try_many(52, (1, 4), (2, 2), (6, 4), (600, 4), (6, 40), (5, 3000), (4, 1), (5000, 3))
try_many(54, (1, 3), (100_000, 2))
### BEGIN HIDDEN TESTS
try_many(53, (1, 2), (3, 3), (31, 10), (310, 10), (31, 70), (7, 2600), (3, 1), (9000, 5))
try_many(55, (2, 2), (90_000, 3))
### END HIDDEN TESTS

# %% [markdown]
# ## From ten outputs to one answer
#
# The way back: a model gives one number per class, its **scores**, and its answer is the class with the **largest** score. `argmax` finds it.
#
# **Before you run it:** which class does the model choose for each of the four samples?

# %% predict
output = torch.tensor(
    [[-0.7, 0.4, -0.9], [-0.2, -0.6, -0.5], [0.3, 0.1, 0.6], [0.8, 0.2, -1.3]]
)  # 4 samples, 3 classes
answers = output.argmax(dim=1)
print("answers:", answers)

# %% predict folded label="Draw the scores and the winners"
figure, ax = plt.subplots(figsize=(4.4, 3.2))
figure.subplots_adjust(0, 0, 1, 1)
draw_grid(ax, Grid(output, "scores", "output", digits=1), 0.4, 0)
for n, m in enumerate(answers.tolist()):
    ax.add_artist(plt.Rectangle((0.46 + m, n + 0.06), 0.88, 0.88, fill=False, ec=INK, lw=3))
for m in range(3):
    ax.text(0.9 + m, 4.12, f"class {m}", ha="center", va="top", fontsize=8.5, color=INK)
ax.text(4.4, 2, "→", fontsize=17, ha="center", va="center", color=INK)
column = Grid(answers[:, None], "answer", "output", digits=0)
column.shape = tuple(answers.shape)  # drawn upright, but it is a vector
draw_grid(ax, column, 5.4, 0)
ax.set(xlim=(0, 7), ylim=(4.7, -1.3), aspect="equal")
ax.axis("off")
show(
    figure,
    alt="A 4×3 table of scores with the largest of each row framed, and beside each row the class of the winner: 1, 0, 2, 0."
    " In the second row all scores are negative, and the largest is −0.2, in column 0.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# Only the order within a row counts. The winner of the second row is −0.2: the largest score need not be positive, let alone near 1.
#
# </details>
#
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
# Write `accuracy(output, labels)`: the fraction of rows of `output` whose largest value is in the column given by `labels`.
#
# - `output` has shape $(N, C)$ and any float dtype; no row contains its largest value twice. Here a score may be −∞. `labels`
#   has shape $(N,)$ and dtype int64. $N$ is between 1 and 10,000. Neither need be contiguous, and neither is changed.
# - The result is a Python `float` between 0 and 1.
#
# <details><summary>Hint 1: which dimension?</summary>
#
# `argmax(dim=d)` makes dimension `d` disappear. What shape must be left, so that you can compare it with `labels`?
#
# </details>
#
# <details><summary>Hint 2: the mean of booleans</summary>
#
# Comparing gives `True` and `False`, and PyTorch takes no mean of booleans. Convert them with `.float()` first, or count them with `.sum()`.
# (Do not convert them to the dtype of `output`: float16 has only about three significant digits.)
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
g = torch.Generator().manual_seed(155)


def attempt(output, labels):
    """One call; what it did to its arguments is looked at first."""
    kept = [output.clone(), labels.clone()]
    answer = accuracy(inplace(output), inplace(labels))
    if not (torch.equal(output, kept[0]) and torch.equal(labels, kept[1])):
        what = f"output of shape {tuple(kept[0].shape)} and labels are left as they were"
        require(False, what, "Your code changes one of them in place: make a new tensor.")
    return answer


# 37 samples and 37 classes, so that rows and columns can be mixed up. Every mistake below leads to a value of its own.
outputs = (torch.randn(37, 37, generator=g) * 1.6).mul(10).round().div(10)
classes = [
    8,
    31,
    21,
    4,
    5,
    5,
    24,
    24,
    8,
    35,
    33,
    8,
    34,
    34,
    8,
    12,
    2,
    28,
    8,
    31,
    13,
    2,
    32,
    25,
    8,
    3,
    2,
    8,
    29,
    4,
    9,
    13,
]
classes = torch.tensor([*classes, 22, 1, 13, 9, 1])
expect(
    attempt(outputs, classes),
    17 / 37,
    "accuracy of 37 samples and 37 classes, 17 of them right",
    mistakes={
        "This is a tensor: make a Python float of it with .item().": torch.tensor(17 / 37),
        "This is a percentage: a fraction between 0 and 1 is asked for.": 1700 / 37,
        "This is the number of right answers: divide by the number of samples.": 17,
        "This is the number of right answers, as a float: divide by the number of samples.": 17.0,
        "This is the number of right answers, as a tensor: divide by the number of samples.": torch.tensor(17),
        "This is the fraction of wrong answers.": 20 / 37,
        "You divided by N·C. Each of the N samples gives one answer.": 17 / 37**2,
        "`//` cuts the fraction off: divide with `/`.": 0,
        "Do not round the result.": 0.46,
        "You compared the largest values with the labels. Compare their columns: argmax, not max.": 2 / 37,
        "Without `dim`, argmax gives one position in the whole table. You need one per row.": 7 / 37,
        "You looked for the largest of each column. One answer per row is argmax(dim=1).": 9 / 37,
        "keepdim leaves a column: (N, 1) against (N,) broadcasts to N×N.": 65 / 37**2,
        "You looked for the smallest score: the answer is the largest.": 5 / 37,
        "You took the largest absolute value: the answer is the largest score, signs included.": 11 / 37,
        "You rounded the scores: then several may be the largest.": 15 / 37,
        "Labels and columns both count from 0: add nothing to argmax.": 3 / 37,
        "Only the first row counts: is the `return` inside the loop?": 1 / 37,
        "You judged single scores by their sign. A sample's answer is the class with the largest score.": 721 / 37**2,
        "You asked whether the label's score is positive. It must be the largest of its row.": 25 / 37,
    },
)


def drawn(n, c, wrong, dtype):
    """Scores of n samples, and labels such that `wrong` of the answers are wrong.

    In each row a rival, further to the left, is nearly as large as the winner. The rows have different levels; of
    many rows some are small and some large.
    """
    rows = torch.arange(n)
    rival = torch.randint(0, c - 1, (n,), generator=g)
    winner = rival + 1 + (torch.rand(n, generator=g) * (c - 1 - rival)).long()
    if c > 2000:  # neighbours, which float16 and bfloat16 cannot tell apart as numbers
        rival = c - 2 - rows
        winner = rival + 1
    scores = torch.randn(n, c, generator=g, dtype=torch.float64) + torch.tensor([0, 30, -200, 5])[rows % 4, None]
    scores = torch.where(torch.rand(n, c, generator=g) < 0.1, -math.inf, scores)
    scores[rows, rival] = (scores.amax(1) + 1).nan_to_num(neginf=-3).round()
    scores[rows, winner] = scores[rows, rival] + {torch.float32: 1e-4, torch.float64: 1e-12}.get(dtype, 2)
    if n > 100:
        scores *= torch.tensor([1, 2.0**-12, 1, 2.0**6, 1])[rows % 5, None]
    labels = winner.clone()
    lost = torch.randperm(n, generator=g)[:wrong]
    labels[lost] = rival[lost]
    return scores.to(dtype), labels


outputs, classes = drawn(23, 4, 9, torch.float32)
expect(
    attempt(outputs, classes),
    14 / 23,
    "accuracy of 23 samples and 4 classes, 14 of them right",
    mistakes={"You divided by the number of classes: divide by the number of samples.": 14 / 4},
)
outputs, classes = drawn(6, 5, 2, torch.float16)
expect(
    attempt(outputs, classes),
    4 / 6,
    "accuracy of 6 samples in float16, 4 of them right",
    mistakes={"You took the mean in float16, which has about three digits: take it in float32.": 0.66650390625},
)


def try_many(*sizes):
    """Several sizes, layouts and dtypes."""
    answers, wanted = {}, {}
    for dtype in [torch.float32, torch.float64, torch.float16, torch.bfloat16]:
        for n, c, wrong in sizes:
            outputs, classes = drawn(n, c, wrong, dtype)
            twice = torch.stack([outputs.flip(1), outputs], dim=2).flatten(1)
            layouts = {
                "": outputs,
                ", transposed": outputs.t().contiguous().t(),
                ", every second column of a larger table": twice[:, 1::2],
            }
            for kind, values in layouts.items():
                kind = f"{n} × {c} scores{kind}, {str(dtype).removeprefix('torch.')}, {wrong} answers wrong"
                labels = classes if values is outputs else torch.stack([classes, 1 - classes]).t()[:, 0]
                answers[kind], wanted[kind] = attempt(values, labels), (n - wrong) / n
    answers["3 × 1 scores"], wanted["3 × 1 scores"] = (
        attempt(torch.randn(3, 1, generator=g), torch.zeros(3).long()),
        1.0,
    )
    what = f"accuracy in {len(answers)} more cases, close winners and large scores among them"
    expect(answers, wanted, what, atol=2e-7)


try_many((1, 3, 0), (1, 3, 1), (1, 2, 0), (5, 5, 0), (4, 7, 4), (11, 4, 4), (6, 3, 2), (3000, 3, 523))
try_many((3000, 2, 2999), (4, 3000, 4))
### BEGIN HIDDEN TESTS
try_many((1, 2, 1), (1, 5, 0), (101, 3, 38), (6, 6, 2), (7, 5, 7), (8, 10, 0), (4000, 4, 1301))
try_many((3500, 3, 3499), (5, 2600, 5))
### END HIDDEN TESTS

# %% [markdown]
# ## Training a classifier with MSE
#
# One linear layer, 64 pixels to 10 scores: $s = x\,w^T + b$. The loss is the MSE of $s$ and the ±1 targets. For such a small model you
# do not even need autograd. You know the gradient of MSE, and you know the backward pass of a linear layer from `04_linear`:
#
# $$\frac{\partial L}{\partial w} = \left(\frac{\partial L}{\partial s}\right)^T x, \qquad
# \frac{\partial L}{\partial b} = \sum_n \frac{\partial L}{\partial s_n} .$$
#
# The next cells use *your* `signed_targets`, `mse_gradients` and `accuracy`. Where one of them is not solved yet, the course's own version
# stands in.


# %% yours folded label="Fetch your three functions"
def looped_targets(labels, num_classes):
    """The definition of the ±1 targets, cell by cell."""
    return torch.tensor([[1.0 if m == label else -1.0 for m in range(num_classes)] for label in labels.tolist()])


def autograd_gradients(input, target):
    """The gradients of MSE, by autograd."""
    leaves = [t.clone().requires_grad_() for t in (input, target)]
    return torch.autograd.grad(F.mse_loss(*leaves), leaves)


def share_of_hits(output, labels):
    """Accuracy, by counting the misses."""
    return 1 - torch.count_nonzero(output.max(1).indices - labels).item() / len(labels)


targets_of = yours_or_ours(signed_targets, looped_targets, torch.tensor([1, 0]), 2)
gradients_of = yours_or_ours(mse_gradients, autograd_gradients, torch.zeros(2), torch.ones(2))
accuracy_of = yours_or_ours(accuracy, share_of_hits, torch.eye(3), torch.arange(3))

# %% [markdown]
# **Before you run it:** all parameters start at 0. What is the first loss, before any step? And what percentage of the held-out
# images does the model get right at that moment?

# %% predict
z_train = targets_of(y_train, 10)  # (1438, 10)
weight, bias = torch.zeros(10, 64), torch.zeros(10)
losses, accuracies = [], []
for step in range(301):
    s = x_train @ weight.T + bias  # (1438, 10)
    losses.append(F.mse_loss(s, z_train).item())
    accuracies.append(accuracy_of(x_test @ weight.T + bias, y_test))
    if step in (0, 1, 10, 100, 300):
        print(f"step {step:3}   loss {losses[-1]:.3f}   accuracy on held-out images {accuracies[-1]:.1%}")
    grad_s, _ = gradients_of(s, z_train)
    weight -= 0.5 * grad_s.T @ x_train
    bias -= 0.5 * grad_s.sum(0)

# %% predict folded label="Draw the loss and the accuracy"
figure, ax = plot_axes(4.3, 3.3)
ax.plot(losses, color=COLOURS["loss"], lw=2.5)
ax.axhline(0.36, color=INK, lw=1.2, ls=":")
ax.text(300, 0.375, "same scores for every image: 0.36", ha="right", va="bottom", fontsize=9, color=INK)
ax.set(xlabel="step", ylabel="MSE on the training images", ylim=(0, 1.05), title="loss while training")
panels = [picture(figure, "The loss falls from 1 below 0.36 within a few steps, then ever more slowly to about 0.14.")]

figure, ax = plot_axes(4.3, 3.3)
ax.plot([100 * value for value in accuracies], color=COLOURS["output"], lw=2.5)
ax.axhline(10, color=INK, lw=1.2, ls=":")
ax.text(300, 12, "guessing: 10 %", ha="right", va="bottom", fontsize=9, color=INK)
ax.set(xlabel="step", ylabel="held-out images right (%)", ylim=(0, 100), title="accuracy")
panels.append(picture(figure, "The accuracy rises from less than 10 percent to about 92 percent."))
alt = (
    "Two curves over 300 steps. Left, the loss falls from 1 below 0.36, the loss of a model that gives the same scores for"
    " every image, within a few steps, then ever more slowly to about 0.14. Right, the accuracy on held-out images climbs from"
    " less than 10 percent to about 90 percent in the first hundred steps and ends near 92 percent."
)
display(Picture(f'<div style="display:flex;flex-wrap:wrap;gap:8px">{"".join(panels)}</div>', alt=alt))

# %% [markdown]
# <details><summary>Why?</summary>
#
# With all scores 0, every square is $(0 - 1)^2$ or $(0 + 1)^2$, so the first loss is 1. The ten scores are all the same, and among equal values
# `argmax` returns the first: class 0 for every image. So the model gets exactly one of the ten digits right, the zeros: 7.5 % of the held-out images.
#
# How good is the last loss, 0.135? Compare it with a model that does not look at the image. The best it can do is to output the mean target of
# every class. If all ten digits are equally frequent (here they nearly are), nine targets of −1 and one of +1 average to −0.8, and the loss is
# $0.9 \cdot 0.2^2 + 0.1 \cdot 1.8^2 = 0.36$.
#
# The loss never gets near 0: a linear function of 64 pixels cannot hit ±1 for every image. It does not have to: it is enough
# that the right class has the largest score. MSE was made for regression, but it still trains a decent classifier.
#
# Can you always start at 0? With a single layer, yes. With a hidden layer, no. If all parameters are 0, the hidden units (after a ReLU, for
# example) give 0, and every weight gets a gradient of 0: only the last bias ever learns. More generally, hidden units that start with the same
# incoming and outgoing weights get the same gradients and stay alike.
#
# </details>
#
# ### Exercise: From images to a trained classifier
#
# Now with PyTorch's own parts: `nn.Linear`, the MSE loss, `torch.optim.SGD`. Write `train(images, labels, num_classes, steps, lr)`.
#
# - `images` has shape $(N, H, W)$, float32, contiguous, already scaled; `labels` has shape $(N,)$, int64, counted from 0.
#   Neither is changed.
# - Make a new `nn.Linear` from $H \cdot W$ pixels to `num_classes` outputs, with a bias. It starts from the random values that PyTorch gives it:
#   do not seed PyTorch anywhere in `train`, and do not change the layer's parameters before the first step.
# - The targets are ±1, the loss is MSE with the reduction `"mean"`. The optimizer is plain SGD with learning rate `lr`: no momentum, no weight
#   decay.
# - Take exactly `steps` steps (0 is allowed). Each step uses *all* images at once.
# - Return a tuple: the trained layer, and a list of `steps` Python floats, the loss of each step *before* the parameters change.
#
# You may call your `signed_targets` (if it is wrong, so is `train`). The check also trains on the digits, for 300 steps with `lr=0.5`: at least **90 %** of the held-out images
# must be classified correctly.
#
# <details><summary>Hint 1: the plan</summary>
#
# Before the loop, once: flatten the images to $(N, H \cdot W)$, make the targets, the layer, the optimizer. In the loop: forward, loss, note
# it down, gradients, step.
#
# </details>
#
# <details><summary>Hint 2: the loss goes up and down in waves</summary>
#
# `backward` *adds* to the gradients that are already there. What do you have to call in each step before it?
#
# </details>
#
# <details><summary>Hint 3: the loss is too large</summary>
#
# Compare the shapes of the layer's output and of the targets. Both must be $(N, C)$. Are the targets of the other classes −1?
#
# </details>


# %% exercise="train" difficulty=3 minutes=16
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
def attempt(images, labels, num_classes, steps, lr):
    """One call; its arguments and the kinds of its results are looked at first."""
    kept, sizes = [images.clone(), labels.clone()], f"{len(images)} images, {num_classes} classes"
    try:
        answer = train(inplace(images), inplace(labels), num_classes, steps=steps, lr=lr)
    except RuntimeError as error:
        if "must match the size" not in str(error):
            raise
        advice = (
            f"{error}. Scores and targets must both have the shape (N, num_classes), even if a class does not occur."
        )
        require(False, f"train runs for {sizes}", f"{advice} If you call `signed_targets`, run its check, too.")
    if not (torch.equal(images, kept[0]) and torch.equal(labels, kept[1])):
        require(False, "images and labels are left as they were", "Your code changes one of them in place.")
    if not (isinstance(answer, tuple) and len(answer) == 2):
        advice = "Write `return layer, losses`."
        require(False, "train returns a tuple of two: the layer and the list of losses", advice)
    layer, losses = answer
    if not isinstance(layer, nn.Linear):
        require(False, "the first result is an nn.Linear", "Return the layer itself: no nn.Sequential, no tensor.")
    if layer.bias is None:
        require(False, "the layer has a bias", "Your layer was made with bias=False.")
    size = (num_classes, images.shape[1] * images.shape[2])
    if tuple(layer.weight.shape) != size:
        what = f"shape of the layer's weight for images of {images.shape[1]}×{images.shape[2]} pixels, {num_classes} classes"
        expect(tuple(layer.weight.shape), size, what)
    return layer, losses


def values(layer):
    return [layer.weight.detach().clone(), layer.bias.detach().clone()]


def matrix(labels, num_classes, on, off):
    """Targets, cell by cell."""
    return torch.tensor([[on if m == label else off for m in range(num_classes)] for label in labels.tolist()])


def path(start, images, z, steps, lr, carry=0.0):
    """Gradient descent on MSE from Gram matrices, in float64: all losses, and [weight, bias] at the end."""
    pixels = torch.cat([images.reshape(len(images), -1), torch.ones(len(images), 1)], dim=1).double()
    gram, mixed, m = pixels.T @ pixels, z.double().T @ pixels, z.numel()
    w, moved, losses = torch.cat([start[0], start[1][:, None]], dim=1).double(), 0.0, []
    for _ in range(steps):
        losses.append(((w @ gram * w).sum() - 2 * (w * mixed).sum() + m).item() / m)
        moved = carry * moved + (w @ gram - mixed) * 2 / m
        w = w - lr * moved
    return losses, [w[:, :-1].float(), w[:, -1].float()]


# A small problem first: 30 images of 3×4 pixels, 6 classes, 5 of which occur. With a learning rate of 0 the layer stays as it was made,
# so the losses must be those of the layer that comes back.
g = torch.Generator().manual_seed(71)
small, small_labels = torch.rand(30, 3, 4, generator=g), torch.randint(0, 5, (30,), generator=g)
made, noted = attempt(small, small_labels, 6, 3, 0.0)
s = F.linear(small.reshape(30, 12), *values(made))
signed = matrix(small_labels, 6, 1.0, -1.0)
others = {
    "hot": matrix(small_labels, 6, 1.0, 0.0),
    "swapped": -signed,
    "rolled": matrix((small_labels - 1) % 6, 6, 1.0, -1.0),
}
others = {name: F.mse_loss(s, z).item() for name, z in others.items()}
loss = F.mse_loss(s, signed).item()
numbers = isinstance(noted, list) and len(noted) == 3 and all(isinstance(value, float) for value in noted)
if numbers and max(noted) - min(noted) > 1e-5:
    advice = "Give lr to the optimizer, make the layer once, before the loop, and use all images in each step."
    require(False, "with lr=0 the loss stays the same", advice)
expect(
    noted,
    [loss] * 3,
    "the losses of 3 steps with lr=0: those of the layer that comes back",
    rtol=1e-5,
    mistakes={
        "The targets are 0 and 1: the wrong classes must get −1.": [others["hot"]] * 3,
        "Plus and minus are swapped in the targets. If you call `signed_targets`, run its check, too.": [
            others["swapped"]
        ]
        * 3,
        "The targets are those of the labels minus 1. If you call `signed_targets`, run its check, too.": [
            others["rolled"]
        ]
        * 3,
        "You summed the squares: the reduction must be the mean.": [loss * 180] * 3,
        "You divided by N alone: the mean is over all N·C components.": [loss * 6] * 3,
        "These are absolute errors (L1): take MSE.": [F.l1_loss(s, signed).item()] * 3,
        "This is cross-entropy: take MSE with targets of ±1.": [F.cross_entropy(s, small_labels).item()] * 3,
        "The losses are tensors: note down loss.item(), a Python float.": [torch.tensor(loss)] * 3,
        "One loss too many: note it down once per step.": [loss] * 4,
        "Only one loss: note it down in each step, and return after the loop.": [loss],
        "The list is empty: note the loss down in each step.": [],
    },
)
# Do the initial values look like those of nn.Linear(64, 10), uniform between −1/8 and 1/8?
digits, digit_labels = load_digits()
digits, held = digits / 16, torch.arange(len(digits)) % 5 == 4
fresh = [values(attempt(digits[:20], digit_labels[:20], 10, steps, 0.0)[0]) for steps in (0, 1, 1, 1)]
w0, b0 = fresh[0]
inside = bool(w0.abs().max() <= 0.1251) and bool(b0.abs().max() <= 0.1251)
spread = bool(w0.abs().max() > 0.12) and 0.065 < w0.std().item() < 0.08 and bool(b0.abs().max() > 0.02)
advice = "Leave the layer as nn.Linear makes it: no nn.init, no zeros, no scaling. With steps=0 it comes back as it was made."
require(inside and spread, "weight and bias start with PyTorch's own random values", advice)
advice = "Two calls gave the same values. Do not seed PyTorch inside `train`, and make the layer there."
different = len({w.flatten()[0].item() for w, b in fresh}) == len({b[0].item() for w, b in fresh}) == len(fresh)
require(different, "each call starts from new random values", advice)
# With the same seed before it, a call starts from the same values: the steps can be computed from there.
torch.manual_seed(72)
start = values(attempt(small, small_labels, 6, 0, 0.3)[0])
torch.manual_seed(72)
made, noted = attempt(small, small_labels, 6, 3, 0.3)
wanted, end = path(start, small, signed, 3, 0.3)
longer, after = path(start, small, signed, 4, 0.3)
adding, adding_end = path(start, small, signed, 3, 0.3, carry=1.0)
pushed, pushed_end = path(start, small, signed, 3, 0.3, carry=0.9)
mistakes = {
    "Gradients add up: set them to zero before each backward.": adding,
    "The loss never changes: is `step` called, and does the optimizer have the layer's own parameters?": wanted[:1] * 3,
    "These are the losses after each step: note the loss down before the step.": longer[1:],
    "Your SGD has momentum: plain SGD is asked for.": pushed,
}
if isinstance(noted, list) and len(noted) == 3 and all(isinstance(value, float) for value in noted):
    near = [max(abs(a - b) for a, b in zip(noted, known)) < 1e-4 for known in [wanted, *mistakes.values()]]
    if abs(noted[0] - wanted[0]) > 1e-4 and not any(near):
        advice = (
            f"The first loss is {noted[0]:.5f} instead of {wanted[0]:.5f}. It is that of the new layer on all images:"
        )
        advice += " note it down before any step, and let each step use all images at once."
        require(False, "the losses of 3 steps of plain SGD with lr=0.3", advice)
    if abs(noted[0] - wanted[0]) < 1e-4 and not any(near):
        advice = f"The first loss is right, the second is {noted[1]:.5f} instead of {wanted[1]:.5f}, so the step is another one."
        advice += " Plain SGD is `torch.optim.SGD(…, lr=lr)` without anything else, and the loss is the mean."
        require(False, "the losses of 3 steps of plain SGD with lr=0.3", advice)
expect(noted, wanted, "the losses of 3 steps of plain SGD with lr=0.3", rtol=1e-5, mistakes=mistakes)
expect(
    values(made),
    end,
    "weight and bias after 3 steps of plain SGD with lr=0.3",
    rtol=1e-5,
    atol=1e-5,
    mistakes={
        "This layer has not been trained: return the one that the optimizer changes.": start,
        "This is one step too many.": after,
        "The last step is missing.": path(start, small, signed, 2, 0.3)[1],
    },
)
# Black images: the gradient of the weight is 0, so that it must not move at all, however large the step.
torch.manual_seed(72)
black = values(attempt(torch.zeros(30, 3, 4), small_labels, 6, 1, 1000.0)[0])
advice = "Your step shrinks or moves weights whose gradient is 0: no weight decay, no other optimizer than plain SGD."
require(torch.equal(black[0], start[0]), "on black images the weight keeps its values", advice)


def try_many(seed, *problems):
    """Several sizes, numbers of steps and learning rates; pixels need not be between 0 and 1."""
    g = torch.Generator().manual_seed(seed)
    answers, wanted = {}, {}
    for n, h, w, c, steps, lr in problems:
        x, labels = torch.randn(n, h, w, generator=g), torch.randint(0, max(1, c - 1), (n,), generator=g)
        x = 100 * x if lr < 1e-3 else x  # large gradients
        kind = f"{n} images of {h}×{w} pixels, {c} classes, {steps} steps with lr={lr}"
        torch.manual_seed(seed)
        start = values(attempt(x, labels, c, 0, lr)[0])
        torch.manual_seed(seed)
        made, losses = attempt(x, labels, c, steps, lr)
        right, end = path(start, x, matrix(labels, c, 1.0, -1.0), steps, lr)
        answers[f"losses of {kind}"], wanted[f"losses of {kind}"] = losses, right
        answers[f"weight and bias after {kind}"], wanted[f"weight and bias after {kind}"] = values(made), end
    what = f"losses, weight and bias in {len(problems)} more cases: few and many images, other sizes, steps and learning rates"
    expect(answers, wanted, what, rtol=2e-5, atol=2e-5)


try_many(
    74,
    (1, 2, 3, 4, 2, 0.1),
    (40, 5, 2, 7, 6, 0.05),
    (20_000, 2, 2, 3, 2, 0.2),
    (20, 2, 3, 3, 3, 1e-5),
    (9, 1, 8, 2, 2, 4.0),
    (6, 3, 3, 5, 0, 0.3),
)
# Now the digits: train on four fifths, judge by the rest.
torch.manual_seed(73)
start = values(attempt(digits[~held], digit_labels[~held], 10, 0, 0.5)[0])
torch.manual_seed(73)
made, noted = attempt(digits[~held], digit_labels[~held], 10, 300, 0.5)
wanted, end = path(start, digits[~held], matrix(digit_labels[~held], 10, 1.0, -1.0), 300, 0.5)
expect(noted, wanted, "the losses of 300 steps on all 1438 digits, lr=0.5", rtol=1e-4)
expect(values(made), end, "weight and bias after 300 steps of plain SGD on the digits", rtol=1e-3, atol=1e-4)
held_scores = F.linear(digits[held].flatten(1), *values(made)).tolist()
hits = sum(row.index(max(row)) == label for row, label in zip(held_scores, digit_labels[held].tolist()))
what = f"at least 90 % of the held-out digits are classified correctly: {hits} of 359"
require(hits >= 324, what, "Too few. Train for all steps.")
### BEGIN HIDDEN TESTS
try_many(
    75,
    (1, 1, 1, 2, 1, 0.4),
    (40, 5, 2, 7, 0, 0.3),
    (45, 2, 5, 5, 7, 0.15),
    (30_000, 1, 3, 4, 3, 0.6),
    (15, 3, 2, 4, 4, 2e-5),
    (12, 2, 2, 8, 2, 7.0),
)
### END HIDDEN TESTS

# %% [markdown]
# ## What your classifier has learned
#
# Train once more, with your own `train`, and look inside. Each class has a row of 64 weights, one per pixel. Reshaped to 8×8, the row is an
# image of what that class looks for: ink where the weight image is dark raises the class's score, ink where it is light lowers it.


# %% folded label="What stands in for an unsolved exercise"
def trained_from_zero(images, labels, num_classes, steps, lr):
    """The loop from above: no autograd, no optimizer, all parameters start at 0."""
    x, z = images.flatten(1), looped_targets(labels, num_classes)
    layer, losses = nn.Linear(x.shape[1], num_classes).requires_grad_(False), []
    layer.weight.zero_(), layer.bias.zero_()
    for _ in range(steps):
        s = layer(x)
        losses.append(F.mse_loss(s, z).item())
        grad_s, _ = autograd_gradients(s, z)
        layer.weight -= lr * grad_s.T @ x
        layer.bias -= lr * grad_s.sum(0)
    return layer, losses


# %% yours
train_it = yours_or_ours(train, trained_from_zero, images[:20], labels[:20], 10, 1, 0.1, random=True)

torch.manual_seed(0)
layer, losses = train_it(images[~held_out], labels[~held_out], 10, steps=300, lr=0.5)
with torch.no_grad():
    scores = layer(x_test)
print(f"loss: {losses[0]:.3f} in the first step, {losses[-1]:.3f} in the last")
print(f"accuracy on held-out images: {accuracy_of(scores, y_test):.1%}")

# %% yours folded label="Draw your ten rows of weights as images"
panels, limit = [], max(layer.weight.abs().max().item(), weight.abs().max().item())  # one scale for both
for name, rows in [("your train", layer.weight.detach()), ("the hand-written loop", weight)]:
    rows = rows.reshape(10, 8, 8)
    figure, axes = plt.subplots(2, 5, figsize=(4.8, 2.6), layout="constrained")
    for ax, digit in zip(axes.flat, range(10)):
        drawn = ax.imshow(rows[digit], cmap="Oranges", vmin=-limit, vmax=limit)
        ax.set(xticks=[], yticks=[])
        ax.set_title(f"class {digit}", fontsize=9)
    figure.suptitle(name, fontsize=11)
    bar = figure.colorbar(drawn, ax=axes, ticks=[-limit, 0, limit], shrink=0.85)
    bar.ax.set_yticklabels([f"−{limit:.1f} against", "0", f"+{limit:.1f} for"], fontsize=8)
    panels.append(picture(figure, f"Ten images of 8×8 weights, one for each class, from {name}."))
alt = (
    "Twice ten images of 8×8 weights, one for each class, dark where ink speaks for the class, light where it speaks against it."
    " From the hand-written loop the image of class 0 is light in the middle and its edges are plain. From train, which starts at"
    " random values, the same shapes appear, under noise."
)
display(Picture(f'<div style="display:flex;flex-wrap:wrap;gap:8px">{"".join(panels)}</div>', alt=alt))

# %% [markdown]
# <details><summary>Why do your images look noisier than those of the hand-written loop?</summary>
#
# Many pixels at the left and right edges are white in nearly every image. An input of 0 gives its weight a gradient of 0, so these weights hardly
# change from the values that they started with: random ones in your `train`, zeros in the hand-written loop. They do no harm, because the pixels
# they multiply are almost always 0.
#
# </details>
#
# Do not stop at the number. Look at the answers, too:

# %% yours folded label="Draw your answers, right and wrong"
answers = scores.argmax(1)
wrong = answers != y_test
chosen = torch.cat([torch.arange(20), wrong.nonzero()[:10, 0]]).tolist()  # the first 20 images, then ten wrong answers

figure, axes = plt.subplots(3, 10, figsize=(8.6, 3.5), layout="constrained")
for ax in axes.flat:
    ax.axis("off")
for ax, i in zip(axes.flat, chosen):
    ax.axis("on")
    ax.imshow(x_test[i].reshape(8, 8), cmap="Blues", vmin=0, vmax=1)
    ax.set(xticks=[], yticks=[])
    colour = COLOURS["loss"] if wrong[i] else INK
    ax.spines[:].set(color=colour, linewidth=3 if wrong[i] else 0.6)
    title = f"✗ {answers[i]}, is {y_test[i]}" if wrong[i] else f"{answers[i]}"
    ax.set_title(title, fontsize=9.5, color=colour, weight="bold" if wrong[i] else "normal")
show(
    figure,
    alt=f"Held-out digits with the model's answer above each: the first 20 images, then up to ten wrong answers in red"
    f" frames, with the right label. {wrong.sum()} of {len(wrong)} images are wrong.",
)
print(f"{wrong.sum()} of {len(wrong)} held-out images are wrong.")

# %% [markdown]
# ## Go further: MNIST
#
# *Not graded.* The same classifier on MNIST, a well-known set of 70,000 handwritten digits of 28×28 pixels: 784 inputs instead of 64. `load_mnist`
# takes torchvision's copy from disk or downloads it. Without a network it enlarges the 8×8 digits to 28×28 and says so, so the numbers depend on
# which data it finds.
#
# With more inputs the loss changes faster with the weights, so the learning rate is smaller. To save time, at most 10,000 images are used.

# %% yours varies
mnist, mnist_test = load_mnist(train=True), load_mnist(train=False)
large, large_losses = train_it(mnist.data[:10_000] / 255, mnist.targets[:10_000], 10, steps=100, lr=0.1)
with torch.no_grad():
    scores = large(mnist_test.data.flatten(1) / 255)

print(f"training images: {len(mnist.data[:10_000])}, loss {large_losses[0]:.3f} → {large_losses[-1]:.3f}")
print(f"accuracy on {len(scores)} test images: {accuracy_of(scores, mnist_test.targets):.1%}")

# %% [markdown]
# Some things to try: more steps; a learning rate of 1.0 (watch the loss); in your `train`, `F.l1_loss` instead of `F.mse_loss`, or 0 and 1
# instead of ±1.

# %% [markdown]
# ## Recap
#
# Answer from memory, then unfold the answer.
#
# **1.** An output and a target both have shape $(20, 10)$. By which number does `nn.MSELoss()` divide the sum of squares, and what is the
# gradient for one component that is 0.5 too large?
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
# The shapes of output and target. $(N, 1)$ against $(N,)$ broadcasts to $N \times N$, and then the best output is the mean of all targets. PyTorch
# only warns.
#
# </details>
#
# **3.** Some of your targets are grossly wrong, and nobody knows which. MSE or L1, and why?
#
# <details><summary>Answer</summary>
#
# L1. Its gradient has the same size for every error, so a gross error pulls no harder than a small one. With MSE the pull grows with the error.
#
# </details>
#
# **Next**: you fed all 1438 images to the layer at once, and never wrote a loop over samples. `06_batch_processing` shows why: what a batch saves,
# in copies and in time, and how to turn loops over samples into operations on whole batches.
