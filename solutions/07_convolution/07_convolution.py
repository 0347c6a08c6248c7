# %% [markdown]
# # Convolution
#
# After this notebook you will be able to
#
# - say why a linear layer is the wrong tool for images and sound, with numbers;
# - compute a convolution by hand and in code, in 1-d and in 2-d, and say the shape of the result before you run it;
# - choose kernels that take derivatives, find patterns and mark edges;
# - use `F.conv2d` and `nn.Conv2d` with batches, channels, biases and groups, and count their parameters;
# - write a convolution as one matrix product, and show that it is the same.
#
# **Time**: about 120 minutes. **You need**: gradients with `backward()` (`02_gradients_and_optimizers`), `nn.Linear`, its weight and its
# initial values (`04_linear`), batches as the first dimension (`06_batch_processing`).

# %% setup

# %% [markdown]
# ## Why not a linear layer: the size
#
# A colour image of 256×256 pixels has three numbers per pixel. You want a layer that turns such an image into another one of the same size:
# it sharpens it, say, or takes noise away. A linear layer treats the image as one long vector, and every output gets a weight for every
# input.
#
# **Before you run it:** how many weights does that linear layer have, roughly? A weight in float32 takes 4 bytes. Does the layer fit into
# the memory of your computer?

# %% predict
values = 256 * 256 * 3
weights = values**2
print(f"numbers in one image:    {values:,}")
print(f"weights of the layer:    {weights:,}  ≈ {weights:.2e}")
print(f"memory of the weights:   {weights * 4 / 1e9:.1f} GB, or {weights * 4 / 2**30:.0f} GiB")

# %% [markdown]
# About 155 GB, for *one* layer. The cell only counts: it does not build the layer. And memory is not the only trouble. A layer with that
# many weights would need very many images to learn from.
#
# ## Why not a linear layer: the place
#
# Even a small linear layer has a second problem. Here is a signal of 10 numbers with a bump $(1, 3, 1)$ in it. One output of a linear layer
# has one row of weights. This row was made to notice the bump at index 2.
#
# **Before you run it:** the same bump moves to another place. What does the row answer when the bump starts at 0, 1, 2, … 7?

# %% predict
bump = torch.tensor([1.0, 3, 1])
row = torch.zeros(10)
row[2:5] = bump

for start in range(8):
    x = torch.zeros(10)
    x[start : start + 3] = bump
    print(f"bump at index {start}: {(x @ row).item():4.0f}")

# %% [markdown]
# What the row has learned at one place is of no use two steps further. But a bump is a bump wherever it is: in an image a cat may sit left
# or right, in a recording a word may come early or late. To notice the bump everywhere, a linear layer needs **one row per place**, with
# the same three numbers in each:

# %%
x = torch.tensor([0.0, 0, 0, 0, 0, 1, 3, 1, 0, 0])
rows = torch.zeros(8, 10)
for i in range(8):
    rows[i, i : i + 3] = bump

draw_row(
    Grid(rows, "weight", "learned", digits=0),
    "@",
    Grid(x[:, None], "x", "input", digits=0),
    "=",
    Grid((rows @ x)[:, None], "s", "output", digits=0),
    cell=0.4,
    alt="An 8×10 weight in orange times the column x of 10 numbers in blue gives 8 outputs in green. Each row of the weight holds 1, 3, 1 and "
    "otherwise zeros, one step further to the right than the row above. The bump in x starts at index 5, and the output at index 5 is the largest, 11.",
)

# %% [markdown]
# Of these 80 weights 56 are zero, and the other 24 are the same three numbers, eight times. A **convolution** keeps the three numbers and
# nothing else: it applies *the same small linear map at every place*. That solves both problems at once.
#
# ## Convolution in one dimension
#
# Take $x = (1, 2, 3, 4)$ and two weights, $u = (3, 2)$. They form the **kernel** (or *filter*). Lay the kernel over the first two values,
# multiply what lies on top of each other, add up. Then move it one step to the right, and so on to the end.
#
# **Before you run it:** how many results are there? What are they?

# %% predict
x = torch.tensor([1.0, 2, 3, 4])
u = torch.tensor([3.0, 2])
for i in range(3):
    a, b = x[i : i + 2].tolist()
    print(f"{a:.0f}·3 + {b:.0f}·2 = {3 * a + 2 * b:.0f}")
print("F.conv1d:", F.conv1d(x.view(1, 1, 4), u.view(1, 1, 2)))

# %% [markdown]
# In the next picture the orange frame is the kernel. Run the cell, and a slider appears below it.

# %%
y = F.conv1d(x.view(1, 1, 4), u.view(1, 1, 2)).flatten()
draw_row(
    Grid(x, "x", "input", digits=0),
    "⊛",
    Grid(u, "u", "learned", digits=0),
    "=",
    Grid(y, "x ⊛ u", "output", digits=0),
    alt="The input x with the 4 numbers 1, 2, 3, 4 in blue, convolved with the kernel u with the 2 numbers 3, 2 in orange, gives the 3 numbers 7, 12, 17 in green.",
)
kernel_steps(
    x,
    u,
    keys=[0, 1, 2],
    columns=3,
    alt="Three frames. The input 1, 2, 3, 4; an orange frame of width 2, the kernel (3, 2), lies over 1, 2, then over 2, 3, then over 3, 4. "
    "The output grows with it: 7, then 7 and 12, then 7, 12 and 17.",
)

# %% [markdown]
# ### The rule in one dimension
#
# For an input $x = (x_1, \dots, x_W)$ and a kernel $u = (u_1, \dots, u_w)$ of width $w$
#
# $$(x \circledast u)_i \;=\; \sum_{j=1}^{w} x_{i-1+j}\, u_j \;=\; (x_i, \dots, x_{i+w-1}) \cdot u .$$
#
# The kernel has to lie inside the input. Its first place is $i = 1$, its last is $i = W - w + 1$. So the result has width $W - w + 1$:
# $4 - 2 + 1 = 3$.
#
# Formulas count from 1, Python counts from 0: output `i` looks at `x[i]`, …, `x[i + w - 1]`.
#
# **A word on the name.** In mathematics the kernel is turned over before it slides: $x$ runs forwards while $u$ runs backwards. What deep
# learning calls convolution, and what `F.conv1d` computes, keeps both in the same direction. Signal processing calls that
# *cross-correlation*. NumPy has both, as the next cell shows. For a learned kernel it makes no difference: the training finds the values in
# either order.

# %%
print("np.correlate:", np.correlate([1, 2, 3, 4], [3, 2], mode="valid"))
print("np.convolve: ", np.convolve([1, 2, 3, 4], [3, 2], mode="valid"), "(the kernel turned over)")

# %% [markdown]
# `F.conv1d` wants more dimensions than our formula: an input of shape N×C×W (samples, channels, width) and a weight of shape D×C×w. You
# meet the channels below. Until then `x.view(1, 1, -1)` stands for one sample with one channel.
#
# ### Exercise: Convolution by its definition
#
# Write `conv1d(x, u)`: the rule above, for one signal and one kernel. A loop is welcome. torch's own convolutions are not: `F.conv1d`,
# `F.conv2d`, `F.conv3d`, under these or other names (`torch.conv1d`, `nn.Conv1d`). The result has the dtype of `x`. The arguments must not
# be changed. Gradients must reach `x` and `u`, so compute with tensors all the way: `.item()` and `.tolist()` would cut them off.
#
# Two results by hand, as a start: for $x = (1, 2, 3, 4)$ and $u = (3, 2)$ output 0 is $(1, 2) \cdot (3, 2) = 7$ and output 1 is
# $(2, 3) \cdot (3, 2) = 12$.
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
# `torch.stack(list_of_tensors)` makes one tensor of several, and gradients pass through it. `torch.tensor(list)` copies bare numbers, and
# gradients do not.
#
# </details>


