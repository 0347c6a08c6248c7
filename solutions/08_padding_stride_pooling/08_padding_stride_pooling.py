# %% [markdown]
# # Padding, stride and pooling
#
# After this notebook you can
#
# - put a frame of zeros around an input (`padding`) and move a kernel in larger steps (`stride`);
# - predict the output size of any convolution or pooling;
# - find the inputs that a stride never sees;
# - keep the size with 'same' padding, for odd and even kernels;
# - write max pooling, its backward pass and average pooling, and measure how pooling helps with digits that move.
#
# **Points**: 16. **Time**: about 40 minutes of reading and 85 minutes for the 8 exercises. **You need**: indexing
# and slicing of tensors (`01_tensors`), `backward()` and `.grad` (`02_gradients_and_optimizers`), and from `07_convolution` the definition of a convolution, `F.conv1d`,
# `F.conv2d` and `groups`.
#
# The check below each exercise tests what its text asks for. The grader tests the same things with other values.
#
# Unless an exercise says otherwise, tensors are on the CPU and hold at least one element, and their values are finite. An
# argument that must not be changed keeps its values, shape and dtype. A later call never changes an earlier result. A pair is a tuple such as `(2, 1)`, or a `torch.Size`
# such as `x.shape[2:]`.

# %% setup

# %% [markdown]
# ## A frame of zeros
#
# An $h \times w$ kernel fits into an $H \times W$ input at $(H - h + 1) \times (W - w + 1)$ positions, so every kernel larger than 1×1 gives an output
# a little smaller than its input.
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
# is in one window only, a cell in the middle is in nine.
#
# </details>
#
# The remedy for the shrinking is **padding**: a frame of zeros around the input. `padding=(2, 1)` means 2 rows of zeros above
# **and** 2 below, 1 column on the left **and** 1 on the right. A single number `p` stands for `(p, p)`.

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
# number is for the **rows**, the second for the **columns**, as in a shape.
#
# You rarely build the frame yourself. `F.conv2d(x, weight, padding=(2, 1))` and `nn.Conv2d(…, padding=(2, 1))` do it for you; the default is
# `padding=0`. (The padding need not be zeros: `nn.Conv2d(…, padding_mode="reflect")` mirrors the input instead.)

# %%
x = torch.arange(1.0, 16).reshape(1, 1, 3, 5)  # conv2d takes (N, C, H, W)
ones = torch.ones(1, 1, 3, 3)
print("padding=0:     ", tuple(F.conv2d(x, ones).shape))
print("padding=(2, 1):", tuple(F.conv2d(x, ones, padding=(2, 1)).shape))

# %% [markdown]
# ### Exercise: Zero padding by hand
#
# Write `zero_pad(x, padding)`: a new tensor that is `x` with a frame of zeros around every channel of every sample.
#
# - `padding` is a pair `(rows, columns)`, or one number for both. With 0 there is no frame, but the result is still a new tensor, not `x` itself.
# - The result has the dtype of `x`, whatever that is: float64, float16, integers of any size, booleans, complex numbers, …
# - Leave `x` unchanged.
# - Build the frame yourself. Call no function that pads (`F.pad`, `torch.constant_pad_nd`, `nn.ZeroPad2d`) or that takes a `padding` argument
#   (convolutions, poolings, `F.unfold`, `F.fold`), and stay in torch: do not turn `x` into a NumPy array, or into
#   Python numbers or lists.
#
# <details><summary>Hint 1: where to begin</summary>
#
# Make the large tensor of zeros first, then write `x` into its middle. Only the last two of its four dimensions are larger than those of `x`.
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
# `x.new_zeros(size)` has the dtype and the device of `x`. In a slice, `:` takes a whole dimension: `a[:, :, 2:5, 1:6]`. In which row of the result does
# `x` begin, and where does it end? Don't count from the end: `-0` is 0, so `0:-0` is empty.
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
import itertools

g = torch.Generator().manual_seed(81)


def pad_once(x, padding, what):
    """One call, after which x must be as before and no function may have padded; returns the answer."""
    before = x.clone()
    try:
        with Watch(operations=False) as seen:
            answer = zero_pad(inplace(x), padding)
    except RuntimeError as error:
        if "size of the tensor (0)" in str(error) and 0 in (padding if isinstance(padding, tuple) else (padding,)):
            require(False, what, "One of your slices is empty: −0 is 0, so `0:-0` takes nothing.")
        raise
    if not torch.equal(x, before):
        expect(x, before, f"{what} leaves x as it was")
    pads = [name for name in seen.functions if any(part in name for part in ("pad", "conv", "pool", "fold"))]
    if pads:
        require(False, f"{what}: no function pads for you", f"Your code calls `{pads[0]}`: build the frame yourself.")
    outside = ("numpy", "__array__", "__dlpack__", "tolist", "item", "__float__", "__int__", "__bool__", "__complex__")
    leaves = [name for name in seen.functions if name in (*outside, "Thread.start")]
    if leaves:
        advice = f"Your code calls `{leaves[0]}`: build the frame in torch, without NumPy and Python numbers or lists."
        require(False, f"{what}: x stays in torch", advice)
    return answer


def values(size, dtype):
    """Random values that no other dtype can hold."""
    x = torch.randn(size, generator=g, dtype=dtype if dtype.is_complex else torch.float64)
    if dtype.is_complex:
        return x
    if not dtype.is_floating_point:
        return x > 0 if dtype == torch.bool else ((x * 1e18).long() | 1).to(dtype)
    return x.to(dtype)


dtypes = [torch.float64, torch.int64, torch.float32, torch.float16, torch.bool, torch.bfloat16, torch.uint8]
dtypes += [torch.int32, torch.int16, torch.int8, torch.complex64, torch.complex128, torch.float64]
turns = itertools.cycle(dtypes)  # 13, so each of the four layouts meets other dtypes at every size


def try_many(sizes_and_paddings):
    layouts = {
        "": values,
        ", transposed": lambda size, dtype: values((*size[:2], size[3], size[2]), dtype).mT,
        ", channels last": lambda size, dtype: values(size, dtype).to(memory_format=torch.channels_last),
        ", every second column": lambda size, dtype: values((*size[:3], 2 * size[3]), dtype)[..., 1::2],
    }
    cases, answers, kept, wanted = {}, {}, {}, {}
    for size, padding in sizes_and_paddings:
        for layout, make in layouts.items():
            dtype = next(turns)
            for _ in range(1 if layout else 2):  # one layout twice, with other values
                what = f"zero_pad(x, {padding}) with x of shape {size}{layout}, in {str(dtype)[6:]}"
                what += ", other values" if what in cases else ""
                x = make(size, dtype)
                rows, columns = (padding, padding) if isinstance(padding, int) else padding
                wanted[what] = F.pad(x, (columns, columns, rows, rows))
                answers[what] = pad_once(x, padding, what)
                kept[what] = answers[what].clone() if isinstance(answers[what], torch.Tensor) else answers[what]
                cases[what] = x, x.clone()
    expect(
        kept,
        wanted,
        f"zero_pad(x, padding) for {len(cases)} tensors of many sizes, layouts and dtypes, to the last digit",
        mistakes={
            "Your values pass through float32, which cannot hold them all: make the zeros in the dtype of x.": {
                what: (value.real if value.is_complex() else value).float().to(value.dtype)
                for what, value in wanted.items()
            }
        },
        rtol=0,
        atol=0,
    )
    changed = [what for what in cases if not torch.equal(answers[what], kept[what])]
    advice = f"The result of {'; '.join(changed[:1])} was changed by a later call: make a new tensor in each call."
    require(not changed, "later calls leave earlier results alone", advice)
    shared = []
    for what, (x, before) in cases.items():
        answers[what].zero_()
        if not torch.equal(x, before):
            shared.append(what)
    advice = f"In {'; '.join(shared[:1])}, your answer is x itself, or a view of it: return a copy."
    require(not shared, "each result is a new tensor", advice)


x = torch.randn(2, 3, 4, 5, generator=g)
one_sample = F.pad(x, (1, 1, 2, 2))
one_sample[1:] = 0
expect(
    pad_once(x, (2, 1), "zero_pad(x, (2, 1))"),
    F.pad(x, (1, 1, 2, 2)),
    "zero_pad(x, (2, 1)) for x of shape (2, 3, 4, 5)",
    mistakes={
        "Rows and columns are swapped: the first number of the pair belongs to the rows.": F.pad(x, (2, 2, 1, 1)),
        "The first number of the pair is used for both: the second one belongs to the columns.": F.pad(x, (2, 2, 2, 2)),
        "The frame goes on both sides: below and on the right it is missing.": F.pad(x, (1, 0, 2, 0)),
        "The frame goes on both sides: above and on the left it is missing.": F.pad(x, (0, 1, 0, 2)),
        "The input belongs in the middle of the frame, not in its upper left corner.": F.pad(x, (0, 2, 0, 4)),
        "There is a frame, but x was not written into it.": torch.zeros(2, 3, 8, 7),
        "The frame consists of zeros, not of ones.": F.pad(x, (1, 1, 2, 2), value=1.0),
        "Only the first sample was written into its frame.": one_sample,
    },
)
x = torch.randn(3, 1, 2, 4, generator=g, dtype=torch.float64)
no_dtype = "The result has the dtype of x: torch.zeros makes float32 unless you say otherwise."
answer = pad_once(x, (3, 2), "zero_pad(x, (3, 2))")
expect(
    answer,
    F.pad(x, (2, 2, 3, 3)),
    "zero_pad(x, (3, 2)) for x in float64",
    mistakes={no_dtype: F.pad(x.float(), (2, 2, 3, 3))},
)
x = torch.randn(1, 2, 6, 3, generator=g)
expect(zero_pad(x=x, padding=3), F.pad(x, (3, 3, 3, 3)), "zero_pad(x=x, padding=3)")
x = torch.randn(1, 64, 27, 25, generator=g)
expect(pad_once(x, 1, "zero_pad(x, 1)"), F.pad(x, (1, 1, 1, 1)), "zero_pad(x, 1) for x of shape (1, 64, 27, 25)")
try_many(
    [
        ((1, 2, 3, 5), (0, 2)),
        ((2, 1, 6, 2), torch.Size([1, 0])),
        ((2, 2, 3, 4), (0, 0)),
        ((1, 1, 4, 4), 0),
        ((1, 2, 30, 40), 1),
    ]
)
### BEGIN HIDDEN TESTS
x = torch.randn(1, 48, 30, 28, generator=g)
expect(pad_once(x, 2, "zero_pad(x, 2)"), F.pad(x, (2, 2, 2, 2)), "zero_pad(x, 2) for x of shape (1, 48, 30, 28)")
try_many(
    [
        ((1, 2, 3, 7), (0, 3)),
        ((3, 1, 5, 2), torch.Size([1, 0])),
        ((2, 3, 4, 3), (0, 0)),
        ((1, 1, 1, 2), 2),
        ((2, 1, 50, 45), 0),
    ]
)
### END HIDDEN TESTS

