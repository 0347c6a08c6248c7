# %% [markdown]
# # Padding, stride and pooling
#
# After this notebook you will be able to
#
# - put a frame of zeros around an input (`padding`) and move a kernel in larger steps (`stride`);
# - say the output size of a convolution or a pooling before you run it: $\left\lfloor (H + 2p - h)/s \right\rfloor + 1$;
# - point at the inputs that a stride never sees;
# - keep the size with 'same' padding, for odd and for even kernels;
# - write max pooling, its backward pass, and average pooling yourself.
#
# **Time**: about 120 minutes. **You need**: indexing and slicing of tensors (`01_tensors`), `backward()` and `.grad` (`02_gradients_and_optimizers`),
# a convolution by its definition, `F.conv2d` and `groups` (`07_convolution`).

# %% setup

# %% [markdown]
# ## A frame of zeros
#
# A kernel of $h \times w$ fits into an $H \times W$ input at $(H - h + 1) \times (W - w + 1)$ positions. So each convolution takes a little off the edges.
#
# **Before you run it:** a 28×28 image passes through one 3×3 convolution after another. After how many of them is it too small for the next one?

# %% predict
image = torch.zeros(1, 1, 28, 28)
small = torch.zeros(1, 1, 3, 3)
sizes = [28]
while image.shape[-1] >= 3:
    image = F.conv2d(image, small)
    sizes.append(image.shape[-1])
print("edge length:", sizes)
print("convolutions:", len(sizes) - 1)

# %% [markdown]
# Each one takes off 2 rows and 2 columns, and after 13 there is not enough left. The cells at the edges also take part in fewer sums than
# those in the middle: a corner is met at one position only.
#
# **Padding** is the remedy: a frame of zeros around the input. `padding=(2, 1)` means 2 rows of zeros above **and** 2 below, 1 column
# on the left **and** 1 on the right. A single number `p` stands for `(p, p)`.
#
# **Before you run it:** the input is 3×5. What size does it have with its frame, for `padding=(2, 1)`?

# %% predict
signal = torch.arange(1.0, 16).reshape(3, 5)
framed = torch.zeros(3 + 2 * 2, 5 + 2 * 1)
framed[2:5, 1:6] = signal
print(tuple(signal.shape), "→", tuple(framed.shape))

# %%
draw_row(
    Grid(signal, "input", "input", digits=0),
    "→",
    Grid(framed, "padding=(2, 1)", "input", digits=0),
    alt="Left, a 3×5 input with the numbers 1 to 15. Right, the same numbers in the middle of a 7×7 grid: two rows of zeros "
    "above and below them, one column of zeros on either side.",
)

# %% [markdown]
# ### The rule for padding
#
# With padding $(p_h, p_w)$ an input of $H \times W$ becomes $(H + 2 p_h) \times (W + 2 p_w)$: the frame counts **twice**, once on each side.
# The first number belongs to the **rows**, the second to the **columns**, as in a shape.
#
# You rarely build the frame yourself: `F.conv2d(x, weight, padding=(2, 1))` and `nn.Conv2d(…, padding=(2, 1))` do. The default is `padding=0`.
# (Other frames exist, such as a mirrored one, `nn.Conv2d(…, padding_mode="reflect")`; zeros are the default.)
#
# **Before you run it:** a 3×3 kernel on our 3×5 input, with `padding=(2, 1)`. The frame makes it 7×7. How many positions are there now?

# %% predict
ones = torch.ones(1, 1, 3, 3)
x4 = signal.reshape(1, 1, 3, 5)  # conv2d takes (N, C, H, W)
print("padding=0:      ", tuple(F.conv2d(x4, ones).shape))
print("padding=(2, 1): ", tuple(F.conv2d(x4, ones, padding=(2, 1)).shape))
print(
    "the same as the framed input without padding:",
    torch.equal(F.conv2d(x4, ones, padding=(2, 1)), F.conv2d(framed.reshape(1, 1, 7, 7), ones)),
)

# %% [markdown]
# ### Exercise: Zero padding by hand
#
# Write `zero_pad(x, padding)`: it returns a new tensor, `x` with a frame of zeros around the rows and columns of every channel of every sample. `padding` is a
# pair `(rows, columns)`, or one number for both; 0 means no frame there (and the result is still a new tensor, not `x` itself). The result has the dtype of `x`,
# and `x` stays as it is. Don't use a ready-made padding (`F.pad`, `torch.constant_pad_nd`, and modules such as `nn.ZeroPad2d` that call `F.pad`).
#
# <details><summary>Hint 1: zeros first, then the input</summary>
#
# Make the large tensor of zeros, then write `x` into its middle, as the cell with `framed` above does. With four dimensions, only the
# last two grow.
#
# </details>
#
# <details><summary>Hint 2: a pair or a number</summary>
#
# `if isinstance(padding, int): padding = (padding, padding)` turns a number into a pair; after that there is one case only.
#
# </details>
#
# <details><summary>Hint 3: the same dtype</summary>
#
# `torch.zeros(size, dtype=x.dtype, device=x.device)`, or shorter `x.new_zeros(size)`. In a slice, `:` takes a whole dimension:
# `a[:, :, 2:5, 1:6]`. From where to where do the rows of `x` go? (Don't count from the end: `-0` is 0, and `2:-0` would be empty.)
#
# </details>


# %% exercise="zero_pad" difficulty=1 minutes=6
def zero_pad(x: torch.Tensor, padding: int | tuple[int, int]) -> torch.Tensor:
    """A frame of zeros around every channel.

    x: (N, C, H, W). padding: (rows, columns) on each side, or one number for both.
    Returns: (N, C, H + 2 rows, W + 2 columns), a new tensor of the dtype of x.
    """
    ### BEGIN SOLUTION
    rows, columns = (padding, padding) if isinstance(padding, int) else padding
    n, c, height, width = x.shape
    framed = x.new_zeros(n, c, height + 2 * rows, width + 2 * columns)
    framed[:, :, rows : rows + height, columns : columns + width] = x
    return framed
    ### END SOLUTION


# %% check="zero_pad" points=2
g = torch.Generator().manual_seed(81)
x = torch.randn(2, 3, 4, 5, generator=g)
before = x.clone()
with forbidden("pad", "constant_pad_nd"):
    answer = zero_pad(inplace(x), (2, 1))
expect(
    answer,
    F.pad(before, (1, 1, 2, 2)),
    "zero_pad(x, (2, 1)) for x of shape (2, 3, 4, 5)",
    mistakes={
        "Rows and columns are swapped: the first number of the pair belongs to the rows.": F.pad(before, (2, 2, 1, 1)),
        "The frame goes on both sides: below and on the right it is missing.": F.pad(before, (1, 0, 2, 0)),
        "The frame goes on both sides: above and on the left it is missing.": F.pad(before, (0, 1, 0, 2)),
        "The input should lie in the middle of the frame, not in its upper left corner.": F.pad(before, (0, 2, 0, 4)),
        "There is a frame, but x was not written into it.": torch.zeros(2, 3, 8, 7),
        "The frame is made of ones.": F.pad(before, (1, 1, 2, 2), value=1.0),
    },
)
expect(x, before, "x is left as it was")
expect(
    zero_pad(x, 3),
    F.pad(x, (3, 3, 3, 3)),
    "zero_pad(x, 3): one number for rows and columns",
    mistakes={"One number stands for both, rows and columns.": F.pad(x, (0, 0, 3, 3))},
)
### BEGIN HIDDEN TESTS
for size, padding in [((1, 2, 3, 7), (0, 2)), ((3, 1, 5, 2), (1, 0)), ((2, 2, 3, 3), 0)]:
    x = torch.randn(size, generator=g, dtype=torch.float64)
    rows, columns = (padding, padding) if isinstance(padding, int) else padding
    wanted = F.pad(x, (columns, columns, rows, rows))
    expect(zero_pad(x, padding), wanted, f"zero_pad(x, {padding}) for x of shape {size}, in float64")
x = torch.randint(9, (2, 1, 3, 4), generator=g)
expect(zero_pad(x, (1, 2)), F.pad(x, (2, 2, 1, 1)), "zero_pad of whole numbers (int64)")
before = x.clone()
zero_pad(inplace(x), 0).zero_()
overwritten = {"Without a frame your answer is x itself, or a view of it: return a copy.": torch.zeros_like(x)}
expect(x, before, "zero_pad(x, 0) is a new tensor: writing into it leaves x as it was", mistakes=overwritten)
### END HIDDEN TESTS