# %% exercise="conv1d" difficulty=1 minutes=6
def conv1d(x: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
    """The convolution of a signal with a kernel.

    x: (W,). u: (w,), not wider than x. Returns: (W - w + 1,), a new tensor.
    """
    ### BEGIN SOLUTION
    width = len(x) - len(u) + 1
    return torch.stack([(x[i : i + len(u)] * u).sum() for i in range(width)])
    ### END SOLUTION


# %% check="conv1d" points=2
with forbidden("conv1d", "conv2d", "conv3d"):
    answer = conv1d(torch.tensor([1.0, 2, 3, 4]), torch.tensor([3.0, 2]))
expect(
    answer,
    torch.tensor([7.0, 12, 17]),
    "conv1d of (1, 2, 3, 4) and (3, 2)",
    mistakes={
        "The kernel is turned over: x and u both run forwards.": torch.tensor([8.0, 13, 18]),
        "The last place is missing: there are W − w + 1 of them.": torch.tensor([7.0, 12]),
        "The first place is missing: the kernel starts at index 0.": torch.tensor([12.0, 17]),
        "The kernel hangs over the end: it must lie inside the input.": torch.tensor([7.0, 12, 17, 12]),
    },
)
g = torch.Generator().manual_seed(11)
x, u = torch.randn(9, generator=g), torch.randn(4, generator=g)
before = [x.clone(), u.clone()]
windows = x.unfold(0, 4, 1).clone()  # 6×4: one row per place of the kernel
wanted, turned = windows @ u, windows @ u.flip(0)
width_2 = F.conv1d(x.view(1, 1, 9), u[:2].view(1, 1, 2))[0, 0]
expect(
    conv1d(inplace(x), inplace(u)),
    wanted,
    "conv1d(x, u) for x of shape (9,), u of shape (4,)",
    mistakes={
        "The kernel is turned over: x and u both run forwards.": turned,
        "This is right for a kernel of width 2 only.": width_2,
    },
    rtol=1e-4,
    atol=1e-5,
)
expect([x, u], before, "x and u are left as they were")
x.requires_grad_()
u.requires_grad_()
y = conv1d(x, u)
expect(y.requires_grad, True, "autograd passes through conv1d (no .item(), no torch.tensor of numbers)")
y.sum().backward()
expect(u.grad is None, False, "a gradient reaches u (nothing may cut u off, such as .detach())")
expect(u.grad, windows.sum(0), "the gradient of the sum of all outputs reaches u", rtol=1e-4, atol=1e-5)
### BEGIN HIDDEN TESTS
expect(x.grad is None, False, "a gradient reaches x")
for width, w in [(5, 1), (6, 6), (31, 7), (2, 1)]:
    x, u = (torch.randn(n, generator=g, dtype=torch.float64) for n in (width, w))
    expect(conv1d(x, u), x.unfold(0, w, 1) @ u, f"conv1d for widths {width} and {w}, in float64")
### END HIDDEN TESTS

# %% [markdown]
# ## A kernel as a derivative
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

# %%
draw_signals(
    ("x", x, "input"),
    ("x ⊛ (−1, 1)", y, "output"),
    alt="Two signals over the same index. x is 0 up to index 3, rises by 1 per step to 4 at index 7, and stays there. "
    "Below, x ⊛ (−1, 1) is 1 from index 3 to 6, where x rises, and 0 elsewhere; it is one value shorter.",
)

# %% [markdown]
# Each output is $-x_i + x_{i+1}$: the difference of neighbours. It is 1 where the signal rises by 1 per step and 0 where it is flat. So
# this kernel takes the **derivative**. The result is one value shorter, because 11 values have 10 gaps between them.
#
# ### Exercise: Kernels for slope and curvature
#
# A sensor measures once every `step` seconds. You want kernels of width 3 that look at $(x_i, x_{i+1}, x_{i+2})$ and tell, for the middle
# value,
#
# $$\text{slope} \approx \frac{x_{i+2} - x_i}{2 \cdot \text{step}}, \qquad \text{curvature} \approx \frac{x_{i+2} - 2\,x_{i+1} + x_i}{\text{step}^2} .$$
#
# Write `derivative_kernels(step)`: it returns the tuple `(slope, curvature)` of two float32 tensors of shape `(3,)`, such that
# $x \circledast$ `slope` and $x \circledast$ `curvature` are these numbers.
#
# <details><summary>Hint 1: from a formula to a kernel</summary>
#
# Which factor does $x_i$ have in the formula? That is $u_1$. Which has $x_{i+1}$, even if it does not appear? That is $u_2$.
#
# </details>
#
# <details><summary>Hint 2: the order</summary>
#
# `F.conv1d` does not turn the kernel over, so the factor of the *earliest* value comes first.
#
# </details>


# %% exercise="derivative_kernels" difficulty=1 minutes=5
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
no_return = {"Nothing comes back: is a `return` missing?": "NoneType"}
expect(type(answer).__name__, "tuple", "derivative_kernels(0.2) returns a tuple", mistakes=no_return)
expect(len(answer), 2, "the tuple has two kernels")
slope, curvature = torch.tensor([-1.0, 0, 1]), torch.tensor([1.0, -2, 1])
expect(
    answer[0],
    slope / 0.4,
    "the kernel of the slope for step = 0.2",
    mistakes={
        "The order is turned over: the factor of the earliest value comes first.": -slope / 0.4,
        "The kernel is not divided by 2·step.": slope,
        "From x_i to x_{i+2} two steps pass: divide by 2·step.": slope / 0.2,
        "The step is missing: divide by 2·step, not by 2.": slope / 2,
        "Multiplied where it was to be divided by 2·step.": slope * 0.4,
        "slope / 2 * step divides by 2 and multiplies by step: put 2 * step into brackets.": slope * 0.1,
        "The order is (slope, curvature).": curvature / 0.2**2,
    },
)
expect(
    answer[1],
    curvature / 0.2**2,
    "the kernel of the curvature for step = 0.2",
    mistakes={
        "The sign is wrong: the middle value has the factor −2.": -curvature / 0.2**2,
        "The kernel is not divided by step². (/ step * step divides and multiplies again: write step**2.)": curvature,
        "Divide by step², not by 2·step.": curvature / 0.4,
        "The step must be squared.": curvature / 0.2,
        "Divide by step², not by (2·step)².": curvature / 0.4**2,
        "The middle factor is −2: x_{i+1} is subtracted twice.": torch.tensor([1.0, 0, 1]) / 0.2**2,
    },
)
### BEGIN HIDDEN TESTS
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
# ## A kernel as a template
#
# A dot product is large where two vectors point the same way. So a kernel can also be a picture of what you look for, a **template**. Here
# the template is the bump $(1, 3, 1)$. The signal has a bump that starts at index 2, the same bump upside down from index 7, and a plateau
# of fours from index 11 to 14.
#
# **Before you run it:** where is $x \circledast u$ largest, where smallest?

# %% predict
x = torch.tensor([0.0, 0, 1, 3, 1, 0, 0, -1, -3, -1, 0, 4, 4, 4, 4, 0])
u = torch.tensor([1.0, 3, 1])
y = F.conv1d(x.view(1, 1, -1), u.view(1, 1, -1)).flatten()
for name, i in [("bump", 2), ("upside down", 7), ("plateau", 11)]:
    print(f"{name:12} at index {i:2}: {y[i].item():4.0f}")
print("largest at index", y.argmax().item(), "with", y.max().item())

# %%
draw_signals(
    ("x", x, "input"),
    ("x ⊛ (1, 3, 1)", y, "output"),
    alt="x has a bump of height 3 at index 3, the same bump downwards at index 8, and a plateau of height 4 from index 11 to 14. "
    "Below, x ⊛ (1, 3, 1) has a peak of 11 at index 2 where the bump starts, a trough of −11 at index 7, and 20 on the plateau.",
)

# %% [markdown]
# The bump gives a peak, its mirror image a trough: as a template matcher the kernel works. (Output `i` belongs to the window that *starts*
# at `i`.) But the plateau gives more than the bump itself. A dot product grows with the *size* of the signal too, whatever its form.
#
# A fairer measure of "fits" is the squared distance between window and template. Multiply it out:
#
# $$\sum_{j} \left(x_{i-1+j} - u_j\right)^2 \;=\; \sum_j x_{i-1+j}^2 \;-\; 2\,(x \circledast u)_i \;+\; \sum_j u_j^2 .$$
#
# The middle part is the convolution. The first part punishes large windows, and it is a convolution too: of $x^2$ with a kernel of ones.
#
# ### Exercise: Where does the template fit best?
#
# Write `best_match(x, template)`: it returns the index, counted from 0 and as a Python `int`, of the **first value of the window** of `x`
# with the smallest squared distance to the template. Windows lie inside `x`. Any way is allowed, `F.conv1d` too. You may take it for
# granted that one window is better than all others. `x` and `template` must not be changed.
#
# <details><summary>Hint 1: two ways</summary>
#
# Either take the formula: two convolutions, one of `x**2` with ones. Or compare directly: `x.unfold(0, w, 1)` gives all windows of width
# `w` as the rows of a matrix.
#
# </details>
#
# <details><summary>Hint 2: which index?</summary>
#
# `argmin()` tells where a tensor is smallest, as a tensor without dimensions. `.item()` makes it a Python number.
#
# </details>


# %% exercise="best_match" difficulty=2 minutes=8
def best_match(x: torch.Tensor, template: torch.Tensor) -> int:
    """Where a template fits best: the start of the window with the smallest squared distance to it.

    x: (W,). template: (w,), not wider than x. Returns: a Python int from 0 to W - w.
    """
    ### BEGIN SOLUTION
    signal, kernel = x.view(1, 1, -1), template.view(1, 1, -1)
    energy = F.conv1d(signal**2, torch.ones_like(kernel))
    distance = energy - 2 * F.conv1d(signal, kernel) + (template**2).sum()
    return distance.argmin().item()
    ### END SOLUTION


# %% check="best_match" points=2
g = torch.Generator().manual_seed(13)
template = torch.tensor([0.5, 2, 1, 3, 1.5]) + 0.2 * torch.rand(5, generator=g)
x = 0.3 * torch.randn(56, generator=g)
x[22:27] = template + torch.tensor([0.05, -0.3, 0.05, -0.05, 0.05])  # here it fits: squared distance 0.1
x[41:46] = template + torch.tensor([0.0, 0, 0.4, 0, 0])  # one value is off: squared distance 0.16
x[49:54] = template + 0.2 * torch.tensor([1.0, -1, 1, 1, -1])  # all are a little off: squared distance 0.2
x[5:10] = 2.5 * template  # the right form, but too large
x[30:38] = 9.0  # a plateau
x[12] = -25.0  # a deep spike
x[17:22] = -7.0  # and a valley
before = [x.clone(), template.clone()]
windows = x.unfold(0, 5, 1).clone()
difference = windows - template
distance = (difference**2).sum(1)
cosine = F.cosine_similarity(windows, template[None])
answer = best_match(inplace(x), inplace(template))
expect(
    answer,
    22,
    "best_match(x, template) for x of shape (56,), template of shape (5,)",
    mistakes={
        "This is where x ⊛ template is largest, on a plateau: the size of the window counts too.": (
            (windows @ template).argmax().item()
        ),
        "This is the worst fit: the *smallest* distance was asked for.": distance.argmax().item(),
        "This compares the direction only: a window 2.5 times as large is not the best fit.": cosine.argmax().item(),
        "Count from 0.": 23,
        "This is the middle of the window: its first value was asked for.": 24,
        "Square the differences before you add them up: they cancel.": difference.sum(1).argmin().item(),
        "This adds up absolute differences: square them instead.": difference.abs().sum(1).argmin().item(),
        "This takes the largest difference of each window: square all of them and add them up.": (
            difference.abs().amax(1).argmin().item()
        ),
        "The factor 2 before x ⊛ template is missing.": ((windows**2).sum(1) - windows @ template).argmin().item(),
        "This is a 0-d tensor: .item() makes a Python int.": torch.tensor(22),
        "This is how small the distance is: where it is smallest was asked for.": distance.min().item(),
    },
)
expect(type(answer).__name__, "int", "the index is a Python int")
expect([x, template], before, "x and template are left as they were")
### BEGIN HIDDEN TESTS
for width, w, at in [(30, 4, 26), (17, 6, 0), (8, 8, 0), (25, 1, 11)]:
    x = 3 * torch.randn(width, generator=g, dtype=torch.float64)
    template = x[at : at + w] + 0.01
    expect(best_match(x, template), at, f"best_match for widths {width} and {w}, the best window at {at}")
### END HIDDEN TESTS

# %% [markdown]
# ## When the input moves
#
# In a recording a word may come early or late. Here the bump of the last section comes at one place, then at another.
#
# **Before you run it:** the bump moves three steps to the right. What happens to the output of a convolution, and what to the output of a
# linear layer with random weights?

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

# %%
draw_signals(
    ("x", x, "input"),
    ("x moved by 3", moved, "input"),
    ("conv of x", conv_outputs[0], "output"),
    ("conv of moved", conv_outputs[1], "output"),
    ("linear of x", linear_outputs[0], "plain"),
    ("linear of moved", linear_outputs[1], "plain"),
    height=0.8,
    alt="Six signals. The bump in x appears three steps further right in the moved x. The output of the convolution has the same form both times, "
    "three steps further right. The two outputs of the random linear layer have nothing in common.",
)

# %% [markdown]
# If the input moves by $k$ steps, the output of a convolution moves by $k$ steps, and is otherwise the same. (Only the $k$ outputs at the
# edge are new: they see what comes in there.) This is called **translation equivariance**. Nobody had to learn it: it is built in, because
# all places share one kernel.
#
# (*Invariance* is something else: there the output does not change at all.)
#
# ### Exercise: Measure the equivariance
#
# Write `shift_error(module, x, k)`: by how much does a module fail to be equivariant? For `x` of shape (N, C, W) and `k` at least 1
#
# 1. make a moved `x`: every value `k` steps to the right, `k` zeros enter on the left of each channel, what leaves on the right is lost;
# 2. apply `module` to both; both outputs have shape (N, D, V);
# 3. the moved output should equal the first output, moved by `k`. Compare the $V - k$ places per channel that both have: value `i + k` of
#    the moved output against value `i` of the first;
# 4. return the largest absolute difference as a Python `float`.
#
# `x` must not be changed. `k` is less than V and W.
#
# <details><summary>Hint 1: moving</summary>
#
# Start with zeros of the shape of `x`. Which part of them is overwritten, with which part of `x`? `x[..., :-k]` is everything but the last
# `k` values along the last dimension.
#
# </details>
#
# <details><summary>Hint 2: comparing</summary>
#
# Drop the first `k` values of the moved output and the last `k` values of the other. They are equally long now.
#
# </details>


# %% exercise="shift_error" difficulty=2 minutes=10
def shift_error(module: nn.Module, x: torch.Tensor, k: int) -> float:
    """How far a module is from moving its output by k when its input moves by k.

    module: maps (N, C, W) to (N, D, V). x: (N, C, W). k: 1 or more.
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
g = torch.Generator().manual_seed(35)


def with_random_weights(module):
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=g))
    return module


x, k = torch.randn(3, 2, 11, generator=g), 3
before = x.clone()
linear = with_random_weights(nn.Linear(11, 9))
moved = F.pad(x, (k, 0))[..., :11]
with torch.no_grad():
    y, y_moved, y_rolled = linear(x), linear(moved), linear(x.roll(k, -1))
    y_left, y_zero = linear(F.pad(x, (0, k))[..., k:]), linear(torch.zeros_like(x))
difference = y_moved[..., k:] - y[..., :-k]
answer = shift_error(linear, inplace(x), k)
expect(
    answer,
    difference.abs().max().item(),
    "shift_error of a random nn.Linear(11, 9), x of shape (3, 2, 11), k=3",
    mistakes={
        "The outputs are compared without moving one of them back.": (y_moved - y).abs().max().item(),
        "The outputs are moved the wrong way: place i + k of the moved one belongs to place i of the first.": (
            (y[..., k:] - y_moved[..., :-k]).abs().max().item()
        ),
        "The input itself was not moved.": (y[..., k:] - y[..., :-k]).abs().max().item(),
        "roll brings back on the left what leaves on the right: zeros should enter.": (
            (y_rolled[..., k:] - y[..., :-k]).abs().max().item()
        ),
        "The input moved to the left: it should move to the right.": (
            (y_left[..., k:] - y[..., :-k]).abs().max().item()
        ),
        "The moved x is all zeros: move along the last dimension, and keep N and C as they are.": (
            (y_zero[..., k:] - y[..., :-k]).abs().max().item()
        ),
        "This is the mean: the largest difference was asked for.": difference.abs().mean().item(),
        "This is the sum: the largest difference was asked for.": difference.abs().sum().item(),
        "The difference is squared: its absolute value was asked for.": (difference**2).max().item(),
        "The absolute value is missing.": difference.max().item(),
        "This is a tensor: .item() makes a Python float.": difference.abs().max(),
    },
    rtol=1e-4,
    atol=1e-5,
)
expect(x, before, "x is left as it was")
conv = with_random_weights(nn.Conv1d(2, 5, kernel_size=4))
expect(shift_error(conv, x, k), 0.0, "shift_error of a random nn.Conv1d(2, 5, 4): none, but for rounding", atol=1e-4)
### BEGIN HIDDEN TESTS
for channels, width, k in [(1, 9, 1), (4, 14, 2), (3, 10, 6)]:
    x = torch.randn(2, channels, width, generator=g)
    conv = nn.Sequential(with_random_weights(nn.Conv1d(channels, 3, kernel_size=3)), nn.ReLU())
    expect(shift_error(conv, x, k), 0.0, f"shift_error of a convolution and a ReLU, k={k}", atol=1e-4)
    linear = with_random_weights(nn.Linear(width, width))
    with torch.no_grad():
        wanted = (linear(F.pad(x, (k, 0))[..., :width])[..., k:] - linear(x)[..., :-k]).abs().max().item()
    expect(shift_error(linear, x, k), wanted, f"shift_error of a linear layer, k={k}", rtol=1e-4, atol=1e-5)
### END HIDDEN TESTS

# %% [markdown]
# ## A linear layer in disguise
#
# The first matrix of this notebook had the bump in every row, one step further each time. That matrix *is* the convolution. Every
# convolution is a linear layer whose weight has two peculiarities:
#
# - it is **sparse**: an output looks at $w$ neighbouring inputs, all other weights are 0;
# - it is **shared**: all rows have the same $w$ numbers.
#
# ### Exercise: The matrix of a convolution
#
# Write `conv1d_matrix(u, width)`: it returns the matrix $M$ with $M\,x = x \circledast u$ for every `x` of shape `(width,)`. It has the
# dtype of `u`. `u` must not be changed.
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
g = torch.Generator().manual_seed(15)
u = torch.randn(3, generator=g)
before = u.clone()
inputs = torch.eye(7)  # the columns of a matrix are its answers to the unit vectors
matrix = F.conv1d(inputs[:, None], u.view(1, 1, 3))[:, 0].T
turned = F.conv1d(inputs[:, None], u.flip(0).view(1, 1, 3))[:, 0].T
wrapped = torch.stack([F.pad(u, (0, 4)).roll(i) for i in range(7)])
expect(
    conv1d_matrix(inplace(u), 7),
    matrix,
    "conv1d_matrix(u, 7) for u of shape (3,)",
    mistakes={
        "The kernel is turned over: row i has u in its own order.": turned,
        "It is turned: one row per output, one column per input.": matrix.T,
        "It is turned: one row per output, one column per input, and u in its own order.": turned.T,
        "The last row is missing: there are width − w + 1 of them.": matrix[:-1],
        "The last rows wrap around: the kernel must lie inside the input.": wrapped,
        "The last rows hold a part of the kernel only: it must lie inside the input.": wrapped.triu(),
        "Each row must start one step further to the right than the row above.": F.pad(before, (0, 4)).expand(5, 7),
    },
)
expect(u, before, "u is left as it was")
x = torch.randn(7, generator=g)
expect(conv1d_matrix(u, 7) @ x, x.unfold(0, 3, 1) @ u, "conv1d_matrix(u, 7) @ x is x ⊛ u", rtol=1e-4, atol=1e-5)
### BEGIN HIDDEN TESTS
for w, width in [(1, 4), (5, 5), (2, 12), (4, 9)]:
    u, x = (torch.randn(n, generator=g, dtype=torch.float64) for n in (w, width))
    answer = conv1d_matrix(u, width)
    expect(answer.dtype, torch.float64, "the dtype of the matrix for u in float64")
    expect(tuple(answer.shape), (width - w + 1, width), f"the shape of conv1d_matrix for w={w}, width={width}")
    expect(answer @ x, x.unfold(0, w, 1) @ u, f"conv1d_matrix(u, {width}) @ x for w={w}, in float64")
### END HIDDEN TESTS

# %% [markdown]
# ## Images: channels in, maps out
#
# An image has rows, columns and **channels**: red, green and blue, say. As a tensor it is C×H×W. A kernel for it is C×h×w: it has **as many
# channels as the input**, but usually far fewer rows and columns. It moves over rows and columns, not over channels. At each place all
# C·h·w products are added up to **one** number.
#
# **Before you run it:** an input of 3×5×6, a kernel of 3×2×3. In how many places can the kernel lie? What shape does the output have?

# %% predict
torch.manual_seed(0)
x, kernel = torch.randn(3, 5, 6), torch.randn(3, 2, 3)
rows, columns = 5 - 2 + 1, 6 - 3 + 1
y = torch.empty(rows, columns)
for i in range(rows):
    for j in range(columns):
        y[i, j] = (x[:, i : i + 2, j : j + 3] * kernel).sum()
print("output:", tuple(y.shape), "=", rows * columns, "places")
print("as F.conv2d has it:", torch.allclose(F.conv2d(x[None], kernel[None])[0, 0], y, atol=1e-5))

# %%
kernel_steps(
    x,
    kernel,
    keys=[0, 3, 9, 15],
    columns=2,
    numbers=False,
    alt="Four frames. The input is a block of three sheets of 5×6 cells, one behind the other. A block of 2×3 cells, outlined in orange on all three sheets, "
    "lies at the top left, then at the top right, then two rows lower in the second column, then at the bottom right. Each place gives one cell of the single output sheet of 4×4.",
)

# %% [markdown]
# So a C×H×W input and one C×h×w kernel give an output of $(H - h + 1) \times (W - w + 1)$, without channels. It is a 2-d convolution even
# though the tensors have three dimensions: the kernel moves in two.
#
# One kernel looks for one thing. A layer has $D$ kernels, each with a bias of its own, and stacks their $D$ outputs as the channels of its
# result. Each of these channels is called an **activation map**. For a batch of $N$ images:
#
# $$y_{n,d,i,j} \;=\; b_d + \sum_{c=1}^{C} \sum_{a=1}^{h} \sum_{b=1}^{w} x_{n,\,c,\,i-1+a,\,j-1+b}\; u_{d,c,a,b} .$$
#
# | | shape |
# |---|---|
# | input | N × C × H × W |
# | weight | D × C × h × w |
# | bias | D |
# | output | N × D × (H − h + 1) × (W − w + 1) |
#
# In the example above, two kernels give two maps (N is left out):


# %%
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
    "2×3 cells, together the weight of 2×3×2×3. An arrow leads from each kernel to its own green map of 4×4 cells; together they are the output of 2×4×4.",
)

# %% [markdown]
# `F.conv2d(input, weight, bias=None)` computes this. (It has more arguments: `stride` and `padding` come in `08_padding_stride_pooling`,
# `dilation` in `09_dilation`, `groups` below.)
#
# **Before you run it:** the input is 117×4×10×3, the weight 5×4×2×3. What shape has the output?

# %% predict
torch.manual_seed(0)
weight, bias = torch.empty(5, 4, 2, 3).normal_(), torch.empty(5).normal_()
x = torch.empty(117, 4, 10, 3).normal_()
print(tuple(F.conv2d(x, weight, bias).shape))

# %% [markdown]
# <details><summary>Where does each number come from?</summary>
#
# 117 samples, as before. 5 maps, one per kernel. $10 - 2 + 1 = 9$ rows. $3 - 3 + 1 = 1$ column: the kernel is as wide as the image. The 4
# channels have been added up.
#
# </details>
#
# ### What conv2d refuses
#
# **Before you run it:** what is wrong with each of the three inputs? The weight is still 5×4×2×3.

# %% predict varies
for size in [(117, 3, 10, 3), (117, 4, 10, 2), (10, 3)]:
    try:
        F.conv2d(torch.zeros(size), weight, bias)
    except RuntimeError as error:
        print(size, "→", error, "\n")
print((4, 10, 3), "→", tuple(F.conv2d(torch.zeros(4, 10, 3), weight, bias).shape))

# %% [markdown]
# The number of channels must fit; the kernel must fit inside the image; and channels must be there, even if there is only one: a grey image
# is 1×H×W. A single image without the batch dimension is accepted. *What changed:* older versions of PyTorch refused it, so older code adds
# the batch dimension by hand, `x[None]`.
#
# ### Exercise: conv2d by its definition
#
# Write `conv2d(x, weight, bias=None)`: the formula above. Don't use torch's own convolutions (`F.conv1d`, `F.conv2d`, `F.conv3d`, and the
# modules such as `nn.Conv2d` that call them), and no ready-made windows (`F.unfold`, `x.unfold`). Loops over places or over kernel positions
# are fine; you need none over samples or channels. `bias` may be `None`. The result has the dtype of `x`, the arguments must not be changed,
# and gradients must reach all of them.
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
# Write each N×D into its place of a tensor of zeros, `y[:, :, i, j] = …`, whose dtype is that of `x`: `x.new_zeros(...)`. Gradients pass
# through that.
#
# </details>
#
# <details><summary>Hint 4: the bias</summary>
#
# One number per map. Broadcasting starts at the *last* dimension, which is W. `bias[:, None, None]`, or `bias.view(-1, 1, 1)`, has shape
# D×1×1. Ask `if bias is not None`: a tensor of several numbers is neither true nor false.
#
# </details>


# %% exercise="conv2d" difficulty=3 minutes=15
def conv2d(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    """A batch of images convolved with several kernels.

    x: (N, C, H, W). weight: (D, C, h, w). bias: (D,) or None.
    Returns: (N, D, H - h + 1, W - w + 1), a new tensor.
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
g = torch.Generator().manual_seed(16)
# Many equal sizes first: there, a mix-up raises no error, it only gives wrong numbers.
x, weight, bias = (torch.randn(size, generator=g) for size in [(2, 4, 5, 6), (4, 4, 3, 3), (4,)])
before = [x.clone(), weight.clone(), bias.clone()]
y = F.conv2d(x, weight)
with_bias, along_width, too_often = y + bias[:, None, None], y + bias, y + 36 * bias[:, None, None]
close = {"rtol": 1e-4, "atol": 1e-5}
with forbidden("conv1d", "conv2d", "conv3d", "unfold"):
    answer = conv2d(inplace(x), inplace(weight))
expect(
    list(getattr(answer, "shape", ["no tensor"])),
    [2, 4, 3, 4],
    "the shape of conv2d(x, weight) for shapes (2, 4, 5, 6), (4, 4, 3, 3)",
    mistakes={
        "Nothing comes back, or no tensor: is a `return` missing?": ["no tensor"],
        "The last row and the last column of places are missing: H − h + 1 and W − w + 1.": [2, 4, 2, 3],
        "The channels are still there: add them up.": [2, 4, 4, 3, 4],
        "The kernel must lie inside the image: H − h + 1 and W − w + 1.": [2, 4, 5, 6],
    },
)
expect(
    answer,
    y,
    "its values, without a bias",
    mistakes={
        "The kernels are turned over: x and kernel run in the same direction.": F.conv2d(x, weight.flip(2, 3)),
        "Rows and columns of the kernel are exchanged.": F.conv2d(x, weight.transpose(2, 3)),
        "The first dimension of the weight is the map d, the second the channel c.": F.conv2d(
            x, weight.transpose(0, 1)
        ),
        "Only channel 0 is used: add up the products of all channels.": F.conv2d(x[:, :1], weight[:, :1]),
        "The products are averaged: add them up.": y / 36,
        "Each channel has its own kernel here: all channels of x belong to every kernel.": F.conv2d(
            x, weight[:, :1], groups=4
        ),
    },
    **close,
)
expect([x, weight], before[:2], "x and weight are left as they were")
expect(
    conv2d(x, weight, bias),
    with_bias,
    "the same with a bias",
    mistakes={
        "The bias is missing.": y,
        "The bias is added along the width: it needs the shape (D, 1, 1).": along_width,
        "The bias is added at every product: add it once per output.": too_often,
    },
    **close,
)
x, weight, bias = (torch.randn(size, generator=g) for size in [(3, 2, 7, 5), (4, 2, 3, 2), (4,)])
tensors = [tensor.requires_grad_() for tensor in (x, weight, bias)]
factors = torch.randn(3, 4, 5, 4, generator=g)
y = F.conv2d(*tensors)
wanted = torch.autograd.grad((y * factors).sum(), tensors)
answer = conv2d(x, weight, bias)
expect(answer, y, "conv2d for shapes (3, 2, 7, 5), (4, 2, 3, 2), (4,)", **close)
expect(answer.requires_grad, True, "autograd passes through conv2d")
(answer * factors).sum().backward()
for name, tensor, gradient in zip(("x", "weight", "bias"), tensors, wanted):
    expect(tensor.grad is None, False, f"a gradient reaches {name} (nothing may cut it off, such as .detach())")
    expect(tensor.grad, gradient, f"the gradient with respect to {name}", **close)
### BEGIN HIDDEN TESTS
for sizes in [((117, 4, 10, 3), (5, 4, 2, 3)), ((2, 3, 4, 6), (7, 3, 1, 1)), ((1, 1, 6, 4), (2, 1, 6, 4))]:
    x, weight = (torch.randn(size, generator=g, dtype=torch.float64) for size in sizes)
    bias = torch.randn(sizes[1][0], generator=g, dtype=torch.float64)
    before = [x.clone(), weight.clone(), bias.clone()]
    wanted = F.conv2d(x, weight, bias)
    answer = conv2d(inplace(x), inplace(weight), inplace(bias))
    expect(answer, wanted, f"conv2d for shapes {sizes[0]}, {sizes[1]}, in float64")
    expect([x, weight, bias], before, "x, weight and bias are left as they were")
### END HIDDEN TESTS

# %% [markdown]
# ## The layer nn.Conv2d
#
# As with `F.linear` and `nn.Linear`, there is a module that makes the weight and the bias and keeps them:
# `nn.Conv2d(in_channels, out_channels, kernel_size)`. The kernel size is a pair `(h, w)`, or one number `k` for `(k, k)`.
#
# **Before you run it:** what shapes have weight and bias of `nn.Conv2d(4, 5, kernel_size=(2, 3))`? How many inputs does one output add up,
# so what is $\mathrm{fan\_in}$?

# %% predict
torch.manual_seed(0)
layer = nn.Conv2d(in_channels=4, out_channels=5, kernel_size=(2, 3))
print("weight", tuple(layer.weight.shape), " bias", tuple(layer.bias.shape))
print((117, 4, 10, 3), "→", tuple(layer(torch.zeros(117, 4, 10, 3)).shape))
largest = max(parameter.abs().max().item() for parameter in layer.parameters())
print(f"largest initial value {largest:.4f} ≤ 1/√fan_in = 1/√(4·2·3) = {1 / math.sqrt(4 * 2 * 3):.4f}")
print("kernel_size=3 means", nn.Conv2d(4, 5, kernel_size=3).kernel_size)

# %% [markdown]
# The layer never asks for H and W: it accepts images of any size that is not smaller than its kernel. And how much do we save, compared
# with the linear layer of the beginning? A convolution with 5×5 kernels from 3 channels to 3 channels:

# %%
layer = nn.Conv2d(3, 3, kernel_size=5)
count = sum(parameter.numel() for parameter in layer.parameters())
print(f"{count} parameters instead of {(256 * 256 * 3) ** 2:.2e}")
for size in [(1, 3, 256, 256), (8, 3, 40, 64)]:
    print(size, "→", tuple(layer(torch.zeros(size)).shape))

# %% [markdown]
# ## Filters and their activation maps
#
# What does a map look like? Take a real digit and write five known kernels of 3×3 into a layer, one per output channel.

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
draw_row(
    *[Grid(kernel, name, "learned", digits=0) for kernel, name in zip(kernels, names)],
    alt="Five kernels of 3×3. Identity: 1 in the middle, else 0. Box: all 1. Left to right: columns of −1, 0, 1. "
    "Top to bottom: rows of −1, 0, 1. Laplace: 4 in the middle, −1 on its four sides, 0 in the corners.",
)

# %% [markdown]
# **Before you run it:** ink is positive, paper is 0. In the map of *left to right*, which side of a vertical stroke is positive, the left
# one or the right one? What size have the maps of an 8×8 image? And what does *Laplace* give inside a patch where all pixels are equal?

# %% predict
images, labels = load_digits()
digit = images[12]
layer = nn.Conv2d(1, 5, kernel_size=3)
with torch.no_grad():
    layer.weight.copy_(kernels[:, None])  # 5×3×3 → 5×1×3×3: one input channel
    layer.bias.zero_()
    maps = layer(digit.view(1, 1, 8, 8))[0]

print("the 13th digit is a", labels[12].item(), "· maps:", tuple(maps.shape))
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

# %%
draw_images(
    [digit, *maps],
    ["input 8×8", *[f"{name}\n6×6" for name in names]],
    signed=True,
    columns=6,
    cell=1.6,
    alt="An 8×8 image of a two and its five activation maps of 6×6; orange is positive, purple negative, white zero. The identity map is the image without its border, the box "
    "map a blurred one. Left to right: left sides of strokes are orange, right sides purple. Top to bottom: upper sides orange, lower sides purple. Laplace: strokes orange, their surroundings purple.",
)

# %% [markdown]
# Orange is positive, purple negative, white zero.
#
# - *Identity* gives the image back, without its border: the kernel's middle cannot lie there.
# - *Box* adds up nine neighbours, so it blurs.
# - *Left to right* and *top to bottom* are derivatives in two directions. They answer at edges (they are close relatives of the Sobel
#   filters): positive where the ink begins, that is at the **left** side of a vertical stroke, negative where it ends.
# - *Laplace* compares a pixel with its four neighbours: $4 - 1 - 1 - 1 - 1 = 0$ inside an even patch, large where a pixel stands out.
#
# A network is not given such kernels. It starts with random ones and learns them, and often finds edge filters in its first layer by
# itself. *What changed:* older code wrote into `layer.weight.data[0]`; `torch.no_grad()` is today's way.
#
# The same five kernels on the 13th training image of MNIST, 28×28 pixels. Where MNIST is neither on disk nor can be downloaded, another real
# digit stands in:

# %% varies
mnist = load_mnist(train=True)
digit = mnist.data[12].float().view(1, 1, 28, 28)
with torch.no_grad():
    maps = layer(digit)[0]
print("a", int(mnist.targets[12]), "· maps:", tuple(maps.shape))
draw_images(
    [digit[0, 0], *maps],
    ["input 28×28", *[f"{name}\n26×26" for name in names]],
    signed=True,
    columns=6,
    cell=1.6,
    alt="A 28×28 image of a handwritten digit and its five activation maps of 26×26: the digit itself, a blurred digit, its left and right edges with opposite signs, its upper and lower edges "
    "with opposite signs, and its outline.",
)

# %% [markdown]
# ## Groups
#
# So far every kernel sees all channels. `groups` divides input channels and output maps into equally many groups, and a kernel sees **only
# the channels of its own group**. So a kernel has $C / \text{groups}$ channels, and the weight is
# $D \times \frac{C}{\text{groups}} \times h \times w$. Both C and D must be divisible by `groups`.
#
# **Before you run it:** a layer from 4 channels to 4 maps with 3×3 kernels, without a bias. How many weights has it for `groups=1`, `2`,
# `4`?

# %% predict
for groups in (1, 2, 4):
    layer = nn.Conv2d(4, 4, kernel_size=3, groups=groups, bias=False)
    print(f"groups={groups}: weight {tuple(layer.weight.shape)}, {layer.weight.numel()} numbers")

# %%
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
    alt="Three diagrams, each with four input channels on the left and four maps on the right; a line means: this map sees this channel. With groups=1 every map "
    "sees every channel, 16 lines. With groups=2 maps 0 and 1 see channels 0 and 1, maps 2 and 3 see channels 2 and 3, 8 lines. With groups=4 each map sees one channel, 4 lines.",
)