# %% [markdown]
# PyTorch's own function is `F.pad(x, (left, right, top, bottom))`. It can pad each side differently, and it begins with the **last** dimension, so the
# columns come first. From here on you may use it.
#
# ## The step
#
# Windows at neighbouring positions share most of their cells, so neighbouring outputs are often alike. Where a coarser answer is enough, the kernel can
# take larger steps. The **stride** is the step from one position to the next; the default, 1, uses every position.
#
# **Before you run it:** the input has 8 values, the kernel has 3, and the stride is 2. How many outputs are there? How are they related to the outputs
# of stride 1?

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
    "2, then 4, and gives 8, 10 and 16. The last value, 6, is never covered.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# Three. The windows start at index 0, 2 and 4; a fourth would start at 6 and stick out over the edge. Stride 2 gives **every second value** of what
# stride 1 gives, beginning with the first.
#
# </details>
#
# ### The size formula
#
# Along one dimension the padded input has $H + 2p$ cells, and the kernel covers $h$ of them, so the last possible start is at index $H + 2p - h$. Count
# how many steps of length $s$ fit into that distance, and add 1 for the start at index 0:
#
# $$H' = \left\lfloor \frac{H + 2p - h}{s} \right\rfloor + 1 .$$
#
# The brackets $\lfloor\cdot\rfloor$ round down. Rows and columns are computed separately.
#
# Now padding and stride together: an input of $C \times 3 \times 5$, padding $(2, 1)$, stride $(2, 2)$, a kernel of $C \times 3 \times 3$.
#
# **Before you run it:** what is the output size for $C = 1$? And for $C = 4$?

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
# 1×3×3 both times: a kernel spans all channels and gives one map. Rows: $\lfloor (3 + 2 \cdot 2 - 3)/2 \rfloor + 1 = 3$,
# columns: $\lfloor (5 + 2 \cdot 1 - 3)/2 \rfloor + 1 = 3$.
#
# </details>
#
# ### Exercise: The output size
#
# Write `output_size(size, kernel_size, stride=1, padding=0)`: the height and width of a convolution's output, as a tuple of two
# Python `int`s. Each of the four arguments is a pair `(rows, columns)` or one number for both. The kernel always fits into the
# padded input. Compute it without making a tensor.
#
# <details><summary>Hint 1: one dimension at a time</summary>
#
# Turn every argument into a pair first; a small helper function saves you from writing that four times. Then use the formula twice: once with the first
# number of each pair, once with the second.
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
def size_once(arguments, what):
    """One call, after which no tensor may have been made; returns the answer."""
    with Watch(operations=False) as seen:
        answer = output_size(*arguments)
    if seen.functions:
        require(False, f"{what} makes no tensor", f"Your code calls `{seen.functions[0]}`: use the formula.")
    return answer


def try_many(given):
    answers, wanted = {}, {}
    for arguments in given:
        what = f"output_size({', '.join(map(str, arguments))})"
        answers[what] = size_once(arguments, what)
        n, k, s, p = [*arguments, *(1, 0)[len(arguments) - 2 :]]
        n, k = ((v, v) if isinstance(v, int) else v for v in (n, k))
        # On the device "meta" a tensor has a shape and no values: torch computes the sizes alone.
        y = F.conv2d(torch.empty(1, 1, *n, device="meta"), torch.empty(1, 1, *k, device="meta"), None, s, p)
        wanted[what] = tuple(y.shape[2:])
    expect(answers, wanted, f"output_size for {len(wanted)} sets of arguments, from 1×1 kernels to large inputs")


def draw(g, numbers):
    """Arguments at random, the first two, three or four of them, numbers and pairs."""
    given = []
    for i in numbers:
        pairs = [
            tuple(torch.randint(low, high, (2,), generator=g).tolist())
            for low, high in (
                [(90, 400), (1, 90), (1, 80), (0, 70)] if i % 5 == 0 else [(9, 40), (1, 9), (1, 7), (0, 5)]
            )
        ]
        mixed = [pair[0] if i >> n & 1 else pair for n, pair in enumerate(pairs)]
        given.append(mixed[: 2 + i % 3])
    return given


expect(
    size_once(((22, 36), (5, 6), (3, 5), (5, 2)), "output_size((22, 36), (5, 6), (3, 5), (5, 2))"),
    (10, 7),
    "output_size((22, 36), (5, 6), (3, 5), (5, 2))",
    mistakes={
        "The 1 for the start at index 0 is missing.": (9, 6),
        "The padding counts twice, once on each side.": (8, 7),
        "Round down: a step that does not fit completely is not taken.": (10, 8),
        "`/` gives a float even where it divides without a remainder, and does not round down: use `//`.": (10.0, 7.8),
        "`/` gives a float even where it divides without a remainder: `//` gives an int.": (10.0, 7.0),
        "Add the 1 after dividing, not before.": (9, 7),
        "Rows and columns are swapped in the result: height first.": (7, 10),
        "The first number of each pair is used for both dimensions.": (10, 10),
        "The first number of the stride is used for both dimensions.": (10, 12),
        "The first number of the padding is used for both dimensions.": (10, 9),
        "The stride is not used.": (28, 35),
        "The padding is not used.": (6, 7),
    },
)
expect(
    output_size(size=8, kernel_size=3, stride=2),
    (3, 3),
    "output_size(size=8, kernel_size=3, stride=2): a tuple of two ints, though all arguments are numbers",
)
try_many(
    [
        ((7, 9), 1, 2, 1),
        (5, 3, 1, 1),
        ((28, 30), 5),
        (7, 7, 3),
        ((224, 300), (16, 9), (16, 4)),
        ((1020, 901), (40, 51), (37, 26), (9, 30)),
        (3, 9, 4, 3),
        ((1080, 1920), 3),
        (98, 49, 49),
        ((700, 559), (1, 400), (350, 160)),
        (torch.Size([28, 30]), torch.Size([3, 5]), 2, torch.Size([0, 1])),
        *draw(torch.Generator().manual_seed(82), range(16)),
    ]
)
### BEGIN HIDDEN TESTS
try_many(
    [
        ((9, 7), 1, (1, 3), (2, 0)),
        (6, 3, 1, 2),
        ((1, 3), (1, 2)),
        ((500, 321), (7, 1), 2),
        ((3, 1), (8, 2), 6, 3),
        ((1200, 2500), (5, 3)),
        (206, 103, 103),
        ((1, 600), (1, 201), (1, 200)),
        (torch.Size([33, 20]), torch.Size([4, 7]), (3, 1), torch.Size([2, 0])),
        *draw(torch.Generator().manual_seed(92), range(16, 32)),
    ]
)
### END HIDDEN TESTS

# %% [markdown]
# ### In PyTorch
#
# `F.conv2d(x, weight, bias=None, stride=1, padding=0, …)` and `nn.Conv2d(in_channels, out_channels, kernel_size, stride=1, padding=0, …)` take a number
# or a pair for each. Here are three settings of `nn.Conv2d` that you will meet often.
#
# **Before you run it:** what does each of them do to a 56×56 map? Which of `kernel_size`, `stride` and `padding` changes the number of parameters?

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
# The first keeps the size. The second halves it: $\lfloor (56 + 2 - 3)/2 \rfloor + 1 = 28$. The third cuts the map into 4×4
# patches that do not overlap, and computes each output from one of them: the patch embedding of a vision
# transformer (`07_convolution`). Only `kernel_size` changes the number of parameters. Padding and stride say *where* the kernel is
# applied, not what it contains.
#
# </details>
#
# ### Exercise: A convolution with stride and padding
#
# Write `conv2d(x, weight, bias=None, stride=1, padding=0)`: it gives what `F.conv2d` gives with the same arguments.
#
# - `stride` and `padding` are numbers or pairs `(rows, columns)`, and the bias may be `None`. The tensors are all float32 or all float64, and need not
#   be contiguous; `weight` and `bias` may be a layer's parameters.
# - Do the stride and the padding yourself. You may call `F.conv2d` and `F.unfold`, but **without** their arguments `stride` and
#   `padding`. Call no other convolution, and no module such as `nn.Conv2d`. You may use anything else in torch, including
#   `F.pad` and the method `x.unfold`.
# - Leave `x`, `weight` and `bias` unchanged.
#
# <details><summary>Hint 1: before and after</summary>
#
# Padding changes the input, so it comes *before* the plain convolution. And the stride? Look again at the example with eight values: how did the
# outputs of stride 2 follow from those of stride 1?
#
# </details>
#
# <details><summary>Hint 2: every s-th value</summary>
#
# A slice can have a third part: `a[::2]` takes the values at index 0, 2, 4, …. Both spatial dimensions need one, each with its
# own step.
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
import itertools

g = torch.Generator().manual_seed(83)


def draw(*size, dtype=torch.float32):
    return torch.randn(size, generator=g, dtype=dtype)


def is_plain(operation):
    """Whether an operation leaves stride and padding alone; the arguments are in torch's order."""
    if operation.name == "im2col":
        return not any(operation.arguments[3]) and set(operation.arguments[4]) == {1}
    if "conv" not in operation.name:
        return True
    if operation.name != "convolution" or len(operation.arguments[1]) != 4:
        return False
    stride, padding, transposed = operation.arguments[3], operation.arguments[4], operation.arguments[6]
    return set(stride) == {1} and not any(padding) and not transposed


def conv_once(x, weight, bias, stride, padding, what):
    """One call, after which the arguments must be as before and torch may not have done the work; returns the answer."""
    before = [value if value is None else value.clone() for value in (x, weight, bias)]
    with Watch() as seen:
        if stride is None:
            answer = conv2d(inplace(x), inplace(weight))
        elif bias is None:
            answer = conv2d(inplace(x), inplace(weight), bias, stride, padding)
        else:
            answer = conv2d(inplace(x), inplace(weight), inplace(bias), stride, padding)
    for name, value, copy in zip(("x", "weight", "bias"), (x, weight, bias), before):
        if value is not None and not torch.equal(value, copy):
            expect(value, copy, f"{what} leaves {name} as it was")
    others = [name for name in seen.functions if ("conv" in name and name != "conv2d") or name == "Thread.start"]
    others += ["nn.Conv2d"] if "kaiming_uniform_" in seen.functions else []  # a layer draws its initial weights with it
    if others or not all(map(is_plain, seen.operations)):
        advice = f"Your code calls `{others[0]}`" if others else "Your code leaves the stride or the padding to torch"
        require(False, f"{what}: F.conv2d and F.unfold without stride and padding", f"{advice}: do both yourself.")
    return answer


