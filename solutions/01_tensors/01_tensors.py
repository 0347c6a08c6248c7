# %% [markdown]
# # Tensors
#
# Everything in PyTorch is computed with **tensors**: tables of numbers with any number of dimensions. This notebook starts from zero.
#
# After this notebook you can
#
# - make tensors, and read their shape, dtype and device;
# - say which tensors share memory, and so which of them change when you write a number;
# - change shapes with `view`, `reshape`, `squeeze` and `unsqueeze`, and join tensors with `cat` and `stack`;
# - replace loops with broadcasting, and read its error message;
# - save tensors, load them safely, and move them to another device.
#
# **Points**: 15. **Time**: about 55 minutes of reading and 55 minutes for the 8 exercises. **You need**: a little Python: lists, loops and
# functions. It helps if you have seen NumPy arrays. If a notebook like this is new to you, start with `00_start`.
#
# You can solve the first exercise after ten minutes, and you can stop after any section. The check below each exercise tests what its text asks for.
# The grader tests the same things with other values.
#
# Unless an exercise says otherwise, tensors are on the CPU and hold at least one element, and their values are finite. An argument that
# must not be changed keeps its values, shape and dtype. A later call never changes an earlier result.

# %% setup

# %% [markdown]
# ## Numbers with a shape and a dtype
#
# You measure the temperature in the morning, at noon and in the evening, on two days. That makes six numbers, and it is natural to keep
# them in a table with a row for each day:

# %%
t = torch.tensor([[11.5, 19.0, 14.2], [12.1, 22.4, 16.0]])
print(t)
print("shape: ", tuple(t.shape), "  dimensions:", t.dim(), "  elements:", t.numel())
print("dtype: ", t.dtype)
print("device:", t.device)
print("noon on the second day:", t[1, 1])

# %% [markdown]
# Each tensor has
#
# - a **shape**: the size of each dimension, here 2 rows and 3 columns. A tensor may have any number of dimensions, even none at all;
# - a **dtype**: the kind of number. All its elements are of the same kind;
# - a **device**: where its numbers are stored. `cpu` is the ordinary memory of the computer that runs the notebook.
#
# Counting starts at 0, so `t[1, 1]` is in the second row and the second column.

# %% folded label="Draw the tensor"
draw_row(
    Grid(t, "t", "input"),
    alt="The tensor t as a table of 2 rows and 3 columns: 11.5, 19.0, 14.2 in the first row and 12.1, 22.4, 16.0 in the second.",
    cell=0.7,
)


# %% folded label="A helper: print what a call gives, or its error"
def attempt(what, action, *arguments):
    """Print what a call gives, or the first line of the error that it raises."""
    try:
        result = action(*arguments)
    except Exception as error:
        print(f"{what} {type(error).__name__}: {str(error).splitlines()[0]}")
    else:
        print(what, result)


# %% [markdown]
# In this notebook, the helper `attempt` above makes a call for you. It prints what comes back, or the error, so that you can look at errors
# and go on.
#
# You rarely name the dtype yourself: PyTorch derives it from what you pass in.
#
# **Before you run it:** an `int64` is a whole number of 64 bits, a `float32` or `float64` a number with a fraction, of 32 or 64 bits.
# What are the dtypes of these five tensors? (Only one of them is a surprise.)

# %% predict
print("[1, 2, 3]           ", torch.tensor([1, 2, 3]).dtype)
print("[1.0, 2.0, 3.0]     ", torch.tensor([1.0, 2.0, 3.0]).dtype)
print("[1, 2, 3.5]         ", torch.tensor([1, 2, 3.5]).dtype)
print("[True, False]       ", torch.tensor([True, False]).dtype)
print("np.array([1.0, 2.0])", torch.tensor(np.array([1.0, 2.0])).dtype)

# %% [markdown]
# <details><summary>Why?</summary>
#
# Whole numbers become `int64`, and one number with a fraction is enough to make all of them `float32`. The surprise is the last one: NumPy
# computes with 64 bits by default, and PyTorch keeps an array's dtype: `float64`. Networks work in `float32`, so you will often write
# `.float()` when data come from NumPy.
#
# </details>
#
# `x.float()`, `x.double()` and `x.long()` return a tensor in `float32`, `float64` and `int64`; `x.to(dtype)` works with any dtype.
# When two tensors differ in dtype, the result has the larger kind: `int64` and `float32` give `float32`. A plain number counts only by
# its kind, whole or with a fraction.
#
# **Before you run it:** whole numbers hide three traps. What do you get from 7 / 2 and from 7 // 2? Can you take the mean of whole numbers?
# And pixels are often `uint8`, which holds 0 to 255 and nothing else: what is 200 + 100?