# %% [markdown]
# Each line in the picture is one slice of h×w weights. With `groups` equal to the number of channels, every channel is treated on its own.
# That is called a *depthwise* convolution.
#
# ### Exercise: Count the parameters of a convolution
#
# Write `conv_parameters(in_channels, out_channels, kernel_size, groups=1, bias=True)`: the number of parameters of the `nn.Conv2d` with
# these arguments, as a Python `int`. `kernel_size` is a pair `(h, w)` or one number `k` for `(k, k)`. Compute it. Do not build the layer:
# the check asks for one that fits into no memory.
#
# <details><summary>Hint 1: which numbers matter?</summary>
#
# Look at the shape of the weight above. H and W of the image do not occur, because all places share the kernel.
#
# </details>
#
# <details><summary>Hint 2: a pair or a number</summary>
#
# `isinstance(kernel_size, int)` tells whether it is one number.
#
# </details>


# %% exercise="conv_parameters" difficulty=1 minutes=6
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
expect(
    conv_parameters(4, 5, (2, 3)),
    5 * 4 * 2 * 3 + 5,
    "conv_parameters(4, 5, (2, 3))",
    mistakes={
        "The bias is missing: it has one value per map.": 120,
        "A bias has one value per map, not one per layer.": 121,
        "A bias has one value per map, not per input channel.": 124,
        "A kernel has all input channels: its size is C·h·w.": 5 * 2 * 3 + 5,
        "There are out_channels kernels.": 4 * 2 * 3 + 1,
        "A bias is one value per kernel, not one per channel of a kernel.": 5 * 4 * 2 * 3 + 5 * 4,
    },
)
expect(
    conv_parameters(3, 32, 5),
    32 * (3 * 25 + 1),
    "conv_parameters(3, 32, 5): one number means (5, 5)",
    mistakes={"One number k means a kernel of k×k.": 32 * (3 * 5 + 1)},
)
expect(
    conv_parameters(6, 12, (2, 5), groups=3),
    12 * (2 * 10) + 12,
    "conv_parameters(6, 12, (2, 5), groups=3)",
    mistakes={
        "groups makes no difference in yours.": 12 * 60 + 12,
        "Each kernel sees fewer channels, but there are still out_channels kernels.": 4 * 20 + 4,
        "Each kernel sees fewer channels, but there are still out_channels biases.": 12 * 20 + 4,
        "Divide the input channels only: out_channels kernels of in_channels / groups channels.": 4 * 20 + 12,
        "groups makes a layer smaller: divide by it.": 12 * 180 + 12,
    },
)
expect(
    conv_parameters(6, 12, (2, 5), groups=3, bias=False),
    240,
    "conv_parameters(6, 12, (2, 5), groups=3, bias=False)",
    mistakes={"bias=False makes no difference in yours.": 252},
)
### BEGIN HIDDEN TESTS
g = torch.Generator().manual_seed(17)
for groups, bias in [(1, False), (2, True), (5, True), (4, False)]:
    c, d, h, w = torch.randint(1, 7, (4,), generator=g).tolist()
    layer = nn.Conv2d(c * groups, d * groups, (h, w), groups=groups, bias=bias)
    wanted = sum(parameter.numel() for parameter in layer.parameters())
    answer = conv_parameters(c * groups, d * groups, (h, w), groups, bias)
    expect(answer, wanted, f"conv_parameters({c * groups}, {d * groups}, {(h, w)}, {groups}, {bias})")