# Four kinds, so each of the three layouts meets another kind at every size.
turns = itertools.cycle(
    [
        [("float64, with a bias", torch.float64, True)],
        [("float32, without a bias", torch.float32, False)],
        [("float32, with a bias", torch.float32, True)],
        [("float64, without a bias", torch.float64, False)],
    ]
)


def try_many(cases):
    layouts = {
        "": lambda size, dtype: draw(*size, dtype=dtype),
        ", x and weight transposed": lambda size, dtype: draw(*size[:2], size[3], size[2], dtype=dtype).mT,
        ", x and weight with every second column": lambda size, dtype: draw(*size[:3], 2 * size[3], dtype=dtype)[
            ..., 1::2
        ],
    }
    answers, kept, wanted = {}, {}, {}
    for size, (maps, *kernel), stride, padding in cases:
        for layout, make in layouts.items():
            kinds = next(turns)
            for kind, dtype, with_bias in kinds if layout else kinds * 2:  # one layout twice, with other values
                x, weight = make(size, dtype), make((maps, size[1], *kernel), dtype)
                bias = draw(maps, dtype=dtype) if with_bias else None
                name = "None" if bias is None else "bias"
                what = f"conv2d(x, weight, {name}, {stride}, {padding}) for shapes {size}, {tuple(weight.shape)}"
                what += f"{layout}, in {kind}"
                what += ", other values" if what in wanted else ""
                wanted[what] = F.conv2d(x, weight, bias, stride, padding)
                answers[what] = conv_once(x, weight, bias, stride, padding, what)
                kept[what] = answers[what].clone() if isinstance(answers[what], torch.Tensor) else answers[what]
    for dtype, tolerance in [(torch.float32, 1e-4), (torch.float64, 1e-10)]:
        chosen = [what for what in wanted if wanted[what].dtype == dtype]
        expect(
            {what: kept[what] for what in chosen},
            {what: wanted[what] for what in chosen},
            f"conv2d in {str(dtype)[6:]}: {len(chosen)} calls, many sizes and layouts, with and without a bias",
            rtol=tolerance,
            atol=tolerance,
        )
    changed = [what for what in wanted if not torch.equal(answers[what], kept[what])]
    advice = f"The result of {'; '.join(changed[:1])} was changed by a later call: make a new tensor in each call."
    require(not changed, "later calls leave earlier results alone", advice)


x, weight, bias = draw(2, 3, 9, 10), draw(4, 3, 3, 3), draw(4)
framed = F.pad(x, (2, 2, 1, 1))
everywhere = F.conv2d(x, weight, bias, 1, (1, 2))
expect(
    conv_once(x, weight, bias, (2, 3), (1, 2), "conv2d(x, weight, bias, (2, 3), (1, 2))"),
    F.conv2d(x, weight, bias, (2, 3), (1, 2)),
    "conv2d(x, weight, bias, (2, 3), (1, 2)) for shapes (2, 3, 9, 10), (4, 3, 3, 3)",
    mistakes={
        "Rows and columns are swapped in the stride.": F.conv2d(x, weight, bias, (3, 2), (1, 2)),
        "Rows and columns are swapped in the padding.": F.conv2d(x, weight, bias, (2, 3), (2, 1)),
        "The first number of each pair is used for both: the second one belongs to the columns.": F.conv2d(
            x, weight, bias, 2, 1
        ),
        "The first number of the stride is used for both: the second one belongs to the columns.": F.conv2d(
            x, weight, bias, 2, (1, 2)
        ),
        "The first number of the padding is used for both: the second one belongs to the columns.": F.conv2d(
            x, weight, bias, (2, 3), 1
        ),
        "The stride is not used.": everywhere,
        "The padding is not used.": F.conv2d(x, weight, bias, (2, 3)),
        "The frame goes on both sides: above and on the left it is missing.": F.conv2d(
            F.pad(x, (0, 4, 0, 2)), weight, bias, (2, 3)
        ),
        "The first position is at index 0: yours comes later.": everywhere[:, :, 1::2, 2::3],
        "The bias is missing.": F.conv2d(x, weight, None, (2, 3), (1, 2)),
        "The bias is added column by column: each channel has its own, so its shape must become (D, 1, 1).": F.conv2d(
            x, weight, None, (2, 3), (1, 2)
        )
        + bias,
        "The stride skips outputs, not cells of the padded input: slice the result of F.conv2d.": F.conv2d(
            F.max_pool2d(framed, 1, (2, 3)), weight, bias
        ),
        "The stride skips outputs, not cells of x: slice the result of F.conv2d, not x.": F.conv2d(
            F.max_pool2d(x, 1, (2, 3)), weight, bias, 1, (1, 2)
        ),
        "The frame belongs around the input, before the convolution.": F.pad(
            F.conv2d(x[:, :, 1:, 1:], weight, bias, (2, 3)), (1, 0, 1, 1)
        ),
        "You skip samples and channels: rows and columns are the last two dimensions.": F.conv2d(
            x[:1], weight[[0, 3]], bias[[0, 3]], 1, (1, 2)
        ),
    },
    rtol=1e-4,
    atol=1e-4,
)
x, weight = 1e-6 * draw(2, 3, 4, 6), draw(2, 3, 2, 3)
answer = conv_once(x, weight, None, None, None, "conv2d(x, weight)")
expect(answer, F.conv2d(x, weight), "conv2d(x, weight), nothing else given, tiny values", rtol=1e-4, atol=1e-10)
answer = conv2d(x=x, weight=weight, bias=None, stride=(1, 2), padding=1)
expect(answer, F.conv2d(x, weight, None, (1, 2), 1), "conv2d with its arguments given by name", rtol=1e-4, atol=1e-10)
layer = nn.Conv2d(3, 2, 3)
answer, wanted = conv2d(x, layer.weight, layer.bias, 2, 1), F.conv2d(x, layer.weight, layer.bias, 2, 1)
expect(answer, wanted, "conv2d(x, layer.weight, layer.bias, 2, 1)", rtol=1e-4, atol=1e-5)
try_many(
    [
        ((2, 3, 9, 8), (4, 3, 3), 2, 0),
        ((1, 2, 8, 5), (3, 2, 4), (2, 2), (0, 0)),
        ((3, 1, 5, 6), (2, 1, 1), 1, 0),
        ((1, 3, 7, 4), (2, 4, 2), torch.Size([1, 2]), torch.Size([2, 0])),
        ((1, 1, 3, 9), (1, 2, 5), (1, 4), 1),
        ((1, 2, 5, 6), (3, 2, 5), (1, 2), (3, 4)),
        ((2, 3, 24, 30), (2, 3, 4), (5, 4), (0, 2)),
    ]
)
### BEGIN HIDDEN TESTS
try_many(
    [
        ((1, 2, 11, 7), (3, 4, 2), (3, 1), (0, 3)),
        ((3, 1, 6, 8), (2, 1, 5), (1, 4), (2, 0)),
        ((2, 4, 5, 6), (1, 2, 3), 1, 0),
        ((2, 2, 9, 8), (3, 2, 1), 4, 1),
        ((1, 3, 3, 12), (2, 3, 3), (5, 2), 2),
        ((1, 2, 40, 35), (2, 3, 3), 6, 0),
        ((1, 3, 6, 7), (2, 2, 3), torch.Size([3, 1]), torch.Size([0, 2])),
    ]
)
layer, x = nn.Conv2d(3, 2, (2, 3)), draw(2, 3, 5, 7)
answer, wanted = conv2d(x, layer.weight, layer.bias, (1, 2), 2), F.conv2d(x, layer.weight, layer.bias, (1, 2), 2)
expect(answer, wanted, "conv2d(x, layer.weight, layer.bias, (1, 2), 2)", rtol=1e-4, atol=1e-5)
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>When you have solved it: is this how PyTorch does it?</summary>
#
# If you computed every position and threw most of them away: no. That makes it easy to understand, but with stride (2, 2) it
# wastes three quarters of the work. PyTorch computes only the positions that are kept.
#
# </details>
#
# ## What a stride never sees
#
# In the example with eight values, the last one was never covered, so it had no influence on the output. Nothing warns you
# about this. To see it on a whole map, count for every input cell how many windows cover it.
#
# The gradient does the counting. With a kernel of ones, the sum of all outputs contains each input cell once for every window that covers it, so the
# gradient of that sum **is** the count.
#
# **Before you run it:** the input is 8×9 and the kernel 3×3, without padding. For each of the strides 1, 2, 3 and 4, which rows and columns are never
# covered?


# %% predict
def times_covered(size, kernel_size, stride, padding=0):
    """How many windows cover each cell of the input: a tensor of shape `size`."""
    x = torch.ones(1, 1, *size, dtype=torch.float64, requires_grad=True)
    kernel = torch.ones(1, 1, *kernel_size, dtype=torch.float64)
    F.conv2d(x, kernel, stride=stride, padding=padding).sum().backward()
    return x.grad[0, 0]


for stride in (1, 2, 3, 4):
    never = times_covered((8, 9), (3, 3), stride) == 0
    rows, columns = (never.all(dim=d).nonzero().flatten().tolist() for d in (1, 0))
    print(f"stride {stride}: rows {rows}, columns {columns}, in all {int(never.sum())} of {never.numel()} cells")


# %% predict folded label="Draw the counts"
def draw_counts(ax, n):
    counts = times_covered((8, 9), (3, 3), n + 1)
    draw_grid(ax, Grid(counts, f"stride {n + 1}", "input", digits=0), 0, 0)
    for i, j in (counts == 0).nonzero().tolist():
        ax.add_artist(plt.Rectangle((j, i), 1, 1, facecolor="white", edgecolor=INK, linewidth=0.8, zorder=4))
        ax.text(j + 0.5, i + 0.5, "×", ha="center", va="center", fontsize=13, color=INK, zorder=5)
    ax.add_artist(plt.Rectangle((0, 0), 9, 8, fill=False, edgecolor=COLOURS["input"], linewidth=2.2, zorder=6))
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
# <details><summary>Why? Remainders and gaps</summary>
#
# Stride 1 covers everything. Stride 2 loses row 7, but no column. Stride 3 loses rows 6 and 7. Stride 4 skips row 3 and column 3 between its windows,
# and row 7 and columns 7 and 8 are left over at the end: half of all cells. Two different things happen:
#
# - **A remainder at the end.** If $s$ does not divide $H + 2p - h$, the last $(H + 2p - h) \bmod s$ rows of the padded input are left over (here, with
#   stride 2: 5 mod 2 = 1 row and 6 mod 2 = 0 columns). They are at the lower edge (for columns, at the right edge), so cells of the frame are lost
#   first.
# - **Gaps.** If $s > h$, the windows do not touch: between two of them $s - h$ rows or columns are skipped.
#
# </details>
#
# ### Ignored cells in real networks
#
# A cell is ignored if its row is ignored **or** its column is. Its gradient is exactly 0. This happens in real networks: some halve their maps with a
# 1×1 kernel and stride 2, which uses only a quarter of the cells. A 3×3 kernel with stride 2 and padding 1 uses them all:

