# %% [markdown]
# # Dilation
#
# After this notebook you will be able to
#
# - say what `dilation` does to a kernel, fill a kernel up with zeros to see it, and compute a dilated convolution with plain ones;
# - predict the size of an output from kernel size, padding, stride and dilation together;
# - compute the receptive field of a stack of layers with a formula, and measure it in any net with a gradient;
# - see gridding before it harms: inputs that lie in the receptive field and are never looked at;
# - choose dilations that reach a wanted receptive field with the fewest parameters.
#
# **Time**: about 100 minutes. **You need**: convolution and its kernel (`07_convolution`), padding, stride and the size formula
# (`08_padding_stride_pooling`), gradients with respect to an input (`02_gradients_and_optimizers`).

# %% setup

# %% [markdown]
# ## A kernel with gaps
#
# A museum counts its visitors four times a day: morning, noon, afternoon, evening. Here are four days, 16 numbers in a row.
# For each count you want the sum over three days **at the same time of day**. The counts that belong together are 4 places apart.
#
# A kernel of three ones adds three *neighbours*, morning + noon + afternoon:

# %%
day = ["morning", "noon", "afternoon", "evening"]
visitors = torch.tensor([10.0, 40, 30, 5, 12, 44, 28, 4, 14, 48, 32, 6, 9, 41, 27, 3])
u = torch.ones(3)


def convolve(signal, kernel, **options):
    """F.conv1d for one signal and one kernel: it wants (batch, channels, width) and (out, in, k)."""
    return F.conv1d(signal[None, None], kernel[None, None], **options)[0, 0]


print("neighbours:", convolve(visitors, u).tolist())

# %% [markdown]
# To reach the same time of the next days, put zeros between the ones: after each one, three counts are to be skipped.
#
# **Before you run it:** the kernel with its zeros has 9 entries. How many outputs do 16 counts give? What is the first one?

# %% predict
filled = torch.tensor([1.0, 0, 0, 0, 1, 0, 0, 0, 1])
sums = convolve(visitors, filled)
for i, value in enumerate(sums.tolist()):
    parts = " + ".join(f"{visitors[i + step]:2.0f}" for step in (0, 4, 8))
    print(f"{day[i % 4]:10}{parts} = {value:3.0f}")

# %% [markdown]
# $16 - 9 + 1 = 8$ outputs, and each is a sum of three counts. But only 3 of the 9 kernel entries do any work.
#
# PyTorch needs no zeros for that. You keep the kernel of three and say how far apart its entries stand on the input:

# %%
print("dilation=4:", convolve(visitors, u, dilation=4).tolist())
print("the same as with the kernel of 9:", torch.equal(convolve(visitors, u, dilation=4), sums))

# %% [markdown]
# ### The rule
#
# A convolution with **dilation** $d$ takes steps of $d$ on the input from one kernel entry to the next:
#
# $$y_i = \sum_{j=1}^{k} x_{\,i + (j-1)\,d}\; u_j .$$
#
# It is the convolution with a sparse, regular filter: between two neighbouring entries of $u$ stand $d - 1$ zeros. The filled-up kernel has the size
#
# $$1 + (k - 1)\,d .$$
#
# **Dilation 1 means no gaps**: it is the convolution that you know. The idea is older than deep learning. Signal processing calls it the *algorithme à
# trous*, French for "with holes", so you also meet the name *à trous* (or *atrous*) convolution. Yu and Koltun (2015) made it popular in neural networks.
#
# The next pictures show the kernel $(1, 1, 1)$ on twelve numbers, with dilation 1, 2, 3 and 4. Look at how far it reaches and at how many outputs there are.
# (When you run the notebook yourself, a slider moves the kernel.)

# %%
numbers = torch.arange(1.0, 13)
for d in (1, 2, 3, 4):
    print(f"dilation {d}: filled-up kernel of size 1 + (3 − 1)·{d} = {1 + 2 * d}, {12 - 2 * d} outputs")
    kernel_steps(
        numbers,
        torch.ones(3),
        dilation=d,
        keys=(0, 1, 12 - 2 * d - 1),
        columns=1,
        cell=0.34,
        alt=f"Dilation {d}: a kernel of 3 on the numbers 1 to 12. It meets 1, {1 + d} and {1 + 2 * d} first, then 2, {2 + d} and {2 + 2 * d}, "
        f"and at last {12 - 2 * d}, {12 - d} and 12. The output has {12 - 2 * d} cells, the first is {3 + 3 * d}.",
    )

# %% [markdown]
# ### In two dimensions
#
# `F.conv2d` and `nn.Conv2d` take `dilation=d` for both directions or `dilation=(d_rows, d_columns)`. A 3×3 kernel always meets 9 inputs; they move apart.
# (`F.max_pool2d` and `F.unfold` have the same argument.)

# %%
image = torch.arange(63.0).reshape(7, 9)
for d in (1, 2, 3):
    height, width = 7 - 2 * d, 9 - 2 * d
    kernel_steps(
        image,
        torch.ones(3, 3),
        dilation=d,
        keys=(0, height * width - 1),
        cell=0.29,
        numbers=False,
        alt=f"Dilation {d}: a kernel of 3×3 on an input of 7×9, at its first place in the upper left corner and at its last in the lower right "
        f"corner. It meets nine cells, spread over {1 + 2 * d} rows and {1 + 2 * d} columns, neighbours {d} apart. The output is {height}×{width}.",
    )

# %% [markdown]
# ### Exercise: Fill up a kernel with zeros
#
# Write `dilate_kernel(weight, dilation)`: the kernel of a 2-d convolution, filled up with zeros, so that
# `F.conv2d(x, dilate_kernel(weight, (a, b)))` gives the same as `F.conv2d(x, weight, dilation=(a, b))`. `dilation` is a pair: rows, columns.
# There are no zeros around the outside. The result has the weight's dtype, gradients pass through it to `weight`, and `weight` itself is left as it is.
#
# <details><summary>Hint 1: the size</summary>
#
# Rows: $1 + (h-1)\,a$. Columns: $1 + (w-1)\,b$. Begin with zeros of that size. The first two dimensions stay as they are.
#
# </details>
#
# <details><summary>Hint 2: where do the entries go?</summary>
#
# Into every $a$-th row and every $b$-th column, beginning with 0. Python's slices have a step: `t[::3]` is every third entry, and you may assign to it.
# Three dots, `t[..., ::2, ::3]`, stand for all dimensions before.
#
# </details>
#
# <details><summary>Hint 3: the right dtype</summary>
#
# `weight.new_zeros(size)` makes zeros with the dtype (and on the device) of `weight`.
#
# </details>


# %% exercise="dilate_kernel" difficulty=1 minutes=6
def dilate_kernel(weight: torch.Tensor, dilation: tuple[int, int]) -> torch.Tensor:
    """The kernel with zeros between its entries.

    weight: (D, C, h, w). dilation: (a, b), for rows and columns. Returns: (D, C, 1 + (h - 1)·a, 1 + (w - 1)·b).
    """
    ### BEGIN SOLUTION
    a, b = dilation
    outputs, inputs, h, w = weight.shape
    filled = weight.new_zeros(outputs, inputs, 1 + (h - 1) * a, 1 + (w - 1) * b)
    filled[..., ::a, ::b] = weight
    return filled
    ### END SOLUTION


# %% check="dilate_kernel" points=1
g = torch.Generator().manual_seed(11)