answer = conv_parameters(10**6, 10**6, 10**3)
expect(answer, 10**18 + 10**6, "conv_parameters(10**6, 10**6, 10**3), a layer that fits into no memory")
expect(type(answer).__name__, "int", "the number is a Python int")
### END HIDDEN TESTS

# %% [markdown]
# ### Exercise: A bank of filters for every channel
#
# You have $K$ kernels as a tensor of shape (K, h, w), and images with any number of channels. Write `filter_bank(kernels, channels)`: it
# returns an `nn.Conv2d` **without a bias** that applies each kernel to each channel *separately*. From (N, channels, H, W) it makes (N,
# channels·K, H − h + 1, W − w + 1). The maps of channel 0 come first, one for each kernel, in the order of `kernels`, then those of channel
# 1, and so on. Use `groups`, so that the weight has no more than channels·K·h·w values. The layer must stay trainable, and `kernels` must
# not be changed.
#
# For 3 kernels and 2 channels: map 0 is kernel 0 on channel 0, map 1 is kernel 1 on channel 0, map 2 is kernel 2 on channel 0, map 3 is
# kernel 0 on channel 1, …
#
# <details><summary>Hint 1: how many groups?</summary>
#
# Each map sees one channel only. What is `groups` then, and what is the second size of the weight?
#
# </details>
#
# <details><summary>Hint 2: which rows of the weight belong to channel 0?</summary>
#
# The maps are dealt out to the groups in order: with K maps per group, the first K rows of the weight belong to channel 0, the next K to
# channel 1. Each of these blocks is the whole set of kernels.
#
# </details>
#
# <details><summary>Hint 3: repeating a block</summary>
#
# `t.repeat(2, 1, 1)` lays two copies of the whole `t` one after the other along dimension 0. (`repeat_interleave` would repeat each entry
# on its own.) And the weight has four dimensions: which one do `kernels` not have?
#
# </details>
#
# <details><summary>Hint 4: writing into a layer</summary>
#
# As with the five filters above: `copy_` under `torch.no_grad()`.
#
# </details>