# %%
print(times_covered((6, 6), (1, 1), 2).long())
print(times_covered((6, 6), (3, 3), 2, padding=1).long())

# %% [markdown]
# ### Exercise: Which inputs are ignored
#
# Write `ignored(size, kernel_size, stride=1, padding=0)`: a tensor of booleans of shape `(H, W)`, `True` where an input cell is never covered.
#
# - Every argument is a pair `(rows, columns)` or one number for both. No number is larger than 200, and the kernel always fits
#   into the padded input.
# - The mask covers the input only, not its frame.
# - Find the windows yourself: no autograd (`backward`, `torch.autograd.grad`, `torch.func`), no convolution or pooling of
#   torch, no `F.unfold` or `F.fold`. The method `x.unfold` is fine. (Do not call `times_covered`, which uses two of these.
#   But you can compare your result with `times_covered(…) == 0`; it takes the size and the kernel size as pairs.)
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
# Begin with a map of `False` for the padded input, go through all windows in two loops, and write `True` into each window.
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
# Cut the frame off: keep the rows from `ph` to `ph + H`. And remember that `True` means *ignored*. `~a` swaps `True` and `False`.
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
    Returns: booleans of shape size, True = never covered.
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


def ignored_once(arguments, what):
    """One call, after a look at what torch did for it; returns the answer."""
    with Watch() as seen:
        answer = ignored(*arguments)
    names = seen.functions + seen.names
    banned = [
        f for f in names if f in ("backward", "grad", "grad_fn", "_make_dual", "im2col", "col2im", "Thread.start")
    ]
    banned += [f for f in names if any(part in f for part in ("conv", "pool", "_backward"))]
    if banned:
        name = {"im2col": "F.unfold", "col2im": "F.fold"}.get(banned[0], banned[0])
        advice = f"Your code calls `{name}`, which finds them for you."
        advice += " (`times_covered` calls it.)" if name in ("conv2d", "backward") else ""
        require(False, f"{what} finds the windows itself", advice)
    return answer


def try_many(given):
    answers, wanted = {}, {}
    for arguments in given:
        what = f"ignored({', '.join(map(str, arguments))})"
        answers[what] = ignored_once(arguments, what)
        wanted[what] = never_covered(*((v, v) if isinstance(v, int) else v for v in arguments))
    expect(answers, wanted, f"ignored for {len(wanted)} sets of arguments, numbers and pairs, small and large")


def draw(g, numbers):
    """Arguments at random, the first two, three or four of them, numbers and pairs."""
    given = []
    for i in numbers:
        pairs = [
            tuple(torch.randint(low, high, (2,), generator=g).tolist())
            for low, high in [(6, 22 if i % 4 == 0 else 13), (1, 6), (1, 11), (0, 5)]
        ]
        mixed = [pair[0] if i >> n & 1 else pair for n, pair in enumerate(pairs)]
        given.append(mixed[: 4 - (i % 5 == 0) - (i % 10 == 0)])
    return given


wanted = never_covered((5, 9), (2, 3), (3, 4))
rows, columns = wanted.all(dim=1), wanted.all(dim=0)  # ignored from edge to edge
rest = torch.zeros(5, 9, dtype=torch.bool)
rest[:, 7:] = True
one_less = wanted.clone()  # as if no window started in row 3
one_less[2:] = True
gaps = never_covered((8, 12), (2, 3), (3, 4))[:5, :9]
starts = torch.ones(5, 9, dtype=torch.bool)
starts[::3, :5:4] = False
expect(
    ignored_once(((5, 9), (2, 3), (3, 4)), "ignored((5, 9), (2, 3), (3, 4))"),
    wanted,
    "ignored((5, 9), (2, 3), (3, 4))",
    mistakes={
        "It is inverted: True means ignored, not covered.": ~wanted,
        "It is inverted: True means ignored, not covered. And a window must fit completely.": ~gaps,
        "Booleans are asked for, not 0 and 1: `dtype=torch.bool`, or a comparison.": wanted.long(),
        "Booleans are asked for, not 0.0 and 1.0: `dtype=torch.bool`, or a comparison.": wanted.float(),
        "A cell is ignored if its row is ignored or its column is: yours asks for both at once.": rows[:, None]
        & columns,
        "You found the remainder at the right, and not the gaps between the windows.": rest,
        "You found the gaps, and not the remainder: a window must fit completely.": gaps,
        "The last windows are missing: a Python range ends before its second number.": one_less,
        "The first number of a pair is used for both dimensions.": never_covered((5, 9), (2, 2), (3, 3)),
        "The first number of the stride is used for both dimensions.": never_covered((5, 9), (2, 3), (3, 3)),
        "You marked where each window starts: it covers a whole block.": starts,
        "Nothing is left: −0 is 0, so the slice `0:-0` takes nothing.": torch.zeros(0, 0, dtype=torch.bool),
    },
)
below = torch.ones(6, 8, dtype=torch.bool)  # a[-1:2] is empty: as if only windows inside the input were there
below[3:6, 2:5] = below[3:6, 6:8] = False
whole = never_covered((8, 12), (3, 3), (4, 4))
expect(
    ignored_once(((6, 8), 3, 4, (1, 2)), "ignored((6, 8), 3, 4, (1, 2))"),
    never_covered((6, 8), (3, 3), (4, 4), (1, 2)),
    "ignored((6, 8), 3, 4, (1, 2))",
    mistakes={
        "Indices below 0 count from the end in Python: work in the padded map, where no window starts below 0.": below,
        "The padding is not used: it moves the windows.": never_covered((6, 8), (3, 3), (4, 4)),
        "The mask covers the frame too: cut it off.": whole,
        "The frame is cut off at the wrong side: the input is in the middle.": whole[:6, :8],
    },
)
answer = ignored(size=7, kernel_size=(2, 1), stride=(1, 3), padding=1)
expect(
    answer,
    never_covered((7, 7), (2, 1), (1, 3), (1, 1)),
    "ignored(size=7, kernel_size=(2, 1), stride=(1, 3), padding=1)",
)
try_many(
    [
        ((4, 5), 2),
        ((3, 4), (1, 2), 5, (4, 3)),
        (5, 5, 2),
        ((12, 20), 3, (7, 9)),
        (torch.Size([22, 31]), torch.Size([4, 2]), torch.Size([5, 11]), (0, 6)),
        ((32, 40), 16),
        ((150, 3), (1, 2), (2, 1)),
        ((4, 170), (2, 1), (3, 2), (0, 1)),
        ((60, 70), (13, 20), (15, 24), 5),
        *draw(torch.Generator().manual_seed(84), range(12)),
    ]
)
### BEGIN HIDDEN TESTS
try_many(
    [
        ((1, 6), (1, 2), (3, 3), 0),
        (9, 2, 8, 3),
        (torch.Size([25, 18]), (3, 4), torch.Size([12, 6])),
        ((40, 3), (5, 3), 9, 2),
        *draw(torch.Generator().manual_seed(94), range(12, 28)),
    ]
)
### END HIDDEN TESTS

# %% [markdown]
# ## Keeping the size
#
# Often the output should be as large as the input, so that many layers can follow one another. Can padding do that for every
# kernel?
#
# **Before you run it:** `padding=p` puts $p$ zeros on **each** side. The input has 10 values, the stride is 1. For which of the
# kernels with 2, 3, 4 and 5 values is there a $p$ that keeps the size?

# %% predict
for k in (2, 3, 4, 5):
    sizes = {p: F.conv1d(torch.zeros(1, 1, 10), torch.zeros(1, 1, k), padding=p).shape[-1] for p in range(4)}
    print(f"k = {k}:", ", ".join(f"p = {p} → {size:2}" for p, size in sizes.items()))

# %% [markdown]
# <details><summary>Why?</summary>
#
# Only for the odd ones. With stride 1 there are $W + (\text{zeros before}) + (\text{zeros after}) - k + 1$ outputs. So the size
# stays the same if there are $k - 1$ zeros in all. `padding=p` makes $2p$ of them, an even number, so $k$ must be odd, and
# $p = (k - 1)/2$. That is one reason why kernels of 3, 5 and 7 are so common. For an even kernel $k - 1$ is odd, so one side must
# get one zero more than the other.
#
# </details>
#
# ### padding="same"
#
# `padding="same"` chooses the number of zeros for you, so that the output is as large as the input. For an even kernel
# it has to prefer one side.
#
# **Before you run it:** make a guess. On which side does it put the extra zero, before the input or after it?

# %% predict
import warnings