def with_gaps(kernel, a, b):  # entry by entry
    outputs, inputs, h, w = kernel.shape
    filled = torch.zeros(outputs, inputs, 1 + (h - 1) * a, 1 + (w - 1) * b, dtype=kernel.dtype)
    for i in range(h):
        for j in range(w):
            filled[:, :, i * a, j * b] = kernel[:, :, i, j]
    return filled


weight = torch.randn(2, 1, 3, 3, generator=g)
before, wanted = weight.clone(), with_gaps(weight, 2, 2)
longer = torch.zeros(2, 1, 6, 6)
longer[:, :, ::2, ::2] = weight
expect(
    dilate_kernel(inplace(weight), (2, 2)),
    wanted,
    "dilate_kernel(weight, (2, 2)) for a weight of shape (2, 1, 3, 3)",
    mistakes={
        "There are d zeros between neighbours, but d − 1 were asked for: dilation 1 means no gaps.": with_gaps(
            before, 3, 3
        ),
        "There are zeros behind the last entry: the size is 1 + (k − 1)·d, not k·d.": longer,
        "The entries are repeated: the gaps hold zeros.": before.repeat_interleave(2, 2).repeat_interleave(2, 3)[
            :, :, :5, :5
        ],
        "The entries are repeated: the gaps hold zeros, and none stand behind the last entry.": before.repeat_interleave(
            2, 2
        ).repeat_interleave(2, 3),
        "Nothing has changed: the weight comes back as it was.": before,
    },
)
expect(weight, before, "the weight is left as it was")
weight = torch.randn(3, 2, 2, 4, generator=g)
expect(
    dilate_kernel(weight, (3, 2)),
    with_gaps(weight, 3, 2),
    "dilate_kernel(weight, (3, 2)) for a weight of shape (3, 2, 2, 4)",
    mistakes={"Rows and columns are exchanged: the first number of the pair is for the rows.": with_gaps(weight, 2, 3)},
)
weight = torch.randn(2, 3, 3, 2, generator=g, dtype=torch.float64, requires_grad=True)
answer = dilate_kernel(weight, (2, 4))
expect(answer.detach(), with_gaps(weight.detach(), 2, 4), "dilate_kernel for a weight in float64")
factors = torch.randn(2, 3, 5, 5, generator=g, dtype=torch.float64)
expect(answer.requires_grad, True, "gradients can pass: the result requires grad when the weight does")
(answer * factors).sum().backward()
expect(weight.grad, factors[..., ::2, ::4], "the gradient that arrives at the weight")
### BEGIN HIDDEN TESTS
for size, (a, b) in [((1, 2, 1, 5), (4, 3)), ((4, 1, 2, 1), (5, 7)), ((2, 3, 3, 4), (1, 1)), ((1, 1, 4, 2), (1, 6))]:
    weight = torch.randn(size, generator=g)
    what = f"dilate_kernel(weight, ({a}, {b})) for a weight of shape {size}"
    expect(dilate_kernel(weight, (a, b)), with_gaps(weight, a, b), what)
### END HIDDEN TESTS

# %% [markdown]
# ## Sizes
#
# **Before you run it:** an image of 1×1×20×30 goes through `nn.Conv2d(1, 1, kernel_size=3, dilation=4)`. What comes out? How many weights does the layer have?

# %% predict
torch.manual_seed(0)
x = torch.randn(1, 1, 20, 30)
layer = nn.Conv2d(1, 1, kernel_size=3, dilation=4)
print("output:", tuple(layer(x).shape))
print("weight:", tuple(layer.weight.shape), "so", layer.weight.numel(), "weights, and 1 bias")
print("taken off in each direction: 1 + (3 − 1)·4 − 1 =", 1 + (3 - 1) * 4 - 1)

# %% [markdown]
# The filled-up kernel is 9×9. It takes $9 - 1 = 8$ off each side: 20 − 8 = 12 and 30 − 8 = 22. Nothing else in the size formula changes: put
# $1 + (k-1)d$ where the kernel size stood. With padding $p$ on both sides and stride $s$:
#
# $$W' = \left\lfloor \frac{W + 2p - \big(1 + (k-1)\,d\big)}{s} \right\rfloor + 1 .$$
#
# That the layer equals one with a 9×9 kernel full of zeros can be computed:

# %%
weight_9 = torch.zeros(1, 1, 9, 9)
weight_9[..., ::4, ::4] = layer.weight.detach()
with torch.no_grad():
    same = torch.allclose(layer(x), F.conv2d(x, weight_9, layer.bias), atol=1e-6)
print("dilated 3×3 equals filled-up 9×9:", same)
print("entries of the 9×9 kernel that are not zero:", (weight_9 != 0).sum().item(), "of", weight_9.numel())
draw_row(
    Grid(layer.weight[0, 0], "3×3 kernel", "learned", digits=2),
    "→",
    Grid(weight_9[0, 0], "filled up, d = 4", "learned", digits=2),
    cell=0.46,
    alt="A kernel of 3×3 numbers in orange and, to its right, the same kernel filled up to 9×9: the nine numbers stand in rows and "
    "columns 0, 4 and 8, all other cells are 0.00 and nearly white.",
)

# %% [markdown]
# To keep the size with stride 1 and an odd $k$, take off nothing: $2p = (k-1)\,d$. For $k = 3$ that is $p = d$. `padding="same"` works it out for you (since PyTorch 1.9).

# %%
for d in (1, 2, 4):
    by_hand = F.conv2d(x, layer.weight, padding=d, dilation=d)
    by_name = F.conv2d(x, layer.weight, padding="same", dilation=d)
    print(
        f"k = 3, d = {d}, padding {d}:",
        tuple(by_hand.shape),
        "  'same' agrees:",
        torch.allclose(by_hand, by_name, atol=1e-6),
    )

# %% [markdown]
# ### Exercise: The size with everything
#
# Write `output_size(size, kernel, stride=1, padding=0, dilation=1)` for one direction: how many outputs a convolution has. All arguments are whole numbers,
# the result is an `int`. Where the filled-up kernel is longer than the padded input, it fits nowhere: return 0. Compute it, don't run a convolution
# (`F.conv1d`, `F.conv2d`): the check asks for sizes that fit into no memory.
#
# <details><summary>Hint 1: two words in one formula</summary>
#
# First the length of the filled-up kernel, then the formula with the floor. `//` divides and rounds down.
#
# </details>
#
# <details><summary>Hint 2: when it does not fit</summary>
#
# Then the numerator is negative. `//` rounds down there too, so a result may be below 0. No output means 0.
#
# </details>


