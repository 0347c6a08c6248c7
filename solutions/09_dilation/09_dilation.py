# %% [markdown]
# # Dilation
#
# After this notebook you can
#
# - explain what `dilation` does to a kernel, and compute a dilated convolution from plain ones;
# - predict the size of an output from kernel size, padding, stride and dilation together;
# - write a causal convolution, which never looks into the future;
# - compute the receptive field of a stack of layers with a formula, and measure it with a gradient;
# - recognise gridding, and choose dilations that reach a given receptive field without gaps and with the fewest parameters.
#
# **Points**: 16. **Time**: about 40 minutes of reading and 70 minutes for the 7 exercises. **You need**: convolution and its kernel
# (`07_convolution`), padding, stride and the size formula (`08_padding_stride_pooling`), and `torch.autograd.grad` for the gradient with
# respect to an input (`02_gradients_and_optimizers`).
#
# The check below each exercise tests what its text asks for. The grader tests the same things with other values.
#
# Unless an exercise says otherwise, tensors are on the CPU and hold at least one element, and their values are finite. An
# argument that must not be changed keeps its values, shape and dtype. A later call never changes an earlier result.

# %% setup

# %% [markdown]
# ## A kernel with gaps
#
# A museum counts its visitors four times a day: morning, noon, afternoon, evening. Here are four days, 16 numbers in a
# row. For each count you want the sum over three days **at the same time of day**. The counts to add are 4 places
# apart.
#
# A kernel of three ones adds three *neighbours*, such as morning + noon + afternoon:

# %%
day = ["morning", "noon", "afternoon", "evening"]
visitors = torch.tensor([10.0, 40, 30, 5, 12, 44, 28, 4, 14, 48, 32, 6, 9, 41, 27, 3])
u = torch.ones(3)


def convolve(signal, kernel, **options):
    """F.conv1d for one signal and one kernel; F.conv1d itself expects (batch, channels, width) and (out, in, k)."""
    return F.conv1d(signal[None, None], kernel[None, None], **options)[0, 0]


print("neighbours:", convolve(visitors, u).tolist())

# %% [markdown]
# To reach the same time on the following days, we put three zeros between the ones: they skip the three counts in
# between.
#
# **Before you run it:** how many outputs does this longer kernel give for the 16 counts? What is the first one?

# %% predict
filled = torch.tensor([1.0, 0, 0, 0, 1, 0, 0, 0, 1])
sums = convolve(visitors, filled)
print(len(sums), "outputs")
for i, value in enumerate(sums.tolist()):
    parts = " + ".join(f"{visitors[i + step]:2.0f}" for step in (0, 4, 8))
    print(f"{day[i % 4]:10}{parts} = {value:3.0f}")

# %% [markdown]
# <details><summary>Why?</summary>
#
# The kernel has 9 entries, so there are $16 - 9 + 1 = 8$ outputs. Each is a sum of three counts: the first adds the counts at 0, 4 and 8. Only 3
# of the 9 entries do any work.
#
# </details>
#
# PyTorch can do this without the zeros. Keep the kernel of three and specify how far apart its entries are on the
# input:

# %%
print("same result:", torch.equal(convolve(visitors, u, dilation=4), sums))

# %% [markdown]
# ### The rule
#
# A convolution with **dilation** $d$ steps $d$ places along the input from one kernel entry to the next:
#
# $$y_i = \sum_{j=1}^{k} x_{\,i + (j-1)\,d}\; u_j .$$
#
# Places $i$ start at 0, as in Python; the kernel entries are $u_1, …, u_k$.
#
# It acts like a sparse kernel with regular gaps: there are $d - 1$ zeros between two neighbouring entries of $u$. The size of this **zero-filled
# kernel** is
#
# $$1 + (k - 1)\,d .$$
#
# **Dilation 1 means no gaps**: it is the convolution you already know. The idea is older than deep learning. Signal
# processing calls it the *algorithme à trous*, French for "algorithm with holes", so you will also see the name
# *atrous* convolution. Yu and Koltun (2015) made it popular in neural networks.
#
# Here is the kernel $(1, 2, 1)$ on the numbers 1 to 12, with dilation 1, then 2, then 3, in three pictures each. Watch
# how far the kernel reaches and how many outputs there are.

# %% folded label="Watch a kernel with dilation 1, 2 and 3"
for d in (1, 2, 3):
    kernel_steps(
        torch.arange(1.0, 13),
        torch.tensor([1.0, 2.0, 1.0]),
        dilation=d,
        keys=(0, 1, 12 - 2 * d - 1),
        columns=1,
        cell=0.36,
        alt=f"Dilation {d}: the kernel 1, 2, 1 on the numbers 1 to 12. It covers {1}, {1 + d} and {1 + 2 * d} first, then 2, {2 + d} and {2 + 2 * d}, "
        f"and finally {12 - 2 * d}, {12 - d} and 12. The output has {12 - 2 * d} cells; the first is {4 + 4 * d}.",
    )

# %% [markdown]
# ### In two dimensions
#
# `F.conv2d` and `nn.Conv2d` take `dilation=d` for both directions or `dilation=(d_rows, d_columns)`. A 3×3 kernel always uses 9 inputs per
# channel; with a larger dilation they are further apart. (`F.max_pool2d` and `F.unfold` have the same argument.)

# %% folded label="Watch a 3×3 kernel with dilation 2"
kernel_steps(
    (torch.arange(56.0) % 10).reshape(7, 8),
    torch.tensor([[0.0, 1, 0], [1, 1, 1], [0, 1, 0]]),
    dilation=2,
    keys=(0, 11),
    columns=1,
    cell=0.36,
    alt="Dilation 2: a 3×3 kernel on a 7×8 input, first in the upper left corner and finally in the lower right corner. It covers nine cells, "
    "in every second row and column of a 5×5 square. The output is 3×4.",
)

# %% [markdown]
# ### Exercise: Fill a kernel with zeros
#
# Write `dilate_kernel(weight, dilation)`: the kernel of a 2-d convolution with zeros between its entries, so that
# `F.conv2d(x, dilate_kernel(weight, (a, b)))` gives the same as `F.conv2d(x, weight, dilation=(a, b))`.
#
# - `dilation` is a pair: rows, then columns; `(1, 1)` is allowed. Add no zeros around the outside.
# - `weight` may have any floating-point dtype and need not be contiguous in memory. The result has the same dtype. Do
#   not change `weight`.
# - Gradients flow back through the result to every entry of `weight`, including any that are 0.
#
# <details><summary>Hint 1: the size</summary>
#
# Rows: $1 + (h-1)\,a$. Columns: $1 + (w-1)\,b$. Start from zeros of that size. The first two dimensions stay the same.
#
# </details>
#
# <details><summary>Hint 2: where do the entries go?</summary>
#
# Into every $a$-th row and every $b$-th column, starting at 0. Slices can have a step: `t[::3]` is every third entry,
# and you can assign to it. Three dots stand for all the dimensions before: `t[..., ::3]`.
#
# </details>
#
# <details><summary>Hint 3: the right dtype</summary>
#
# `weight.new_zeros(size)` makes zeros with the dtype (and on the device) of `weight`.
#
# </details>


# %% exercise="dilate_kernel" difficulty=1 minutes=7
def dilate_kernel(weight: torch.Tensor, dilation: tuple[int, int]) -> torch.Tensor:
    """The kernel with zeros between its entries.

    weight: (D, C, h, w). dilation: (a, b), for rows and columns.
    Returns: (D, C, 1 + (h - 1)·a, 1 + (w - 1)·b).
    """
    ### BEGIN SOLUTION
    a, b = dilation
    outputs, inputs, h, w = weight.shape
    filled = weight.new_zeros(outputs, inputs, 1 + (h - 1) * a, 1 + (w - 1) * b)
    filled[..., ::a, ::b] = weight
    return filled
    ### END SOLUTION


# %% check="dilate_kernel" points=2
import contextlib
import io

g = torch.Generator().manual_seed(91)


def table(text):
    """A kernel of shape (1, 1, h, w) from text: slashes separate the rows, dots are zeros."""
    rows = [[float(entry) for entry in row.replace(".", "0").split()] for row in text.split("/")]
    return torch.tensor(rows)[None, None]


def quietly(check, *arguments, **options):
    """Run a check that prints only if it fails."""
    with contextlib.redirect_stdout(io.StringIO()):
        check(*arguments, **options)


def random_kernel(size, dtype, layout):
    """A random kernel with some zeros; only the plain layout is contiguous in memory."""
    outputs, inputs, h, w = size
    shapes = {"channels transposed": (inputs, outputs, h, w), "every second column": (outputs, inputs, h, 2 * w)}
    shapes |= {
        "every second kernel": (2 * outputs, inputs, h, w),
        "rows and columns transposed": (outputs, inputs, w, h),
    }
    full = torch.randn(shapes.get(layout, size), generator=g, dtype=torch.float64).to(dtype)
    full *= torch.rand(full.shape, generator=g) < 0.9
    if "transposed" in layout:
        return full.transpose(0, 1) if "channels" in layout else full.transpose(2, 3)
    return {"every second column": full[..., ::2], "every second kernel": full[::2]}.get(layout, full)


def try_kernel(size, dilation, dtype, layout, learns=True, computed=False):
    """One call; the result must behave like the weight with gaps, forwards and backwards."""
    leaf = random_kernel(size, dtype, layout).requires_grad_(learns)
    weight = leaf * 1 if computed else leaf
    what = f"dilate_kernel(weight, {dilation}) for shape {size}, {str(dtype).removeprefix('torch.')}, {layout}"
    what += ", computed from another tensor" if computed else ""
    before = weight.detach().clone()
    answer = dilate_kernel(inplace(weight), dilation)
    quietly(expect, weight.detach(), before, f"{what}: weight stays as it was", rtol=0, atol=0)
    room = [n + 2 * d * n for n, d in zip(size[2:], dilation)]  # large enough for every entry to show
    x = torch.randn(4, size[1], *room, generator=g, dtype=torch.float64)
    gaps = before.double().requires_grad_()
    wanted = F.conv2d(x, gaps, dilation=dilation)
    zeros = before.new_zeros(*size[:2], *(x.shape[i] - wanted.shape[i] + 1 for i in (2, 3)))
    if not isinstance(answer, torch.Tensor) or answer.shape != zeros.shape:
        expect(answer, zeros, what)
    advice = "The result has the dtype of weight: torch.zeros makes float32 unless you specify another dtype."
    quietly(require, answer.dtype == dtype, f"{what}: the same dtype", f"Yours is {answer.dtype}. {advice}")
    yours = F.conv2d(x, answer.double())
    quietly(expect, yours, wanted.detach(), f"{what}: F.conv2d with it gives the dilated convolution")
    if learns:
        advice = ".data, .detach(), torch.no_grad(), .tolist(), NumPy and `torch.tensor(weight)` cut it off."
        quietly(require, answer.requires_grad, f"{what}: gradients pass through the result", advice)
        upstream = torch.randn(wanted.shape, generator=g, dtype=torch.float64)
        (mine,) = torch.autograd.grad(yours, leaf, upstream, allow_unused=True)
        (ours,) = torch.autograd.grad(wanted, gaps, upstream)
        missing = f"{what}: the gradient reaches weight"
        quietly(require, mine is not None, missing, "There is none: the result is not computed from weight itself.")
        loose = {2: {"rtol": 2e-2, "atol": 2e-2}, 4: {"rtol": 1e-5, "atol": 1e-5}}.get(dtype.itemsize, {})
        quietly(expect, mine, ours.to(dtype), f"{what}: the gradient of weight", **loose)
    return what, answer, answer.detach().clone()


def try_kernels(cases):
    """Each case in four dtypes and changing layouts, with and without gradient."""
    layouts = ["contiguous", "channels transposed", "every second column", "every second kernel"]
    layouts.append("rows and columns transposed")
    results = []
    for i, (size, dilation) in enumerate(cases):
        results.append(try_kernel(size, dilation, torch.float32, "contiguous", learns=False))
        for j, dtype in enumerate((torch.float32, torch.float64, torch.float16, torch.bfloat16)):
            results.append(try_kernel(size, dilation, dtype, layouts[(i + j) % 5], computed=i % 2 == 1))
    for what, answer, then in results:
        quietly(expect, answer.detach(), then, f"{what}: the result is the same after further calls")
    print(f"✓ {len(results)} more kernels: shapes, dilations, four dtypes, non-contiguous weights, gradients")