warnings.filterwarnings("ignore", message="Using padding='same'")  # torch says that it has to copy the input
numbers = torch.arange(1.0, 7).reshape(1, 1, 6)
for k in (2, 4):
    same = F.conv1d(numbers, torch.ones(1, 1, k), padding="same")
    for zeros in [(k // 2, k // 2 - 1), (k // 2 - 1, k // 2)]:  # (before, after)
        by_hand = F.conv1d(F.pad(numbers, zeros), torch.ones(1, 1, k))
        print(f"k = {k}: is it {zeros[0]} before and {zeros[1]} after?", torch.equal(same, by_hand))

# %% predict folded label="Draw 'same' padding"
figure, ax = plt.subplots(figsize=(4.8, 6.0))
figure.subplots_adjust(0, 0, 1, 1)
for n, (k, before, after) in enumerate([(2, 0, 1), (3, 1, 1), (4, 1, 2), (5, 2, 2)]):
    top = 1.0 + 3.3 * n
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
# <details><summary>Why?</summary>
#
# After it; that is a convention. The picture shows where each kernel is at its first and its last position.
#
# </details>
#
# ### Two dimensions, and larger strides
#
# Rows and columns are treated separately: `nn.Conv2d(8, 16, kernel_size=(3, 5), padding="same")` pads with `(1, 2)`. `padding="valid"` is another name
# for `padding=0`.
#
# `"same"` works with stride 1 only; with a larger stride torch raises an error. In that case, give the padding as a number or a
# pair, and take the size from the formula. (If all zeros go *before* a signal, each output sees only the present and the past.
# The convolution is then causal; `09_dilation` builds on that.)
#
# ### Exercise: 'Same' padding for any kernel
#
# Write `same_padding(kernel_size)`: the tuple `(left, right, top, bottom)` of four `int`s for which
# `F.conv2d(F.pad(x, same_padding(kernel_size)), weight)` equals `F.conv2d(x, weight, padding="same")`. `kernel_size` is a pair `(rows, columns)` or one
# number for both. The stride is 1.
#
# <details><summary>Hint 1: one dimension</summary>
#
# A kernel of 5 needs 4 zeros: 2 before the input (left, above) and 2 after it. A kernel of 6 needs 5: 2 before and 3 after. How
# do you calculate the first number from $k$, and how the second?
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
        "One tuple of four numbers was expected, not two pairs.": ((3, 3), (1, 1)),
    },
)
expect(
    same_padding((4, 6)),
    (2, 3, 1, 2),
    "same_padding((4, 6)), an even kernel",
    mistakes={
        "The extra zero of an even kernel goes to the end: on the right and below.": (3, 2, 2, 1),
        "Below there must be one more zero than above.": (2, 3, 2, 1),
        "The two sides of an even kernel cannot be equal: this makes the output larger than the input.": (3, 3, 2, 2),
        "The two sides of an even kernel cannot be equal: this makes the output smaller than the input.": (2, 2, 1, 1),
    },
)
expect(
    same_padding(kernel_size=5),
    (2, 2, 2, 2),
    "same_padding(kernel_size=5), one number for rows and columns",
    mistakes={"Four numbers were expected, for a number as well as for a pair.": (2, 2)},
)
kernels = {2: (0, 1, 0, 1), 4: (1, 2, 1, 2), 1: (0, 0, 0, 0), (1, 2): (0, 1, 0, 0), (6, 3): (1, 1, 2, 3)}
kernels |= {
    (4, 1): (0, 0, 1, 2),
    (3, 8): (3, 4, 1, 1),
    (9, 2): (0, 1, 4, 4),
    (11, 14): (6, 7, 5, 5),
    20: (9, 10, 9, 10),
    (6, 6): (2, 3, 2, 3),
    (4, 10): (4, 5, 1, 2),
    (1001, 64): (31, 32, 500, 500),
    torch.Size([3, 4]): (1, 2, 1, 1),
}
answers = {f"same_padding({kernel})": same_padding(kernel) for kernel in kernels}
wanted = {f"same_padding({kernel})": padding for kernel, padding in kernels.items()}
expect(answers, wanted, f"same_padding for {len(kernels)} more kernels: numbers and pairs, odd and even, tall and wide")
### BEGIN HIDDEN TESTS
kernels = {8: (3, 4, 3, 4), 7: (3, 3, 3, 3), 16: (7, 8, 7, 8), (2, 1): (0, 0, 0, 1), (5, 4): (1, 2, 2, 2)}
kernels |= {
    (8, 5): (2, 2, 3, 4),
    (12, 15): (7, 7, 5, 6),
    (10, 2): (0, 1, 4, 5),
    (1, 31): (15, 15, 0, 0),
    24: (11, 12, 11, 12),
    (16, 16): (7, 8, 7, 8),
    (2, 12): (5, 6, 0, 1),
    (512, 999): (499, 499, 255, 256),
    torch.Size([6, 5]): (2, 2, 2, 3),
}
answers = {f"same_padding({kernel})": same_padding(kernel) for kernel in kernels}
wanted = {f"same_padding({kernel})": padding for kernel, padding in kernels.items()}
expect(answers, wanted, "same_padding for other kernels")
### END HIDDEN TESTS

# %% [markdown]
# ## Max pooling
#
# Often you want to know whether a feature is *somewhere around here*, not exactly where. **Max pooling** takes the largest value of each window, in
# every channel of every sample separately. It has no parameters.
#
# `F.max_pool2d(x, kernel_size)` takes the size of the window, `(h, w)`, or `k` for `(k, k)`.
#
# **Before you run it:** here are a pooling and a convolution with a single kernel, with windows of the same size, `(1, 2)`, on
# the same 1×2×3×6 tensor. Neither is given a stride; for the pooling, guess the default. What is the shape of each result?

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
# ### Padding in max pooling
#
# Max pooling takes `padding`, too. But a zero in the frame would win in every window whose other values are all negative, and the output would be 0
# where the input has no 0. So the frame of a max pooling is made of $-\infty$, which never wins:

# %%
negative = torch.full((1, 1, 4, 4), -1.0)
print("frame of −∞:", F.max_pool2d(negative, 3, stride=2, padding=1).flatten().tolist())
print("zeros:      ", F.max_pool2d(F.pad(negative, (1, 1, 1, 1)), 3, stride=2).flatten().tolist())

# %% [markdown]
# Only the last window has no cell of the frame, so with a frame of zeros only its $-1$ survives.
#
# ### The size of a pooling
#
# The module `nn.MaxPool2d(kernel_size)` does the same as the function. The size formula holds for poolings, too:

# %%
for size, (h, w) in [((5, 3, 24, 24), (3, 3)), ((5, 3, 8, 8), (3, 3)), ((2, 4, 9, 11), (2, 4))]:
    y = F.max_pool2d(torch.zeros(size), (h, w))
    print(f"{size} by {h}×{w}: {tuple(y.shape)}")

# %% [markdown]
# With the default stride and no padding the formula becomes $\lfloor (H - h)/h \rfloor + 1 = \lfloor H/h \rfloor$, so a window of $(h, w)$ turns
#
# $$N \times C \times H \times W \quad\text{into}\quad N \times C \times \lfloor H/h \rfloor \times \lfloor W/w \rfloor .$$
#
# If $h$ does not divide $H$, the last $H \bmod h$ rows are ignored. (`ceil_mode=True` rounds up instead and gives them windows of their own.)

# %% [markdown]
# ### Exercise: Max pooling by hand
#
# Write `max_pool2d(x, kernel_size)`: it gives what `F.max_pool2d(x, kernel_size)` gives, with its default stride and no padding.
#
# - `kernel_size` is a pair or a number. The window fits into `x`, and a remainder of rows or columns is ignored.
# - `x` is float32 or float64, contiguous or not, and may require a gradient; the result has the same dtype. The values may all
#   be negative, and some may be $-\infty$ or $\infty$.
# - The result is a new tensor, even for a window of 1. Leave `x` unchanged.
# - Call no pooling: no function of torch with `pool` in its name, such as `F.max_pool2d`, and no module such as `nn.MaxPool2d`, which calls one.
#
# <details><summary>Hint 1: windows that don't overlap</summary>
#
# Cut the remainder off first. Then the rows are $H'$ groups of $h$ rows each. A `reshape` can split one dimension into two: 12 rows into 4 groups of 3.
# Do the same with the columns. Now each window has two dimensions of its own.
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
import itertools

g = torch.Generator().manual_seed(86)


def pool_once(x, window, what):
    """One call, after which x must be as before and no pooling may have run; returns the answer."""
    before = x.clone()
    h, w = (window, window) if isinstance(window, int) else window
    try:
        with Watch() as seen:
            answer = max_pool2d(inplace(x), window)
    except (AttributeError, TypeError, RuntimeError) as error:
        if "return_types.max" in str(error):
            require(False, what, f"`max(dim=…)` returns values and indices: use `amax`. ({error})")
        if "is invalid for input of size" in str(error) and (x.shape[2] % h or x.shape[3] % w):
            advice = (
                f"A {x.shape[2]}×{x.shape[3]} map does not divide into {h}×{w} windows: cut the remainder off first."
            )
            require(False, what, f"{advice} ({error})")
        raise
    if not torch.equal(x, before):
        expect(x, before, f"{what} leaves x as it was")
    used = [name for name in seen.functions + seen.names if "pool" in name or name == "Thread.start"]
    if used:
        require(False, f"{what}: no pooling of torch", f"Your code calls `{used[0]}`: find the largest yourself.")
    if isinstance(answer, tuple):
        require(
            False, f"{what} is a tensor", "Yours is a tuple: `max(dim=…)` returns values and indices, so use `amax`."
        )
    wanted = F.max_pool2d(before, window)
    if isinstance(answer, torch.Tensor) and answer.shape == wanted.shape:
        if bool((wanted.isneginf() & answer.isfinite()).any()):
            advice = (
                "Where a window has nothing but −∞, your result is larger. Nothing is below −∞: begin with `-math.inf`."
            )
            require(False, what, advice)
    return answer


def values(size, dtype):
    x = torch.randn(size, generator=g, dtype=torch.float64) - 1
    x = x.where(torch.rand(size, generator=g) > 0.2, -math.inf)
    x = x.where(torch.rand(size, generator=g) > 0.5 / x.numel(), math.inf)
    return x.where(torch.rand(size, generator=g) > 0.2, -0.5).to(dtype)


turns = itertools.cycle([torch.float64, torch.float32, torch.float64])  # each of the four layouts meets both


def try_many(sizes_and_windows):
    layouts = {
        "": values,
        ", transposed": lambda size, dtype: values((*size[:2], size[3], size[2]), dtype).mT,
        ", channels last": lambda size, dtype: values(size, dtype).to(memory_format=torch.channels_last),
        ", every second column": lambda size, dtype: values((*size[:3], 2 * size[3]), dtype)[..., 1::2],
    }
    cases, answers, kept, wanted = {}, {}, {}, {}
    for size, window in sizes_and_windows:
        for layout, make in layouts.items():
            dtype = next(turns)
            for _ in range(1 if layout else 2):  # one layout twice, with other values
                what = f"max_pool2d(x, {window}) with x of shape {size}{layout}, in {str(dtype)[6:]}"
                what += ", other values" if what in cases else ""
                x = make(size, dtype)
                wanted[what] = F.max_pool2d(x, window)
                answers[what] = pool_once(x, window, what)
                kept[what] = answers[what].clone() if isinstance(answers[what], torch.Tensor) else answers[what]
                cases[what] = x, x.clone()
    expect(
        kept,
        wanted,
        f"max_pool2d for {len(cases)} tensors of many sizes and layouts, with −∞ and ∞ among the values, to the last digit",
        mistakes={
            "Your values pass through float32, which rounds them: keep the dtype of x.": {
                what: value.float().to(value.dtype) for what, value in wanted.items()
            }
        },
        rtol=0,
        atol=0,
    )
    changed = [what for what in cases if not torch.equal(answers[what], kept[what])]
    advice = f"The result of {'; '.join(changed[:1])} was changed by a later call: make a new tensor in each call."
    require(not changed, "later calls leave earlier results alone", advice)
    shared = []
    for what, (x, before) in cases.items():
        answers[what].zero_()
        if not torch.equal(x, before):
            shared.append(what)
    advice = f"In {'; '.join(shared[:1])}, your answer is x itself, or a view of it: return a copy."
    require(not shared, "each result is a new tensor", advice)


