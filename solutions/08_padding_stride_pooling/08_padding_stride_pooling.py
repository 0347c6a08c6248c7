# %% [markdown]
# # Padding, stride and pooling
#
# After this notebook you will be able to
#
# - put a frame of zeros around an input (`padding`) and move a kernel in larger steps (`stride`);
# - predict the output size of any convolution or pooling;
# - find the inputs that a stride never sees;
# - keep the size with 'same' padding, for odd and for even kernels;
# - write max pooling, its backward pass and average pooling, and measure what pooling does for digits that move.
#
# **Points**: 16, in 8 exercises. **Time**: about 40 minutes of reading and 85 minutes for the exercises.
# **You need**: indexing and slicing of tensors, `backward()` and `.grad`, and from `07_convolution` a convolution by its definition, `F.conv2d` and
# `groups`.
#
# The check below each exercise tries everything that its text asks for. The grader asks for the same, with more values.

# %% setup

# %% [markdown]
# ## A frame of zeros
#
# A kernel of $h \times w$ fits into an $H \times W$ input at $(H - h + 1) \times (W - w + 1)$ positions, so every kernel larger than 1×1 shrinks its
# input a little.
#
# **Before you run it:** a 28×28 image passes through one 3×3 convolution after another. After how many of them is it too small for the next one?

# %% predict
image = torch.zeros(1, 1, 28, 28)
kernel = torch.zeros(1, 1, 3, 3)
sizes = [28]
while image.shape[-1] >= 3:
    image = F.conv2d(image, kernel)
    sizes.append(image.shape[-1])
print("edge length:", sizes)
print("convolutions:", len(sizes) - 1)

# %% [markdown]
# <details><summary>Why?</summary>
#
# Each convolution removes 2 rows and 2 columns, so after 13 of them a 2×2 map is left. Cells near the edge are also used less than the others: a corner
# is covered by one window only, a cell in the middle by nine.
#
# </details>
#
# The remedy is **padding**: a frame of zeros around the input. `padding=(2, 1)` means 2 rows of zeros above **and** 2 below, 1 column on the left
# **and** 1 on the right. A single number `p` stands for `(p, p)`.

# %% folded label="Draw a padded input"
padded = F.pad(torch.arange(1, 16).reshape(3, 5), (1, 1, 2, 2))
figure, ax = plt.subplots(figsize=(5.6, 3.7))
figure.subplots_adjust(0, 0, 1, 1)
for (top, left), size, name in [((2, 0.5), (3, 5), "input"), ((0, 9), (7, 7), "padded")]:
    for i in range(size[0]):
        for j in range(size[1]):
            inside = name == "input" or (2 <= i < 5 and 1 <= j < 6)
            style = {"edgecolor": INK} if inside else {"edgecolor": "#999999", "linestyle": "--"}
            face = (*plt.matplotlib.colors.to_rgb(COLOURS["input"]), 0.2) if inside else "white"
            ax.add_artist(plt.Rectangle((left + j, top + i), 1, 1, facecolor=face, linewidth=0.8, **style))
            value = padded[i + 2, j + 1] if name == "input" else padded[i, j]
            number = {"ha": "center", "va": "center", "fontsize": 10, "color": "black" if inside else "#777777"}
            ax.text(left + j + 0.5, top + i + 0.5, int(value), **number)
    ax.text(
        left + size[1] / 2, top - 0.2, f"{name} {size[0]}×{size[1]}", ha="center", va="bottom", color=COLOURS["input"]
    )
ax.text(7.2, 3.5, "→", ha="center", va="center", fontsize=17, color=INK)
ax.set(xlim=(0, 16.5), ylim=(7.3, -1.1), aspect="equal")
ax.axis("off")
show(
    figure,
    alt="Left, a 3×5 input with the numbers 1 to 15. Right, the same numbers in the middle of a 7×7 grid. Two rows of zeros are "
    "above them and two below, one column of zeros is on either side; the zeros are grey in dashed white cells.",
)

# %% [markdown]
# ### The rule for padding
#
# With padding $(p_h, p_w)$ an input of $H \times W$ becomes $(H + 2 p_h) \times (W + 2 p_w)$: the frame counts **twice**, once on each side. The first
# number belongs to the **rows**, the second to the **columns**, as in a shape.
#
# You rarely build the frame yourself. `F.conv2d(x, weight, padding=(2, 1))` and `nn.Conv2d(…, padding=(2, 1))` do it for you; the default is
# `padding=0`. (Zeros are the default as well: `nn.Conv2d(…, padding_mode="reflect")` mirrors the input instead.)

# %%
x = torch.arange(1.0, 16).reshape(1, 1, 3, 5)  # conv2d takes (N, C, H, W)
ones = torch.ones(1, 1, 3, 3)
print("padding=0:     ", tuple(F.conv2d(x, ones).shape))
print("padding=(2, 1):", tuple(F.conv2d(x, ones, padding=(2, 1)).shape))

# %% [markdown]
# ### Exercise: Zero padding by hand
#
# Write `zero_pad(x, padding)`: a new tensor that is `x` with a frame of zeros around the rows and columns of every channel of every sample.
#
# - `padding` is a pair `(rows, columns)`, or one number for both. With 0 there is no frame, and the result is still a new tensor, not `x` itself.
# - The result has the dtype of `x`, whatever it is. `x` stays as it is.
# - Build the frame yourself: call no function that pads (`F.pad`, `torch.constant_pad_nd`, `nn.ZeroPad2d`, `np.pad`) or that takes a `padding` argument
#   (convolutions, poolings, `F.unfold`, `F.fold`).
#
# <details><summary>Hint 1: where to begin</summary>
#
# Make the large tensor of zeros, then write `x` into its middle. Only the last two of its four dimensions are larger than those of `x`.
#
# </details>
#
# <details><summary>Hint 2: a pair or a number</summary>
#
# `if isinstance(padding, int): padding = (padding, padding)` turns a number into a pair. After that there is only one case.
#
# </details>
#
# <details><summary>Hint 3: dtype and slices</summary>
#
# `x.new_zeros(size)` has the dtype and the device of `x`. In a slice, `:` takes a whole dimension: `a[:, :, 2:5, 1:6]`. At which row of the result does
# `x` begin, at which does it end? Don't count from the end: `-0` is 0, so `2:-0` is empty.
#
# </details>


# %% exercise="zero_pad" difficulty=1 minutes=8
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


def try_pad(x, padding, mistakes=None):
    """Compare one call with F.pad, after looking for damage and for functions that pad."""
    before = x.clone()
    with Watch(operations=False) as seen:
        answer = zero_pad(inplace(x), padding)
    if not torch.equal(x, before):
        expect(x, before, f"zero_pad(x, {padding}) leaves x as it was")
    used = [
        f for f in seen.functions if any(part in f for part in ("pad", "conv", "pool", "fold", "numpy", "__array__"))
    ]
    if used:
        require(False, "no function pads for you", f"Your code calls `{used[0]}`: build the frame yourself.")
    rows, columns = (padding, padding) if isinstance(padding, int) else padding
    kind = "" if x.dtype == torch.float32 else f" and dtype {str(x.dtype)[6:]}"
    what = f"zero_pad(x, {padding}) for x of shape {tuple(x.shape)}{kind}"
    expect(answer, F.pad(before, (columns, columns, rows, rows)), what, mistakes=mistakes)
    answer.zero_()
    if not torch.equal(x, before):
        advice = "Your answer is x itself, or a view of it: return a copy."
        require(False, f"zero_pad(x, {padding}) is a new tensor: writing into it leaves x as it was", advice)


x = torch.randn(2, 3, 4, 5, generator=g)
try_pad(
    x,
    (2, 1),
    mistakes={
        "Rows and columns are swapped: the first number of the pair belongs to the rows.": F.pad(x, (2, 2, 1, 1)),
        "The first number of the pair is used for both: the second one belongs to the columns.": F.pad(x, (2, 2, 2, 2)),
        "The frame goes on both sides: below and on the right it is missing.": F.pad(x, (1, 0, 2, 0)),
        "The frame goes on both sides: above and on the left it is missing.": F.pad(x, (0, 1, 0, 2)),
        "The input belongs in the middle of the frame, not in its upper left corner.": F.pad(x, (0, 2, 0, 4)),
        "There is a frame, but x was not written into it.": torch.zeros(2, 3, 8, 7),
    },
)
try_pad(torch.randn(1, 2, 6, 3, generator=g), 3)
x = torch.randn(3, 1, 2, 4, generator=g, dtype=torch.float64)
no_dtype = "The result has the dtype of x: torch.zeros makes float32 unless you say otherwise."
try_pad(x, (0, 2), {no_dtype: F.pad(x.float(), (2, 2, 0, 0))})
try_pad(torch.randint(9, (2, 2, 5, 3), generator=g).mT, (1, 0))
try_pad(torch.randn(2, 2, 3, 4, generator=g), 0)
try_pad(torch.randn(1, 3, 4, 2, generator=g), (0, 0))
print("✓ each time x was left as it was, the result was a new tensor, and no function padded for you")
### BEGIN HIDDEN TESTS
for size, padding in [((1, 2, 3, 7), (0, 3)), ((3, 1, 5, 2), (1, 0)), ((2, 2, 3, 3), (0, 0)), ((1, 1, 1, 1), 2)]:
    try_pad(torch.randn(size, generator=g, dtype=torch.float64), padding)
    try_pad(torch.randn(size, generator=g).half().mT, padding)
