# %% [markdown]
# # Convolution
#
# After this notebook you can
#
# - explain, with numbers, why a linear layer is the wrong tool for images and sound;
# - compute a convolution by hand and in code, in 1-d and 2-d, and predict the shape of the result;
# - choose kernels that take derivatives, find patterns and mark edges, and learn a kernel from data;
# - use `F.conv2d` and `nn.Conv2d` with batches, channels, biases and groups, and count their parameters;
# - write a convolution as a single matrix product.
#
# **Points**: 18. **Time**: about 45 minutes of reading and 95 minutes for the 9 exercises. **You need**: tensors (`01_tensors`)
# and gradients with `backward()` (`02_gradients_and_optimizers`); `nn.Linear`, its weight and its initial values (`04_linear`); batches (`06_batch_processing`).
#
# The check below each exercise tests what its text asks for. The grader tests the same things with other values.
#
# Unless an exercise says otherwise, tensors are on the CPU and hold at least one element, and their values are finite. An
# argument that must not be changed keeps its values, shape and dtype. A later call never changes an earlier result.

# %% setup

# %% [markdown]
# ## Why not a linear layer: the size
#
# A colour image of 256×256 pixels has three numbers per pixel. You want a layer that turns it into another image of the same size, to
# sharpen it or to remove noise. A linear layer would treat the image as one long vector, with a weight from every input to every output.
#
# **Before you run it:** roughly how many weights does that linear layer have? And how much memory do they take, at 4 bytes per
# float32 weight?

# %% predict
values = 256 * 256 * 3
weights = values**2
print(f"numbers in one image:    {values:,}")
print(f"weights in the layer:    {weights:,}  ≈ {weights:.2e}")
print(f"memory for the weights:  {weights * 4 / 1e9:.1f} GB, or {weights * 4 / 2**30:.0f} GiB")

# %% [markdown]
# <details><summary>Why?</summary>
#
# One weight for each pair of input and output: about 155 GB for a *single* layer, far more memory than a laptop has. (The cell
# only counts; it does not build the layer.) Memory is not the only problem: a layer with that many weights would need a huge
# number of images to learn from.
#
# </details>
#
# ## Why not a linear layer: the place
#
# Even a small linear layer has a second problem. Here is a signal of 10 numbers with a bump $(1, 3, 1)$ in it. One output of a linear layer
# is the dot product of the signal with one row of weights. This row is made to detect the bump when it starts at index 2.
#
# **Before you run it:** now the bump moves. What is the dot product when it starts at index 0, 1, 2, …, 7?

# %% predict
bump = torch.tensor([1.0, 3, 1])
row = torch.zeros(10)
row[2:5] = bump

for start in range(8):
    x = torch.zeros(10)
    x[start : start + 3] = bump
    print(f"bump at index {start}: {(x @ row).item():4.0f}")

# %% [markdown]
# <details><summary>Why?</summary>
#
# The row responds where it overlaps the bump: most strongly at index 2, and not at all from index 5 on. What it knows about one place
# is useless three steps further on.
#
# A bump is a bump wherever it is. In an image a cat may sit on the left or on the right; in a recording a word may come early or late. A
# linear layer that detects the bump in each of the 8 places needs **one row for each place**, with the same three numbers in every row. The next
# cell draws it.
#
# </details>

# %% predict folded label="Draw a linear layer for all places"
x = torch.tensor([0.0, 0, 0, 0, 0, 1, 3, 1, 0, 0])
rows = torch.zeros(8, 10)
for i in range(8):
    rows[i, i : i + 3] = bump

draw_row(
    Grid(rows, "weight", "learned", digits=0),
    "@",
    Grid(x[:, None], "x", "input", digits=0),
    "=",
    Grid((rows @ x)[:, None], "y", "output", digits=0),
    cell=0.4,
    alt="An 8×10 weight in orange times the column x of 10 numbers in blue gives 8 outputs in green. Each row of the weight holds 1, 3, 1 and "
    "zeros elsewhere, one step further to the right than the row above. The bump in x starts at index 5, and the output at index 5 is the largest, 11.",
)

# %% [markdown]
# ### The idea
#
# Of the 80 weights in the drawing, 56 are zero, and the other 24 are the same three numbers, eight times over. A **convolution** keeps only
# those three numbers: it applies *the same small linear map at every place*. That solves both problems at once.
#
# ## Convolution in one dimension
#
# Take $x = (1, 2, 3, 4)$ and two weights, $u = (3, 2)$. These weights are called the **kernel** (or *filter*). Place the kernel
# over the first two values, multiply each value by the weight on top of it, and add up. Then move the kernel one step to the
# right, and so on until you reach the end. (`view`, in the last line of the cell, is explained below.)
#
# **Before you run it:** how many results are there? What are they?

# %% predict
x = torch.tensor([1.0, 2, 3, 4])
u = torch.tensor([3.0, 2])
for i in range(len(x) - len(u) + 1):
    a, b = x[i : i + 2].tolist()
    print(f"{a:.0f}·3 + {b:.0f}·2 = {3 * a + 2 * b:.0f}")
print("F.conv1d:", F.conv1d(x.view(1, 1, 4), u.view(1, 1, 2)))