x = torch.randn(2, 3, 12, 12, generator=g) - 1
expect(
    pool_once(x, (3, 2), "max_pool2d(x, (3, 2))"),
    F.max_pool2d(x, (3, 2)),
    "max_pool2d(x, (3, 2)) for x of shape (2, 3, 12, 12)",
    mistakes={
        "Rows and columns are swapped in the window.": F.max_pool2d(x, (2, 3)),
        "The first number of the pair is used for both: the second one belongs to the columns.": F.max_pool2d(x, 3),
        "The windows overlap: the stride of a pooling is its kernel size.": F.max_pool2d(x, (3, 2), stride=1),
        "Your windows start one cell apart: window i starts in row i · h.": F.max_pool2d(x, (3, 2), stride=1)[
            :, :, :4, :6
        ],
        "This is the mean of each window.": F.avg_pool2d(x, (3, 2)),
        "The largest of negative values is negative: where do your zeros come from?": F.max_pool2d(x, (3, 2)).clamp(
            min=0
        ),
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
        "You took the largest over the groups: take it over the rows and the columns within each group.": F.max_pool2d(
            x, (4, 6), stride=1, dilation=(3, 2)
        ),
    },
)
x = torch.randn(2, 4, 8, 11, generator=g) - 10
expect(
    pool_once(x, 3, "max_pool2d(x, 3) for x of shape (2, 4, 8, 11)"),
    F.max_pool2d(x, 3),
    "max_pool2d(x, 3) for x of shape (2, 4, 8, 11), with remainders",
    mistakes={
        "The remainder has windows of its own: it should be ignored.": F.max_pool2d(x, 3, ceil_mode=True),
        "The remainder is cut off at the beginning: it is at the end.": F.max_pool2d(x[:, :, 2:, 2:], 3),
    },
)
x = torch.randn(1, 2, 6, 7, generator=g, dtype=torch.float64)
no_dtype = "The result has the dtype of x: torch.zeros and torch.empty make float32 unless you say otherwise."
wanted = F.max_pool2d(x, (2, 3))
answer = max_pool2d(x=x, kernel_size=(2, 3))
expect(answer, wanted, "max_pool2d(x=x, kernel_size=(2, 3)) for x in float64", mistakes={no_dtype: wanted.float()})
answer = max_pool2d(x.requires_grad_(), 2)
expect(answer, F.max_pool2d(x, 2), "max_pool2d(x, 2) for x that requires a gradient")
try_many(
    [
        ((1, 2, 5, 9), (2, 4)),
        ((1, 3, 4, 5), 1),
        ((2, 1, 3, 4), (1, 1)),
        ((3, 1, 5, 6), (5, 1)),
        ((2, 2, 6, 8), (6, 3)),
        ((2, 3, 26, 30), (12, 14)),
        ((1, 2, 20, 17), torch.Size([20, 17])),
    ]
)
### BEGIN HIDDEN TESTS
x = torch.randn(2, 2, 5, 9, generator=g).requires_grad_()
expect(max_pool2d(x, (2, 4)), F.max_pool2d(x, (2, 4)), "max_pool2d(x, (2, 4)) for x that requires a gradient")
try_many(
    [
        ((1, 2, 6, 9), (2, 1)),
        ((3, 1, 7, 6), (1, 5)),
        ((2, 2, 6, 4), 3),
        ((2, 3, 4, 5), 1),
        ((1, 1, 3, 3), (1, 1)),
        ((1, 4, 40, 30), (9, 6)),
        ((2, 1, 18, 21), torch.Size([18, 21])),
    ]
)
### END HIDDEN TESTS

# %% [markdown]
# ## Where the gradient goes
#
# A gradient says how fast the loss changes when a value is changed slightly. In the backward pass, the pooling receives
# one gradient for each of its outputs and has to work out one for each of its inputs.
#
# **Before you run it:** the input is 4×5, the window 2×2. The four outputs receive the gradients 10, 20, 30 and 40. Which cells of the input get a
# gradient other than 0, and what do they get?

# %% predict
rows = [[3.0, 8, 1, 4, 9], [5, 2, 7, 6, 9], [1, 0, 2, 3, 9], [4, 3, 5, 1, 9]]
values = torch.tensor(rows).reshape(1, 1, 4, 5)
values.requires_grad_()
largest = F.max_pool2d(values, 2)
received = torch.tensor([[10.0, 20], [30, 40]]).reshape(1, 1, 2, 2)
largest.backward(received)
print(values.grad[0, 0].long())

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
# A small change of the largest value in a window changes the output by the same amount. A small change of any other value changes nothing. So the
# gradient of an output goes, undivided, to the largest cell of its window: to 8, 7, 4 and 5. The 9s of the last column are larger, but they are in no
# window: they get 0, like all other cells.
#
# </details>
#
# <details><summary>The same as a formula</summary>
#
# For windows that do not overlap (the default):
#
# $$\frac{\partial L}{\partial x_{cij}} = \begin{cases} \dfrac{\partial L}{\partial y_{ci'j'}} & \text{if } x_{cij} \text{ is the largest of window } (i', j'),\\
# 0 & \text{otherwise.} \end{cases}$$
#
# </details>
#
# <details><summary>And if windows overlap, or several cells are equally large?</summary>
#
# With a stride smaller than the window, one cell can be the largest of several windows. It gets the sum of their gradients. If several cells of a
# window are equally large, only one of them gets the gradient. After a ReLU such ties are common, because many values are 0; which cell wins is not
# documented.
#
# </details>
#
# ### Exercise: Backward through max pooling
#
# Write `max_pool2d_backward(x, grad_y, kernel_size)`: the gradient $\partial L/\partial x$ of a max pooling with the default stride and no padding,
# given its input and $\partial L/\partial y$.
#
# - `x` and `grad_y` are both float32 or both float64, and need not be contiguous (`reshape` copes with that, `view` does not). `kernel_size` is a pair
#   or a number.
# - The result is a new tensor with the shape and the dtype of `x`. Cells of the remainder get 0. Leave `x` and `grad_y` unchanged.
# - Within a channel of a sample no two values of `x` are equal, so you need no rule for ties. But they may be very close.
# - No autograd: neither `backward` nor `torch.autograd.grad` nor `torch.func`, nor any function that uses them. You may call `F.max_pool2d`.
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
def max_pool2d_backward(
    x: torch.Tensor,
    grad_y: torch.Tensor,
    kernel_size: int | tuple[int, int],
) -> torch.Tensor:
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
import itertools

g = torch.Generator().manual_seed(87)