try_pad(torch.randint(9, (2, 1, 3, 4), generator=g), (1, 2))
try_pad(torch.randint(2, (2, 3, 2, 4), generator=g).bool(), 1)
### END HIDDEN TESTS

# %% [markdown]
# torch's own function is `F.pad(x, (left, right, top, bottom))`. It can pad each side differently, and it begins with the **last** dimension, so the
# columns come first. From here on you may use it.
#
# ## The step
#
# Windows at neighbouring positions overlap almost completely, so neighbouring outputs are much alike. Where a coarser answer is enough, the kernel can
# take larger steps. The **stride** is the step from one position to the next; the default, 1, uses every position.
#
# **Before you run it:** the input has 8 values, the kernel 3, and the stride is 2. How many outputs are there? How are they related to those of stride
# 1?

# %% predict
row = torch.tensor([[[3.0, 1, 4, 1, 5, 9, 2, 6]]])  # (N, C, W) = (1, 1, 8)
sum3 = torch.ones(1, 1, 3)
print("stride 1:", F.conv1d(row, sum3).flatten().int().tolist())
print("stride 2:", F.conv1d(row, sum3, stride=2).flatten().int().tolist())

# %% predict folded label="Draw the windows"
kernel_steps(
    torch.tensor([3, 1, 4, 1, 5, 9, 2, 6]),
    torch.ones(3),
    stride=2,
    keys=range(3),
    columns=1,
    alt="A kernel of three ones over the eight values 3 1 4 1 5 9 2 6, with stride 2, at its three positions. It starts at index 0, then "
    "2, then 4, and gives 8, 10 and 16. The last value, 6, is covered at no position.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# Three. The windows start at index 0, 2 and 4; a fourth would start at 6 and reach over the edge. Stride 2 gives **every second value** of what stride
# 1 gives, beginning with the first.
#
# </details>
#
# ### The size formula
#
# Along one dimension the padded input has $H + 2p$ cells, and the kernel covers $h$ of them, so the last possible start is at index $H + 2p - h$. Count
# how many steps of length $s$ fit into that, and add 1 for the start at index 0:
#
# $$H' = \left\lfloor \frac{H + 2p - h}{s} \right\rfloor + 1 .$$
#
# The brackets $\lfloor\cdot\rfloor$ round down, because a step that does not fit completely is not taken. Rows and columns are computed separately.
#
# Now padding and stride together: an input of $C \times 3 \times 5$, padding $(2, 1)$, stride $(2, 2)$, a kernel of $C \times 3 \times 3$.
#
# **Before you run it:** what is the output size for $C = 1$, and what for $C = 4$?

# %% predict
for channels in (1, 4):
    x = torch.ones(1, channels, 3, 5)
    weight = torch.ones(1, channels, 3, 3)
    y = F.conv2d(x, weight, padding=(2, 1), stride=(2, 2))
    print(f"C = {channels}: {tuple(x.shape)[1:]} → {tuple(y.shape)[1:]}")

# %% predict folded label="Draw all positions for C = 1"
kernel_steps(
    torch.arange(1, 16).reshape(3, 5),
    torch.ones(3, 3),
    padding=(2, 1),
    stride=(2, 2),
    keys=[0, 1, 3, 8],
    alt="A 3×3 kernel of ones over a 3×5 input with the numbers 1 to 15, framed by two rows and one column of zeros on each side. "
    "From one position to the next it moves two columns, from one row of positions to the next two rows. The 3×3 output fills up "
    "row by row: 3, 9, 9; then 39, 72, 57; then 23, 39, 29.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# 1×3×3 both times: a kernel goes through all channels at once and gives one map. Rows: $\lfloor (3 + 2 \cdot 2 - 3)/2 \rfloor + 1 = 3$, columns:
# $\lfloor (5 + 2 \cdot 1 - 3)/2 \rfloor + 1 = 3$.
#
# </details>
#
# ### Exercise: The output size
#
# Write `output_size(size, kernel_size, stride=1, padding=0)`: the height and width of a convolution's output, as a tuple of two Python `int`s. Each of
# the four arguments is a pair `(rows, columns)` or one number for both. The kernel always fits into the padded input. Use the formula: make no tensor.
#
# <details><summary>Hint 1: one dimension at a time</summary>
#
# Turn every argument into a pair first; a small function inside yours saves you from writing that four times. Then use the formula once with the first
# numbers of all pairs and once with the second.
#
# </details>
#
# <details><summary>Hint 2: rounding down</summary>
#
# For `int`s, `a // b` divides and rounds down, and gives an `int`.
#
# </details>


# %% exercise="output_size" difficulty=1 minutes=7
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
def try_size(wanted, size, kernel_size, stride=None, padding=None, mistakes=None):
    """One call, with as many arguments as are given here."""
    with Watch(operations=False) as seen:
        if stride is None:
            answer = output_size(size, kernel_size)
        elif padding is None:
            answer = output_size(size, kernel_size, stride)
        else:
            answer = output_size(size, kernel_size, stride, padding)
    arguments = [value for value in (size, kernel_size, stride, padding) if value is not None]
    if seen.functions:
        require(False, "output_size makes no tensor", f"Your code calls `{seen.functions[0]}`: use the formula.")
    expect(answer, wanted, f"output_size({', '.join(map(str, arguments))})", mistakes=mistakes)


try_size(
    (8, 17),
    (22, 31),
    (5, 6),
    (3, 2),
    (2, 4),
    mistakes={
        "The 1 for the start at index 0 is missing.": (7, 16),
        "The padding counts twice, once on each side.": (7, 15),
        "Round down: a step that does not fit completely is not taken.": (8, 18),
        "The fraction is not rounded down.": (8.0, 17.5),
        "`/` gives a float even where it divides without a remainder: `//` gives an int.": (8.0, 17.0),
        "Add the 1 after dividing, not before.": (7, 17),
        "Rows and columns are swapped in the result: height first.": (17, 8),
        "The first number of each pair is used for both dimensions.": (8, 8),
    },
)
try_size((3, 3), (3, 5), 3, 2, (2, 1))
try_size((24, 26), (28, 30), 5)
try_size((10, 5), 18, 2, (2, 4), 1)
try_size((4, 3), 12, (5, 4), (3, 4), (2, 1))
try_size((1, 1), 7, 7, 3)
print("✓ no tensor was made for it")
### BEGIN HIDDEN TESTS
g = torch.Generator().manual_seed(82)
for i in range(12):
    n, k, s, p = (
        tuple(torch.randint(low, high, (2,), generator=g).tolist()) for low, high in [(9, 40), (1, 9), (1, 6), (0, 4)]
    )
    n, k, s, p = n if i % 2 else n[0], k if i % 3 else k[0], s[1] if i % 4 else s, p if i % 5 else p[1]
    n2, k2 = ((v, v) if isinstance(v, int) else v for v in (n, k))
    # On the device "meta" a tensor has a shape and no values: torch computes the sizes alone.
    y = F.conv2d(torch.empty(1, 1, *n2, device="meta"), torch.empty(1, 1, *k2, device="meta"), None, s, p)
    try_size(tuple(y.shape[2:]), n, k, s, p)
try_size((1, 3), (1, 9), (1, 4), 2)
try_size((3, 1), (8, 2), (6, 2))
### END HIDDEN TESTS

# %% [markdown]
# ### What torch calls it
#
# `F.conv2d(x, weight, bias=None, stride=1, padding=0, …)` and `nn.Conv2d(in_channels, out_channels, kernel_size, stride=1, padding=0, …)` take a number
# or a pair for each. Three settings of `nn.Conv2d` appear in almost every network.
#
# **Before you run it:** what does each of them do to a 56×56 map? Which of the three arguments change the number of parameters?

# %% predict
maps = torch.zeros(1, 8, 56, 56)
for setting in [
    {"kernel_size": 3, "padding": 1},
    {"kernel_size": 3, "stride": 2, "padding": 1},
    {"kernel_size": 4, "stride": 4},
]:
    layer = nn.Conv2d(8, 16, **setting)
    print(setting, "56×56 →", "×".join(map(str, layer(maps).shape[2:])), "| weight", tuple(layer.weight.shape))

# %% [markdown]
# <details><summary>Why?</summary>
#
# The first keeps the size. The second halves it. The third cuts the map into 4×4 patches that do not overlap, and computes each output from one of
# them; in vision transformers this layer is called the **patch embedding**. Only `kernel_size` changes the number of parameters. Padding and stride say
# *where* the kernel is used, not what it contains.
#
# </details>
#
# ### Exercise: A convolution with stride and padding
#
# Write `conv2d(x, weight, bias=None, stride=1, padding=0)`: it gives what `F.conv2d` gives with the same arguments.
#
# - `stride` and `padding` are numbers or pairs `(rows, columns)`, the bias may be `None`, and the tensors are float32 or float64.
# - Do the stride and the padding yourself. You may call `F.conv2d(x, weight, bias)` with **these three arguments only**, and `F.unfold` without
#   `stride` and `padding`, but no other convolution. Everything else in torch is yours, `F.pad` included.
# - `x`, `weight` and `bias` stay as they are.
#
# <details><summary>Hint 1: before and after</summary>
#
# Padding changes the input, so it comes *before* the plain convolution. And the stride? Look again at the outputs of stride 1 and stride 2 in the
# example with eight values.
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

    x: (N, C, H, W). weight: (D, C, h, w). bias: (D,) or None.
    stride, padding: (rows, columns), or one number for both.
    Returns: (N, D, H', W'), H' and W' by the size formula.
    """
    ### BEGIN SOLUTION
    (sh, sw), (ph, pw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding))
    framed = F.pad(x, (pw, pw, ph, ph))
    return F.conv2d(framed, weight, bias)[:, :, ::sh, ::sw]
    ### END SOLUTION


# %% check="conv2d" points=2
g = torch.Generator().manual_seed(83)


def draw(*size, dtype=torch.float32):
    return torch.randn(size, generator=g, dtype=dtype)


def is_plain(operation):
    """Whether an operation leaves stride and padding alone; the arguments are in torch's order."""
    if operation.name == "im2col":
        return not any(operation.arguments[3]) and set(operation.arguments[4]) == {1}
    if "conv" not in operation.name:
        return True
    if operation.name != "convolution":
        return False
    stride, padding, transposed = operation.arguments[3], operation.arguments[4], operation.arguments[6]
    return set(stride) == {1} and not any(padding) and not transposed


def judge(answer, seen, what, given, before, stride, padding, mistakes=None):
    for name, tensor, copy in zip(("x", "weight", "bias"), given, before):
        if tensor is not None and not torch.equal(tensor, copy):
            expect(tensor, copy, f"{what} leaves {name} as it was")
    if not all(map(is_plain, seen.operations)):
        require(
            False,
            "F.conv2d and F.unfold are called without stride and padding, if at all, and no other convolution is",
            "Your code leaves the stride or the padding to torch, or calls another convolution: do both yourself.",
        )
    tolerance = {"rtol": 1e-4, "atol": 1e-4} if before[0].dtype == torch.float32 else {}
    expect(answer, F.conv2d(*before, stride, padding), what, mistakes=mistakes, **tolerance)


def try_conv(x, weight, bias, stride, padding, mistakes=None):
    before = [value if value is None else value.clone() for value in (x, weight, bias)]
    with Watch() as seen:
        answer = conv2d(inplace(x), inplace(weight), bias if bias is None else inplace(bias), stride, padding)
    kind = "" if x.dtype == torch.float32 else " in float64"
    bias_text = "None" if bias is None else "bias"
    what = (
        f"conv2d(x, weight, {bias_text}, {stride}, {padding}) for shapes {tuple(x.shape)}, {tuple(weight.shape)}{kind}"
    )
    judge(answer, seen, what, (x, weight, bias), before, stride, padding, mistakes)


x, weight, bias = draw(2, 3, 9, 10), draw(4, 3, 3, 3), draw(4)
framed = F.pad(x, (2, 2, 1, 1))
try_conv(
    x,
    weight,
    bias,
    (2, 3),
    (1, 2),
    mistakes={
        "Rows and columns are swapped in the stride.": F.conv2d(x, weight, bias, (3, 2), (1, 2)),
        "Rows and columns are swapped in the padding.": F.conv2d(x, weight, bias, (2, 3), (2, 1)),
        "The first number of each pair is used for both: the second one belongs to the columns.": F.conv2d(
            x, weight, bias, 2, 1
        ),
        "The stride is not used.": F.conv2d(x, weight, bias, 1, (1, 2)),
        "The padding is not used.": F.conv2d(x, weight, bias, (2, 3)),
        "The bias is missing.": F.conv2d(x, weight, None, (2, 3), (1, 2)),
        "The bias is added column by column: each channel has its own, so its shape must become (D, 1, 1).": F.conv2d(
            x, weight, None, (2, 3), (1, 2)
        )
        + bias,
        "You skip cells of the input: the windows stay dense, and it is positions (outputs) that are skipped.": F.conv2d(
            F.max_pool2d(framed, 1, (2, 3)), weight, bias
        ),
        "The frame belongs around the input, not around the output.": F.pad(
            F.conv2d(x[:, :, 1:, 1:], weight, bias, (2, 3)), (1, 0, 1, 1)
        ),
        "You skip samples and channels: rows and columns are the last two dimensions.": F.conv2d(
            x[:1], weight[[0, 3]], bias[[0, 3]], 1, (1, 2)
        ),
    },
)
try_conv(draw(1, 2, 8, 5), draw(3, 2, 2, 4), None, 2, 1)
try_conv(draw(2, 2, 6, 11, dtype=torch.float64), draw(2, 2, 1, 3, dtype=torch.float64), None, (1, 4), 0)
try_conv(
    draw(1, 1, 5, 7, dtype=torch.float64),
    draw(1, 1, 4, 2, dtype=torch.float64),
    draw(1, dtype=torch.float64),
    3,
    (2, 0),
)
x, weight = draw(2, 3, 4, 6).mT, draw(2, 3, 2, 3).mT
before = [x.clone(), weight.clone(), None]
with Watch() as seen:
    answer = conv2d(inplace(x), inplace(weight))
judge(answer, seen, "conv2d(x, weight), nothing else given", (x, weight, None), before, 1, 0)
print("✓ each time the arguments were left as they were, and stride and padding were not left to torch")
### BEGIN HIDDEN TESTS
for size, kernel, stride, padding in [
    ((1, 2, 11, 7), (3, 2, 4, 2), (3, 1), (0, 3)),
    ((3, 1, 6, 8), (2, 1, 1, 5), (1, 4), (2, 0)),
    ((2, 4, 5, 6), (1, 4, 2, 3), 1, 0),
    ((2, 2, 9, 8), (3, 2, 2, 1), 4, 1),
    ((1, 3, 3, 12), (2, 3, 3, 3), (5, 2), 2),
]:
    for dtype, with_bias in [(torch.float64, True), (torch.float32, False), (torch.float32, True)]:
        bias = draw(kernel[0], dtype=dtype) if with_bias else None
        try_conv(draw(*size, dtype=dtype), draw(*kernel, dtype=dtype), bias, stride, padding)
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>When you have solved it: is this how torch does it?</summary>
#
# No. Computing every position and throwing most of them away is fine for understanding, not for work: with stride (2, 2) three quarters of the products
# would be wasted. torch computes only the positions that are kept.
#
# </details>
#
# ## What a stride never sees
#
# In the example with eight values, the last one was covered at no position, so it had no influence on the output. Nothing warns you of this. To see it
# on a whole map, count for every input cell how many windows cover it.
#
# The gradient counts for us. With a kernel of ones, the sum of all outputs contains each input cell as often as windows cover it, so the gradient of
# that sum **is** the count.
#
# **Before you run it:** the input is 8×9, the kernel 3×3, without padding. For the strides 1, 2, 3 and 4, which rows and which columns are covered at
# no position?


# %% predict
def times_covered(size, kernel_size, stride, padding=0):
    """How many windows cover each cell of the input: a tensor of shape `size`."""
    x = torch.ones(1, 1, *size, dtype=torch.float64, requires_grad=True)
    kernel = torch.ones(1, 1, *kernel_size, dtype=torch.float64)
    F.conv2d(x, kernel, stride=stride, padding=padding).sum().backward()
    return x.grad[0, 0]


for stride in (1, 2, 3, 4):
    counts = times_covered((8, 9), (3, 3), stride)
    print(f"stride {stride}: {int((counts == 0).sum()):2} of {counts.numel()} cells are never covered")


# %% predict folded label="Draw the counts"
def draw_counts(ax, n):
    counts = times_covered((8, 9), (3, 3), n + 1)
    draw_grid(ax, Grid(counts, f"stride {n + 1}", "input", digits=0), 0, 0)
    for i, j in (counts == 0).nonzero().tolist():
        ax.add_artist(plt.Rectangle((j, i), 1, 1, facecolor="white", edgecolor=INK, linewidth=0.8, zorder=4))
        ax.text(j + 0.5, i + 0.5, "×", ha="center", va="center", fontsize=13, color=INK, zorder=5)
    for j in range(9):
        ax.text(j + 0.5, 8.2, j, ha="center", va="top", fontsize=8, color="#555555")
    for i in range(8):
        ax.text(-0.2, i + 0.5, i, ha="right", va="center", fontsize=8, color="#555555")
    ax.set(xlim=(-0.8, 9.2), ylim=(9.0, -1.6), aspect="equal")
    ax.axis("off")


stepper(
    draw_counts,
    4,
    keys=range(4),
    size=(3.9, 4.2),
    alt="Four maps of an 8×9 input: how many 3×3 windows cover each cell, a cross where none does. Stride 1: from 1 in the "
    "corners to 9 in the middle. Stride 2: 1, 2 and 4; row 7 is crossed out. Stride 3: all 1; rows 6 and 7 are crossed out. "
    "Stride 4: all 1; rows 3 and 7 and columns 3, 7 and 8 are crossed out, half of all cells.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# Stride 1 covers everything. Stride 2 loses row 7 (5 mod 2 = 1), but no column (6 mod 2 = 0). Stride 3 loses rows 6 and 7. Stride 4 skips row 3 and
# column 3 between its windows, and row 7 and columns 7 and 8 are left over at the end: half of all cells.
#
# </details>
#
# ### Remainders and gaps
#
# Two different things can happen:
#
# - **A remainder at the end.** If $s$ does not divide $H + 2p - h$, the last $(H + 2p - h) \bmod s$ rows of the padded input are left over. They are at
#   the lower edge (for columns, at the right edge), so cells of the frame are lost first.
# - **Gaps.** If $s > h$, the windows do not touch: between two of them $s - h$ rows or columns are skipped.
#
# A cell is ignored if its row is ignored **or** its column is. Its gradient is exactly 0. Some networks really do halve their maps with a 1×1 kernel
# and stride 2, which uses only a quarter of the cells. A 3×3 kernel with stride 2 and padding 1 uses them all:

# %%
print(times_covered((6, 6), (1, 1), 2).int())
print(times_covered((6, 6), (3, 3), 2, padding=1).int())

# %% [markdown]
# ### Exercise: Which inputs are ignored
#
# Write `ignored(size, kernel_size, stride=1, padding=0)`: a tensor of booleans of shape `(H, W)`, `True` where an input cell is covered at no position.
#
# - Every argument is a pair `(rows, columns)` or one number for both, and the kernel always fits into the padded input.
# - The mask covers the input only, not its frame.
# - Find the windows yourself: no autograd (`backward`, `torch.autograd.grad`), no convolution, no pooling, no `F.unfold` or `F.fold`. (`times_covered`
#   above is the short way: use it to compare.)
#
# Try it on paper first: which cells of a 5×9 input does a 2×3 kernel ignore, with stride (3, 4) and no padding?
#
# <details><summary>The answer on paper</summary>
#
# Windows start in rows 0 and 3 and cover rows 0, 1, 3 and 4: row 2 is a gap. They start in columns 0 and 4 and cover 0 to 2 and 4 to 6: column 3 is a
# gap, and columns 7 and 8 are left over. So 4 · 6 = 24 of the 45 cells are covered, and 21 are ignored.
#
# </details>
#
# <details><summary>Hint 1: do what you did on paper</summary>
#
# Begin with a map of `False` for the padded input, go through all windows in two loops, and write `True` into each.
#
# </details>
#
# <details><summary>Hint 2: the windows</summary>
#
# The size formula says where the last window may start in the padded input. The third number of a Python `range` is its step; the range ends before its
# second number. You can write a whole block at once: `a[2:5, 1:6] = True`.
#
# </details>
#
# <details><summary>Hint 3: from the padded map back to the input</summary>
#
# Cut the frame off: keep the rows from `ph` to `ph + H`. And mind the question: `True` means *ignored*. `~a` swaps `True` and `False`.
#
# </details>


# %% exercise="ignored" difficulty=2 minutes=14
def ignored(
    size: int | tuple[int, int],
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 0,
) -> torch.Tensor:
    """Where the input of a convolution has no influence on its output.

    Every argument: (rows, columns), or one number for both.
    Returns: booleans of shape size, True = covered at no position.
    """
    ### BEGIN SOLUTION
    pairs = [(v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)]
    (height, width), (h, w), (sh, sw), (ph, pw) = pairs
    covered = torch.zeros(height + 2 * ph, width + 2 * pw, dtype=torch.bool)
    for row in range(0, height + 2 * ph - h + 1, sh):
        for column in range(0, width + 2 * pw - w + 1, sw):
            covered[row : row + h, column : column + w] = True
    return ~covered[ph : ph + height, pw : pw + width]
    ### END SOLUTION


# %% check="ignored" points=2
def never_covered(size, kernel_size, stride=(1, 1), padding=(0, 0)):
    """The cells whose gradient is 0, under a kernel of ones. Every argument is a pair."""
    x = torch.ones(1, 1, *size, dtype=torch.float64, requires_grad=True)
    F.conv2d(x, x.new_ones(1, 1, *kernel_size), stride=stride, padding=padding).sum().backward()
    return x.grad[0, 0] == 0


def try_ignored(size, kernel_size, stride=None, padding=None, mistakes=None):
    """One call, with as many arguments as are given here, and a look at what torch did for it."""
    with Watch() as seen:
        if stride is None:
            answer = ignored(size, kernel_size)
        elif padding is None:
            answer = ignored(size, kernel_size, stride)
        else:
            answer = ignored(size, kernel_size, stride, padding)
    arguments = [value for value in (size, kernel_size, stride, padding) if value is not None]
    banned = [f for f in seen.functions + seen.names if f in ("backward", "grad", "im2col", "col2im")]
    banned += [f for f in seen.functions + seen.names if any(part in f for part in ("conv", "pool", "_backward"))]
    if banned:
        name = {"im2col": "F.unfold", "col2im": "F.fold"}.get(banned[0], banned[0])
        require(False, "ignored finds the windows itself", f"Your code calls `{name}`, which finds them for you.")
    wanted = never_covered(*((v, v) if isinstance(v, int) else v for v in arguments))
    expect(answer, wanted, f"ignored({', '.join(map(str, arguments))})", mistakes=mistakes)


wanted = never_covered((5, 9), (2, 3), (3, 4))
rows, columns = wanted.all(dim=1), wanted.all(dim=0)  # ignored from edge to edge
rest = torch.zeros(5, 9, dtype=torch.bool)
rest[:, 7:] = True
one_less = wanted.clone()  # as if no window started in row 3
one_less[2:] = True
try_ignored(
    (5, 9),
    (2, 3),
    (3, 4),
    mistakes={
        "It is inverted: True means ignored, not covered.": ~wanted,
        "A cell is ignored if its row is ignored or its column is: yours asks for both at once.": rows[:, None]
        & columns,
        "You found the remainder at the right, and not the gaps between the windows.": rest,
        "You found the gaps, and not the remainder: a window must fit completely.": never_covered(
            (8, 12), (2, 3), (3, 4)
        )[:5, :9],
        "The last windows are missing: a Python range ends before its second number.": one_less,
        "The first number of a pair is used for both dimensions.": never_covered((5, 9), (2, 2), (3, 3)),
    },
)
below = torch.ones(6, 8, dtype=torch.bool)  # a[-1:2] is empty: as if only windows inside the input were there
below[3:6, 2:5] = below[3:6, 6:8] = False
whole = never_covered((8, 12), (3, 3), (4, 4))
try_ignored(
    (6, 8),
    3,
    4,
    (1, 2),
    mistakes={
        "Indices below 0 count from the end in Python: work in the padded map, where no window starts below 0.": below,
        "The padding is not used: it moves the windows.": never_covered((6, 8), (3, 3), (4, 4)),
        "The mask covers the frame too: cut it off.": whole,
        "The frame is cut off at the wrong side: the input is in the middle.": whole[:6, :8],
    },
)
try_ignored(7, (2, 1), (1, 3), 1)
try_ignored((4, 5), 2)
try_ignored((3, 4), (1, 2), 5, (4, 3))
print("✓ each time you found the windows yourself")
### BEGIN HIDDEN TESTS
g = torch.Generator().manual_seed(84)
for i in range(8):
    size, kernel, stride, padding = (
        tuple(torch.randint(low, high, (2,), generator=g).tolist()) for low, high in [(6, 13), (1, 5), (1, 7), (0, 4)]
    )
    try_ignored(size if i % 3 else size[0], kernel if i % 2 else kernel[1], stride if i % 4 else stride[0], padding)
try_ignored(5, 5, 2)
try_ignored((1, 6), (1, 2), (3, 3), 0)
### END HIDDEN TESTS

# %% [markdown]
# ## Keeping the size
#
# With stride 1 the output has $H + (\text{zeros before}) + (\text{zeros after}) - h + 1$ rows. So it is as large as the input if there are $h - 1$
# zeros in all.
#
# **Before you run it:** `padding=p` puts $p$ zeros on **each** side. The input has 10 values. For which of the kernels with 2, 3, 4 and 5 values is
# there a $p$ that keeps the size?

# %% predict
for k in (2, 3, 4, 5):
    sizes = {p: F.conv1d(torch.zeros(1, 1, 10), torch.zeros(1, 1, k), padding=p).shape[-1] for p in range(4)}
    print(f"k = {k}:", ", ".join(f"p = {p} → {size:2}" for p, size in sizes.items()))

# %% [markdown]
# <details><summary>Why?</summary>
#
# Only for the odd ones, with $p = (k - 1)/2$; that is one reason why kernels of 3, 5 and 7 are so common. For an even kernel $k - 1$ is odd, so one
# side must get one zero more than the other.
#
# </details>
#
# ### padding="same"
#
# `padding="same"` chooses the zeros for you. It puts $\lfloor (k - 1)/2 \rfloor$ of them before the input and the rest of the $k - 1$ after it. The
# next cell compares that with zeros put there by hand; the picture shows where the kernel is at its first and its last position.

# %% predict
warnings.filterwarnings("ignore", message="Using padding='same'")  # torch says that it has to copy the input
numbers = torch.arange(1.0, 7).reshape(1, 1, 6)
for k in (2, 3, 4, 5):
    before, after = (k - 1) // 2, k - 1 - (k - 1) // 2
    same = F.conv1d(numbers, torch.ones(1, 1, k), padding="same")
    by_hand = F.conv1d(F.pad(numbers, (before, after)), torch.ones(1, 1, k))
    print(f"k = {k}, zeros {before} + {after}:", same.flatten().int().tolist(), torch.equal(same, by_hand))

# %% predict folded label="Draw 'same' padding"
figure, ax = plt.subplots(figsize=(4.8, 6.0))
figure.subplots_adjust(0, 0, 1, 1)
for n, k in enumerate([2, 3, 4, 5]):
    before, after, top = (k - 1) // 2, k // 2, 1.0 + 3.3 * n
    ax.text(-2, top - 0.3, f"k = {k}", ha="left", va="bottom", fontsize=11, weight="bold", color=COLOURS["learned"])
    ax.text(0, top - 0.3, f"{before} before, {after} after", ha="left", va="bottom", fontsize=10, color=INK)
    for j in range(-before, 6 + after):
        inside = 0 <= j < 6
        style = {"edgecolor": INK} if inside else {"edgecolor": "#999999", "linestyle": "--"}
        face = (COLOURS["input"], 0.2) if inside else "white"
        ax.add_artist(plt.Rectangle((j, top), 1, 1, facecolor=face, linewidth=0.9, **style))
        number = {"ha": "center", "va": "center", "fontsize": 10, "color": "black" if inside else "#777777"}
        ax.text(j + 0.5, top + 0.5, j + 1 if inside else 0, **number)
    for start, output, line in [(0, 0, "-"), (5, 5, ":")]:
        box = (start - before + 0.05, top - 0.12)
        edge = {"edgecolor": COLOURS["learned"], "linestyle": line, "linewidth": 2.2}
        ax.add_artist(plt.Rectangle(box, k - 0.1, 1.24, fill=False, **edge))
        ax.plot(output + 0.5, top + 1.45, "^", color=COLOURS["output"], markersize=8)
        ax.text(
            output + 0.85, top + 1.48, f"output {output}", ha="left", va="center", fontsize=8, color=COLOURS["output"]
        )
ax.set(xlim=(-2.3, 8.6), ylim=(13.2, -0.1), aspect="equal")
ax.axis("off")
show(
    figure,
    alt="Four rows, for kernels of 2, 3, 4 and 5 values over the input 1 to 6. Zeros before and after it: 0 and 1, 1 and 1, 1 "
    "and 2, 2 and 2. In each row a solid orange outline shows the kernel at its first position and a dotted one at its last; "
    "green triangles mark the input cells 0 and 5, to which these outputs belong. For odd kernels the marked cell is the "
    "middle of the window; for even ones it is left of the middle.",
)

# %% [markdown]
# ### Two dimensions, and larger strides
#
# Rows and columns are treated separately: `nn.Conv2d(8, 16, kernel_size=(3, 5), padding="same")` pads with `(1, 2)`. `padding="valid"` is another name
# for 0.
#
# `"same"` works with stride 1 only; with a larger stride torch raises an error. Write the padding as a number then, and take the size from the formula.
# (If all zeros go *before* a signal, each output sees only the present and the past. That is a **causal convolution**, used for sound and text.)
#
# ### Exercise: 'Same' padding for any kernel
#
# Write `same_padding(kernel_size)`: the tuple `(left, right, top, bottom)` of four `int`s for which
# `F.conv2d(F.pad(x, same_padding(kernel_size)), weight)` equals `F.conv2d(x, weight, padding="same")`. `kernel_size` is a pair `(rows, columns)` or one
# number for both. The stride is 1.
#
# <details><summary>Hint 1: one dimension</summary>
#
# There are $k - 1$ zeros in all. Half of them, rounded down, go before the input (left, above). The rest go after it.
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
order = "F.pad begins with the last dimension: left and right come first, and belong to the columns."
floats = "`/` gives a float even where it divides without a remainder: `//` gives an int."
expect(
    same_padding((3, 7)),
    (3, 3, 1, 1),
    "same_padding((3, 7)), an odd kernel",
    mistakes={
        order: (1, 1, 3, 3),
        floats: (3.0, 3.0, 1.0, 1.0),
        "The order is (left, right, top, bottom).": (3, 1, 3, 1),
        "These are all the zeros of a dimension: share them between the two sides.": (6, 6, 2, 2),
        "Only k − 1 zeros are needed in all, because the kernel itself covers one cell.": (3, 4, 1, 2),
        "The first number of the pair is used for both dimensions.": (1, 1, 1, 1),
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
    },
)
expect(same_padding(5), (2, 2, 2, 2), "same_padding(5), one number for rows and columns")
expect(same_padding((1, 2)), (0, 1, 0, 0), "same_padding((1, 2))")
expect(same_padding(1), (0, 0, 0, 0), "same_padding(1)")
### BEGIN HIDDEN TESTS
expect(same_padding(2), (0, 1, 0, 1), "same_padding(2)")
expect(same_padding(8), (3, 4, 3, 4), "same_padding(8)")
expect(same_padding((4, 1)), (0, 0, 1, 2), "same_padding((4, 1))")
expect(same_padding((9, 2)), (0, 1, 4, 4), "same_padding((9, 2))")
expect(same_padding((12, 15)), (7, 7, 5, 6), "same_padding((12, 15))")
### END HIDDEN TESTS

# %% [markdown]
# ## Max pooling
#
# Often you want to know whether a feature is *somewhere around here*, not exactly where. **Max pooling** takes the largest value of each window. It has
# no parameters, and it treats every channel of every sample separately.
#
# `F.max_pool2d(x, kernel_size)` takes the size of the window, `(h, w)`, or `k` for `(k, k)`.
#
# **Before you run it:** here are a pooling and a convolution with windows of the same size, `(1, 2)`, on the same 1×2×3×6 tensor. Neither is given a
# stride. What is the shape of each result?

# %% predict
first = [[1, 2, 0, 1, 1, 0], [0, 1, 2, 2, 0, 0], [2, 0, 0, 1, 1, 2]]
second = [[1, 1, 1, 1, 1, 0], [2, 0, 0, 1, 1, 1], [0, 0, 1, 0, 0, 2]]
x6 = torch.tensor([[first, second]]).float()
print("x:         ", tuple(x6.shape))
print("max_pool2d:", tuple(F.max_pool2d(x6, (1, 2)).shape))
print("conv2d:    ", tuple(F.conv2d(x6, torch.ones(1, 2, 1, 2)).shape))
print(F.max_pool2d(x6, (1, 2)))

# %% predict folded label="Draw max pooling of the first channel"
kernel_steps(
    x6[0, 0],
    torch.ones(1, 2),
    stride=(1, 2),
    reduce="max",
    keys=[0, 1, 2, 8],
    alt="Max pooling of the first channel, 3×6, with windows of one row and two columns. The windows are side by side: 1 and 2 give "
    "2, 0 and 1 give 1, 1 and 0 give 1. The last window, 1 and 2 in the lower right corner, gives 2. The output is 3×3.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# The default stride of a **pooling** is its **kernel size**, so its windows are side by side: 3×6 becomes 3×3. The default stride of a **convolution**
# is **1**: 3×6 becomes 3×5. The pooling keeps the two channels apart, the convolution adds them up into one map.
#
# </details>
#
# ### The size of a pooling
#
# The size formula holds for poolings, too. With the default stride and no padding it becomes $\lfloor (H - h)/h \rfloor + 1 = \lfloor H/h \rfloor$, so
# a window of $(h, w)$ turns
#
# $$N \times C \times H \times W \quad\text{into}\quad N \times C \times \lfloor H/h \rfloor \times \lfloor W/w \rfloor .$$
#
# If $h$ does not divide $H$, the last $H \bmod h$ rows are ignored. (`ceil_mode=True` rounds up instead and gives them windows of their own.) The
# modules `nn.MaxPool2d(kernel_size)` and `nn.AvgPool2d(kernel_size)` have no parameters.
#
# Max pooling takes `padding`, too. Its frame is made of $-\infty$, not of zeros, so that the frame never wins:

# %%
for size, window in [((5, 3, 24, 24), (3, 3)), ((5, 3, 8, 8), (3, 3)), ((2, 4, 9, 11), (2, 4))]:
    y = F.max_pool2d(torch.zeros(size), window)
    print(f"{size} with {window}: {tuple(y.shape)}, ⌊H/h⌋ = {size[2] // window[0]}, ⌊W/w⌋ = {size[3] // window[1]}")
print("all −1, padding=1:", F.max_pool2d(torch.full((1, 1, 4, 4), -1.0), 3, stride=2, padding=1).flatten().tolist())

# %% [markdown]
# ### Exercise: Max pooling by hand
#
# Write `max_pool2d(x, kernel_size)`: it gives what `F.max_pool2d(x, kernel_size)` gives, with its default stride and no padding.
#
# - `kernel_size` is a pair or a number. The window fits into `x`, and a remainder of rows or columns is ignored.
# - `x` is float32 or float64, and the result has the same dtype. All values may be negative, and some may be $-\infty$.
# - The result is a new tensor, also for a window of 1, and `x` stays as it is.
# - Call no pooling: no function of torch with `pool` in its name, such as `F.max_pool2d`, and no module such as `nn.MaxPool2d`, which calls one.
#
# <details><summary>Hint 1: windows that don't overlap</summary>
#
# Cut the remainder off first. Then the rows are $H'$ groups of $h$ rows each. A `reshape` can split one dimension into two: 12 rows into 4 × 3. Do the
# same with the columns. Now each window has two dimensions of its own.
#
# </details>
#
# <details><summary>Hint 2: the largest over two dimensions</summary>
#
# `a.amax(dim=(1, 4))` takes the largest value over the dimensions 1 and 4 at once. (`a.max(dim=1)` takes one dimension only, and returns values *and*
# indices.)
#
# </details>
#
# <details><summary>Hint 3: another way</summary>
#
# Two loops over the outputs: output `[:, :, i, j]` is the `amax` of a slice of `x`, for all samples and channels at once.
#
# </details>


# %% exercise="max_pool2d" difficulty=2 minutes=10
def max_pool2d(x: torch.Tensor, kernel_size: int | tuple[int, int]) -> torch.Tensor:
    """The largest value of each window, windows side by side.

    x: (N, C, H, W). kernel_size: (h, w), or one number for both.
    Returns: (N, C, H // h, W // w), dtype of x.
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


def try_pool(x, window, mistakes=None):
    """Compare one call with F.max_pool2d, after looking for damage and for poolings."""
    before = x.clone()
    with Watch(operations=False) as seen:
        answer = max_pool2d(inplace(x), window)
    if not torch.equal(x, before):
        expect(x, before, f"max_pool2d(x, {window}) leaves x as it was")
    used = [name for name in seen.functions if "pool" in name]
    if used:
        require(
            False, "max_pool2d without a pooling of torch", f"Your code calls `{used[0]}`: find the largest yourself."
        )
    kind = "" if x.dtype == torch.float32 else f" and dtype {str(x.dtype)[6:]}"
    what = f"max_pool2d(x, {window}) for x of shape {tuple(x.shape)}{kind}"
    expect(answer, F.max_pool2d(before, window), what, mistakes=mistakes)
    answer.zero_()
    if not torch.equal(x, before):
        advice = "Your answer is x itself, or a view of it: return a copy."
        require(False, f"max_pool2d(x, {window}) is a new tensor: writing into it leaves x as it was", advice)


x = torch.randn(2, 3, 12, 12, generator=g)
try_pool(
    x,
    (3, 2),
    mistakes={
        "Rows and columns are swapped in the window.": F.max_pool2d(x, (2, 3)),
        "The first number of the pair is used for both: the second one belongs to the columns.": F.max_pool2d(x, 3),
        "The windows overlap: the stride of a pooling is its kernel size.": F.max_pool2d(x, (3, 2), stride=1),
        "This is the mean of each window.": F.avg_pool2d(x, (3, 2)),
        "Each channel is pooled separately: you took the largest over the channels too.": F.max_pool2d(
            x.amax(dim=1, keepdim=True), (3, 2)
        ),
        "You took the largest over the samples too: the batch dimension stays.": F.max_pool2d(
            x.amax(dim=0, keepdim=True), (3, 2)
        ),
        "Each output is the largest over all samples and channels: keep these apart.": F.max_pool2d(
            x.amax(dim=(0, 1), keepdim=True), (3, 2)
        ).repeat(2, 3, 1, 1),
        # Poolings with gaps give what these two mistakes give.
        "The windows are made of cells that are not neighbours: a reshape splits a dimension of 12 rows into (4, 3), the "
        "groups first, then the rows within a group.": F.max_pool2d(x, (3, 2), stride=1, dilation=(4, 6)),
        "You took the largest over the groups: it is wanted over the rows and the columns within a group.": F.max_pool2d(
            x, (4, 6), stride=1, dilation=(3, 2)
        ),
    },
)
x = torch.randn(2, 4, 8, 11, generator=g) - 10
try_pool(
    x,
    3,
    mistakes={
        "The remainder has windows of its own: it should be ignored.": F.max_pool2d(x, 3, ceil_mode=True),
        "The largest of negative values is negative: where do your zeros come from?": torch.zeros(2, 4, 2, 3),
        "The remainder is cut off at the beginning: it is at the end.": F.max_pool2d(x[:, :, 2:, 2:], 3),
    },
)
x = torch.randint(-3, 0, (1, 2, 9, 5), generator=g).double().mT
x[:, :, :3] = -math.inf
lowest = F.max_pool2d(x.clamp(min=torch.finfo(x.dtype).min), (2, 4))
try_pool(x, (2, 4), {"Nothing is below −∞: begin with `-math.inf`, not with a large negative number.": lowest})
try_pool(torch.randn(1, 3, 4, 5, generator=g), 1)
try_pool(torch.randn(3, 1, 5, 4, generator=g), (5, 1))
print("✓ each time x was left as it was, the result was a new tensor, and no pooling was called")
### BEGIN HIDDEN TESTS
for size, window in [((1, 2, 5, 9), (2, 4)), ((3, 1, 7, 6), (1, 5)), ((2, 2, 6, 4), (6, 1)), ((2, 3, 4, 5), 1)]:
    try_pool(torch.randn(size, generator=g, dtype=torch.float64), window)
    try_pool(torch.randint(-2, 2, size, generator=g).float().mT.contiguous().mT - 5, window)
    x = torch.randn(size, generator=g)
    x[x < 0.5] = -math.inf
    try_pool(x, window)
### END HIDDEN TESTS

# %% [markdown]
# ## Where the gradient goes
#
# A small change of the largest value in a window changes the output by the same amount. A small change of any other value changes nothing.
#
# **Before you run it:** the input is 4×5, the window 2×2. The four outputs receive the gradients 10, 20, 30 and 40. Which cells of the input get a
# gradient other than 0? What does the last column get?

# %% predict
rows = [[3.0, 8, 1, 4, 9], [5, 2, 7, 6, 9], [1, 0, 2, 3, 9], [4, 3, 5, 1, 9]]
values = torch.tensor(rows).reshape(1, 1, 4, 5)
values.requires_grad_()
largest = F.max_pool2d(values, 2)
received = torch.tensor([[10.0, 20], [30, 40]]).reshape(1, 1, 2, 2)
largest.backward(received)
print(values.grad[0, 0].int())

# %% predict folded label="Draw both directions"
figure, ax = plt.subplots(figsize=(6.2, 6.4))
figure.subplots_adjust(0, 0, 1, 1)
for top, left_name, sign, right_name, role, left_values, right_values in [
    (0, "x", "→", "y", None, values[0, 0], largest[0, 0]),
    (6.6, "∂L/∂x", "←", "∂L/∂y", "loss", values.grad[0, 0], received[0, 0]),
]:
    draw_grid(ax, Grid(left_values, left_name, role or "input", digits=0), 0, top)
    draw_grid(ax, Grid(right_values, right_name, role or "output", digits=0), 8, top + 1)
    ax.text(6.5, top + 2, sign, ha="center", va="center", fontsize=17, color=INK)
    for i in (0, 2):
        for j in (0, 2):
            ax.add_artist(plt.Rectangle((j, top + i), 2, 2, fill=False, edgecolor=INK, linewidth=2.6, zorder=4))
    for i, j in values.grad[0, 0].nonzero().tolist():
        ax.add_artist(plt.Circle((j + 0.5, top + i + 0.5), 0.4, fill=False, edgecolor=INK, linewidth=1.8, zorder=5))
ax.text(
    0, 4.5, "thick: a window\ncircle: its largest cell", ha="left", va="center", fontsize=9, color=INK, linespacing=1.4
)
ax.set(xlim=(-0.3, 10.6), ylim=(10.9, -1.4), aspect="equal")
ax.axis("off")
show(
    figure,
    alt="Forward: x of 4×5 gives y of 2×2. Thick outlines mark the four 2×2 windows, circles their largest cells, 8, 7, 4 and 5; the last "
    "column of x, all 9, is in no window. Backward: the gradients 10, 20, 30 and 40 of the four outputs go to the four circled cells: "
    "row 0 column 1, row 1 column 2, row 3 column 0, row 3 column 2. All other cells have 0.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# Only the four largest cells, 8, 7, 4 and 5, get a gradient. The 9s of the last column are larger, but they are in no window: they get 0.
#
# </details>
#
# ### The rule for the gradient
#
# The gradient of an output goes, undivided, to the largest cell of its window. The other cells of the window get 0, and so do the cells of the
# remainder. For windows that do not overlap, which is the default:
#
# $$\frac{\partial L}{\partial x_{cij}} = \begin{cases} \dfrac{\partial L}{\partial y_{ci'j'}} & \text{if } x_{cij} \text{ is the largest of window } (i', j'),\\
# 0 & \text{otherwise.} \end{cases}$$
#
# (With a stride smaller than the window, one cell can be the largest of several windows. It gets the sum of their gradients.) If several cells of a
# window are equally large, only one of them gets the gradient. After a ReLU such ties are common, because many values are 0; which cell wins is not
# documented.
#
# ### Exercise: Backward through max pooling
#
# Write `max_pool2d_backward(x, grad_y, kernel_size)`: the gradient $\partial L/\partial x$ of a max pooling with the default stride and no padding,
# given its input and $\partial L/\partial y$.
#
# - It is a new tensor with the shape and the dtype of `x` (float32 or float64). Cells of the remainder get 0. `kernel_size` is a pair or a number.
# - No two values of a channel are equal, so you need no rule for ties.
# - No autograd (`backward`, `torch.autograd.grad`, or a function of torch that calls them). You may call `F.max_pool2d`.
# - `x` and `grad_y` stay as they are.
#
# <details><summary>Hint 1: find the winners</summary>
#
# Pool, then spread the result out again, so that each output fills its whole window. Where the spread-out tensor equals `x`, there is a winner.
#
# </details>
#
# <details><summary>Hint 2: spreading out</summary>
#
# `a.repeat_interleave(3, dim=2)` repeats every row three times. First the rows, then the columns. `grad_y` can be spread out in the same way.
#
# </details>
#
# <details><summary>Hint 3: the remainder</summary>
#
# Begin with `torch.zeros_like(x)`, and write into the part that belongs to windows: `H // h * h` rows and `W // w * w` columns.
#
# </details>


# %% exercise="max_pool2d_backward" difficulty=3 minutes=18
def max_pool2d_backward(x: torch.Tensor, grad_y: torch.Tensor, kernel_size: int | tuple[int, int]) -> torch.Tensor:
    """The gradient with respect to the input of a max pooling.

    x: (N, C, H, W), no ties. grad_y: (N, C, H // h, W // w). kernel_size: (h, w), or one number.
    Returns: (N, C, H, W), dtype of x.
    """
    ### BEGIN SOLUTION
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    rows, columns = x.shape[2] // h * h, x.shape[3] // w * w

    def spread(values):
        return values.repeat_interleave(h, dim=2).repeat_interleave(w, dim=3)

    winners = x[:, :, :rows, :columns] == spread(F.max_pool2d(x, (h, w)))
    grad_x = torch.zeros_like(x)
    grad_x[:, :, :rows, :columns] = torch.where(winners, spread(grad_y), 0)
    return grad_x
    ### END SOLUTION


# %% check="max_pool2d_backward" points=3
g = torch.Generator().manual_seed(87)


def no_ties(*size, dtype=torch.float32):
    """Whole numbers in random order, some of them negative, no two alike."""
    count = math.prod(size)
    return (torch.randperm(count, generator=g) - count // 2).to(dtype).reshape(size)


def gradient(forward, x, grad_y):
    leaf = x.clone().requires_grad_()
    return torch.autograd.grad(forward(leaf), leaf, grad_y)[0]


def try_backward(x, grad_y, window, mistakes=None):
    """Compare one call with autograd's answer, after looking for damage and for autograd."""
    before = [x.clone(), grad_y.clone()]
    with Watch() as seen:
        answer = max_pool2d_backward(inplace(x), inplace(grad_y), window)
    for name, tensor, copy in zip(("x", "grad_y"), (x, grad_y), before):
        if not torch.equal(tensor, copy):
            expect(tensor, copy, f"max_pool2d_backward(x, grad_y, {window}) leaves {name} as it was")
    used = [name for name in seen.functions + seen.names if name in ("backward", "grad") or "_backward" in name]
    if used:
        require(
            False, "max_pool2d_backward without autograd", f"Your code calls `{used[0]}`, which is autograd's work."
        )
    kind = "" if x.dtype == torch.float32 else f" and dtype {str(x.dtype)[6:]}"
    what = f"max_pool2d_backward(x, grad_y, {window}) for x of shape {tuple(x.shape)}{kind}"
    expect(answer, gradient(lambda leaf: F.max_pool2d(leaf, window), *before), what, mistakes=mistakes)
    answer.zero_()
    if not torch.equal(x, before[0]) or not torch.equal(grad_y, before[1]):
        advice = "Your answer is x or grad_y itself, or a view of one: return a copy."
        require(False, "the result is a new tensor: writing into it leaves x and grad_y as they were", advice)


# Windows that leave no remainder first.
x, grad_y = no_ties(2, 3, 4, 6), torch.randn(2, 3, 2, 2, generator=g)
ones = gradient(lambda leaf: F.max_pool2d(leaf, (2, 3)), x, torch.ones(2, 3, 2, 2))  # 1 for each winner
shared = gradient(lambda leaf: F.avg_pool2d(leaf, (2, 3)), x, grad_y)
tiled = torch.cat([torch.cat([grad_y] * 3, dim=3)] * 2, dim=2)
tiled_largest = torch.cat([torch.cat([F.max_pool2d(x, (2, 3))] * 3, dim=3)] * 2, dim=2)
try_backward(
    x,
    grad_y,
    (2, 3),
    mistakes={
        "Every cell of a window gets the gradient: it goes to the largest alone.": shared * 6,
        "The gradient is shared out among the cells of a window: that is average pooling.": shared,
        "Winners get a 1: they should get the gradient of their output.": ones,
        "Winners get their own value: they should get the gradient of their output.": ones * x,
        "You spread the outputs as a pattern of tiles: `repeat` lays copies of the whole tensor side by side, "
        "`repeat_interleave` repeats each row or column.": ((x - tiled_largest).abs() < 0.5) * tiled,
        "The winners are right, but each gets another output's gradient: `repeat` lays copies of the whole tensor side by "
        "side, `repeat_interleave` repeats each row or column.": ones * tiled,
    },
)
x, grad_y = no_ties(2, 2, 7, 8), torch.randn(2, 2, 2, 2, generator=g)
wanted = gradient(lambda leaf: F.max_pool2d(leaf, 3), x, grad_y)
cut = "The gradient has the shape of x: rows and columns of the remainder get zeros."
try_backward(x, grad_y, 3, mistakes={cut: wanted[:, :, :6, :6]})
x, grad_y = no_ties(1, 3, 5, 7, dtype=torch.float64).mT, torch.randn(1, 3, 5, 3, generator=g, dtype=torch.float64).mT
float32 = "The result has the dtype of x."
wanted = gradient(lambda leaf: F.max_pool2d(leaf, (2, 1)), x, grad_y)
try_backward(x, grad_y, (2, 1), mistakes={float32: wanted.float()})
try_backward(no_ties(2, 1, 3, 4), torch.randn(2, 1, 3, 4, generator=g), 1)
print("✓ each time x and grad_y were left as they were, the result was a new tensor, and autograd was not used")
### BEGIN HIDDEN TESTS
for size, window in [((1, 2, 5, 9), (2, 4)), ((3, 1, 7, 6), (1, 5)), ((2, 3, 4, 5), (4, 1)), ((2, 1, 5, 6), 2)]:
    for dtype in (torch.float64, torch.float32):
        x = no_ties(*size, dtype=dtype)
        grad_y = torch.randn(F.max_pool2d(x, window).shape, generator=g, dtype=dtype)
        try_backward(x, grad_y, window)
### END HIDDEN TESTS

# %% [markdown]
# ## Average pooling
#
# **Average pooling** takes the mean of each window: `F.avg_pool2d(x, kernel_size)`, with the same defaults. Compare three ways to make a 12×12 picture
# 6×6. The picture is a frame, drawn with lines one pixel wide in rows 3 and 9 and columns 3 and 8.
#
# **Before you run it:** take every second pixel, or the largest of each 2×2 window, or the mean. In which of the three do all four sides survive? How
# dark are they?

# %% predict
thin = torch.zeros(12, 12)
thin[[3, 9], 3:9] = 1
thin[3:10, [3, 8]] = 1
versions = {"input": thin, "every second": thin[::2, ::2]}
versions["max"] = F.max_pool2d(thin[None, None], 2)[0, 0]
versions["mean"] = F.avg_pool2d(thin[None, None], 2)[0, 0]
for name, version in versions.items():
    print(f"{name:12} largest {version.max():.2f}, mean {version.mean():.3f}")

# %% predict folded label="Draw the three versions"
figure, axes = plt.subplots(1, 4, figsize=(8.0, 2.4), layout="constrained")
for ax, (name, version) in zip(axes, versions.items()):
    ax.pcolormesh(version.numpy(), cmap="Greys", vmin=0, vmax=1.2, edgecolors="#cccccc", linewidth=0.5)
    ax.set(title=f"{name}, {len(version)}×{len(version)}", xticks=[], yticks=[], aspect="equal")
    ax.invert_yaxis()
show(
    figure,
    alt="A thin frame of 12×12 pixels and three versions of 6×6, in the same shades. Every second pixel: only the right side "
    "is left. Max: all four sides, as dark as before. Mean: all four sides, paler.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# Every second pixel, a stride without pooling, sees only even rows and columns: the lines in rows 3 and 9 and in column 3 are lost. The maximum keeps
# every line at full strength, so the picture as a whole becomes darker. The mean keeps every line, but paler, and keeps the picture's average exactly.
#
# </details>
#
# ### The mean is a convolution
#
# A mean is a weighted sum, so a convolution can compute it: with the fixed weights $\frac{1}{h\,w}$ and the stride $(h, w)$. (A maximum is not a
# weighted sum, so no kernel can compute it.)
#
# With several channels there is one obstacle: a convolution adds up all channels, and a pooling keeps them apart. This is what `groups` is for:
# `F.conv2d(x, weight, groups=G)` splits the channels into `G` groups and convolves each by itself. With as many groups as channels, each channel has
# its own kernel of **one** channel:

# %%
two_channels = torch.stack([torch.full((4, 4), 1.0), torch.full((4, 4), 10.0)])[None]
sum4 = torch.ones(2, 1, 2, 2)  # (out_channels, in_channels / groups, h, w)
print(F.conv2d(two_channels, sum4, stride=2, groups=2))

# %% [markdown]
# ### Exercise: Average pooling as a convolution
#
# Write `avg_pool2d(x, kernel_size)`: it gives what `F.avg_pool2d(x, kernel_size)` gives, by a convolution.
#
# - `kernel_size` is a pair or a number; the window fits into `x`.
# - `x` has any number of channels, and is float32 or float64. It stays as it is.
# - Call `F.conv2d` exactly once, not once for each channel. It takes the mean: call neither `mean` nor a pooling (a function of torch with `pool` in
#   its name).
#
# <details><summary>Hint 1: the weight</summary>
#
# All its values are equal, and within one kernel they add up to 1. What is its shape if each channel has a kernel of its own?
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


# %% exercise="avg_pool2d" difficulty=3 minutes=12
def avg_pool2d(x: torch.Tensor, kernel_size: int | tuple[int, int]) -> torch.Tensor:
    """The mean of each window, windows side by side, computed by a convolution.

    x: (N, C, H, W). kernel_size: (h, w), or one number for both.
    Returns: (N, C, H // h, W // w), dtype of x.
    """
    ### BEGIN SOLUTION
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    channels = x.shape[1]
    weight = x.new_full((channels, 1, h, w), 1 / (h * w))
    return F.conv2d(x, weight, stride=(h, w), groups=channels)
    ### END SOLUTION


# %% check="avg_pool2d" points=2
g = torch.Generator().manual_seed(88)


def try_mean(x, window, mistakes=None):
    """Compare one call with F.avg_pool2d, after looking for damage and at how the mean was computed."""
    before, call = x.clone(), f"avg_pool2d(x, {window})"
    with Watch() as seen:
        answer = avg_pool2d(inplace(x), window)
    if not torch.equal(x, before):
        expect(x, before, f"{call} leaves x as it was")
    banned = [name for name in seen.functions + seen.names if "pool" in name or name == "mean"]
    if banned:
        require(False, f"{call} is a convolution", f"Your code calls `{banned[0]}`: have F.conv2d take the mean.")
    wanted = F.avg_pool2d(before, window)
    kind = "" if x.dtype == torch.float32 else f" and dtype {str(x.dtype)[6:]}"
    tolerance = {"rtol": 1e-4, "atol": 1e-5} if x.dtype == torch.float32 else {}
    expect(answer, wanted, f"{call} for x of shape {tuple(x.shape)}{kind}", mistakes=mistakes, **tolerance)
    sizes = [operation.largest for operation in seen.operations if "conv" in operation.name]
    if seen.functions.count("conv2d") != 1 or len(sizes) != 1:
        advice = f"Your code calls it {seen.functions.count('conv2d')} times: one call can do all samples and channels."
        require(False, f"{call} is one call of F.conv2d for x of shape {tuple(x.shape)}", advice)
    if sizes[0] < wanted.numel():
        advice = f"Your convolution gives {sizes[0]} values, and {wanted.numel()} are needed."
        require(False, f"{call} is computed by the convolution", advice)


x = torch.randn(2, 3, 7, 10, generator=g)
mean = F.avg_pool2d(x, (2, 4))
try_mean(
    x,
    (2, 4),
    mistakes={
        "These are sums: a mean divides by the number of cells, h · w.": 8 * mean,
        "The windows overlap: a convolution's default stride is 1, here it must be the window's size.": F.avg_pool2d(
            x, (2, 4), stride=1
        ),
        "Rows and columns are swapped in the window.": F.avg_pool2d(x, (4, 2)),
        "Rows and columns are swapped in the stride.": F.avg_pool2d(x, (2, 4), stride=(4, 2)),
        "The first number of the pair is used for both: the second one belongs to the columns.": F.avg_pool2d(x, 2),
        "The channels are added up: with groups each stays by itself.": mean.sum(dim=1, keepdim=True),
        "Each output is the sum over all channels: with groups each stays by itself.": mean.sum(
            dim=1, keepdim=True
        ).repeat(1, 3, 1, 1),
        "The mean goes over all channels: with groups each stays by itself.": mean.mean(dim=1, keepdim=True),
    },
)
try_mean(torch.randn(3, 5, 9, 8, generator=g, dtype=torch.float64), 3)
try_mean(torch.randn(1, 1, 4, 6, generator=g).mT, (5, 1))
try_mean(torch.randn(2, 4, 3, 5, generator=g), 1)
print("✓ each time x was left as it was, and one call of F.conv2d took the mean")
### BEGIN HIDDEN TESTS
for size, window in [((1, 1, 6, 5), (3, 1)), ((2, 4, 5, 9), (5, 2)), ((2, 2, 4, 6), (1, 1)), ((1, 7, 6, 6), 6)]:
    try_mean(torch.randn(size, generator=g, dtype=torch.float64), window)
    try_mean(torch.randn(size, generator=g), window)
### END HIDDEN TESTS

# %% [markdown]
# ## What pooling does for digits that move
#
# Time to use what you wrote. Four 3×3 kernels find the edges of a handwritten digit: its left, right, upper and lower ones. That gives 4×28×28 numbers.
# Three ways shrink them to 4×7×7, all with steps of 4: your `conv2d` with stride 4, which looks at one position in 16, your `max_pool2d` and your
# `avg_pool2d`. Then the digit moves two pixels to the right.

# %% yours
digits = DigitsAsMNIST(train=True).data[:500, None] / 255  # (500, 1, 28, 28)
edge = torch.tensor([[1.0, 0, -1]] * 3)
edges = torch.stack([edge, -edge, edge.T, -edge.T])[:, None]  # (4, 1, 3, 3)

strided = yours_or_ours(conv2d, F.conv2d, torch.ones(1, 1, 8, 8), edges, None, 4, 1)
pool_max = yours_or_ours(max_pool2d, F.max_pool2d, torch.ones(1, 4, 8, 8), 4)
pool_mean = yours_or_ours(avg_pool2d, F.avg_pool2d, torch.ones(1, 4, 8, 8), 4)
shrink = {
    "stride 4": lambda x: strided(x, edges, None, 4, 1).relu(),
    "max": lambda x: pool_max(F.conv2d(x, edges, padding=1).relu(), 4),
    "mean": lambda x: pool_mean(F.conv2d(x, edges, padding=1).relu(), 4),
}

# %% yours folded label="Draw a digit and its edges, before and after the move"
pictures, titles = [], []
for name, digit in [("digit", digits[3:4]), ("two to the right", digits[3:4].roll(2, dims=-1))]:
    pictures += [digit[0, 0], F.conv2d(digit, edges, padding=1).relu()[0, 0]]
    titles += [name, "edge map"]
    for way, function in shrink.items():
        pictures.append(function(digit)[0, 0])
        titles.append(way)
draw_images(
    pictures,
    titles,
    columns=5,
    alt="Two rows of five images: a handwritten digit, the map of one of its edges, and this map shrunk to 7×7 with stride 4, by max and by "
    "mean pooling. In the second row the digit has moved two pixels to the right, and the shrunk maps have changed.",
)

# %% [markdown]
# A classifier sees only those 196 numbers. The simplest one needs no training: it finds the most similar of 500 digits that do not move, and says what
# that one is.
#
# **Before you run it:** which of the three ways suffers most when the digits to be recognised move? Which is best for digits that do not move?

# %% predict
test, known = DigitsAsMNIST(train=False), DigitsAsMNIST(train=True).targets[:500]
accuracy = {}
for way, function in shrink.items():
    memory, accuracy[way] = function(digits).flatten(1), []
    for shift in range(5):
        seen = function((test.data[:, None] / 255).roll(shift, dims=-1)).flatten(1)
        nearest = torch.cdist(seen, memory).argmin(dim=1)
        accuracy[way].append((known[nearest] == test.targets).float().mean().item())
    print(f"{way:9}", "  ".join(f"{value:.2f}" for value in accuracy[way]))

# %% predict folded label="Draw your curves"
figure, ax = plot_axes(6.4, 3.2)
for (way, line), style in zip(accuracy.items(), ("o-", "s--", "^:")):
    ax.plot(range(5), line, style, color=INK if way == "stride 4" else COLOURS["output"], label=way)
ax.set(xlabel="pixels to the right", ylabel="correct digits", xticks=range(5), ylim=(0, 1.03))
ax.legend()
show(
    figure,
    alt="Three curves: the share of digits recognised against the shift from 0 to 4 pixels, for stride 4, max pooling and mean pooling.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# Without a shift there is little between them. From then on the strided convolution falls first: an edge that moves by two pixels slips out of the few
# windows that it looks at. A pooled value changes little while the edge stays in its window, so both poolings lose less. They help with small shifts
# only: at a shift of 4, a whole window, all three fail. So networks pool several times, in small steps, and are trained on shifted images as well.
#
# </details>
#
# ## Recap
#
# Answer from memory, then unfold.
#
# <details><summary>1. A map of 3×5, padding (2, 1), stride (2, 2), kernel 3×3: how large is the output, and why?</summary>
#
# 3×3. Rows: $\lfloor (3 + 4 - 3)/2 \rfloor + 1 = 3$, columns: $\lfloor (5 + 2 - 3)/2 \rfloor + 1 = 3$. The padding counts on both sides, incomplete
# steps are not taken, and the start at index 0 gives the 1.
#
# </details>
#
# <details><summary>2. For which two reasons can an input cell have no influence on the output of a strided convolution?</summary>
#
# It is in a gap between windows ($s > h$), or in the remainder at the end that the next step does not reach ($s$ does not divide $H + 2p - h$). Its
# gradient is exactly 0.
#
# </details>
#
# <details><summary>3. <code>F.max_pool2d(x, 3)</code> and <code>F.conv2d(x, w)</code> with a 3×3 kernel, both on 8×8 maps: how large are the outputs?
# And where does the gradient of each output go?</summary>
#
# 2×2 and 6×6: a pooling's default stride is its kernel size, a convolution's is 1. In max pooling the gradient goes to one cell of the window, the
# largest; in the convolution to all nine cells (of every channel), each multiplied by its weight.
#
# </details>
#
# **Next**: `09_dilation`. Padding adds cells around the input, stride leaves positions out. Dilation leaves gaps *inside the kernel*, so that each
# output sees farther with the same number of weights.