weight = torch.tensor([[1.0, 2, 3], [4, 5, 6]])[None, None]
before = weight.clone()
answer = dilate_kernel(inplace(weight), (3, 2))
expect(weight, before, "dilate_kernel(weight, (3, 2)) leaves weight as it was")
expect(
    answer,
    table("1 . 2 . 3 / . . . . . / . . . . . / 4 . 5 . 6"),
    "dilate_kernel(weight, (3, 2)) for the kernel [[1, 2, 3], [4, 5, 6]]",
    mistakes={
        "There are d zeros in each gap; there must be d − 1, because dilation 1 means no gaps.": table(
            "1 . . 2 . . 3 / . . . . . . . / . . . . . . . / . . . . . . . / 4 . . 5 . . 6"
        ),
        "There are zeros after the last entry: the size is 1 + (k − 1)·d, not k·d.": table(
            "1 . 2 . 3 . / . . . . . . / . . . . . . / 4 . 5 . 6 . / . . . . . . / . . . . . ."
        ),
        "There is a row of zeros below the last entry: there are 1 + (h − 1)·a rows and 1 + (w − 1)·b columns.": table(
            "1 . 2 . 3 / . . . . . / . . . . . / 4 . 5 . 6 / . . . . ."
        ),
        "The entries are repeated: the gaps must hold zeros.": table(
            "1 1 2 2 3 3 / 1 1 2 2 3 3 / 1 1 2 2 3 3 / 4 4 5 5 6 6 / 4 4 5 5 6 6 / 4 4 5 5 6 6"
        ),
        "Rows and columns are swapped: the first number of the pair is for the rows.": table(
            "1 . . 2 . . 3 / . . . . . . . / 4 . . 5 . . 6"
        ),
        "The first number of the pair is used for both: the second one is for the columns.": table(
            "1 . . 2 . . 3 / . . . . . . . / . . . . . . . / 4 . . 5 . . 6"
        ),
        "You returned the weight as it was.": before,
        "The size is right, but the entries of weight are missing.": torch.zeros(1, 1, 4, 5),
        "The entries are all in the upper left corner: they belong in every a-th row and every b-th column.": table(
            "1 2 3 . . / 4 5 6 . . / . . . . . / . . . . ."
        ),
    },
)
try_kernels(
    [
        ((3, 2, 2, 4), (2, 3)),
        ((2, 3, 4, 3), (1, 4)),
        ((2, 2, 3, 1), (4, 3)),
        ((1, 4, 1, 3), (6, 2)),
        ((1, 2, 2, 3), (1, 1)),
        ((1, 1, 1, 1), (3, 5)),
        ((2, 1, 2, 2), (47, 1)),
        ((1, 2, 13, 2), (2, 3)),
        ((16, 8, 5, 3), (2, 2)),
    ]
)
### BEGIN HIDDEN TESTS
g = torch.Generator().manual_seed(191)
try_kernels(
    [
        ((1, 2, 1, 5), (4, 3)),
        ((4, 1, 2, 1), (5, 7)),
        ((2, 3, 3, 4), (1, 1)),
        ((1, 1, 4, 2), (1, 9)),
        ((3, 5, 3, 3), (2, 2)),
        ((12, 9, 2, 6), (3, 1)),
    ]
)
### END HIDDEN TESTS

# %% [markdown]
# ## Sizes
#
# **Before you run it:** a 1×1×20×30 image goes through `nn.Conv2d(1, 1, kernel_size=3, dilation=4)`. What is the shape
# of the output? How many weights does the layer have?

# %% predict
x = torch.randn(1, 1, 20, 30)
layer = nn.Conv2d(1, 1, kernel_size=3, dilation=4)
print("output:", tuple(layer(x).shape))
print("weight:", tuple(layer.weight.shape), "so", layer.weight.numel(), "weights, and 1 bias")

# %% [markdown]
# <details><summary>Why?</summary>
#
# The zero-filled kernel is 9×9. It takes $9 - 1 = 8$ off each dimension: 20 − 8 = 12 and 30 − 8 = 22. But there are
# still only 9 weights.
#
# </details>
#
# Nothing else changes in the size formula: replace the kernel size with $1 + (k-1)d$. With padding $p$ on both sides
# and stride $s$:
#
# $$W' = \left\lfloor \frac{W + 2p - \big(1 + (k-1)\,d\big)}{s} \right\rfloor + 1 .$$
#
# To keep the size with stride 1 and an odd $k$, the padding must make up for the loss: $2p = (k-1)\,d$. For $k = 3$ that is $p = d$.
# `padding="same"` works it out for you.
#
# **Before you run it:** now all four arguments together. What is the shape of the output for the same 20×30 image with
# `kernel_size=3`, `padding=2`, `stride=2` and `dilation=3`?

# %% predict
print(tuple(nn.Conv2d(1, 1, kernel_size=3, padding=2, stride=2, dilation=3)(x).shape))

# %% [markdown]
# <details><summary>Why?</summary>
#
# The zero-filled kernel has $1 + 2 \cdot 3 = 7$ rows. $20 + 4 - 7 = 17$; half of that, rounded down, is 8, and $8 + 1 = 9$ rows. In the same way
# $30 + 4 - 7 = 27$ gives $13 + 1 = 14$ columns.
#
# </details>

# %% [markdown]
# ### Only the past
#
# Time series add one more requirement. Suppose $y_i$ has to predict the next value, or react while the signal is still
# coming in. Then it must not use $x_{i+1}$ or anything after it. A **causal** convolution uses only the present value
# and past ones, $d$ places apart:
#
# $$y_i = \sum_{j=1}^{k} x_{\,i - (k-j)\,d}\; u_j + b .$$
#
# So the *last* kernel entry lines up with $x_i$. Before the start of the signal there are zeros.

# %% folded label="Draw a causal convolution"
signal, kernel = [5, 1, 2, 4, 3, 6], [1, 3, 2]
figure, ax = plt.subplots(figsize=(6.2, 3.3))
figure.subplots_adjust(0, 0, 1, 1)
for place, value in enumerate([0, 0, 0, 0, *signal]):
    used, before = place in (4, 6, 8), place < 4
    face = (COLOURS["output"], 0.4) if used else "white" if before else (COLOURS["input"], 0.2)
    edge = {"edgecolor": "#999999", "linestyle": "--"} if before else {"edgecolor": INK}
    ax.add_artist(plt.Rectangle((place, 0), 1, 1, facecolor=face, linewidth=0.8, **edge))
    ax.text(place + 0.5, 0.5, str(value), ha="center", va="center", fontsize=11, color="#777777" if before else "black")
for place, value in zip((4, 6, 8), kernel):
    ax.add_artist(plt.Rectangle((place, 1.5), 1, 1, facecolor=(COLOURS["learned"], 0.35), edgecolor=INK, linewidth=0.8))
    ax.text(place + 0.5, 2.0, str(value), ha="center", va="center", fontsize=11)
outputs = [sum(u_j * ([0] * 4 + signal)[i + 2 * j] for j, u_j in enumerate(kernel)) for i in range(6)]
for place, value in enumerate(outputs):
    now = place == 4
    face = (COLOURS["output"], 0.4 if now else 0.12)
    ax.add_artist(
        plt.Rectangle((4 + place, 3), 1, 1, facecolor=face, edgecolor=COLOURS["output"], linewidth=2.2 if now else 0.8)
    )
    ax.text(4.5 + place, 3.5, str(value), ha="center", va="center", fontsize=11)
for y, text, role in [(0.5, "input x", "input"), (2.0, "kernel, d = 2", "learned"), (3.5, "output y", "output")]:
    ax.text(-0.3, y, text, ha="right", va="center", fontsize=11, color=COLOURS[role], weight="bold")
for i in range(6):
    ax.text(4.5 + i, -0.15, f"$i = {i}$" if i == 0 else str(i), ha="center", va="bottom", fontsize=9, color=INK)
ax.set(xlim=(-4.3, 10.2), ylim=(4.2, -0.9), aspect="equal")
ax.axis("off")
show(
    figure,
    alt="A causal convolution with the kernel 1, 3, 2 and dilation 2. Four zeros come before the six input values 5, 1, 2, 4, 3, 6. For output 4 the kernel covers "
    "x at 0, 2 and 4, so y is 1·5 + 3·2 + 2·3 = 17. No kernel entry is to the right of place 4.",
)

# %% [markdown]
# ### Exercise: A causal convolution
#
# Write `causal_conv1d(x, weight, bias, dilation)` with the formula above, summed over all input channels as in
# `F.conv1d`. You may use any PyTorch function.
#
# - `x` is N×C×W, `weight` is D×C×k, and `bias` has D entries or is `None`. All have the same floating-point dtype, and
#   so does the result.
# - The result is as long as `x` for all $W \ge 1$, $k \ge 1$ and $d \ge 1$, even if the zero-filled kernel is longer
#   than `x`.
# - Place $i$ of the result must not use any later place of `x`. In float32 and float64, a `nan` or `inf` at place $i$ of
#   `x` reaches place $i$ of the result, and none before it.
# - Gradients reach `x`, `weight` and `bias`. Do not change the arguments.
#
# <details><summary>Hint 1: how many zeros?</summary>
#
# Place 0 of the result reaches back to $x_{-(k-1)d}$. So the signal needs $(k-1)\,d$ zeros before it.
#
# </details>
#
# <details><summary>Hint 2: zeros on one side only</summary>
#
# The `padding` argument of `F.conv1d` adds zeros on *both* sides. `F.pad(x, (left, right))` lets you choose.
#
# </details>
#
# <details><summary>Hint 3: is the kernel the right way round?</summary>
#
# `F.conv1d` does not flip the kernel: its last entry lines up with the rightmost place of the window, as in the
# formula.
#
# </details>


# %% exercise="causal_conv1d" difficulty=2 minutes=9
def causal_conv1d(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    dilation: int,
) -> torch.Tensor:
    """A convolution that uses only the present and the past.

    x: (N, C, W). weight: (D, C, k). bias: (D,) or None. Returns: (N, D, W).
    """
    ### BEGIN SOLUTION
    past = (weight.shape[2] - 1) * dilation
    return F.conv1d(F.pad(x, (past, 0)), weight, bias, dilation=dilation)
    ### END SOLUTION


# %% check="causal_conv1d" points=2
import contextlib
import io

g = torch.Generator().manual_seed(93)


def quietly(check, *arguments, **options):
    """Run a check that prints only if it fails."""
    with contextlib.redirect_stdout(io.StringIO()):
        check(*arguments, **options)


def by_fourier(x, weight, bias, d):
    """The result in float64, by Fourier transforms, which cannot cope with a nan."""
    reach, width = (weight.shape[2] - 1) * d, x.shape[2]
    taps = F.pad(weight.flip(2)[..., None], (0, d - 1)).flatten(2)[..., : 1 + reach]
    product = torch.einsum("ncf,dcf->ndf", torch.fft.rfft(x, width + reach), torch.fft.rfft(taps, width + reach))
    y = torch.fft.irfft(product, width + reach)[..., :width]
    return y if bias is None else y + bias[:, None]


def random_numbers(size, dtype, layout):
    """Random numbers; whole ones for 16-bit dtypes, so that sums are exact."""
    full = torch.randn(size[::-1] if layout else size, generator=g, dtype=torch.float64)
    full = full.round().clamp(-2, 2) if dtype.itemsize == 2 else full
    return (full.permute(2, 1, 0) if layout else full).to(dtype)


def learning(tensors, way):
    """The tensors as leaves and as arguments: all learn, all come from another layer, x is data, only x learns."""
    leaves = [t.requires_grad_(way != (3 if n else 2)) for n, t in enumerate(tensors)]
    return leaves, [t * 1 for t in leaves] if way == 1 else leaves


def call_causal(what, x, weight, bias, d):
    """One call, then checks of the arguments, the shape and the dtype."""
    arguments = [x, weight] if bias is None else [x, weight, bias]
    before = [t.detach().clone() for t in arguments]
    if bias is None:
        y = causal_conv1d(inplace(x), inplace(weight), None, d)
    else:
        y = causal_conv1d(inplace(x), inplace(weight), inplace(bias), d)
    for name, now, then in zip(("x", "weight", "bias"), arguments, before):
        quietly(expect, now.detach(), then, f"{what}: {name} stays as it was", rtol=0, atol=0)
    size = (x.shape[0], weight.shape[0], x.shape[2])
    if not isinstance(y, torch.Tensor) or y.shape != size:
        empty = {"Nothing is left: `-0` is 0, so the slice `[..., :-0]` is empty.": x.new_zeros(*size[:2], 0)}
        expect(y, x.new_zeros(size), what, mistakes=empty)
    advice = f"The result has the dtype of x; yours is {y.dtype}. x.new_zeros makes zeros of the right dtype."
    quietly(require, y.dtype == x.dtype, f"{what}: the same dtype", advice)
    return y


def try_causal(size, d, dtype, with_bias, layout=False, way=0):
    """A nan or an inf from some place of x on, then values and gradients."""
    n, c, width, outputs, k = size
    x, weight = random_numbers((n, c, width), dtype, layout), random_numbers((outputs, c, k), dtype, layout)
    leaves = [x, weight, *([random_numbers((1, 1, outputs), dtype, False)[0, 0]] if with_bias else [])]
    kind = f"{'a bias' if with_bias else 'no bias'}, dilation {d}, {str(dtype).removeprefix('torch.')}"
    kind += ", not contiguous" if layout else ""
    what = f"causal_conv1d for shapes {tuple(x.shape)} and {tuple(weight.shape)}, {kind}"
    loose = {2: {"rtol": 1e-2, "atol": 1e-2}, 4: {"rtol": 1e-4, "atol": 1e-5}}.get(dtype.itemsize, {})
    exact = [t.double().requires_grad_() for t in leaves]
    wanted = by_fourier(*exact, *([] if with_bias else [None]), d)

    first = int(torch.randint(1, width + 1, (1,), generator=g))  # the places before this one do not see it
    spoilt = x.clone()
    if dtype.itemsize > 2:  # in 16 bits, some of PyTorch's own convolutions spread a nan
        bad = torch.inf if with_bias else torch.nan
        spoilt[..., first:] = bad
        given = leaves[2] if with_bias else None
        y = call_causal(f"{what}, with {bad} from place {first} on", spoilt, weight, given, d)
        advice = "It spoils an earlier place: your code uses a later value there (0 · nan and 0 · inf are nan, too)."
        alone = f"{what}: {bad} from place {first} on does not affect the places before it"
        quietly(require, bool(y[..., :first].isfinite().all()), alone, advice)
        advice = f"Place {first} uses it, and yours is finite there."
        used = f"{what}: {bad} from place {first} on reaches place {first}"
        quietly(require, not bool(y[..., first : first + 1].isfinite().any()), used, advice)
        quietly(expect, y[..., :first], wanted.detach()[..., :first].to(dtype), what, **loose)

    leaves, given = learning(leaves, way)
    what += ("", ", computed by another layer", ", x as data", ", frozen weights")[way]
    y = call_causal(what, *given, *([] if with_bias else [None]), d)
    quietly(expect, y.detach(), wanted.detach().to(dtype), what, **loose)
    advice = (
        "The path for gradients is cut: .data, .detach(), no_grad, NumPy and tensors made from Python numbers do that."
    )
    quietly(require, y.requires_grad, f"{what}: autograd passes through", advice)
    upstream = random_numbers(y.shape, dtype, False)
    learners = [n for n, leaf in enumerate(leaves) if leaf.requires_grad]
    mine = torch.autograd.grad(y, [leaves[n] for n in learners], upstream, allow_unused=True)
    ours = torch.autograd.grad(wanted, [exact[n] for n in learners], upstream.double())
    for n, own, right in zip(learners, mine, ours):
        place = f"{what}: the gradient of {('x', 'weight', 'bias')[n]}"
        advice = "No gradient reaches it: .data, .detach() and copying into an nn.Conv1d cut it off."
        quietly(require, own is not None, place, advice)
        quietly(expect, own, right.to(dtype), place, **loose)
    return what, y, y.detach().clone()