def no_ties(size, dtype=torch.float32, close=False):
    """Values in random order, no two of a channel alike: integers, or such as differ by very little."""
    n, c, h, w = size
    order = torch.stack([torch.randperm(h * w, generator=g) - h * w // 2 for _ in range(n * c)])
    step = 1e-12 if dtype == torch.float64 else 2e-7
    return (1 + step * order.double() if close else order).to(dtype).reshape(size)


def gradient(pool, x, grad_y, window):
    leaf = x.clone().requires_grad_()
    return torch.autograd.grad(pool(leaf, window), leaf, grad_y)[0]


def lay_out(x, layout):
    """A view of x that is not contiguous, or x itself."""
    return x.mT if "transposed" in layout else x[1::2] if "second" in layout else x


def backward_once(x, grad_y, window, what):
    """One call, after which the arguments must be as before and autograd may not have run; returns the answer."""
    before = [x.clone(), grad_y.clone()]
    h, w = (window, window) if isinstance(window, int) else window
    try:
        with Watch() as seen:
            answer = max_pool2d_backward(inplace(x), inplace(grad_y), window)
    except RuntimeError as error:
        if "must match the size of tensor" in str(error) and (x.shape[2] % h or x.shape[3] % w):
            advice = f"A {x.shape[2]}×{x.shape[3]} map does not divide into {h}×{w} windows: work without the remainder"
            require(False, what, f"{advice}, and leave zeros there. ({error})")
        raise
    for name, value, copy in zip(("x", "grad_y"), (x, grad_y), before):
        if not torch.equal(value, copy):
            expect(value, copy, f"{what} leaves {name} as it was")
    names = seen.functions + seen.names
    autograd = ("backward", "grad", "grad_fn", "_make_dual")
    used = [name for name in names if name in (*autograd, "Thread.start") or "_backward" in name]
    if used:
        require(False, f"{what} without autograd", f"Your code calls `{used[0]}`, which is autograd's work.")
    return answer


# Whether values are close together. Four kinds, so each of the three layouts meets another kind at every size.
turns = itertools.cycle([(torch.float64, False), (torch.float32, True), (torch.float64, True), (torch.float32, False)])


def try_many(sizes_and_windows):
    cases, answers, kept, wanted = {}, {}, {}, {}
    for (n, c, height, width), (h, w), window in [
        (size, (window, window) if isinstance(window, int) else window, window) for size, window in sizes_and_windows
    ]:
        for layout in ("", ", x and grad_y both transposed", ", every second sample of both"):
            dtype, close = next(turns)
            for _ in range(1 if layout else 2):  # one layout twice, with other values
                what = f"max_pool2d_backward(x, grad_y, {window}) with x of shape {(n, c, height, width)}{layout}, "
                what += f"in {str(dtype)[6:]}" + (", values close together" if close else "")
                what += ", other values" if what in cases else ""
                sizes = [(height, width), (height // h, width // w)]
                samples = 2 * n if "second" in layout else n
                sizes = [(samples, c, *(size[::-1] if "transposed" in layout else size)) for size in sizes]
                x = lay_out(no_ties(sizes[0], dtype, close) * (2.0**-40 if close else 1), layout)
                grad_y = lay_out(torch.randn(sizes[1], generator=g, dtype=dtype), layout)
                grad_y[0, 0, 0] = 0.5
                wanted[what] = gradient(F.max_pool2d, x, grad_y, window)
                answers[what] = backward_once(x, grad_y, window, what)
                kept[what] = answers[what].clone() if isinstance(answers[what], torch.Tensor) else answers[what]
                cases[what] = x, grad_y, x.clone(), grad_y.clone()
    expect(
        kept,
        wanted,
        f"max_pool2d_backward for {len(cases)} inputs of many sizes and layouts, some with values very close together",
        mistakes={
            "Your values pass through float32, which rounds them: keep the dtype of x.": {
                what: value.float().to(value.dtype) for what, value in wanted.items()
            },
            "`flatten` and `reshape` copy a tensor that is not contiguous: you wrote into the copy.": {
                what: 0 * value if "transposed" in what else value for what, value in wanted.items()
            },
        },
        rtol=0,
        atol=0,
    )
    changed = [what for what in cases if not torch.equal(answers[what], kept[what])]
    advice = f"The result of {'; '.join(changed[:1])} was changed by a later call: make a new tensor in each call."
    require(not changed, "later calls leave earlier results alone", advice)
    shared = []
    for what, (x, grad_y, x_before, grad_before) in cases.items():
        answers[what].zero_()
        if not torch.equal(x, x_before) or not torch.equal(grad_y, grad_before):
            shared.append(what)
    advice = f"In {'; '.join(shared[:1])}, your answer is an argument itself, or a view of one: return a copy."
    require(not shared, "each result is a new tensor", advice)


# Windows that leave no remainder first.
x, grad_y = no_ties((2, 3, 4, 6)), torch.randn(2, 3, 2, 2, generator=g)
wanted = gradient(F.max_pool2d, x, grad_y, (2, 3))
ones = gradient(F.max_pool2d, x, torch.ones(2, 3, 2, 2), (2, 3))  # 1 for each winner
shared = gradient(F.avg_pool2d, x, grad_y, (2, 3))
tiled = torch.cat([torch.cat([grad_y] * 3, dim=3)] * 2, dim=2)
tiled_largest = torch.cat([torch.cat([F.max_pool2d(x, (2, 3))] * 3, dim=3)] * 2, dim=2)
mixed = torch.zeros_like(x)  # everything in the first channel
for one in wanted.flatten(0, 1):
    mixed[0, 0] = one.where(one != 0, mixed[0, 0])
expect(
    backward_once(x, grad_y, (2, 3), "max_pool2d_backward(x, grad_y, (2, 3))"),
    wanted,
    "max_pool2d_backward(x, grad_y, (2, 3)) for x of shape (2, 3, 4, 6)",
    mistakes={
        "Every cell of a window gets the gradient: it goes to the largest alone.": shared * 6,
        "The winner gets the whole gradient, undivided: sharing it out among the cells is for average pooling.": shared,
        "Winners get a 1: they should get the gradient of their output.": ones,
        "Winners get their own value: they should get the gradient of their output.": ones * x,
        "Winners get the gradient times their own value: they should get the gradient alone.": wanted * x,
        "The winners are right, but they get the gradients in reading order: the windows come in another order.": (
            ones.masked_scatter(ones == 1, grad_y)
        ),
        "All gradients are in the first channel: indices count within a channel, so every channel needs its own.": mixed,
        "You spread the outputs as a pattern of tiles: `repeat` lays copies of the whole tensor side by side, "
        "`repeat_interleave` repeats each row or column.": ((x - tiled_largest).abs() < 0.5) * tiled,
        "The winners are right, but each gets another output's gradient: `repeat` lays copies of the whole tensor side by "
        "side, `repeat_interleave` repeats each row or column.": ones * tiled,
    },
)
x, grad_y = no_ties((2, 2, 7, 8)), torch.randn(2, 2, 2, 2, generator=g)
wanted = gradient(F.max_pool2d, x, grad_y, 3)
left = x.clone()
left[:, :, :6, :6] = wanted[:, :, :6, :6]
expect(
    backward_once(x, grad_y, 3, "max_pool2d_backward(x, grad_y, 3) for x of shape (2, 2, 7, 8)"),
    wanted,
    "max_pool2d_backward(x, grad_y, 3) for x of shape (2, 2, 7, 8), with remainders",
    mistakes={
        "The gradient has the shape of x: rows and columns of the remainder get zeros.": wanted[:, :, :6, :6],
        "The remainder still has values of x: it gets zeros.": left,
    },
)
x, grad_y = no_ties((1, 3, 7, 5), torch.float64, close=True), torch.randn(1, 3, 3, 5, generator=g).double()
wanted = gradient(F.max_pool2d, x, grad_y, (2, 1))
expect(
    max_pool2d_backward(x=x, grad_y=grad_y, kernel_size=(2, 1)),
    wanted,
    "max_pool2d_backward(x=x, grad_y=grad_y, kernel_size=(2, 1)) in float64, values that differ by 1e-12",
    mistakes={
        "The result has the dtype of x.": wanted.float(),
        "Values that are close are not equal, and only the largest wins: compare with ==.": 2
        * gradient(F.avg_pool2d, x, grad_y, (2, 1)),
    },
)
try_many(
    [
        ((1, 2, 5, 9), (2, 4)),
        ((2, 1, 3, 4), 1),
        ((1, 3, 4, 2), (1, 1)),
        ((2, 2, 6, 5), (3, 1)),
        ((2, 1, 4, 6), 2),
        ((1, 3, 34, 40), (14, 19)),
        ((2, 2, 7, 8), torch.Size([3, 2])),
    ]
)
x, grad_y = no_ties((1, 1, 190, 200)), torch.randn(1, 1, 5, 10, generator=g)
answer = backward_once(x, grad_y, (38, 20), "max_pool2d_backward(x, grad_y, (38, 20))")
wanted = gradient(F.max_pool2d, x, grad_y, (38, 20))
expect(answer, wanted, "max_pool2d_backward(x, grad_y, (38, 20)) for x of shape (1, 1, 190, 200)")
### BEGIN HIDDEN TESTS
x, grad_y = no_ties((1, 2, 200, 220)), torch.randn(1, 2, 5, 5, generator=g)
answer = backward_once(x, grad_y, (40, 44), "max_pool2d_backward(x, grad_y, (40, 44))")
wanted = gradient(F.max_pool2d, x, grad_y, (40, 44))
expect(answer, wanted, "max_pool2d_backward(x, grad_y, (40, 44)) for x of shape (1, 2, 200, 220)")
try_many(
    [
        ((1, 2, 7, 9), (3, 4)),
        ((3, 1, 7, 6), (1, 5)),
        ((2, 3, 4, 5), (4, 1)),
        ((2, 1, 5, 6), 2),
        ((1, 2, 3, 3), (1, 1)),
        ((2, 2, 36, 30), (12, 7)),
        ((1, 2, 5, 9), torch.Size([2, 4])),
    ]
)
### END HIDDEN TESTS

# %% [markdown]
# ## Average pooling
#
# **Average pooling** takes the mean of each window: `F.avg_pool2d(x, kernel_size)` or `nn.AvgPool2d(kernel_size)`, with the
# same defaults. Compare three ways to shrink a 12×12 picture to 6×6. The picture is the outline of a rectangle, one pixel wide, in
# rows 3 and 9 and columns 3 and 8 (counted from 0). Its pixels have the value 1, and 1 is drawn dark.
#
# **Before you run it:** take every second pixel, or the largest of each 2×2 window, or the mean. In which of the three do all
# four sides survive (the drawing will tell), and what values do they have?

# %% predict
thin = torch.zeros(12, 12)
thin[[3, 9], 3:9] = 1
thin[3:10, [3, 8]] = 1
versions = {"input": thin, "every second": thin[::2, ::2]}
versions["max"] = F.max_pool2d(thin[None, None], 2)[0, 0]
versions["mean"] = F.avg_pool2d(thin[None, None], 2)[0, 0]
for name, version in versions.items():
    print(f"{name:12} values {version.unique().tolist()}, mean {version.mean():.3f}")

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
# Every second pixel, a stride without pooling, sees only even rows and columns: the lines in rows 3 and 9 and in column 3 are
# lost, and column 8 keeps its 1s. The maximum keeps every line at full strength, so the picture as a whole becomes darker. The
# mean keeps every line, but at half strength (the two upper corners at a quarter), and keeps the average of the picture
# exactly.
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
two_channels = torch.stack([torch.full((2, 3), 1.0), torch.full((2, 3), 10.0)])[None]
neighbours = torch.tensor([[[[1.0, 1.0]]], [[[1.0, -1.0]]]])  # 2×1×1×2: (out_channels, in_channels / groups, h, w)
print(F.conv2d(two_channels, neighbours, groups=2))

# %% [markdown]
# ### Exercise: Average pooling as a convolution
#
# Write `avg_pool2d(x, kernel_size)`: it gives what `F.avg_pool2d(x, kernel_size)` gives, by a convolution.
#
# - `kernel_size` is a pair or a number; the window fits into `x`.
# - `x` has any number of channels, and is float32 or float64, contiguous or not; it may require a gradient. Leave it unchanged.
# - Call `F.conv2d` exactly once, whatever the number of samples and channels. This one call does all the adding: no other sum
#   of cells, no matrix product, no `mean`, and no pooling (a function of torch with `pool` in its name). Your result is
#   computed from its output.
# - Keep the channels apart with `groups` or a reshape, not with a large weight full of zeros: it may have at most
#   $C \cdot h \cdot w$ values.
#
# <details><summary>Hint 1: the weight</summary>
#
# All its values are equal, and the values of one kernel add up to 1. What is its shape if each channel has a kernel of its own?
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
import itertools

g = torch.Generator().manual_seed(88)


def mean_once(x, window, what):
    """One call, after which x must be as before and one convolution must have taken the mean; returns the answer."""
    before = x.clone()
    h, w = (window, window) if isinstance(window, int) else window
    try:
        with Watch() as seen:
            answer = avg_pool2d(inplace(x), window)
    except RuntimeError as error:
        if "Given groups=1" in str(error):
            advice = "Without `groups`, every kernel has all the channels of x: with `groups=C` it has one."
            require(False, what, f"{advice} ({error})")
        if "expected scalar type" in str(error) or "should be the same" in str(error):
            require(
                False, what, f"The weight needs the dtype of x: torch.ones makes float32 unless you say so. ({error})"
            )
        raise
    if not torch.equal(x, before):
        expect(x, before, f"{what} leaves x as it was")
    banned = [name for name in seen.functions + seen.names if "pool" in name or name in ("mean", "Thread.start")]
    if banned:
        require(False, f"{what} is a convolution", f"Your code calls `{banned[0]}`: have F.conv2d take the mean.")
    wanted = F.avg_pool2d(before, window)
    if isinstance(answer, torch.Tensor) and answer.shape == wanted.shape and answer.dtype == wanted.dtype:
        # values that are right: were they computed as asked?
        one_call(seen, answer, wanted, h * w, what)
    return answer


ADDITIONS = ("sum", "nansum", "var_mean", "std_mean", "cumsum", "add", "mm", "bmm", "mv", "dot", "addmm", "baddbmm")


def one_call(seen, answer, wanted, cells, what):
    convolutions = [operation for operation in seen.operations if "conv" in operation.name]
    calls = max(seen.functions.count("conv2d"), len(convolutions))
    if seen.functions.count("conv2d") != 1 or len(convolutions) != 1:
        advice = f"Your code calls it {calls} times: one call can do all samples and channels."
        advice = advice if calls else "Your code does not call F.conv2d."
        require(False, f"{what} is one call of F.conv2d", advice)
    weight, given, needed = convolutions[0].arguments[1], convolutions[0].largest, wanted.numel()
    if given < needed:
        require(
            False, f"{what} is computed by F.conv2d", f"Your convolution gives {given} values: {needed} are needed."
        )
    if math.prod(weight[1:]) < cells:
        advice = f"A mean over {cells} cells needs a kernel of {cells} weights: yours has the shape {weight}."
        require(False, f"{what}: F.conv2d takes the mean", advice)
    right = _difference(answer, wanted, Rules(1e-3, 1e-3, False)) is None
    if right and math.prod(weight) > wanted.shape[1] * cells:
        advice = f"Yours has the shape {weight}: with groups, each channel has a kernel of its own, of one channel."
        require(False, f"{what}: no more than C · h · w weights", advice)
    sums = [
        operation.name
        for operation in seen.operations
        if operation.name.strip("_") in ADDITIONS and math.prod(operation.arguments[0]) > math.prod(weight)
    ]
    if sums:
        require(
            False, f"{what}: F.conv2d takes the mean", f"Your code calls `{sums[0]}`: have F.conv2d add up the cells."
        )


turns = itertools.cycle([(torch.float64, 1e6), (torch.float32, 1)])  # each of the three layouts meets both


def try_many(sizes_and_windows):
    answers, kept, wanted = {}, {}, {}
    for size, window in sizes_and_windows:
        n, c, height, width = size
        for layout, first in {
            "": size,
            ", transposed": (n, c, width, height),
            ", a part": (n, c + 1, height, 2 * width),
        }.items():
            dtype, scale = next(turns)
            for _ in range(1 if layout else 2):  # one layout twice, with other values
                what = f"avg_pool2d(x, {window}) for x of shape {size}{layout}, in {str(dtype)[6:]}"
                what += ", other values" if what in wanted else ""
                x = (scale * torch.randn(first, generator=g, dtype=torch.float64)).to(dtype)
                x = x.mT if layout == ", transposed" else x[:, -c:, :, -width:]
                wanted[what] = F.avg_pool2d(x, window)
                answers[what] = mean_once(x, window, what)
                kept[what] = answers[what].clone() if isinstance(answers[what], torch.Tensor) else answers[what]
    for dtype, rtol, atol in [(torch.float32, 1e-4, 1e-5), (torch.float64, 1e-11, 1e-7)]:
        chosen = [what for what in wanted if wanted[what].dtype == dtype]
        expect(
            {what: kept[what] for what in chosen},
            {what: wanted[what] for what in chosen},
            f"avg_pool2d in {str(dtype)[6:]}: {len(chosen)} calls, many sizes and layouts, one convolution each",
            rtol=rtol,
            atol=atol,
        )
    changed = [what for what in wanted if not torch.equal(answers[what], kept[what])]
    advice = f"The result of {'; '.join(changed[:1])} was changed by a later call: make a new tensor in each call."
    require(not changed, "later calls leave earlier results alone", advice)


x = torch.randn(2, 3, 7, 10, generator=g)
mean = F.avg_pool2d(x, (2, 4))
expect(
    mean_once(x, (2, 4), "avg_pool2d(x, (2, 4))"),
    mean,
    "avg_pool2d(x, (2, 4)) for x of shape (2, 3, 7, 10)",
    mistakes={
        "These are sums: a mean divides by the number of cells, h · w.": 8 * mean,
        "You divide by the number of channels too: a mean over one channel divides by h · w.": mean / 3,
        "All weights are 0: `1 // n` rounds down, `1 / n` does not.": 0 * mean,
        "The windows overlap: a convolution's default stride is 1, here it must be the window's size.": F.avg_pool2d(
            x, (2, 4), stride=1
        ),
        "Rows and columns are swapped in the window.": F.avg_pool2d(x, (4, 2)),
        "Rows and columns are swapped in the stride.": F.avg_pool2d(x, (2, 4), stride=(4, 2)),
        "The first number of the pair is used for both: the second one belongs to the columns.": F.avg_pool2d(x, 2),
        "The stride is the first number of the pair in both dimensions: it must be the whole pair.": F.avg_pool2d(
            x, (2, 4), stride=2
        ),
        "The channels are added up: with groups each stays by itself.": mean.sum(dim=1, keepdim=True),
        "Each output is the sum over all channels: with groups each stays by itself.": mean.sum(
            dim=1, keepdim=True
        ).repeat(1, 3, 1, 1),
        "The mean goes over all channels: with groups each stays by itself.": mean.mean(dim=1, keepdim=True),
        "Each output is the mean over all channels: with groups each stays by itself.": mean.mean(
            dim=1, keepdim=True
        ).repeat(1, 3, 1, 1),
        "You divide by h · h: a window has h · w cells.": 2 * mean,
        "Every output channel shows the first input channel: with groups each has its own.": mean[:, :1].repeat(
            1, 3, 1, 1
        ),
    },
    rtol=1e-4,
    atol=1e-5,
)
x = 1e-6 * x
answer = avg_pool2d(x=x, kernel_size=3)
expect(answer, F.avg_pool2d(x, 3), "avg_pool2d(x=x, kernel_size=3), tiny values", rtol=1e-4, atol=1e-11)
x = torch.randn(2, 3, 5, 6, generator=g).requires_grad_()
answer = avg_pool2d(x, 2)
expect(answer, F.avg_pool2d(x, 2), "avg_pool2d(x, 2) for x that requires a gradient", rtol=1e-4, atol=1e-5)
try_many(
    [
        ((3, 5, 9, 8), 3),
        ((1, 1, 6, 4), (5, 1)),
        ((2, 4, 3, 5), 1),
        ((1, 7, 4, 9), torch.Size([1, 1])),
        ((5, 2, 4, 6), (2, 2)),
        ((1, 2, 15, 13), (7, 6)),
        ((16, 4, 12, 9), (3, 4)),
    ]
)
### BEGIN HIDDEN TESTS
try_many(
    [
        ((1, 1, 6, 5), (3, 1)),
        ((2, 4, 5, 9), torch.Size([5, 2])),
        ((4, 6, 4, 6), (1, 1)),
        ((1, 9, 6, 6), 6),
        ((7, 2, 5, 5), (1, 2)),
        ((2, 3, 40, 30), (8, 9)),
        ((20, 3, 9, 11), 4),
    ]
)
x = torch.randn(1, 4, 6, 7, generator=g).requires_grad_()
answer = avg_pool2d(x, (3, 2))
expect(answer, F.avg_pool2d(x, (3, 2)), "avg_pool2d(x, (3, 2)) for x that requires a gradient", rtol=1e-4, atol=1e-5)
### END HIDDEN TESTS

# %% [markdown]
# ### On a photograph
#
# Here is what your two pooling functions make of a photograph, with 4×4 windows, beside every fourth pixel. Each small version
# has a sixteenth of the pixels.

# %% yours
photo = load_photo()[None]  # (1, 3, 96, 128)
pool_max = yours_or_ours(max_pool2d, F.max_pool2d, torch.ones(1, 3, 8, 8), 4)
pool_mean = yours_or_ours(avg_pool2d, F.avg_pool2d, torch.ones(1, 3, 8, 8), 4)
small = {"every fourth pixel": photo[:, :, ::4, ::4], "max": pool_max(photo, 4), "mean": pool_mean(photo, 4)}

# %% yours folded label="Draw the photograph and its small versions"
figure, axes = plt.subplots(2, 2, figsize=(6.4, 5.2), layout="constrained")
for ax, (name, version) in zip(axes.flat, {"photograph": photo, **small}.items()):
    ax.imshow(version[0].permute(1, 2, 0).clamp(0, 1).numpy(), interpolation="nearest")
    ax.set(title=f"{name}, {version.shape[2]}×{version.shape[3]}", xticks=[], yticks=[])
show(
    figure,
    alt="A colour photograph of a cat, 96×128, and three small versions of it: every fourth pixel, the maximum and the mean of each 4×4 "
    "window.",
)

# %% [markdown]
# <details><summary>What to look for</summary>
#
# Every fourth pixel is a lottery: whiskers and edges are there or not, depending on where they happen to fall, and fine patterns turn into coarse ones
# that do not exist (**aliasing**). The maximum keeps whatever is bright, in each colour channel by itself, so the picture becomes brighter and thin
# dark lines vanish. Only the mean looks like the photograph seen from a distance.
#
# </details>
#
# ## What pooling does for digits that move
#
# Now a measurement. Four 3×3 kernels find the edges of a handwritten digit: its right, left, lower and upper ones. That gives
# 4×28×28 numbers. Three ways shrink them to 4×7×7, all with steps of 4: your `conv2d` with stride 4, which looks at one
# position in 16, your `max_pool2d` and your `avg_pool2d`. Then the digit moves two pixels to the right: `roll` shifts it (the
# columns that leave come back on the left; they are nearly always empty).

# %% yours
digits = DigitsAsMNIST(train=True).data[:500, None] / 255  # (500, 1, 28, 28)
edge = torch.tensor([[1.0, 0, -1]] * 3)
edges = torch.stack([edge, -edge, edge.T, -edge.T])[:, None]  # (4, 1, 3, 3)

strided = yours_or_ours(conv2d, F.conv2d, torch.ones(1, 1, 8, 8), edges, None, 4, 1)
shrink = {
    "stride 4": lambda x: strided(x, edges, None, 4, 1).relu(),
    "max": lambda x: pool_max(F.conv2d(x, edges, padding=1).relu(), 4),
    "mean": lambda x: pool_mean(F.conv2d(x, edges, padding=1).relu(), 4),
}

# %% yours folded label="Draw a digit and its edges before and after the move"
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
# A classifier sees only those 196 numbers. The simplest one needs no training: it finds the most similar of 500 unshifted digits and answers with its
# label.
#
# **Before you run it:** which of the three loses most accuracy when the test digits are shifted? How much do they differ when
# they are not?

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
# Without a shift there is little between them. As the shift grows, the strided convolution loses accuracy first: an edge that
# moves by two pixels slips out of the few windows that the convolution looks at. A pooled value changes little while the edge
# stays in its window, so both poolings lose less. They help with small shifts only: at a shift of 4, a whole window, all three
# fail. That is one reason why networks shrink their maps in several small steps and are also trained on shifted images.
#
# </details>
#
# ## Recap
#
# Answer from memory, then unfold.
#
# <details><summary>1. A map of 3×5, padding (2, 1), stride (2, 2), kernel 3×3: how large is the output, and why?</summary>
#
# 3×3. Rows: $\lfloor (3 + 4 - 3)/2 \rfloor + 1 = 3$, columns: $\lfloor (5 + 2 - 3)/2 \rfloor + 1 = 3$. The padding counts on both sides, a step that
# does not fit completely is not taken, and the 1 is for the start at index 0.
#
# </details>
#
# <details><summary>2. Give two reasons why an input cell may have no influence on the output of a strided convolution.</summary>
#
# It is in a gap between windows ($s > h$), or in the remainder at the end, where the next window no longer fits ($s$ does not divide $H + 2p - h$). Its
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
# **Next**: `09_dilation`. Padding adds cells around the input, a stride skips positions. Dilation leaves gaps *inside the
# kernel*, so that each output sees farther with the same number of weights.