# %% exercise="output_size" difficulty=1 minutes=5
def output_size(size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """The number of outputs of a convolution in one direction; 0 where the kernel does not fit."""
    ### BEGIN SOLUTION
    filled = 1 + (kernel - 1) * dilation
    return max(0, (size + 2 * padding - filled) // stride + 1)
    ### END SOLUTION


# %% check="output_size" points=1
with forbidden("conv1d", "conv2d"):
    answer = output_size(20, 3, dilation=4)
expect(
    answer,
    12,
    "output_size(20, 3, dilation=4)",
    mistakes={
        "The filled-up kernel has 1 + (k − 1)·d entries, not k·d.": 9,
        "There are d − 1 zeros in each gap, not d: the filled-up kernel has 9 entries.": 10,
        "dilation makes no difference in yours.": 18,
        "The + 1 at the end is missing: a kernel that just fits has one place.": 11,
        "The kernel has k − 1 gaps, not k: the filled-up kernel has 9 entries.": 8,
    },
)
expect(
    output_size(33, 4, stride=3, padding=2, dilation=3),
    10,
    "output_size(33, 4, stride=3, padding=2, dilation=3)",
    mistakes={
        "The padding stands on both sides.": (33 + 2 - 10) // 3 + 1,
        "stride makes no difference in yours.": 33 + 4 - 10 + 1,
        "padding makes no difference in yours.": (33 - 10) // 3 + 1,
    },
)
expect(
    output_size(34, 4, stride=3, padding=2, dilation=3),
    10,
    "output_size(34, 4, stride=3, padding=2, dilation=3), where the last step does not fit",
    mistakes={
        "Round down: a step that does not fit whole gives no output.": 11,
        "Round down: an output is there or not, there are no parts of it.": (34 + 4 - 10) / 3 + 1,
    },
)
expect(
    output_size(2, 3, stride=3, dilation=4),
    0,
    "output_size(2, 3, stride=3, dilation=4), where the kernel does not fit",
    mistakes={"A kernel that fits nowhere has 0 outputs, not fewer.": -2},
)
expect(
    output_size(8, 3, stride=5, dilation=4),
    0,
    "output_size(8, 3, stride=5, dilation=4), one cell too short",
    mistakes={"int() cuts −0.2 off to 0. Round *down*, to −1: // does that.": 1},
)
expect(
    output_size(5, 3, padding=2, dilation=3),
    3,
    "output_size(5, 3, padding=2, dilation=3), where only the padding makes the kernel fit",
    mistakes={"Ask whether the kernel fits the *padded* input, of size + 2·padding.": 0},
)
expect(type(output_size(20, 3)).__name__, "int", "the type of the result")
### BEGIN HIDDEN TESTS
g = torch.Generator().manual_seed(12)
for _ in range(12):
    size, kernel, stride, padding, dilation = (
        int(torch.randint(a, b, (1,), generator=g)) for a, b in [(12, 40), (1, 5), (1, 5), (0, 4), (1, 4)]
    )
    wanted = F.conv1d(torch.zeros(1, 1, size), torch.zeros(1, 1, kernel), None, stride, padding, dilation).shape[2]
    what = f"output_size({size}, {kernel}, {stride}, {padding}, {dilation})"
    expect(output_size(size, kernel, stride, padding, dilation), wanted, what)
expect(output_size(8, 3, dilation=4), 0, "output_size(8, 3, dilation=4), one cell too short")
expect(output_size(9, 3, stride=5, dilation=4), 1, "output_size(9, 3, stride=5, dilation=4), which just fits")
expect(output_size(10**12, 3, 2, 10, 10**6), (10**12 + 20 - 2 * 10**6 - 1) // 2 + 1, "output_size for 10¹² inputs")
### END HIDDEN TESTS

# %% [markdown]
# ## Zeros that nobody multiplies
#
# The filled-up kernel explains a dilated convolution. To compute with it is a waste: in 2-d, with $k = 3$ and $d = 4$, 72 of 81 products have a factor 0.
# And a zero is not nothing. A missing reading is often stored as `nan` (*not a number*), and `0 * nan` is `nan`.
#
# **Before you run it:** the museum's count at index 8, the third morning, is missing. How many outputs are lost with the filled-up kernel of 9, how many with `dilation=4`?

# %% predict
missing = visitors.clone()
missing[8] = torch.nan
print("filled-up kernel:", convolve(missing, filled).isnan().sum().item(), "of 8 outputs are nan")
print("dilation=4:      ", convolve(missing, u, dilation=4).tolist())

# %% [markdown]
# <details><summary>Why so few with <code>dilation=4</code>?</summary>
#
# Output $i$ uses the counts at $i$, $i + 4$ and $i + 8$. So index 8 is used by outputs 0 and 4 (output 8 would use it too, but the last one is 7). The filled-up kernel lies over
# index 8 at every one of its 8 places, and zero times `nan` spoils each sum.
#
# </details>
#
# Here is a way without zeros. With $d = 3$, output 0 uses inputs 0, 3, 6; output 3 uses inputs 3, 6, 9. They share inputs with each other, and never with
# outputs 1 or 2. So the input falls apart into $d$ **phases**: every third entry, beginning with 0, with 1, with 2. In each phase the convolution is a *plain* one.


# %%
def cells(ax, left, top, indices, role, d):
    """A row of cells that show their index; cells of one phase have one strength of colour."""
    for place, index in enumerate(indices):
        box = plt.Rectangle(
            (left + place, top),
            1,
            1,
            facecolor=(COLOURS[role], (0.08, 0.3, 0.6)[index % d]),
            edgecolor=INK,
            linewidth=0.8,
        )
        ax.add_artist(box)
        ax.text(left + place + 0.5, top + 0.5, str(index), ha="center", va="center", fontsize=9)


W, k, d = 13, 3, 3
out = W - (k - 1) * d
figure, ax = plt.subplots(figsize=(8.6, 4.2))
figure.subplots_adjust(0, 0, 1, 1)
cells(ax, 4, 1, range(W), "input", d)
for p in range(d):
    top = 3.4 + 1.6 * p
    cells(ax, 4, top, range(p, W, d), "input", d)
    cells(ax, 14, top, range(p, out, d), "output", d)
    ax.text(3.6, top + 0.5, f"phase {p}", ha="right", va="center", fontsize=10, color=COLOURS["input"])
    ax.annotate(
        "", (13.6, top + 0.5), (9.5, top + 0.5), arrowprops={"arrowstyle": "->", "color": COLOURS["learned"], "lw": 1.6}
    )
    ax.text(11.5, top + 0.3, "plain conv, k = 3", ha="center", va="bottom", fontsize=8.5, color=COLOURS["learned"])
cells(ax, 14, 8.9, range(out), "output", d)
for y, text, role in [(1.5, f"input, {W}", "input"), (9.4, f"output, {out}", "output")]:
    ax.text(
        3.6 if role == "input" else 13.6,
        y,
        text,
        ha="right",
        va="center",
        fontsize=10,
        weight="bold",
        color=COLOURS[role],
    )
ax.set(xlim=(0.3, 21.3), ylim=(10.2, 0.6), aspect="equal")
ax.axis("off")
show(
    figure,
    alt="Dilation 3 by phases. The input has 13 cells, numbered from 0. Phase 0 takes cells 0, 3, 6, 9, 12; phase 1 takes 1, 4, 7, 10; phase 2 "
    "takes 2, 5, 8, 11. A plain convolution with a kernel of 3 turns each phase into outputs: 0, 3, 6; then 1, 4; then 2, 5. Below, they are put "
    "together again as output cells 0 to 6.",
)

# %% [markdown]
# ### Exercise: A dilated convolution from plain ones
#
# Write `dilated_conv1d(x, weight, d)`: what `F.conv1d(x, weight, dilation=d)` gives. You may call `F.conv1d`, but without its argument `dilation`. A `nan` in the input may reach only those
# outputs that use it, so no kernel filled up with zeros: work on the phases. `x` is at least as long as the filled-up kernel; there may be fewer outputs than phases.
#
# <details><summary>Hint 1: cut and put together</summary>
#
# Phase $p$ is `x[..., p::d]`. Its outputs belong at places $p, p + d, p + 2d, …$ of the result, so you need the same kind of slice on the left of an assignment.
#
# </details>
#
# <details><summary>Hint 2: where to put the results</summary>
#
# Make an empty tensor first: N × D × $(W - (k-1)\,d)$, with `x.new_empty(…)`.
#
# </details>
#
# <details><summary>Hint 3: "Kernel size can't be greater than actual input size"</summary>
#
# If there are only 2 outputs and 5 phases, phases 2, 3 and 4 have no output. Skip them: how many phases do you need at most?
#
# </details>


# %% exercise="dilated_conv1d" difficulty=2 minutes=12
def dilated_conv1d(x: torch.Tensor, weight: torch.Tensor, d: int) -> torch.Tensor:
    """A convolution with dilation d and stride 1, from plain convolutions.

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
g = torch.Generator().manual_seed(13)


def by_definition(x, weight, d):
    width = x.shape[2] - (weight.shape[2] - 1) * d
    terms = [weight[:, :, j] @ x[:, :, j * d : j * d + width] for j in range(weight.shape[2])]
    return sum(terms)


x, weight = torch.randn(2, 3, 13, generator=g), torch.randn(4, 3, 3, generator=g)
before = [x.clone(), weight.clone()]
in_a_row = torch.cat([F.conv1d(x[..., p::3], weight) for p in range(3)], dim=2)
flipped = by_definition(x, weight.flip(2), 3)
wanted = by_definition(x, weight, 3)
close = {"rtol": 1e-4, "atol": 1e-5}
expect(
    dilated_conv1d(inplace(x), inplace(weight), 3),
    wanted,
    "dilated_conv1d(x, weight, 3) for shapes (2, 3, 13) and (4, 3, 3)",
    mistakes={
        "The phases stand one behind the other: output 1 belongs to phase 1, output 3 to phase 0 again.": in_a_row,
        "d makes no difference in yours: this is the plain convolution.": F.conv1d(*before),
        "This is a stride, not a dilation: the kernel's entries must stand d apart.": F.conv1d(*before, stride=3),
        "Only phase 0 is there.": F.conv1d(before[0][..., ::3], before[1]),
        "The kernel is flipped: torch's convolution does not flip it.": flipped,
    },
    **close,
)
expect([x, weight], before, "x and weight are left as they were")
x[1, 0, 7] = torch.nan
filled = torch.zeros(4, 3, 7)
filled[..., ::3] = weight
expect(
    dilated_conv1d(x, weight, 3),
    by_definition(x, weight, 3),
    "a nan in the input reaches only the outputs that use it",
    mistakes={"A kernel filled up with zeros: 0 · nan is nan. Work on the phases.": F.conv1d(x, filled)},
    **close,
)
x, weight = torch.randn(3, 2, 12, generator=g), torch.randn(1, 2, 3, generator=g)
expect(dilated_conv1d(x, weight, 5), by_definition(x, weight, 5), "2 outputs, fewer than the 5 phases", **close)
with Watch() as seen:
    dilated_conv1d(x, weight, 5)
# The arguments of a convolution in torch: input, weight, bias, stride, padding, dilation, …
dilations = [operation.arguments[5] for operation in seen.operations if operation.name == "convolution"]
expect(
    all(set(dilation) == {1} for dilation in dilations),
    True,
    "F.conv1d is called without its argument dilation, if at all",
    mistakes={"The dilation is left to torch: do it yourself.": False},
)
### BEGIN HIDDEN TESTS
for n, c, w, outputs, k, d in [
    (1, 1, 20, 3, 4, 2),
    (4, 3, 17, 2, 2, 7),
    (2, 5, 9, 6, 3, 1),
    (3, 2, 9, 1, 3, 4),
    (2, 2, 6, 3, 1, 4),
]:
    x = torch.randn(n, c, w, generator=g, dtype=torch.float64)
    weight = torch.randn(outputs, c, k, generator=g, dtype=torch.float64)
    what = f"dilated_conv1d for width {w}, kernel size {k}, dilation {d}, in float64"
    expect(dilated_conv1d(x, weight, d), by_definition(x, weight, d), what)
### END HIDDEN TESTS

# %% [markdown]
# ## More to see for the same parameters
#
# The **receptive field** of an output is the stretch of the input, from the first to the last entry, that can change it. (In `07_convolution` every input of that stretch could.
# With gaps, some cannot; the stretch still counts as a whole.) For one layer it is as wide as the filled-up kernel.
# The number of parameters does not depend on $d$:

# %%
for d in (1, 2, 4, 8):
    layer = nn.Conv1d(16, 16, kernel_size=3, dilation=d)
    count = sum(parameter.numel() for parameter in layer.parameters())
    print(f"dilation {d}: receptive field {1 + 2 * d:2}, parameters {count}")

# %% [markdown]
# Layers are stacked, and the fields add up. The next cell only defines how to find and draw what one output depends on.


# %%
def reached(dilations, k=3):
    """For each level, from the output down to the input: the places, relative to the output, that it depends on."""
    levels = [{0}]
    for d in reversed(dilations):  # the last layer is the first on the way down
        levels.append({p + (2 * j - k + 1) * d // 2 for p in levels[-1] for j in range(k)})
    return levels


def stack_picture(ax, dilations, shown, half, counts=None, k=3):
    """The connections from one output down through `shown` layers; entries are circles, the input is the lowest row."""
    levels = reached(dilations, k)
    n = len(dilations)
    for level in range(n + 1):
        y = n - level
        role = "output" if level == 0 else "input" if level == n else "plain"
        name = "output" if level == 0 else "input" if level == n else f"layer {n - level}"
        ax.text(-half - 0.8, y, name, ha="right", va="center", fontsize=9, color=COLOURS[role])
        for p in range(-half, half + 1):
            on = level <= shown and p in levels[level]
            ax.plot(
                p,
                y,
                "o",
                markersize=8,
                color=COLOURS[role] if on else "white",
                markeredgecolor=INK if on else "#BBBBBB",
                zorder=3,
            )
        if level < n:
            d = dilations[n - 1 - level]
            ax.text(half + 0.8, y - 0.5, f"d = {d}", ha="left", va="center", fontsize=9, color=COLOURS["learned"])
        if level < min(shown, n):
            for p in levels[level]:
                for j in range(k):
                    ax.plot(
                        [p, p + (2 * j - k + 1) * d / 2], [y, y - 1], color=COLOURS["learned"], linewidth=1.1, zorder=1
                    )
    if shown:
        ends = min(levels[shown]), max(levels[shown])
        ax.annotate(
            "",
            (ends[0] - 0.4, n - shown - 0.38),
            (ends[1] + 0.4, n - shown - 0.38),
            arrowprops={"arrowstyle": "<->", "color": INK},
        )
        ax.text(0, n - shown - 0.46, f"{ends[1] - ends[0] + 1} wide", ha="center", va="top", fontsize=9, color=INK)
    if counts is not None:
        for p, count in zip(range(ends[0], ends[1] + 1), counts):
            ax.text(
                p,
                -0.95,
                str(count),
                ha="center",
                va="top",
                fontsize=9,
                weight="bold",
                color=COLOURS["loss"] if count == 0 else INK,
            )
        ax.text(-half - 0.8, -0.95, "paths", ha="right", va="top", fontsize=9, color=INK)
    ax.set(xlim=(-half - 4, half + 3.2), ylim=(-1.3 if counts is not None else -0.9, n + 0.4))
    ax.axis("off")


# %% [markdown]
# **Before you run it:** a stack of three layers with $k = 3$ and no dilation sees 7 inputs. Suppose the layers have dilation 1, 2 and 4. How
# many inputs lie in the field of one output? Draw it, beginning at the output.

# %% predict
stepper(
    lambda ax, i: stack_picture(ax, [1, 2, 4], i, 8),
    4,
    keys=(0, 1, 2, 3),
    size=(5.2, 2.5),
    alt="A stack of three layers with kernel size 3 and dilations 1, 2, 4, drawn as rows of circles with the input at the bottom. From one output, "
    "three connections go down to layer 2, four places apart: 9 wide. From there they go down two places apart to layer 1: 13 wide. "
    "With dilation 1 they reach the input: 15 neighbours, without a gap.",
)
print("d = 1, 1, 1:", len(reached([1, 1, 1])[-1]), "inputs;  d = 1, 2, 4:", len(reached([1, 2, 4])[-1]), "inputs")

# %% [markdown]
# Fifteen. A layer with kernel size $k$ and dilation $d$ widens the field by $(k - 1)\,d$. With $k = 3$ and dilations $1, 2, 4, …, 2^{n-1}$ that is
#
# $$1 + 2\,(1 + 2 + 4 + \dots + 2^{n-1}) = 1 + 2\,(2^n - 1) .$$
#
# The parameters grow with $n$, the field with $2^n$. Without dilation the field is $1 + 2n$.

# %%
depths = range(1, 9)
grown = [1 + sum(2 * 2**level for level in range(n)) for n in depths]
print("layers            ", *(f"{n:4}" for n in depths))
print("d = 1, 1, 1, …    ", *(f"{1 + 2 * n:4}" for n in depths))
print("d = 1, 2, 4, …    ", *(f"{size:4}" for size in grown))
print("1 + 2·(2ⁿ − 1)    ", *(f"{1 + 2 * (2**n - 1):4}" for n in depths))
figure, ax = plot_axes(6.4, 2.9)
ax.plot(depths, grown, "o-", color=COLOURS["output"], label="d = 1, 2, 4, …")
ax.plot(depths, [1 + 2 * n for n in depths], "s--", color=COLOURS["plain"], label="d = 1, 1, 1, …")
ax.set(xlabel="layers (kernel size 3, the same parameters in both stacks)", ylabel="receptive field (inputs)")
ax.legend(frameon=False)
show(
    figure,
    alt="Receptive field against the number of layers, 1 to 8. With dilations 1, 2, 4, … the curve bends upwards: 3, 7, 15, 31, 63, 127, 255, 511. "
    "Without dilation it is a nearly flat line from 3 to 17.",
)

# %% [markdown]
# ### With strides in the stack
#
# A stride also widens the field, for all layers **above** it: behind a layer with stride 2, neighbours are two inputs apart. So a step of layer $l$ counts as many
# inputs as the strides of the layers before it, multiplied. With kernel sizes $k_l$, dilations $d_l$, strides $s_l$, layer 1 being next to the input:
#
# $$R = 1 + \sum_{l=1}^{n} (k_l - 1)\, d_l \prod_{m=1}^{l-1} s_m .$$
#
# Layer $l$'s own stride is not in its term: it only says where the *next* output stands. Both widen the field, and
# without padding both make the activation maps smaller. With padding they differ: a stride still leaves fewer outputs, a dilated layer with `padding="same"` keeps one for every input. That is
# why dilation is liked where each pixel wants an answer of its own, as in segmentation.
#
# A net that shrinks its maps by strides or dilations alone needs no pooling. That keeps it simple: only the activation functions are nonlinear, and whatever combines several activations is a
# linear layer.
#
# ### Exercise: The receptive field of a stack
#
# Write `receptive_field(layers)`. `layers` is a list of triples `(k, d, stride)`, the layer next to the input first. Return $R$ as an `int`. An empty list is a net that returns its input: 1. Poolings
# are triples too: `(2, 1, 2)` is a 2×2 pooling, in one direction.
#
# <details><summary>Hint 1: two numbers to carry along</summary>
#
# The field so far, beginning with 1, and the number of inputs that one step is worth, beginning with 1.
#
# </details>
#
# <details><summary>Hint 2: what first, what then?</summary>
#
# A layer's own stride has no part in its own term. So first add to the field, then multiply the step.
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
stack = [(3, 1, 1), (3, 2, 1), (3, 4, 1)]
expect(
    receptive_field(stack),
    15,
    f"receptive_field({stack})",
    mistakes={
        "The 1 is missing: before any layer, an output sees one input.": 14,
        "dilation makes no difference in yours.": 7,
        "A layer adds (k − 1)·d, not k·d: neighbouring stretches overlap.": 22,
        "Each layer widens the field by its filled-up size less 1.": 17,
        "The fields of the layers do not multiply.": 3 * 5 * 9,
        "Only the last layer counts in yours.": 9,
    },
)
stack = [(5, 1, 2), (3, 2, 3), (2, 3, 4)]
expect(
    receptive_field(stack),
    1 + 4 + 2 * 2 * 2 + 1 * 3 * 6,
    f"receptive_field({stack})",
    mistakes={
        "stride makes no difference in yours.": 1 + 4 + 4 + 3,
        "A layer's own stride does not widen its own field: add first, then multiply the step.": 1
        + 4 * 2
        + 4 * 6
        + 3 * 24,
        "Only the stride of the layer just before is taken: multiply those of all layers before.": 1
        + 4
        + 4 * 2
        + 3 * 3,
        "Each layer is multiplied by its own stride: the strides of the layers before count.": 1
        + 4 * 2
        + 4 * 3
        + 3 * 4,
        "The stack is read from the wrong end: the first triple is next to the input.": 1 + 3 + 4 * 4 + 4 * 12,
    },
)
expect(receptive_field([]), 1, "receptive_field([])")
### BEGIN HIDDEN TESTS
g = torch.Generator().manual_seed(14)
for depth in (1, 2, 4, 7):
    stack = [tuple(int(torch.randint(1, top, (1,), generator=g)) for top in (6, 5, 4)) for _ in range(depth)]
    first, last = 0, 0  # the inputs of output 0, from the output back to the input
    for k, d, s in reversed(stack):
        first, last = first * s, last * s + (k - 1) * d
    expect(receptive_field(stack), last - first + 1, f"receptive_field({stack})")
expect(receptive_field([(3, 2**n, 1) for n in range(20)]), 1 + 2 * (2**20 - 1), "20 layers with doubling dilations")
### END HIDDEN TESTS

# %% [markdown]
# ## Measure it: the support of a gradient
#
# The formula needs a plain stack. The gradient needs nothing but the net: $\partial y_i / \partial x_j$ is zero wherever $x_j$ cannot change $y_i$. Take **one** output in the middle, ask autograd for
# its gradient with respect to the input, and look where it is not zero. That set is called the *support* of the gradient.

# %%
torch.manual_seed(0)
net = nn.Sequential(*(nn.Conv1d(1, 1, 3, dilation=d, padding=d, bias=False) for d in (1, 2, 4)))
for layer in net:
    nn.init.uniform_(layer.weight, 0.5, 1.5)  # so that every stem is tall enough to be seen
x = torch.zeros(1, 1, 31, requires_grad=True)
y = net(x)
(gradient,) = torch.autograd.grad(y[0, 0, 15], x)
support = gradient[0, 0].nonzero().flatten()

by_formula = 1 + sum((3 - 1) * d for d in (1, 2, 4))
by_gradient = int(support.max() - support.min() + 1)
by_picture = max(reached([1, 2, 4])[-1]) - min(reached([1, 2, 4])[-1]) + 1
print("formula", by_formula, "  gradient", by_gradient, "  picture", by_picture)
draw_signals(
    ("∂y₁₅/∂x", gradient[0, 0], "input"),
    alt="The gradient of output 15 with respect to 31 inputs as stems: different from zero on inputs 8 to 22, 15 neighbours, and zero on both sides.",
)

# %% [markdown]
# Three ways, one number. Each stem is a sum over all paths from that input to the output, each path being a product of three weights.
#
# In two dimensions the same works with `y[0, 0, row, column]`. **Before you run it:** what shape has the field of 3×3 layers with dilation 1; then 1, 2; then 1, 2, 4?

# %% predict
masks, titles = [], []
for dilations in ([1], [1, 2], [1, 2, 4]):
    torch.manual_seed(0)
    net = nn.Sequential(*(nn.Conv2d(1, 1, 3, dilation=d, padding=d) for d in dilations))
    x = torch.zeros(1, 1, 19, 19, requires_grad=True)
    (gradient,) = torch.autograd.grad(net(x)[0, 0, 9, 9], x)
    mask = gradient[0, 0] != 0
    masks.append(mask)
    size = f"{mask.any(1).sum()}×{mask.any(0).sum()}"
    titles.append(f"d = {', '.join(map(str, dilations))}: {size}")
    print(f"{titles[-1]:18} inputs, {9 * len(dilations)} weights")
draw_images(
    masks,
    titles,
    columns=3,
    cell=1.7,
    alt="Three squares in the middle of a 19×19 input, dark where the gradient of the middle output is not zero: 3×3 for dilation 1, 7×7 for dilations 1, 2, and 15×15 for 1, 2, 4.",
)

# %% [markdown]
# A field of 15×15 with 27 weights; a single plain layer would need 15 · 15 = 225. The field grows exponentially and has no gaps: this is the figure that Yu and Koltun's paper is known for.
#
# Two cautions when you measure. Padding cuts the field of outputs near the edge, so take one in the middle of a large input. And a ReLU or a max pooling lets the gradient through only
# where it is open *for this input*, so with them you measure a part of the field. Convolutions and average poolings let everything through, and so do smooth functions such as tanh, as long as their inputs are not so large that the slope is rounded to 0.
#
# ### Exercise: Measure the receptive field of any net
#
# Write `measured_field(net, channels, size)`: send an input of shape 1 × `channels` × `size` through `net`, take the output in the middle (row $H'/2$, column $W'/2$, rounded down; all its channels together), and return `(height, width)` of
# its receptive field as two `int`s: **from the first to the last** row (column) where the gradient is not zero in at least one channel of the input. The check's nets consist of convolutions, average poolings and smooth functions, `size` is large enough,
# and the nets are float32.
#
# <details><summary>Hint 1: the gradient of one place</summary>
#
# `y[0, :, i, j].sum()` is a single number that depends on all channels of one place. `torch.autograd.grad(number, x)` returns a tuple with one gradient, of the shape of `x`. The input must be made
# with `requires_grad=True`.
#
# </details>
#
# <details><summary>Hint 2: from a gradient to rows</summary>
#
# `gradient[0] != 0` is C×H×W. `.any(0)` joins the channels; `.any(1)` of what remains says for each row whether it holds anything.
#
# </details>
#
# <details><summary>Hint 3: from the first to the last</summary>
#
# `mask.nonzero()` lists the places that are True. The last less the first, plus 1. Counting them would miss the gaps.
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
g = torch.Generator().manual_seed(15)


def with_weights(*layers):  # positive weights: no path cancels another
    net = nn.Sequential(*layers)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.rand(parameter.shape, generator=g) * 0.1 + 0.02)
    return net


net = with_weights(nn.Conv2d(2, 3, (3, 2), dilation=(2, 4), padding=(2, 2)))
expect(
    measured_field(net, 2, (17, 21)),
    (5, 5),
    "measured_field of one layer with kernel (3, 2), dilation (2, 4), padding 2",
    mistakes={
        "You counted the rows and columns that are seen: the field goes from the first to the last.": (3, 2),
        "The whole output is in your gradient: take one place of it.": (17, 21),
        "The + 1 is missing: from row 3 to row 7 there are 5 rows, not 4.": (4, 4),
        "This is the output in a corner, and padding cuts its field: take one in the middle.": (3, 1),
        "Nothing comes back: is a `return` missing?": None,
        "These are tensors: .item() or int() makes Python ints.": (torch.tensor(5), torch.tensor(5)),
    },
)
layer = nn.Conv2d(2, 2, (3, 5), bias=False)
weight = torch.zeros(2, 2, 3, 5)  # D×C×h×w
weight[0, 0, 1, 2] = 0.1  # output channel 0 sees one value of input channel 0,
weight[1, 0, 1] = 0.1  # output channel 1 sees one row of input channel 0
weight[1, 1] = torch.tensor([-0.1, 0.1, 0.1])[:, None]  # and three rows of input channel 1
with torch.no_grad():
    layer.weight.copy_(weight)
expect(
    measured_field(layer, 2, (11, 13)),
    (3, 5),
    "measured_field of a 3×5 layer whose channels see different rows",
    mistakes={
        "Only output channel 0 is measured: take all channels of the middle place together.": (1, 1),
        "A row counts where the gradient is not zero in *at least one* input channel: join the channels with any.": (
            1,
            5,
        ),
        "A gradient may be negative: ask for != 0, not for > 0.": (2, 5),
        "Height and width are exchanged: rows first.": (5, 3),
    },
)
net = with_weights(
    nn.Conv2d(1, 2, 3, padding=1), nn.Tanh(), nn.Conv2d(2, 4, (3, 5), dilation=(2, 1), padding=(2, 2)), nn.Tanh()
)
expect(
    measured_field(net, 1, (23, 31)),
    (7, 7),
    "measured_field of a 3×3 layer, tanh, and a 3×5 layer with dilation (2, 1)",
)
net = with_weights(nn.Conv2d(3, 2, 3, stride=2), nn.Softplus(), nn.Conv2d(2, 2, (3, 2), dilation=(3, 2)))
expect(
    measured_field(net, 3, (40, 37)),
    (15, 7),
    "measured_field of a layer with stride 2 under a (3, 2) layer with dilation (3, 2)",
    mistakes={"Height and width are exchanged: rows first.": (7, 15)},
)
### BEGIN HIDDEN TESTS
net = with_weights(nn.Conv2d(1, 1, (1, 3), dilation=(1, 4)), nn.AvgPool2d(2), nn.Conv2d(1, 3, (3, 1)))
expect(measured_field(net, 1, (26, 33)), (6, 10), "measured_field with an average pooling")
net = with_weights(*(nn.Conv2d(2, 2, 3, dilation=d, padding="same", bias=False) for d in (1, 2, 4)))
expect(measured_field(net, 2, (35, 41)), (15, 15), "measured_field of 3×3 layers with d = 1, 2, 4")
net = with_weights(nn.Conv2d(2, 1, (2, 1), dilation=(9, 1)))
expect(measured_field(net, 2, (19, 8)), (10, 1), "measured_field of a (2, 1) layer with dilation (9, 1)")
### END HIDDEN TESTS

# %% [markdown]
# ## Gridding
#
# The receptive field goes from the first input to the last. Is everything in between seen?
#
# **Before you run it:** three layers with $k = 3$ and dilations 2, 2, 2 have a field of $1 + 2 \cdot 6 = 13$. How many of these 13 inputs does an output really depend on?
#
# If all weights are 1, every path from an input to the output contributes exactly 1 to the gradient. So the gradient *counts the paths*.


# %% predict
def paths(dilations, k=3):
    """How many paths lead from each input of the receptive field to one output: the gradient with all weights 1."""
    field = 1 + sum((k - 1) * d for d in dilations)
    x = torch.zeros(1, 1, field, requires_grad=True)
    y = x
    for d in dilations:
        y = F.conv1d(y, torch.ones(1, 1, k), dilation=d)
    (gradient,) = torch.autograd.grad(y.sum(), x)  # the field just fits: there is one output
    return gradient[0, 0].long()


stacks = [[2, 2, 2], [1, 2, 3], [1, 2, 4]]
for dilations in stacks:
    counts = paths(dilations)
    print(f"d = {dilations}: sees {(counts > 0).sum()} of {len(counts)};", "paths", counts.tolist())

figure, axes = plt.subplots(3, 1, figsize=(8.2, 8.4))
figure.subplots_adjust(0.01, 0.01, 0.99, 0.99, hspace=0.06)
for ax, dilations in zip(axes, stacks):
    stack_picture(ax, dilations, 3, 8, counts=paths(dilations).tolist())
show(
    figure,
    alt="Three stacks of three layers, each with the connections from one output down to the input and the number of paths under each input. "
    "Dilations 2, 2, 2: the connections meet only every second input, the paths are 1, 0, 3, 0, 6, 0, 7, 0, 6, 0, 3, 0, 1. "
    "Dilations 1, 2, 3: all 13 inputs are met, by 1, 1, 2, 2, 3, 3, 3, 3, 3, 2, 2, 1, 1 paths. Dilations 1, 2, 4: all 15 are met, by 1, 1, 2, 1, 3, 2, 3, 1, 3, 2, 3, 1, 2, 1, 1 paths.",
)

# %% [markdown]
# With 2, 2, 2 an output sees 7 of 13. What about its neighbour? Its inputs are the same, moved by one:

# %%
for dilations in stacks:
    mine = reached(dilations)[-1]
    neighbours = {place + 1 for place in mine}
    print(f"d = {dilations}: sees {len(mine)} inputs, shares {len(mine & neighbours)} of them with the next output")

# %% [markdown]
# None in common: outputs at even places depend on even places alone, outputs at odd places on odd ones. The net falls apart into two nets that
# never exchange anything. In two dimensions there are four, and the results show a pattern like a chessboard or a grid: **gridding**.

# %%
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
    alt="The inputs that one output of three 3×3 layers sees, darker for more paths. Dilations 2, 2, 2: separate dots, 29% of a 13×13 field. Dilations 1, 2, 3 and 1, 2, 4: fields of 13×13 and 15×15, all of them seen.",
)

# %% [markdown]
# ### When are there no gaps?
#
# Sort the dilations. The layers so far give a field of $R$ neighbours without a gap. The next layer puts $k$ copies of that stretch side by side, $d$ apart. They leave no gap if $d \le R$. So:
#
# > No input of the receptive field is missed exactly when, with the dilations sorted, each one is at most the receptive field of those before it. The first must be 1.
#
# 1, 2, 4 passes: $1 \le 1$, $2 \le 3$, $4 \le 7$. 2, 2, 2 fails at once. The order of the layers makes no difference to what is seen.
#
# **Before you run it:** which of these have gaps: 1, 3, 9; 1, 2, 9; 4, 1, 2?

# %% predict
for dilations in ([1, 3, 9], [1, 2, 9], [4, 1, 2]):
    counts = paths(dilations)
    print(
        f"d = {dilations}: field {len(counts)}, not seen {(counts == 0).sum()}, most paths to one input {counts.max()}"
    )

# %% [markdown]
# 1, 2, 9 has gaps: $9 > 7$. And 1, 3, 9 is the limit: 27 inputs, each by exactly one path.
#
# ### Exercise: Count the paths
#
# Write `path_counts(dilations, k=3)` for a stack of 1-d layers with stride 1 and kernel size $k$: for each input of the receptive field the number of paths to one output, as an int64 tensor from the first to the last input of the field. Compute it with
# whole numbers, without a gradient (`backward`, `torch.autograd.grad`): the check has counts that float32 cannot hold. The list is left as it is. An empty one gives one input
# with one path.
#
# <details><summary>Hint 1: add one layer</summary>
#
# Suppose you have the counts of the stack so far. With one more layer, the output takes $k$ outputs of that stack, $d$ apart. What is the sum of $k$ copies of the counts, each moved $d$ places further?
#
# </details>
#
# <details><summary>Hint 2: sizes</summary>
#
# The new counts are $(k-1)\,d$ longer than the old ones. Begin with zeros and add the old counts into a slice of the same length, $k$ times.
#
# </details>


# %% exercise="path_counts" difficulty=2 minutes=10
def path_counts(dilations: list[int], k: int = 3) -> torch.Tensor:
    """How many paths lead from each input of the receptive field to one output.

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
def polynomial(dilations, k):  # counts are the coefficients of a product of polynomials 1 + z^d + z^2d + …
    coefficients = {0: 1}
    for d in dilations:
        terms = {}
        for place, count in coefficients.items():
            for j in range(k):
                terms[place + j * d] = terms.get(place + j * d, 0) + count
        coefficients = terms
    return torch.tensor([coefficients.get(place, 0) for place in range(max(coefficients) + 1)])


wanted = polynomial([2, 2, 3], 3)
dilations = [2, 2, 3]
with forbidden("backward", "grad"):
    answer = path_counts(inplace(dilations))
expect(
    answer,
    wanted,
    "path_counts([2, 2, 3])",
    mistakes={
        "These are ones for what is seen: the number of paths was asked for.": (wanted > 0).long(),
        "The dtype is not int64: whole numbers were asked for.": wanted.float(),
        "These are booleans for what is seen: the number of paths was asked for.": wanted > 0,
        "The inputs that are not seen belong to the field too, with 0 paths.": wanted[wanted > 0],
        "dilation makes no difference in yours.": polynomial([1, 1, 1], 3),
        "This is the last layer alone.": polynomial([3], 3),
        "The copies overlap: add them up, don't write one over the other.": torch.tensor(
            [1, 0, 1, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1, 0, 1]
        ),
    },
)
expect(dilations, [2, 2, 3], "the list is left as it was")
expect(path_counts([1, 2, 4]), polynomial([1, 2, 4], 3), "path_counts([1, 2, 4])")
expect(
    path_counts([3, 1], k=4),
    polynomial([3, 1], 4),
    "path_counts([3, 1], k=4)",
    mistakes={"k makes no difference in yours.": polynomial([3, 1], 3)},
)
expect(path_counts([]), torch.tensor([1]), "path_counts([])")
### BEGIN HIDDEN TESTS
for dilations, k in [([5], 2), ([1, 2, 4, 8], 2), ([4, 4, 1], 3), ([2, 3], 5), ([1, 3, 9], 3), ([7, 2], 1)]:
    expect(path_counts(dilations, k), polynomial(dilations, k), f"path_counts({dilations}, k={k})")
expect(path_counts([1] * 20), polynomial([1] * 20, 3), "path_counts of 20 layers, which float32 cannot hold")
### END HIDDEN TESTS

# %% [markdown]
# ## Choose the dilations
#
# Does a net notice what it cannot see? Here is a task that tells: random ±1 come in, and the net should repeat them, delayed by a few places: $y_i = x_{i - \text{delay}}$. Three stacks of three layers have
# **the same number of parameters** and are trained in the same way. A loss of 0.0 is a perfect echo; whoever cannot see the value wanted does best with zeros and gets 1.0.
#
# **Before you run it:** a kernel reaches as far to the left as to the right, so a field of 7 sees delays of up to 3. For each stack, which delays of 2, 5, 6 can it learn?


# %% predict
def echo_loss(dilations, delay):
    """Train a stack to repeat its input after `delay` places; the loss at the end."""
    torch.manual_seed(0)
    channels = [1, 6, 6, 1]
    net = nn.Sequential(
        *(nn.Conv1d(a, b, 3, dilation=d, padding=d) for a, b, d in zip(channels, channels[1:], dilations))
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=0.03)
    x = torch.randint(0, 2, (8, 1, 64)) * 2.0 - 1
    target = F.pad(x, (delay, 0))[..., :-delay]
    for _ in range(200):
        optimizer.zero_grad()
        loss = F.mse_loss(net(x)[..., 8:-8], target[..., 8:-8])  # the edges are left out: zeros come in there
        loss.backward()
        optimizer.step()
    return loss.item(), sum(parameter.numel() for parameter in net.parameters())


print("dilations    parameters   delay 2   delay 5   delay 6")
for dilations in ([1, 1, 1], [2, 2, 2], [1, 2, 4]):
    results = [echo_loss(dilations, delay) for delay in (2, 5, 6)]
    print(f"{dilations!s:13}{results[0][1]:10}", *(f"{loss:9.1f}" for loss, _ in results))

# %% [markdown]
# <details><summary>How to read the table</summary>
#
# 1, 1, 1 sees 3 places to each side: only delay 2. 2, 2, 2 sees 6 places to each side, but the even ones alone: delay 5 lies *inside* its receptive field and is still lost. That is gridding. 1, 2, 4 sees
# everything up to 7. The parameters are the same.
#
# </details>
#
# How far can you get with $n$ layers of kernel size $k$ and no gaps? Each layer puts $k$ stretches side by side, so the field is at most $k$ times as wide as before: $k^n$ in all, with dilations $1, k, k^2, …$. With $k = 2$
# these are the doubling dilations; WaveNet (van den Oord et al., 2016) takes 1, 2, 4, …, 512, and repeats this stack several times. One such stack:

# %%
wavenet = [2**n for n in range(10)]
counts = paths(wavenet, k=2)
print(
    "k = 2:",
    len(wavenet),
    "layers, field",
    len(counts),
    "inputs, paths from",
    counts.min().item(),
    "to",
    counts.max().item(),
)

# %% [markdown]
# For $k = 3$ the dilations 1, 3, 9, … reach furthest. Doubling ones reach less far, but stretches overlap and neighbouring inputs mix more than once; that is the usual choice. What if you need a certain field, and as few parameters as can be?
#
# ### Exercise: The smallest stack for a receptive field
#
# All layers have the same channels, $k = 3$ and stride 1, so each costs the same number of parameters, and the fewest parameters are the fewest layers. Write `smallest_stack(wanted)`: a list of dilations (`int`s of at least 1) such that
#
# - the receptive field is **exactly** `wanted`, an odd number of at least 1,
# - no input of the field is missed,
# - there are as few layers as possible.
#
# Often several lists are right, and the check takes any. For `wanted = 1` no layer is needed: `[]`. For `wanted = 13` three layers are needed, and `[1, 2, 3]` is one answer.
#
# <details><summary>Hint 1: how many layers?</summary>
#
# $n$ layers reach $3^n$ at most. So the smallest $n$ with $3^n \ge$ `wanted`. Count up in a loop; `math.log` is inexact: `math.log(243, 3)` is a little less than 5.
#
# </details>
#
# <details><summary>Hint 2: hit it exactly</summary>
#
# The field is $1 + 2\,(d_1 + \dots + d_n)$. So you know the sum that the dilations must have.
#
# </details>
#
# <details><summary>Hint 3: all but one as large as they may be</summary>
#
# Take 1, 3, 9, … for all layers but the last, and give the last one what is missing from the sum. Why is it never too large?
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
def judge(dilations):  # the field, how many inputs of it are not seen, and the number of layers
    seen = {0}
    for d in dilations:
        seen = {place + step for place in seen for step in (-d, 0, d)}
    field = 1 + 2 * sum(dilations)
    return {"receptive field": field, "inputs not seen": field - len(seen), "layers": len(dilations)}


def check(wanted):
    dilations = smallest_stack(wanted)
    if not isinstance(dilations, list):
        expect(
            type(dilations).__name__,
            "list",
            f"smallest_stack({wanted}) returns a list",
            mistakes={"Nothing comes back: is a `return` missing?": "NoneType"},
        )
    kinds = [type(d).__name__ for d in dilations]
    if kinds != ["int"] * len(dilations):
        what = f"the entries of smallest_stack({wanted}), {dilations}, are ints"
        expect(kinds, ["int"] * len(dilations), what, mistakes={"A single / makes a float, // does not.": kinds})
    if min(dilations, default=1) < 1:
        expect(min(dilations), 1, f"the smallest entry of smallest_stack({wanted}), {dilations}, is at least 1")
    if len(dilations) > wanted // 2:  # more than even dilation 1 everywhere would need
        expect(len(dilations), wanted // 2, f"smallest_stack({wanted}): the number of layers is far too large")
    result = judge(dilations)
    best = {"receptive field": wanted, "inputs not seen": 0, "layers": next(n for n in range(40) if 3**n >= wanted)}
    if result["receptive field"] > wanted:
        reason = "The field is wider than asked for: let one dilation take only what is missing from the sum."
    elif result["receptive field"] < wanted:
        reason = "The field is narrower than asked for."
    elif result["inputs not seen"]:
        reason = "Gridding: with the dilations sorted, each must be at most the field of those before it."
    else:
        reason = "This is right but not the smallest: fewer layers can do it, their dilations may grow threefold."
    expect(result, best, f"your smallest_stack({wanted}) is {dilations}", mistakes={reason: result})


for wanted in (3, 27, 13, 21, 1):
    check(wanted)
### BEGIN HIDDEN TESTS
for wanted in (5, 7, 9, 11, 15, 25, 29, 51, 81, 83, 127, 243, 245, 511, 729, 2187, 2189):
    check(wanted)
### END HIDDEN TESTS

# %% [markdown]
# ## Recap
#
# Answer from memory, then unfold.
#
# <details><summary>1. A layer has kernel size 5 and dilation 3. How long is the filled-up kernel, how many weights does it have for one input and one output channel, and which padding keeps the size?</summary>
#
# $1 + 4 \cdot 3 = 13$ long, with 5 weights. It takes 12 off, so a padding of 6 on both sides keeps the size.
#
# </details>
#
# <details><summary>2. Why does the receptive field of a stack with k = 3 and dilations 1, 2, 4, … grow exponentially with the number of layers, and how large is it for five layers?</summary>
#
# Each layer widens the field by $2d$, and $d$ doubles from layer to layer. $1 + 2\,(2^5 - 1) = 63$, with five layers' parameters.
#
# </details>
#
# <details><summary>3. A colleague uses dilation 4 in every layer of a stack and finds stripes in the results. What happens, how would you show it, and what would you change?</summary>
#
# Gridding: an output sees only every fourth input, and neighbouring outputs see different ones. The support of one output's gradient shows it. Begin with dilation 1 and let each dilation be at most the receptive
# field of the smaller ones, such as 1, 2, 4.
#
# </details>
#
# **Next**: `10_modules`. You have all the bricks: linear layers, convolutions with padding, stride and dilation, pooling. Next you build whole networks from them, and watch the shapes between the layers.