def try_causals(cases):
    """Each case with and without a bias, in three dtypes."""
    results = []
    for i, (*size, d) in enumerate(cases):
        short = [torch.float16, torch.bfloat16][i % 2]
        for with_bias in (True, False):
            for j, dtype in enumerate((torch.float32, torch.float64, *([short] if size[2] < 30 else []))):
                way = len(results) % 4
                results.append(try_causal(size, d, dtype, with_bias, layout=(i + j) % 2 == 1, way=way))
    for what, y, then in results:
        quietly(expect, y.detach(), then, f"{what}: the result is the same after further calls")
    print(
        f"✓ {len(results)} more calls: shapes, dilations, dtypes, with and without a bias; nan, inf, gradients, arguments"
    )


x = torch.tensor([[[-3.0, -3, 2, 4, 2, 3], [1, 2, 0, 4, 1, -3]]])
weight = torch.tensor([[[-2.0, 2, 3], [-2, 1, -2]], [[-1, 0, -2], [-2, 3, -2]]])
bias = torch.tensor([10.0, -20])
arguments, before = [x, weight, bias], [x.clone(), weight.clone(), bias.clone()]
y = causal_conv1d(inplace(x), inplace(weight), inplace(bias), 2)
expect(arguments, before, "causal_conv1d(x, weight, bias, 2) leaves its arguments as they were")
expect(
    y,
    torch.tensor([[[-1.0, -3, 11, 10, 22, 39], [-16, -18, -21, -30, -25, -9]]]),
    "causal_conv1d(x, weight, bias, 2) for shapes (1, 2, 6) and (2, 2, 3)",
    mistakes={
        "That looks into the future: with zeros on both sides, the middle of the kernel lines up with x_i.": torch.tensor(
            [[[11.0, 10, 22, 39, 11, -3], [-21, -30, -25, -9, -19, -41]]]
        ),
        "The zeros are on the wrong side: they belong before the start of the signal.": torch.tensor(
            [[[22.0, 39, 11, -3, 4, 10], [-25, -9, -19, -41, -24, -17]]]
        ),
        "There are k − 1 zeros before the signal; the zero-filled kernel needs (k − 1)·d.": torch.tensor(
            [[[11.0, 10, 22, 39], [-21, -30, -25, -9]]]
        ),
        "There are k·d zeros before the signal; the kernel has only k − 1 gaps.": torch.tensor(
            [[[10.0, 10, -1, -3, 11, 10, 22, 39], [-20, -20, -16, -18, -21, -30, -25, -9]]]
        ),
        "There are k·d zeros before the signal; with (k − 1)·d, the last kernel entry lines up with x_i.": torch.tensor(
            [[[10.0, 10, -1, -3, 11, 10], [-20, -20, -16, -18, -21, -30]]]
        ),
        "The zeros at the end make the result too long: `padding` adds them on both sides.": torch.tensor(
            [
                [
                    [-1.0, -3, 11, 10, 22, 39, 11, -3, 4, 10],
                    [-16, -18, -21, -30, -25, -9, -19, -41, -24, -17],
                ]
            ]
        ),
        "There are no zeros before the signal, so the result is too short.": torch.tensor([[[22.0, 39], [-25, -9]]]),
        "Pass `dilation` to F.conv1d as well.": torch.tensor(
            [[[10.0, 10, -1, -8, 16, 20, 22, 14], [-20, -20, -16, -15, -17, -37, -16, -29]]]
        ),
        "The zeros belong before the signal, not before the result.": torch.tensor(
            [[[0.0, 0, 0, 0, 22, 39], [0, 0, 0, 0, -25, -9]]]
        ),
        "Before the signal there are zeros, not copies of its first value.": torch.tensor(
            [[[-2.0, -4, 15, 14, 22, 39], [-12, -14, -20, -29, -25, -9]]]
        ),
        "You ignore `dilation`.": torch.tensor([[[-1.0, -8, 16, 20, 22, 14], [-16, -15, -17, -37, -16, -29]]]),
        "The kernel is the wrong way round: its last entry must line up with x_i.": torch.tensor(
            [[[14.0, 12, 1, -10, -3, 9], [-19, -21, -19, -26, -20, -3]]]
        ),
        "The bias is missing.": torch.tensor([[[-11.0, -13, 1, 0, 12, 29], [4, 2, -1, -10, -5, 11]]]),
    },
)
x = torch.tensor([[[-3.0, 1, 4]], [[-1, -1, 2]]])
weight = torch.tensor([[[3.0, -1, 2, 3]], [[-1, -2, -2, -1]], [[-1, 0, -1, 2]]])
expect(
    causal_conv1d(x, weight, None, 2),
    torch.tensor([[[-9.0, 3, 6], [3, -1, 2], [-6, 2, 11]], [[-3, -3, 4], [1, 1, 0], [-2, -2, 5]]]),
    "causal_conv1d(x, weight, None, 2) for shapes (2, 1, 3) and (3, 1, 4): a kernel longer than x, no bias",
)
try_causals(
    [  # N, C, W, D, k, then the dilation
        (3, 2, 20, 4, 2, 5),
        (2, 3, 11, 2, 4, 3),
        (2, 3, 1, 5, 1, 4),
        (1, 1, 4, 2, 5, 3),
        (4, 2, 9, 3, 3, 1),
        (2, 1, 7, 1, 2, 7),
        (1, 2, 300, 2, 3, 90),
    ]
)
### BEGIN HIDDEN TESTS
g = torch.Generator().manual_seed(193)
try_causals(
    [
        (2, 2, 9, 3, 3, 2),
        (1, 1, 5, 2, 5, 3),
        (3, 2, 1, 1, 2, 6),
        (2, 3, 7, 2, 1, 3),
        (1, 2, 28, 2, 2, 8),
        (2, 1, 210, 3, 4, 30),
    ]
)
### END HIDDEN TESTS

# %% [markdown]
# ## Skipping the zeros
#
# The zero-filled kernel explains a dilated convolution, but computing with it is wasteful: in 2-d, with $k = 3$ and
# $d = 4$, 72 of the 81 products have a factor of 0. And what happens to a missing reading, which is often stored as `nan`
# (*not a number*)?
#
# **Before you run it:** the museum's count at index 8, the third morning, is missing. How many of the 8 outputs are
# lost with the zero-filled kernel of size 9, and how many with `dilation=4`?

# %% predict
missing = visitors.clone()
missing[8] = torch.nan
print("zero-filled kernel:", convolve(missing, filled).tolist())
print("dilation=4:      ", convolve(missing, u, dilation=4).tolist())

# %% [markdown]
# <details><summary>Why?</summary>
#
# All 8 are lost with the zero-filled kernel: it covers index 8 at every position, and `0 * nan` is `nan`, which spoils each sum.
# With `dilation=4`, output $i$ uses the counts at $i$, $i + 4$ and $i + 8$, so only outputs 0 and 4 are lost. (Output 8
# would use it, too, but the outputs end at 7.)
#
# </details>
#
# Here is a way to do without zeros. With $d = 3$, output 0 uses inputs 0, 3, 6; output 3 uses inputs 3, 6, 9. They
# share inputs with each other, but never with outputs 1 or 2. So the input splits into $d$ **phases**: every third
# entry, starting at 0, at 1 and at 2. Within each phase, the convolution is a *plain* one.


# %% folded label="Draw the phases"
def cells(ax, left, top, indices, role, d):
    """A row of cells labelled with their indices; each phase has its own shade."""
    for place, index in enumerate(indices):
        face = (COLOURS[role], (0.08, 0.3, 0.6)[index % d])
        ax.add_artist(plt.Rectangle((left + place, top), 1, 1, facecolor=face, edgecolor=INK, linewidth=0.8))
        ax.text(left + place + 0.5, top + 0.5, str(index), ha="center", va="center", fontsize=11)


W, k, d = 13, 3, 3
out = W - (k - 1) * d
figure, ax = plt.subplots(figsize=(6.2, 4.4))
figure.subplots_adjust(0, 0, 1, 1)
cells(ax, 3.2, 0, range(W), "input", d)
for p in range(d):
    top = 2.0 + 1.6 * p
    cells(ax, 3.2, top, range(p, W, d), "input", d)
    cells(ax, 13.2, top, range(p, out, d), "output", d)
    ax.text(2.9, top + 0.5, f"phase {p}", ha="right", va="center", fontsize=11, color=INK)
    line = {"arrowstyle": "->", "color": COLOURS["learned"], "lw": 1.6}
    ax.annotate("", (12.9, top + 0.5), (8.6, top + 0.5), arrowprops=line)
    ax.text(10.8, top + 0.35, "plain, k = 3", ha="center", va="bottom", fontsize=9.5, color=COLOURS["learned"])
cells(ax, 3.2, 7.2, range(out), "output", d)
for y, text, role in [(0.5, f"input, {W}", "input"), (7.7, f"output, {out}", "output")]:
    ax.text(2.9, y, text, ha="right", va="center", fontsize=11, weight="bold", color=COLOURS[role])
ax.set(xlim=(-1.2, 16.6), ylim=(8.5, -0.3), aspect="equal")
ax.axis("off")
show(
    figure,
    alt="Dilation 3 by phases. The input has 13 cells, numbered from 0. Phase 0 takes cells 0, 3, 6, 9, 12; phase 1 takes 1, 4, 7, 10; phase 2 "
    "takes 2, 5, 8, 11. A plain convolution with a kernel of 3 turns each phase into outputs: 0, 3, 6; then 1, 4; then 2, 5. Below, they are put "
    "back together as output cells 0 to 6.",
)

# %% [markdown]
# ### Exercise: A dilated convolution from plain ones
#
# Write `dilated_conv1d(x, weight, d)`: the same result as `F.conv1d(x, weight, dilation=d)`.
#
# - You may call `F.conv1d` and anything else, but no function may dilate for you: leave the argument `dilation` at 1.
# - In float32 and float64, a `nan` or `inf` in `x` must reach only the outputs that use it. (In 16 bits, some of PyTorch's
#   own convolutions spread it.) So the zero-filled kernel will not do, whatever the dtype: work on the phases, or find
#   another way without zeros.
# - `x` is at least as long as the zero-filled kernel, and $d \ge 1$. There may be fewer outputs than phases.
# - `x` and `weight` have the same floating-point dtype, and so does the result. Do not change either.
# - Gradients reach `x` and `weight`.
#
# <details><summary>Hint 1: take apart and put together</summary>
#
# Phase $p$ is `x[..., p::d]`. Its outputs belong at places $p, p + d, p + 2d, …$ of the result, so you need the same kind of slice on the left of
# an assignment.
#
# </details>
#
# <details><summary>Hint 2: where to put the results</summary>
#
# First make an empty tensor of shape N × D × $(W - (k-1)\,d)$ with `x.new_empty(…)`. It has the dtype of `x`, and
# autograd tracks what you assign to its slices.
#
# </details>
#
# <details><summary>Hint 3: "Kernel size can't be greater than actual input size"</summary>
#
# If there are only 2 outputs and 5 phases, then phases 2, 3 and 4 have no output. Skip them: how many phases have one?
#
# </details>


# %% exercise="dilated_conv1d" difficulty=2 minutes=12
def dilated_conv1d(x: torch.Tensor, weight: torch.Tensor, d: int) -> torch.Tensor:
    """A convolution with dilation d and stride 1, built from plain convolutions.

    x: (N, C, W). weight: (D, C, k). Returns: (N, D, W - (k - 1)·d).
    """
    ### BEGIN SOLUTION
    width = x.shape[2] - (weight.shape[2] - 1) * d
    y = x.new_empty(x.shape[0], weight.shape[0], width)
    for p in range(min(d, width)):
        y[..., p::d] = F.conv1d(x[..., p::d], weight)
    return y
    ### END SOLUTION


# %% check="dilated_conv1d" points=3
import contextlib
import io

g = torch.Generator().manual_seed(94)


def dilates(operation):
    """Whether PyTorch dilated in this operation; the position of the argument depends on the operation."""
    place = {"im2col": 2, "col2im": 3}.get(operation.name, 5 if "conv" in operation.name else None)
    if place is None or "backward" in operation.name or len(operation.arguments) <= place:
        return "dilated" in operation.name or "conv" in operation.name
    value = operation.arguments[place]
    return set(value if isinstance(value, tuple) else [value]) != {1}