# %% predict folded label="Watch the kernel move"
kernel_steps(
    x,
    u,
    keys=[0, 1, 2],
    columns=3,
    alt="Three frames. The input is 1, 2, 3, 4. The kernel (3, 2) lies over 1, 2, then over 2, 3, then over 3, 4. "
    "The output grows with it: 7, then 7 and 12, then 7, 12 and 17.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# The kernel fits in $4 - 2 + 1 = 3$ places: over (1, 2), over (2, 3) and over (3, 4). Each place gives one number: 7, 12, 17.
#
# </details>
#
# ### The rule in one dimension
#
# For an input $x = (x_1, \dots, x_W)$ and a kernel $u = (u_1, \dots, u_w)$ of width $w$
#
# $$(x \circledast u)_i \;=\; \sum_{j=1}^{w} x_{i-1+j}\, u_j \;=\; (x_i, \dots, x_{i+w-1}) \cdot u .$$
#
# The kernel must stay inside the input: its first place is $i = 1$, its last is $i = W - w + 1$. So the result has width $W - w + 1$.
# Formulas count from 1, Python counts from 0: output `i` looks at `x[i]`, …, `x[i + w - 1]`.
#
# **A word on the name.** In mathematics the kernel of a convolution is flipped before it slides. What deep learning calls convolution, and
# what `F.conv1d` computes, does not flip it; in signal processing that is called *cross-correlation*. NumPy has both, as the next cell
# shows with another signal. For a learned kernel it makes no difference: training finds the same values, in one order or the other.

# %%
print("np.correlate:", np.correlate([5, 0, 2, -1, 0], [1, 10, 100], mode="valid"))
print("np.convolve: ", np.convolve([5, 0, 2, -1, 0], [1, 10, 100], mode="valid"), "(the kernel is flipped)")

# %% [markdown]
# `F.conv1d` expects more dimensions than our formula: an input of shape N×C×W (samples, channels, width) and a weight of shape
# D×C×w, for D kernels. Channels come later. Until then, `x.view(1, 1, -1)` makes one sample with one channel.
#
# ### Exercise: Convolution by its definition
#
# Write `conv1d(x, u)`: the rule above, for one signal and one kernel.
#
# - A loop is fine. PyTorch's own convolutions are not: call no torch function with `conv` in its name, neither directly nor through a
#   module (`F.conv1d`, `torch.convolution`, `nn.Conv1d`, …).
# - `x` and `u` have the same dtype, float32 or float64. The result has that dtype too.
# - `x` and `u` must not be changed.
# - Gradients must reach `x` and `u`, including the entries that are 0. So compute with tensors all the way: `.item()` and
#   `.tolist()` would cut the gradients off.
#
# <details><summary>Hint 1: one output</summary>
#
# Output `i` is a dot product: a slice of `x`, as long as `u`, times `u`, summed.
#
# </details>
#
# <details><summary>Hint 2: how many outputs?</summary>
#
# $W - w + 1$. `range(n)` runs from 0 to n − 1.
#
# </details>
#
# <details><summary>Hint 3: from a list to a tensor</summary>
#
# `torch.stack(list_of_tensors)` makes one tensor out of several and lets gradients through. `torch.tensor(list)` copies bare numbers and
# does not.
#
# </details>


# %% exercise="conv1d" difficulty=1 minutes=8
def conv1d(x: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
    """The convolution of a signal with a kernel.

    x: (W,). u: (w,), not wider than x, of the same dtype. Returns: (W - w + 1,).
    """
    ### BEGIN SOLUTION
    width = len(x) - len(u) + 1
    return torch.stack([(x[i : i + len(u)] * u).sum() for i in range(width)])
    ### END SOLUTION


# %% check="conv1d" points=2
def checked(x, u):
    """The learner's answer, looked after: no convolution of torch's, no change in place."""
    before = [x.detach().clone(), u.detach().clone()]
    with Watch(operations=False) as seen:
        answer = conv1d(inplace(x), inplace(u))
    used = [name for name in seen.functions if "conv" in name or name == THREAD]
    if used:
        advice = f"Your code calls `{used[0]}`, which this exercise asks you to do without."
        require(False, "without torch's own convolutions", advice)
    for name, now, old in zip(("x", "u"), (x, u), before):
        if not torch.equal(now.detach(), old):
            require(False, "x and u are left as they were", f"Your code changes `{name}`: work on a new tensor.")
    return answer


expect(
    checked(torch.tensor([1.0, 2, 3, 4]), torch.tensor([3.0, 2])),
    torch.tensor([7.0, 12, 17]),
    "conv1d of (1, 2, 3, 4) and (3, 2)",
    mistakes={
        "The kernel is flipped: x and u must both run forwards.": torch.tensor([8.0, 13, 18]),
        "The last place is missing: there are W − w + 1 of them.": torch.tensor([7.0, 12]),
        "The first place is missing: the kernel starts at index 0.": torch.tensor([12.0, 17]),
        "Every window starts one place too early: Python counts from 0, the formula from 1.": torch.tensor(
            [14.0, 7, 12]
        ),
        "The kernel hangs over the end: it must stay inside the input.": torch.tensor([7.0, 12, 17, 12]),
        "The products are still there: add up those of each place.": torch.tensor([[3.0, 4], [6, 6], [9, 8]]),
        "These are means: add up the products of each place.": torch.tensor([3.5, 6, 8.5]),
        "This is a list: `torch.stack` makes a tensor of it.": [torch.tensor(y) for y in (7.0, 12.0, 17.0)],
        "Drop the dimensions for samples and channels: the result has shape (W − w + 1,).": (
            torch.tensor([[[7.0, 12, 17]]])
        ),
    },
)
g = torch.Generator().manual_seed(11)
x, u = 1e-6 * torch.randn(1100, generator=g), torch.randn(4, generator=g)
reference = [F.conv1d(x.view(1, 1, -1), kernel.view(1, 1, -1))[0, 0] for kernel in (u, u[:2])]
try:
    answer = checked(x, u)
except RecursionError:
    advice = "Your function calls itself for each place, but Python allows only about 1000 such calls: use a loop."
    require(False, "conv1d for widths 1100 and 4", advice)
expect(
    answer,
    reference[0],
    "conv1d for widths 1100 and 4, x with tiny values",
    mistakes={"This is right for kernels of width 2 only.": reference[1]},
    rtol=1e-4,
    atol=1e-11,
)


def try_many(seed, sizes):
    """Call after call: many widths, both dtypes, strided tensors, zeros, each choice of arguments with gradients."""
    g = torch.Generator().manual_seed(seed)
    for dtype, close in [(torch.float32, (1e-4, 1e-5)), (torch.float64, (1e-10, 1e-10))]:
        answers, first, wanted, gradients, slopes, lost = {}, {}, {}, {}, {}, []
        for width, w in sizes:
            for names in ("", "x u", "x", "u"):
                step = 2 if names else 1
                x, u = (torch.randn(step * n, generator=g, dtype=dtype)[step - 1 :: step] for n in (width, w))
                u[torch.rand(w, generator=g) < (1.0 if names == "u" else 0.25)] = 0.0
                tensors = {name: {"x": x, "u": u}[name].requires_grad_() for name in names.split()}
                if names == "x u":  # no leaves, as if other layers had made them
                    tensors = {"x": x[:], "u": u[:]}
                    x, u = tensors.values()
                what = f"x of shape ({width},), u of shape ({w},)" + (" and all zeros" if names == "u" else "")
                what += f"; {names.replace(' ', ' and ')} with gradient" if names else ""
                reference = F.conv1d(x.reshape(1, 1, -1), u.reshape(1, 1, -1))[0, 0]
                wanted[what], y = reference.detach(), checked(x, u)
                if not isinstance(y, torch.Tensor):
                    expect(y, wanted[what], f"conv1d for {what}")
                if y.dtype != dtype:
                    advice = f"Yours is {y.dtype}. `torch.zeros` makes float32: `x.new_zeros(…)` has the dtype of `x`."
                    require(False, f"the dtype of conv1d for {what}: {dtype}", advice)
                answers[what], first[what] = y, y.detach().clone()
                if names and y.shape == reference.shape:
                    upstream = torch.randn(len(y), generator=g, dtype=dtype)
                    mine = [None] * len(tensors)
                    if y.requires_grad:
                        mine = torch.autograd.grad(y, list(tensors.values()), upstream, allow_unused=True)
                    lost += [(name, y.requires_grad, what) for name, slope in zip(tensors, mine) if slope is None]
                    gradients[what] = dict(zip(tensors, mine))
                    ours = torch.autograd.grad(reference, list(tensors.values()), upstream)
                    slopes[what] = dict(zip(tensors, ours))
        kind = str(dtype).removeprefix("torch.")
        loosely = _difference(first, wanted, Rules(1e-4, 1e-5, False)) is None
        if loosely and _difference(first, wanted, Rules(*close, False)) is not None:
            advice = "It is right to about seven digits: something on the way has the dtype float32. `torch.zeros` "
            advice += "makes float32: `x.new_zeros(…)` has the dtype of `x`."
            require(False, f"conv1d in {kind}", advice)
        expect(first, wanted, f"conv1d in {kind}, for {len(first)} pairs of x and u", rtol=close[0], atol=close[1])
        for name, graph, what in lost[:1]:
            advice = f"Something cuts `{name}` off, such as `.detach()`."
            if not graph:
                advice = "The result has lost its graph: `.item()`, `.tolist()`, `.detach()`, `.data` and "
                advice += "`torch.tensor(…)` cut it off."
            if "zeros" in what:
                advice = "Do you leave out weights that are 0? They need gradients, too."
            require(False, f"a gradient reaches {name}, for {what}, {kind}", advice)
        expect(gradients, slopes, f"the gradients of x and u in {kind}", rtol=close[0], atol=close[1])
        for width, w in sizes:
            checked(torch.ones(width, dtype=dtype), torch.ones(w, dtype=dtype))
        changed = [what for what in answers if not torch.equal(answers[what].detach(), first[what])]
        advice = f"A later call wrote into the result for {'; '.join(changed[:1])}: make a new tensor in each call."
        require(changed == [], "later calls leave earlier results alone", advice)


try_many(11, [(9, 4), (6, 6), (5, 1), (1, 1), (2, 1), (70, 33), (300, 7)])
require(True, "without torch's own convolutions; x and u are left as they were", "")
### BEGIN HIDDEN TESTS
try_many(12, [(6, 1), (7, 7), (31, 7), (2, 2), (120, 50), (9, 4), (12, 2)])
### END HIDDEN TESTS

# %% [markdown]
# ## The kernel (−1, 1)
#
# A signal is flat, rises for a while, and is flat again: $x = (0, 0, 0, 0, 1, 2, 3, 4, 4, 4, 4)$.
#
# **Before you run it:** what is $x \circledast (-1, 1)$? Where is it not zero?

# %% predict
x = torch.tensor([0.0, 0, 0, 0, 1, 2, 3, 4, 4, 4, 4])
u = torch.tensor([-1.0, 1])
y = F.conv1d(x.view(1, 1, -1), u.view(1, 1, -1)).flatten()
print("x          ", x.int().tolist())
print("x ⊛ (−1, 1)", y.int().tolist())

# %% predict folded label="Draw both signals"
draw_signals(
    ("x", x, "input"),
    ("x ⊛ (−1, 1)", y, "output"),
    alt="Two signals over the same index. x is 0 up to index 3, rises by 1 per step to 4 at index 7, and stays there. "
    "Below, x ⊛ (−1, 1) is 1 from index 3 to 6, where x rises, and 0 elsewhere; it is one value shorter.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# Each output is $-x_i + x_{i+1}$, the difference of two neighbours. It is 1 where the signal rises by 1 per step and 0 where it is flat: this
# kernel takes the **derivative**. The result is one value shorter, because there are only 10 steps between 11 values.
#
# </details>
#
# ### Exercise: Kernels for slope and curvature
#
# A sensor measures once every `step` seconds. You want kernels of width 3 that look at $(x_i, x_{i+1}, x_{i+2})$ and give, for the middle
# value,
#
# $$\text{slope} \approx \frac{x_{i+2} - x_i}{2 \cdot \text{step}}, \qquad \text{curvature} \approx \frac{x_{i+2} - 2\,x_{i+1} + x_i}{\text{step}^2} .$$
#
# Write `derivative_kernels(step)`: it returns the tuple `(slope, curvature)` of two float32 tensors of shape `(3,)`, such that
# $x \circledast$ `slope` and $x \circledast$ `curvature` are these numbers. `step` is a number from 0.0001 to 100 000: a float
# such as `0.2` or an int such as `4`. Each call makes new tensors.
#
# <details><summary>Hint 1: from a formula to a kernel</summary>
#
# Which factor does $x_i$ have in the formula? That is $u_1$. Which factor does $x_{i+1}$ have, even if it does not appear? That is $u_2$.
#
# </details>
#
# <details><summary>Hint 2: the order</summary>
#
# `F.conv1d` does not flip the kernel, so the factor of the *earliest* value comes first.
#
# </details>


# %% exercise="derivative_kernels" difficulty=1 minutes=6
def derivative_kernels(step: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Kernels for the first and the second derivative of a signal.

    step: seconds between two values. Returns: the tuple (slope, curvature), both float32 of shape (3,).
    """
    ### BEGIN SOLUTION
    slope = torch.tensor([-1.0, 0, 1]) / (2 * step)
    curvature = torch.tensor([1.0, -2, 1]) / step**2
    return slope, curvature
    ### END SOLUTION


# %% check="derivative_kernels" points=1
answer = derivative_kernels(0.2)
if isinstance(answer, list):
    advice = "Yours is a list: leave the square brackets out, `return slope, curvature`."
    require(False, "derivative_kernels(0.2) returns a tuple of two", advice)
require(
    isinstance(answer, tuple) and len(answer) == 2,
    "derivative_kernels(0.2) returns a tuple of two",
    f"Yours is {'a dict' if isinstance(answer, dict) else _describe(answer)}. Write `return slope, curvature`.",
)
expect(
    answer[0],
    torch.tensor([-2.5, 0, 2.5]),
    "the kernel of the slope for step = 0.2",
    mistakes={
        "The order is reversed: the factor of the earliest value comes first.": torch.tensor([2.5, 0, -2.5]),
        "The kernel is not divided by 2·step.": torch.tensor([-1.0, 0, 1]),
        "From x_i to x_{i+2} two steps pass: divide by 2·step.": torch.tensor([-5.0, 0, 5]),
        "x_{i+1} has a factor too: 0.": torch.tensor([-2.5, 2.5]),
        "The step is missing: divide by 2·step, not by 2.": torch.tensor([-0.5, 0, 0.5]),
        "`… / 2 * step` divides by 2 and then multiplies by step: write `/ (2 * step)`.": torch.tensor([-0.1, 0, 0.1]),
        "This is multiplied by 2·step: divide by it.": torch.tensor([-0.4, 0, 0.4]),
        "`//` rounds down to whole numbers: divide with `/`.": torch.tensor([-3.0, 0, 2]),
        "The order is (slope, curvature).": torch.tensor([25.0, -50, 25]),
    },
)
expect(
    answer[1],
    torch.tensor([25.0, -50, 25]),
    "the kernel of the curvature for step = 0.2",
    mistakes={
        "The sign is wrong: the middle value has the factor −2.": torch.tensor([-25.0, 50, -25]),
        "The kernel is not divided by step². (/ step * step divides and multiplies again: write step**2.)": (
            torch.tensor([1.0, -2, 1])
        ),
        "Divide by step², not by 2·step.": torch.tensor([2.5, -5, 2.5]),
        "Divide by step², not by (2·step)².": torch.tensor([6.25, -12.5, 6.25]),
        "The step must be squared.": torch.tensor([5.0, -10, 5]),
        "The middle factor is −2: x_{i+1} is subtracted twice.": torch.tensor([25.0, 0, 25]),
        "The middle factor is −2, not −1: x_{i+1} is subtracted twice.": torch.tensor([25.0, -25, 25]),
        "`//` rounds down to whole numbers here: divide with `/`.": torch.tensor([24.0, -50, 24]),
    },
)

again, both = derivative_kernels(0.2), (torch.tensor([-2.5, 0, 2.5]), torch.tensor([25.0, -50, 25]))
if _difference(again, both, Rules(1e-5, 1e-5, False)) is not None:
    advice = "The first call is right and the second is not: something is kept between the calls. `/=` and `*=` change "
    require(False, "derivative_kernels(0.2) once more", advice + "a tensor in place: make new tensors in each call.")


def try_many(numbers):
    """numbers: for each step the last weight of both kernels."""
    answers = {f"step = {step}": derivative_kernels(step) for step in numbers}
    wanted = {
        f"step = {step}": (a * torch.tensor([-1.0, 0, 1]), b * torch.tensor([1.0, -2, 1]))
        for step, (a, b) in numbers.items()
    }
    told = f"(slope, curvature) for {len(numbers)} other steps, also after all calls"
    expect(answers, wanted, told, rtol=2e-6, atol=1e-20)
    for step in numbers:
        for kernel in answers[f"step = {step}"]:
            kernel.detach().zero_()
        if not all(kernel.any() for kernel in derivative_kernels(step)):
            advice = f"For step = {step} two calls return one and the same tensor: make new ones in each call."
            require(False, "the same steps again, after somebody has changed the first kernels", advice)


try_many(
    {
        4: (0.125, 0.0625),
        0.25: (2.0, 16.0),
        12.5: (0.04, 0.0064),
        0.05: (10.0, 400.0),
        3: (0.1666666667, 0.1111111111),
        1: (0.5, 1.0),
        1.5: (0.3333333333, 0.4444444444),
        160: (0.003125, 0.0000390625),
        0.0001: (5000.0, 100000000.0),
        0.125: (4.0, 64.0),
        0.5: (1.0, 4.0),
        86400: (5.787037037e-06, 1.339591907e-10),
    }
)
expect(answer, both, "the first answer is still what it was")
### BEGIN HIDDEN TESTS
try_many(
    {
        0.01: (50.0, 10000.0),
        2: (0.25, 0.25),
        7: (0.0714285714, 0.0204081633),
        0.3: (1.6666666667, 11.1111111111),
        25.6: (0.01953125, 0.00152587890625),
        400: (0.00125, 0.00000625),
        0.001: (500.0, 1000000.0),
        70000.5: (7.142806123e-06, 2.040787172e-10),
    }
)
g = torch.Generator().manual_seed(12)
for step in (0.5, 1.0, 3):
    a, b, c = torch.randn(3, generator=g, dtype=torch.float64).tolist()
    t = step * torch.arange(9, dtype=torch.float64)
    x = (a * t**2 + b * t + c).view(1, 1, 9)  # on a parabola both are exact
    one, two = (kernel.double().view(1, 1, 3) for kernel in derivative_kernels(step))
    expect(F.conv1d(x, one)[0, 0], 2 * a * t[1:-1] + b, f"the slope of a parabola, step = {step}", rtol=1e-4, atol=1e-4)
    wanted = torch.full((7,), 2 * a, dtype=torch.float64)
    expect(F.conv1d(x, two)[0, 0], wanted, f"the curvature of a parabola, step = {step}", rtol=1e-4, atol=1e-4)
### END HIDDEN TESTS

# %% [markdown]
# ### A kernel learned from data
#
# So far, somebody chose the kernel. Now let gradient descent find one, with *your* `conv1d` (or the course's own until yours
# works). The data are a row of 100 black and white pixels (0 and 1) and, for each pair of neighbours, the target: +1
# where white begins, −1 where it ends, 0 elsewhere. The kernel starts at zero.
#
# **Before you run it:** which two numbers will the kernel `u` end up with?

# %% predict yours
torch.manual_seed(0)
convolve = yours_or_ours(
    conv1d, lambda x, u: F.conv1d(x[None, None], u[None, None])[0, 0], torch.ones(4), torch.ones(2)
)
pixels = (torch.rand(100) < 0.5).float()
edges = torch.tensor(np.diff(pixels.numpy()))
u, path = torch.zeros(2, requires_grad=True), []
for _ in range(50):
    path.append(u.tolist())
    loss = ((convolve(pixels, u) - edges) ** 2).mean()
    (gradient,) = torch.autograd.grad(loss, u)  # like backward(), but returns the gradient
    u = (u - 0.5 * gradient).detach().requires_grad_()
print(f"after {len(path)} steps: u = ({u[0].item():.3f}, {u[1].item():.3f}), loss {loss.item():.1e}")

# %% predict yours folded label="Draw how the kernel learns"
figure = plt.figure(figsize=(7.0, 2.7), layout="constrained")
parts = figure.add_gridspec(2, 2, width_ratios=(3, 2), height_ratios=(1, 5))
strip, left, right = (figure.add_subplot(part) for part in (parts[0, 0], parts[1, 0], parts[:, 1]))
strip.imshow(pixels[None, :24], cmap="gray", aspect="auto", vmin=-0.15, extent=(-0.5, 23.5, 0, 1))
strip.set(yticks=[], xticks=[], xlim=(-0.7, 23.7), title="the first 24 pixels and, below, pixels ⊛ u")
found = convolve(pixels[:24], u).tolist()
left.axhline(0, color=INK, linewidth=0.6)
left.vlines([i + 0.5 for i in range(23)], 0, found, color=COLOURS["output"], linewidth=2)
left.plot([i + 0.5 for i in range(23)], found, "o", color=COLOURS["output"], markersize=4)
left.set(xlabel="index", xlim=(-0.7, 23.7), ylim=(-1.3, 1.3))
for index, style in enumerate(("-", "--")):
    right.plot([step[index] for step in path], style, color=COLOURS["learned"], label=f"u[{index}]")
right.set(xlabel="step", title="the kernel while it learns", ylim=(-1.2, 1.2))
right.legend(loc="center right", fontsize=9, frameon=False)
for ax in (strip, left, right):
    ax.title.set_fontsize(9.5)
    ax.spines[["top", "right"]].set_visible(False)
show(
    figure,
    alt="Left: a strip of 24 black and white pixels, and below it, between neighbours, the learned kernel's output: 1 where white begins, −1 where it ends, 0 elsewhere. "
    "Right: over 50 steps the kernel's two numbers move from 0, the first to −1, the second to 1.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# It ends at $(-1, 1)$, the only kernel that hits every target: a step from 0 to 1 gives $u_2$, and its target is 1; a step from
# 1 to 0 gives $u_1$, and its target is −1. Nobody told it about derivatives. A network learns its kernels the same way, from
# the loss computed on its output.
#
# </details>
#
# ## A kernel as a template
#
# A dot product is large when two vectors point in the same direction. So a kernel can also be a picture of what you are looking
# for, a **template**. Here the template is the bump $(1, 3, 1)$. The signal has a bump that starts at index 2, the same bump
# with a minus sign at index 7, and a plateau of fours from index 11 to 13.
#
# **Before you run it:** where is $x \circledast u$ largest, and where is it smallest?

# %% predict
x = torch.tensor([0.0, 0, 1, 3, 1, 0, 0, -1, -3, -1, 0, 4, 4, 4, 0, 0])
u = torch.tensor([1.0, 3, 1])
y = F.conv1d(x.view(1, 1, -1), u.view(1, 1, -1)).flatten()
for name, i in [("bump", 2), ("negated bump", 7), ("plateau", 11)]:
    print(f"{name:12} at index {i:2}: {y[i].item():4.0f}")
print("largest at index", y.argmax().item(), "with", y.max().item())
print("smallest at index", y.argmin().item(), "with", y.min().item())

# %% predict folded label="Draw both signals"
draw_signals(
    ("x", x, "input"),
    ("x ⊛ (1, 3, 1)", y, "output"),
    alt="x has a bump of height 3 at index 3, the same bump downwards at index 8, and a plateau of height 4 from index 11 to 13. "
    "Below, x ⊛ (1, 3, 1) has a peak of 11 at index 2 where the bump starts, a trough of −11 at index 7, and a higher peak of 20 at index 11.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# The bump gives a peak and the negated bump a trough, as a template matcher should. (Output `i` belongs to the window that *starts* at `i`.)
# But the plateau gives more than the bump itself: a dot product also grows with the *size* of the signal, whatever its shape.
#
# </details>
#
# ### The squared distance
#
# Another way to measure how well a window fits is its squared distance to the template. Multiplied out, it is
#
# $$\sum_{j} \left(x_{i-1+j} - u_j\right)^2 \;=\; \sum_j x_{i-1+j}^2 \;-\; 2\,(x \circledast u)_i \;+\; \sum_j u_j^2 .$$
#
# The middle term contains the convolution. The first makes up for the size of the signal: it penalises windows with large
# values. It is a convolution too: that of $x^2$ with a kernel of ones.
#
# ### Exercise: Where does the template fit best?
#
# Write `best_match(x, template)`: find the window of `x` with the smallest squared distance to the template, and return the index of its
# **first value**, counted from 0, as a Python `int`.
#
# - Windows stay inside `x`. The first and the last one count as well.
# - Any method will do, `F.conv1d` or your own `conv1d` included.
# - One window is clearly better than all others, though even the best may fit badly.
# - `x` has up to 1000 values. All values are between −50 and 50, so float32 is precise enough.
# - `x` and `template` have the same dtype, float32 or float64. Either may require a gradient. They must not be changed.
#
# <details><summary>Hint 1: two ways</summary>
#
# Either take the formula: two convolutions, one of them of `x**2` with ones. Or compare directly: `x.unfold(0, w, 1)` gives all windows of
# width `w` as the rows of a matrix.
#
# </details>
#
# <details><summary>Hint 2: which index?</summary>
#
# `argmin()` gives the place of the smallest value, as a 0-d tensor. `.item()` turns it into a Python number.
#
# </details>


# %% exercise="best_match" difficulty=2 minutes=9
def best_match(x: torch.Tensor, template: torch.Tensor) -> int:
    """Where a template fits best: the start of the window with the smallest squared distance to it.

    x: (W,). template: (w,), not wider than x, of the same dtype. Returns: a Python int from 0 to W - w.
    """
    ### BEGIN SOLUTION
    windows = x.unfold(0, len(template), 1)
    return ((windows - template) ** 2).sum(dim=1).argmin().item()
    ### END SOLUTION


# %% check="best_match" points=2
def checked(x, template):
    before = [x.detach().clone(), template.detach().clone()]
    answer = best_match(inplace(x), inplace(template))
    for name, now, old in zip(("x", "template"), (x, template), before):
        if not torch.equal(now.detach(), old):
            advice = f"Your code changes `{name}`: work on a new tensor."
            require(False, "x and template are left as they were", advice)
    return answer


template = torch.tensor([0.6, 2.1, 1.2, 3.1, 1.4])
x = 0.3 * torch.sin(torch.arange(80.0) ** 2)
x[22:27] = template + torch.tensor([0.05, -0.3, 0.05, -0.05, 0.05])  # here it fits: squared distance 0.1
x[41:46] = template + torch.tensor([0.0, 0, 0.34, 0, 0])  # one value is off: 0.1156
x[49:54] = template + 0.2 * torch.tensor([1.0, -1, 1, 1, -1])  # all are a little off: 0.2
x[56:61] = template + 4  # the right shape, but too high
x[64:69] = template + 2 * torch.tensor([1.0, -1, 1, -1, 0])  # differences that cancel
x[73:78] = template.flip(0) + torch.tensor([0.05, 0, 0, 0, 0])  # nearly the right values, in reverse
x[5:10] = 2.5 * template  # the right shape, but too large
x[12] = -25.0  # a deep spike
x[17:22] = -7.0  # a valley
x[30:38] = 9.0  # a plateau
expect(
    checked(x, template),
    22,
    "best_match(x, template) for x of shape (80,), template of shape (5,)",
    mistakes={
        "This is where x ⊛ template is largest, on a plateau: the size of the window counts too.": 30,
        "This is the worst fit: the exercise asks for the *smallest* distance.": 9,
        "This compares the direction only: a window 2.5 times as large is not the best fit.": 5,
        "This ignores a constant offset: a window that is 4 higher is not the best fit.": 56,
        "Count from 0.": 23,
        "This is the middle of the window: the exercise asks for its first value.": 24,
        "This is the end of the window: the exercise asks for its first value.": 26,
        "Square the differences before you add them up: they cancel.": 17,
        "Differences of opposite sign cancel here: square each of them first, then add up.": 64,
        "The template is reversed: x and template must both run forwards.": 73,
        "This adds up absolute differences: square them instead.": 41,
        "This takes the largest difference of each window: square all of them and add them up.": 49,
        "The factor 2 before x ⊛ template is missing.": 47,
        "The sum over each window is missing: this is the place of the smallest single difference.": 205,
        "This adds up over the windows: add up over the values of each window, dim=1.": 4,
        "Always 0? Perhaps everything was added up to one number: sum over the window only. In a loop, start from "
        "`math.inf`.": 0,
        "This is the smallest distance: the exercise asks for the index of its window.": 0.1,
        "This is a 0-d tensor: .item() makes a Python int.": torch.tensor(22),
        "This is a float: the index must be a Python int.": 22.0,
    },
)
cases = {
    "the last window": ([4.0, -1, 2, 7, 3, 3.9], [3.6], 5),
    "the first window": ([1.0, -2, 3, 1.5, -2, 3.5, 9], [1.0, -2.2, 3], 0),
    "the only window": ([2.0, 5, 1], [-3.0, 0, 9], 0),
    "the only value": ([2.0], [-3.0], 0),
    "a window of negative values": ([5.0, 6, -5, -6, 5, -6, 0, 0], [-5.0, -6.5], 2),
    "a window that fits badly": ([40.0] * 5 + [25.0] * 250 + [40.0] * 4, [-40.0] * 250, 5),
}
for name, (signal, pattern, at) in cases.items():
    for dtype in (torch.float32, torch.float64):
        x, template = torch.tensor(signal, dtype=dtype), torch.tensor(pattern, dtype=dtype)
        what = f"best_match where {name} is the best, {str(dtype).removeprefix('torch.')}"
        x = torch.stack([x.flip(0), x], dim=1)[:, 1]
        if dtype == torch.float64:
            what += "; x and template with gradient"
            x.requires_grad_(), template.requires_grad_()
        answer = checked(x, template)
        if type(answer) is not int or answer != at:
            told = "Your search never gets going: start it from `math.inf`, so that any distance can win."
            expect(answer, at, what, mistakes={told: 0} if "badly" in name else None)
require(True, "best_match for the first, the last and the only window, and for one that fits badly", "")


def try_many(seed, sizes):
    """Signals full of windows that fit almost as well, each off in another way, the best one among them."""
    g = torch.Generator().manual_seed(seed)
    answers, wanted = {}, {}
    for w, at, scale in sizes:
        for dtype in (torch.float64, torch.float32):
            for spread in (True, False):
                signs = torch.randint(0, 2, (2, w), generator=g) * 2.0 - 1
                template = scale * signs[0] * (0.6 + 0.4 * torch.rand(w, generator=g))
                all_off, one_off = signs[1] * 0.1 * scale / w**0.5, torch.zeros(w)
                one_off[w // 2] = 0.1 * scale
                best, second = (all_off, one_off) if spread else (one_off, all_off)
                offsets = [1.25 * second, -0.5 * template, 0.2 * scale * torch.ones(w), -2 * template]
                offsets += [0.2 * scale * (torch.arange(w) == place) for place in {0, w - 1}]
                slot = {"first": 0, "middle": 3, "last": len(offsets)}[at]
                offsets.insert(slot, best)
                pieces = []
                for offset in offsets:
                    gap = scale * (2 * torch.rand(w + 3, generator=g) - 1)
                    pieces += [template + offset, gap if w > 3 else -signs[0, 0] * gap.abs()]
                x = torch.cat(pieces[:-1] if at == "last" else pieces).to(dtype)
                template = template.to(dtype)
                distances = torch.cdist(x.unfold(0, w, 1), template[None])[:, 0].square()
                assert distances[slot * (2 * w + 3)] * 1.2 < distances.sort().values[1], (w, at, scale, spread)
                what = f"x of shape ({len(x)},), template of shape ({w},), {str(dtype).removeprefix('torch.')}"
                what += f", values around {scale}, " + ("all values" if spread else "one value") + " a little off"
                answers[what], wanted[what] = checked(x, template), slot * (2 * w + 3)
    expect(answers, wanted, f"best_match in {len(wanted)} signals with many windows that fit almost as well")


# The same sizes twice, with the best window in another place.
try_many(
    13, [(5, "middle", 1), (5, "first", 3), (9, "last", 30), (1, "middle", 5), (4, "first", 0.2), (2, "middle", 20)]
)
try_many(15, [(40, "middle", 0.5), (40, "last", 10)])
require(True, "x and template are left as they were", "")
### BEGIN HIDDEN TESTS
try_many(14, [(6, "last", 0.3), (3, "first", 25), (14, "middle", 2), (1, "last", 30), (8, "last", 8), (11, "first", 1)])
### END HIDDEN TESTS

# %% [markdown]
# ## When the input moves
#
# Back to the bump, first in one place, then three steps further to the right.
#
# **Before you run it:** the kernel is $(-1, 0, 1)$. Which ten numbers does the convolution give for the first signal, and which for the
# moved one? And what about a linear layer with random weights: can you work out its second output from its first?

# %% predict
x = torch.tensor([0.0, 0, 1, 3, 1, 0, 0, 0, 0, 0, 0, 0])
moved = torch.cat([torch.zeros(3), x[:-3]])  # three zeros enter on the left
u = torch.tensor([-1.0, 0, 1])

torch.manual_seed(0)
linear = nn.Linear(12, 10, bias=False)
with torch.no_grad():
    conv_outputs = [F.conv1d(signal.view(1, 1, -1), u.view(1, 1, -1)).flatten() for signal in (x, moved)]
    linear_outputs = [linear(signal) for signal in (x, moved)]
print("convolution, x:    ", conv_outputs[0].int().tolist())
print("convolution, moved:", conv_outputs[1].int().tolist())
print("linear, x:    ", [f"{value:.1f}" for value in linear_outputs[0].tolist()])
print("linear, moved:", [f"{value:.1f}" for value in linear_outputs[1].tolist()])

# %% predict folded label="Draw inputs and outputs"
draw_signals(
    ("x", x, "input"),
    ("moved x", moved, "input"),
    ("conv of x", conv_outputs[0], "output"),
    ("conv of moved x", conv_outputs[1], "output"),
    ("linear of x", linear_outputs[0], "plain"),
    ("linear of moved x", linear_outputs[1], "plain"),
    height=0.8,
    alt="Six signals. The bump in x appears three steps further right in the moved x. The output of the convolution has the same shape both times, "
    "three steps further right. The two outputs of the random linear layer have nothing in common.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# If the input moves by $k$ steps, the output of a convolution moves by $k$ steps and is otherwise the same. (The $k$ outputs at
# the left edge are new: they see what comes in there. The last $k$ of the old outputs drop out on the right.) This is called
# **translation equivariance**. It does not have to be learned: it is built in, because all places share one kernel. The linear
# layer has other weights at the new place, so anything may come out.
#
# (*Invariance* is something else: there, the output does not change at all.)
#
# </details>
#
# ### Exercise: Measure the equivariance
#
# Write `shift_error(module, x, k)`: if the input moves by `k`, by how much does the new output differ from the old one moved by
# `k`? For `x` of shape (N, C, W) and $k \ge 1$:
#
# 1. make a moved `x`: every value moves `k` steps to the right, `k` zeros enter on the left of each channel, and what leaves on the right is
#    lost;
# 2. apply `module` to `x` and to the moved `x`, in two separate calls `module(…)`; each output has shape (N, D, V), where V is
#    its width;
# 3. the second output should equal the first, moved by `k`. Compare the $V - k$ places per channel that both have: value `i + k` of the
#    second output with value `i` of the first;
# 4. return the largest absolute difference as a Python `float`, not rounded.
#
# `k` is less than both V and W. `x` and the module have the same dtype, float32 or float64. No module writes into its input.
# Leave `x` as it was, and the module too: its parameters, their gradients and their `requires_grad`, its buffers (tensors that it
# keeps but does not learn), its mode. Apply it in the mode that it is in, training or evaluation. (A batch norm layer in training mode updates
# its own buffers when it is applied. That is all right.)
#
# <details><summary>Hint 1: moving</summary>
#
# Start with zeros of the shape of `x`. Which part of them do you overwrite, and with which part of `x`? `x[..., :-k]` is everything but the
# last `k` values along the last dimension.
#
# </details>
#
# <details><summary>Hint 2: comparing</summary>
#
# Drop the first `k` values of the moved output and the last `k` values of the other. Now they have the same length.
#
# </details>


# %% exercise="shift_error" difficulty=2 minutes=12
def shift_error(module: nn.Module, x: torch.Tensor, k: int) -> float:
    """How far a module is from moving its output by k when its input moves by k.

    module: maps (N, C, W) to (N, D, V). x: (N, C, W). k: 1 or more, less than V and W.
    Returns: the largest absolute difference, a Python float.
    """
    ### BEGIN SOLUTION
    moved = torch.zeros_like(x)
    moved[..., k:] = x[..., :-k]
    with torch.no_grad():
        y, y_moved = module(x), module(moved)
    return (y_moved[..., k:] - y[..., :-k]).abs().max().item()
    ### END SOLUTION


# %% check="shift_error" points=2
def state(module):
    """What must stay as it is in a module, by name."""
    parameters = list(module.parameters())
    still = [part for part in module.modules() if not (isinstance(part, nn.BatchNorm1d) and part.training)]
    return {
        "the values of its parameters": [parameter.detach().clone() for parameter in parameters],
        "the gradients of its parameters": [None if p.grad is None else p.grad.clone() for p in parameters],
        "the `requires_grad` of its parameters": [parameter.requires_grad for parameter in parameters],
        "its buffers": [buffer.clone() for part in still for buffer in part.buffers(recurse=False)],
        "the mode, training or evaluation, of it or of a part of it": [part.training for part in module.modules()],
    }


def checked(module, x, k):
    before, kept = x.clone(), state(module)
    answer = shift_error(inplace(module), inplace(x), k)
    if not torch.equal(x, before):
        require(False, "x is left as it was", "Your code changes `x`: put the moved values into a new tensor.")
    for what, now in state(module).items():
        pairs = zip(now, kept[what])
        if not all(torch.equal(a, b) if isinstance(a, torch.Tensor) and b is not None else a is b for a, b in pairs):
            require(False, "the module is left as it was", f"Your code changes {what}.")
    return answer


linear = nn.Linear(11, 9)
with torch.no_grad():
    linear.weight.copy_((torch.arange(99) * 7 % 17 - 8).view(9, 11))
    linear.bias.copy_(torch.arange(9) * 3 % 5 - 2)
x = (torch.arange(66) * 13 % 23 - 11).float().view(3, 2, 11)
expect(
    checked(linear, x, 3),
    234.0,
    "shift_error of an nn.Linear(11, 9), x of shape (3, 2, 11), k=3",
    mistakes={
        "The outputs are compared without moving one of them back.": 392.0,
        "The outputs are moved the wrong way: place i + k of the moved one belongs to place i of the first.": 366.0,
        "Value i + k of the second output belongs to value i of the first: yours compares i + k with i + k.": 336.0,
        "The input itself was not moved.": 381.0,
        "roll brings back on the left what leaves on the right: zeros should enter.": 174.0,
        "The first k places of the moved x still hold old values: zeros should enter.": 300.0,
        "The first value of x is repeated on the left: zeros should enter.": 249.0,
        "The input moved to the left: it should move to the right.": 440.0,
        "Everything moves to the left, the input and what you compare: move to the right.": 232.0,
        "The moved x is all zeros: move along the last dimension, and keep N and C as they are.": 233.0,
        "Compare only the V − k places that both outputs have: yours has moved zeros into the first output.": 243.0,
        "Compare only the V − k places that both outputs have: roll brings others back on the left.": 269.0,
        "Everything moves by one step here: it should be k steps.": 244.0,
        "This is the mean: the exercise asks for the largest difference.": 92.16666412353516,
        "This is the sum: the exercise asks for the largest difference.": 3318.0,
        "The difference is squared: the exercise asks for its absolute value.": 54756.0,
        "The absolute value is missing.": 227.0,
        "This looks at the first sample only.": 178.0,
        "This is a tensor: .item() makes a Python float.": torch.tensor(234.0),
        "This is an int: the exercise asks for a Python float.": 234,
    },
    rtol=1e-5,
)
for name, module, x, k in [
    ("an nn.Conv1d(2, 5, 4) in float64", nn.Conv1d(2, 5, 4).double(), torch.randn(3, 2, 11, dtype=torch.float64), 1),
    ("nn.Conv1d(1, 3, 2) and ReLU", nn.Sequential(nn.Conv1d(1, 3, 2), nn.ReLU()), torch.randn(4, 1, 9).flip(0), 7),
]:
    what = f"shift_error of {name}, k={k}: zero but for rounding"
    expect(checked(module, x, k), 0.0, what, atol=1e-5)
x = torch.tensor([[[2.0, 5, 1, -3, 4, 6]]])
for hook in ("", ", and a hook that doubles its output"):
    padded = nn.Conv1d(1, 1, 3, padding=1, bias=False)
    with torch.no_grad():
        padded.weight.copy_(torch.tensor([1.0, 10, 100]))
    if hook:
        padded.register_forward_hook(lambda module, inputs, output: 2 * output)
    what = f"shift_error of an nn.Conv1d with padding{hook}, k=2: the ends differ"
    told = {"Call `module(…)` itself: `module.forward(…)` leaves out its hooks.": 400.0} if hook else None
    expect(checked(padded, x, 2), 800.0 if hook else 400.0, what, mistakes=told, atol=1e-3)


class RampInTraining(nn.Module):
    def forward(self, x):
        return x + torch.arange(x.shape[-1]) if self.training else x


for mode, error, told in [
    (True, 2.0, "The module was in training mode: apply it as it is, without `eval()`."),
    (False, 0.0, "The module was in evaluation mode: apply it as it is, without `train()`."),
]:
    what = f"shift_error of a module in {'training' if mode else 'evaluation'} mode"
    module = RampInTraining().train(mode)
    expect(checked(module, torch.randn(2, 3, 8), 2), error, what, mistakes={told: 2.0 - error}, atol=1e-5)
x = torch.tensor([[[3.0, -1, 4, 1, -5]], [[2.0, 6, -5, 3, 5]]])
expect(
    checked(nn.BatchNorm1d(1), x, 2),
    0.487839,
    "shift_error of a batch norm layer in training mode, k=2",
    mistakes={"Call the module twice, as it is: one call with both inputs gives 0, and so does `eval()`.": 0.0},
    rtol=1e-4,
    atol=1e-5,
)


class Marks(nn.Module):
    """A number at one place of the last map, for each sample with a value of 100; ten times that where none compare."""

    def __init__(self, channels, maps, width, k, mark, first):
        super().__init__()
        marks = torch.zeros(maps, width, dtype=torch.float64)
        marks[-1, 0 if first else -1] = mark
        marks[:, width - k : k] = 10 * mark
        self.marks, self.unused = nn.Parameter(marks), nn.Parameter(torch.ones(2), requires_grad=False)
        self.norm, self.drop = nn.BatchNorm1d(channels), nn.Dropout(0.0)
        self.norm.running_mean.fill_(0.5)
        for parameter in (self.marks, self.unused):
            parameter.grad = torch.ones_like(parameter)

    def forward(self, x):
        x = self.drop(self.norm(x))
        return (x.amax(dim=(1, 2), keepdim=True) > 50).to(x.dtype) * self.marks


class Total(nn.Module):
    """The sum of each channel, at every place."""

    def __init__(self, places):
        super().__init__()
        self.places, self.weight = places, nn.Parameter(torch.ones(()), requires_grad=False)

    def forward(self, x):
        return self.weight * x.sum(dim=-1, keepdim=True).expand(-1, -1, self.places)


def try_many(seed, sizes):
    """Modules of which the error is known, in either mode, with frozen parameters and old gradients."""
    g = torch.Generator().manual_seed(seed)
    for dtype, rtol in [(torch.float32, 1e-4), (torch.float64, 1e-9)]:
        answers, wanted = {}, {}
        for (samples, channels, maps, width, k), mark in sizes.items():
            x = torch.randn(samples, channels, 2 * width, generator=g, dtype=dtype)[..., ::2]
            x[-1, 0, 0] = 100.0
            for first in (True, False):
                marks = Marks(channels, maps, width, k, mark, first).to(dtype).train(first)
                marks.norm.eval()
                marks.drop.train(not first)
                what = f"a module of which the error is {abs(mark)}, "
                what += f"in {'training' if first else 'evaluation'} mode, x of shape {tuple(x.shape)}, k={k}"
                answers[what], wanted[what] = checked(marks, x, k), abs(mark)
            total, lost = Total(width + 3).to(dtype).eval(), x[..., -k:].sum(dim=-1)
            if k == width - 1:
                x = x.flip(-1)
                lost = x[..., 1:].sum(dim=-1)
            what = f"a module that adds up each channel, x of shape {tuple(x.shape)}, k={k}"
            answers[what], wanted[what] = checked(total, x, k), lost.abs().max().item()
            conv = nn.Sequential(nn.BatchNorm1d(channels), nn.Conv1d(channels, maps, 2), nn.ReLU()).to(dtype)
            conv[0].running_mean.fill_(0.3)
            conv[0].eval()
            if k < width - 1:
                what = f"a convolution and ReLU, which move with x, x of shape {tuple(x.shape)}, k={k}"
                answers[what], wanted[what] = checked(conv, x, k), 0.0
            norm, moved = nn.BatchNorm1d(channels).to(dtype), F.pad(x, (k, 0))[..., :-k]
            first, second = (F.batch_norm(values, None, None, training=True) for values in (x, moved))
            what = f"a batch norm layer in training mode, x of shape {tuple(x.shape)}, k={k}"
            answers[what], wanted[what] = checked(norm, x, k), (second[..., k:] - first[..., :-k]).abs().max().item()
        what = f"shift_error of {len(wanted)} modules in {str(dtype).removeprefix('torch.')}"
        expect(answers, wanted, what, rtol=rtol, atol=3e-5 if dtype == torch.float32 else 1e-9)


try_many(
    35,
    {
        (3, 2, 4, 9, 1): -0.7,
        (1, 1, 1, 5, 2): 0.25,
        (5, 2, 10, 14, 9): 0.004321,
        (2, 3, 2, 6, 5): 1.23456789,
        (4, 1, 3, 40, 12): -2.5,
    },
)
tiny = Marks(1, 2, 8, 3, 1.23456789e-9, True).double().eval()
x = torch.tensor([[[100.0, 2, 0, 1, 3, 0, 2, 1, 5]]], dtype=torch.float64)
expect(
    checked(tiny, x, 3), 1.23456789e-9, "shift_error of a module of which the error is 1.23456789e-9", rtol=1e-4, atol=0
)
require(True, "x and the module are left as they were", "")
### BEGIN HIDDEN TESTS
try_many(
    36,
    {
        (2, 1, 5, 12, 2): 0.56789123,
        (1, 4, 2, 8, 7): -0.31,
        (6, 3, 12, 20, 11): -0.00765,
        (3, 2, 1, 30, 3): 3.75,
    },
)
g = torch.Generator().manual_seed(35)
for channels, width, k, dtype in [(1, 9, 1, torch.float64), (4, 14, 2, torch.float32), (3, 10, 6, torch.float64)]:
    x = torch.randn(2, channels, width, generator=g, dtype=dtype)
    layers = nn.Linear(width, width), nn.Conv1d(channels, 4, 3, padding=1), nn.Softmax(dim=-1)
    for name, module in zip(("a linear layer", "a padded convolution", "a softmax over the places"), layers):
        module = module.to(dtype)
        with torch.no_grad():
            first, second = module(x), module(F.pad(x, (k, 0))[..., :width])
            wanted = (
                (second.unfold(-1, width - k, 1)[..., k, :] - first.unfold(-1, width - k, 1)[..., 0, :]).abs().max()
            )
        expect(checked(module, x, k), wanted.item(), f"shift_error of {name}, k={k}", rtol=1e-4, atol=1e-5)
### END HIDDEN TESTS

# %% [markdown]
# ## A linear layer in disguise
#
# The first matrix in this notebook had the bump in every row, each row one step further to the right. That matrix *is* the
# convolution. Every convolution is a linear layer with a special weight:
#
# - it is **sparse**: an output looks at $w$ neighbouring inputs, and all other weights are 0;
# - its weights are **shared**: all rows hold the same $w$ numbers.
#
# ### Exercise: The matrix of a convolution
#
# Write `conv1d_matrix(u, width)`: it returns the matrix $M$ with $M\,x = x \circledast u$ for every `x` of shape `(width,)`.
# $M$ is an ordinary (dense) tensor and has the dtype of `u`, float32 or float64. `u` may be a learned kernel, which requires a
# gradient. It must not be changed.
#
# <details><summary>Hint 1: the shape</summary>
#
# $M$ turns `width` numbers into `width` − w + 1 numbers: one row per output, one column per input.
#
# </details>
#
# <details><summary>Hint 2: one row</summary>
#
# Output `i` looks at the inputs `i` to `i + w - 1`. So row `i` has `u` in these columns and zeros elsewhere.
#
# </details>
#
# <details><summary>Hint 3: zeros of the right dtype</summary>
#
# `u.new_zeros(rows, columns)` makes zeros with the dtype of `u`; `torch.zeros(rows, columns, dtype=u.dtype)` does too.
#
# </details>


# %% exercise="conv1d_matrix" difficulty=2 minutes=8
def conv1d_matrix(u: torch.Tensor, width: int) -> torch.Tensor:
    """The matrix that does a convolution with u.

    u: (w,). width: the width of the input, at least w. Returns: (width - w + 1, width).
    """
    ### BEGIN SOLUTION
    w = len(u)
    matrix = u.new_zeros(width - w + 1, width)
    for i in range(len(matrix)):
        matrix[i, i : i + w] = u
    return matrix
    ### END SOLUTION


# %% check="conv1d_matrix" points=2
def checked(u, width):
    before = u.detach().clone()
    answer = conv1d_matrix(inplace(u), width)
    if not torch.equal(u.detach(), before):
        require(False, "u is left as it was", "Your code changes `u`: work on a new tensor.")
    if isinstance(answer, torch.Tensor) and answer.layout != torch.strided:
        require(False, "the matrix is an ordinary (dense) tensor", "Yours is a sparse tensor: make an ordinary one.")
    return answer


wanted = torch.tensor([[3.0, -1, 2, 0, 0], [0, 3, -1, 2, 0], [0, 0, 3, -1, 2]])
first = checked(torch.tensor([3.0, -1, 2]), 5)
expect(
    first,
    wanted,
    "conv1d_matrix(u, 5) for u = (3, −1, 2)",
    mistakes={
        "The kernel is flipped: row i has u in its own order.": (
            torch.tensor([[2.0, -1, 3, 0, 0], [0, 2, -1, 3, 0], [0, 0, 2, -1, 3]])
        ),
        "It is transposed: one row per output, one column per input.": wanted.T,
        "There is one row too few: there are width − w + 1 of them.": wanted[:2],
        "There are rows of zeros at the end: there are only width − w + 1 rows.": torch.cat(
            [wanted, torch.zeros(2, 5)]
        ),
        "The last row is still empty: there are width − w + 1 rows to fill.": wanted * torch.tensor([[1.0], [1], [0]]),
        "The last rows wrap around: the kernel must stay inside the input.": (
            torch.cat([wanted, torch.tensor([[2.0, 0, 0, 3, -1], [-1, 2, 0, 0, 3]])])
        ),
        "The last rows hold only a part of the kernel: it must stay inside the input.": (
            torch.cat([wanted, torch.tensor([[0.0, 0, 0, 3, -1], [0, 0, 0, 0, 3]])])
        ),
        "Each row must start one step further to the right than the row above.": wanted[[0, 0, 0]],
        "All rows are one and the same tensor, filled again and again: make a new one for each.": (
            torch.tensor([[3.0, 3, 3, -1, 2]]).expand(3, 5)
        ),
        "This is a list: `torch.stack` makes a tensor of it.": list(wanted),
    },
)


def try_many(seed, sizes):
    """Several kernels of each size, in both dtypes: strided, repeated values, zeros, very small and very large ones."""
    g = torch.Generator().manual_seed(seed)
    matrices, copies, results, references = {}, {}, {}, {}
    for w, width in sizes:
        x = torch.randn(width, width + 1, generator=g, dtype=torch.float64)
        for dtype in (torch.float64, torch.float32):
            for n in range(3):
                u = torch.randn(2 * w, generator=g, dtype=dtype)[1::2]
                u[0] = 1.5  # the same at the beginning of each
                scale = 1e-13 if n == 1 else 1.0
                u *= scale
                u.requires_grad_(n == 2)
                what = f"conv1d_matrix(u, {width}) for u of shape ({w},), {str(dtype).removeprefix('torch.')}"
                what += ("", ", tiny values", ", u with gradient")[n]
                matrix = checked(u, width)
                if isinstance(matrix, torch.Tensor) and matrix.dtype != dtype:
                    advice = f"Yours is {matrix.dtype}. `torch.zeros` makes float32, `u.new_zeros(…)` the dtype of `u`."
                    require(False, f"the dtype of {what}", advice)
                if not isinstance(matrix, torch.Tensor) or matrix.shape != (width - w + 1, width):
                    expect(matrix, u.new_empty(width - w + 1, width), what)
                matrices[what], copies[what] = matrix, matrix.detach().clone()
                results[what] = matrix.detach().double() / scale @ x
                references[what] = F.conv1d(x.T[:, None], u.detach().double().reshape(1, 1, w) / scale)[:, 0].T
    expect(results, references, f"M @ x is x ⊛ u for {len(results)} pairs of u and width", rtol=1e-10, atol=1e-12)
    changed = [what for what in matrices if not torch.equal(matrices[what].detach(), copies[what])]
    advice = f"A later call wrote into the matrix of {'; '.join(changed[:1])}: make a new tensor in each call."
    require(changed == [], "later calls leave earlier matrices alone", advice)


def try_large(u, width):
    what, x = f"M @ x is x ⊛ u for M = conv1d_matrix(u, {width}), u of shape ({len(u)},)", torch.arange(width) % 7 - 2.0
    wanted = F.conv1d(x.view(1, 1, -1), u.view(1, 1, -1)).flatten()
    try:
        matrix = checked(u, width)
    except RecursionError:
        advice = "Your function calls itself for each row, but Python allows only about 1000 such calls: use a loop."
        require(False, what, advice)
    expect(matrix @ x if isinstance(matrix, torch.Tensor) else matrix, wanted, what, rtol=1e-4, atol=1e-4)


try_many(15, [(3, 5), (4, 4), (1, 6), (2, 9), (20, 150), (1, 1)])
try_large(torch.tensor([0.5, -2]), 1100)
expect(first, wanted, "the first matrix is still what it was")
require(True, "u is left as it was", "")
### BEGIN HIDDEN TESTS
try_many(16, [(1, 4), (5, 5), (2, 12), (4, 9), (3, 5), (13, 64)])
try_large(torch.tensor([1.5, -2, 0.5]), 1300)
### END HIDDEN TESTS

# %% [markdown]
# ## Images: channels in, maps out
#
# An image has rows, columns and **channels**: red, green and blue, for example. As a tensor it is C×H×W. This photograph of a cat is
# 3×96×128:

# %% folded varies label="Load a photograph and draw its channels"
photo = load_photo()

figure, axes = plt.subplots(2, 2, figsize=(6.0, 5.2), layout="constrained")
panels = [(photo.permute(1, 2, 0), None, "photo, 3×96×128")]
panels += [
    (photo[c], "gray", f"{name}, 96×128")
    for c, name in enumerate(("channel 0: red", "channel 1: green", "channel 2: blue"))
]
for ax, (image, colours, title) in zip(axes.flat, panels):
    ax.imshow(image, cmap=colours, vmin=0, vmax=1, interpolation="nearest")
    ax.set_title(title, fontsize=10)
    ax.set(xticks=[], yticks=[])
show(
    figure,
    alt="A colour photograph of a ginger cat's face in 96×128 pixels, and its three channels as grey images. "
    "The fur is bright in the red channel, darker in the green one and darkest in the blue one.",
)

# %% [markdown]
# A kernel for such an image is C×h×w: it has **as many channels as the input**, but usually far fewer rows and columns. It moves over rows and
# columns, not over channels. At each place, all C·h·w products are added up to **one** number. Here is an input of 3×5×6 with a kernel of 3×2×3:

# %%
torch.manual_seed(0)
x, kernel = torch.randint(-2, 3, (3, 5, 6)).float(), torch.randint(-1, 2, (3, 2, 3)).float()
y = F.conv2d(x[None], kernel[None])[0, 0]
parts = (x[:, 0:2, 0:3] * kernel).sum(dim=(1, 2))
print("first output, by hand:", " + ".join(f"{part:.0f}" for part in parts.tolist()), "=", parts.sum().item())
print("F.conv2d:             ", y[0, 0].item(), "· shape of the output:", tuple(y.shape))


# %% folded label="Watch the kernel move"
def channel_by_channel(ax, place):
    """The input and the kernel, one channel below the other, what each adds, and the output so far."""
    i, j = divmod(place, 4)
    sums = (x[:, i : i + 2, j : j + 3] * kernel).sum(dim=(1, 2)).tolist()
    for c, part in enumerate(sums):
        top = 6.7 * c
        draw_grid(ax, Grid(x[c], f"x, channel {c}", "input", digits=0), 0, top)
        edge = {"fill": False, "edgecolor": COLOURS["learned"], "linewidth": 3, "zorder": 3}
        ax.add_artist(plt.Rectangle((j, top + i), 3, 2, **edge))
        draw_grid(ax, Grid(kernel[c], f"kernel, channel {c}", "learned", digits=0), 7.6, top + 1.5)
        ax.text(11.1, top + 2.5, f"→ {part + 0.0:.0f}", ha="left", va="center", fontsize=13, color=INK)
    draw_grid(ax, Grid(y, "output", "output", digits=0, hide=True), 13.6, 7.2)
    for n, value in enumerate(y.flatten()[: place + 1].tolist()):
        at = 13.6 + n % 4, 7.2 + n // 4
        strength = 0.45 if n == place else 0.14
        face = {"facecolor": _mix_with_white(COLOURS["output"], strength), "edgecolor": INK}
        ax.add_artist(plt.Rectangle(at, 1, 1, hatch="///" if value < 0 else None, **face))
        ax.text(at[0] + 0.5, at[1] + 0.5, f"{value + 0.0:.0f}", ha="center", va="center", fontsize=10, color="black")
    total = " + ".join(f"({part + 0.0:.0f})" if part < 0 else f"{part:.0f}" for part in sums)
    ax.text(15.6, 12.2, f"{total} = {sum(sums) + 0.0:.0f}", ha="center", va="center", fontsize=12, color=INK)
    ax.set(xlim=(-0.2, 18.2), ylim=(18.7, -1.6), aspect="equal")


stepper(
    channel_by_channel,
    16,
    keys=[0, 6],
    size=(4.9, 5.5),
    columns=2,
    alt="The input's three channels of 5×6 numbers, one below the other, each with the kernel's 2×3 numbers for that channel. A frame of 2×3 is at the same place "
    "in all three channels. Beside each channel stands the sum of its products; the three sums together are one cell of the single output of 4×4.",
)

# %% [markdown]
# So a C×H×W input and one C×h×w kernel give an output of $(H - h + 1) \times (W - w + 1)$, without channels. It is called a 2-d convolution
# although the tensors have three dimensions: the kernel moves in two of them.
#
# One kernel looks for one thing. A layer has $D$ kernels, each with its own bias, and stacks their $D$ outputs as the channels of its
# result. Each of these channels is called an **activation map**. For a batch of $N$ images:
#
# $$y_{n,d,i,j} \;=\; b_d + \sum_{c=1}^{C} \sum_{p=1}^{h} \sum_{q=1}^{w} x_{n,\,c,\,i-1+p,\,j-1+q}\; u_{d,c,p,q} .$$
#
# | | shape |
# |---|---|
# | input | N × C × H × W |
# | weight | D × C × h × w |
# | bias | D |
# | output | N × D × (H − h + 1) × (W − w + 1) |
#
# In the example above, two kernels would give two maps (N is left out):


# %% folded label="Draw two kernels and their two maps"
def sheets(ax, left, top, shape, role, shift=0.45):
    """Draw a C×H×W block as C sheets, the first in front."""
    channels, height, width = shape
    for c in reversed(range(channels)):
        x, y = left + shift * c, top - shift * c
        for i in range(height):
            for j in range(width):
                cell = plt.Rectangle((x + j, y + i), 1, 1, facecolor="white", edgecolor=INK, linewidth=0.6)
                ax.add_artist(cell)
                ax.add_artist(plt.Rectangle((x + j, y + i), 1, 1, facecolor=(COLOURS[role], 0.25)))


figure, ax = plt.subplots(figsize=(8.2, 3.9))
figure.subplots_adjust(0, 0, 1, 1)
arrow = {"arrowstyle": "->", "color": INK, "lw": 1.3}
sheets(ax, 0.5, 3.2, (3, 5, 6), "input")
for d, top in enumerate((2.2, 7.4)):
    sheets(ax, 11, top, (3, 2, 3), "learned")
    sheets(ax, 18.5, top - 1.2, (1, 4, 4), "output")
    ax.annotate("", (10.6, top + 0.7), (8.2, 5.4), arrowprops=arrow)
    ax.annotate("", (18.1, top + 0.8), (15.4, top + 0.8), arrowprops=arrow)
    ax.text(12.9, top + 2.2, f"kernel {d}: 3×2×3", ha="center", va="top", fontsize=9.5, color=INK)
    ax.text(23, top + 0.8, f"map {d}: 4×4", ha="left", va="center", fontsize=9.5, color=INK)
for x, text, role in [
    (4, "input 3×5×6", "input"),
    (12.9, "weight 2×3×2×3", "learned"),
    (20.5, "output 2×4×4", "output"),
]:
    ax.text(x, 0.2, text, ha="center", va="center", fontsize=11, weight="bold", color=COLOURS[role])
ax.set(xlim=(0, 27.5), ylim=(11.3, -0.5), aspect="equal")
ax.axis("off")
show(
    figure,
    alt="On the left the input, a blue block of three sheets of 5×6 cells. Arrows lead from it to two kernels in orange, each with three sheets of "
    "2×3 cells; together they are the weight of 2×3×2×3. An arrow leads from each kernel to its own green map of 4×4 cells; together they are the output of 2×4×4.",
)

# %% [markdown]
# `F.conv2d(input, weight, bias=None)` computes this. (It has more arguments: `stride` and `padding` come in `08_padding_stride_pooling`,
# `dilation` in `09_dilation`, `groups` below.) The number of channels must match, and the kernel must fit inside the image. Even a grey
# image needs its channel: it is 1×H×W.
#
# **Before you run it:** the input is 117×4×10×3, the weight 5×4×2×3. What is the shape of the output?

# %% predict
torch.manual_seed(0)
weight, bias = torch.randn(5, 4, 2, 3), torch.randn(5)
x = torch.randn(117, 4, 10, 3)
print(tuple(F.conv2d(x, weight, bias).shape))

# %% [markdown]
# <details><summary>Why?</summary>
#
# There are still 117 samples. There are 5 maps, one per kernel, with $10 - 2 + 1 = 9$ rows and $3 - 3 + 1 = 1$ column, because the kernel is as
# wide as the image. The 4 channels have been added up.
#
# </details>
#
# ### Exercise: conv2d by its definition
#
# Write `conv2d(x, weight, bias=None)`: the formula above.
#
# - Loops over places or over kernel positions are fine. PyTorch's own convolutions are not: call no torch function with `conv` in its name,
#   neither directly nor through a module (`F.conv2d`, `torch.convolution`, `nn.Conv2d`, …). You may call your own `conv1d`, once its check
#   is green.
# - `bias` may be `None`.
# - All tensors have the same dtype, float32 or float64. The result has it too, with or without a bias.
# - Any tensor may be non-contiguous in memory, so `.view` may fail; `.reshape` works.
# - The arguments must not be changed.
# - Gradients must reach every argument that requires one, including the entries that are 0.
#
# <details><summary>Hint 1: one place, all samples, all kernels</summary>
#
# `x[:, :, i:i+h, j:j+w]` is N×C×h×w: what the kernels see at place (i, j), in every sample. The weight is D×C×h×w. What you want there is
# N×D: each sample against each kernel, as in a linear layer with C·h·w inputs.
#
# </details>
#
# <details><summary>Hint 2: how to multiply them</summary>
#
# `.flatten(1)` makes N×(C·h·w) and D×(C·h·w); the rest is the product of `04_linear`. Or `torch.einsum("ncab,dcab->nd", …)`.
#
# </details>
#
# <details><summary>Hint 3: putting the places together</summary>
#
# Make a tensor of zeros with the dtype of `x`, `x.new_zeros(...)`, and write each N×D into its place: `y[:, :, i, j] = …`. Gradients pass
# through that.
#
# </details>
#
# <details><summary>Hint 4: the bias</summary>
#
# One number per map. Broadcasting starts at the *last* dimension, which is W. `bias[:, None, None]`, or `bias.reshape(-1, 1, 1)`, has shape
# D×1×1. Ask `if bias is not None`: a tensor of several numbers is neither true nor false.
#
# </details>


# %% exercise="conv2d" difficulty=3 minutes=18
def conv2d(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    """A batch of images convolved with several kernels.

    x: (N, C, H, W). weight: (D, C, h, w). bias: (D,) or None.
    Returns: (N, D, H - h + 1, W - w + 1).
    """
    ### BEGIN SOLUTION
    (h, w), (height, width) = weight.shape[2:], x.shape[2:]
    y = x.new_zeros(len(x), len(weight), height - h + 1, width - w + 1)
    for i in range(y.shape[2]):
        for j in range(y.shape[3]):
            patch = x[:, :, i : i + h, j : j + w]
            y[:, :, i, j] = patch.flatten(1) @ weight.flatten(1).T
    if bias is not None:
        y = y + bias[:, None, None]
    return y
    ### END SOLUTION


# %% check="conv2d" points=3
def checked(x, weight, bias=None):
    """The learner's answer, looked after: no convolution of torch's, no change in place."""
    tensors = [("x", x), ("weight", weight), *([] if bias is None else [("bias", bias)])]
    before = [tensor.detach().clone() for _, tensor in tensors]
    with Watch(operations=False) as seen:
        if bias is None:
            answer = conv2d(inplace(x), inplace(weight))
        else:
            answer = conv2d(inplace(x), inplace(weight), inplace(bias))
    used = [name for name in seen.functions if "conv" in name or name == THREAD]
    if used:
        advice = f"Your code calls `{used[0]}`, which this exercise asks you to do without."
        require(False, "without torch's own convolutions", advice)
    for (name, now), old in zip(tensors, before):
        if not torch.equal(now.detach(), old):
            require(False, "the arguments are left as they were", f"Your code changes `{name}`: work on a new tensor.")
    return answer


g = torch.Generator().manual_seed(16)
close = {"rtol": 1e-4, "atol": 1e-5}
# Many equal sizes first: there, a mix-up raises no error, it only gives wrong numbers.
x, weight, bias = (torch.randn(size, generator=g) for size in [(2, 4, 5, 6), (4, 4, 3, 3), (4,)])
y = F.conv2d(x, weight)
with_bias, along_width = y + bias[:, None, None], y + bias
nine_times, four_times = (y + n * bias[:, None, None] for n in (9, 4))
answer = checked(x, weight)
require(isinstance(answer, torch.Tensor), "conv2d(x, weight) returns a tensor", f"Yours is {_describe(answer)}.")
expect(
    tuple(answer.shape),
    (2, 4, 3, 4),
    "the shape of conv2d(x, weight) for shapes (2, 4, 5, 6), (4, 4, 3, 3)",
    mistakes={
        "The last row and the last column of places are missing: H − h + 1 and W − w + 1.": (2, 4, 2, 3),
        "The channels are still there: add them up.": (2, 4, 4, 3, 4),
        "The kernel must stay inside the image: H − h + 1 and W − w + 1.": (2, 4, 5, 6),
        "Rows and columns of the maps are exchanged: H − h + 1 comes first.": (2, 4, 4, 3),
        "The maps have W − w + 1 columns: use the widths for them, not the heights.": (2, 4, 3, 3),
    },
)
expect(
    answer,
    y,
    "the values of conv2d(x, weight) for shapes (2, 4, 5, 6), (4, 4, 3, 3)",
    mistakes={
        "The kernels are flipped: x and kernel run in the same direction.": F.conv2d(x, weight.flip(2, 3)),
        "Rows and columns of the kernel are exchanged.": F.conv2d(x, weight.transpose(2, 3)),
        "The first dimension of the weight is the map d, the second the channel c.": F.conv2d(
            x, weight.transpose(0, 1)
        ),
        "Only channel 0 is used: add up the products of all channels.": F.conv2d(x[:, :1], weight[:, :1]),
        "The products are averaged: add them up.": y / 36,
        "Each map sees one channel only: every kernel has all channels of x.": F.conv2d(
            x, weight[range(4), range(4), None], groups=4
        ),
        "Every sample has the maps of the first: x[0] is only one of them.": y[:1].expand(2, -1, -1, -1),
        "The samples are added up too: sum over dimensions 1, 2 and 3 only.": y.sum(0).expand(2, -1, -1, -1),
        "The last column is never written: j runs over W − w + 1 places.": y * (torch.arange(4) < 3),
    },
    **close,
)
expect(
    checked(x, weight, bias),
    with_bias,
    "conv2d(x, weight, bias) for shapes (2, 4, 5, 6), (4, 4, 3, 3), (4,)",
    mistakes={
        "The bias is missing.": y,
        "The bias is added along the width: it needs the shape (D, 1, 1).": along_width,
        "The bias is added at every position of the kernel: add it once per output.": nine_times,
        "The bias is added for every channel: add it once per output.": four_times,
    },
    **close,
)


def try_many(seed, sizes):
    """Many sizes in both dtypes; tensors not contiguous; weights of zeros; each choice of arguments with gradients."""
    g = torch.Generator().manual_seed(seed)
    orders = [(0, 1, 2, 3), (0, 2, 3, 1), (0, 1, 3, 2), (3, 1, 0, 2)]
    choices = ["bias:", "bias:weight bias", "bias:x", "bias:x weight bias", ":x weight", "bias:bias", "bias:weight"]
    choices += [":x", ":", ":weight"]
    for dtype, close in [(torch.float32, (1e-4, 1e-5)), (torch.float64, (1e-10, 1e-10))]:
        answers, first, wanted, gradients, slopes, lost = {}, {}, {}, {}, {}, []

        def draw(shape, order, dtype=dtype):
            first, *others = [shape[i] for i in order]
            values = torch.randn(first + 1, *others, generator=g, dtype=dtype)[1:]
            return values.permute([order.index(i) for i in range(4)])

        for n, (size, kernels) in enumerate(sizes * 3):
            given, _, names = choices[(n + n // len(sizes)) % len(choices)].partition(":")
            x, weight = draw(size, orders[n % 4]), draw(kernels, orders[(n // 2 + 1) % 4])
            weight[..., 0, 0] *= n % 2
            weight *= names != "weight"
            bias = torch.randn(2 * len(weight), generator=g, dtype=dtype)[1::2] if given else None
            if names == "bias":
                bias.zero_()
            tensors = {name: {"x": x, "weight": weight, "bias": bias}[name].requires_grad_() for name in names.split()}
            if names == "x weight bias":  # no leaves, as if other layers had made them
                tensors = {"x": x[:], "weight": weight[:], "bias": bias[:]}
                x, weight, bias = tensors.values()
            what = f"shapes {size}, {kernels}, {'with' if given else 'without'} a bias"
            what += {"weight": ", the weight all zeros", "bias": " of zeros"}.get(names, "")
            what += f"; {names.replace(' ', ', ')} with gradient" if names else ""
            reference = F.conv2d(x, weight, bias)
            wanted[what], y = reference.detach(), checked(x, weight, bias)
            if not isinstance(y, torch.Tensor):
                expect(y, wanted[what], f"conv2d for {what}")
            if y.dtype != dtype:
                advice = f"Yours is {y.dtype}. `torch.zeros` makes float32: `x.new_zeros(…)` has the dtype of `x`."
                require(False, f"the dtype of conv2d for {what}: {dtype}", advice)
            answers[what], first[what] = y, y.detach().clone()
            if names and y.shape == reference.shape:
                upstream = torch.randn(y.shape, generator=g, dtype=dtype)
                mine = [None] * len(tensors)
                if y.requires_grad:
                    mine = torch.autograd.grad(y, list(tensors.values()), upstream, allow_unused=True)
                lost += [(name, y.requires_grad, what) for name, slope in zip(tensors, mine) if slope is None]
                gradients[what] = dict(zip(tensors, mine))
                ours = torch.autograd.grad(reference, list(tensors.values()), upstream)
                slopes[what] = dict(zip(tensors, ours))
        kind = str(dtype).removeprefix("torch.")
        loosely = _difference(first, wanted, Rules(1e-4, 1e-5, False)) is None
        if loosely and _difference(first, wanted, Rules(*close, False)) is not None:
            advice = "It is right to about seven digits: something on the way has the dtype float32. `torch.zeros` "
            advice += "makes float32: `x.new_zeros(…)` has the dtype of `x`."
            require(False, f"conv2d in {kind}", advice)
        expect(first, wanted, f"conv2d in {kind}, for {len(first)} sets of tensors", rtol=close[0], atol=close[1])
        for name, graph, what in lost[:1]:
            advice = f"Something cuts `{name}` off, such as `.detach()`" + (" or `if bias`." if name == "bias" else ".")
            if not graph:
                advice = "The result has lost its graph: `.detach()`, `.data`, `.item()`, `torch.tensor(…)` and "
                advice += "`no_grad` cut it off."
            if "zeros" in what:
                advice = "Do you leave out values that are 0? They need gradients, too."
            require(False, f"a gradient reaches {name}, for {what}, {kind}", advice)
        expect(gradients, slopes, f"the gradients of x, weight and bias in {kind}", rtol=close[0], atol=close[1])
        for size, kernels in sizes:
            checked(*(torch.ones(shape, dtype=dtype) for shape in (size, kernels, kernels[:1])))
        changed = [what for what in answers if not torch.equal(answers[what].detach(), first[what])]
        advice = f"A later call wrote into the result for {'; '.join(changed[:1])}: make a new tensor in each call."
        require(changed == [], "later calls leave earlier results alone", advice)


try_many(
    16,
    [
        ((3, 2, 7, 5), (4, 2, 3, 2)),
        ((3, 2, 5, 4), (1, 2, 2, 3)),
        ((1, 1, 4, 6), (1, 1, 4, 1)),
        ((2, 3, 5, 4), (2, 3, 1, 4)),
        ((2, 3, 4, 3), (7, 3, 1, 1)),
        ((1, 5, 3, 3), (2, 5, 3, 3)),
        ((40, 2, 4, 3), (3, 2, 2, 2)),
        ((2, 9, 9, 8), (10, 9, 7, 6)),
    ],
)
tiny = 1e-6 * x
expect(
    conv2d(tiny, weight, None), F.conv2d(tiny, weight), "conv2d(x, weight, None), tiny values", rtol=1e-4, atol=1e-11
)
require(True, "without torch's own convolutions; the arguments are left as they were", "")
### BEGIN HIDDEN TESTS
try_many(
    17,
    [
        ((2, 3, 4, 6), (1, 3, 3, 2)),
        ((117, 4, 10, 3), (5, 4, 2, 3)),
        ((2, 3, 4, 6), (7, 3, 1, 1)),
        ((1, 1, 6, 4), (2, 1, 6, 4)),
        ((3, 2, 2, 9), (1, 2, 1, 7)),
        ((5, 1, 5, 5), (12, 1, 4, 2)),
        ((2, 12, 4, 4), (3, 12, 2, 3)),
        ((1, 2, 3, 5), (4, 2, 3, 4)),
    ],
)
### END HIDDEN TESTS

# %% [markdown]
# ## The layer nn.Conv2d
#
# Just as `nn.Linear` goes with `F.linear`, `nn.Conv2d` goes with `F.conv2d`: it creates the weight and the bias and keeps them.
# `nn.Conv2d(in_channels, out_channels, kernel_size)` takes the kernel size as a pair `(h, w)`, or as one number `k` for
# `(k, k)`. Its initial values are between $-1 / \sqrt{\mathrm{fan\_in}}$ and $1 / \sqrt{\mathrm{fan\_in}}$, as in a linear
# layer. One output adds up C·h·w products, so that is its $\mathrm{fan\_in}$.

# %%
torch.manual_seed(0)
layer = nn.Conv2d(in_channels=4, out_channels=5, kernel_size=(2, 3))
print("weight", tuple(layer.weight.shape), "· bias", tuple(layer.bias.shape))
largest = max(parameter.abs().max().item() for parameter in layer.parameters())
print(f"largest initial value {largest:.4f} ≤ 1/√fan_in = 1/√(4·2·3) = {1 / math.sqrt(4 * 2 * 3):.4f}")
for size in [(117, 4, 10, 3), (8, 4, 40, 64)]:
    print(size, "→", tuple(layer(torch.zeros(size)).shape))

# %% [markdown]
# The layer never asks for H and W: it accepts images of any size, as long as they are not smaller than its kernel. A convolution with 5×5
# kernels from 3 channels to 3 channels has 228 parameters, not the 38.7 billion from the beginning.
#
# **1×1 convolution.** A kernel of 1×1 sees no neighbours at all. It is a linear layer across the channels, applied to each pixel on its own.
# Turning colour into grey is an example: `F.conv2d(photo[None], torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1))`.
#
# ## Filters and their activation maps
#
# What does a map look like? Here are five well-known kernels of 3×3. Hatched cells are negative.

# %%
kernels = torch.tensor(
    [
        [[0.0, 0, 0], [0, 1, 0], [0, 0, 0]],
        [[1, 1, 1], [1, 1, 1], [1, 1, 1]],
        [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]],
        [[-1, -1, -1], [0, 0, 0], [1, 1, 1]],
        [[0, -1, 0], [-1, 4, -1], [0, -1, 0]],
    ]
)
names = ["identity", "box", "left to right", "top to bottom", "Laplace"]

# %% folded label="Draw the five kernels"
draw_row(
    *[Grid(kernel, name, "learned", digits=0) for kernel, name in zip(kernels, names)],
    alt="Five kernels of 3×3; negative cells are hatched. Identity: 1 in the middle, 0 elsewhere. Box: all 1. Left to right: columns of −1, 0, 1. "
    "Top to bottom: rows of −1, 0, 1. Laplace: 4 in the middle, −1 on its four sides, 0 in the corners.",
)

# %% [markdown]
# The image is a digit of 8×8 pixels: ink is positive, paper is 0. In the first drawing, hatched cells are negative again. In
# the second, orange is positive, purple negative and white zero.
#
# **Before you run it:** in the map of *left to right*, which side of a vertical stroke is positive, the left or the right? What is the size
# of the maps of an 8×8 image? And what does *Laplace* give on a 3×3 patch of equal pixels?

# %% predict yours
convolve = yours_or_ours(conv2d, F.conv2d, torch.ones(1, 1, 3, 3), torch.ones(1, 1, 2, 2))
images, labels = load_digits()
digit = images[12]
maps = convolve(digit.view(1, 1, 8, 8), kernels[:, None])[0]  # weight: 5×3×3 → 5×1×3×3, one input channel
print("the 13th digit is a", labels[12].item(), "· maps:", tuple(maps.shape))
print("Laplace on a patch of ones:", (torch.ones(3, 3) * kernels[4]).sum().item())

# %% predict yours folded label="Draw the maps"
draw_row(
    Grid(digit, "digit", "input", digits=0),
    "⊛",
    Grid(kernels[2], "left to right", "learned", digits=0),
    "=",
    Grid(maps[2], "activation map", "output", digits=0),
    cell=0.42,
    alt="The 8×8 digit in blue, values 0 to 16, convolved with the 3×3 kernel left to right in orange, gives a 6×6 activation map in green. Its values go from −45 to 38; "
    "negative cells are hatched. Most of its left half is positive, most of its right half negative.",
)
draw_images(
    [digit, *maps],
    ["input 8×8", *[f"{name}\n6×6" for name in names]],
    signed=True,
    columns=3,
    cell=1.6,
    alt="An 8×8 image of a two and its five activation maps of 6×6; orange is positive, purple negative, white zero. The identity map is the image without its border, the box "
    "map a blurred one. Left to right: left sides of strokes are orange, right sides purple. Top to bottom: upper sides orange, lower sides purple. Laplace: strokes orange, their surroundings purple.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# - *Identity* gives the image back without its border, because the kernel's centre never reaches the border: 8×8 becomes 6×6.
# - *Box* adds up a pixel and its eight neighbours, so it blurs.
# - *Left to right* and *top to bottom* are derivatives in two directions, known as **Prewitt's** filters. They respond at edges: positive where
#   ink begins, that is, on the **left** side of a vertical stroke, and negative where it ends.
# - *Laplace* compares a pixel with its four neighbours: $4 - 1 - 1 - 1 - 1 = 0$ inside a uniform patch, large where a pixel
#   stands out. It is the curvature of exercise 2 (with step 1), added up over both directions, with the opposite sign.
#
# </details>
#
# The same five kernels on the photograph, made grey by a 1×1 convolution, all with your `conv2d`:

# %% yours
grey = convolve(photo[None], torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1))
maps = convolve(grey, kernels[:, None])[0]
print("photo:", tuple(photo.shape), "→ grey:", tuple(grey.shape[1:]), "→ maps:", tuple(maps.shape))

# %% yours varies folded label="Draw the photograph and its maps"
figure, axes = plt.subplots(2, 3, figsize=(6.8, 4.1), layout="constrained")
panels = [(grey[0, 0], "grey 96×128"), *[(map, f"{name} 94×126") for map, name in zip(maps, names)]]
for ax, (image, title) in zip(axes.flat, panels):
    largest = image.abs().max()
    signed = {"cmap": "PuOr_r", "vmin": -largest, "vmax": largest}
    ax.imshow(image, interpolation="nearest", **(signed if image.min() < 0 else {"cmap": "gray"}))
    ax.set_title(title, fontsize=9)
    ax.set(xticks=[], yticks=[])
show(
    figure,
    alt="The grey photograph of the cat and its five maps of 94×126. Identity: the photograph. Box: the photograph, blurred. Left to right: vertical edges, such as the sides of the nose and the eyes, "
    "orange where it gets brighter towards the right, purple where it gets darker. Top to bottom: horizontal edges in the same way, such as the lids. Laplace: fine lines around the eyes and in the fur.",
)

# %% [markdown]
# Nobody gives a network such kernels. It starts with random ones and learns better ones, just as the kernel above learned to be $(-1, 1)$. Its
# first layer often ends up with edge filters.
#
# ## Groups
#
# So far, every kernel has seen all channels. `groups` divides the input channels and the output maps into that many groups, and a kernel sees
# **only the channels of its own group**. So a kernel has $C / \text{groups}$ channels, and the weight is
# $D \times \frac{C}{\text{groups}} \times h \times w$. Both C and D must be divisible by `groups`. In the picture, each line stands for h×w
# weights:

# %% folded label="Draw which map sees which channel"
figure, axes = plt.subplots(1, 3, figsize=(6.6, 2.6))
figure.subplots_adjust(0.01, 0.02, 0.99, 0.88, wspace=0.12)
for ax, groups in zip(axes, (1, 2, 4)):
    ax.set(xlim=(-0.1, 2.9), ylim=(4.1, -0.6), aspect="equal", title=f"groups={groups}")
    ax.axis("off")
    for side, role in [(0.5, "input"), (2.2, "output")]:
        for channel in range(4):
            square = plt.Rectangle((side - 0.3, channel), 0.7, 0.7, facecolor=(COLOURS[role], 0.35), edgecolor=INK)
            ax.add_artist(square)
            ax.text(side + 0.05, channel + 0.35, channel, ha="center", va="center", fontsize=9, color="black")
    for c in range(4):
        for d in range(4):
            if c * groups // 4 == d * groups // 4:
                ax.plot([0.9, 1.9], [c + 0.35, d + 0.35], color=COLOURS["learned"], linewidth=1.5)
    ax.text(0.55, -0.12, "channels", ha="center", va="bottom", fontsize=9, color=COLOURS["input"])
    ax.text(2.25, -0.12, "maps", ha="center", va="bottom", fontsize=9, color=COLOURS["output"])
show(
    figure,
    alt="Three diagrams, each with four input channels on the left and four maps on the right; a line means that this map sees this channel. With groups=1 every map "
    "sees every channel, 16 lines. With groups=2 maps 0 and 1 see channels 0 and 1, maps 2 and 3 see channels 2 and 3, 8 lines. With groups=4 each map sees one channel, 4 lines.",
)

# %% [markdown]
# In code, `groups` is one more argument of `F.conv2d` and `nn.Conv2d`:

# %%
for groups in (1, 2, 4):
    layer = nn.Conv2d(4, 4, kernel_size=3, groups=groups)
    count = sum(parameter.numel() for parameter in layer.parameters())
    print(f"groups={groups}: weight {tuple(layer.weight.shape)}, {count} parameters with the bias")

# %% [markdown]
# One output adds up fewer products now, so the $\mathrm{fan\_in}$ is $\frac{C}{\text{groups}} \cdot h \cdot w$. With `groups` equal to the
# number of channels, every channel is treated on its own. That is called a *depthwise* convolution.
#
# ### Exercise: Count the parameters of a convolution
#
# Write `conv_parameters(in_channels, out_channels, kernel_size, groups=1, bias=True)`: the number of parameters of the
# `nn.Conv2d` with these arguments, as a Python `int`. `kernel_size` is a pair `(h, w)` (a tuple; `weight.shape[2:]` is one) or
# one number `k` for `(k, k)`. Calculate with Python ints: build no layer and call no torch function. The number must be exact
# even for layers that are too large for any memory, with more parameters than an int64 can count.
#
# <details><summary>Hint 1: which numbers matter?</summary>
#
# Look at the shape of the weight above. H and W of the image do not appear in it, because all places share the kernel.
#
# </details>
#
# <details><summary>Hint 2: a pair or a number</summary>
#
# `isinstance(kernel_size, int)` is true if it is a single number.
#
# </details>


# %% exercise="conv_parameters" difficulty=1 minutes=7
def conv_parameters(
    in_channels: int,
    out_channels: int,
    kernel_size: int | tuple[int, int],
    groups: int = 1,
    bias: bool = True,
) -> int:
    """The number of parameters of nn.Conv2d with these arguments.

    in_channels and out_channels are divisible by groups. Returns: a Python int.
    """
    ### BEGIN SOLUTION
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return out_channels * (in_channels // groups * h * w + bias)
    ### END SOLUTION


# %% check="conv_parameters" points=1
large = 10**9 + 7
with Watch(operations=False) as seen:
    pair = conv_parameters(4, 5, (2, 3))
    number = conv_parameters(3, 32, 5)
    grouped = conv_parameters(6, 12, (2, 5), groups=3)
    without = conv_parameters(6, 12, (2, 5), 3, bias=False)


def no_torch(used):
    advice = f"Your code calls torch's `{', '.join(used[:1])}`: calculate with Python ints."
    require(used == [], "no layer is built, and no torch function is called", advice)


expect(
    pair,
    125,
    "conv_parameters(4, 5, (2, 3))",
    mistakes={
        "The bias is missing: it has one value per map.": 120,
        "A bias has one value per map, not one per layer.": 121,
        "A bias has one value per map, not one per input channel.": 124,
        "A kernel has all input channels: its size is C·h·w.": 35,
        "There are out_channels kernels: multiply by their number.": 25,
        "The first number of the pair is used twice: the kernel has h·w places.": 85,
        "The second number of the pair is used twice: the kernel has h·w places.": 185,
        "This is a float, because `/` gives one: `//` divides ints.": 125.0,
        "This is a tensor: calculate with Python ints.": torch.tensor(125),
        "This is a NumPy number: calculate with Python ints.": np.int64(125),
    },
)
one_number = {"One number k means a kernel of k×k.": 512}
expect(number, 2432, "conv_parameters(3, 32, 5): 5 means (5, 5)", mistakes=one_number)
expect(
    grouped,
    252,
    "conv_parameters(6, 12, (2, 5), groups=3)",
    mistakes={
        "groups makes no difference in yours.": 732,
        "Divide the input channels only: out_channels kernels of in_channels / groups channels.": 92,
        "Divide the input channels by groups; yours are multiplied by it.": 2172,
        "There are still out_channels maps, and as many biases.": 244,
        "The biases are not repeated for each group: there is one per map.": 276,
        "This is a float, because `/` gives one: `//` divides ints.": 252.0,
    },
)
expect(
    without,
    240,
    "conv_parameters(6, 12, (2, 5), 3, bias=False)",
    mistakes={"bias=False makes no difference in yours.": 252},
)
no_torch(seen.functions)
exact = 30000000420001001470007
with Watch(operations=False) as seen:
    answer = conv_parameters(large, large, (10**4, 3))
no_torch(seen.functions)
what = "conv_parameters(10**9 + 7, 10**9 + 7, (10**4, 3)), a layer too large for any memory"
if isinstance(answer, int) and 0 < abs(answer - exact) < 10**15:
    advice = "Floats are too short for such numbers, even if you round at the end: `//` divides ints exactly."
    require(False, what, f"{answer} should be {exact}. {advice}")
expect(
    answer,
    exact,
    what,
    mistakes={"An int64, as NumPy and torch have it, is too short for such numbers.": 5594556149270542391},
)


def try_many(cases):
    with Watch(operations=False) as seen:
        answers = {f"conv_parameters{arguments}": conv_parameters(*arguments) for arguments in cases}
    wanted = {f"conv_parameters{arguments}": number for arguments, number in cases.items()}
    expect(answers, wanted, f"conv_parameters for {len(cases)} other layers")
    no_torch(seen.functions)


try_many(
    {
        (8, 4, 1, 4, False): 8,
        (6, 9, (1, 7), 3, True): 135,
        (4, 10, 3, 2): 190,
        (5, 10, 3, 5, False): 90,
        (3, 7, 2, 1, False): 84,
        (16, 16, (5, 3), 16): 256,
        (10, 6, (3, 8), 2, False): 720,
        (1, 1, 1): 2,
        (12 * 10**6, 18 * 10**6, (11, 7), 6, False): 2772000000000000,
        (6 * (10**15 + 37), 9 * (10**15 + 37), (7, 11), 3, False): 1386000000000102564000000001897434,
        (large, large, 1): 1000000015000000056,
        (4, 12, (2, 3), 4): 84,
        (6 * (10**16 + 61), 3 * (10**16 + 61), (5, 3), 3): 9000000000000109830000000000335073,
        (1, 10**19, 1): 2 * 10**19,
        (10**18, 1, 5): 25 * 10**18 + 1,
        (4, 5, torch.Size((2, 3))): 125,
    }
)
### BEGIN HIDDEN TESTS
try_many(
    {
        (5, 10, 3, 5, False): 90,
        (2, 8, (4, 1), 2): 40,
        (64, 64, 3, 64): 640,
        (6, 4, 5, 2): 304,
        (9, 9, (2, 3), 3, False): 162,
        (20, 30, (1, 9), 10): 570,
        (10**7, 10**7, (10**4, 10**3), 10, False): 10**20,
        (10**18 + 9, 2, (3, 7)): 42000000000000000380,
        (2, 8, torch.Size((4, 1)), 2): 40,
        (4 * (10**16 + 61), 8 * (10**16 + 61), (3, 5), 4): 12000000000000146480000000000447008,
    }
)
### END HIDDEN TESTS

# %% [markdown]
# ### Exercise: A bank of filters for every channel
#
# You have $K$ kernels as a float32 tensor of shape (K, h, w). Write `filter_bank(kernels, channels)`: it returns an `nn.Conv2d`
# **without a bias** that applies each kernel to each channel *separately*. From (N, channels, H, W) it makes (N, channels·K,
# H − h + 1, W − w + 1). The maps of channel 0 come first, one for each kernel, in the order of `kernels`, then those of channel 1, and
# so on. For 3 kernels and 2 channels: map 0 is kernel 0 on channel 0, map 1 is kernel 1 on channel 0, map 2 is kernel 2 on channel 0,
# map 3 is kernel 0 on channel 1, …
#
# - Use `groups`, so that the weight has exactly channels·K·h·w values.
# - `kernels` may be non-contiguous in memory, and it may be a parameter of another layer.
# - The weight is the layer's only parameter, and it can still be trained. Each call makes a new layer.
# - `kernels` must not be changed: not by your function, and not when somebody trains the layer. So the weight must be a copy.
#
# <details><summary>Hint 1: how many groups?</summary>
#
# Each map sees one channel only. What is `groups` then, and what is the second size of the weight?
#
# </details>
#
# <details><summary>Hint 2: which rows of the weight belong to channel 0?</summary>
#
# The groups take the maps in order: with K maps per group, the first K rows of the weight belong to channel 0, the next K to channel 1. Each
# of these blocks is the whole set of kernels.
#
# </details>
#
# <details><summary>Hint 3: repeating a block</summary>
#
# `t.repeat(2, 1, 1)` puts two copies of the whole `t` one after the other along dimension 0. (`repeat_interleave` would repeat each entry
# on its own.) And the weight has four dimensions: which of them do `kernels` not have?
#
# </details>
#
# <details><summary>Hint 4: writing into a layer</summary>
#
# `layer.weight.copy_(values)` under `torch.no_grad()`. The weight stays a parameter of the layer, with memory of its own.
#
# </details>


# %% exercise="filter_bank" difficulty=2 minutes=12
def filter_bank(kernels: torch.Tensor, channels: int) -> nn.Conv2d:
    """A layer that applies every kernel to every channel separately.

    kernels: (K, h, w).
    Returns: a layer that maps (N, channels, H, W) to (N, channels * K, H - h + 1, W - w + 1).
    """
    ### BEGIN SOLUTION
    count, h, w = kernels.shape
    layer = nn.Conv2d(channels, channels * count, (h, w), groups=channels, bias=False)
    with torch.no_grad():
        layer.weight.copy_(kernels.repeat(channels, 1, 1)[:, None])
    return layer
    ### END SOLUTION


# %% check="filter_bank" points=2
def checked(kernels, channels):
    before = kernels.detach().clone()
    answer = filter_bank(inplace(kernels), channels)
    if not torch.equal(kernels.detach(), before):
        require(False, "kernels is left as it was", "Your code changes `kernels`: write into the layer's weight only.")
    if not isinstance(answer, nn.Conv2d):
        advice = f"Yours is {_describe(answer)}. Return the nn.Conv2d itself."
        require(False, f"filter_bank(kernels, {channels}) returns an nn.Conv2d", advice)
    return answer


g = torch.Generator().manual_seed(18)
kernels = torch.randn(3, 2, 4, generator=g)
layer = checked(kernels, 2)


def arguments(channels, maps, size, groups):
    return {"in_channels": channels, "out_channels": maps, "kernel_size": size, "groups": groups}


expect(
    arguments(layer.in_channels, layer.out_channels, tuple(layer.kernel_size), layer.groups),
    arguments(2, 6, (2, 4), 2),
    "in_channels, out_channels, kernel_size and groups of filter_bank(kernels, 2), kernels of shape (3, 2, 4)",
    mistakes={
        "Every kernel on every channel makes channels · K maps.": arguments(2, 3, (2, 4), 1),
        "Each map may see one channel only: set groups.": arguments(2, 6, (2, 4), 1),
        "The layer has as many input channels as the images: `channels`.": arguments(6, 6, (2, 4), 6),
        "The kernel size is (h, w), the last two sizes of kernels.": arguments(2, 6, (3, 2), 2),
        "The kernel size is (h, w): the rows come first.": arguments(2, 6, (4, 2), 2),
    },
)
require(layer.bias is None, "the layer has no bias", "Yours has one: make it with `bias=False`.")
order = [0, 1, 2, 0, 1, 2]
title = "the weight: all kernels for channel 0, then all kernels for channel 1"
if not torch.isin(layer.weight.detach(), kernels).any():
    require(False, title, "Its values are the random ones of a new layer: write the kernels into it.")
expect(
    layer.weight.detach(),
    kernels[order][:, None],
    title,
    mistakes={
        "Each kernel is repeated on its own: the rows of channel 0 must be *all* kernels, in order.": (
            kernels[[0, 0, 1, 1, 2, 2]][:, None]
        ),
        "The kernels are flipped: write them as they are.": kernels[order].flip(1, 2)[:, None],
        "The kernels are there only once: each channel needs its own set.": kernels[:, None],
        "The input channel is missing: the shape is (channels·K, 1, h, w).": kernels[order],
    },
)
require(
    layer.weight.requires_grad and [name for name, _ in layer.named_parameters()] == ["weight"],
    "the weight is the layer's only parameter and requires a gradient",
    "Copy the values into the layer's own weight under `torch.no_grad()`, and leave its `requires_grad` alone.",
)


def try_many(seed, sizes):
    """Twice each size: the maps, the parameters, the gradient, and a step of training."""
    g = torch.Generator().manual_seed(seed)
    close = {"rtol": 1e-4, "atol": 1e-5}
    layers, kept, maps, wanted, slopes, ours = {}, {}, {}, {}, {}, {}
    trained, after = {}, {}
    for size, channels, image in sizes * 2:
        kernels = torch.randn(size[0] + 1, size[2], size[1], generator=g)[1:].mT  # not contiguous
        x = torch.randn(3, channels, *image, generator=g)
        what = f"kernels of shape {size}, {channels} channels, images of {image[0]}×{image[1]}"
        if what in layers:
            what, kernels = what + ", kernels a parameter", nn.Parameter(kernels.contiguous())
        layer, twin, before = checked(kernels, channels), checked(kernels, channels), kernels.detach().clone()
        own = [before.clone().requires_grad_() for _ in range(channels)]
        reference = torch.cat([F.conv2d(x[:, c : c + 1], own[c][:, None]) for c in range(channels)], dim=1)
        maps[what], wanted[what] = layer(x), reference.detach()
        if layer.bias is not None:
            require(False, f"the layer has no bias, for {what}", "Yours has one: make it with `bias=False`.")
        if [name for name, _ in layer.named_parameters()] != ["weight"]:
            advice = "Yours has others. (An attribute that is an nn.Parameter becomes a parameter of the layer.)"
            require(False, f"the weight is the only parameter, for {what}", advice)
        if layer.weight.numel() != channels * kernels.numel():
            require(False, f"the size of the weight, for {what}", "It has too many values: use `groups`.")
        if maps[what].shape == wanted[what].shape:
            upstream = torch.randn(reference.shape, generator=g)
            slope = None
            if layer.weight.requires_grad and maps[what].requires_grad:
                (slope,) = torch.autograd.grad(maps[what], layer.weight, upstream, allow_unused=True)
            if slope is None:
                advice = "The layer cannot be trained: its weight has been cut off, or requires no gradient."
                require(False, f"a gradient reaches the weight, for {what}", advice)
            slopes[what] = slope
            ours[what] = torch.cat(torch.autograd.grad(reference, own, upstream))[:, None]
            step = torch.randn(channels, *size, generator=g)
            try:
                with torch.no_grad():
                    layer.weight.add_(step.view(layer.weight.shape))
            except RuntimeError:
                advice = "Several of its values share one place in memory: copy the kernels for each channel."
                require(False, f"the weight can be trained, for {what}", advice)
            if not torch.equal(kernels, before):
                advice = "The layer's weight *is* `kernels`, in the same memory: copy the values."
                require(False, f"training the layer leaves kernels alone, for {what}", advice)
            if torch.equal(twin.weight, layer.weight):
                advice = "Training one layer changes the other: do not keep layers for later calls."
                require(False, f"two calls make two layers, for {what}", advice)
            trained[what] = layer(x).detach()
            after[what] = torch.cat(
                [F.conv2d(x[:, c : c + 1], (before + step[c])[:, None]) for c in range(channels)], dim=1
            )
        maps[what] = maps[what].detach()
        layers[what], kept[what] = layer, layer.weight.detach().clone()
    expect(maps, wanted, f"the maps of {len(maps)} filter banks", **close)
    expect(slopes, ours, "the gradients of their weights", rtol=1e-3, atol=1e-4)
    expect(trained, after, "their maps after a step of training", **close)
    changed = [what for what, layer in layers.items() if not torch.equal(layer.weight.detach(), kept[what])]
    advice = f"A later call changed the layer for {'; '.join(changed[:1])}: make a new layer in each call."
    require(changed == [], "later calls leave earlier layers alone", advice)


try_many(
    18,
    [
        ((3, 2, 4), 2, (6, 7)),
        ((1, 3, 2), 3, (6, 7)),
        ((4, 2, 2), 1, (5, 4)),
        ((6, 3, 1), 4, (3, 8)),
        ((2, 1, 3), 9, (40, 36)),
        ((1, 1, 1), 1, (2, 2)),
    ],
)
require(True, "kernels is left as it was", "")
### BEGIN HIDDEN TESTS
try_many(
    19,
    [
        ((4, 3, 2), 3, (6, 5)),
        ((1, 2, 2), 5, (7, 3)),
        ((2, 3, 3), 1, (50, 6)),
        ((2, 1, 4), 4, (6, 5)),
        ((7, 2, 5), 9, (4, 9)),
    ],
)
### END HIDDEN TESTS

# %% [markdown]
# Your filter bank, with Prewitt's two filters, on the three colour channels of the photograph:

# %% folded label="What stands in while exercise 8 is not solved"
prewitt = torch.tensor([[[-1.0, 0, 1], [-1, 0, 1], [-1, 0, 1]], [[-1, -1, -1], [0, 0, 0], [1, 1, 1]]])


def course_bank(kernels, channels):
    """The maps of every channel, without ``groups``."""
    return lambda x: torch.cat([F.conv2d(x[:, [c]], kernels[:, None]) for c in range(channels)], dim=1)


# %% yours
bank = yours_or_ours(filter_bank, course_bank, prewitt, 3, call=(photo[None],))(prewitt, 3)
with torch.no_grad():
    maps = bank(photo[None])[0]
print("photo:", tuple(photo.shape), "→ maps:", tuple(maps.shape))

# %% yours varies folded label="Draw the maps"
draw_images(
    [maps[i] for i in (0, 2, 4, 1, 3, 5)],
    [f"{name}, {colour}" for name in ("left to right", "top to bottom") for colour in ("red", "green", "blue")],
    signed=True,
    columns=3,
    cell=2.2,
    alt="Six maps of the photograph: vertical edges in the red, green and blue channel, below them horizontal edges in the same three. The eyes stand out in all of them; "
    "the three channels differ only in details.",
)

# %% [markdown]
# ## One, two, three dimensions
#
# The same operation exists for signals of other dimensions: `F.conv1d` and `nn.Conv1d` for sound and text, `F.conv3d` and
# `nn.Conv3d` for videos and body scans. Batch and channels always come first; each of the other dimensions shrinks by its
# kernel size minus 1.

# %%
print("Conv1d:", tuple(nn.Conv1d(2, 5, kernel_size=4)(torch.zeros(7, 2, 100)).shape))
print("Conv2d:", tuple(nn.Conv2d(2, 5, kernel_size=4)(torch.zeros(7, 2, 20, 30)).shape))
print("Conv3d:", tuple(nn.Conv3d(2, 5, kernel_size=4)(torch.zeros(7, 2, 16, 20, 30)).shape))

# %% [markdown]
# **Convolution keeps the structure of a signal.** A 1-d signal becomes a 1-d signal, an image becomes an image, and neighbouring parts of
# the input act on neighbouring parts of the output. So the next convolution can work on the result in the same way.
#
# Channels have no such structure: reorder the channels of `x` and of the kernel in the same way, and the output stays the same.
# Reorder the rows in that way, and the output changes. If a third index is a real position, like time in a video, do not treat
# it as the channel dimension: let the kernel move over it too, with a 3-d convolution and an input of N×1×T×H×W. (Where the
# future is not known yet, as in live speech, an output may use only the inputs up to its own time. A convolution that respects
# this is called **causal**.)
#
# ## The receptive field
#
# Which part of the input can change one value of an activation map? That part is the value's **receptive field**. For one
# convolution it is the kernel's window. For a stack of layers, let autograd answer: an input belongs to the receptive field if
# it gets a non-zero gradient. (All weights are 1 here, so nothing cancels out.)
#
# **Before you run it:** an 8×8 input goes through two 3×3 convolutions whose weights are all 1. How large is the receptive field of one
# value of the second map? Which inputs get the largest gradient?

# %% predict
x = torch.zeros(1, 1, 8, 8, requires_grad=True)
first = F.conv2d(x, torch.ones(1, 1, 3, 3))
first.retain_grad()  # autograd keeps gradients of leaf tensors only, unless you ask
second = F.conv2d(first, torch.ones(1, 1, 3, 3))
second[0, 0, 1, 2].backward()
field, between = x.grad[0, 0].long(), first.grad[0, 0].long()
print("values of the first map:", (between != 0).sum().item(), "· inputs:", (field != 0).sum().item())
print(field)

# %% predict folded label="Draw the receptive field"
figure, ax = plt.subplots(figsize=(7.8, 3.2))
figure.subplots_adjust(0, 0, 1, 1)
left, places = 0.6, []
for name, role, values in [
    ("x", "input", field),
    ("first map", "plain", between),
    ("second map", "output", F.one_hot(torch.tensor([6]), 16).view(4, 4)),
]:
    size = len(values)
    top = (8 - size) / 2
    draw_grid(ax, Grid(values, name, role, hide=True), left, top)
    marked = values.nonzero()
    for i, j in marked.tolist():
        strength = 0.2 + 0.5 * values[i, j].item() / values.max().item()
        ax.add_artist(plt.Rectangle((left + j, top + i), 1, 1, facecolor=(COLOURS["output"], strength), edgecolor=INK))
        number = values[i, j].item()
        ax.text(left + j + 0.5, top + i + 0.5, number, ha="center", va="center", fontsize=9.5, color="black")
    (i, j), n = marked[0].tolist(), round(len(marked) ** 0.5)
    ax.add_artist(plt.Rectangle((left + j, top + i), n, n, fill=False, edgecolor=COLOURS["learned"], linewidth=2.6))
    places.append((left + j, top + i, n))
    left += size + 2.2
for (x0, y0, n), (x1, y1, m) in [places[:2], places[1:]]:
    for edge in (0, 1):
        ax.plot([x0 + n, x1], [y0 + edge * n, y1 + edge * m], color=COLOURS["learned"], linewidth=1, linestyle="--")
ax.set(xlim=(0, left - 1.6), ylim=(8.4, -1.6), aspect="equal")
ax.axis("off")
show(
    figure,
    alt="Three grids: the input of 8×8, the first map of 6×6, the second map of 4×4. One cell of the second map, in row 1 and column 2, is marked. Dashed lines lead from it to a square of 3×3 cells in the first map, and from there to a "
    "square of 5×5 cells in the input, its receptive field, which starts at the same row 1 and column 2. The numbers are gradients: 1 in the corners of the square, 9 in its middle.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# A value of the second map sees 3×3 values of the first, and each of these sees 3×3 inputs: together $3 + 2 = 5$ in each
# direction. Deeper layers see more of the image. But not all inputs count equally: the one in the middle acts through nine
# paths, a corner through one. The part that really matters is called the **effective receptive field**.
#
# </details>
#
# At the other extreme is the linear layer. Every input acts directly on every output, so the receptive field of every output is
# the whole input. That is why it is also called a fully connected layer. In fact it is a special convolution, one whose
# kernel is as large as the image:

# %%
torch.manual_seed(0)
x = torch.randn(6, 3, 4, 5)
linear = nn.Linear(3 * 4 * 5, 7)
y = F.conv2d(x, linear.weight.view(7, 3, 4, 5), linear.bias)
print("conv2d with a kernel of 3×4×5:", tuple(y.shape))
print("the same as the linear layer: ", torch.allclose(y.flatten(1), linear(x.flatten(1)), atol=1e-5))

# %% [markdown]
# ## One matrix product
#
# Your `conv2d` visits one place after another. Faster programs compute all places with **one matrix product**. The idea: write what the kernel
# sees at each place as a column. This is called **im2col**, and `F.unfold(x, (h, w))` does it, taking the places row by row.
#
# **Before you run it:** take a 3×4 image with one channel and a 2×2 kernel. How many columns are there, how long is each, and what is in
# the first?

# %% predict
x = torch.arange(1.0, 13).view(1, 1, 3, 4)
kernel = torch.tensor([[1.0, 0], [2, -1]])
columns = F.unfold(x, (2, 2))
print("image:", tuple(x.shape))
print(x[0, 0].long())
print("columns:", tuple(columns.shape))
print(columns[0].long())

# %% predict folded label="Draw the product of kernel and columns"
row = kernel.view(1, 4)
product = row @ columns[0]
draw_row(
    Grid(row, "kernel", "learned", digits=0),
    "@",
    Grid(columns[0], "columns", "input", digits=0),
    "=",
    Grid(product, "all places", "output", digits=0),
    alt="The kernel as a row of 4 numbers, 1, 0, 2, −1, in orange, times the matrix of columns, 4×6 in blue, gives 6 numbers in green: 5, 7, 9, 13, 15, 17. "
    "The first column is 1, 2, 5, 6: what the kernel sees at the top left of the image.",
)
print("as a 2×3 map:       ", product.view(2, 3).tolist())
print("F.conv2d gives this:", F.conv2d(x, kernel.view(1, 1, 2, 2))[0, 0].tolist())

# %% [markdown]
# <details><summary>Why?</summary>
#
# The kernel has $2 \cdot 3 = 6$ places, so there are 6 columns. Each holds the 4 values that the kernel sees, row by row: (1, 2, 5, 6) at
# the top left.
#
# </details>
#
# In general, `F.unfold` makes N×(C·h·w)×L from N×C×H×W, where $L$ is the number of places. The kernel is flattened into a row
# in the same order as the columns: channel by channel, row by row. With $D$ kernels it becomes a matrix of D×(C·h·w), and the
# product D×L holds all maps, each as one long row. The price is memory: a pixel is copied into up to $h \cdot w$ columns. (If
# the kernel moves in steps of its own size, with a stride as in the next notebook, no pixel is copied twice. Then this product
# is the **patch embedding** with which a vision transformer begins.)
#
# ### Exercise: Convolution as a matrix product
#
# Write `conv2d_as_product(x, weight, bias)`. It returns the tuple `(rows, columns, y)`:
#
# - `rows`, D×(C·h·w): the weight as a matrix, one kernel per row;
# - `columns`, N×(C·h·w)×L: the columns of all places, as `F.unfold` gives them;
# - `y`, N×D×(H − h + 1)×(W − w + 1): the convolution, computed by a matrix product (`@`, `einsum` or the like), plus the bias.
#
# In addition:
#
# - Call no torch function in a loop over samples, channels, maps, places or kernel positions: the number of calls must not grow
#   with any of these sizes. No torch function that you call may have `conv` in its name.
# - All tensors have the same dtype, float32 or float64, and so do the results.
# - Any tensor may be non-contiguous in memory, so `.view` may fail; `.reshape` works.
# - The arguments must not be changed.
# - Gradients must flow from `y` to every argument that requires them.
#
# <details><summary>Hint 1: a product with a batch</summary>
#
# `rows @ columns` works although `columns` has one dimension more: `@` multiplies the last two dimensions and broadcasts the others. The
# result is N×D×L.
#
# </details>
#
# <details><summary>Hint 2: the bias</summary>
#
# In N×D×L the maps are along dimension 1. Which shape must the bias have to be added to whole rows of length L?
#
# </details>
#
# <details><summary>Hint 3: from L back to an image</summary>
#
# The places come row by row, so `.reshape` with H − h + 1 rows and W − w + 1 columns cuts them correctly.
#
# </details>


# %% exercise="conv2d_as_product" difficulty=2 minutes=14
def conv2d_as_product(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A 2-d convolution as one matrix product, with its two factors.

    x: (N, C, H, W). weight: (D, C, h, w). bias: (D,). Let L = (H - h + 1) * (W - w + 1).
    Returns: the tuple (rows, columns, y) with the shapes
        (D, C*h*w), (N, C*h*w, L), (N, D, H - h + 1, W - w + 1).
    """
    ### BEGIN SOLUTION
    h, w = weight.shape[2:]
    rows = weight.flatten(1)
    columns = F.unfold(x, (h, w))
    y = rows @ columns + bias[:, None]
    return rows, columns, y.view(len(x), len(weight), x.shape[2] - h + 1, x.shape[3] - w + 1)
    ### END SOLUTION


# %% check="conv2d_as_product" points=3
def checked(x, weight, bias):
    """The learner's answer and what it called: no convolution of torch's, a matrix product, no change in place."""
    tensors = [x, weight, bias]
    before = [tensor.detach().clone() for tensor in tensors]
    with Watch(operations=False) as seen:
        answer = conv2d_as_product(inplace(x), inplace(weight), inplace(bias))
    used = [name for name in seen.functions if "conv" in name or name == THREAD]
    if used:
        advice = f"Your code calls `{used[0]}`, which this exercise asks you to do without."
        require(False, "without torch's own convolutions", advice)
    for name, now, old in zip(("x", "weight", "bias"), tensors, before):
        if not torch.equal(now.detach(), old):
            require(False, "the arguments are left as they were", f"Your code changes `{name}`: work on a new tensor.")
    if not (isinstance(answer, tuple) and len(answer) == 3):
        yours = f"a {type(answer).__name__}" if isinstance(answer, (tuple, list, dict)) else _describe(answer)
        advice = f"Yours is {yours}. Write `return rows, columns, y`, without brackets."
        require(False, "conv2d_as_product returns a tuple of three", advice)
    names = [name.strip("_") for name in seen.functions]
    products = ("mm", "matmul", "mv", "einsum", "linear", "dot", "inner")
    if isinstance(answer[2], torch.Tensor) and not any(part in name for name in names for part in products):
        advice = "Multiply `rows` and `columns` with torch's `@`. (NumPy's has no gradients.)"
        require(False, "y is a matrix product", advice)
    if {"mul", "multiply"} & set(names) and "sum" in names:
        advice = "Your code multiplies element by element and adds up: let `rows @ columns` do all of it."
        require(False, "y is a matrix product", advice)
    return answer, len(names)


g = torch.Generator().manual_seed(19)
close = {"rtol": 1e-4, "atol": 1e-5}
# Ten places and ten maps first: there, a bias of shape (D,) raises no error, it is only added to the wrong numbers.
x, bias = torch.randn(2, 3, 4, 6, generator=g), torch.randn(10, generator=g)
matrix = torch.arange(180.0).view(10, 18) / 90 - 1
weight = matrix.clone().view(10, 3, 3, 2)
wanted, no_bias = F.conv2d(x, weight, bias), F.conv2d(x, weight)
(rows, columns, y), _ = checked(x, weight, bias)
shapes = "for shapes (2, 3, 4, 6), (10, 3, 3, 2), (10,)"
expect(
    rows,
    matrix,
    f"rows {shapes}",
    mistakes={
        "It is transposed: one kernel per row.": matrix.T,
        "Rows and columns of each kernel are exchanged: flatten it row by row.": weight.mT.flatten(1),
        "The numbers are mixed up: a row is one kernel, flattened channel by channel.": (
            matrix.view(10, 3, 6).transpose(1, 2).flatten(1)
        ),
        "The order is (rows, columns, y).": F.unfold(x, (3, 2)),
    },
)
expect(
    columns,
    F.unfold(x, (3, 2)),
    f"columns {shapes}",
    mistakes={
        "It is transposed: what the kernel sees at one place is one column, (N, C·h·w, L).": (
            F.unfold(x, (3, 2)).transpose(1, 2)
        ),
        "The kernel's height and width are exchanged.": F.unfold(x, (2, 3)),
        "The samples are joined in one matrix: leave them apart, N×(C·h·w)×L.": (
            F.unfold(x, (3, 2)).transpose(0, 1).flatten(1)
        ),
        "Places and kernel positions are mixed up: after `unfold` the places come before the kernel positions, so permute "
        "the dimensions before you reshape.": (F.unfold(x, (3, 2)).unflatten(1, (3, 6)).mT.reshape(2, 18, 10)),
    },
)
expect(
    y,
    wanted,
    f"y {shapes}",
    mistakes={
        "The bias is missing.": no_bias,
        "The bias is added along the places: in N×D×L it needs the shape (D, 1).": no_bias + bias.view(2, 5),
        "The places are still in one long row: cut them into H − h + 1 rows.": wanted.flatten(2),
        "Rows and columns of the map are exchanged: cut into H − h + 1 rows.": wanted.reshape(2, 10, 5, 2),
        "The places come row by row: cut into H − h + 1 rows and do not transpose.": wanted.reshape(2, 10, 5, 2).mT,
        "Samples and maps are exchanged.": wanted.transpose(0, 1),
        "Samples and maps are mixed up: `reshape` does not exchange dimensions.": (
            no_bias.transpose(0, 1).reshape(2, 10, 2, 5) + bias[:, None, None]
        ),
        "Your product is N×L×D and was cut as if it were N×D×L: the maps belong in dimension 1.": (
            wanted.flatten(2).mT.reshape(2, 10, 2, 5)
        ),
    },
    **close,
)


def try_many(seed, sizes):
    """Many sizes, the last two much larger; both dtypes; not contiguous; each choice of gradients."""
    g = torch.Generator().manual_seed(seed)
    orders = [(0, 1, 2, 3), (0, 2, 3, 1), (0, 1, 3, 2), (3, 1, 0, 2)]
    choices = ["", "x weight bias", "weight", "bias", "x"]
    for dtype, close in [(torch.float32, (1e-4, 1e-5)), (torch.float64, (1e-10, 1e-10))]:
        answers, first, wanted, gradients, slopes, lost = {}, {}, {}, {}, {}, []
        kind = str(dtype).removeprefix("torch.")
        calls = {}

        def draw(shape, order, dtype=dtype):
            first, *others = [shape[i] for i in order]
            values = torch.randn(first + 1, *others, generator=g, dtype=dtype)[1:]
            return values.permute([order.index(i) for i in range(4)])

        for n, (size, kernels) in enumerate(sizes):
            for m, names in enumerate(choices):
                if n >= len(sizes) - 2 and m > 1:
                    continue
                x, weight = draw(size, orders[(n + m) % 4]), draw(kernels, orders[(n + 2 * m + 1) % 4])
                bias = torch.randn(2 * len(weight), generator=g, dtype=dtype)[1::2]
                tensors = {
                    name: {"x": x, "weight": weight, "bias": bias}[name].requires_grad_() for name in names.split()
                }
                if names == "x weight bias":  # no leaves, as if other layers had made them
                    tensors = {"x": x[:], "weight": weight[:], "bias": bias[:]}
                    x, weight, bias = tensors.values()
                what = f"shapes {size}, {kernels}"
                what += f"; {names.replace(' ', ', ')} with gradient" if names else ""
                reference = F.conv2d(x, weight, bias)
                parts = [torch.stack([one.flatten() for one in weight]), F.unfold(x, kernels[2:]), reference]
                wanted[what] = dict(zip(("rows", "columns", "y"), (part.detach() for part in parts)))
                answer, count = checked(x, weight, bias)
                calls.setdefault(names, []).append(count)
                answers[what] = dict(zip(("rows", "columns", "y"), answer))
                for name, part in answers[what].items():
                    if not isinstance(part, torch.Tensor):
                        expect(part, wanted[what][name], f"{name} for {what}, {kind}")
                first[what] = {name: part.detach().clone() for name, part in answers[what].items()}
                y = answer[2]
                if names and y.shape == reference.shape:
                    upstream = torch.randn(y.shape, generator=g, dtype=dtype)
                    mine = [None] * len(tensors)
                    if y.requires_grad:
                        mine = torch.autograd.grad(y, list(tensors.values()), upstream, allow_unused=True)
                    lost += [(name, y.requires_grad, what) for name, slope in zip(tensors, mine) if slope is None]
                    gradients[what] = dict(zip(tensors, mine))
                    ours = torch.autograd.grad(reference, list(tensors.values()), upstream)
                    slopes[what] = dict(zip(tensors, ours))
        told = f"rows, columns and y in {kind}, {len(first)} times"
        loosely = _difference(first, wanted, Rules(1e-4, 1e-5, False)) is None
        if loosely and _difference(first, wanted, Rules(*close, False)) is not None:
            advice = "It is right to about seven digits: something on the way has the dtype float32."
            require(False, f"rows, columns and y in {kind}", advice)
        expect(first, wanted, told, rtol=close[0], atol=close[1])
        grown = [(min(counts), max(counts)) for counts in calls.values() if min(counts) < max(counts)]
        require(
            grown == [],
            f"no loop: the number of torch functions called does not grow, {kind}",
            f"It grows {' '.join(f'from {a} to {b}' for a, b in grown[:1])} with the sizes: "
            "`F.unfold` and `@` do all samples, maps and places at once.",
        )
        for name, graph, what in lost[:1]:
            advice = f"Something cuts `{name}` off, such as `.detach()`."
            if not graph:
                advice = "The result has lost its graph: `.detach()`, `.data`, `.tolist()`, NumPy and "
                advice += "`torch.tensor(…)` cut it off."
            require(False, f"a gradient reaches {name}, for {what}, {kind}", advice)
        loose = {"rtol": max(close[0], 1e-9), "atol": 10 * close[1]}
        expect(gradients, slopes, f"the gradients of x, weight and bias in {kind}", **loose)
        for size, kernels in sizes:
            checked(*(torch.ones(shape, dtype=dtype) for shape in (size, kernels, kernels[:1])))
        changed = [
            f"{name} for {what}"
            for what, parts in answers.items()
            for name, part in parts.items()
            if not torch.equal(part.detach(), first[what][name])
        ]
        advice = f"A later call wrote into {'; '.join(changed[:1])}: make a new tensor in each call."
        require(changed == [], "later calls leave earlier results alone", advice)


try_many(
    19,
    [
        ((2, 2, 3, 3), (3, 2, 2, 2)),
        ((5, 6, 12, 9), (9, 6, 4, 3)),
        ((3, 2, 4, 5), (2, 2, 4, 5)),
        ((3, 2, 5, 4), (1, 2, 2, 3)),
        ((1, 1, 4, 6), (1, 1, 4, 1)),
        ((300, 2, 5, 4), (2, 2, 2, 2)),
        ((2, 70, 20, 9), (80, 70, 1, 1)),
    ],
)
for what in ("without torch's own convolutions", "y is a matrix product", "the arguments are left as they were"):
    require(True, what, "")
### BEGIN HIDDEN TESTS
try_many(
    20,
    [
        ((3, 2, 7, 5), (4, 2, 3, 2)),
        ((1, 5, 3, 6), (2, 5, 1, 1)),
        ((4, 1, 6, 4), (3, 1, 6, 4)),
        ((2, 3, 15, 4), (8, 3, 2, 4)),
        ((40, 4, 6, 7), (2, 4, 2, 5)),
        ((3, 16, 4, 5), (31, 16, 3, 3)),
    ],
)
### END HIDDEN TESTS

# %% [markdown]
# ## Digits that move
#
# Back to the beginning: which layer does better when things move? Real digits of 8×8 pixels are placed on a strip of paper, 8
# rows high and 32 columns wide. In training every digit stands in the middle. Two networks learn to recognise it:
#
# - a *linear layer*: 256 pixels in, 10 scores out, 2570 parameters;
# - a *convolution* with 10 kernels of 8×8, one for each class, 650 parameters. The score of a class is the largest value in its map.
#
# (`F.cross_entropy` is the usual loss for classes; it takes the raw scores, or *logits*. The optimizer is Adam, from `02_gradients_and_optimizers`.)

# %%
images, labels = load_digits()
images, held_back = images / 16, torch.arange(len(labels)) % 5 == 4


def strips(images, column):
    """N×8×8 digits → N×1×8×32 strips; the digits begin at this column."""
    return F.pad(images, (column, 24 - column))[:, None]


torch.manual_seed(0)
linear, conv = nn.Linear(8 * 32, 10), nn.Conv2d(1, 10, kernel_size=8)
networks = {"linear layer": lambda x: linear(x.flatten(1)), "convolution": lambda x: conv(x).amax(dim=(2, 3))}
x = strips(images[~held_back], 12)
optimizer = torch.optim.Adam([*linear.parameters(), *conv.parameters()], lr=0.1)
for _ in range(60):
    losses = [F.cross_entropy(network(x), labels[~held_back]) for network in networks.values()]
    optimizer.zero_grad()
    sum(losses).backward()
    optimizer.step()
print({name: round(loss.item(), 3) for name, loss in zip(networks, losses)})

# %% [markdown]
# Now both get digits that they have never seen: first in the middle, then up to 7 columns further left or right. The convolution is computed
# by *your* `conv2d`.
#
# **Before you run it:** what share of the digits does each network recognise in the middle, two columns away, and seven columns away?

# %% predict yours
convolve = yours_or_ours(conv2d, F.conv2d, torch.ones(1, 1, 3, 3), torch.ones(1, 1, 2, 2), torch.ones(1))
networks["convolution"] = lambda x: convolve(x, conv.weight, conv.bias).amax(dim=(2, 3))
accuracy = {name: [] for name in networks}
with torch.no_grad():
    for shift in range(-7, 8):
        x = strips(images[held_back], 12 + shift)
        for name, network in networks.items():
            right = network(x).argmax(dim=1) == labels[held_back]
            accuracy[name].append(right.float().mean().item())
for name, values in accuracy.items():
    print(f"{name:12}  middle {values[7]:.0%} · two to the right {values[9]:.0%} · seven {values[14]:.0%}")

# %% predict yours folded label="Draw a strip and both curves"
figure, (top, bottom) = plt.subplots(2, 1, figsize=(7.0, 4.2), layout="constrained", height_ratios=(1, 3))
top.imshow(
    torch.cat([strips(images[[12]], column)[0, 0] for column in (12, 17)]), cmap="Blues", interpolation="nearest"
)
top.axhline(7.5, color=INK, linewidth=1)
top.set(xticks=[], yticks=[3.5, 11.5], yticklabels=["middle", "5 to the right"])
lines = zip(accuracy.items(), ("o--", "s-"), (COLOURS["plain"], COLOURS["output"]))
for (name, values), style, colour in lines:
    bottom.plot(range(-7, 8), [100 * value for value in values], style, color=colour, label=name)
bottom.axhline(10, color=COLOURS["loss"], linewidth=1, linestyle=":")
bottom.text(7, 12, "guessing", color=COLOURS["loss"], fontsize=9, ha="right")
bottom.set(xlabel="columns to the right of the middle", ylabel="digits recognised, %", ylim=(0, 105))
bottom.legend(loc="center right", frameon=False)
bottom.spines[["top", "right"]].set_visible(False)
told = []
for name, values in accuracy.items():
    least, most = (f"{bound(values[:6] + values[9:]):.0%}" for bound in (min, max))
    told.append(
        f"by the {name} {values[7]:.0%} in the middle, {values[6]:.0%} and {values[8]:.0%} one column away, "
        f"and {least if least == most else f'{least} to {most}'} further away"
    )
show(
    figure,
    alt="Above, two strips with the same digit, in the middle and 5 columns to the right. Below, the share of digits "
    f"recognised, against the shift: {'; '.join(told)}.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# In the middle, both recognise about 96 % of the digits. Two columns away, the linear layer is down to about one in seven, and
# seven columns away it does no better than guessing: its weights have never seen those parts of a digit in those places. The
# convolution does not care. Its maps move with the digit, and their largest values stay the same: *equivariance*, followed by a
# maximum, gives *invariance*. And it has a quarter of the parameters.
#
# </details>
#
# ## Recap
#
# Answer from memory, then open.
#
# <details><summary>1. An input of N×8×20×30 goes through <code>nn.Conv2d(8, 16, kernel_size=(3, 5))</code>.
# What are the shapes of the output, the weight and the bias? How many parameters does the layer have?</summary>
#
# The output is N×16×18×26, the weight 16×8×3×5, the bias 16. That makes $16 \cdot (8 \cdot 3 \cdot 5 + 1) = 1936$ parameters, whatever the
# size of the image.
#
# </details>
#
# <details><summary>2. Which two properties set a convolution apart from an ordinary linear layer, and what is each of them good for?</summary>
#
# It is *sparse*: an output sees only a small neighbourhood, its receptive field. That saves weights and keeps the structure of the signal.
# Its weights are *shared* by all places. That saves even more, and makes it equivariant: what moves in the input moves in the output.
#
# </details>
#
# <details><summary>3. How does a convolution become one matrix product?</summary>
#
# Flatten each kernel into a row: D×(C·h·w). Write what the kernel sees at each place as a column, with `F.unfold`: N×(C·h·w)×L. Their
# product is N×D×L; add the bias per row and cut L into rows and columns of the map.
#
# </details>
#
# **Next:** `08_padding_stride_pooling`. So far, every kernel larger than 1×1 has made the image smaller. The next notebook puts a frame around the
# input so that the output keeps its size, takes larger steps to make it much smaller on purpose, and replaces neighbourhoods by their largest
# value.