# %% exercise="filter_bank" difficulty=2 minutes=10
def filter_bank(kernels: torch.Tensor, channels: int) -> nn.Conv2d:
    """A layer that applies every kernel to every channel separately.

    kernels: (K, h, w). Returns: a module that maps (N, channels, H, W) to (N, channels * K, H - h + 1, W - w + 1).
    """
    ### BEGIN SOLUTION
    count, h, w = kernels.shape
    layer = nn.Conv2d(channels, channels * count, (h, w), groups=channels, bias=False)
    with torch.no_grad():
        layer.weight.copy_(kernels.repeat(channels, 1, 1)[:, None])
    return layer
    ### END SOLUTION


# %% check="filter_bank" points=2
g = torch.Generator().manual_seed(18)
kernels = torch.randn(3, 2, 4, generator=g)
before = kernels.clone()
layer = filter_bank(inplace(kernels), 2)
names = ("in_channels", "out_channels", "kernel_size", "groups")
expect(
    [getattr(layer, name, None) for name in names],
    [2, 6, (2, 4), 2],
    "in_channels, out_channels, kernel_size and groups of filter_bank(kernels, 2), kernels of shape (3, 2, 4)",
    mistakes={
        "What you return is no nn.Conv2d. (Is a `return` missing?)": [None, None, None, None],
        "Every kernel on every channel makes channels · K maps.": [2, 3, (2, 4), 1],
        "Each map is to see one channel only: set groups.": [2, 6, (2, 4), 1],
        "One group per channel, not one per kernel.": [2, 6, (2, 4), 3],
        "The kernel size is (h, w): the last two sizes of kernels.": [2, 6, (3, 2), 2],
    },
)
expect(layer.bias is None, True, "the layer has no bias")
blocks = torch.cat([before, before])[:, None]
expect(
    layer.weight.detach(),
    blocks,
    "the weight: all kernels for channel 0, then all kernels for channel 1",
    mistakes={
        "Each kernel is repeated on its own: the rows of channel 0 must be *all* kernels, in order.": (
            before.repeat_interleave(2, 0)[:, None]
        ),
        "The kernels are turned over: write them as they are.": blocks.flip(2, 3),
    },
)
x = torch.randn(5, 2, 6, 7, generator=g)
wanted = torch.cat([F.conv2d(x[:, c : c + 1], before[:, None]) for c in range(2)], dim=1)
expect(layer(x).detach(), wanted, "layer(x) for x of shape (5, 2, 6, 7)", rtol=1e-4, atol=1e-5)
expect(layer.weight.requires_grad, True, "the layer is still trainable: requires_grad of its weight")
expect(kernels, before, "kernels is left as it was")
### BEGIN HIDDEN TESTS
for size, channels in [((4, 3, 2), 3), ((1, 2, 2), 5), ((2, 3, 3), 1)]:
    kernels, x = torch.randn(size, generator=g), torch.randn(2, channels, 6, 5, generator=g)
    wanted = torch.cat([F.conv2d(x[:, c : c + 1], kernels[:, None]) for c in range(channels)], dim=1)
    answer = filter_bank(kernels, channels)(x).detach()
    expect(answer, wanted, f"filter_bank for kernels {size}, {channels} channels", rtol=1e-4, atol=1e-5)