# %% predict
seven = torch.tensor(7)
print("7 / 2: ", seven / 2)
print("7 // 2:", seven // 2)
attempt("mean:  ", torch.tensor([1, 2, 4]).mean)
print("pixels:", torch.tensor([200, 20], dtype=torch.uint8) + 100)

# %% [markdown]
# <details><summary>Why?</summary>
#
# `/` always gives a number with a fraction. `//` rounds down and stays with whole numbers. The mean of whole numbers is usually not a
# whole number, and PyTorch refuses to guess which dtype you want: write `x.float().mean()`. The last one is the dangerous trap because
# there is no error: a `uint8` tensor plus the plain number 100 stays `uint8` (plus 1.5, it becomes `float32`), and 300 does not fit.
# Counting starts again at 0 after 255, so 300 becomes 300 − 256 = 44.
#
# </details>
#
# Here is a photograph as `uint8` pixels, of shape (3, 96, 128): red, green and blue, 96 rows, 128 columns.
#
# **Before you run it:** someone wants to make it brighter and adds 100 to each pixel. What will the picture look like?

# %% predict
pixels = (load_photo() * 255).to(torch.uint8)
wrong = pixels + 100
right = (pixels.float() + 100).clamp(max=255).to(torch.uint8)  # clamp: what is above 255 becomes 255

# %% predict folded label="Show the three photographs"
figure, axes = plt.subplots(1, 3, figsize=(6.6, 2.1), layout="constrained")
for ax, image, title in zip(axes, [pixels, wrong, right], ["pixels", "pixels + 100", "computed in float32"]):
    ax.imshow(image.permute(1, 2, 0))
    ax.set_title(title, fontsize=11, color=INK)
    ax.axis("off")
show(
    figure,
    alt="Three photographs of a cat's face. Left: as it is. Middle: 100 added in uint8; wherever the cat was bright, the picture has "
    "turquoise patches, and a few nearly black ones. Right: 100 added in float32 and limited to 255; the cat is evenly brighter.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# Values above 155 wrap around and come out small, and they do so in each of the three colours separately. Where only red wraps around, the
# cat turns turquoise; where all three do, nearly black. The remedy: convert to `float32`, compute, limit, convert back.
#
# </details>
#
# ### One number: `item`
#
# A sum or a mean over all elements gives a tensor, too: one with no dimensions (**0-d**), which holds a single number. `.item()` takes the
# number out.

# %%
mean = t.mean()
print(mean, "  shape:", tuple(mean.shape))
print(mean.item(), "  type:", type(mean.item()).__name__)
attempt("t.item():", t.item)

# %% [markdown]
# `item` needs a tensor with exactly one element. The mean is really 15.8666…; a `float32` keeps about seven digits, and Python prints
# whatever comes after them, too.
#
# ### Exercise: The mean of anything
#
# Write `mean_of(x)`: the mean of all elements of `x`, as a Python `float`.
#
# - `x` has any shape, or none at all (0-d). Its dtype is `uint8`, `int64`, `float32` or `float64`.
# - The result is right up to rounding, and `x` stays as it is.
#
# A natural first try is `return x.mean()`. Run the check on it, read what it says, and improve your answer until everything is ticked.
#
# <details><summary>Hint 1: the error about the dtype</summary>
#
# The mean of whole numbers needs a dtype with fractions: convert `x` first. Both `float32` and `float64` will do.
#
# </details>
#
# <details><summary>Hint 2: a tensor is not a float</summary>
#
# `.mean()` returns a 0-d tensor. Which method takes the number out of it?
#
# </details>


# %% exercise="mean_of" difficulty=1 minutes=4
def mean_of(x: torch.Tensor) -> float:
    """The mean of all elements. x: any shape; uint8, int64, float32 or float64. Returns: a Python float."""
    ### BEGIN SOLUTION
    return x.double().mean().item()
    ### END SOLUTION


# %% check="mean_of" points=1
def try_mean(x):
    """The learner's answer, after a look at x and at the answer's type."""
    before = x.clone()
    try:
        answer = mean_of(inplace(x))
    except RuntimeError as error:
        if "output dtype" in str(error):
            told = f"The mean of whole numbers (here {x.dtype}) needs a dtype with fractions: convert x first."
            require(False, f"mean_of(x) for x of shape {tuple(x.shape)} and dtype {x.dtype}", told)
        raise
    if x.dtype != before.dtype or not torch.equal(x, before):
        told = "You changed x itself: calculations such as x + 1 make a new tensor, x += 1 and x.add_(1) do not."
        require(False, "x is left as it was", told)
    if isinstance(answer, (torch.Tensor, np.generic)):
        kind = "tensor" if isinstance(answer, torch.Tensor) else "NumPy number"
        require(False, "mean_of(x) is a Python float", f"Yours is a {kind}: .item() takes the number out of it.")
    return answer


x = torch.tensor([[200, 100, 7], [255, 255, 3]], dtype=torch.uint8)
expect(
    try_mean(x),
    136.666667,
    "mean_of(x) for 200, 100, 7, 255, 255, 3 in uint8",
    mistakes={
        "The fraction is lost: // and int() round.": 136,
        "The fraction is lost: you rounded, or computed in whole numbers.": 136.0,
        "You divided by the number of rows: x.numel() is the number of elements.": 410.0,
        "That is the sum: divide by the number of elements.": 820.0,
        "The sum has wrapped around: it does not fit into a uint8.": 52 / 6,
        "That is the mean of the first row alone.": 307 / 3,
        "That is the median.": 100.0,
    },
    rtol=1e-5,
)
cases = {
    "x of shape (4,) in int64": (torch.tensor([-3, 5, 8, -9]), 0.25),
    "x of shape (1, 5) in float32": (torch.tensor([[0.5, -1.5, 2.0, 4.0, 1.0]]), 1.2),
    "x of shape (2, 1, 2) in float64": (torch.tensor([[[1e5, 3.5]], [[-2e5, 4.5]]], dtype=torch.float64), -24998.0),
    "x without dimensions, in int64": (torch.tensor(-7), -7.0),
    "x without dimensions, in float32": (torch.tensor(2.5), 2.5),
    "every second column of a larger tensor": (torch.arange(12).reshape(3, 4)[:, ::2], 5.0),
    "x of shape (500,) in uint8, all 255": (torch.full((500,), 255, dtype=torch.uint8), 255.0),
    "x of shape (600, 500) in float32, all 0.1": (torch.full((600, 500), 0.1), 0.1),
    "two large numbers in int64": (torch.tensor([1_700_000_000_000, 1_900_000_000_000]), 1.8e12),
}
answers, expected = {}, {}
for what, (x, mean) in cases.items():
    answers[what], expected[what] = try_mean(x), mean
around = (3_600_000_000_000 + 2**31) % 2**32 - 2**31
wrapped = {
    "The sum has wrapped around: it does not fit into an int32.": expected | {"two large numbers in int64": around / 2}
}
expect(answers, expected, f"mean_of(x) for {len(cases)} other tensors", mistakes=wrapped, rtol=1e-5)
require(True, "x is left as it was", "")
### BEGIN HIDDEN TESTS
cases = {
    "x of shape (2, 2, 2) in uint8": (
        torch.tensor([[[250, 3], [99, 128]], [[255, 0], [1, 1]]], dtype=torch.uint8),
        92.125,
    ),
    "x of shape (3, 2), transposed, in int64": (torch.tensor([[1, -2, 4], [-8, 16, -33]]).t(), -22 / 6),
    "x of shape (1,) in float64": (torch.tensor([-0.375], dtype=torch.float64), -0.375),
    "x without dimensions, in uint8": (torch.tensor(200, dtype=torch.uint8), 200.0),
    "x without dimensions, in float64": (torch.tensor(-1.25, dtype=torch.float64), -1.25),
    "x of shape (3,) in float32": (torch.tensor([7.0, -2.0, 0.25]), 1.75),
    "x of shape (400000,) in float32, all 0.3": (torch.full((400_000,), 0.3), 0.3),
    "many large numbers in int64": (torch.full((50, 40), 3_000_000_000), 3e9),
}
answers, expected = {}, {}
for what, (x, mean) in cases.items():
    answers[what], expected[what] = try_mean(x), mean
expect(answers, expected, f"mean_of(x) for {len(cases)} other tensors", rtol=1e-5)
### END HIDDEN TESTS


# %% folded label="A helper: draw the memory of tensors"
def places_of(tensor):
    """The place of each element in the storage, from the tensor's own offset and strides."""
    places = torch.full(tensor.shape, tensor.storage_offset())
    for d, (size, step) in enumerate(zip(tensor.shape, tensor.stride())):
        places = places + step * torch.arange(size).reshape([-1] + [1] * (tensor.dim() - 1 - d))
    return places


def memory_cell(ax, left, top, number, role, strong=False, place=None):
    """One cell: its number, and small in the corner its place in the storage."""
    colour = _mix_with_white(COLOURS[role], 0.6 if strong else 0.14)
    edge = {"linewidth": 2.4 if strong else 0.8, "zorder": 3 if strong else 2}
    ax.add_artist(plt.Rectangle((left, top), 1, 1, facecolor=colour, edgecolor=INK, **edge))
    text = f"{number:.3g}"
    style = {"ha": "center", "va": "center", "color": "black", "zorder": 4}
    ax.text(
        left + 0.5, top + 0.57, text, fontsize=10 if len(text) < 4 else 8, weight="bold" if strong else None, **style
    )
    if place is not None:
        inset = 0.13 if strong else 0.07
        ax.text(left + inset, top + inset - 0.02, place, fontsize=6.5, ha="left", va="top", color=INK, zorder=4)


def strip(ax, left, top, storage, strong):
    """A storage as a row of grey cells, with the number of each place above it."""
    for place, number in enumerate(storage.tolist()):
        memory_cell(ax, left + place, top, number, "plain", strong(place, number))
        ax.text(left + place + 0.5, top - 0.08, place, fontsize=8, ha="center", va="bottom", color=INK)


def draw_memory(tensors, alt, mark=None, first_title=None):
    """Each storage as a strip, and below it every tensor that uses it. Cells with the value ``mark`` are strong."""
    groups = {}
    for name, tensor in tensors.items():
        groups.setdefault(tensor.untyped_storage().data_ptr(), []).append((name, tensor.detach()))
    wide, cell, top = 6.6, 0.37, 0.0
    figure, ax = plt.subplots()
    for members in groups.values():
        first = members[0][1]
        storage = torch.empty(0, dtype=first.dtype).set_(first.untyped_storage())
        title = f"the storage of {members[0][0]}" if len(groups) > 1 else "the storage: one strip of memory"
        title, first_title = first_title or title, None
        ax.text(0, top, title, fontsize=10, color=INK, ha="left", va="bottom", weight="bold")
        strip(ax, 0, top + 0.75, storage, lambda place, value: value == mark)
        top += 2.85
        for i in range(0, len(members), 2):
            tallest = 0
            for j, (name, tensor) in enumerate(members[i : i + 2]):
                grid = tensor.reshape(1, -1) if tensor.dim() < 2 else tensor
                places = places_of(tensor).reshape(grid.shape)
                size = "×".join(map(str, tensor.shape)) or "0-d"
                left = j * wide
                ax.text(
                    left, top - 0.1, name, fontsize=10.5, color=COLOURS["input"], ha="left", va="bottom", weight="bold"
                )
                steps = str(tuple(tensor.stride()))
                told = f"{size}, strides {steps}, offset {tensor.storage_offset()}"
                ax.text(left, top + 0.05, told, fontsize=8.3, color=INK, ha="left", va="top")
                for r in range(grid.shape[0]):
                    for c in range(grid.shape[1]):
                        value = grid[r, c].item()
                        memory_cell(ax, left + c, top + 0.6 + r, value, "input", value == mark, int(places[r, c]))
                tallest = max(tallest, grid.shape[0])
            top += tallest + 1.75
        top -= 0.2
    ax.set(xlim=(-0.1, 2 * wide - 0.6), ylim=(top - 0.9, -0.75), aspect="equal")
    ax.axis("off")
    figure.set_size_inches((2 * wide - 0.5) * cell, (top - 0.15) * cell)
    figure.subplots_adjust(0, 0, 1, 1)
    show(figure, alt)


# %% [markdown]
# ## One strip of memory
#
# The memory of a computer has no rows and columns. It is one long strip of places, numbered from 0. So how can a tensor be a table?
#
# It keeps two things: a **storage**, which is the strip, and a recipe for finding an element in it. The recipe consists of the shape and
# dtype, of the **offset**, the place of the first element, and of the **strides**: for each dimension, how many places you move along the
# strip when the index in this dimension grows by 1.

# %%
x = torch.arange(10.0, 16.0).reshape(2, 3)
print(x)
print("offset: ", x.storage_offset())
print("strides:", x.stride())

# %% folded label="Draw the memory of x"
draw_memory(
    {"x": x},
    alt="Above, the storage: a strip of six cells, numbered 0 to 5, with the values 10 to 15. Below, x as a table of 2×3 cells; each "
    "shows its value and the number of its place in the strip: 0, 1, 2 in the first row and 3, 4, 5 in the second.",
)

# %% [markdown]
# Grey cells are the storage, blue cells a tensor; the small number in a blue cell is its place in the storage. One step to the right moves
# 1 place, one step down moves 3. For two dimensions,
#
# $$\text{place of } x_{i,j} \;=\; \text{offset} + i \cdot \text{stride}_0 + j \cdot \text{stride}_1,$$
#
# and with more dimensions there are more terms. So **another recipe on the same storage is another tensor, and no number has to be
# copied.**
#
# **Before you run it:** `x.T` is `x` with rows and columns swapped; `x[1]` is a row, `x[:, 1]` a column, and `x[:, ::2]` every second
# column. All of them use the same storage. What are their offsets and strides?

# %% predict
views = {"x.T": x.T, "x[1]": x[1], "x[:, 1]": x[:, 1], "x[:, ::2]": x[:, ::2]}
for name, view in views.items():
    print(f"{name:10} shape {tuple(view.shape)!s:7} offset {view.storage_offset()}   strides {view.stride()}")

# %% predict folded label="Draw them"
draw_memory(
    {"x": x} | views,
    alt="The strip of six cells, and five tensors that use it. x: 2×3, strides 3 and 1. x.T: 3×2, strides 1 and 3. x[1]: 3, stride 1, "
    "offset 3. x[:, 1]: 2, stride 3, offset 1. x[:, ::2]: 2×2, strides 3 and 2.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# `x.T` swaps the two sizes and the two strides; the storage stays as it is. `x[1]` starts at place 3, and a single row has one dimension,
# so one stride: 1. Down a column you always move 3 places; `x[:, 1]` starts at place 1. Every second column means a stride of 2 instead
# of 1.
#
# </details>
#
# Such tensors are called **views** of `x`. If you read `x.T` row by row, you jump back and forth along the strip:


# %% folded label="Draw how x.T is read"
def read_step(ax, i):
    view = x.T
    row, column = i // 2, i % 2
    place = int(places_of(view)[row, column])
    ax.text(0, 0.55, "the storage", fontsize=10, color=INK, ha="left", va="bottom", weight="bold")
    strip(ax, 0, 1.4, torch.arange(10.0, 16.0), lambda number, value: number == place)
    ax.text(0, 3.4, "x.T, strides (1, 3)", fontsize=10, color=COLOURS["input"], ha="left", va="bottom", weight="bold")
    for r in range(3):
        for c in range(2):
            if r * 2 + c <= i:
                memory_cell(
                    ax, c, 3.6 + r, view[r, c].item(), "input", (r, c) == (row, column), int(places_of(view)[r, c])
                )
            else:
                ax.add_artist(plt.Rectangle((c, 3.6 + r), 1, 1, facecolor="white", edgecolor="#999999", linewidth=0.8))
    told = f"x.T[{row}, {column}]:\n0 + {row} · 1 + {column} · 3\n= place {place}"
    ax.text(2.35, 5.1, told, fontsize=8.5, color=INK, ha="left", va="center")
    ax.set(xlim=(-0.1, 6.1), ylim=(6.8, -0.2), aspect="equal")


stepper(
    read_step,
    6,
    size=(2.4, 2.75),
    alt="The 3×2 tensor x.T fills up row by row. At each step one cell of the strip is marked: the places come in the order 0, 3, 1, 4, 2, 5.",
)

# %% [markdown]
# If you can read a tensor row by row without a jump, it is called **contiguous**: `x.is_contiguous()` is `True`, `x.T.is_contiguous()` is
# `False`.
#
# ## Who sees the 100 that I wrote?
#
# If two tensors share a storage, a number that you write through one of them appears in the other. This saves memory and time, and it is
# also the most common cause of numbers that change "by themselves". So you need to know which tensors share.
#
# Start with data from NumPy. There are four ways to make a tensor from an array.

# %%
np.random.seed(0)
array = np.random.rand(6).reshape(2, 3)
made = {
    "torch.tensor(array)": torch.tensor(array),
    "torch.from_numpy(array)": torch.from_numpy(array),
    "torch.as_tensor(array)": torch.as_tensor(array),
    "torch.Tensor(array)": torch.Tensor(array),
}
print(array.round(4), array.dtype)
for name, tensor in made.items():
    print(f"{name:24} {tensor.dtype}")

# %% [markdown]
# The array is in `float64`. Three of the tensors are, too; `torch.Tensor` with a capital T always makes `float32`.
#
# **Before you run it:** now we write 100 into the *array*. Which of the four tensors see it?

# %% predict
array[0, 0] = 100
for name, tensor in made.items():
    print(f"{name:24} {tensor[0].tolist()}")

# %% predict folded label="Draw the four tensors"
draw_memory(
    {"as_tensor(array)": made["torch.as_tensor(array)"]}
    | {"from_numpy(array)": made["torch.from_numpy(array)"]}
    | {"tensor(array)": made["torch.tensor(array)"], "Tensor(array)": made["torch.Tensor(array)"]},
    mark=100,
    first_title="the array's own memory",
    alt="Three storages. as_tensor(array) and from_numpy(array) share one, which is the array's own, and show 100 in the first cell. "
    "tensor(array) and Tensor(array) each have a storage of their own, with 0.549 in the first cell.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# `torch.tensor` always copies. `torch.from_numpy` always shares: the tensor's storage *is* the array's memory. `torch.as_tensor` shares if
# it can, and copies if it has to convert the numbers. `torch.Tensor` had to convert them to `float32`, so it made a copy.
#
# </details>
#
# **Before you run it:** the same with an array that is in `float32` from the start, and with `as_tensor` asked for another dtype. Who sees
# the 100 this time?

# %% predict
array32 = np.zeros(3, dtype=np.float32)
made = {
    "torch.tensor(array32)": torch.tensor(array32),
    "torch.Tensor(array32)": torch.Tensor(array32),
    "torch.as_tensor(array32)": torch.as_tensor(array32),
    "… with dtype=torch.float64": torch.as_tensor(array32, dtype=torch.float64),
}
array32[0] = 100
for name, tensor in made.items():
    print(f"{name:27} {'sees it' if tensor[0] == 100 else '-'}")

# %% [markdown]
# <details><summary>Why?</summary>
#
# With nothing to convert, `torch.Tensor` shares! Whether it copies depends on the dtype of the array, and nobody remembers that. So do not
# use it. **In practice:** `torch.tensor` if you want a copy, `torch.from_numpy` or `torch.as_tensor` if you want to share.
#
# </details>
#
# ### Exercise: Does it see the write?
#
# You need not memorise such tables, because you can always try. Write `sees_the_write(name, dtype)`, which does the experiment for any way
# of making a tensor:
#
# - `name` is the name of a function or class in `torch` that makes a tensor from an array, such as `"from_numpy"`, `"tensor"` or
#   `"Tensor"`; the cell already looks up the function itself with `getattr(torch, name)`.
# - `dtype` is the dtype of the *array*: `"float64"`, `"float32"`, `"int64"`, `"int32"` or `"uint8"`.
# - The first three lines, which make the array and the tensor, are there. Add the experiment: return `True` if the tensor sees what is
#   written into the array *afterwards*, else `False`. Write a number that fits every dtype: at most 255.
#
# <details><summary>Hint 1: the steps</summary>
#
# Two lines are missing: write a number into one element of the array; compare the same element of the tensor with that number.
#
# </details>
#
# <details><summary>Hint 2: True, not tensor(True)</summary>
#
# Comparing an element of a tensor gives a 0-d tensor. Take the value out of it, with `.item()` or `bool(…)`.
#
# </details>


# %% exercise="sees_the_write" difficulty=1 minutes=5
def sees_the_write(name: str, dtype: str) -> bool:
    """Whether a tensor made by ``torch.<name>`` from an array of this dtype shares the array's memory.

    Args:
        name: "tensor", "from_numpy", "as_tensor", "Tensor", …
        dtype: the dtype of the array: "float64", "float32", "int64", "int32" or "uint8".

    Returns:
        True or False.
    """
    array = np.zeros(3, dtype=dtype)
    make = getattr(torch, name)
    tensor = make(array)
    ### BEGIN SOLUTION
    array[0] = 100
    return tensor[0].item() == 100
    ### END SOLUTION


# %% check="sees_the_write" points=1
def try_these(text):
    """One experiment per word: the function, the dtype, and + if memory is shared."""
    truth = {tuple(one.strip("+-").split(":")): one.endswith("+") for one in text.split()}
    answers = {}
    for name, dtype in truth:
        answer = sees_the_write(name, dtype)
        what = f"sees_the_write({name!r}, {dtype!r})"
        if isinstance(answer, (torch.Tensor, np.generic)):
            told = "Yours comes from one element, but is not a Python bool: use .item() or bool(…)."
            if answer.size != 1 if isinstance(answer, np.generic) else answer.numel() != 1:
                told = f"Yours is a tensor of shape {tuple(answer.shape)}: compare one element, not all of them."
            require(False, f"{what} is True or False", told)
        if not isinstance(answer, bool):
            expect(answer, truth[name, dtype], what)
        answers[f"{name}, {dtype}"] = answer
    expected = {f"{name}, {dtype}": value for (name, dtype), value in truth.items()}
    always = {"tensor": False, "from_numpy": True, "as_tensor": True, "asarray": True, "from_dlpack": True}
    usual = {f"{name}, {dtype}": always.get(name, "Double" in name) for name, dtype in truth}
    single = {f"{name}, {dtype}": always.get(name, name in ("Tensor", "FloatTensor")) for name, dtype in truth}
    mistakes = {
        "It is always True: make the tensor first, then write a new number, and look at that same tensor.": dict.fromkeys(
            expected, True
        ),
        "It is always False: write into the same array that the tensor was made from, and after that.": dict.fromkeys(
            expected, False
        ),
        "These are the answers for a float64 array: make the array with the dtype that is asked for.": usual,
        "These are the answers for a float32 array: make the array with the dtype that is asked for.": single,
        "True and False are the wrong way round.": {what: not value for what, value in expected.items()},
    }
    expect(answers, expected, f"sees_the_write(name, dtype) for {len(truth)} pairs", mistakes=mistakes)


try_these(
    "tensor:float64- from_numpy:float64+ as_tensor:float64+ Tensor:float64- Tensor:float32+ as_tensor:float32+ tensor:uint8- "
    "from_numpy:uint8+ Tensor:int64- as_tensor:int32+ asarray:int64+ DoubleTensor:float64+ DoubleTensor:int32- IntTensor:int32+ "
    "from_dlpack:float64+"
)
### BEGIN HIDDEN TESTS
try_these(
    "from_numpy:int32+ tensor:float32- tensor:int64- Tensor:uint8- Tensor:int32- Tensor:float32+ as_tensor:uint8+ asarray:float32+ "
    "FloatTensor:float32+ FloatTensor:float64- LongTensor:int64+ LongTensor:int32- DoubleTensor:float32- ByteTensor:uint8+ "
    "from_dlpack:int32+"
)
### END HIDDEN TESTS

# %% [markdown]
# ### And between tensors?
#
# **Before you run it:** we write 100 into `x[0, 1]`. `x.view(3, 2)` and `x.reshape(3, 2)` give `x` another shape, and `x.detach()` cuts
# it off from the calculation of gradients (`02_gradients_and_optimizers`). Which of these eight see the 100?

# %% predict
x = torch.arange(10.0, 16.0).reshape(2, 3)
others = {
    "x.view(3, 2)": x.view(3, 2),
    "x.reshape(3, 2)": x.reshape(3, 2),
    "x.T": x.T,
    "x[:, 1:]": x[:, 1:],
    "x.detach()": x.detach(),
    "x.clone()": x.clone(),
    "x + 0": x + 0,
    "x.T.reshape(6)": x.T.reshape(6),
}
x[0, 1] = 100
for name, tensor in others.items():
    print(f"{name:16} {'sees it' if (tensor == 100).any() else '-'}")

# %% predict folded label="Draw who shares"
draw_memory(
    {"x": x} | others,
    mark=100,
    alt="One strip with 100 at place 1. x, x.view(3, 2), x.reshape(3, 2), x.T, x[:, 1:] and x.detach() use it, and each has a "
    "marked cell with 100. x.clone(), x + 0 and x.T.reshape(6) each have a strip of their own without a 100.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# `view`, `T`, slices and `detach` only write a new recipe. `clone` copies, and so does every calculation, even `+ 0`. `reshape` does
# whichever is possible: for `x` itself a new recipe is enough. For `x.T` it is not: to read `x.T` in one row, the places would be 0, 3, 1,
# 4, 2, 5, and no single stride leads there. So `reshape` copies.
#
# </details>
#
# **The rule.** `view`, `T` and `transpose`, slices, `detach` and `from_numpy`: the same memory. `clone`, `torch.tensor` and calculations:
# new memory, except for those that write in place, such as `x += 1`. `reshape` and `as_tensor`: the same if possible, else new.
# `.float()` and `.to(…)` return `x` itself if there is nothing to convert. If you want to be sure that you own your numbers, write
# `.clone()`.
#
# The other direction, `x.numpy()`, shares as well. It refuses a tensor that takes part in the calculation of gradients, because NumPy knows
# nothing of gradients. That is the usual reason for `detach`:

# %%
w = torch.ones(2, requires_grad=True)
attempt("w.numpy():         ", w.numpy)
attempt("w.detach().numpy():", w.detach().numpy)
print("the same memory:   ", w.detach().data_ptr() == w.data_ptr())

# %% [markdown]
# `x.detach().clone()` is what you write for "only the numbers, and in memory of their own".
#
# ## New shapes
#
# `x.view(shape)` and `x.reshape(shape)` both give `x` another shape. In both, one size may be `-1`: "whatever is left".
#
# **Before you run it:** what happens in these four lines? (`lambda:` in front of a call means "not yet": `attempt` makes the call.)

# %% predict
x = torch.arange(6).reshape(2, 3)
attempt("x.view(-1):      ", lambda: x.view(-1))
attempt("x.reshape(3, -1):", lambda: x.reshape(3, -1).tolist())
attempt("x.T.reshape(-1): ", lambda: x.T.reshape(-1))
attempt("x.T.view(-1):    ", lambda: x.T.view(-1))

# %% [markdown]
# <details><summary>Why?</summary>
#
# `view` promises never to copy, `reshape` promises always to work if the sizes fit. The first two lines fill the new shape in the order
# of the rows. `x.T` read row by row is 0, 3, 1, 4, 2, 5. `reshape` copies the numbers in that order. `view` must not copy, so it refuses.
# The message suggests `.reshape(...)`, and mostly that is what you want.
#
# </details>
#
# Reshaping is not transposing: `x.reshape(3, 2)` is a 3×2 tensor, and so is `x.T`, but their rows are different.

# %% folded label="Draw x.reshape(3, 2) beside x.T"
draw_row(
    Grid(x, "x", "input", digits=0),
    "→",
    Grid(x.reshape(3, 2), "x.reshape(3, 2)", "output", digits=0),
    Grid(x.T, "x.T", "output", digits=0),
    alt="x has the rows 0, 1, 2 and 3, 4, 5. x.reshape(3, 2) has the rows 0, 1 and 2, 3 and 4, 5. x.T has the rows 0, 3 and 1, 4 and 2, 5.",
    cell=0.42,
)

# %% [markdown]
# ### Exercise: Flatten images
#
# Many networks want a row of numbers for each image, not a table. Write `flatten_images(images)`:
#
# - `images` has the shape (N, H, W) or, in colour, (N, C, H, W), and any dtype. The result has the shape (N, P), where P is the number of
#   values of one image. Row n holds image n in the usual order: row by row, and in colour first all of channel 0, then all of channel 1, …
# - If `images` is contiguous, nothing is copied: the result shares its memory. It must also work, with a copy if need be, if `images` is
#   not contiguous.
# - `images` stays as it is.
#
# <details><summary>Hint 1: which sizes?</summary>
#
# The first size stays: `len(images)`, or `images.shape[0]`. The second is whatever is left.
#
# </details>
#
# <details><summary>Hint 2: <code>view</code> or <code>reshape</code>?</summary>
#
# One of them refuses some tensors that are not contiguous. The other copies if, and only if, it has to.
#
# </details>


# %% exercise="flatten_images" difficulty=1 minutes=5
def flatten_images(images: torch.Tensor) -> torch.Tensor:
    """Each image as one row. images: (N, H, W) or (N, C, H, W), any dtype. Returns: (N, P), without a copy if possible."""
    ### BEGIN SOLUTION
    return images.reshape(len(images), -1)
    ### END SOLUTION


# %% check="flatten_images" points=2
def try_images(images, wanted, what, mistakes=None):
    before = images.clone()
    try:
        answer = flatten_images(inplace(images))
    except RuntimeError as error:
        if "view size" in str(error):
            told = "`view` refuses some tensors that are not contiguous; `reshape` copies if it has to."
            require(False, f"flatten_images(images) for {what}", told)
        raise
    if images.shape != before.shape or images.dtype != before.dtype or not torch.equal(images, before):
        told = "You changed images itself, or its shape: functions that end in _ do that, and so does assigning to images[…]."
        require(False, f"the images are left as they were, {what}", told)
    expect(answer, wanted, f"flatten_images(images) for {what}", mistakes=mistakes, rtol=0, atol=0)
    if images.is_contiguous():
        shared = answer.untyped_storage().data_ptr() == images.untyped_storage().data_ptr()
        told = "Yours is a copy: clone, stack, cat, tensor and calculations make one. A new recipe is enough here."
        if not shared:
            require(False, f"nothing is copied, {what}", told)


numbers = torch.arange(24)
rows = torch.tensor([list(range(12)), list(range(12, 24))])
columns = [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]
try_images(
    numbers.reshape(2, 3, 4),
    rows,
    "images of shape (2, 3, 4) in int64",
    mistakes={
        "All images are in one row: the first size stays, one row for each image.": numbers,
        "All images are in one row of a table: the first size stays N.": numbers.reshape(1, 24),
        "Rows and columns are swapped: there is one image in each column.": rows.t(),
        "The shape is right, but the images are mixed up: each of them must stay together, so no transpose.": torch.stack(
            [torch.arange(0, 24, 2), torch.arange(1, 24, 2)]
        ),
        "Each image is read column by column: do not transpose it.": torch.tensor(
            [columns, [12 + number for number in columns]]
        ),
        "Each row of pixels has a row of its own: the first size is N.": numbers.reshape(6, 4),
    },
)
try_images(numbers.bfloat16().reshape(2, 2, 3, 2), rows.bfloat16(), "colour images of shape (2, 2, 3, 2) in bfloat16")
try_images(
    numbers.reshape(4, 2, 3)[2:],
    rows[1].reshape(2, 6),
    "the last two of four images, shape (2, 2, 3)",
    {"You begin at the start of the storage: images may be a part of a larger tensor.": rows[0].reshape(2, 6)},
)
cut = numbers.to(torch.uint8).reshape(2, 4, 3)[:, ::2]
wanted = torch.tensor([[0, 1, 2, 6, 7, 8], [12, 13, 14, 18, 19, 20]], dtype=torch.uint8)
try_images(cut, wanted, "every second row of images, shape (2, 2, 3) in uint8")
turned = numbers.reshape(4, 3, 2).permute(2, 1, 0)
wanted = torch.tensor([[0, 6, 12, 18, 2, 8, 14, 20, 4, 10, 16, 22], [1, 7, 13, 19, 3, 9, 15, 21, 5, 11, 17, 23]])
try_images(turned, wanted, "images of shape (2, 3, 4) whose dimensions were permuted")
try_images(
    torch.tensor([[[0.1, 5.0, 0.7, 5.0]]], dtype=torch.float64)[:, :, ::2],
    torch.tensor([[0.1, 0.7]], dtype=torch.float64),
    "every second column of an image, shape (1, 1, 2) in float64",
)
first = flatten_images(torch.ones(2, 2, 2))
flatten_images(torch.zeros(2, 2, 2))
expect(first, torch.ones(2, 4), "an earlier result stays as it was")
require(True, "the images are left as they were, and contiguous ones are not copied", "")
### BEGIN HIDDEN TESTS
g = torch.Generator().manual_seed(3)
for shape in [(5, 8, 8), (1, 3, 4, 2), (3, 3, 3), (4, 1, 5), (2, 3, 1, 7), (7, 1, 1, 1)]:
    images = torch.randn(shape, generator=g)
    try_images(images, torch.flatten(images, 1), f"images of shape {shape}")
images = torch.randn(6, 2, 3, generator=g).bfloat16()[1:5]
try_images(images, torch.flatten(images, 1), "images of shape (4, 2, 3), cut out of six, in bfloat16")
images = torch.randn(3, 4, 2, 5, generator=g, dtype=torch.float64).permute(3, 0, 2, 1)
try_images(images, torch.flatten(images, 1), "images of shape (5, 3, 2, 4) whose dimensions were permuted, in float64")
images = torch.randint(0, 255, (4, 6, 6), generator=g).to(torch.uint8)[:, ::2, 1:]
try_images(images, torch.flatten(images, 1), "images of shape (4, 3, 5), cut out of larger ones, in uint8")
### END HIDDEN TESTS

# %% [markdown]
# ### A dimension more, a dimension less: `unsqueeze` and `squeeze`
#
# A dimension of size 1 holds no additional numbers, but shapes often have to match. `x.unsqueeze(d)` inserts a dimension of size 1 at
# position `d`. `x[None]` and `x[:, None]` do the same with indices: `None` stands where the new dimension goes. `x.squeeze()` removes
# *all* dimensions of size 1, `x.squeeze(d)` only dimension `d`, and only if its size is 1. All of them share the memory of `x`.
#
# To join tensors, there are two functions. `torch.cat` puts them one after the other along a dimension *that they have*. `torch.stack` puts
# them side by side along a *new* dimension.
#
# **Before you run it:** `a` and `b` have the shape (3,), `m` has the shape (2, 3). What are the shapes of the results? One line is an
# error; which one?

# %% predict
a, b, m = torch.tensor([1, 2, 3]), torch.tensor([4, 5, 6]), torch.zeros(2, 3, dtype=torch.int64)
attempt("a.unsqueeze(0):                ", lambda: tuple(a.unsqueeze(0).shape))
attempt("a[:, None]:                    ", lambda: tuple(a[:, None].shape))
attempt("ones(1, 3, 1).squeeze():       ", lambda: tuple(torch.ones(1, 3, 1).squeeze().shape))
attempt("torch.cat([a, b]):             ", lambda: tuple(torch.cat([a, b]).shape))
attempt("torch.stack([a, b]):           ", lambda: tuple(torch.stack([a, b]).shape))
attempt("torch.stack([a, b], dim=1):    ", lambda: tuple(torch.stack([a, b], dim=1).shape))
attempt("torch.cat([m, m], dim=1):      ", lambda: tuple(torch.cat([m, m], dim=1).shape))
attempt("torch.cat([m, a]):             ", lambda: tuple(torch.cat([m, a]).shape))
attempt("torch.cat([m, a.unsqueeze(0)]):", lambda: tuple(torch.cat([m, a.unsqueeze(0)]).shape))

# %% predict folded label="Draw cat and stack"
for result, name in [
    (torch.cat([a, b]), "cat([a, b])"),
    (torch.stack([a, b]), "stack([a, b])"),
    (torch.stack([a, b], dim=1), "stack([a, b], dim=1)"),
]:
    draw_row(
        Grid(a, "a", "input", digits=0),
        Grid(b, "b", "input", digits=0),
        "→",
        Grid(result, name, "output", digits=0),
        alt=f"a = 1, 2, 3 and b = 4, 5, 6. {name} is {result.tolist()}, of shape {tuple(result.shape)}.",
        cell=0.36,
    )

# %% [markdown]
# <details><summary>Why?</summary>
#
# `cat` needs tensors with the same number of dimensions, and `m` has two where `a` has one. With `a.unsqueeze(0)`, a table of one row, it
# works. `cat` along dimension 0 makes a tensor longer; along dimension 1, wider. `stack` needs equal shapes, and its result has one
# dimension more: with `dim=1`, `a` and `b` become the columns, (3, 2). `squeeze()` takes both sizes of 1 out of (1, 3, 1).
#
# </details>
#
# ### Exercise: Rows to a batch
#
# Samples rarely arrive in one piece. Write `to_batch(parts)`, which collects them into one table with a sample in each row:
#
# - `parts` is a list or a tuple with at least one part. Each part is one sample of shape (C,), or a table of n samples, of shape (n, C). C
#   and the dtype are the same for all.
# - The result has the shape (N, C), where N is the number of all samples, in the order in which they came.
# - The result is a new tensor, also for a single part. `parts` and the tensors in it stay as they are.
#
# <details><summary>Hint 1: make the parts alike</summary>
#
# A single sample has one dimension too few. Once it is a table with one row, all parts can be joined in the same way.
#
# </details>
#
# <details><summary>Hint 2: <code>cat</code> or <code>stack</code>?</summary>
#
# The tables have different numbers of rows, so they cannot be stacked. Which function joins along a dimension that is already there?
# Collect the tables in a *new* list first.
#
# </details>


# %% exercise="to_batch" difficulty=2 minutes=8
def to_batch(parts: list[torch.Tensor]) -> torch.Tensor:
    """All samples in one table. parts: tensors of shape (C,) or (n, C). Returns: (N, C), a new tensor."""
    ### BEGIN SOLUTION
    tables = []
    for part in parts:
        if part.dim() == 1:
            part = part.unsqueeze(0)
        tables.append(part)
    return torch.cat(tables)
    ### END SOLUTION


# %% check="to_batch" points=2
def try_parts(parts, wanted, what, mistakes=None):
    before = [part.clone() for part in parts]
    answer = to_batch(inplace(parts))
    same = [one.shape == two.shape and torch.equal(one, two) for one, two in zip(parts, before)]
    if not all(same) or len(parts) != len(before):
        told = "You changed the list, or a tensor in it: collect the tables in a new list; unsqueeze_ and the like work in place."
        require(False, f"the parts are left as they were: {what}", told)
    expect(answer, wanted, f"to_batch(parts) for {what}", mistakes=mistakes, rtol=0, atol=0)
    for part in parts:
        shared = answer.untyped_storage().data_ptr() == part.untyped_storage().data_ptr()
        told = "It shares its memory with a part, so a number written into one appears in the other. .clone() copies."
        if shared:
            require(False, f"the result is a new tensor: {what}", told)
    return answer


one, two = torch.tensor([1.0, 2, 3]), torch.tensor([[4.0, 5, 6], [7, 8, 9]])
three = torch.tensor([[10.0, 11, 12]])
numbers = torch.arange(1.0, 13.0)
table = numbers.reshape(4, 3)
try_parts(
    [one, two, three],
    table,
    "shapes (3,), (2, 3), (1, 3)",
    mistakes={
        "The samples are in one long row: give a single sample a dimension more before you join.": numbers,
        "The order is lost: the samples stay in the order in which they came.": table[[0, 3, 1, 2]],
        "The order is reversed: the samples stay in the order in which they came.": table[[3, 1, 2, 0]],
        "Rows and columns are swapped: one sample in each row.": table.t(),
        "The sizes are swapped: there are C columns, one sample in each row.": numbers.reshape(3, 4),
        "The single samples are missing.": table[1:],
        "The last part is missing.": table[:3],
        "Only the first row of each table is there.": table[[0, 1, 3]],
    },
)
try_parts(
    (two, -one, one),
    torch.tensor([[4.0, 5, 6], [7, 8, 9], [-1, -2, -3], [1, 2, 3]]),
    "a tuple, shapes (2, 3), (3,), (3,)",
)
try_parts([one, two, one], torch.cat([table[:3], table[:1]]), "shapes (3,), (2, 3), (3,), the first part twice")
try_parts([one, one + 10], torch.tensor([[1.0, 2, 3], [11, 12, 13]]), "two single samples, shapes (3,), (3,)")
first = try_parts([two], torch.tensor([[4.0, 5, 6], [7, 8, 9]]), "one table, shape (2, 3)")
try_parts([one], torch.tensor([[1.0, 2, 3]]), "one sample, shape (3,)")
large = 2**60 + 1
wanted = torch.tensor([[5], [large], [7]])
digits = "The numbers have lost digits, because they went through another dtype: use that of the parts."
lost = {digits: wanted.float().long()}
try_parts([torch.tensor([5]), torch.tensor([[large], [7]])], wanted, "C = 1, large numbers in int64", lost)
square = torch.arange(8.0, dtype=torch.float64).div(10).reshape(2, 4)[:, ::2]
wanted = torch.tensor([[0.0, 0.4], [0.2, 0.6], [0.4, 0.6]], dtype=torch.float64)
try_parts([square.t(), square[1]], wanted, "views, in float64", {digits: wanted.float().double()})
try_parts([one.bfloat16(), two.bfloat16()], table[:3].bfloat16(), "shapes (3,), (2, 3) in bfloat16")
expect(first, torch.tensor([[4.0, 5, 6], [7, 8, 9]]), "an earlier result stays as it was")
require(True, "the parts are left as they were, and each result is a new tensor", "")
### BEGIN HIDDEN TESTS
g = torch.Generator().manual_seed(4)
for sizes, columns in [((3, 0, 2, 0), 5), ((0, 0, 0), 2), ((4,), 4), ((0,), 6), ((1, 1), 1), ((0, 5, 1), 3)]:
    table = torch.randint(-99, 99, (sum(max(size, 1) for size in sizes), columns), generator=g)
    parts, start = [], 0
    for size in sizes:  # 0 stands for a single sample of shape (C,)
        parts.append(table[start : start + size].clone() if size else table[start].clone())
        start += max(size, 1)
    try_parts(parts, table.clone(), f"shapes {', '.join(str(tuple(part.shape)) for part in parts)} in int64")
    try_parts(tuple(part.double() / 7 for part in parts), table.double() / 7, f"{len(parts)} parts in float64")
    try_parts([part.bfloat16() for part in parts], table.bfloat16(), f"{len(parts)} parts in bfloat16")
### END HIDDEN TESTS


# %% folded label="A helper: draw broadcasting"
def draw_broadcast(pairs, alt):
    """For each pair of shapes: both, aligned from the right, and the shape of the result."""
    figure, ax = plt.subplots()
    wide, high, step, top, left = 1.5, 0.8, 1.75, 0.0, 1.3
    columns = max(len(shape) for pair in pairs for shape in pair)

    def box(column, y, text, role, dashed=False, strong=False):
        face = "white" if dashed else _mix_with_white(COLOURS[role], 0.5 if strong else 0.18)
        edge = {"edgecolor": "#777777" if dashed else INK, "linestyle": "--" if dashed else "-", "linewidth": 0.9}
        ax.add_artist(plt.Rectangle((left + column * step, y), wide, high, facecolor=face, **edge))
        style = {"ha": "center", "va": "center", "fontsize": 10.5, "color": "black"}
        ax.text(left + column * step + wide / 2, y + high / 2, text, **style)

    for a, b in pairs:
        n = max(len(a), len(b))
        sizes = [(1,) * (n - len(shape)) + tuple(shape) for shape in (a, b)]
        misfit = False
        for row, (name, shape) in enumerate(zip("ab", (a, b))):
            y = top + row * (high + 0.12)
            label = f"{name} ({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"
            ax.text(left - 0.2, y + high / 2, label, ha="right", va="center", fontsize=9.5, color=COLOURS["input"])
            for k in range(n):
                column, mine, other = columns - n + k, sizes[row][k], sizes[1 - row][k]
                clash = mine != other and 1 not in (mine, other)
                misfit |= clash
                text = f"1 → {other}" if mine == 1 and other != 1 else str(mine)
                box(column, y, f"{text} ✗" if clash else text, "loss" if clash else "input", k < n - len(shape), clash)
        y = top + 2 * (high + 0.12) + 0.1
        told = "error" if misfit else "a + b"
        ax.text(
            left - 0.2,
            y + high / 2,
            told,
            ha="right",
            va="center",
            fontsize=9.5,
            color=COLOURS["loss" if misfit else "output"],
        )
        if not misfit:
            for k in range(n):
                box(columns - n + k, y, str(max(sizes[0][k], sizes[1][k])), "output", strong=True)
        top += 3 * high + 0.9
    right = left + columns * step
    ax.set(xlim=(-1.1, right), ylim=(top - 0.4, -0.2), aspect="equal")
    ax.axis("off")
    figure.set_size_inches((right + 1.1) * 0.6, (top - 0.2) * 0.6)
    figure.subplots_adjust(0, 0, 1, 1)
    show(figure, alt)


# %% [markdown]
# ## Broadcasting: loops that you don't have to write
#
# Back to the temperatures. The thermometer is wrong: it reads 1 degree too high in the morning, 2 at noon, half a degree in the evening.
# Each *row* of `t` needs the same three numbers subtracted. You could write a loop over the rows. You don't have to:

# %%
error = torch.tensor([1.0, 2.0, 0.5])
print(tuple(t.shape), "-", tuple(error.shape), "→", tuple((t - error).shape))
print(t - error)

# %% folded label="Draw it"
draw_row(
    Grid(t, "t", "input"),
    "−",
    Grid(error.expand(2, 3), "error, repeated", "input"),
    "=",
    Grid(t - error, "t − error", "output"),
    alt="t, a 2×3 table, minus the row 1.0, 2.0, 0.5, which is repeated for both rows, gives a 2×3 table.",
    cell=0.42,
)

# %% [markdown]
# PyTorch acts as if `error` were repeated for every row. (It copies nothing: a stride of 0 is enough to read the same row again.) This is
# called **broadcasting**. Its rule has three steps:
#
# 1. Write the two shapes below each other, **aligned from the right**.
# 2. If one is shorter, add sizes of 1 on its *left*.
# 3. At each position, the sizes must be equal, or one of them must be 1. A 1 is repeated to match the other.

# %% folded label="Draw the rule for three pairs of shapes"
draw_broadcast(
    [((2, 3), (3,)), ((4, 2, 3), (2, 1)), ((2, 3), (2,))],
    alt="Three pairs of shapes, aligned from the right. (2, 3) and (3,): the second gets a 1 on its left, which becomes 2; the result is "
    "(2, 3). (4, 2, 3) and (2, 1): the missing size becomes 4 and the 1 becomes 3; the result is (4, 2, 3). (2, 3) and (2,): 3 and 2 clash in the last column, an error.",
)

# %% [markdown]
# Dashed boxes are the sizes that were added, and `1 → 4` means that the 1 is repeated four times. In the third pair 3 meets 2, and neither
# is 1. You will see this error often, so look at it closely:

# %%
attempt("t - torch.ones(2):", lambda: t - torch.ones(2))

# %% [markdown]
# It names the two sizes that clash and their dimension (*non-singleton* means that its size is not 1). Suppose we wanted to subtract one
# number *per row*. `torch.ones(2)` is aligned with the columns, so it has to become a column itself: `torch.ones(2)[:, None]` has the
# shape (2, 1).
#
# **Before you run it:** do these pairs fit, and what are the shapes of the results?

# %% predict
for p, q in [((5, 4), (1,)), ((5, 4), (5, 1)), ((5, 4), (5,)), ((3, 1), (4,)), ((8, 1, 6), (7, 1)), ((), (2, 2))]:
    attempt(f"{p} and {q}:", lambda p=p, q=q: tuple((torch.zeros(p) + torch.zeros(q)).shape))

# %% predict folded label="Draw (3, 1) and (4,), with numbers"
column, row = torch.tensor([[0.0], [10.0], [20.0]]), torch.tensor([1.0, 2.0, 3.0, 4.0])
draw_row(
    Grid(column, "column", "input", digits=0),
    "+",
    Grid(row, "row", "input", digits=0),
    "=",
    Grid(column + row, "column + row", "output", digits=0),
    alt="A column 0, 10, 20 of shape 3×1 plus a row 1, 2, 3, 4 of shape 4 gives a 3×4 table: every number of the column with every number of the row.",
    cell=0.42,
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# (5,) does not fit (5, 4): aligned from the right, 5 meets 4. A column and a row, (3, 1) and (4,), give a whole table: every number of
# the one with every number of the other. That is how you compare *all pairs* of something without a loop. In (8, 1, 6) and (7, 1), the 1
# in the middle becomes 7, the last 1 becomes 6, and 8 stays. A 0-d tensor fits everything.
#
# </details>
#
# **Before you run it:** a model returns four predictions as a column, of shape (4, 1), and the targets have the shape (4,). The predictions
# are perfect. What is the mean squared error?

# %% predict
target = torch.tensor([1.0, 2.0, 3.0, 4.0])
prediction = target[:, None]
difference = prediction - target
print("mean squared error:", (difference**2).mean().item())
print("shape of the difference:", tuple(difference.shape))

# %% [markdown]
# <details><summary>Why?</summary>
#
# (4, 1) and (4,) give (4, 4): each prediction minus *every* target. Their squares are four times 0, six times 1, four times 4 and twice
# 9, 40 in all, and 40 / 16 = 2.5. No error, only a wrong number, and a network that learns nonsense. `prediction.squeeze(1) - target` is
# right. If such a number looks odd, print the shapes first.
#
# </details>
#
# Sums and means go along a dimension: `x.mean(dim=0)` computes over the rows and leaves one number per *column*; `x.mean(dim=1)` leaves one
# number per row. `keepdim=True` keeps the dimension with size 1, ready to be broadcast.

# %%
print("per column:", t.mean(dim=0), tuple(t.mean(dim=0).shape))
print("per row:   ", t.mean(dim=1), tuple(t.mean(dim=1).shape))
print("per row, kept:", tuple(t.mean(dim=1, keepdim=True).shape))

# %% [markdown]
# ### Exercise: Standardise the columns
#
# Height in metres, weight in grams: columns of data are on very different scales, and many methods work better when all columns are alike.
# Write `standardise(x)`:
#
# - `x` has the shape (N, C) with N ≥ 2, in `float32` or `float64`. The result is a new tensor of the same shape and dtype; `x` stays as it
#   is.
# - Each *column* of the result has the mean 0 and the standard deviation 1, up to rounding: subtract the column's mean and divide by its
#   standard deviation, as PyTorch's `std` computes it (with N − 1 in the denominator).
# - A column whose values are all equal cannot be scaled. It becomes all zeros. (Such columns hold whole numbers here, as the empty pixels at
#   the edge of an image do. All other columns have a standard deviation of at least 0.01.)
#
# <details><summary>Hint 1: per column</summary>
#
# You need one mean and one standard deviation per column: tensors of shape (C,). Which `dim` leaves one number per column? Broadcasting
# does the rest.
#
# </details>
#
# <details><summary>Hint 2: nan</summary>
#
# In a column of equal values the standard deviation is 0, and 0 / 0 is `nan` (not a number). Replace a standard deviation of 0 with 1
# before you divide, with `torch.where(condition, a, b)` for example.
#
# </details>


# %% exercise="standardise" difficulty=2 minutes=8
def standardise(x: torch.Tensor) -> torch.Tensor:
    """Columns with mean 0 and standard deviation 1. x: (N, C) with N ≥ 2. Returns: (N, C); equal values become 0."""
    ### BEGIN SOLUTION
    mean, std = x.mean(dim=0), x.std(dim=0)
    return (x - mean) / torch.where(std > 0, std, 1.0)
    ### END SOLUTION


# %% check="standardise" points=2
def try_table(x, wanted, what, mistakes=None):
    before = x.clone()
    answer = standardise(inplace(x))
    close = 2e-5 if x.dtype == torch.float64 else 1e-4
    if not torch.equal(x, before):
        told = "You changed x itself: x - mean makes a new tensor, x -= mean does not."
        require(False, f"x is left as it was, {what}", told)
    expect(answer, wanted, f"standardise(x) for {what}", mistakes=mistakes, rtol=close, atol=close)
    shared = answer.untyped_storage().data_ptr() == x.untyped_storage().data_ptr()
    if shared:
        require(False, f"the result is a new tensor, {what}", "It shares its memory with x.")
    return answer


def made_table(g, n, columns, equal=(), dtype=torch.float32):
    """A random table, and what it should become: evenly spaced numbers in random order, with 0 for equal values."""
    even = (torch.arange(n, dtype=torch.float64) * 2 - n + 1) * (3 / (n * (n + 1))) ** 0.5
    wanted = torch.stack([even[torch.randperm(n, generator=g)] * (k not in equal) for k in range(columns)], 1) + 0.0
    size = 10 ** (3 * torch.rand(columns, generator=g) - 1.5)
    place = torch.randint(-40, 40, (columns,), generator=g)
    fixed = torch.tensor([k in equal for k in range(columns)])
    return (wanted * size + torch.where(fixed, place, place * size)).to(dtype), wanted.to(dtype)


first = try_table(
    torch.tensor([[1.0, 40.0, -6.0], [2.0, 10.0, 0.0], [3.0, 10.0, 6.0]]),
    torch.tensor([[-1, 1.1547005, -1], [0, -0.57735027, 0], [1, -0.57735027, 1]]),
    "x of shape (3, 3)",
    mistakes={
        "The mean is 0, but the columns are not scaled: divide by the standard deviation.": torch.tensor(
            [[-1.0, 20, -6], [0, -10, 0], [1, -10, 6]]
        ),
        "The mean is still there: subtract it first.": torch.tensor(
            [[1, 2.3094011, -1], [2, 0.57735027, 0], [3, 0.57735027, 1]]
        ),
        "You standardised the rows. One mean per column is wanted: which dim leaves that?": torch.tensor(
            [[-0.430350, 1.143117, -0.712767], [-0.377964, 1.133893, -0.755929], [-0.949158, 1.044074, -0.094916]]
        ),
        "You used one mean for the whole table: dim=0 gives one for each column.": torch.tensor(
            [[-6.333333, 1.886011, -2.222222], [-5.333333, 0.153960, -1.222222], [-4.333333, 0.153960, -0.222222]]
        ),
        "You used the means of the rows: which dim leaves one number per column?": torch.tensor(
            [[-0.430355, 6.803360, -3.511885], [-0.390009, 1.133893, -1.803400], [-0.349663, 1.133893, -0.094916]]
        ),
        "Only the mean is divided: x - mean needs parentheses.": torch.tensor(
            [[-1.0, 38.845299, -6.0], [0.0, 8.845299, 0.0], [1.0, 8.845299, 6.0]]
        ),
        "You used one mean and one standard deviation for the whole table: take them per column.": torch.tensor(
            [[-0.478388, 2.467636, -1.007132], [-0.402852, 0.201426, -0.553922], [-0.327315, 0.201426, -0.100713]]
        ),
        "You divided by the variance: the standard deviation is its square root.": torch.tensor(
            [[-1, 0.06666667, -0.16666667], [0, -0.03333333, 0], [1, -0.03333333, 0.16666667]]
        ),
        "Your standard deviation divides by N, but PyTorch's `std` divides by N − 1.": torch.tensor(
            [[-1.2247449, 1.4142136, -1.2247449], [0, -0.70710678, 0], [1.2247449, -0.70710678, 1.2247449]]
        ),
        "The columns go from 0 to 1 now: subtract the mean and divide by the standard deviation instead.": torch.tensor(
            [[0, 1, 0], [0.5, 0, 0.5], [1, 0, 1]]
        ),
    },
)
kept = first.clone()
wanted = torch.tensor([[-1.0], [0], [1]], dtype=torch.float64)
told = "You add {} to the standard deviation, which is 0.01 here: change it only where it is 0."
small = {told.format(added): wanted / (1 + float(added) / 0.01) for added in ("1e-6", "1e-5", "1e-4")}
x = torch.tensor([[7.99], [8.0], [8.01]], dtype=torch.float64)
try_table(x, wanted, "x of shape (3, 1) in float64", small)
x = torch.tensor([[1000000.0], [1000000.1], [1000000.3]], dtype=torch.float64)
wanted = torch.tensor([[-0.8728716], [-0.2182179], [1.0910895]], dtype=torch.float64)
try_table(x, wanted, "x of shape (3, 1) in float64, with more digits than float32 has")
root = 0.57735027
try_table(
    torch.tensor([[2.0, 1], [5, 1], [2, 4]]),
    torch.tensor([[-root, -root], [2 * root, -root], [-root, 2 * root]]),
    "x of shape (3, 2), with values that are repeated",
)
g = torch.Generator().manual_seed(5)
try_table(*made_table(g, 6, 4), "x of shape (6, 4)")
x, wanted = made_table(g, 5, 3, equal=(1,), dtype=torch.float64)
nan = {
    "A column of equal values gave nan: 0 / 0. It should become all zeros.": wanted.index_fill(
        1, torch.tensor([1]), math.nan
    )
}
try_table(x, wanted, "x of shape (5, 3) in float64, with a column of equal values", nan)
x, wanted = made_table(g, 6, 4, equal=(0, 3))
try_table(x.t().contiguous().t(), wanted, "x of shape (6, 4), not contiguous, with two columns of equal values")
try_table(*made_table(g, 2, 3), "x of shape (2, 3)")
try_table(torch.tensor([[2.0], [6.0]]), torch.tensor([[-0.70710678], [0.70710678]]), "x of shape (2, 1)")
try_table(torch.zeros(3, 2), torch.zeros(3, 2), "x of shape (3, 2), all zeros")
expect(first, kept, "an earlier result stays as it was")
require(True, "x is left as it was, and each result is a new tensor", "")
### BEGIN HIDDEN TESTS
for n, columns in [(4, 4), (2, 7), (30, 2), (9, 1), (3, 5)]:
    for dtype in (torch.float32, torch.float64):
        what = f"x of shape ({n}, {columns}) in {dtype}"
        try_table(*made_table(g, n, columns, dtype=dtype), what)
        try_table(*made_table(g, n, columns, equal=(0,), dtype=dtype), f"{what}, with a column of equal values")
x, wanted = made_table(g, 5, 3, dtype=torch.float64)
try_table(x + 1e6, wanted, "x of shape (5, 3) in float64, with more digits than float32 has")
x, wanted = made_table(g, 4, 3)
last = try_table(x.repeat_interleave(2, 0)[::2], wanted, "every second row of a larger table")
### END HIDDEN TESTS

# %% [markdown]
# ### Comparisons are broadcast, too
#
# `==`, `<` and the like compare element by element and give a tensor of `True` and `False`. With a column and a row they compare all pairs:

# %%
mine, yours = torch.tensor([3, 1, 4]), torch.tensor([1, 3, 3, 7])
print(mine[:, None] == yours)

# %% [markdown]
# ### Exercise: One-hot without a loop
#
# The labels of five images are 2, 0, 1, 2, 3. Many formulas need each label as a row of zeros with a single 1 at the position of the
# label: the **one-hot** form. With 4 classes they are 0010, 1000, 0100, 0010 and 0001. Write `one_hot(labels, classes)`:
#
# - `labels` is an `int64` tensor of shape (N,) with values from 0 to `classes` − 1. The result has the shape (N, `classes`) and the dtype
#   `float32`. `labels` stays as it is.
# - Do it without a loop over labels or classes: the number of calls of torch functions must not depend on N or `classes`, and the labels
#   must not leave torch (no `tolist`, `item`, `int()` or NumPy, no `for` over the tensor).
# - Do it without PyTorch's own `one_hot`.
#
# <details><summary>Hint 1: all pairs</summary>
#
# Element (n, k) is 1 if label n equals k. That is a comparison of all labels with all classes.
#
# </details>
#
# <details><summary>Hint 2: the row of classes</summary>
#
# `torch.arange(classes)` is 0, 1, 2, …; the labels have to become a column. A comparison gives `True` and `False`; `.float()` makes them 1
# and 0.
#
# </details>


# %% exercise="one_hot" difficulty=2 minutes=6
def one_hot(labels: torch.Tensor, classes: int) -> torch.Tensor:
    """A row of zeros with a single 1 for each label. labels: (N,) int64. Returns: (N, classes) float32."""
    ### BEGIN SOLUTION
    return (labels[:, None] == torch.arange(classes)).float()
    ### END SOLUTION


# %% check="one_hot" points=2
def try_labels(labels, classes, what):
    before = labels.clone()
    with forbidden("one_hot"):
        answer = one_hot(inplace(labels), classes)
    if not torch.equal(labels, before):
        require(False, f"the labels are left as they were, {what}", "You changed labels itself.")
    wanted = F.one_hot(before, classes)
    expect(
        answer,
        wanted.float(),
        f"one_hot(labels, {classes}) for {what}",
        mistakes={
            "These are True and False: .float() makes them 1.0 and 0.0.": wanted.bool(),
            "The values are right, but the dtype is int64: .float() makes them float32.": wanted,
            "The values are right, but the dtype is float64: .float() makes them float32.": wanted.double(),
            "Rows and columns are swapped: one row for each label.": wanted.t().float(),
            "Ones and zeros are swapped.": 1 - wanted.float(),
            "There are only as many columns as the largest label needs: `classes` may be more.": wanted[
                :, : before.max() + 1
            ].float(),
            "You count the classes from 1: label 0 belongs to column 0.": wanted.float().roll(1, 1),
            "Your columns are one place too far left: label 0 belongs to column 0.": F.pad(
                wanted[:, 1:].float(), (0, 1)
            ),
            "Each row holds the ones of all labels, as [:, labels] does, but each row should have only its own 1.": wanted.amax(
                0
            )
            .expand_as(wanted)
            .float(),
            "The row holds the label itself instead of a 1.": torch.diag(before.float()) @ wanted.float(),
        }
        if classes > before.max() + 1
        else None,
    )
    return answer


def steps(n, classes):
    """How many of torch's functions are called; stops at what takes numbers out of a tensor."""
    labels = torch.arange(n) * 7 % classes
    with Watch(operations=False) as seen, forbidden("one_hot"):
        one_hot(labels, classes)
    out = {
        "tolist",
        "item",
        "__iter__",
        "numpy",
        "__int__",
        "__index__",
        "__array__",
        "unbind",
        "__bool__",
        "__float__",
    }
    used = [name for name in seen.functions if name in out]
    if used:
        told = f"Your code calls `{used[0]}`: compare whole tensors instead."
        if used[0] in ("unbind", "__iter__"):
            told = "Your code loops over the labels (`for … in labels`): compare all labels with all classes at once."
        require(False, f"the labels do not leave torch, for {n} labels and {classes} classes", told)
    return len(seen.functions)


first = try_labels(torch.tensor([2, 0, 1, 2, 3]), 6, "labels 2, 0, 1, 2, 3")
few, many, wide = steps(4, 5), steps(100_000, 5), steps(4, 2100)
told = (
    f"Your code calls {few} of torch's functions for 4 labels, but {many} for 100,000: there is a loop over the labels."
)
require(few == many, "no loop over the labels", told)
told = (
    f"Your code calls {few} of torch's functions for 5 classes, but {wide} for 2,100: there is a loop over the classes."
)
require(few == wide, "no loop over the classes", told)
try_labels(torch.tensor([1, 3, 0, 3]), 4, "labels 1, 3, 0, 3")
try_labels(torch.tensor([0]), 1, "the label 0 alone")
try_labels(torch.tensor([2099, 3, 2048]), 2100, "labels 2099, 3, 2048")
try_labels(torch.tensor([[4, 9], [1, 9], [0, 9]])[:, 0], 5, "a column of a larger tensor, 4, 1, 0")
expect(first[:, 2], torch.tensor([1.0, 0, 0, 1, 0]), "an earlier result stays as it was")
### BEGIN HIDDEN TESTS
g = torch.Generator().manual_seed(6)
for n, classes in [(7, 3), (3, 7), (1, 10), (50, 10), (6, 6), (2, 2)]:
    try_labels(torch.randint(0, classes, (n,), generator=g), classes, f"{n} labels" if n > 1 else "one label")
told = "How many of torch's functions are called depends on N or on classes."
require(steps(3, 9) == steps(70_000, 9) == steps(40, 2500), "no loop", told)
try_labels(torch.tensor([2497, 2049]), 2500, "labels 2497, 2049")
### END HIDDEN TESTS

# %% [markdown]
# ### Exercise: How often is it repeated?
#
# The last exercise on broadcasting is the rule itself, and the hardest of this notebook; you can also come back to it later. Write
# `repeats(a, b)`. It receives two shapes and returns how often broadcasting repeats each of the two tensors along each dimension of the
# result. A tensor is repeated n times along a dimension where it has the size 1, or none at all, and the result has the size n; otherwise
# the entry is 1: not repeated.
#
# | a | b | result | `repeats(a, b)` |
# |---|---|---|---|
# | `(2, 3)` | `(3,)` | `(2, 3)` | `((1, 1), (2, 1))` |
# | `(3, 1)` | `(4,)` | `(3, 4)` | `((1, 4), (3, 1))` |
# | `()` | `(5,)` | `(5,)` | `((5,), (1,))` |
#
# - `a` and `b` are tuples of sizes ≥ 1, of any length. The result is a tuple of two tuples of `int`s; both are as long as the shape of the
#   broadcast result.
# - If the shapes do not fit, it raises a `ValueError`.
# - It works with shapes only: the result may have up to 10¹⁸ elements, too many for any memory.
#
# <details><summary>Hint 1: first make them equally long</summary>
#
# Add sizes of 1 on the *left* of the shorter one. `(1,) * 2` is `(1, 1)`, and `+` joins tuples.
#
# </details>
#
# <details><summary>Hint 2: one position at a time</summary>
#
# `for m, n in zip(a, b)` goes through the positions. There are three cases: the sizes are equal; one of them is 1; neither. In the last one,
# `raise ValueError("…")`.
#
# </details>
#
# <details><summary>Hint 3: how often?</summary>
#
# If both sizes are equal, nothing is repeated: 1 and 1. If `m` is 1, the tensor of `a` is repeated `n` times and that of `b` once.
#
# </details>


# %% exercise="repeats" difficulty=3 minutes=12
def repeats(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """How often broadcasting repeats each of two tensors.

    Args:
        a, b: their shapes.

    Returns:
        For each of the two, how often it is repeated along each dimension of the result.

    Raises:
        ValueError: the shapes do not fit.
    """
    ### BEGIN SOLUTION
    length = max(len(a), len(b))
    a = (1,) * (length - len(a)) + a
    b = (1,) * (length - len(b)) + b
    times_a, times_b = [], []
    for m, n in zip(a, b):
        if m != n and m != 1 and n != 1:
            raise ValueError(f"{m} does not fit {n}")
        times_a.append(n if m == 1 else 1)
        times_b.append(m if n == 1 else 1)
    return tuple(times_a), tuple(times_b)
    ### END SOLUTION


# %% check="repeats" points=3
def try_shapes(cases):
    for a, b, wanted, *more in cases:
        what, result = f"repeats({a}, {b})", tuple(np.broadcast_shapes(a, b))
        try:
            answer = repeats(a, b)
        except ValueError as error:
            told = f"Your code raises a ValueError ({error}), but the shapes fit: the result is {result}."
            require(False, what, f"{told} The shorter shape gets its sizes of 1 on the *left*.")
        if type(answer) is list and answer in (list(wanted), [list(one) for one in wanted]):
            require(False, f"{what} is a tuple of tuples", "Yours is a list: tuple(…) converts it.")
        shorter = min(len(a), len(b))
        mistakes = {
            "The two are swapped: first a, then b.": wanted[::-1],
            "That is the shape of the result. How often is each of the two repeated?": result,
            "That is the shape of the result, twice. How often is each of the two repeated?": (result, result),
            "The dimensions that the shorter shape lacks are missing: it gets sizes of 1 on its left.": tuple(
                one[len(one) - shorter :] for one in wanted
            ),
            "The numbers are right, but the inner ones are lists: tuple(…) converts a list.": tuple(map(list, wanted)),
            "The numbers are right, but in the opposite order: the result's first dimension comes first.": tuple(
                one[::-1] for one in wanted
            ),
        }
        left = (
            {"You aligned the shapes from the left. Broadcasting aligns them from the right.": more[0]} if more else {}
        )
        expect(answer, wanted, what, mistakes=left | mistakes)


def try_misfits(pairs):
    for a, b in pairs:
        told = "Aligned from the right, two different sizes meet, and neither is 1: raise ValueError(…)."
        expect_error(ValueError, lambda a=a, b=b: repeats(a, b), f"repeats({a}, {b}) raises a ValueError", told)


million = 10**6
try_shapes(
    [
        ((2, 3), (3,), ((1, 1), (2, 1)), ((1, 1), (1, 3))),
        ((3, 1), (4,), ((1, 4), (3, 1)), ((1, 1), (1, 1))),
        ((), (5,), ((5,), (1,))),
        ((2,), (), ((1,), (2,))),
        ((3,), (3, 3), ((3, 1), (1, 1))),
        ((1, 5, 1), (4, 1, 6), ((4, 1, 6), (1, 5, 1))),
        ((4, 2, 3), (2, 1), ((1, 1, 1), (4, 1, 3))),
        ((2, 3), (2, 3), ((1, 1), (1, 1))),
        ((1,), (1, 1), ((1, 1), (1, 1))),
        ((), (), ((), ())),
        ((million, 1, million), (million, 1), ((1, million, 1), (million, 1, million))),
        ((10**17 + 1,), (3, 1), ((3, 1), (1, 10**17 + 1))),
    ]
)
try_misfits(
    [
        ((2, 3), (2,)),
        ((4,), (5,)),
        ((2,), (3, 4)),
        ((3, 1, 2), (4, 1, 1)),
        ((2, 2, 6), (3, 6)),
        ((5, 4), (2,)),
        ((6, 7), (3, 1)),
    ]
)
### BEGIN HIDDEN TESTS
try_shapes(
    [
        ((7,), (2, 1), ((2, 1), (1, 7))),
        ((8, 1, 6), (7, 1), ((1, 7, 1), (8, 1, 6))),
        ((6,), (), ((1,), (6,))),
        ((4, 4), (4,), ((1, 1), (4, 1))),
        ((1, 1, 9), (2, 1, 1, 1), ((2, 1, 1, 1), (1, 1, 1, 9))),
        ((5, 1), (5, 1), ((1, 1), (1, 1))),
        ((3, million, million), (million, million), ((1, 1, 1), (3, 1, 1))),
        ((1,), (1,), ((1,), (1,))),
        ((1,), (10**16 + 3,), ((10**16 + 3,), (1,))),
    ]
)
try_misfits([((3, 4), (3,)), ((2,), (3, 1, 4)), ((5, 2), (3, 5, 1, 3)), ((2, 4), (4, 2))])
### END HIDDEN TESTS

# %% [markdown]
# ## Save and load
#
# `torch.save` writes a tensor, or a list or dict of tensors, into a file; `torch.load` reads it.

# %%
import tempfile

foo = torch.arange(24).reshape(2, 3, 4)
with tempfile.TemporaryDirectory() as folder:  # a folder that is removed at the end
    torch.save(foo, f"{folder}/foo.pt")
    bar = torch.load(f"{folder}/foo.pt")
print("same shape, dtype and values:", bar.shape == foo.shape, bar.dtype == foo.dtype, torch.equal(foo, bar))
print("all differences are 0:", not (foo - bar).any())

# %% [markdown]
# A file need not be on a disk. `io.BytesIO` is a file in memory: a library writes into it as into any other, and `getvalue()` returns its
# bytes, to be sent or stored wherever you like.

# %%
import io


def size_of_file(value):
    """How many bytes torch.save writes."""
    file = io.BytesIO()
    torch.save(value, file)
    return len(file.getvalue())


print(f"foo holds {foo.numel() * foo.element_size()} bytes of numbers; its file has {size_of_file(foo)}.")

# %% [markdown]
# The rest of the file is the recipe (shape, dtype, offset, strides) and padding.
#
# **Before you run it:** `big` has a million numbers, which take 4 MB. `big[0]` is one row, 1,000 numbers. How large is its file? And that
# of its clone?

# %% predict
big = torch.zeros(1000, 1000)
print(f"big:            {size_of_file(big):9,} bytes")
print(f"big[0]:         {size_of_file(big[0]):9,} bytes")
print(f"big[0].clone(): {size_of_file(big[0].clone()):9,} bytes")

# %% [markdown]
# <details><summary>Why?</summary>
#
# `big[0]` is a view: a recipe and a storage of a million numbers. `torch.save` stores the *whole storage*, so that views that share memory
# still share it after loading. Clone a small part of a large tensor before you save it.
#
# </details>
#
# ### Loading is a question of trust
#
# The format of these files is Python's *pickle*, which can store any object. Reading a pickle can run any code that its author wrote into
# it. That is why `torch.load` has had, since PyTorch 2.6, the default `weights_only=True`: it accepts tensors and plain data (numbers,
# strings, lists, dicts and a few more), and refuses other objects. Only for files of your own, or of somebody you trust as much as
# yourself, may you write `weights_only=False`.

# %%
import fractions

file = io.BytesIO()
torch.save({"a tensor": torch.ones(2), "an object": fractions.Fraction(1, 3)}, file)
file.seek(0)  # back to the beginning of the file
attempt("torch.load(file):", torch.load, file)

# %% [markdown]
# The message goes on for several lines, and offers `weights_only=False`. Read that as a question about trust, not as a repair.
#
# ### Exercise: Pack and unpack
#
# To send tensors to somebody else, you need bytes at one end and tensors at the other. Write a pair of functions:
#
# - `pack(tensors)` receives a dict that maps names to tensors of any shape and dtype, and returns `bytes`: what `torch.save` writes into a
#   file for a dict with these names and the same shapes, dtypes and values. The dict and its tensors stay as they are.
# - What is packed is small: besides the numbers themselves, at most 4,000 bytes plus 1,000 for each tensor, even if a tensor is a small
#   part of a large one.
# - `unpack(data)` receives such bytes and returns the dict. If there is an object in it that `weights_only=True` does not accept, it must
#   not be loaded: let PyTorch raise its error.
#
# <details><summary>Hint 1: a file in memory</summary>
#
# `io.BytesIO()` is an empty file, and `io.BytesIO(data)` a file with these bytes, ready to be read.
#
# </details>
#
# <details><summary>Hint 2: small</summary>
#
# Save a new dict with a copy of each tensor. Which method always copies?
#
# </details>


# %% exercise="pack" difficulty=2 minutes=8
def pack(tensors: dict[str, torch.Tensor]) -> bytes:
    """What torch.save writes for these tensors, without the rest of the storages that they are views of."""
    ### BEGIN SOLUTION
    file = io.BytesIO()
    torch.save({name: tensor.clone() for name, tensor in tensors.items()}, file)
    return file.getvalue()
    ### END SOLUTION


def unpack(data: bytes) -> dict[str, torch.Tensor]:
    """The tensors that ``pack`` has packed; an error if there is anything but plain data."""
    ### BEGIN SOLUTION
    return torch.load(io.BytesIO(data), weights_only=True)
    ### END SOLUTION


# %% check="pack" points=2
def held(data):
    """What is in the outermost place of a file that torch.save has written, without loading it: "EMPTY_DICT" for a dict."""
    import io
    import pickletools
    import zipfile

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            [name] = [name for name in file.namelist() if name.endswith("data.pkl")]
            steps = [step.name for step, *_ in pickletools.genops(file.read(name))]
    except (zipfile.BadZipFile, ValueError):
        told = "torch.save has not written these bytes, or some of them are missing: return its whole file."
        require(False, "pack(tensors) returns what torch.save writes", told)
    return next(step for step in steps if step not in ("PROTO", "FRAME"))


def file_of(text):
    """A file that torch.save has written elsewhere."""
    import base64
    import zlib

    return zlib.decompress(base64.b85decode(text))


def packed(tensors, what):
    """What the learner's pack returns, after a look at everything that can be seen before it is loaded."""
    before = {name: tensor.clone() for name, tensor in tensors.items()}
    strides = {name: tensor.stride() for name, tensor in tensors.items()}
    data = pack(inplace(tensors))
    same = tensors.keys() == before.keys() and all(
        tensors[name].dtype == one.dtype and tensors[name].stride() == strides[name] and torch.equal(tensors[name], one)
        for name, one in before.items()
    )
    if not same:
        told = "You changed the dict, or a tensor in it: put the copies into a new dict."
        require(False, f"the dict is left as it was: {what}", told)
    if not isinstance(data, bytes):
        named = type(data).__name__
        told = "Nothing comes back: is a `return` missing?" if data is None else f"Yours is a {named}."
        told = "That is the file: .getvalue() returns its bytes." if named == "BytesIO" else told
        told = "That is the file: .read() returns its bytes." if named.startswith("Buffered") else told
        require(False, "pack(tensors) returns bytes", told)
    if not data:
        told = "The result is empty: .read() starts at the end of what was written; .getvalue() returns everything."
        require(False, f"pack(tensors) is not empty: {what}", told)
    most = sum(one.numel() * one.element_size() for one in before.values()) + 1000 * len(before) + 4000
    told = f"Yours has {len(data):,} bytes, but {most:,} are allowed ({most - 1000 * len(before) - 4000:,} of numbers, 4,000, and "
    told += "1,000 for each tensor): the whole storage of a view is saved. Copy each tensor"
    told += " with .clone() (.contiguous() copies only what is not contiguous)."
    if len(data) > most:
        require(False, f"pack(tensors) is small: {what}", told)
    if held(data) != "EMPTY_DICT":
        require(False, f"pack(tensors) holds a dict: {what}", "Save one dict, with the same names as `tensors`.")
    return data


def try_pack(tensors, what):
    before = {name: tensor.clone() for name, tensor in tensors.items()}
    data = packed(tensors, what)
    expect(unpack(data), before, f"unpack(pack(tensors)): {what}", rtol=0, atol=0)
    return data


def refuses(data, what):
    otherwise = f"The file holds {what}. By default, torch.load refuses that with an error: do not turn that off, and do not catch it."
    expect_error(Exception, lambda: unpack(data), f"unpack(data) refuses {what}", otherwise)


# Files as torch.save writes them, compressed. The first holds "weight" and "steps", the second a Fraction, and reading the
# third calls a function, which returns a plain number.
PLAIN = (
    r"""c-o~^PiWIn7=KB+G-kE!Hf1<u7eQLkF6rOZ;R<2ILj>!FP<9Df`fP()vzNSXOb`a*a0d@w#FKdT;8l+UZ{ECn5l^1Hh-cqx)+|X`r}aU3^zr@v"""
    r"""<a@s_X=+>o06_pFD+^|U;hJ4*7cR98Y!r4L*{YHTn~`<EK0zSY;t606TAeONjENlrE9iY}*`BDoaI0_GZ5_j&=eYWAQABJm*GdwEM=FgDM4S&1"""
    r"""RogM}hJPrcM2jIc5}ImpWH)#Eh}SrblJ_;BF&cM>1dY>}Lv-QDG#%T9CbpcOC*E`0(1q<a%fuoQ^Xq6DqtrUO*qRzB!W|E#yTn0vsCw7wbpp}M"""
    r"""KvYKAF0U~d%@DDC{-{fNW-*#uN0<7Arj`^o_TRq$MJnm9d1epiK{DuJ;i2Ph8(80ku1Acj3P)QhQ?d^~zdoh1%viDoP&*|%X`OD^R;RZOdstOU"""
    r"""v8(y3RV`BkjXm^(B@*md12doz7}(m!(4n1Hm6b_!hs(AwwjuTK?DqF7G)DYb4{5L(N#&BHD!2Z_0074gLVFCr!76p}``zVlDRPiH$Hj8gg{&&&"""
    r"""iCm;k7^(L4&o7EpOc<-30V{!akfqwBEhvdp`OBNmgY)ly5fo1YICyLix)w>`V}p*KZnagV@Q+5MN>!Gn<w~(smFv}-R4LZWQb{h=>1nl6t;up("""
    r"""Dwk{2<@0NEcXGr>Zs3xkW&@w$dCZPDkH5#_=<oo}N04g_IBSCAB;g@ih>*MtlZ;GmoF_a8GZCIy7K{#H93D<^Is$*ig4pcDvEc+pu~)emR*qxC"""
    r"""8OlVkuS3`~dKbRh#pp99z&W97YCL~q7*XzKfD~f;H0$pl6T^|?=|>2B;{E^r+jolhF~XqUul)n|uZjr"""
)
OBJECT = (
    r"""c-p0uzi-n(6vxkYY6k=P(WOwN&Z$&VJBjmy3L;s^iwDvmq>9CIooldg<DPv96bY#k3KAQ1sKmm*!OYBn7}(fYVB%lk&Q4wXLW5eKWL@IC?|Yv-"""
    r"""f1i7%kOLr}2Xj#Z%fJqtC+-Ap4s2{!51x94UI33Xam2qwpt8de!E?kp*e8mrHO8(N%2oh($F4W9FdT(`U`=W=;wzOMi6n<4(;h-3#1h%?d>cQE"""
    r"""Z^|ea6;#mDjzCW5V2nhQ$4J^Xfyqx%-sGm}${WY=Jr6qA^+%!nAQ->^4(_`SmXW;PM^`br)<@T)N{6W6>;?8L)tG&fQPJc~;WaAtQF&bLnNt4P"""
    r"""U;p%(2<X*2cQh+NNk&uM^MidGTN4<Bq^6;7FcVrFD((95_xD#6lUvwz6|~N}&gN&?o;w`v!x1+0`h^<LqS>GT-Dl_*Pg?K`0m`780PG%O=+luK"""
    r"""`qpLoo`&aQ>_N&fz5C;)NV<p%84BQD#+93jq2Kur0054<^r8fBx5aO?Wqu(+5o{#{$wO~l7NIWF&R;(aAN_m&YoK;!fauSMFmQ<jUf9&mmOC)?"""
    r""">IFemtyOEQosOoeZLQI4)RkIOX*N_vRme@Hrqw%|)@-yWrTPBkXN7Q7B1(?JCY<TTDb10y?-5p=UVxR1@)ifqTQ#;w+Qh4wBJa{g<~E0|lQv>G"""
    r"""Q)ih6^9#Vr(=IAx<R?5}yvu6SJ}73iHw3`CjuodL&ss)&oD%=tI6YGoH%@IP+)k7dbAI9Cvz?1iqKkf##Q1ys23rzijTGg_xqkq8*J?5"""
)
CALL = (
    r"""c-o~@O^ee&7@nlvq(<$>URL+8;H`qT`RJ#M7J}pw!EQw;UP3k*YcOp($+Wu)!h%%rrXn8w8~y<g-o%49Z(j7|*_$(on@v);%dRgBLz4G-pJ(1Y@AU"""
    r"""Ot9)LmtEJYct1Jk!2IdfRIO>EYtk6leIf(NNMV4opS9Wn&4j~EMk1W_|)*l`2F@Zs*vacu*`N#Oa$Tow>ptqysT9FR<N1W_)62%77e_+Io<K>4tsh"""
    r"""}MQVvRl&`;&c`xen$s7yFdk<S)g+-Ez5IVXko{j1j1e4hCZ}!I~Ep@aCLyrV{~DFE`}9?*%%cq!<$0iBpiZi+X5=-jLyD5<pHY9YJHtA;5)xRej?d"""
    r""")^^fh#22kR@)E;{N*u=&h`T<d)sr5{IP7H|>fB5z7IXy75l6VuekBI;F&oEtQG#SGQ)>P%R+%#GZDxkNAezJsuT`8afda;1rCm4FP<(j&E7T&{f9g"""
    r"""JN_H7ss^zswO9Zl#7IxRr8cUDVVY{~-W?gC1Q}!K)qaE2S)~R8Rujv4Z%&x6dj;5h(MQ_oMqK_kRn>M+OKFA3)zB4tQ$P8894MQ){ObA~oA`N9uN)"""
    r"""lGJH7S`9^%TVks%HyRyLlti&DE8S+dsZf<ye!#a?qN5tBWT@C!XL5GROUkqNNEV$OfQ=OL5(AE#wrr84i8oV4UMGtzO-{B>(ukE*oply04?q^4bWt"""
    r"""${f5(E1ceB`}4@&7i<UrPSS#a|AY^A_&65xLur>}F|wL_cbuE$6|vwvoyy_1i2f(t+KT=X2>U~622;lunW_Yb@=YG("""
)
large = torch.arange(40_000).reshape(40, 1000)
packed({"a row": large[3]}, "one row of a large tensor")
wanted = {"weight": torch.tensor([[1.5, -2.0, 0.25]]), "steps": torch.tensor(12)}
expect(unpack(file_of(PLAIN)), wanted, "unpack(data) for bytes that were packed elsewhere")
try_pack({"weight": torch.tensor([[0.5, -1.5]]), "steps": torch.tensor(7)}, "a float32 and a 0-d int64 tensor")
try_pack({"a row": large[3]}, "one row of a large tensor")
try_pack(
    {"a": large[:, 5], "b": large[::10, ::250], "c": large[2, 4:].view(-1, 4).t()[:, :9], "d": large[0, :9]},
    "parts of a large tensor",
)
try_pack({"x": torch.tensor([True, False]), "y": torch.tensor([1e-300], dtype=torch.float64)}, "bool and float64")
try_pack({"x": torch.tensor([0.5, -3]).bfloat16(), "y": torch.tensor([1 + 2j])}, "bfloat16 and complex64")
refuses(file_of(OBJECT), "an object that is not plain data")
refuses(file_of(CALL), "a call of a function, which runs when the file is read")
require(True, "the dict is left as it was, and what is packed is small", "")
### BEGIN HIDDEN TESTS
g = torch.Generator().manual_seed(8)
wide = torch.randn(100, 500, generator=g)
import fractions
import io

cases = {
    "two parts of a large tensor": {"one": wide[7, 3:9], "two": wide[-1], "three": torch.tensor(2.5).double()},
    "float16 and bfloat16": {"h": torch.tensor([[1.5], [2.5]]).half(), "b": torch.tensor([[7.0]]).bfloat16()},
    "permuted uint8": {"pixels": torch.arange(60).to(torch.uint8).reshape(3, 4, 5).permute(2, 0, 1)},
    "five views": {f"layer {i}": wide[i : i + 2, :6] for i in range(5)},
    "two views that begin at the same place": {"row": wide[0], "column": wide[:, 0]},
}
for what, tensors in cases.items():
    before = {name: tensor.clone() for name, tensor in tensors.items()}
    data = try_pack(tensors, what)
    expect(torch.load(io.BytesIO(data), weights_only=True), before, f"what pack(tensors) holds: {what}")

file = io.BytesIO()
torch.save({"y": fractions.Fraction(2, 7)}, file)
refuses(file.getvalue(), "an object that is not plain data")


class Call:
    """Reading it calls a function."""

    def __reduce__(self):
        return len, ("five5",)


file = io.BytesIO()
torch.save({"x": torch.ones(1), "y": Call()}, file)
refuses(file.getvalue(), "a call of a function, which runs when the file is read")
file = io.BytesIO()
torch.save({"z": wide[:2].clone(), "y": torch.tensor(True)}, file)
expect(unpack(file.getvalue()), {"z": wide[:2], "y": torch.tensor(True)}, "unpack(data) for bytes packed elsewhere")
### END HIDDEN TESTS

# %% [markdown]
# ## Devices
#
# Every tensor is on one device: usually `cpu`, or an NVIDIA GPU, which torch calls `cuda`. You choose it when you make a tensor,
# `torch.zeros(3, device="cuda")`, or you copy a tensor there with `x.to("cuda")`. In this course the set-up has already decided: `device`
# is a GPU if there is one, else the CPU. Code that says `x.to(device)` runs on both.

# %% varies
y = torch.arange(3.0).to(device)
print("device:", device)
print(y * 2)
print("back on the CPU:", (y * 2).cpu().device)

# %% [markdown]
# To see what goes wrong with two devices, you need two. You have a second one even without a GPU: `meta`. A tensor on `meta` has a shape,
# a dtype and a device, and takes no memory. It is used for working out the shapes of networks that are too large to build. (`@`
# multiplies two matrices.)

# %%
huge = torch.empty(1_000_000, 1_000_000, device="meta")
print("shape of the product:", tuple((huge @ huge[:, :10]).shape))
print(f"in float32 it would take {huge.numel() * 4 / 1e12:.0f} TB")

# %% [markdown]
# **Before you run it:** which of these work: multiply by 2; add a tensor that is on the CPU; join the two with `cat`; take out a number;
# copy it to the CPU?

# %% predict
here, there = torch.ones(2), torch.ones(2, device="meta")
attempt("there * 2:     ", lambda: there * 2)
attempt("here + there:  ", lambda: here + there)
attempt("cat:           ", lambda: torch.cat([here, there]))
attempt("sum().item():  ", lambda: there.sum().item())
attempt("there.cpu():   ", lambda: there.cpu())

# %% [markdown]
# <details><summary>Why?</summary>
#
# A plain number is on no device, so it can be combined with any tensor. Tensors on different devices do not mix (a 0-d tensor on the CPU
# is the exception): PyTorch does not copy between devices behind your back, because that is slow. The message names the two: *Tensor on
# device meta is not on the expected device cpu!* You say where to compute, with `.to(device)`. The last two
# fail on `meta` alone: such a tensor holds no numbers to take out or copy. On a GPU they work.
#
# </details>
#
# On a GPU the message for `here + there` is *Expected all tensors to be on the same device*. Usually the model is on the GPU and a batch is
# not, or the other way round: move the batch with `batch.to(device)`.
#
# If you have a GPU, the next cell repeats this on it; if not, it says so. Note that `x.to(device)` returns `x` *itself* if it is there
# already, so without a GPU the result shares memory with `x`, and with one it is a copy.

# %% varies
if torch.cuda.is_available():
    there = here.to("cuda")
    attempt("here + there:", lambda: here + there)
    attempt("there.numpy():", there.numpy)
    print("there.cpu().numpy():", there.cpu().numpy())
else:
    print("No GPU here. On Colab: Runtime → Change runtime type.")
same = here.to("cpu")
print("here.to('cpu') is here itself:", same is here)

# %% [markdown]
# ## Putting it together: ten averages read digits
#
# You can now build something that reads handwriting, with nothing but tensors. There are 1,797 images of digits, with 8×8 pixels each. The
# plan:
#
# 1. Flatten the images: one row of 64 numbers each.
# 2. From the first 1,400 images, compute the *average image* of each digit.
# 3. For each of the other 397, find the nearest of the ten averages.
#
# The next cell uses your `flatten_images`, `one_hot`, `standardise`, `pack` and `unpack`, or the course's own where one is not solved yet.

# %% yours folded label="Your functions, or the course's own versions"
digits, labels = load_digits()


def course_standardise(x):
    spread, middle = torch.std_mean(x, dim=0)
    return (x - middle) / spread.masked_fill(spread == 0, 1)


def pack_and_unpack(x):
    return unpack(pack({"averages": x}))["averages"]


flatten = yours_or_ours(flatten_images, lambda images: images.flatten(1), digits[:3])
table_of = yours_or_ours(one_hot, lambda labels, classes: torch.eye(classes)[labels], labels[:5], 10)
standardised = yours_or_ours(standardise, course_standardise, digits[:20, 0])
send = yours_or_ours(pack_and_unpack, lambda x: x.clone(), torch.ones(2, 3))

# %% yours
rows = flatten(digits)
known, unknown = slice(0, 1400), slice(1400, None)


def averages_of(rows):
    """The average row of each digit: (10, 64)."""
    table = table_of(labels[known], 10)  # (1400, 10): which image shows which digit
    return table.T @ rows[known] / table.sum(dim=0)[:, None]  # sums, divided by how many there were


def read_digits(rows, averages):
    """The digit whose average is nearest, for each row that was not used for the averages."""
    difference = rows[unknown][:, None] - averages  # (397, 1, 64) - (10, 64) → (397, 10, 64): all pairs
    return (difference**2).sum(dim=2).argmin(dim=1)  # the position of the smallest of ten distances


averages = averages_of(rows)
print("rows:", tuple(rows.shape), "  averages:", tuple(averages.shape))

# %% yours folded label="Show the ten averages"
draw_images(
    averages.reshape(10, 8, 8),
    [f"average {digit}" for digit in range(10)],
    columns=5,
    cell=1.0,
    alt="Ten blurred images of 8×8 pixels: the average 0, 1, 2 and so on up to 9. Each digit can be recognised.",
)

# %% [markdown]
# `table.T @ rows[known]` is a matrix product: row k adds up all images that have a 1 in column k of the one-hot table, so all images of the
# digit k.
#
# **Before you run it:** guessing gets 10 out of 100 right. How many do the ten averages get? And will they get more if all 64 columns are
# standardised first?

# %% predict
for name, data in [("the pixels as they are", rows), ("standardised columns", standardised(rows))]:
    right = read_digits(data, averages_of(data)) == labels[unknown]
    print(f"{name:23} {right.sum()} of {len(right)} are right: {right.float().mean():.0%}")

# %% predict folded label="Show some that it got right, and some that it got wrong"
answers, truth = read_digits(rows, averages).tolist(), labels[unknown].tolist()
good = [next(i for i in range(397) if answers[i] == truth[i] == digit) for digit in (0, 2, 4, 6, 8)]
bad = [i for i in range(397) if answers[i] != truth[i]][::11][:5]
draw_images(
    digits[unknown][good + bad],
    [f"✓ {answers[i]}" for i in good] + [f"✗ read {answers[i]}, is {truth[i]}" for i in bad],
    columns=5,
    cell=1.05,
    alt=f"Above, five digits that the averages read correctly. Below, five that they got wrong: {'; '.join(f'{truth[i]} read as {answers[i]}' for i in bad)}.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# About 86 out of 100, and nothing has been *learned* yet: you have computed ten averages. Standardising makes it worse: 82 out of 100.
# All pixels have the same unit already, and the pixels at the edge are nearly always empty: divided by their tiny standard deviation, a
# few specks of ink there count as much as a whole stroke in the middle. Standardise columns with different units, not out of habit.
#
# </details>
#
# Ten rows of 64 numbers are the whole model, so let us send it somewhere:

# %% yours
received = send(averages)
print(f"{averages.numel() * 4:,} bytes of numbers have arrived unchanged: {torch.equal(averages, received)}")
read = read_digits(rows, received)
print("the receiver reads the first ten as", read[:10].tolist())

# %% [markdown]
# ## Recap
#
# Answer from memory, then unfold.
#
# <details><summary>1. <code>y = x.T</code>, <code>z = x.clone()</code>, <code>u = x.reshape(-1)</code>, <code>v = x.T.reshape(-1)</code>, for a contiguous 2×3 tensor <code>x</code>. Which of the four see a number that you write into <code>x</code>?</summary>
#
# `y` and `u`. `x.T` is the same storage with the sizes and the strides swapped, and for a contiguous `x`, `reshape` needs no copy.
# `clone` always copies, and `x.T.reshape(-1)` has to.
#
# </details>
#
# <details><summary>2. Which of these fit, and what are the results: (6, 5) and (5,); (6, 5) and (6,); (6, 1) and (5,)?</summary>
#
# Aligned from the right: (6, 5) and (5,) give (6, 5). (6, 5) and (6,) do not fit: 5 meets 6. (6, 1) and (5,) give (6, 5), all pairs.
#
# </details>
#
# <details><summary>3. You get data from NumPy. What are the two things to check before you compute with them?</summary>
#
# The dtype: NumPy's default is `float64`, and `uint8` wraps around. And whether the tensor shares its memory with the array: `from_numpy`
# does, `as_tensor` does if there is nothing to convert, `torch.tensor` copies.
#
# </details>
#
# **Next:** `02_gradients_and_optimizers` gives tensors a memory of how they were computed. With it, PyTorch finds the derivative of
# whatever you write, and your ten averages could start to learn.