# %% [markdown]
# ## The step
#
# Neighbouring outputs come from windows that overlap almost completely. Where a coarser answer is enough, the kernel can take larger steps. The
# **stride** is the step from one position to the next. Stride 1, the default, means every position.
#
# **Before you run it:** the input has 8 values, the kernel has 3, the stride is 2. How many outputs are there?

# %% predict
row = torch.tensor([[[3.0, 1, 4, 1, 5, 9, 2, 6]]])  # (N, C, W) = (1, 1, 8)
sum3 = torch.ones(1, 1, 3)
every = F.conv1d(row, sum3)
second = F.conv1d(row, sum3, stride=2)
print("stride 1:", [int(v) for v in every.flatten()])
print("stride 2:", [int(v) for v in second.flatten()])

# %%
kernel_steps(
    torch.tensor([3, 1, 4, 1, 5, 9, 2, 6]),
    torch.ones(3),
    stride=2,
    keys=range(3),
    columns=1,
    alt="Three positions of a kernel of width 3 over the eight values 3 1 4 1 5 9 2 6, with stride 2. It starts at index 0, then "
    "2, then 4, and gives 8, 10 and 16. The last value, 6, is met at no position.",
)

# %% [markdown]
# Three. The windows start at index 0, 2 and 4; a fourth would start at 6 and reach over the edge. Look at the numbers too: stride 2
# gives **every second value** of what stride 1 gives, beginning with the first.
#
# ### The size formula
#
# Along one dimension the padded input has $H + 2p$ cells, and the kernel covers $h$ of them. The last possible start is at index
# $H + 2p - h$. Count the steps of length $s$ that fit into that, and add 1 for the start at index 0:
#
# $$H' = \left\lfloor \frac{H + 2p - h}{s} \right\rfloor + 1 .$$
#
# $\lfloor\cdot\rfloor$ rounds down: a step that does not fit completely is not taken. Rows and columns are counted independently.
#
# Now both together, in an example to follow with a finger: an input of $C \times 3 \times 5$, padding $(2, 1)$, stride $(2, 2)$, a kernel of
# $C \times 3 \times 3$.
#
# **Before you run it:** use the formula twice. What is the output size?

# %% predict
for channels in (1, 4):
    x = torch.ones(1, channels, 3, 5)
    kernel = torch.ones(1, channels, 3, 3)
    y = F.conv2d(x, kernel, padding=(2, 1), stride=(2, 2))
    print(f"C = {channels}: {tuple(x.shape)[1:]} → {tuple(y.shape)[1:]}")
print("rows:   ", f"⌊(3 + 2·2 − 3)/2⌋ + 1 = {(3 + 2 * 2 - 3) // 2 + 1}")
print("columns:", f"⌊(5 + 2·1 − 3)/2⌋ + 1 = {(5 + 2 * 1 - 3) // 2 + 1}")

# %% [markdown]
# The output is 1×3×3, whatever $C$ is: a kernel goes through all channels at once and gives one map. Here are all nine positions for $C = 1$. The
# kernel is made of ones, so each output is the sum of the nine cells in the orange outlines.

# %%
kernel_steps(
    torch.arange(1, 16).reshape(3, 5),
    torch.ones(3, 3),
    padding=(2, 1),
    stride=(2, 2),
    keys=range(9),
    columns=3,
    cell=0.3,
    alt="All nine positions of a 3×3 kernel of ones over a 3×5 input with the numbers 1 to 15, framed by two rows and one "
    "column of zeros on each side. From one position to the next it moves two columns, from one row of positions to the "
    "next two rows. The 3×3 output fills up row by row: 3, 9, 9; then 39, 72, 57; then 23, 39, 29.",
)
y = F.conv2d(torch.arange(1.0, 16).reshape(1, 1, 3, 5), torch.ones(1, 1, 3, 3), padding=(2, 1), stride=(2, 2))
print(y[0, 0].int())

# %% [markdown]
# ### Exercise: The output size
#
# Write `output_size(size, kernel_size, stride=1, padding=0)`: the height and width of a convolution's output, as a tuple of two Python
# `int`s. Each of the four arguments is a pair `(rows, columns)` or one number for both. The kernel always fits into the padded input. Compute the sizes,
# don't make a tensor.
#
# <details><summary>Hint 1: one dimension at a time</summary>
#
# Turn every argument into a pair first. A little function inside yours saves repeating it. Then use the formula once with the first numbers of all
# pairs, once with the second.
#
# </details>
#
# <details><summary>Hint 2: rounding down</summary>
#
# For `int`s, `a // b` divides and rounds down, and gives an `int`.
#
# </details>


# %% exercise="output_size" difficulty=1 minutes=6
def output_size(
    size: int | tuple[int, int],
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 0,
) -> tuple[int, int]:
    """Height and width of the output of a convolution.

    Every argument: (rows, columns), or one number for both. Returns: (height, width).
    """
    ### BEGIN SOLUTION
    pairs = [(v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)]
    height, width = ((n + 2 * p - k) // s + 1 for n, k, s, p in zip(*pairs))
    return height, width
    ### END SOLUTION


# %% check="output_size" points=2
with Watch() as seen:
    answer = output_size((22, 31), (5, 6), (3, 2), (2, 4))
expect(
    answer,
    (8, 17),
    "output_size((22, 31), (5, 6), (3, 2), (2, 4))",
    mistakes={
        "The 1 for the start at index 0 is missing.": (7, 16),
        "The padding counts twice, once on each side.": (7, 15),
        "The padding is not counted.": (6, 13),
        "Round down: a step that does not fit completely is not taken.": (8, 18),
        "The fraction is not rounded down.": (8.0, 17.5),
        "Add the 1 after dividing, not before.": (7, 17),
        "Rows and columns are swapped in the stride.": (11, 12),
        "Rows and columns are swapped in the kernel size.": (7, 18),
        "Rows and columns are swapped in the padding.": (9, 15),
        "Rows and columns are swapped in the result: height first.": (17, 8),
        "The kernel's size is not taken off.": (9, 20),
    },
)
expect(
    [type(value).__name__ for value in answer],
    ["int", "int"],
    "both are Python ints",
    mistakes={"`/` gives a float, also where it divides without a remainder: `//` gives an int.": ["float", "float"]},
)
expect(isinstance(answer, tuple), True, "the answer is a tuple")
expect(seen.names, [], "what torch was made to do for it: nothing, the sizes are computed without a tensor")
expect(output_size((3, 5), 3, 2, (2, 1)), (3, 3), "output_size((3, 5), 3, 2, (2, 1)), the example above")
expect(output_size(28, 5), (24, 24), "output_size(28, 5): stride 1 and padding 0 by default")
### BEGIN HIDDEN TESTS
g = torch.Generator().manual_seed(82)
for _ in range(6):
    n, k, s, p = (
        tuple(torch.randint(low, high, (2,), generator=g).tolist()) for low, high in [(9, 40), (1, 9), (1, 6), (0, 4)]
    )
    # On the device "meta" a tensor has a shape and no values: torch computes the sizes alone.
    y = F.conv2d(torch.empty(1, 1, *n, device="meta"), torch.empty(1, 1, *k, device="meta"), None, s, p)
    expect(output_size(n, k, s, p), tuple(y.shape[2:]), f"output_size({n}, {k}, {s}, {p})")
expect(output_size(7, 7, 3), (1, 1), "output_size(7, 7, 3)")
### END HIDDEN TESTS

# %% [markdown]
# ### What torch calls it
#
# `F.conv2d(x, weight, bias=None, stride=1, padding=0, …)` and `nn.Conv2d(in_channels, out_channels, kernel_size, stride=1, padding=0, …)`
# take a number or a pair for each.
#
# **Before you run it:** three settings of `nn.Conv2d` that you will meet everywhere, on a 56×56 map. Which of them keep the size? What do the others do?

# %% predict
maps = torch.zeros(1, 8, 56, 56)
for setting in [
    {"kernel_size": 3, "padding": 1},
    {"kernel_size": 3, "stride": 2, "padding": 1},
    {"kernel_size": 4, "stride": 4},
]:
    layer = nn.Conv2d(8, 16, **setting)
    print(setting, "56×56 →", "×".join(map(str, layer(maps).shape[2:])))

# %% [markdown]
# The first keeps the size, the second halves it, the third cuts the map into patches without overlap, and gives one output for each. Padding and stride do not
# change the number of parameters: they say *where* the kernel is used, not what it contains.
#
# ### Exercise: A convolution with stride and padding
#
# Write `conv2d(x, weight, bias=None, stride=1, padding=0)`: it gives what `F.conv2d` gives with the same arguments. You may call
# `F.conv2d(x, weight, bias)` with **these three arguments only**, or go by the definition and not call it at all. You may also call your `zero_pad`.
# `stride` and `padding` are numbers or pairs. `x` must not be changed.
#
# <details><summary>Hint 1: two steps before and after</summary>
#
# Padding happens *before* the plain convolution: it changes the input. And the stride? Look again at the outputs of
# stride 1 and stride 2 in the example with eight values.
#
# </details>
#
# <details><summary>Hint 2: every s-th value</summary>
#
# A slice has a third part: `a[::2]` takes the values at index 0, 2, 4, …. Both spatial dimensions need one, each with its own step.
#
# </details>


# %% exercise="conv2d" difficulty=2 minutes=10
def conv2d(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 0,
) -> torch.Tensor:
    """A convolution with stride and padding.

    x: (N, C, H, W). weight: (D, C, h, w). bias: (D,) or None. stride, padding: (rows, columns), or one number for both.
    Returns: (N, D, H', W'), H' and W' by the size formula.
    """
    ### BEGIN SOLUTION
    (sh, sw), (ph, pw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding))
    framed = F.pad(x, (pw, pw, ph, ph))
    return F.conv2d(framed, weight, bias)[:, :, ::sh, ::sw]
    ### END SOLUTION