### END HIDDEN TESTS

# %% [markdown]
# ## One, two, three dimensions
#
# The same operation exists for signals of other dimensions: `F.conv1d` and `nn.Conv1d` for sound and text, `F.conv3d` and `nn.Conv3d` for
# films and body scans. Batch and channels always come first; each further dimension shrinks by kernel size − 1.
#
# **Before you run it:** what do the three layers give?

# %% predict
print("Conv1d:", tuple(nn.Conv1d(2, 5, kernel_size=4)(torch.zeros(7, 2, 100)).shape))
print("Conv2d:", tuple(nn.Conv2d(2, 5, kernel_size=4)(torch.zeros(7, 2, 20, 30)).shape))
print("Conv3d:", tuple(nn.Conv3d(2, 5, kernel_size=4)(torch.zeros(7, 2, 16, 20, 30)).shape))

# %% [markdown]
# **Convolution keeps the structure of a signal.** A 1-d signal becomes a 1-d signal, an image becomes an image, and neighbouring parts of
# the input act on neighbouring parts of the output. That is why convolutions can be stacked.
#
# Do channels have such a structure too? **Before you run it:** the next cell puts the channels of `x` into another order, and the kernel's
# channels into the same. Does the output change? And what if it is the rows of both?

# %% predict
torch.manual_seed(0)
x, kernel = torch.randn(1, 3, 6, 6), torch.randn(1, 3, 3, 3)
y = F.conv2d(x, kernel)
order = [2, 0, 1]
print("channels reordered, same output:", torch.allclose(F.conv2d(x[:, order], kernel[:, order]), y, atol=1e-5))
order_of_x = [2, 0, 1, 5, 3, 4]
reordered = F.conv2d(x[:, :, order_of_x], kernel[:, :, order])
print("rows reordered, same output:    ", torch.allclose(reordered, y, atol=1e-5))