def refuse_shortcuts(seen, k, d, what):
    """Reject functions that dilate, and kernels with zeros in the gaps."""
    if d > 1 and any(map(dilates, seen.operations)):
        require(False, f"{what}: no function dilates for you", "The dilation is left to PyTorch: work on the phases.")
    sizes = [operation.arguments[1][-1] for operation in seen.operations if operation.name == "convolution"]
    if max(sizes, default=0) > k:
        advice = f"Yours has {max(sizes)} entries: with zeros in the gaps, 0 · nan is nan. Work on the phases."
        require(False, f"{what}: the kernel has {k} entries", advice)


def quietly(check, *arguments, **options):
    """Run a check that prints only if it fails."""
    with contextlib.redirect_stdout(io.StringIO()):
        check(*arguments, **options)


def try_dilated(x, weight, d, mistakes=None, computed=False):
    """One call, compared with PyTorch's own dilation; the arguments must not change, and no function may dilate.

    computed: the arguments come from another layer.
    """
    leaves = [x, weight]
    x, weight = [t * 1 for t in leaves] if computed else leaves
    what = f"dilated_conv1d(x, weight, {d}) for shapes {tuple(x.shape)} and {tuple(weight.shape)}"
    what += "" if x.dtype == torch.float32 else f", {str(x.dtype).removeprefix('torch.')}"
    what += "" if x.is_contiguous() and weight.is_contiguous() else ", not contiguous"
    what += ", with a nan and an inf" if bool(x.isnan().any()) else ""
    what += ", computed by another layer" if computed else ""
    before = [x.detach().clone(), weight.detach().clone()]
    with Watch() as seen:
        answer = dilated_conv1d(inplace(x), inplace(weight), d)
    for name, now, then in zip(("x", "weight"), (x, weight), before):
        quietly(expect, now.detach(), then, f"{what}: x and weight stay as they were; {name} changed", rtol=0, atol=0)
    exact = [t.double().requires_grad_() for t in before]
    wanted = F.conv1d(*exact, dilation=d)
    refuse_shortcuts(seen, weight.shape[2], d, what)
    if isinstance(answer, torch.Tensor) and answer.dtype != x.dtype:
        advice = "The result has the dtype of x: torch.empty makes float32 unless you specify another dtype."
        require(False, f"{what}: the same dtype", f"Yours is {answer.dtype}. {advice}")
    loose = {"rtol": 1e-4, "atol": 1e-5} if x.dtype == torch.float32 else {}
    value = answer.detach() if isinstance(answer, torch.Tensor) else answer
    quietly(expect, value, wanted.detach().to(x.dtype), what, mistakes=mistakes, **loose)
    learners = [n for n, leaf in enumerate(leaves) if leaf.requires_grad]
    if learners:
        advice = "The path for gradients is cut: .data, .detach(), no_grad, NumPy and tensors made from Python numbers do that."
        quietly(require, answer.requires_grad, f"{what}: autograd passes through", advice)
        upstream = torch.randn(wanted.shape, generator=g).round().clamp(-2, 2)
        mine = torch.autograd.grad(answer, [leaves[n] for n in learners], upstream.to(x.dtype), allow_unused=True)
        ours = torch.autograd.grad(wanted, [exact[n] for n in learners], upstream.double())
        loose = {"rtol": 1e-2, "atol": 1e-2} if x.dtype.itemsize == 2 else loose
        for n, own, right in zip(learners, mine, ours):
            place = f"{what}: the gradient of {('x', 'weight')[n]}" + " alone" * (len(learners) == 1)
            quietly(require, own is not None, place, "No gradient reaches it: .data and .detach() cut it off.")
            quietly(expect, own, right.to(x.dtype), place, **loose)
    return what, answer, value.clone()