# %% check="conv2d" points=2
g = torch.Generator().manual_seed(83)
x, weight, bias = (torch.randn(size, generator=g) for size in [(2, 3, 9, 10), (4, 3, 3, 3), (4,)])
before = x.clone()
framed = F.pad(x, (2, 2, 1, 1))
expect(
    conv2d(inplace(x), weight, bias, stride=(2, 3), padding=(1, 2)),
    F.conv2d(before, weight, bias, (2, 3), (1, 2)),
    "conv2d(x, weight, bias, stride=(2, 3), padding=(1, 2)) for shapes (2, 3, 9, 10), (4, 3, 3, 3), (4,)",
    mistakes={
        "Rows and columns are swapped in the stride.": F.conv2d(before, weight, bias, (3, 2), (1, 2)),
        "Rows and columns are swapped in the padding.": F.conv2d(before, weight, bias, (2, 3), (2, 1)),
        "Rows and columns are swapped in stride and padding.": F.conv2d(before, weight, bias, (3, 2), (2, 1)),
        "The stride is not used.": F.conv2d(before, weight, bias, 1, (1, 2)),
        "The padding is not used.": F.conv2d(before, weight, bias, (2, 3)),
        "Neither stride nor padding is used.": F.conv2d(before, weight, bias),
        "The bias is missing.": F.conv2d(before, weight, None, (2, 3), (1, 2)),
        "You skip cells of the input: the windows stay dense, and it is positions (outputs) that are skipped.": F.conv2d(
            framed[:, :, ::2, ::3], weight, bias
        ),
        "The frame belongs around the input, not around the output.": F.pad(
            F.conv2d(before, weight, bias), (2, 2, 1, 1)
        )[:, :, ::2, ::3],
        "You skip samples and channels: rows and columns are the last two dimensions.": F.conv2d(framed, weight, bias)[
            ::2, ::3
        ],
        "The first position is at index 0, not at s − 1.": F.conv2d(framed, weight, bias)[:, :, 1::2, 2::3],
    },
    rtol=1e-4,
    atol=1e-4,
)
expect(x, before, "x is left as it was")
expect(
    conv2d(x, weight, stride=2, padding=1),
    F.conv2d(x, weight, None, 2, 1),
    "conv2d(x, weight, stride=2, padding=1): numbers for pairs, no bias",
    rtol=1e-4,
    atol=1e-4,
)
with Watch() as seen:
    conv2d(x, weight, bias, (2, 3), (1, 2))
# The arguments of a convolution in torch: input, weight, bias, stride, padding, dilation, …
settings = [operation.arguments[3:5] for operation in seen.operations if operation.name == "convolution"]
expect(
    all(pair == ((1, 1), (0, 0)) for pair in settings),
    True,
    "F.conv2d is called without a stride and a padding, if at all",
    mistakes={"The stride or the padding is left to torch: do both yourself.": False},
)
### BEGIN HIDDEN TESTS
for size, kernel, stride, padding in [
    ((1, 2, 11, 7), (3, 2, 4, 2), (3, 1), (0, 3)),
    ((3, 1, 6, 8), (2, 1, 1, 5), (1, 4), (2, 0)),
    ((2, 4, 5, 6), (1, 4, 2, 3), 1, 0),
    ((2, 2, 9, 8), (3, 2, 2, 1), 4, 1),
]:
    x, weight = (torch.randn(shape, generator=g, dtype=torch.float64) for shape in (size, kernel))
    bias = torch.randn(kernel[0], generator=g, dtype=torch.float64)
    what = f"conv2d for shapes {size}, {kernel}, stride {stride}, padding {padding}, in float64"
    expect(conv2d(x, weight, bias, stride, padding), F.conv2d(x, weight, bias, stride, padding), what)
### END HIDDEN TESTS

# %% [markdown]
# To compute everything and throw most of it away is fine for understanding, not for working: with stride (2, 2) three quarters of the products would be wasted.
# torch computes only the positions that are kept.
#
# ## What a stride never sees
#
# In the example with eight values, the last one was met at no position: it had no influence on the output. Nothing warns you of this. To
# see it on a whole map, count for every input cell how many windows meet it.
#
# The gradient counts for us. With a kernel of ones, the sum of all outputs contains each input cell as often as windows meet it. So the
# gradient of that sum **is** the count.
#
# **Before you run it:** the input is 8×9, the kernel 3×3, no padding. Try strides 1, 2, 3 and 4 on paper. Which rows and which columns are met at no position?


# %% predict
def times_met(size, kernel_size, stride, padding=0):
    """How many windows meet each cell of the input: a tensor of shape `size`."""
    x = torch.ones(1, 1, *size, dtype=torch.float64, requires_grad=True)
    kernel = torch.ones(1, 1, *kernel_size, dtype=torch.float64)
    F.conv2d(x, kernel, stride=stride, padding=padding).sum().backward()
    return x.grad[0, 0]