# %% [markdown]
# The order of channels is a matter of taste: there is no "next to" among them. The order of rows is not. Sometimes, though, a third index
# is a real position. The frames of a
# grey film follow one another in time. Then it should not be the channel: let the kernel move over it too, with a 3-d convolution and an
# input of N×1×T×H×W.
#
# ## The receptive field
#
# Which part of the input can change one value of an activation map? That part is the value's **receptive field**. For one convolution it is
# the kernel's window. For a stack of layers, let autograd answer: an input belongs to the receptive field if it gets a gradient.
#
# **Before you run it:** an 8×8 input goes through two 3×3 convolutions. How large is the receptive field of one value of the second map?

# %% predict
torch.manual_seed(0)
x = torch.randn(1, 1, 8, 8, requires_grad=True)
first = F.conv2d(x, torch.rand(1, 1, 3, 3) + 0.1)
first.retain_grad()  # autograd keeps gradients of leaf tensors only, unless you ask
second = F.conv2d(first, torch.rand(1, 1, 3, 3) + 0.1)
second[0, 0, 1, 2].backward()
field, between = (x.grad[0, 0] != 0).long(), (first.grad[0, 0] != 0).long()
print("values of the first map:", between.sum().item(), "· inputs:", field.sum().item())
print(field)

# %%
figure, ax = plt.subplots(figsize=(9.6, 3.9))
figure.subplots_adjust(0, 0, 1, 1)
left, places = 0.6, []
for name, role, mask in [
    ("x", "input", field),
    ("first map", "plain", between),
    ("second map", "output", F.one_hot(torch.tensor([6]), 16).view(4, 4)),
]:
    size = len(mask)
    top = (8 - size) / 2
    draw_grid(ax, Grid(mask, name, role, hide=True), left, top)
    marked = mask.nonzero()
    for i, j in marked.tolist():
        ax.add_artist(plt.Rectangle((left + j, top + i), 1, 1, facecolor=(COLOURS["output"], 0.6), edgecolor=INK))
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
    "square of 5×5 cells in the input, its receptive field, which starts at the same row 1 and column 2.",
)