def try_many(cases):
    """Each case in three dtypes: first with a nan and an inf or larger numbers, then with gradients for one or both."""
    results = []
    for i, (n, c, width, outputs, k, d) in enumerate(cases):
        short = [torch.float16, torch.bfloat16][i % 2]
        for j, dtype in enumerate((torch.float32, torch.float64, *([short] if width < 30 else []))):
            turned = (i + j) % 2 == 1
            tensors = []
            for size in ((n, c, width), (outputs, c, k)):
                full = torch.randn(size[::-1] if turned else size, generator=g, dtype=torch.float64)
                full = full.round().clamp(-2, 2) if dtype.itemsize == 2 else full  # 16 bits: whole numbers are exact
                tensors.append((full.permute(2, 1, 0) if turned else full).to(dtype))
            other = tensors[0].clone()
            if dtype.itemsize > 2:  # in 16 bits, some of PyTorch's own convolutions spread a nan
                other[0, 0, width // 3], other[-1, -1, width // 2] = torch.inf, torch.nan
            elif dtype == torch.float16:
                other *= 500 // (c * k) | 1  # the sums are at most 2048, so float16 holds them exactly
            results.append(try_dilated(other, tensors[1], d))
            learn = ((True, True), (False, True), (True, False))[(i + j) % 3]
            leaves = [t.requires_grad_(one) for t, one in zip(tensors, learn)]
            results.append(try_dilated(*leaves, d, computed=i % 2 == 1))
    for what, answer, then in results:
        quietly(expect, answer.detach(), then, f"{what}: the result is the same after further calls")
    print(
        f"✓ {len(results)} more calls: shapes, dilations, dtypes, nan and inf, gradients, arguments, no dilating function"
    )


x, weight = torch.randn(2, 3, 13, generator=g), torch.randn(4, 3, 3, generator=g)
try_dilated(
    x,
    weight,
    3,
    mistakes={
        "The phases come one after another; interleave them: output 1 is from phase 1, output 3 from phase 0 again.": torch.cat(
            [F.conv1d(x, weight, dilation=3)[..., p::3] for p in range(3)], dim=2
        ),
        "You ignore d: that is the plain convolution.": F.conv1d(x, weight),
        "That is a stride, not a dilation: the *kernel's* entries must be d apart.": F.conv1d(x, weight, stride=3),
        "That is phase 0 alone.": F.conv1d(x, weight, dilation=3)[..., ::3],
        "The kernel is flipped: PyTorch's convolution does not flip it.": F.conv1d(x, weight.flip(2), dilation=3),
        "The gap is one too large: neighbouring entries are d apart, with d − 1 skipped.": (
            F.conv1d(x, weight, dilation=4)
        ),
    },
)
print("✓ dilated_conv1d(x, weight, 3) for shapes (2, 3, 13) and (4, 3, 3)")
x[1, 0, 7], x[0, 1, 4] = torch.nan, torch.inf
try_dilated(x, weight, 3)
print("✓ the same with a nan and an inf in x")
try_many(
    [  # N, C, W, D, k, then d
        (3, 2, 12, 1, 3, 5),
        (2, 3, 12, 3, 4, 2),
        (2, 1, 7, 3, 1, 4),
        (1, 2, 8, 2, 3, 1),
        (2, 2, 9, 2, 2, 8),
        (1, 1, 1, 2, 1, 3),
        (2, 3, 14, 4, 3, 4),
        (1, 2, 200, 2, 3, 7),
    ]
)
### BEGIN HIDDEN TESTS
g = torch.Generator().manual_seed(194)
try_many(
    [
        (1, 1, 20, 3, 4, 2),
        (4, 3, 17, 2, 2, 7),
        (2, 5, 9, 6, 3, 1),
        (3, 2, 9, 1, 3, 4),
        (2, 2, 6, 3, 1, 4),
        (2, 3, 13, 4, 3, 3),
        (1, 2, 150, 3, 5, 12),
    ]
)
### END HIDDEN TESTS

# %% [markdown]
# ## A larger field for the same parameters
#
# In this notebook, the **receptive field** of an output is the whole stretch of the input from the first to the last entry
# that can change it. If there are gaps, some entries in between cannot, but they count too. For one layer it is as wide as
# the zero-filled kernel, and the number of parameters does not depend on $d$:

# %%
for d in (1, 2, 4, 8):
    layer = nn.Conv1d(16, 16, kernel_size=3, dilation=d)
    count = sum(parameter.numel() for parameter in layer.parameters())
    print(f"dilation {d}: receptive field {1 + 2 * d:2}, parameters {count}")


# %% folded label="Define how a stack of layers is drawn"
def reached(dilations, k=3):
    """For each level, from the output down to the input: the places that the output depends on, relative to it."""
    levels = [{0}]
    for d in reversed(dilations):  # the last layer is the first on the way down
        levels.append({p + (2 * j - k + 1) * d // 2 for p in levels[-1] for j in range(k)})
    return levels


def stack_picture(ax, dilations, shown, half, counts=None, k=3):
    """The connections from one output down through `shown` layers; entries are circles, the input is the bottom row."""
    levels = reached(dilations, k)
    n = len(dilations)
    for level in range(n + 1):
        y = n - level
        role = "output" if level == 0 else "input" if level == n else "plain"
        name = "output" if level == 0 else "input" if level == n else f"layer {n - level}"
        ax.text(-half - 0.8, y, name, ha="right", va="center", fontsize=11, color=INK)
        for p in range(-half, half + 1):
            on = level <= shown and p in levels[level]
            colour, edge = (COLOURS[role], INK) if on else ("white", "#BBBBBB")
            ax.plot(p, y, "o", markersize=9, color=colour, markeredgecolor=edge, zorder=3)
        if level < n:
            d = dilations[n - 1 - level]
            ax.text(half + 0.8, y - 0.5, f"d = {d}", ha="left", va="center", fontsize=11, color=COLOURS["learned"])
        if level < min(shown, n):
            for p in levels[level]:
                for j in range(k):
                    ends = [p, p + (2 * j - k + 1) * d / 2]
                    ax.plot(ends, [y, y - 1], color=COLOURS["learned"], linewidth=1.2, zorder=1)
    if shown:
        ends = min(levels[shown]), max(levels[shown])
        y = n - shown - 0.36
        ax.annotate("", (ends[0] - 0.4, y), (ends[1] + 0.4, y), arrowprops={"arrowstyle": "<->", "color": INK})
        wide = {"ha": "center", "va": "top", "fontsize": 10.5, "color": INK, "zorder": 4}
        ax.text(
            0,
            y - 0.07,
            f"{ends[1] - ends[0] + 1} wide",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
            **wide,
        )
    if counts is not None:
        for p, count in zip(range(ends[0], ends[1] + 1), counts):
            colour = COLOURS["loss"] if count == 0 else INK
            ax.text(p, -0.95, str(count), ha="center", va="top", fontsize=11, weight="bold", color=colour)
        ax.text(-half - 0.8, -0.95, "paths", ha="right", va="top", fontsize=11, color=INK)
    ax.set(xlim=(-half - 4.6, half + 3.6), ylim=(-1.35 if counts is not None else -0.95, n + 0.4))
    ax.axis("off")


# %% [markdown]
# What happens when such layers are stacked?
#
# **Before you run it:** a stack of three layers with $k = 3$ and no dilation sees 7 inputs. Now give the layers
# dilations 1, 2 and 4. How many inputs are in the field of one output? Draw it, starting from the output.

# %% predict
for dilations in ([1, 1, 1], [1, 2, 4]):
    print(f"d = {dilations}: {len(reached(dilations)[-1])} inputs")

# %% predict folded label="Watch the field grow, layer by layer"
stepper(
    lambda ax, i: stack_picture(ax, [1, 2, 4], i, 8),
    4,
    keys=(1, 3),
    size=(5.6, 3.0),
    columns=1,
    alt="A stack of three layers with kernel size 3 and dilations 1, 2, 4, drawn as rows of circles with the input at the bottom. From one output, "
    "three connections go down to layer 2, four places apart: 9 wide. From there they go down two places apart to layer 1: 13 wide. "
    "With dilation 1 they reach the input: 15 neighbours, without a gap.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# Fifteen. Each layer adds the size of its zero-filled kernel *less one*: $1 + 2 + 4 + 8 = 15$. From the output down, the widths are 1, 9, 13
# and 15.
#
# </details>
#
# **The rule.** A layer with kernel size $k$ and dilation $d$ widens the field by $(k - 1)\,d$. With $k = 3$ and dilations $1, 2, 4, …, 2^{n-1}$
# that is
#
# $$1 + 2\,(1 + 2 + 4 + \dots + 2^{n-1}) = 1 + 2\,(2^n - 1) .$$
#
# The number of parameters grows like $n$, the field like $2^n$. Without dilation the field is $1 + 2n$.
#
# **Before you run it:** you need a field of at least 500 inputs, with $k = 3$. How many layers with dilations 1, 2, 4,
# … does that take? And how many without dilation?

# %% predict
depths = range(1, 11)
grown = [1 + sum(2 * 2**level for level in range(n)) for n in depths]
print("layers            ", *(f"{n:4}" for n in depths))
print("d = 1, 1, 1, …    ", *(f"{1 + 2 * n:4}" for n in depths))
print("d = 1, 2, 4, …    ", *(f"{size:4}" for size in grown))
print("without dilation:  ", next(n for n in range(1000) if 1 + 2 * n >= 500), "layers for 500 inputs")

# %% predict folded label="Draw both curves"
figure, ax = plot_axes(5.8, 3.2)
ax.plot(depths, grown, "o-", color=INK, label="d = 1, 2, 4, …")
ax.plot(depths, [1 + 2 * n for n in depths], "s--", color=COLOURS["plain"], label="d = 1, 1, 1, …")
ax.set(xlabel="layers (k = 3; both stacks have the same parameters)", ylabel="receptive field (inputs)")
ax.legend(frameon=False)
show(
    figure,
    alt="Receptive field against the number of layers, 1 to 10. With dilations 1, 2, 4, … the curve bends upwards: 3, 7, 15, 31, 63, 127, 255, 511, 1023, 2047. "
    "Without dilation it is a nearly flat line from 3 to 21.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# Eight layers: $1 + 2\,(2^8 - 1) = 511$. Without dilation it would take 250, because $1 + 2n \ge 500$ requires
# $n \ge 249.5$.
#
# </details>
#
# ### With strides in the stack
#
# A stride also widens the field, for all layers **after** it: after a layer with stride 2, neighbours are two inputs
# apart. So one step in layer $l$ spans as many inputs as the product of the strides before it. With kernel sizes $k_l$,
# dilations $d_l$ and strides $s_l$, where layer 1 is next to the input:
#
# $$R = 1 + \sum_{l=1}^{n} (k_l - 1)\, d_l \prod_{m=1}^{l-1} s_m .$$
#
# Layer $l$'s own stride is not in its term: it only decides where the *next* output is.
#
# **Before you run it:** stack A has dilations 1, 2, 4 and no stride; stack B has strides 2, 2, 1 and no dilation; both
# have $k = 3$. Which has the larger field, if either? For 64 inputs and padding $d$ in each layer, how many outputs does each
# give?

# %% predict
x = torch.zeros(1, 1, 64)
for name, layers in {"A": [(1, 1), (2, 1), (4, 1)], "B": [(1, 2), (1, 2), (1, 1)]}.items():
    y, field, step = x, 1, 1
    for d, stride in layers:
        y = F.conv1d(y, torch.ones(1, 1, 3), dilation=d, stride=stride, padding=d)
        field, step = field + 2 * d * step, step * stride
    print(f"stack {name}: field {field}, outputs {y.shape[2]}")

# %% [markdown]
# <details><summary>Why?</summary>
#
# The fields are the same: $1 + 2 \cdot 1 + 2 \cdot 2 + 2 \cdot 4 = 15$. In A the factors 1, 2, 4 are the dilations; in
# B they are the products of the strides. But each stride of 2 halves the number of outputs, while a dilated layer keeps
# one for every input. That is why dilation is used where each pixel needs its own answer, as in segmentation.
#
# </details>
#
# A net that enlarges its field only with strides or dilations needs no max pooling. That keeps it simple: only the
# activation functions are nonlinear, and everything that combines several activations is linear.
#
# ### Exercise: The receptive field of a stack
#
# Write `receptive_field(layers)`. `layers` is a list of up to 100 triples `(k, d, stride)` of Python `int`s, each at least 1,
# starting with the layer next to the input. A pooling layer is a triple, too: `(2, 1, 2)` is a 2×2 pooling, in one direction.
#
# - Return $R$ as an `int`, exact however large it is. Compute it without building the stack: some kernels and some fields
#   would not fit into any memory.
# - An empty list stands for a net that returns its input: its field is 1.
# - Do not change the list.
#
# <details><summary>Hint 1: two numbers to carry along</summary>
#
# The field so far, and the number of inputs that one step spans. Both start at 1.
#
# </details>
#
# <details><summary>Hint 2: what comes first?</summary>
#
# A layer's own stride is not in its term. So first add to the field, then multiply the step.
#
# </details>
#
# <details><summary>Hint 3: huge fields come out slightly wrong</summary>
#
# Python's `int` has no limit, a `float` holds about 16 digits, and int64 ends at $9 \cdot 10^{18}$. Stay with `int`.
#
# </details>


# %% exercise="receptive_field" difficulty=2 minutes=8
def receptive_field(layers: list[tuple[int, int, int]]) -> int:
    """The receptive field of a stack of layers (k, d, stride), the first next to the input."""
    ### BEGIN SOLUTION
    field, step = 1, 1
    for k, d, stride in layers:
        field += (k - 1) * d * step
        step *= stride
    return field
    ### END SOLUTION


# %% check="receptive_field" points=2
import contextlib
import io


def quietly(check, *arguments, **options):
    """Run a check that prints only if it fails."""
    with contextlib.redirect_stdout(io.StringIO()):
        check(*arguments, **options)


def try_field(stack, wanted, mistakes=None):
    """One call; the list must stay as it was."""
    before = list(stack)
    what = f"receptive_field({stack})" if len(stack) < 9 else f"receptive_field of {len(stack)} layers {stack[:2]} …"
    answer = receptive_field(inplace(stack))
    emptied = {"pop and remove take layers from the caller's list.": []}
    quietly(expect, stack, before, f"{what} leaves the list as it was", mistakes=emptied)
    if type(answer) is int and answer != wanted and math.isclose(answer, wanted, rel_tol=1e-6):
        advice = "Nearly right. A float on the way holds only about 16 digits: stay with Python's int."
        require(False, f"{what} is {wanted}, not {answer}", advice)
    if type(answer) is int and answer != wanted and wanted > 2**31 and abs(answer) <= 2**63:
        advice = "A NumPy or PyTorch integer overflows: even int64 ends at 9·10^18. Stay with Python's int."
        require(False, f"{what} is {wanted}, not {answer}", advice)
    quietly(expect, answer, wanted, what, mistakes=mistakes)


try_field(
    [(5, 1, 2), (3, 2, 3), (2, 3, 4)],
    31,
    mistakes={
        "The 1 is missing: before any layer, an output sees one input.": 30,
        "You ignore the dilation.": 15,
        "You ignore the strides.": 12,
        "A layer adds (k − 1)·d, not k·d.": 54,
        "A layer adds (k − 1)·d, not k·d, and the field before any layer is 1, not 0.": 53,
        "A layer's own stride does not widen its own field: add first, then multiply the step.": 105,
        "You take only the stride of the layer just before: multiply the strides of all layers before it.": 22,
        "The triple is (k, d, stride): you read the last two the wrong way round.": 23,
        "You multiply each layer by its own stride: only the strides of the layers *before* it count.": 33,
        "You start at the wrong end: the first triple is next to the input.": 68,
        "The sizes of the zero-filled kernels must not be multiplied: each adds its size less 1, times the step.": 100,
        "The sizes of the zero-filled kernels must not just be added: each adds its size less 1, times the step.": 14,
        "Each adds its size *less 1*, times the step: you add the whole size of the zero-filled kernel.": 39,
        "The dilation widens this layer alone: only strides lengthen the step.": 49,
        "That is the last layer alone.": 4,
        "The result is a float: return an `int`.": 31.0,
        "The result is a NumPy integer: return a Python `int`.": np.int64(31),
    },
)
print("✓ receptive_field([(5, 1, 2), (3, 2, 3), (2, 3, 4)])")
stacks = {
    ((3, 4, 1), (3, 1, 1), (3, 2, 1)): 15,
    ((2, 1, 2),): 2,
    ((1, 5, 3), (4, 2, 1)): 19,
    ((9, 3, 5),): 25,
    (): 1,
    ((7, 3, 2), (6, 2, 1)): 39,
    ((11, 2, 3), (1, 1, 2), (8, 5, 2), (2, 9, 7)): 339,
    ((3, 1, 3),) * 40: 12157665459056928801,
    ((3, 10**17, 1),): 200000000000000001,
    ((10**17, 2, 3), (3, 1, 1)): 200000000000000005,
    ((3, 1, 10**9), (3, 1, 10**10), (3, 1, 1)): 20000000002000000003,
    ((5, 2, 1),) * 20: 161,
    ((2, 1, 2),) * 10: 1024,
    ((4, 5, 1), (7, 8, 2)): 64,
    ((2, 2, 1), (7, 9, 3), (1, 4, 3)): 57,
    ((5, 3, 1), (5, 4, 1), (5, 5, 2), (3, 5, 3)): 69,
    ((6, 2, 3), (7, 9, 2), (3, 4, 4), (5, 2, 3), (1, 5, 3)): 413,
    ((4, 7, 4), (5, 7, 4), (3, 4, 3), (5, 1, 1), (1, 8, 3), (8, 6, 2)): 6502,
    ((4, 2, 4), (4, 8, 3), (3, 6, 4), (6, 9, 2), (6, 2, 1), (4, 5, 2), (2, 6, 2), (5, 8, 1)): 18247,
    ((3, 2, 2), (5, 1, 1)) * 6: 757,
    ((4, 3, 1), (2, 5, 3), (6, 1, 2)) * 9: 58450632,
}
for stack, wanted in stacks.items():
    try_field(list(stack), wanted)
for depth, wanted in {7: 255, 31: 4294967295, 59: 1152921504606846975, 90: 2475880078570760549798248447}.items():
    try_field([(3, 2**level, 1) for level in range(depth)], wanted)
try_field([(3, 1, 3)] * 100, 3**100)
print("✓ receptive_field of 26 more stacks, of up to 100 layers, exactly; the lists are left as they were")
### BEGIN HIDDEN TESTS
g = torch.Generator().manual_seed(95)
for depth in (1, 2, 4, 7, 12, 25, 33, 50, 80):
    for _ in range(3):
        stack = [tuple(int(torch.randint(1, top, (1,), generator=g)) for top in (9, 12, 5)) for _ in range(depth)]
        first, last = 0, 0  # the inputs of output 0, from the output back to the input
        for k, d, s in reversed(stack):
            first, last = first * s, last * s + (k - 1) * d
        try_field(stack, last - first + 1)
try_field([(3, 2**n, 1) for n in range(20)], 2097151)
try_field([(2, 1, 2)] * 70, 2**70)
try_field([(4, 10**18, 7)], 3 * 10**18 + 1)
try_field([], 1)
try_field([(2, 1, 2)] * 100, 2**100)
try_field([(2 * 10**18 + 1, 3, 1)], 6 * 10**18 + 1)
### END HIDDEN TESTS

# %% [markdown]
# ## Measure it: the support of a gradient
#
# The formula works only for layers in a single chain, without branches. The gradient needs nothing but the net:
# $\partial y_i / \partial x_j$ is zero wherever $x_j$ cannot change $y_i$, and for most weights it is nonzero wherever
# $x_j$ can. Take **one** output in the middle, ask autograd for its gradient with respect to
# the input, and see where it is not zero. That set is called the *support* of the gradient.

# %%
net = nn.Sequential(*(nn.Conv1d(1, 1, 3, dilation=d, padding=d, bias=False) for d in (1, 2, 4)))
for layer in net:
    nn.init.uniform_(layer.weight, 0.5, 1.5)  # so that every gradient is large enough to be seen
x = torch.zeros(1, 1, 31, requires_grad=True)
y = net(x)
(gradient,) = torch.autograd.grad(y[0, 0, 15], x)
support = gradient[0, 0].nonzero().flatten()
print("by the formula:", 1 + sum((3 - 1) * d for d in (1, 2, 4)))
print("by the gradient:", int(support.max() - support.min() + 1))

# %% folded label="Draw the gradient"
draw_signals(
    ("∂y₁₅/∂x", gradient[0, 0], "input"),
    alt="The gradient of output 15 with respect to 31 inputs as stems: nonzero at the 15 neighbouring inputs 8 to 22 and zero on both sides.",
    width=6.2,
)

# %% [markdown]
# The formula, the picture above and the gradient agree. Each stem is a sum over all paths from that input to the
# output; each path contributes the product of its three weights.
#
# The same works in two dimensions, with `y[0, 0, row, column]`.
#
# **Before you run it:** three stacks of 3×3 layers have dilations 1, 2; 2, 2; and 1, 2, 4. How large are their fields? For
# what share of the inputs in each field is the gradient not zero?

# %% predict
masks, titles = [], []
for dilations in ([1, 2], [2, 2], [1, 2, 4]):
    net = nn.Sequential(*(nn.Conv2d(1, 1, 3, dilation=d, padding=d) for d in dilations))
    x = torch.zeros(1, 1, 19, 19, requires_grad=True)
    (gradient,) = torch.autograd.grad(net(x)[0, 0, 9, 9], x)
    masks.append(gradient[0, 0] != 0)
    side = 1 + 2 * sum(dilations)
    titles.append(f"d = {', '.join(map(str, dilations))}: {side}×{side}")
    print(f"{titles[-1]:18} {masks[-1].sum() / side**2:.0%} seen, with {9 * len(dilations)} weights")

# %% predict folded label="Draw the three fields"
draw_images(
    masks,
    titles,
    columns=3,
    cell=2.0,
    alt="Three squares in the middle of a 19×19 input, dark where the gradient of the middle output is not zero: a full 7×7 for dilations 1, 2; for 2, 2 "
    "separate dots, in every second row and column of 9×9; a full 15×15 for 1, 2, 4.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# 7×7, 9×9 and 15×15: the formula holds for both rows and columns. With 2, 2 each path moves by even steps, so only 5 · 5 of
# the 81 inputs are seen. The other two have no gaps. With 27 weights (and 3 biases) the last stack sees 225 inputs; a
# single plain layer would need 225 weights. With doubling dilations the field grows exponentially with the depth, which is
# what Yu and Koltun's paper is known for.
#
# </details>
#
# Two cautions when you measure. Padding cuts short the field of outputs near the edge, so take one in the middle of a
# large input. And a ReLU or max pooling passes the gradient only where it is active *for this input*, so you measure
# only part of the field. Convolutions and average pooling let everything through, and so do smooth functions such as **tanh**,
# an S-shaped curve from −1 to 1, as long as their inputs are not so large that the slope is rounded to 0.
#
# ### Exercise: Measure the receptive field of a net
#
# Write `measured_field(net, channels, size)`: the receptive field of the middle output, measured with a gradient.
#
# - The input has shape 1 × `channels` × H × W, where `size` is `(H, W)`; zeros will do, as above. The output is 1×D×H'×W'; its
#   middle is at row $H'/2$ and column $W'/2$, rounded down.
# - All D channels at that place count: an input belongs to the field if it can change any of them.
# - In the check's nets, the gradients of these output channels never cancel each other, so you may add up the output
#   channels. The gradients of *input* channels may cancel. Weights may be negative, 0 or frozen. Gradients may be as small as
#   $10^{-29}$, but they are never all zero.
# - Return a tuple `(height, width)` of two `int`s: **from the first to the last** row (column) where the gradient is
#   not zero in at least one channel of the input. Do not change the values of the net's parameters or which of them are frozen.
#
# The nets in the check are float32 and consist of convolutions, average pooling and smooth functions, and `size` is
# large enough for the middle output to see its whole field.
#
# <details><summary>Hint 1: the gradient of one place</summary>
#
# `y[0, :, i, j].sum()` is a single number that depends on all channels of one place. `torch.autograd.grad(number, x)`
# returns a tuple with one gradient, of the same shape as `x`. The input must be created with `requires_grad=True`.
#
# </details>
#
# <details><summary>Hint 2: from a gradient to rows</summary>
#
# `gradient[0] != 0` is C×H×W. `.any(0)` combines the channels; `.any(1)` of the result tells you, for each row, whether
# the gradient is nonzero anywhere in it.
#
# </details>
#
# <details><summary>Hint 3: from the first to the last</summary>
#
# `mask.nonzero()` lists the places that are True. Subtract the first from the last and add 1. Counting them would leave
# out the gaps.
#
# </details>


# %% exercise="measured_field" difficulty=2 minutes=10
def measured_field(net: nn.Module, channels: int, size: tuple[int, int]) -> tuple[int, int]:
    """The receptive field of the middle output of a net, from the support of a gradient.

    net: maps (1, channels, H, W) to (1, D, H', W'). size: (H, W) of the input. Returns: (height, width).
    """
    ### BEGIN SOLUTION
    x = torch.randn(1, channels, *size, requires_grad=True)
    y = net(x)
    (gradient,) = torch.autograd.grad(y[0, :, y.shape[2] // 2, y.shape[3] // 2].sum(), x)
    seen = (gradient[0] != 0).any(0)
    rows, columns = seen.any(1).nonzero(), seen.any(0).nonzero()
    return int(rows.max() - rows.min() + 1), int(columns.max() - columns.min() + 1)
    ### END SOLUTION


# %% check="measured_field" points=2
import contextlib
import io

g = torch.Generator().manual_seed(96)


def quietly(check, *arguments, **options):
    """Run a check that prints only if it fails."""
    with contextlib.redirect_stdout(io.StringIO()):
        check(*arguments, **options)


def with_weights(*layers, scale=1.0):
    """A net whose weights have one sign, so that no path cancels another."""
    net = nn.Sequential(*layers)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(scale * (torch.rand(parameter.shape, generator=g) * 0.1 + 0.02))
    return net


def with_entries(size, *entries, value=0.1):
    """A layer whose weight, of this size, is 0 except at the given entries (sign, out, in, row, column)."""
    layer = nn.Conv2d(size[1], size[0], size[2:])
    with torch.no_grad():
        layer.weight.zero_()
        layer.bias.copy_(torch.arange(size[0]))  # the last channel has the largest output
        for sign, *place in entries:
            layer.weight[tuple(place)] = sign * value
    return nn.Sequential(layer)


def try_field(what, net, size, wanted, *mistakes):
    """The net must have this field, keep its parameters and remain trainable."""
    channels = next(net.parameters()).shape[1]
    before = [(p.detach().clone(), p.requires_grad) for p in net.parameters()]
    what = f"measured_field of {what}, input {channels}×{size[0]}×{size[1]}"
    answer = measured_field(inplace(net), channels, size)
    values = [p.detach() for p in net.parameters()]
    quietly(expect, values, [then for then, _ in before], f"{what}: the values of the parameters stay as they were")
    learns = [p.requires_grad for p in net.parameters()] == [then for _, then in before]
    advice = "Your function freezes or unfreezes them: ask for the gradient of x alone."
    quietly(require, learns, f"{what}: the trainable parameters stay trainable", advice)
    expect(answer, wanted, what, mistakes=dict(mistakes))


def try_fields(*cases):
    """Many nets."""
    for case in cases:
        quietly(try_field, *case)
    print(f"✓ measured_field of {len(cases)} more nets")


try_field(
    "one layer with kernel (3, 2), dilation (2, 5), padding (2, 3)",
    with_weights(nn.Conv2d(2, 3, (3, 2), dilation=(2, 5), padding=(2, 3))),
    (17, 21),
    (5, 6),
    ("You counted the rows and columns that are seen: the field goes from the first to the last.", (3, 2)),
    ("You took the gradient of the whole output: take a single place.", (17, 21)),
    ("The + 1 is missing: from row 3 to row 7 there are 5 rows, not 4.", (4, 5)),
    ("That is an output in a corner, where padding cuts its field short: take the one in the middle.", (3, 1)),
    ("These are tensors: .item() or int() makes Python ints.", (torch.tensor(5), torch.tensor(6))),
    ("These are tensors with one element: int() makes Python ints.", (torch.tensor([5]), torch.tensor([6]))),
    ("Height and width are swapped: rows first.", (6, 5)),
)
layer = nn.Conv2d(2, 2, (3, 5), bias=False)
weight = torch.zeros(2, 2, 3, 5)  # D×C×h×w
weight[0, 0, 1, 2] = 0.1  # output channel 0 sees one value of input channel 0,
weight[1, 0, 1] = 0.1  # output channel 1 sees one row of input channel 0
weight[1, 1] = torch.tensor([-0.1, 0.1, 0.1])[:, None]  # and three rows of input channel 1
with torch.no_grad():
    layer.weight.copy_(weight)
layer = nn.Sequential(layer)
try_field(
    "a 3×5 layer whose channels see different rows",
    layer,
    (11, 13),
    (3, 5),
    ("That is output channel 0 alone: take all channels of the middle place together.", (1, 1)),
    ("A row counts if the gradient is not zero in *at least one* input channel: join them with any.", (1, 5)),
    ("A gradient may be negative: test for != 0, not > 0.", (2, 5)),
)
frozen = with_weights(nn.Conv2d(1, 2, (2, 3)), nn.Conv2d(2, 1, 1)).requires_grad_(False)
try_fields(
    (
        "a (9, 5) layer with padding (8, 4)",
        with_weights(nn.Conv2d(1, 1, (9, 5), padding=(8, 4))),
        (9, 6),
        (9, 5),
        ("The middle is that of the output, whose size may differ from the input's: use `y.shape`.", (5, 4)),
    ),
    (
        "a 3×3 layer, tanh, and a 3×5 layer with dilation (2, 3)",
        with_weights(
            nn.Conv2d(1, 2, 3, padding=1),
            nn.Tanh(),
            nn.Conv2d(2, 4, (3, 5), dilation=(2, 3), padding=(2, 6)),
            nn.Tanh(),
        ),
        (31, 28),
        (7, 15),
    ),
    (
        "a layer with stride 2 and, after it, a (3, 2) layer with dilation (3, 2)",
        with_weights(nn.Conv2d(3, 2, 3, stride=2), nn.Softplus(), nn.Conv2d(2, 2, (3, 2), dilation=(3, 2))),
        (40, 37),
        (15, 7),
    ),
    (
        "a 1×1 layer, an average pooling and a (1, 3) layer",
        with_weights(nn.Conv2d(1, 1, 1), nn.AvgPool2d((2, 3)), nn.Conv2d(1, 1, (1, 3), dilation=(1, 2))),
        (20, 45),
        (2, 15),
    ),
    (
        "a 5×3 layer in which the signs of the input channels differ",
        with_entries(
            (1, 4, 5, 3), (1, 0, 0, 0, 0), (-1, 0, 1, 0, 0), (1, 0, 2, 4, 2), (-1, 0, 3, 4, 2), (1, 0, 0, 2, 1)
        ),
        (12, 9),
        (5, 3),
        (
            "The gradients of different input channels cancel when you add them up: first test whether each is 0, then join them with any.",
            (1, 1),
        ),
    ),
    (
        "a 5×5 layer in which output channel 2 of 5 sees most",
        with_entries((5, 1, 5, 5), *((1, i, 0, 2, 2) for i in range(5)), (1, 2, 0, 0, 0), (-1, 2, 0, 4, 4)),
        (9, 14),
        (5, 5),
        ("All channels of the middle place count: add them up. The largest of them is only one.", (1, 1)),
    ),
    (
        "a 4×5 layer in which input channel 3 of 5 is seen most",
        with_entries((2, 5, 4, 5), *((1, 1, i, 2, 2) for i in range(5)), (1, 0, 3, 0, 4), (-1, 1, 3, 3, 0)),
        (15, 8),
        (4, 5),
    ),
    (
        "a 5×5 layer whose outermost weights are 0",
        with_entries((1, 1, 5, 5), (1, 0, 0, 1, 1), (1, 0, 0, 2, 2), (1, 0, 0, 3, 3)),
        (11, 12),
        (3, 3),
        ("What counts is the gradient, not the kernel's size: a weight of 0 lets nothing through.", (5, 5)),
    ),
    (
        "a (9, 5) layer with stride 2 and padding (5, 3)",
        with_weights(nn.Conv2d(1, 1, (9, 5), stride=2, padding=(5, 3))),
        (10, 6),
        (9, 5),
        ("That is an output before the middle: row H'/2, rounded down, is `y.shape[2] // 2`.", (8, 4)),
    ),
    (
        "a (4, 7) layer with dilation 2, stride (3, 2) and padding (7, 4)",
        with_weights(nn.Conv2d(2, 3, (4, 7), dilation=2, stride=(3, 2), padding=(7, 4))),
        (10, 13),
        (7, 13),
    ),
    (
        "a 3×5 layer whose outermost weights are tiny",
        with_entries((1, 2, 3, 5), (1, 0, 0, 1, 2), (1e-9, 0, 1, 0, 2), (-1e-29, 0, 0, 2, 0), (1e-29, 0, 1, 2, 4)),
        (8, 11),
        (3, 5),
        ("A gradient may be tiny: test for != 0, without a threshold.", (1, 1)),
        ("A gradient may be tiny: a threshold misses it, and its square is rounded to 0. Test for != 0.", (2, 1)),
    ),
    (
        "a 3×3 layer, tanh and a 3×3 layer, with weights up to 0.4",
        with_weights(nn.Conv2d(2, 2, 3), nn.Tanh(), nn.Conv2d(2, 2, 3), scale=3),
        (9, 8),
        (5, 5),
    ),
    (
        "two 3×3 layers with tiny weights",
        with_weights(nn.Conv2d(2, 2, 3), nn.Conv2d(2, 1, 3), scale=1e-4),
        (9, 17),
        (5, 5),
    ),
    ("a 2×3 layer with negative weights", with_weights(nn.Conv2d(3, 1, (2, 3)), scale=-1), (8, 7), (2, 3)),
    ("a layer with dilation (30, 17)", with_weights(nn.Conv2d(1, 2, 3, dilation=(30, 17))), (70, 50), (61, 35)),
    ("a (2, 3) layer and a 1×1 layer, both frozen", frozen, (6, 5), (2, 3)),
    ("two 1×1 layers", with_weights(nn.Conv2d(4, 3, 1), nn.Sigmoid(), nn.Conv2d(3, 1, 1)), (3, 4), (1, 1)),
)
with torch.no_grad():
    layer[0].weight[1] = 0
try_field("the 3×5 layer above when most of its weights have become 0", layer, (11, 13), (1, 1))
### BEGIN HIDDEN TESTS
g = torch.Generator().manual_seed(196)
try_fields(
    (
        "a (1, 3) layer, an average pooling and a (3, 1) layer",
        with_weights(nn.Conv2d(1, 1, (1, 3), dilation=(1, 4)), nn.AvgPool2d(2), nn.Conv2d(1, 3, (3, 1))),
        (26, 33),
        (6, 10),
    ),
    (
        "3×3 layers with d = 1, 2, 4",
        with_weights(*(nn.Conv2d(2, 2, 3, dilation=d, padding="same", bias=False) for d in (1, 2, 4))),
        (35, 41),
        (15, 15),
    ),
    ("a (2, 1) layer with dilation (9, 1)", with_weights(nn.Conv2d(2, 1, (2, 1), dilation=(9, 1))), (19, 8), (10, 1)),
    (
        "a (5, 3) layer, a sigmoid and a (1, 2) layer",
        with_weights(nn.Conv2d(1, 2, (5, 3), dilation=(1, 2), padding=(4, 4)), nn.Sigmoid(), nn.Conv2d(2, 2, (1, 2))),
        (27, 22),
        (5, 6),
    ),
    (
        "a (6, 7) layer with dilation 2, stride 2 and padding (3, 4)",
        with_weights(nn.Conv2d(1, 2, (6, 7), dilation=2, stride=2, padding=(3, 4))),
        (12, 14),
        (11, 13),
    ),
    (
        "a 4×4 layer in which the signs of the input channels differ",
        with_entries(
            (3, 4, 4, 4), (1, 1, 0, 0, 0), (-1, 1, 3, 0, 0), (-1, 1, 1, 3, 3), (1, 1, 2, 3, 3), (1, 0, 0, 1, 1)
        ),
        (9, 13),
        (4, 4),
    ),
    (
        "three 2×2 layers with tiny weights",
        with_weights(*(nn.Conv2d(1, 1, 2) for _ in range(3)), scale=1e-3),
        (8, 12),
        (4, 4),
    ),
    ("a (7, 3) layer with padding (6, 2)", with_weights(nn.Conv2d(2, 1, (7, 3), padding=(6, 2))), (7, 5), (7, 3)),
    ("a layer with dilation (21, 40)", with_weights(nn.Conv2d(1, 2, 3, dilation=(21, 40))), (55, 90), (43, 81)),
)
### END HIDDEN TESTS

# %% [markdown]
# ## Gridding
#
# The receptive field goes from the first input to the last. With dilations 2, 2 the output did not see everything in
# between. When does that happen, and what harm does it do?
#
# If all weights are 1, every path from an input to the output contributes exactly 1 to the gradient. So the gradient *counts the paths*:


# %%
def paths(dilations, k=3):
    """For each input of the receptive field, the number of paths to one output."""
    field = 1 + sum((k - 1) * d for d in dilations)
    x = torch.zeros(1, 1, field, requires_grad=True)
    y = x
    for d in dilations:
        y = F.conv1d(y, torch.ones(1, 1, k), dilation=d)
    (gradient,) = torch.autograd.grad(y.sum(), x)  # the field just fits: there is one output
    return gradient[0, 0].long()


print("d = [1, 2]:", paths([1, 2]).tolist())

# %% [markdown]
# **Before you run it:** three layers with $k = 3$ and dilations 2, 2, 2 have a field of $1 + 2 \cdot 6 = 13$. How many
# of these 13 inputs does an output really depend on? And with 1, 2, 3, which also have a field of 13?

# %% predict
stacks = [[2, 2, 2], [1, 2, 3], [1, 2, 4]]
for dilations in stacks:
    counts = paths(dilations)
    print(f"d = {dilations}: sees {(counts > 0).sum()} of {len(counts)};", "paths", counts.tolist())

# %% predict folded label="Draw the three stacks"
figure, axes = plt.subplots(3, 1, figsize=(6.2, 9.6))
figure.subplots_adjust(0.01, 0.01, 0.99, 0.99, hspace=0.08)
for ax, dilations in zip(axes, stacks):
    stack_picture(ax, dilations, 3, 8, counts=paths(dilations).tolist())
show(
    figure,
    alt="Three stacks of three layers, each with the connections from one output down to the input and the number of paths under each input. "
    "Dilations 2, 2, 2: the connections reach only every second input, by 1, 0, 3, 0, 6, 0, 7, 0, 6, 0, 3, 0, 1 paths. "
    "Dilations 1, 2, 3: all 13 inputs are reached, by 1, 1, 2, 2, 3, 3, 3, 3, 3, 2, 2, 1, 1 paths. Dilations 1, 2, 4: all 15 are reached, by "
    "1, 1, 2, 1, 3, 2, 3, 1, 3, 2, 3, 1, 2, 1, 1 paths.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# With 2, 2, 2 every step is even, so an output sees only the 7 inputs at even distances. With 1, 2, 3 all 13 are seen.
# The counts also show that inputs near the middle tend to matter more: in the first two stacks, more paths start there. The
# part of the field with most of the influence is its effective receptive field (`07_convolution`).
#
# </details>
#
# What about the next output? It sees the same pattern of inputs, one place further on.
#
# **Before you run it:** how many inputs do two neighbouring outputs share, for each of the three stacks?

# %% predict
for dilations in stacks:
    mine = reached(dilations)[-1]
    next_ones = {place + 1 for place in mine}
    print(f"d = {dilations}: {len(mine)} inputs, {len(mine & next_ones)} of them shared")

# %% predict folded label="Draw what one output of 3×3 layers sees"
images, titles = [], []
for dilations in stacks:
    counts = paths(dilations)
    images.append(torch.outer(counts, counts).float())  # a square kernel of ones: rows times columns
    titles.append(f"d = {', '.join(map(str, dilations))}: {(images[-1] > 0).float().mean():.0%} seen")
draw_images(
    images,
    titles,
    columns=3,
    cell=2.1,
    alt="The inputs that one output of three 3×3 layers sees, darker for more paths. Dilations 2, 2, 2: separate dots, 29% of a 13×13 field. Dilations 1, 2, 3 and 1, 2, 4: "
    "fields of 13×13 and 15×15, all of them seen.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# With 2, 2, 2 they share none: outputs at even places depend only on even places, outputs at odd places only on odd
# ones. The net splits into two nets that never exchange information. In two dimensions there are four, and only 29% of
# the field is seen.
#
# Neighbouring outputs that share no inputs can differ for no good reason, and the result shows a grid-like pattern.
# This is called **gridding**.
#
# </details>
#
# ### When are there no gaps?
#
# Sort the dilations. Suppose the layers so far give a field of $R$ neighbours without a gap. The next layer places $k$
# copies of that stretch $d$ apart. They leave no gap if $d \le R$. If $d > R$, the input just after
# the stretch is missed, because every later dilation is at least as large. So:
#
# > For $k \ge 2$, sort the dilations. There are no gaps in the receptive field if, and only if, each dilation is at most
# > the receptive field of those before it. In particular, the first must be 1.
#
# For example, 1, 2, 4 passes: $1 \le 1$, $2 \le 3$, $4 \le 7$. The order of the layers makes no difference to what is seen.
#
# **Before you run it:** which of these have gaps: 1, 3, 9; 1, 2, 9; 4, 1, 2?

# %% predict
for dilations in ([1, 3, 9], [1, 2, 9], [4, 1, 2]):
    counts = paths(dilations)
    print(f"d = {dilations}: field {len(counts)}, not seen {(counts == 0).sum()}, most paths {counts.max()}")

# %% [markdown]
# <details><summary>Why?</summary>
#
# 1, 2, 9 has gaps: $9 > 7$, so $9 - 7 = 2$ inputs are missed in each of the two gaps between the three copies. 1, 3, 9 is
# just at the limit: 27 inputs, with exactly one path from each. 4, 1, 2 is 1, 2, 4 in another order, so it has none.
#
# </details>
#
# ### Exercise: Count the paths
#
# Write `path_counts(dilations, k=3)` for a stack of 1-d layers with stride 1 and kernel size $k \ge 1$: for each input of the receptive field,
# from the first to the last, the number of paths to one output.
#
# - `dilations` is a list of up to 100 positive `int`s in any order. Do not change it. An empty list gives one input with
#   one path.
# - The result is an int64 tensor of shape (receptive field,). Inputs that are not seen have 0 paths. Fields have up to
#   10,000 inputs.
# - Every call returns a new tensor.
# - Each count is exact, as long as none is larger than $10^{18}$. `paths` above is not precise enough for that: float32 holds only about
#   7 digits (float64 about 16).
#
# <details><summary>Hint 1: add one layer</summary>
#
# Suppose you have the counts of the stack so far. With one more layer, the output takes $k$ outputs of that stack, $d$
# apart. So add up $k$ copies of the counts, each shifted $d$ places further than the one before.
#
# </details>
#
# <details><summary>Hint 2: sizes</summary>
#
# The new counts are $(k-1)\,d$ longer than the old ones. Start from zeros and add the old counts to a slice of the same
# length, $k$ times.
#
# </details>


# %% exercise="path_counts" difficulty=2 minutes=10
def path_counts(dilations: list[int], k: int = 3) -> torch.Tensor:
    """The number of paths from each input of the receptive field to one output.

    Returns: int64, of shape (receptive field,).
    """
    ### BEGIN SOLUTION
    counts = torch.ones(1, dtype=torch.int64)
    for d in dilations:
        longer = torch.zeros(len(counts) + (k - 1) * d, dtype=torch.int64)
        for j in range(k):
            longer[j * d : j * d + len(counts)] += counts
        counts = longer
    return counts
    ### END SOLUTION


# %% check="path_counts" points=2
import contextlib
import io

dilations = [3, 2, 2]
answer = path_counts(inplace(dilations))
expect(
    dilations,
    [3, 2, 2],
    "path_counts([3, 2, 2]) leaves the list as it was",
    mistakes={
        "Your function sorts the list that it was given.": [2, 2, 3],
        "pop and remove take layers from the caller's list.": [],
    },
)
wanted = torch.tensor([1, 0, 2, 1, 3, 2, 3, 3, 3, 2, 3, 1, 2, 0, 1])
expect(
    answer,
    wanted,
    "path_counts([3, 2, 2])",
    mistakes={
        "You mark each input that is seen with 1: write the number of paths there instead.": (
            torch.tensor([1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1])
        ),
        "The dtype is not int64.": wanted.float(),
        "These are Python numbers: return a tensor.": wanted.tolist(),
        "These are booleans for what is seen: return the number of paths.": wanted > 0,
        "The inputs that are not seen belong to the field, too, with 0 paths.": (
            torch.tensor([1, 2, 1, 3, 2, 3, 3, 3, 2, 3, 1, 2, 1])
        ),
        "You ignore the dilations.": torch.tensor([1, 3, 6, 7, 6, 3, 1]),
        "The size is right, but each copy must be shifted by d places, not by 1.": (
            torch.tensor([1, 3, 6, 7, 6, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0])
        ),
        "There are zeros at the end: a layer makes the counts (k − 1)·d longer, not k·d.": F.pad(wanted, (0, 7)),
        "That is the last layer alone.": torch.tensor([1, 0, 1, 0, 1]),
        "The copies overlap: add them, instead of writing one over the other.": (
            torch.tensor([1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 1, 0, 0, 1])
        ),
    },
)
expect(path_counts([1, 4, 2]), torch.tensor([1, 1, 2, 1, 3, 2, 3, 1, 3, 2, 3, 1, 2, 1, 1]), "path_counts([1, 4, 2])")
expect(
    path_counts([3, 1], k=4),
    torch.tensor([1, 1, 1, 2, 1, 1, 2, 1, 1, 2, 1, 1, 1]),
    "path_counts([3, 1], k=4)",
    mistakes={"You ignore k.": torch.tensor([1, 1, 1, 1, 1, 1, 1, 1, 1])},
)
expect(path_counts([2, 3, 1], k=2), torch.tensor([1, 1, 1, 2, 1, 1, 1]), "path_counts([2, 3, 1], k=2)")
expect(path_counts([7, 2], k=1), torch.tensor([1]), "path_counts([7, 2], k=1)")
expect(path_counts([]), torch.tensor([1]), "path_counts([])")
for stack, right in (([3, 2, 2], wanted), ([], torch.tensor([1]))):
    one, other = path_counts(stack), path_counts(stack)
    one.zero_()
    advice = "The second call returned the tensor of the first: a change to one changes both."
    require(torch.equal(other, right), f"every call of path_counts({stack}) returns a new tensor", advice)


def quietly(check, *arguments, **options):
    """Run a check that prints only if it fails."""
    with contextlib.redirect_stdout(io.StringIO()):
        check(*arguments, **options)


def try_paths(cases):
    """The counts must be a known polynomial's coefficients; its value at a large number exposes a wrong one."""
    results = []
    prime, at = 2**61 - 1, 10**17 + 3
    for dilations, k in cases:
        before = list(dilations)
        what = f"path_counts({before}, k={k})" if len(before) < 13 else f"path_counts of {len(before)} layers, k={k}"
        answer = path_counts(inplace(dilations), k)
        quietly(expect, dilations, before, f"{what} leaves the list as it was")
        size = 1 + sum((k - 1) * d for d in before)
        if not isinstance(answer, torch.Tensor) or answer.dtype != torch.int64 or answer.shape != (size,):
            expect(answer, torch.zeros(size, dtype=torch.int64), what)
        value, product, power = 0, 1, 1
        for number in answer.tolist():
            value, power = (value + number * power) % prime, power * at % prime
        for d in before:
            product = product * sum(pow(at, j * d, prime) for j in range(k)) % prime
        if value != product:
            total, right = sum(answer.tolist()), k ** len(before)
            advice = f"At least one count is wrong. Yours sum to {total}; there are {k}^{len(before)} = {right} paths."
            if min(answer.tolist()) < 0 or (
                total < right and right > 2**31 and not math.isclose(total, right, rel_tol=1e-3)
            ):
                advice = f"{advice} An integer with too few bits overflows: use int64 from the start."
            elif right > 2**24 and math.isclose(total, right, rel_tol=1e-3):
                advice = f"{advice} A float on the way does not hold enough digits."
            require(False, f"{what}: each count is exact", advice)
        results.append((what, answer, answer.clone()))
    for what, answer, then in results:
        quietly(expect, answer, then, f"{what}: the result is the same after further calls")
    print(f"✓ {len(results)} more stacks: lists in any order, k from 1 to 13, large counts; the lists are unchanged")


try_paths(
    [
        ([1] * 38, 3),
        ([4, 1, 3, 2], 3),
        ([5, 2, 7, 1, 1, 3], 2),
        ([6, 3], 5),
        ([9, 1, 4, 2, 2], 4),
        ([8], 10),
        ([3, 12, 5], 1),
        ([40, 7, 300], 6),
        ([1, 2] * 10 + [1] * 5, 3),
        ([2, 1, 1] * 12, 2),
        ([1, 3] * 14, 4),
        ([1] * 63, 2),
        ([1] * 36, 3),
        ([1] * 40, 3),
        ([1500, 2, 800], 5),
        ([3] * 100, 1),
        ([30] * 12 + [1] * 24, 3),
        ([4, 1], 13),
        ([2] * 24, 5),
        ([1, 2, 3] * 6, 10),
        ([], 4),
    ]
)
### BEGIN HIDDEN TESTS
try_paths(
    [
        ([5], 2),
        ([8, 1, 4, 2], 2),
        ([4, 4, 1], 3),
        ([2, 3], 5),
        ([9, 1, 3, 3, 2, 7], 3),
        ([4, 2, 6], 3),
        ([5, 1, 4], 1),
        ([], 4),
        ([2] * 37, 3),
        ([1, 3] * 15, 4),
        ([3, 1, 2, 2, 5] * 4, 3),
        ([2] * 63, 2),
        ([3] * 40, 3),
        ([50, 3, 1600], 7),
        ([2, 1] * 9, 9),
        ([2, 5, 1], 17),
        ([25] * 11 + [2] * 25, 3),
    ]
)
### END HIDDEN TESTS

# %% [markdown]
# ## Choose the dilations
#
# Do gaps matter in training? Here is a test: the inputs are random sequences of ±1, and the net must repeat
# them some steps later, $y_i = x_{i - \text{delay}}$. Three stacks of three causal layers, built from your
# `causal_conv1d`, have the same number of parameters and are trained in the same way. A loss of 0.0 means a perfect
# echo. A net that cannot see the value to repeat can hardly do better than output zeros, for a loss of about 1.0.


# %% yours folded label="The training, and stand-ins for unsolved exercises"
def causal_by_transpose(x, weight, bias, dilation):
    """The course's own version: each input adds a multiple of the kernel to the present and later outputs."""
    return F.conv_transpose1d(x, weight.flip(2).transpose(0, 1), bias, dilation=dilation)[..., : x.shape[2]]


causal = yours_or_ours(causal_conv1d, causal_by_transpose, torch.ones(1, 1, 5), torch.ones(2, 1, 3), torch.ones(2), 2)


def echo_loss(dilations, delay):
    """Train a causal stack to repeat its input after `delay` places; return the final loss."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # for tensors this small, one thread is faster
    torch.manual_seed(0)
    layers = [nn.Conv1d(a, b, 3) for a, b in ((1, 6), (6, 6), (6, 1))]  # they only hold the parameters
    optimizer = torch.optim.Adam([p for layer in layers for p in layer.parameters()], lr=0.03)
    x = torch.randint(0, 2, (8, 1, 64)) * 2.0 - 1
    for _ in range(120):
        optimizer.zero_grad()
        y = x
        for layer, d in zip(layers, dilations):
            y = causal(y, layer.weight, layer.bias, d)
        loss = F.mse_loss(y[..., 16:], x[..., 16 - delay : -delay])  # leave out the start, where zeros come in
        loss.backward()
        optimizer.step()
    torch.set_num_threads(threads)
    return loss.item()


# %% [markdown]
# **Before you run it:** a causal field of 7 covers the present and 6 past places. Which of the delays 4, 9 and 12 can
# each stack learn?

# %% predict yours
print("dilations    delay 4   delay 9   delay 12")
for dilations in ([1, 1, 1], [2, 2, 2], [1, 2, 4]):
    losses = [echo_loss(dilations, delay) for delay in (4, 9, 12)]
    print(f"{dilations!s:10}", *(f"{loss:9.1f}" for loss in losses))

# %% [markdown]
# <details><summary>Why?</summary>
#
# The stack 1, 1, 1 sees 6 places back, enough only for delay 4. The stack 2, 2, 2 sees 12 places back, but only the
# even ones: delay 9 is *inside* its receptive field, and it still cannot learn it. That is gridding. The stack 1, 2, 4
# sees everything up to 14 places back, with the same number of parameters.
#
# </details>
#
# How far can $n$ layers of kernel size $k$ see without gaps? Each layer puts $k$ stretches side by side, so the field
# is at most $k$ times as wide as before: $k^n$ in all, with dilations $1, k, k^2, …$. With $k = 2$ these are the
# doubling dilations. WaveNet (van den Oord et al., 2016), a net of causal layers that generates speech, uses 1, 2, 4,
# …, 512 and repeats this stack several times. One such stack:

# %%
counts = paths([2**n for n in range(10)], k=2)
print("field:", len(counts), "inputs; paths: from", counts.min().item(), "to", counts.max().item())

# %% [markdown]
# For $k = 3$ the dilations 1, 3, 9, … reach furthest. Doubling dilations, the usual choice, do not reach as far, but their
# stretches overlap, so neighbouring inputs mix more than once. What if you need a given field with as
# few parameters as possible?
#
# ### Exercise: The smallest stack for a given field
#
# All layers have the same number of channels, $k = 3$ and stride 1, so they all have the same number of parameters, and
# the fewest layers mean the fewest parameters. Write `smallest_stack(wanted)`. It returns a new list of positive
# `int` dilations such that
#
# - the receptive field is **exactly** `wanted`, an odd number from 1 to $10^{12}$,
# - no input of the field is missed,
# - there are as few layers as possible.
#
# Often several lists are right, and the check accepts any of them, in any order. `wanted = 1` needs no layer: `[]`.
# `wanted = 13` needs three layers, and `[1, 2, 3]` is one answer.
#
# <details><summary>Hint 1: how many layers?</summary>
#
# $n$ layers reach $3^n$ at most. So you need the smallest $n$ with $3^n \ge$ `wanted`. Count up in a loop, with
# integers; logarithms are rounded: `int(math.log(243, 3))` is 4.
#
# </details>
#
# <details><summary>Hint 2: hit it exactly</summary>
#
# The field is $1 + 2\,(d_1 + \dots + d_n)$. So you know what the dilations must add up to.
#
# </details>
#
# <details><summary>Hint 3: all but one as large as possible</summary>
#
# Take 1, 3, 9, … for all layers but the last, and give the last one what is missing from the sum. It is never too large:
# $(\text{wanted} - 3^{n-1})/2$ is at most $3^{n-1}$, because wanted is at most $3^n$.
#
# </details>


# %% exercise="smallest_stack" difficulty=3 minutes=15
def smallest_stack(wanted: int) -> list[int]:
    """Dilations of the fewest layers (k = 3, stride 1) with the receptive field `wanted` and no gaps."""
    ### BEGIN SOLUTION
    dilations, field = [], 1
    while field < wanted:
        d = min(field, (wanted - field) // 2)  # at most the field so far: no gap; at most what is missing
        dilations.append(d)
        field += 2 * d
    return dilations
    ### END SOLUTION


# %% check="smallest_stack" points=3
def try_stack(wanted):
    """One call; any list that meets the three conditions passes."""
    dilations = smallest_stack(wanted)
    what = f"smallest_stack({wanted})"
    if not isinstance(dilations, list):
        expect(dilations, [], f"{what} returns a list")
    if len(dilations) > 40:
        require(False, f"{what} has as few layers as possible", f"Yours has {len(dilations)}; far fewer will do.")
    if {type(d) for d in dilations} - {int}:
        strange = next(d for d in dilations if type(d) is not int)
        advice = "a single / makes a float, // does not." if type(strange) is float else "int(d) turns it into one."
        advice = f"One of them is {strange!r}, of type {type(strange).__name__}: {advice}"
        require(False, f"{what}: the dilations are ints", advice)
    if min(dilations, default=1) < 1:
        advice = (
            "wanted = 1 needs no layer: []." if wanted == 1 else "A layer with a 0 sees nothing more: leave it out."
        )
        advice = f"Yours is {dilations}. {advice if min(dilations) == 0 else ''}"
        require(False, f"{what}: each dilation is at least 1", advice.strip())
    field, gap = 1, None
    for d in sorted(dilations):
        gap = (d, field) if d > field and gap is None else gap
        field += 2 * d
    if field != wanted:
        reason = "wider" if field > wanted else "narrower"
        advice = (
            f"Yours is {dilations}: its field is {field}, {reason} than {wanted}. The field is 1 + 2 · (sum of the "
            f"dilations), so the sum must be {(wanted - 1) // 2}; yours is {sum(dilations)}."
        )
        require(False, f"{what}: the receptive field is {wanted}", advice)
    if gap:
        advice = (
            f"Yours is {dilations}: the field of the dilations below {gap[0]} is only {gap[1]}, so there is gridding."
        )
        require(False, f"{what}: no input of the field is missed", advice)
    fewer = 3 ** (len(dilations) - 1) >= wanted if dilations else False
    if fewer:
        advice = f"Yours is {dilations}: it has the right field and no gaps, but fewer layers can do it."
        require(False, f"{what} has as few layers as possible", advice)


for wanted in (13, 3, 27, 21, 1, 29, 245):
    try_stack(wanted)
    print(f"✓ smallest_stack({wanted})")
one, other = smallest_stack(13), smallest_stack(13)
advice = "The second call returned the list of the first: a change to one changes both."
require(one is not other, "every call returns a new list", advice)
for wanted in (*range(1, 300, 2), *range(301, 2500, 12)):
    try_stack(wanted)
print("✓ smallest_stack(wanted) for each odd number up to 299, and for many up to 2499")
large = [3**n + step for n in range(6, 26) for step in (-2, 0, 2) if 3**n + step < 10**12]
large += [int(300 * 1.7**n) // 2 * 2 + 1 for n in range(41)] + [10**12 - 1]
for wanted in large:
    try_stack(wanted)
print(f"✓ smallest_stack(wanted) for {len(large)} larger numbers, up to 10^12")
### BEGIN HIDDEN TESTS
for wanted in (*range(301, 800, 6), *(int(310 * 1.43**n) // 2 * 2 + 1 for n in range(61)), 987654321, 10**11 + 1):
    try_stack(wanted)
### END HIDDEN TESTS

# %% [markdown]
# ## Smooth a photograph
#
# We take a grey photograph of a cat, 96×128 pixels, and add 20 white specks, like the hot pixels of a camera sensor.
# Then two nets of three 3×3 layers, with all weights equal, smooth the picture. Both have a field of 25×25. One has
# dilations 4, 4, 4, the other those of your `smallest_stack(25)`. Your `path_counts` turns each net into a single large
# kernel.

# %% yours folded label="The photograph, and stand-ins for unsolved exercises"
photo = load_photo().mean(0)  # grey, 96×128
specked = photo.clone()
for row, column in torch.rand(20, 2, generator=torch.Generator().manual_seed(3)).tolist():
    specked[int(4 + 88 * row), int(4 + 120 * column)] = 5.0

count = yours_or_ours(path_counts, paths, [1, 2])
choose = yours_or_ours(smallest_stack, lambda wanted: [1, 3, 8], 25)

# %% [markdown]
# **Before you run it:** for each net, how many paths start at one white pixel, and at how many different outputs do
# they end? What will the specks look like in the two results?

# %% predict yours
smoothed, titles = [specked], ["with specks"]
for dilations in ([4, 4, 4], choose(25)):
    counts = count(dilations).float()
    kernel = torch.outer(counts, counts)  # rows times columns
    smoothed.append(F.conv2d(specked[None, None], (kernel / kernel.sum())[None, None])[0, 0])
    titles.append(f"d = {', '.join(map(str, dilations))}")
    print(f"{titles[-1]}: {int(kernel.sum())} paths from one pixel to {int((kernel > 0).sum())} outputs")

# %% predict yours folded label="Draw the three pictures and an enlarged part of each"
figure, axes = plt.subplots(3, 2, figsize=(5.8, 7.4), layout="constrained")
for row, (image, title) in enumerate(zip(smoothed, titles)):
    whole = image[12:-12, 12:-12] if row == 0 else image  # the same part of the photograph in all three
    part = whole[16:56, 40:93]
    for ax, shown in zip(axes[row], (whole, part)):
        ax.imshow(shown, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        ax.set(xticks=[], yticks=[])
    axes[row, 0].set_title(title, fontsize=12)
    axes[row, 1].set_title("enlarged", fontsize=12)
    axes[row, 0].add_artist(plt.Rectangle((40, 16), 53, 40, fill=False, edgecolor=COLOURS["loss"], linewidth=1.5))
show(
    figure,
    alt="A grey photograph of a cat with white specks, and its smoothed versions with two stacks of dilated layers, each with an enlarged part to its right.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# At each layer a path can go nine ways, so $9^3 = 729$ paths start at every pixel. With 4, 4, 4 they end at only
# $7 \cdot 7 = 49$ outputs, which are 4 apart: each speck becomes a lattice of dots, and edges reappear as faint copies.
# The picture splits into 16 interleaved ones, each smoothed separately. With the smallest stack the same number of
# paths is spread over all 25 · 25 = 625 outputs, so the specks hardly show. Both nets have 27 weights.
#
# A trained net with dilations 4, 4, 4 does more than averaging, but it cannot pass information between those 16 pictures
# either. So nets with large dilations also get layers with dilation 1, or dilations chosen to leave no gaps.
#
# </details>
#
# ## Recap
#
# Answer from memory, then unfold.
#
# <details><summary>1. A layer has kernel size 5 and dilation 3. How long is the zero-filled kernel, how many weights
# does the layer have for one input and one output channel, and which padding keeps the size?</summary>
#
# It is $1 + 4 \cdot 3 = 13$ long, and the layer has 5 weights. The output is 12 shorter, so a padding of 6 on both
# sides keeps the size. (A causal layer needs 12 zeros on the left.)
#
# </details>
#
# <details><summary>2. Why does the receptive field of a stack with k = 3 and dilations 1, 2, 4, … grow exponentially with the number of layers, and
# how large is it for five layers?</summary>
#
# Each layer widens the field by $2d$, and $d$ doubles from layer to layer. Five layers give $1 + 2\,(2^5 - 1) = 63$.
#
# </details>
#
# <details><summary>3. A colleague uses dilation 4 in every layer of a stack and finds a grid-like pattern in the results. What is
# going on, how would you show it, and what would you change?</summary>
#
# Gridding: an output sees only every fourth input, and neighbouring outputs see different ones. The support of one
# output's gradient shows it. Sort the dilations: the first must be 1, and each of the others at most the receptive
# field of those before it, as in 1, 2, 4.
#
# </details>
#
# **Next**: `10_modules`. You now have all the building blocks: linear layers, convolutions with padding, stride and
# dilation, pooling. There you build whole networks from them and follow the shapes from layer to layer.