figure, ax = plt.subplots(figsize=(7.4, 7.2))
figure.subplots_adjust(0, 0, 1, 1)
for k, stride in enumerate([1, 2, 3, 4]):
    counts = times_met((8, 9), (3, 3), stride)
    left, top = 1.0 + 11.0 * (k % 2), 2.2 + 10.9 * (k // 2)
    draw_grid(ax, Grid(counts, f"stride {stride}", "input", digits=0), left, top)
    for i, j in (counts == 0).nonzero().tolist():
        ax.add_artist(
            plt.Rectangle((left + j, top + i), 1, 1, facecolor="white", edgecolor=INK, linewidth=0.8, zorder=4)
        )
        ax.text(left + j + 0.5, top + i + 0.5, "×", ha="center", va="center", fontsize=13, color=INK, zorder=5)
    for j in range(9):
        ax.text(left + j + 0.5, top + 8.2, j, ha="center", va="top", fontsize=7.5, color=COLOURS["plain"])
    for i in range(8):
        ax.text(left - 0.2, top + i + 0.5, i, ha="right", va="center", fontsize=7.5, color=COLOURS["plain"])
    print(f"stride {stride}: {int((counts == 0).sum()):2} of {counts.numel()} cells are never met")
ax.set(xlim=(0, 21.4), ylim=(22.3, 0.4), aspect="equal")
ax.axis("off")
show(
    figure,
    alt="Four maps of an 8×9 input: how many 3×3 windows meet each cell, a cross where none does. Stride 1: from 1 in the "
    "corners to 9 in the middle. Stride 2: 1, 2 and 4; row 7 is crossed out. Stride 3: all 1; rows 6 and 7 are crossed out. "
    "Stride 4: all 1; rows 3 and 7 and columns 3, 7 and 8 are crossed out, half of all cells.",
)

# %% [markdown]
# Two different things happen:
#
# - **A remainder at the end.** If $s$ does not divide $H + 2p - h$, the last $(H + 2p - h) \bmod s$ cells are left over. They lie at the lower and the
#   right edge. Stride 2 loses row 7 (5 mod 2 = 1), but no column (6 mod 2 = 0). With padding, cells of the frame are lost first.
# - **Gaps.** If $s > h$, the windows do not touch: between two of them $s - h$ rows or columns are skipped. Stride 4 skips row 3 and column 3;
#   row 7 and the columns 7 and 8 are what is left over at its end.
#
# A cell is ignored if its row is ignored **or** its column is. An ignored cell also gets a gradient of exactly 0.
#
# **Before you run it:** some networks halve their maps with a 1×1 kernel and stride 2. Which part of the input do they look at?

# %% predict
counts = times_met((8, 8), (1, 1), 2)
print(f"met: {int((counts > 0).sum())} of {counts.numel()} cells")
print(counts.int())

# %% [markdown]
# A quarter. With a 3×3 kernel, stride 2 and padding 1 every cell of the map is met:

# %%
print(times_met((8, 8), (3, 3), 2, padding=1).int())

# %% [markdown]
# ### Find them on the picture
#
# Here is an empty input of 5×9. The kernel is 2×3 and drawn at its first position, the stride is (3, 4), there is no padding. Draw the other positions (with
# a finger, or on paper). **Which rows and columns are ignored, and how many cells is that?**

# %%
figure, ax = plt.subplots(figsize=(4.6, 3.1))
figure.subplots_adjust(0, 0, 1, 1)
draw_grid(ax, Grid(torch.zeros(5, 9), "input", "input", hide=True), 0, 0)
ax.add_artist(plt.Rectangle((0.06, 0.06), 2.88, 1.88, fill=False, edgecolor=COLOURS["learned"], linewidth=2.6))
for j in range(9):
    ax.text(j + 0.5, 5.2, j, ha="center", va="top", fontsize=9, color=INK)
for i in range(5):
    ax.text(-0.25, i + 0.5, i, ha="right", va="center", fontsize=9, color=INK)
ax.set(xlim=(-0.9, 9.3), ylim=(5.9, -1.4), aspect="equal")
ax.axis("off")
show(
    figure,
    alt="An empty grid of 5 rows and 9 columns, numbered from 0. An orange outline marks the first position of a kernel of 2 rows and "
    "3 columns: rows 0 and 1, columns 0 to 2.",
)

# %% [markdown]
# <details><summary>The answer on the picture</summary>
#
# Windows start in the rows 0 and 3 and cover the rows 0, 1, 3, 4: row 2 is a gap. They start in the columns 0 and 4 and cover 0 to 2 and 4 to 6: column 3 is a gap,
# columns 7 and 8 are left over at the end. Only 4 · 6 = 24 of the 45 cells are met, 21 are ignored.
#
# </details>
#
# ### Exercise: Which inputs are ignored
#
# Write `ignored(size, kernel_size, stride=1, padding=0)`: a tensor of booleans of shape `(H, W)`, `True` where an input cell is met at no position.
# Every argument is a pair `(rows, columns)` or one number for both; the kernel always fits into the padded input. The mask covers the input only, not its frame.
# `times_met` above would be the short way: use it to compare, not inside. Here find the windows yourself, without autograd (`backward`, `torch.autograd.grad`)
# and without a convolution (`F.conv1d`, `F.conv2d`).
#
# To look at your mask, run this in a cell of your own and compare it with the maps above:
# `draw_row(Grid(ignored((8, 9), 3, 4).int(), "ignored", digits=0), alt="my mask")`.
#
# <details><summary>Hint 1: do what you did on the picture</summary>
#
# Begin with a map of `False` for the padded input, go through all windows in two loops, and write `True` into each.
#
# </details>
#
# <details><summary>Hint 2: the windows</summary>
#
# The size formula says where the last window may start in the padded input. A Python `range` has a third number, the step, and ends before its second one.
# A whole block can be written at once: `a[2:5, 1:6] = True`.
#
# </details>
#
# <details><summary>Hint 3: from the padded map back to the input</summary>
#
# Cut the frame off: the rows from `ph` to `ph + H`. And mind the question: `True` means *ignored*. `~a` turns booleans over.
#
# </details>


# %% exercise="ignored" difficulty=2 minutes=12
def ignored(
    size: int | tuple[int, int],
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 0,
) -> torch.Tensor:
    """Where the input of a convolution has no influence on its output.

    Every argument: (rows, columns), or one number for both. Returns: booleans of shape size, True = met at no position.
    """
    ### BEGIN SOLUTION
    pairs = [(v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)]
    (height, width), (h, w), (sh, sw), (ph, pw) = pairs
    met = torch.zeros(height + 2 * ph, width + 2 * pw, dtype=torch.bool)
    for row in range(0, height + 2 * ph - h + 1, sh):
        for column in range(0, width + 2 * pw - w + 1, sw):
            met[row : row + h, column : column + w] = True
    return ~met[ph : ph + height, pw : pw + width]
    ### END SOLUTION


# %% check="ignored" points=2
def never_met(size, kernel_size, stride, padding=(0, 0)):
    """The cells whose gradient is 0, under a kernel of ones. Every argument is a pair."""
    x = torch.ones(1, 1, *size, dtype=torch.float64, requires_grad=True)
    F.conv2d(x, x.new_ones(1, 1, *kernel_size), stride=stride, padding=padding).sum().backward()
    return x.grad[0, 0] == 0


wanted = never_met((5, 9), (2, 3), (3, 4))
rows, columns = wanted.all(dim=1), wanted.all(dim=0)  # ignored from edge to edge
starts = torch.zeros(5, 9, dtype=torch.bool)
starts[::3, ::4][:2, :2] = True
rest = torch.zeros(5, 9, dtype=torch.bool)
rest[:, 7:] = True
one_less = wanted.clone()  # as if no window started in row 3
one_less[2:] = True
with forbidden("backward", "grad", "conv1d", "conv2d"):
    answer = ignored((5, 9), (2, 3), (3, 4))
expect(
    answer,
    wanted,
    "ignored((5, 9), (2, 3), (3, 4)), the map on the picture",
    mistakes={
        "It is turned over: True means ignored, not met.": ~wanted,
        "A cell is ignored if its row is ignored or its column is: yours wants both at once.": rows[:, None] & columns,
        "You found the remainder at the right, and not the gaps between the windows.": rest,
        "You found the gaps, and not the remainder: a window must fit completely.": never_met((8, 12), (2, 3), (3, 4))[
            :5, :9
        ],
        "One window is missing: a Python range ends before its second number.": one_less,
        "Rows and columns are swapped in the stride.": never_met((5, 9), (2, 3), (4, 3)),
        "Rows and columns are swapped in the kernel size.": never_met((5, 9), (3, 2), (3, 4)),
        "A window covers h rows and w columns, not only the cell where it starts.": ~starts,
    },
)
wanted = never_met((6, 8), (3, 3), (4, 4), (1, 2))
below = torch.ones(6, 8, dtype=torch.bool)  # a[-1:2] is empty: as if only windows inside the input were there
below[3:6, 2:5] = below[3:6, 6:8] = False
expect(
    ignored((6, 8), 3, 4, (1, 2)),
    wanted,
    "ignored((6, 8), 3, 4, (1, 2)): with padding, and numbers for pairs",
    mistakes={
        "Indices below 0 count from the end in Python: work in the padded map, where no window starts below 0.": below,
        "The padding is not used: it moves the windows.": never_met((6, 8), (3, 3), (4, 4)),
        "The mask covers the frame too: cut it off.": never_met((8, 12), (3, 3), (4, 4)),
        "The frame is cut off at the wrong side: the input lies in the middle.": never_met((8, 12), (3, 3), (4, 4))[
            :6, :8
        ],
        "Rows and columns are swapped in the padding.": never_met((6, 8), (3, 3), (4, 4), (2, 1)),
    },
)
### BEGIN HIDDEN TESTS
g = torch.Generator().manual_seed(84)
for _ in range(6):
    size, kernel, stride, padding = (
        tuple(torch.randint(low, high, (2,), generator=g).tolist()) for low, high in [(6, 13), (1, 5), (1, 7), (0, 3)]
    )
    what = f"ignored({size}, {kernel}, {stride}, {padding})"
    expect(ignored(size, kernel, stride, padding), never_met(size, kernel, stride, padding), what)
expect(ignored((4, 5), 2), never_met((4, 5), (2, 2), (1, 1)), "ignored((4, 5), 2): stride 1 ignores nothing")
### END HIDDEN TESTS

# %% [markdown]
# ## Keeping the size
#
# With stride 1 the output has $H + (\text{zeros before}) + (\text{zeros after}) - h + 1$ rows. It is as large as the input if the zeros
# number $h - 1$ in all.
#
# **Before you run it:** `padding=p` puts $p$ zeros on **each** side. The input has 10 values. For which of the kernels with 2, 3, 4 and 5 values is
# there a $p$ that keeps the size?

# %% predict
for k in (2, 3, 4, 5):
    sizes = {p: F.conv1d(torch.zeros(1, 1, 10), torch.zeros(1, 1, k), padding=p).shape[-1] for p in range(4)}
    print(f"k = {k}:", ", ".join(f"p = {p} → {size:2}" for p, size in sizes.items()))

# %% [markdown]
# Only for the odd ones, with $p = (k - 1)/2$. That is why kernels of 3, 5 and 7 are so common. For an even kernel, $k - 1$ is odd, and one side must
# get one zero more than the other.
#
# `padding="same"` chooses the zeros for you. It puts $\lfloor (k - 1)/2 \rfloor$ of them before the input, and the others after it: for an even
# kernel, the additional zero comes **at the end** (on the right, below).

# %%
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # for even kernels torch says that it copies the input: that costs a little memory
    for k in (2, 3, 4, 5):
        numbers, sum_k = torch.arange(1.0, 7).reshape(1, 1, 6), torch.ones(1, 1, k)
        same = F.conv1d(numbers, sum_k, padding="same")
        before, after = (k - 1) // 2, k - 1 - (k - 1) // 2
        by_hand = F.conv1d(F.pad(numbers, (before, after)), sum_k)
        print(f"k = {k}, zeros {before} + {after}:", [int(v) for v in same.flatten()], torch.equal(same, by_hand))

# %%
figure, ax = plt.subplots(figsize=(7.6, 5.4))
figure.subplots_adjust(0, 0, 1, 1)
for n, k in enumerate([2, 3, 4, 5]):
    before, after, top = (k - 1) // 2, k // 2, 0.9 + 2.6 * n
    ax.text(-4.2, top + 0.5, f"k = {k}", ha="left", va="center", fontsize=12, weight="bold", color=COLOURS["learned"])
    ax.text(9.0, top + 0.5, f"{before} before, {after} after", ha="left", va="center", fontsize=10, color=INK)
    for j in range(-before, 6 + after):
        inside = 0 <= j < 6
        style = {"edgecolor": INK} if inside else {"edgecolor": "#777777", "linestyle": ":"}
        face = (COLOURS["input"], 0.2) if inside else "white"
        ax.add_artist(plt.Rectangle((j, top), 1, 1, facecolor=face, linewidth=0.9, **style))
        ax.text(j + 0.5, top + 0.5, j + 1 if inside else 0, ha="center", va="center", fontsize=10, color=INK)
    for start, output, line in [(0, 0, "-"), (5, 5, "--")]:
        box = (start - before + 0.05, top - 0.12)
        edge = {"edgecolor": COLOURS["learned"], "linestyle": line, "linewidth": 2.2}
        ax.add_artist(plt.Rectangle(box, k - 0.1, 1.24, fill=False, **edge))
        ax.plot(output + 0.5, top + 1.45, "^", color=COLOURS["output"], markersize=8)
        ax.text(
            output + 0.85, top + 1.48, f"output {output}", ha="left", va="center", fontsize=8, color=COLOURS["output"]
        )
ax.set(xlim=(-4.4, 13.2), ylim=(10.9, 0.3), aspect="equal")
ax.axis("off")
show(
    figure,
    alt="Four rows, for kernels of 2, 3, 4 and 5 values over the input 1 to 6. Zeros before and after it: 0 and 1, 1 and 1, 1 "
    "and 2, 2 and 2. In each row a solid outline shows the kernel at its first position and a dashed one at its last; "
    "green triangles mark input cells 0 and 5, to which these outputs belong. For odd kernels the marked cell is the "
    "middle of the window; for even ones it lies left of the middle.",
)

# %% [markdown]
# In two dimensions this holds for rows and columns separately: `nn.Conv2d(8, 16, kernel_size=(3, 5), padding="same")` pads with `(1, 2)`. (New since
# PyTorch 1.9; before that you had to work out the padding yourself. `padding="valid"` is another name for 0.)
#
# **Before you run it:** what could "same" mean for a stride of 2?

# %% predict
try:
    F.conv2d(torch.zeros(1, 1, 6, 6), torch.zeros(1, 1, 3, 3), stride=2, padding="same")
except RuntimeError as error:
    print("RuntimeError:", error)

# %% [markdown]
# torch refuses: 'same' is for stride 1 only. For stride 2 write the padding as a number, and take the size from the formula.
#
# To pad by different amounts on the two sides, use `F.pad(x, (left, right, top, bottom))`. Mind the order: it begins with the **last** dimension, so
# the columns come first.
#
# ### Exercise: 'Same' padding for any kernel
#
# Write `same_padding(kernel_size)`: the tuple `(left, right, top, bottom)` of `int`s for which
# `F.conv2d(F.pad(x, same_padding(kernel_size)), weight)` equals `F.conv2d(x, weight, padding="same")`. `kernel_size` is a pair `(rows, columns)` or one
# number for both. The stride is 1.
#
# <details><summary>Hint 1: one dimension</summary>
#
# In all, $k - 1$ zeros. Half of them, rounded down, go before the input (left, above). What is left goes after it.
#
# </details>
#
# <details><summary>Hint 2: the order</summary>
#
# `left` and `right` belong to the columns. Which number of the pair is that?
#
# </details>


# %% exercise="same_padding" difficulty=1 minutes=6
def same_padding(kernel_size: int | tuple[int, int]) -> tuple[int, int, int, int]:
    """The zeros on each side that keep the size of the input, with stride 1.

    kernel_size: (rows, columns), or one number for both. Returns: (left, right, top, bottom).
    """
    ### BEGIN SOLUTION
    rows, columns = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    left, top = (columns - 1) // 2, (rows - 1) // 2
    return left, columns - 1 - left, top, rows - 1 - top
    ### END SOLUTION


# %% check="same_padding" points=1
expect(
    same_padding((3, 7)),
    (3, 3, 1, 1),
    "same_padding((3, 7)), an odd kernel",
    mistakes={
        "F.pad begins with the last dimension: left and right come first, and belong to the columns.": (1, 1, 3, 3),
        "The order is (left, right, top, bottom).": (3, 1, 3, 1),
        "These are all the zeros of a dimension: share them between the two sides.": (6, 6, 2, 2),
        "Only k − 1 zeros are needed in all, because the kernel itself covers one cell.": (3, 4, 1, 2),
    },
)
expect(
    same_padding((4, 6)),
    (2, 3, 1, 2),
    "same_padding((4, 6)), an even kernel",
    mistakes={
        "The additional zero of an even kernel goes to the end: on the right and below.": (3, 2, 2, 1),
        "The two sides of an even kernel cannot be equal: this makes the output larger than the input.": (3, 3, 2, 2),
        "The two sides of an even kernel cannot be equal: this makes the output smaller than the input.": (2, 2, 1, 1),
        "F.pad begins with the last dimension: left and right come first, and belong to the columns.": (1, 2, 2, 3),
    },
)
answer = same_padding(5)
expect(answer, (2, 2, 2, 2), "same_padding(5): one number for rows and columns")
expect(isinstance(answer, tuple), True, "the answer is a tuple")
expect(
    [type(value).__name__ for value in answer], ["int"] * 4, "all four are Python ints: `//` gives them, `/` does not"
)
### BEGIN HIDDEN TESTS
for k in (1, 2, 8, (1, 4), (2, 9)):
    rows, columns = (k, k) if isinstance(k, int) else k
    zeros = [(columns - 1) // 2, columns // 2, (rows - 1) // 2, rows // 2]
    expect(same_padding(k), tuple(zeros), f"same_padding({k})")
### END HIDDEN TESTS

# %% [markdown]
# ## Max pooling
#
# Often you want to know whether a feature is *somewhere around here*, and not exactly where. **Max pooling** takes the largest value of each window. It has no parameters,
# and it goes through each channel of each sample separately: the number of channels stays.
#
# `F.max_pool2d(x, kernel_size)` takes the window's size `(h, w)`, or `k` for `(k, k)`. Here is a tensor of 1×2×3×6 with values 0, 1 and 2.
#
# **Before you run it:** windows of `(1, 2)` do not overlap. What shape comes out? What is the first row of the first channel?

# %% predict
x6 = torch.tensor(
    [
        [
            [[1.0, 2, 0, 1, 1, 0], [0, 1, 2, 2, 0, 0], [2, 0, 0, 1, 1, 2]],
            [[1.0, 1, 1, 1, 1, 0], [2, 0, 0, 1, 1, 1], [0, 0, 1, 0, 0, 2]],
        ]
    ]
)
pooled = F.max_pool2d(x6, (1, 2))
print(tuple(x6.shape), "→", tuple(pooled.shape))
print(pooled)

# %%
kernel_steps(
    x6[0, 0],
    torch.ones(1, 2),
    stride=(1, 2),
    reduce="max",
    keys=[0, 1, 2, 8],
    alt="Max pooling of the first channel, 3×6, with windows of one row and two columns. The windows lie side by side: 1 and 2 give "
    "2, 0 and 1 give 1, 1 and 0 give 1. The last window, 1 and 2 in the lower right corner, gives 2. The output is 3×3.",
)

# %% [markdown]
# (The lecture that this example comes from drew its tensor at random, with `Variable(Tensor(1, 2, 3, 6).random_(3))`; today you would write
# `torch.randint(3, (1, 2, 3, 6)).float()`. The first row of each channel, and the results 2 1 1 and 0 1 2, are the lecture's; other rows are filled in.)
#
# ### A stride that nobody gave
#
# The windows lay side by side, though nobody gave a stride.
#
# **Before you run it:** both calls use a 2×2 window on a 6×8 input, both without a stride. Are the outputs equally large?

# %% predict
x68 = torch.zeros(1, 1, 6, 8)
print("F.max_pool2d:", tuple(F.max_pool2d(x68, 2).shape))
print("F.conv2d:    ", tuple(F.conv2d(x68, torch.zeros(1, 1, 2, 2)).shape))
print("F.max_pool2d, stride=1:", tuple(F.max_pool2d(x68, 2, stride=1).shape))

# %% [markdown]
# The default stride of a **pooling** is its **kernel size**, the default stride of a **convolution** is **1**. The size formula holds for both. With $s = h$ and $p = 0$
# it becomes $\lfloor (H - h)/h \rfloor + 1 = \lfloor H/h \rfloor$. So a pooling with window $(h, w)$ turns
#
# $$N \times C \times H \times W \quad\text{into}\quad N \times C \times \lfloor H/h \rfloor \times \lfloor W/w \rfloor .$$
#
# If $h$ does not divide $H$, the last $H \bmod h$ rows are ignored. (`ceil_mode=True` rounds up instead, and gives them windows of their own.)
# As modules: `nn.MaxPool2d(kernel_size)` and `nn.AvgPool2d(kernel_size)`. They hold no parameters.

# %%
for size, window in [((5, 3, 24, 24), (3, 3)), ((5, 3, 8, 8), (3, 3)), ((2, 4, 9, 11), (2, 4))]:
    y = F.max_pool2d(torch.zeros(size), window)
    print(f"{size} with {window}: {tuple(y.shape)}, ⌊H/h⌋ = {size[2] // window[0]}, ⌊W/w⌋ = {size[3] // window[1]}")

# %% [markdown]
# **Before you run it:** every value is −1. What is the largest value of a window that lies half on the frame, with `padding=1`?

# %% predict
print(F.max_pool2d(torch.full((1, 1, 4, 4), -1.0), 3, stride=2, padding=1))

# %% [markdown]
# It is −1, not 0: max pooling frames its input with $-\infty$, so the frame never wins. Only convolution and average pooling use zeros.
#
# ### Exercise: Max pooling by hand
#
# Write `max_pool2d(x, kernel_size)`: it gives what `F.max_pool2d(x, kernel_size)` gives, with its default stride and no padding. `kernel_size`
# is a pair or a number. A remainder of rows or columns is ignored. Values may all be negative. Don't call a ready-made pooling
# (`F.max_pool2d`, `F.max_pool2d_with_indices`, `F.max_pool1d`, `F.max_pool3d`, `F.adaptive_max_pool2d`, and the modules that call them), and leave `x` as it is.
#
# <details><summary>Hint 1: windows that don't overlap</summary>
#
# Cut the remainder off first. Then the H rows are $H'$ groups of $h$ rows each. A `reshape` can split one dimension into two: 12 rows into 4 × 3. Do the same with the columns.
# Now each window has two dimensions of its own.
#
# </details>
#
# <details><summary>Hint 2: the largest over two dimensions</summary>
#
# `a.amax(dim=(3, 5))` takes the largest value over the dimensions 3 and 5 at once. (`a.max(dim=3)` takes one dimension only, and returns values *and* indices.)
#
# </details>
#
# <details><summary>Hint 3: another road</summary>
#
# Two loops over the outputs: output `[:, :, i, j]` is the `amax` of a slice of `x`, for all samples and channels at once.
#
# </details>


# %% exercise="max_pool2d" difficulty=2 minutes=10
def max_pool2d(x: torch.Tensor, kernel_size: int | tuple[int, int]) -> torch.Tensor:
    """The largest value of each window, windows side by side.

    x: (N, C, H, W). kernel_size: (h, w), or one number for both. Returns: (N, C, H // h, W // w), dtype of x.
    """
    ### BEGIN SOLUTION
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    n, c, height, width = x.shape
    rows, columns = height // h, width // w
    windows = x[:, :, : rows * h, : columns * w].reshape(n, c, rows, h, columns, w)
    return windows.amax(dim=(3, 5))
    ### END SOLUTION


# %% check="max_pool2d" points=2
g = torch.Generator().manual_seed(86)
x = torch.randn(2, 3, 12, 12, generator=g)
before = x.clone()
groups = before.reshape(2, 3, 4, 3, 6, 2)
with forbidden("max_pool2d", "max_pool2d_with_indices", "max_pool1d", "max_pool3d", "adaptive_max_pool2d"):
    answer = max_pool2d(inplace(x), (3, 2))
expect(
    answer,
    F.max_pool2d(before, (3, 2)),
    "max_pool2d(x, (3, 2)) for x of shape (2, 3, 12, 12)",
    mistakes={
        "Rows and columns are swapped in the window.": F.max_pool2d(before, (2, 3)),
        "The windows overlap: the stride of a pooling is its kernel size.": F.max_pool2d(before, (3, 2), stride=1),
        "This is the mean of each window.": F.avg_pool2d(before, (3, 2)),
        "This is the smallest value of each window.": -F.max_pool2d(-before, (3, 2)),
        "Only the first cell of each window is taken.": before[:, :, ::3, ::2],
        "Each channel is pooled separately: you took the largest over the channels too.": F.max_pool2d(
            before.amax(dim=1, keepdim=True), (3, 2)
        ),
        "Only rows are pooled.": F.max_pool2d(before, (3, 1)),
        "Only columns are pooled.": F.max_pool2d(before, (1, 2)),
        "The windows are made of cells that are not neighbours: a reshape splits a dimension of 12 rows into (4, 3), the "
        "groups first, then the rows within a group.": before.reshape(2, 3, 3, 4, 2, 6).amax(dim=(2, 4)),
        "The reshaped tensor has the dimensions (N, C, H', h, W', w): the largest over h and w is wanted.": groups.amax(
            dim=(2, 4)
        ),
    },
)
expect(x, before, "x is left as it was")
x = torch.randn(2, 4, 8, 11, generator=g) - 10
expect(
    max_pool2d(x, 3),
    F.max_pool2d(x, 3),
    "max_pool2d(x, 3) for x of shape (2, 4, 8, 11) with negative values, and with a remainder",
    mistakes={
        "The remainder has got windows of its own: it is ignored.": F.max_pool2d(x, 3, ceil_mode=True),
        "The largest of negative values is negative: where do your zeros come from?": torch.zeros(2, 4, 2, 3),
        "The remainder is cut off at the beginning: it lies at the end.": F.max_pool2d(x[:, :, 2:, 2:], 3),
    },
)
### BEGIN HIDDEN TESTS
for size, window in [((1, 2, 5, 9), (2, 4)), ((3, 1, 7, 6), (1, 5)), ((2, 2, 6, 4), (6, 1)), ((2, 3, 4, 5), 1)]:
    x = torch.randn(size, generator=g, dtype=torch.float64)
    expect(max_pool2d(x, window), F.max_pool2d(x, window), f"max_pool2d(x, {window}) for shape {size}, in float64")
### END HIDDEN TESTS

# %% [markdown]
# ## Where the gradient goes
#
# A small change of the largest value in a window changes the output by as much. A small change of any other value changes nothing.
#
# **Before you run it:** the input is 4×5, the window 2×2. Each of the four outputs receives the gradient below. Which cells of the input get a gradient other than 0? What
# does the last column get?

# %% predict
values = torch.tensor([[3.0, 8, 1, 4, 9], [5, 2, 7, 6, 9], [1, 0, 2, 3, 9], [4, 3, 5, 1, 9]]).reshape(1, 1, 4, 5)
values.requires_grad_()
largest = F.max_pool2d(values, 2)
received = torch.tensor([[10.0, 20], [30, 40]]).reshape(1, 1, 2, 2)
largest.backward(received)
print(values.grad[0, 0].int())

# %%
draw_row(
    Grid(values[0, 0], "x", "input", digits=0),
    "→",
    Grid(largest[0, 0], "y", "output", digits=0),
    alt="Forward: x of 4×5 gives y of 2×2 with the values 8, 7, 4 and 5, the largest of each 2×2 window. The last column of x, "
    "all 9, belongs to no window.",
)
draw_row(
    Grid(values.grad[0, 0], "∂L/∂x", "loss", digits=0),
    "←",
    Grid(received[0, 0], "∂L/∂y", "loss", digits=0),
    alt="Backward: the gradients 10, 20, 30 and 40 of the four outputs go to the four cells of the 4×5 input that were the largest "
    "of their windows: row 0 column 1, row 1 column 2, row 3 column 0, row 3 column 2. All other cells have 0.",
)

# %% [markdown]
# ### The rule for the gradient
#
# The gradient of an output goes, undivided, to the cell that won its window. All other cells get 0, and so does the remainder:
#
# $$\frac{\partial L}{\partial x_{cij}} = \begin{cases} \dfrac{\partial L}{\partial y_{ci'j'}} & \text{if } x_{cij} \text{ is the largest of window } (i', j'),\\ 0 & \text{otherwise.} \end{cases}$$
#
# If two cells of a window are equally large, somebody has to choose.
#
# **Before you run it:** a 2×2 window with four equal values receives the gradient 1. Does each cell get ¼?

# %% predict
tie = torch.full((1, 1, 2, 2), 7.0, requires_grad=True)
F.max_pool2d(tie, 2).sum().backward()
print(tie.grad[0, 0])

# %% [markdown]
# One cell gets all of it: the first, row by row. Don't build on it: which cell wins a tie is not part of what the documentation promises. After a ReLU such ties are
# common, because many values are 0.
#
# ### Exercise: Backward through max pooling
#
# Write `max_pool2d_backward(x, grad_y, kernel_size)`: the gradient $\partial L/\partial x$ of a max pooling with the default stride and no padding, given its input and
# $\partial L/\partial y$. It has the shape and dtype of `x`. Cells of the remainder get 0. In the tests **no two values of a channel are equal**, so you need no rule for
# ties. Don't use autograd (`backward`, `torch.autograd.grad`). You may call `F.max_pool2d` or your `max_pool2d`. Leave `x` and `grad_y` as they are.
#
# <details><summary>Hint 1: find the winners</summary>
#
# Pool, then spread the result out again: each output value fills its whole window. Where the spread-out tensor equals `x`, there is a winner.
#
# </details>
#
# <details><summary>Hint 2: spreading out</summary>
#
# `a.repeat_interleave(3, dim=2)` repeats every row three times. Do rows, then columns. `grad_y` can be spread out in the same way.
#
# </details>
#
# <details><summary>Hint 3: the remainder</summary>
#
# Begin with `torch.zeros_like(x)`, and write into the part that belongs to windows: `H // h * h` rows and `W // w * w` columns.
#
# </details>


# %% exercise="max_pool2d_backward" difficulty=3 minutes=15
def max_pool2d_backward(x: torch.Tensor, grad_y: torch.Tensor, kernel_size: int | tuple[int, int]) -> torch.Tensor:
    """The gradient with respect to the input of a max pooling.

    x: (N, C, H, W), no ties. grad_y: (N, C, H // h, W // w). kernel_size: (h, w), or one number. Returns: (N, C, H, W).
    """
    ### BEGIN SOLUTION
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    rows, columns = x.shape[2] // h * h, x.shape[3] // w * w

    def spread(values):
        return values.repeat_interleave(h, dim=2).repeat_interleave(w, dim=3)

    winners = x[:, :, :rows, :columns] == spread(F.max_pool2d(x, (h, w)))
    grad_x = torch.zeros_like(x)
    grad_x[:, :, :rows, :columns] = winners * spread(grad_y)
    return grad_x
    ### END SOLUTION


# %% check="max_pool2d_backward" points=3
g = torch.Generator().manual_seed(87)


def no_ties(*size):
    """The numbers 1, 2, 3, …, shuffled, some of them negative."""
    count = math.prod(size)
    return (torch.randperm(count, generator=g) - count // 2).float().reshape(size)


def spread(values):
    return values.repeat_interleave(2, dim=2).repeat_interleave(3, dim=3)


# Windows that leave no remainder first.
x, grad_y = no_ties(2, 3, 4, 6), torch.randn(2, 3, 2, 2, generator=g)
before = [x.clone(), grad_y.clone()]
leaf = x.clone().requires_grad_()
(wanted,) = torch.autograd.grad(F.max_pool2d(leaf, (2, 3)), leaf, grad_y)
winners = (wanted != 0).float()
with forbidden("backward", "grad"):
    answer = max_pool2d_backward(inplace(x), inplace(grad_y), (2, 3))
expect(
    answer,
    wanted,
    "max_pool2d_backward(x, grad_y, (2, 3)) for x of shape (2, 3, 4, 6)",
    mistakes={
        "Every cell of a window gets the gradient: it goes to the largest alone.": spread(grad_y),
        "The gradient is shared out among the cells of a window: that is average pooling.": spread(grad_y) / 6,
        "Winners get a 1: they should get the gradient of their output.": winners,
        "Winners get their own value: they should get the gradient of their output.": winners * x,
        "The gradient is multiplied by x: the slope of a maximum is 1 at its winner.": wanted * x,
        "The other way round: the largest gets 0, all others the gradient.": spread(grad_y) - wanted,
        "`repeat` lays copies of the whole tensor side by side: repeat_interleave repeats each row or column.": (
            x == F.max_pool2d(x, (2, 3)).repeat(1, 1, 2, 3)
        )
        * grad_y.repeat(1, 1, 2, 3),
        "The winners are right, but each gets another output's gradient: `repeat` lays copies of the whole tensor side by "
        "side, repeat_interleave repeats each row or column.": winners * grad_y.repeat(1, 1, 2, 3),
        "The gradient goes to the first cell of each window, not to the largest.": spread(grad_y)
        * F.pad(torch.ones(1, 1, 1, 1), (0, 2, 0, 1)).repeat(1, 1, 2, 2),
    },
)
expect([x, grad_y], before, "x and grad_y are left as they were")
x, grad_y = no_ties(2, 2, 7, 8), torch.randn(2, 2, 2, 2, generator=g)
leaf = x.clone().requires_grad_()
(wanted,) = torch.autograd.grad(F.max_pool2d(leaf, 3), leaf, grad_y)
expect(
    max_pool2d_backward(x, grad_y, 3),
    wanted,
    "max_pool2d_backward(x, grad_y, 3) for x of shape (2, 2, 7, 8), with a remainder",
    mistakes={"The gradient has the shape of x: rows and columns of the remainder get zeros.": wanted[:, :, :6, :6]},
)
### BEGIN HIDDEN TESTS
for size, window in [((1, 2, 5, 9), (2, 4)), ((3, 1, 7, 6), (1, 5)), ((2, 3, 4, 5), (4, 1)), ((2, 1, 5, 6), 2)]:
    x = no_ties(*size).double()
    leaf = x.clone().requires_grad_()
    y = F.max_pool2d(leaf, window)
    grad_y = torch.randn(y.shape, generator=g, dtype=torch.float64)
    (wanted,) = torch.autograd.grad(y, leaf, grad_y)
    what = f"max_pool2d_backward(x, grad_y, {window}) for shape {size}, in float64"
    expect(max_pool2d_backward(x, grad_y, window), wanted, what)
### END HIDDEN TESTS

# %% [markdown]
# ## Average pooling
#
# **Average pooling** takes the mean of each window: `F.avg_pool2d(x, kernel_size)`, with the same defaults. Compare three ways to make a 12×12 picture 6×6. The
# picture is a frame, drawn with lines one pixel wide in the rows 3 and 9 and the columns 3 and 8.
#
# **Before you run it:** take every second pixel, or the largest of 2×2, or the mean of 2×2. In which of the three do all four sides survive? How dark are they?

# %% predict
thin = torch.zeros(12, 12)
thin[[3, 9], 3:9] = 1
thin[3:10, [3, 8]] = 1
every_second = thin[::2, ::2]
maximum = F.max_pool2d(thin[None, None], 2)[0, 0]
mean = F.avg_pool2d(thin[None, None], 2)[0, 0]
figure, axes = plt.subplots(1, 4, figsize=(8.0, 2.4), layout="constrained")
for ax, (name, version) in zip(
    axes, {"input": thin, "every second": every_second, "max": maximum, "mean": mean}.items()
):
    size = len(version)
    ax.pcolormesh(version.numpy(), cmap="Blues", vmin=0, vmax=1.2, edgecolors="#cccccc", linewidth=0.5)
    ax.set(title=f"{name}, {size}×{size}", xticks=[], yticks=[], aspect="equal")
    ax.invert_yaxis()
    print(f"{name:12} largest {version.max():.2f}, mean {version.mean():.3f}")
show(
    figure,
    alt="A thin frame of 12×12 pixels and three versions of 6×6, in the same colours. Every second pixel: only the right side "
    "is left. Max: all four sides, as dark as before. Mean: all four sides, paler.",
)

# %% [markdown]
# Every second pixel, a stride without pooling, sees even rows and columns only: the lines in the rows 3 and 9 and in column 3 are lost. The maximum keeps every line at its full
# value, so the picture as a whole becomes darker. The mean keeps every line, paler, and the picture's average exactly.
#
# ### The mean is a convolution
#
# A mean is a weighted sum, so a convolution can compute it. (A maximum is no weighted sum: no kernel computes it.)
#
# **Before you run it:** one channel, a 2×2 window. Which four weights must the kernel have, and which stride the convolution?

# %% predict
one = thin[None, None]
quarter = torch.full((1, 1, 2, 2), 1 / 4)
print(
    "conv2d with weights 1/4 and stride 2 gives the mean:",
    torch.allclose(F.conv2d(one, quarter, stride=2), F.avg_pool2d(one, 2)),
)

# %% [markdown]
# Average pooling **is** a convolution, with the fixed weights $\frac{1}{h\,w}$ and the stride $(h, w)$.
#
# With several channels there is one obstacle: a convolution adds up all channels, and a pooling keeps them apart. `groups` helps: `F.conv2d(x, weight, groups=G)` splits the
# channels into `G` groups and convolves each by itself. With as many groups as channels, each channel has its own kernel of **one** channel:

# %%
two_channels = torch.stack([torch.full((4, 4), 1.0), torch.full((4, 4), 10.0)])[None]
sum4 = torch.ones(2, 1, 2, 2)  # (out_channels, in_channels / groups, h, w)
print(F.conv2d(two_channels, sum4, stride=2, groups=2))

# %% [markdown]
# ### Exercise: Average pooling as a convolution
#
# Write `avg_pool2d(x, kernel_size)`: it gives what `F.avg_pool2d(x, kernel_size)` gives, with one call of `F.conv2d` and without a ready-made pooling (`F.avg_pool1d`,
# `F.avg_pool2d`, `F.avg_pool3d`, `F.adaptive_avg_pool2d`, and the modules that call them). `kernel_size` is a pair or a number; `x` has any number of channels, and is float32
# or float64. Leave `x` as it is.
#
# <details><summary>Hint 1: the weight</summary>
#
# Its shape is `(C, 1, h, w)`, and all its values are equal. They add up to 1 within one kernel.
#
# </details>
#
# <details><summary>Hint 2: two settings</summary>
#
# Pooling and convolution have different default strides. And the channels must stay apart.
#
# </details>
#
# <details><summary>Hint 3: an error about dtypes</summary>
#
# Weight and input of a convolution must have the same dtype. `x.new_full(size, value)` makes a tensor with the dtype and the device of `x`.
#
# </details>


# %% exercise="avg_pool2d" difficulty=3 minutes=10
def avg_pool2d(x: torch.Tensor, kernel_size: int | tuple[int, int]) -> torch.Tensor:
    """The mean of each window, windows side by side, computed by a convolution.

    x: (N, C, H, W). kernel_size: (h, w), or one number for both. Returns: (N, C, H // h, W // w), dtype of x.
    """
    ### BEGIN SOLUTION
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    channels = x.shape[1]
    weight = x.new_full((channels, 1, h, w), 1 / (h * w))
    return F.conv2d(x, weight, stride=(h, w), groups=channels)
    ### END SOLUTION


# %% check="avg_pool2d" points=2
g = torch.Generator().manual_seed(88)
x = torch.randn(2, 3, 7, 10, generator=g)
before = x.clone()
mean = F.avg_pool2d(x, (2, 4))
with forbidden("avg_pool1d", "avg_pool2d", "avg_pool3d", "adaptive_avg_pool2d"):
    answer = avg_pool2d(inplace(x), (2, 4))
expect(
    answer,
    mean,
    "avg_pool2d(x, (2, 4)) for x of shape (2, 3, 7, 10)",
    mistakes={
        "These are sums: a mean divides by the number of cells, h · w.": 8 * mean,
        "The windows overlap: a convolution's default stride is 1, here it must be the window's size.": F.avg_pool2d(
            before, (2, 4), stride=1
        ),
        "Rows and columns are swapped in the window.": F.avg_pool2d(before, (4, 2)),
        "Rows and columns are swapped in the stride.": F.avg_pool2d(before, (2, 4), stride=(4, 2)),
        "The channels are added up: with groups each stays by itself.": mean.sum(dim=1, keepdim=True),
        "Each output is the sum over all channels: with groups each stays by itself.": mean.sum(
            dim=1, keepdim=True
        ).repeat(1, 3, 1, 1),
        "Each output is the mean over all channels: with groups each stays by itself.": mean.mean(
            dim=1, keepdim=True
        ).repeat(1, 3, 1, 1),
        "The mean goes over all channels: with groups each stays by itself.": mean.mean(dim=1, keepdim=True),
        "This is the largest value of each window.": F.max_pool2d(before, (2, 4)),
    },
    rtol=1e-4,
    atol=1e-5,
)
expect(x, before, "x is left as it was")
x = torch.randn(3, 5, 9, 8, generator=g, dtype=torch.float64)
expect(avg_pool2d(x, 3), F.avg_pool2d(x, 3), "avg_pool2d(x, 3) for x of shape (3, 5, 9, 8), in float64")
### BEGIN HIDDEN TESTS
for size, window in [((1, 1, 6, 5), (3, 1)), ((2, 4, 5, 9), (5, 2)), ((2, 2, 4, 6), 1)]:
    x = torch.randn(size, generator=g, dtype=torch.float64)
    expect(avg_pool2d(x, window), F.avg_pool2d(x, window), f"avg_pool2d(x, {window}) for shape {size}, in float64")
### END HIDDEN TESTS

# %% [markdown]
# ## Recap
#
# Answer from memory, then unfold.
#
# <details><summary>1. A map of 3×5, padding (2, 1), stride (2, 2), kernel 3×3: how large is the output, and why?</summary>
#
# 3×3. Rows: $\lfloor (3 + 4 - 3)/2 \rfloor + 1 = 3$, columns: $\lfloor (5 + 2 - 3)/2 \rfloor + 1 = 3$. The padding counts on both sides, incomplete steps are not
# taken, and the start at index 0 gives the 1.
#
# </details>
#
# <details><summary>2. For which two reasons can an input cell have no influence on the output of a strided convolution?</summary>
#
# It lies in a gap between windows ($s > h$), or in the remainder at the end that the next step does not reach ($s$ does not divide $H + 2p - h$). Its gradient is exactly 0.
#
# </details>
#
# <details><summary>3. <code>F.max_pool2d(x, 3)</code> and <code>F.conv2d(x, w)</code> with a 3×3 kernel, both on 8×8 maps: which sizes come out? And where does the gradient of each output go?</summary>
#
# 2×2 and 6×6: a pooling's default stride is its kernel size, a convolution's is 1. In max pooling the gradient goes to one cell of the window, the largest; in the
# convolution to all nine cells (of every channel), each multiplied by its weight.
#
# </details>
#
# **Next**: `09_dilation`. Padding adds cells around the input, stride leaves positions out. Dilation leaves gaps *inside the kernel*: each output sees farther, with the same
# number of weights.