# %% [markdown]
# A value of the second map sees 3×3 values of the first, and each of these sees 3×3 inputs: together $3 + 2 = 5$ in each direction. Deeper
# layers see more of the image.
#
# At the other end stands the linear layer. Every input acts directly on every output, so its receptive field is the whole input. That is
# why it is also called a **fully connected** layer. In fact it is a special convolution, the one whose kernel is as large as the image:

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
# Your `conv2d` visits one place after another. Faster programs do all places in **one matrix product**, as the last notebook did for a
# batch. The idea: write what the kernel sees at each place as a column. `F.unfold(x, (h, w))` does that: from N×C×H×W it makes N×(C·h·w)×L,
# where $L$ is the number of places, row by row.
#
# **Before you run it:** a 3×4 image with one channel and a 2×2 kernel. How many columns are there, how long is each, and what is in the
# first?

# %% predict
x = torch.arange(1.0, 13).view(1, 1, 3, 4)
kernel = torch.tensor([[1.0, 0], [2, -1]])
columns = F.unfold(x, (2, 2))
print("image:", tuple(x.shape))
print(x[0, 0].long())
print("columns:", tuple(columns.shape))
print(columns[0].long())

# %%
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
# The kernel is a row, flattened in the same order as the columns: channel by channel, row by row. With $D$ kernels it becomes a matrix of
# D×(C·h·w), and the product D×L holds all maps, each as one long row. The price is memory: a pixel is copied into up to $h \cdot w$
# columns.
#
# ### Exercise: Convolution as a matrix product
#
# Write `conv2d_as_product(x, weight, bias)`. It returns the tuple `(rows, columns, y)`:
#
# - `rows`, D×(C·h·w): the weight as a matrix, one kernel per row;
# - `columns`, N×(C·h·w)×L: the columns of all places, as `F.unfold` gives them;
# - `y`, N×D×(H − h + 1)×(W − w + 1): the convolution, made of `rows` and `columns` by a matrix product, plus the bias.
#
# No loop, and none of torch's own convolutions (`F.conv1d`, `F.conv2d`, `F.conv3d`, and the modules that call them). The arguments must not
# be changed.
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
# In N×D×L the maps lie along dimension 1. Which shape must the bias have, so that it is added to whole rows of length L?
#
# </details>
#
# <details><summary>Hint 3: from L back to an image</summary>
#
# The places come row by row, so `.view` or `.reshape` with H − h + 1 rows and W − w + 1 columns cuts them right.
#
# </details>


# %% exercise="conv2d_as_product" difficulty=3 minutes=12
def conv2d_as_product(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A 2-d convolution as one matrix product, with its two factors.

    x: (N, C, H, W). weight: (D, C, h, w). bias: (D,). With L = (H - h + 1) * (W - w + 1)
    Returns: the tuple (rows, columns, y) with the shapes (D, C*h*w), (N, C*h*w, L), (N, D, H - h + 1, W - w + 1).
    """
    ### BEGIN SOLUTION
    h, w = weight.shape[2:]
    rows = weight.flatten(1)
    columns = F.unfold(x, (h, w))
    y = rows @ columns + bias[:, None]
    return rows, columns, y.view(len(x), len(weight), x.shape[2] - h + 1, x.shape[3] - w + 1)
    ### END SOLUTION


# %% check="conv2d_as_product" points=3
g = torch.Generator().manual_seed(19)
# Six places and six maps first: there, a bias of shape (D,) raises no error, it is only added to the wrong numbers.
x, weight, bias = (torch.randn(size, generator=g) for size in [(2, 3, 4, 4), (6, 3, 3, 2), (6,)])
before = [x.clone(), weight.clone(), bias.clone()]
windows = torch.stack([x[:, :, i : i + 3, j : j + 2].flatten(1) for i in range(2) for j in range(3)], dim=2)
matrix = before[1].reshape(6, 18)
wanted, by_place = F.conv2d(x, weight, bias), matrix @ windows
along_places = (by_place + bias).view(2, 6, 2, 3)
with forbidden("conv1d", "conv2d", "conv3d"):
    answer = conv2d_as_product(inplace(x), inplace(weight), inplace(bias))
no_return = {"Nothing comes back: is a `return` missing?": "NoneType"}
expect(type(answer).__name__, "tuple", "conv2d_as_product returns a tuple", mistakes=no_return)
expect(len(answer), 3, "the tuple has three parts: rows, columns, y")
rows, columns, y = answer
shapes = "for shapes (2, 3, 4, 4), (6, 3, 3, 2), (6,)"
expect(
    rows,
    matrix,
    f"rows {shapes}",
    mistakes={
        "It is turned: one kernel per row.": matrix.T,
        "The numbers are mixed: a row is one kernel, flattened channel by channel.": (
            before[1].permute(0, 2, 3, 1).reshape(6, 18)
        ),
    },
)
expect(
    columns,
    windows,
    f"columns {shapes}",
    mistakes={
        "It is turned: what the kernel sees at one place is one column, (N, C·h·w, L).": windows.transpose(1, 2),
        "The kernel's height and width are exchanged.": F.unfold(before[0], (2, 3)),
    },
)
expect(
    y,
    wanted,
    f"y {shapes}",
    mistakes={
        "The bias is missing.": by_place.view(2, 6, 2, 3),
        "The bias is added along the places: in N×D×L it needs the shape (D, 1).": along_places,
        "The places are in one long row still: cut them into H − h + 1 rows.": wanted.flatten(2),
        "Rows and columns of the map are exchanged: cut into H − h + 1 rows.": wanted.reshape(2, 6, 3, 2),
        "Samples and maps are exchanged.": wanted.transpose(0, 1),
    },
    rtol=1e-4,
    atol=1e-5,
)
expect([x, weight, bias], before, "x, weight and bias are left as they were")
### BEGIN HIDDEN TESTS
for sizes in [((3, 2, 7, 5), (4, 2, 3, 2)), ((1, 5, 3, 6), (2, 5, 1, 1)), ((4, 1, 6, 4), (3, 1, 6, 4))]:
    x, weight = (torch.randn(size, generator=g, dtype=torch.float64) for size in sizes)
    bias = torch.randn(sizes[1][0], generator=g, dtype=torch.float64)
    wanted = [weight.flatten(1), F.unfold(x, sizes[1][2:]), F.conv2d(x, weight, bias)]
    answer = conv2d_as_product(x, weight, bias)
    expect(len(answer), 3, f"the number of parts for shapes {sizes[0]}, {sizes[1]}")
    for name, part, expected in zip(("rows", "columns", "y"), answer, wanted):
        expect(part, expected, f"{name} for shapes {sizes[0]}, {sizes[1]}, in float64")
### END HIDDEN TESTS

# %% [markdown]
# ## Recap
#
# Answer from memory, then open.
#
# <details><summary>1. An input of N×8×20×30 goes through <code>nn.Conv2d(8, 16, kernel_size=(3, 5))</code>. What shapes have the output, the weight and the bias? How many parameters are there?</summary>
#
# The output is N×16×18×26, the weight 16×8×3×5, the bias 16. That makes $16 \cdot (8 \cdot 3 \cdot 5 + 1) = 1936$ parameters, whatever the
# size of the image.
#
# </details>
#
# <details><summary>2. Which two properties distinguish a convolution from a linear layer, and what does each of them buy?</summary>
#
# It is *sparse*: an output sees a small neighbourhood only, its receptive field. That saves weights and keeps the structure of the signal.
# Its weights are *shared* by all places. That saves still more, and makes it equivariant: what moves in the input moves in the output.
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
# **Next:** `08_padding_stride_pooling`. Each convolution so far made the image a little smaller. The next notebook puts a frame around the
# input so that it keeps its size, takes larger steps to make it much smaller on purpose, and sums up neighbourhoods by their largest value.
