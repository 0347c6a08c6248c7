# %% [markdown]
# # Data pipelines: from a file to a training loop
#
# So far, our data have been tensors, ready in memory. Real data are files: too many to load at once, not all of one size,
# and often varied at random before each use. This notebook builds the pipeline from a file to the training loop.
#
# After this notebook you can
#
# - write a `Dataset` that reads a CSV file, and apply transforms to its images;
# - explain what a `DataLoader` does with samples, order, batches and worker processes, and write a small one yourself;
# - collate samples of different sizes into one batch;
# - write a training loop that reports loss and accuracy honestly;
# - turn ten yes-or-no models into one classifier, and compare them with softmax regression.
#
# **Points**: 18. **Time**: about 60 minutes of reading and 90 minutes for the 8 exercises. **You need**: gradients and
# optimizers (`02_gradients_and_optimizers`); batches (`06_batch_processing`); modules, the training step, `train()` and
# `eval()` (`10_modules`); `BCELoss` and cross-entropy (`13_classification_losses`).
#
# The check below each exercise tests what its text asks for. The grader tests the same things with other values.
#
# Unless an exercise says otherwise, tensors are on the CPU and hold at least one element, and their values are finite. An
# argument that must not be changed keeps its values, shape and dtype. A later call never changes an earlier result.

# %% setup

# %% [markdown]
# ## Two objects between file and loop
#
# A training loop wants one thing: batch after batch. PyTorch divides the work between two objects.
#
# - A **`Dataset`** knows the samples. It answers two questions: how many are there, `len(data)`, and what is sample
#   number $i$, `data[i]`.
# - A **`DataLoader`** knows nothing about files or images. It decides which samples come next, asks the data set for them
#   one by one, and joins them into a batch.

# %% folded label="Draw the pipeline"
def box(ax, left, top, width, height, text, role, strength=0.22):
    colour = COLOURS[role]
    ax.add_artist(
        plt.Rectangle((left, top), width, height, facecolor=(colour, strength), edgecolor=colour, linewidth=2)
    )
    ax.text(left + width / 2, top + height / 2, text, ha="center", va="center", fontsize=12, color=INK)


def arrow(ax, start, end):
    ax.annotate(
        "", end, start, arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 1.5, "shrinkA": 0, "shrinkB": 0}
    )


figure, ax = plt.subplots(figsize=(5.8, 5.2), layout="constrained")
ax.set(xlim=(-0.1, 10.1), ylim=(9.3, -0.1))
ax.axis("off")
box(ax, 0, 0, 10, 2.5, "", "input", 0.08)
ax.text(0.2, 0.45, "Dataset: one sample", ha="left", va="center", fontsize=12, color=COLOURS["input"], weight="bold")
box(ax, 0.4, 0.95, 2.2, 1.2, "file", "input")
box(ax, 3.8, 0.95, 2.4, 1.2, "transform", "input")
box(ax, 7.4, 0.95, 2.2, 1.2, "data[i]", "input")
arrow(ax, (2.6, 1.55), (3.8, 1.55))
arrow(ax, (6.2, 1.55), (7.4, 1.55))
box(ax, 0, 3.4, 10, 2.5, "", "plain", 0.08)
ax.text(0.2, 3.85, "DataLoader: a batch", ha="left", va="center", fontsize=12, color=INK, weight="bold")
box(ax, 0.4, 4.35, 2.2, 1.2, "sampler\n5, 2, 7, …", "plain")
box(ax, 3.8, 4.35, 2.4, 1.2, "samples\n5, 2, 7, 0", "plain")
box(ax, 7.4, 4.35, 2.2, 1.2, "collate", "plain")
arrow(ax, (2.6, 4.95), (3.8, 4.95))
arrow(ax, (6.2, 4.95), (7.4, 4.95))
arrow(ax, (8.5, 2.15), (5.6, 4.35))
box(ax, 0, 6.8, 10, 2.4, "", "output", 0.08)
ax.text(0.2, 7.25, "training loop", ha="left", va="center", fontsize=12, color=COLOURS["output"], weight="bold")
box(ax, 7.4, 7.7, 2.2, 1.2, "device", "output")
box(ax, 3.8, 7.7, 2.4, 1.2, "model", "output")
box(ax, 0.4, 7.7, 2.2, 1.2, "step", "output")
arrow(ax, (8.5, 5.55), (8.5, 7.7))
arrow(ax, (7.4, 8.3), (6.2, 8.3))
arrow(ax, (3.8, 8.3), (2.6, 8.3))
show(
    figure,
    alt="The pipeline in three boxes. Dataset: a file, then a transform, gives one sample, data[i]. DataLoader: a sampler gives numbers such as "
    "5, 2, 7, 0; these samples are fetched from the Dataset and collated into a batch. Training loop: the batch goes to the device, then through the "
    "model, then a step is taken.",
)

# %% [markdown]
# If the data are tensors already, `TensorDataset` is a ready-made data set. Sample $i$ is a tuple: row $i$ of each
# tensor.

# %%
from torch.utils.data import DataLoader, Dataset, TensorDataset

torch.set_num_threads(1)  # our nets are tiny: two threads would mostly wait for each other

images, labels = load_digits()  # 1,797 images of 8×8 pixels, values 0 to 16
held_back = torch.arange(1797) % 5 == 4  # every fifth image is kept for testing
digits = TensorDataset(images[~held_back], labels[~held_back])
print("length:", len(digits))
image, label = digits[3]
print("sample 3:", tuple(image.shape), image.dtype, "and", label)

loader = DataLoader(digits, batch_size=64)
x, y = next(iter(loader))  # the first batch
print("a batch: ", tuple(x.shape), "and", tuple(y.shape))

# %% folded label="Draw the first half of that batch"
draw_images(
    list(x[:32]),
    [str(int(label)) for label in y[:32]],
    alt="A contact sheet: the first 32 images of the batch in four rows of eight, handwritten digits of 8×8 pixels, each with its label above it.",
    columns=8,
    cell=0.85,
)

# %% [markdown]
# Such a **contact sheet** is the cheapest test of a pipeline. Look at a batch before you train on it: do images and
# labels belong together, is anything upside down, is anything missing? This one shows that the file begins with the
# digits in order, 0, 1, 2, … Every fifth image is held back, so the first three rows have no 4 and no 9. (Over the whole
# file the digits are mixed well enough.) Sorted data are a trap: shuffle before you split, or at least look.
#
# **Before you run it:** the data set has 1,438 images. How many batches of 64 does the loader give, and how large is the
# last? What changes with `drop_last=True`?

# %% predict
for drop_last in (False, True):
    loader = DataLoader(digits, batch_size=64, drop_last=drop_last)
    sizes = [len(y) for x, y in loader]
    print(f"drop_last={drop_last!s:5}  {len(loader)} batches, the last of {sizes[-1]}; images in all: {sum(sizes)}")

# %% [markdown]
# <details><summary>Why?</summary>
#
# 1,438 = 22 · 64 + 30. A batch of 30 is left over, and `drop_last=True` leaves it out. Why would you want that? Some
# models and some hardware need batches of one fixed size, and batch normalisation does badly on a very small one. Without
# shuffling, the same 30 images would be left out in every epoch. In tests, never drop anything.
#
# </details>
#
# ### Exercise: How large are the batches?
#
# Write `batch_sizes(n, batch_size, drop_last=False)`: the sizes of the batches that a `DataLoader` makes of `n` samples,
# in order, as a list of `int`s. Use no `DataLoader` and no tensors; a little arithmetic will do.
#
# - All batches have `batch_size` samples, except that the last one holds what is left. There are no empty batches.
# - With `drop_last=True`, an incomplete last batch is left out.
# - `n` may be 0; `batch_size` is at least 1, and may be greater than `n`.
#
# <details><summary>Hint 1: two numbers</summary>
#
# How many full batches are there, and how many samples are left over? `//` gives the one, `%` the other; `divmod` gives
# both at once.
#
# </details>
#
# <details><summary>Hint 2: a list of equal numbers</summary>
#
# `[64] * 3` is `[64, 64, 64]`, and `[64] * 0` is an empty list.
#
# </details>


# %% exercise="batch_sizes" difficulty=1 minutes=4
def batch_sizes(n: int, batch_size: int, drop_last: bool = False) -> list[int]:
    """The sizes of the batches of n samples, in order."""
    ### BEGIN SOLUTION
    full, rest = divmod(n, batch_size)
    sizes = [batch_size] * full
    if rest > 0 and not drop_last:
        sizes.append(rest)
    return sizes
    ### END SOLUTION


# %% check="batch_sizes" points=1
def tensors_used(call):
    """What the call returns, and whether it had torch do anything."""
    with Watch(operations=False) as seen:
        answer = call()
    return answer, len(seen.functions) > 0


answer, used = tensors_used(lambda: batch_sizes(14, 4))
require(
    not used,
    "batch_sizes(14, 4) makes no tensors and uses no DataLoader",
    "It calls torch: two numbers from a division are enough.",
)
expect(
    answer,
    [4, 4, 4, 2],
    "batch_sizes(14, 4)",
    mistakes={
        "The last batch is missing: 2 samples are left over.": [4, 4, 4],
        "The last batch holds only what is left.": [4, 4, 4, 4],
        "These sizes are as equal as possible. All but the last are batch_size.": [4, 4, 3, 3],
        "This is the number of batches: give the size of each.": 4,
        "These are floats: use // instead of /.": [4.0, 4.0, 4.0, 2.0],
        "The last size is a float: use // and %, which give ints.": [4, 4, 4, 2.0],
        "The batch that is left over comes last.": [2, 4, 4, 4],
        "A list of ints was asked for, not the samples themselves.": [
            [0, 1, 2, 3],
            [4, 5, 6, 7],
            [8, 9, 10, 11],
            [12, 13],
        ],
    },
)
expect(
    batch_sizes(14, 4, drop_last=True),
    [4, 4, 4],
    "batch_sizes(14, 4, drop_last=True)",
    mistakes={
        "drop_last is not used.": [4, 4, 4, 2],
    },
)
expect(
    batch_sizes(12, 4),
    [4, 4, 4],
    "batch_sizes(12, 4)",
    mistakes={"There is an empty batch at the end: nothing is left over.": [4, 4, 4, 0]},
)
expect(
    batch_sizes(12, 4, True),
    [4, 4, 4],
    "batch_sizes(12, 4, True)",
    mistakes={"The last batch is complete: drop_last drops only an incomplete one.": [4, 4]},
)
expect(
    [batch_sizes(3, 8), batch_sizes(3, 8, True)],
    [[3], []],
    "batch_sizes(3, 8) and batch_sizes(3, 8, True)",
    mistakes={
        "With drop_last=True, an incomplete batch is left out, even if it is the only one.": [[3], [3]],
        "Without drop_last, an incomplete batch counts, even if it is the only one.": [[], []],
    },
)
expect(
    [batch_sizes(0, 4), batch_sizes(0, 4, True)],
    [[], []],
    "batch_sizes(0, 4) and batch_sizes(0, 4, True)",
    mistakes={"Without samples there are no batches, not even an empty one.": [[0], []]},
)
few = {
    (5, 1, False): [1, 1, 1, 1, 1],
    (5, 1, True): [1, 1, 1, 1, 1],
    (8, 8, True): [8],
    (1, 1, False): [1],
    (5000, 2, False): [2] * 2500,
}
answers, used = tensors_used(lambda: {case: batch_sizes(*case) for case in few})
expect(answers, few, "batches of one, a single batch, 2500 batches")
require(not used, "batch_sizes makes no tensors there, either", "It calls torch for some of them.")
### BEGIN HIDDEN TESTS
answer, used = tensors_used(lambda: batch_sizes(60_000, 64))
require(not used, "batch_sizes(60000, 64) makes no tensors", "It calls torch: two numbers from a division are enough.")
expect(answer, [64] * 937 + [32], "batch_sizes(60000, 64)")
few = {
    (60_000, 64, True): [64] * 937,
    (17, 5, False): [5, 5, 5, 2],
    (17, 5, True): [5, 5, 5],
    (20, 5, False): [5, 5, 5, 5],
    (20, 5, True): [5, 5, 5, 5],
    (2, 9, False): [2],
    (2, 9, True): [],
    (0, 1, False): [],
    (0, 1, True): [],
    (7, 7, False): [7],
}
expect({case: batch_sizes(*case) for case in few}, few, "the batches for other n and batch_size")
### END HIDDEN TESTS

# %% [markdown]
# ## A data set of your own
#
# Let us make it real and put the digits into files such as you might download: a header line on top, then one line for
# each image, with the label first and then the 64 pixels, row by row.

# %%
import tempfile

folder = Path(tempfile.mkdtemp())
header = ",".join(["label", *(f"pixel{i}" for i in range(64))])
for name, part in [("train.csv", ~held_back), ("test.csv", held_back)]:
    table = torch.cat([labels[part][:, None], images[part].flatten(1).long()], dim=1)
    np.savetxt(folder / name, table.numpy(), fmt="%d", delimiter=",", header=header, comments="")
    print(f"{name}: {(folder / name).stat().st_size:,} bytes")
for line in (folder / "train.csv").read_text().splitlines()[:3]:
    print(line[:58], "…")

# %% [markdown]
# A data set of your own is a class with three methods. Here is a complete one. Its samples are not stored anywhere; they
# are computed when somebody asks for them:


# %%
class Multiples(Dataset):
    """Sample i is the pair (i, factor · i)."""

    def __init__(self, length, factor):
        self.length, self.factor = length, factor

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        if not 0 <= index < self.length:
            raise IndexError(index)  # a `for` loop over the data set ends here
        return torch.tensor([float(index)]), self.factor * index


multiples = Multiples(5, 10)
print(len(multiples), multiples[3])
for x, y in DataLoader(multiples, batch_size=3):
    print(tuple(x.shape), y)

# %% [markdown]
# The second part of each sample was a Python number, and the loader made one tensor of these numbers. This is called
# **collating**.
#
# **Before you run it:** each sample below has five parts: a tensor of shape (2,), a Python `int`, a Python `float`, a
# string and a dict. What does the loader make of each, for a batch of three samples? For tensors: which shape and which
# dtype?

# %% predict
samples = [(torch.zeros(2), i, i / 2, f"file{i}", {"age": 20 + i}) for i in range(3)]
batch = next(iter(DataLoader(samples, batch_size=3)))  # a list is a data set, too: it has a length and items
for part in batch:
    about = f"{tuple(part.shape)} {part.dtype}" if isinstance(part, torch.Tensor) else part
    print(f"{type(part).__name__:7}", about)

# %% [markdown]
# <details><summary>Why?</summary>
#
# Tensors are stacked along a new first dimension. Python `int`s become one int64 tensor, which is what a loss wants for
# class numbers. Python `float`s become **float64**, because that is what they are in Python, and a loss that compares
# them with float32 outputs may complain: return a float32 tensor instead. Strings stay strings, together in a tuple, and
# dicts are collated entry by entry. (A data set need not inherit from `Dataset`: a length and items are enough.)
#
# </details>
#
# ### Exercise: A data set from a CSV file
#
# Write `ImagesCSV(file, height, transform=None)`. `file` is a text file, open for reading, in the format above: a header
# line, whatever it says, then one line for each image: first the label, then the pixels row by row, all of them whole
# numbers from 0 to 255, separated by commas. The images have `height` rows; the width follows from the number of columns.
#
# - `ImagesCSV(...)` reads everything at once: whoever opened the file closes it afterwards. There is at least one image.
# - `len(data)` is the number of images.
# - `data[i]` is a tuple `(image, label)`: a uint8 tensor of shape `(1, height, width)` and a Python `int`. As with a
#   list, `data[-1]` is the last sample, and an `i` that is out of range raises `IndexError`.
# - If there is a `transform`, `data[i]` calls it with that image, anew each time, and gives `(transform(image), label)`,
#   whatever the transform returns.
# - If somebody, for example a transform, changes an image in place, the data set does not change.
#
# <details><summary>Hint 1: reading</summary>
#
# `np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64, ndmin=2)` gives an array with one row for each image, even
# if there is only one. Python's `csv.reader(file)`, or `line.split(",")` for each line, will do as well.
#
# </details>
#
# <details><summary>Hint 2: shapes</summary>
#
# Column 0 is the label, the rest are pixels. `reshape(n, 1, height, -1)` lets torch find the width. `torch.uint8` is the
# dtype for 0 to 255.
#
# </details>
#
# <details><summary>Hint 3: the last requirement</summary>
#
# `self.images[index]` is a *view*: it shares memory with the whole. What makes an independent tensor of it?
#
# </details>


# %% exercise="csv_dataset" difficulty=2 minutes=14
class ImagesCSV(torch.utils.data.Dataset):
    """Images in a CSV file: a header line, then label and pixels of one image on each line.

    Args:
        file: a text file, open for reading.
        height: the number of rows of each image.
        transform: called with each image that is asked for, if it is not None.
    """

    def __init__(self, file, height: int, transform=None):
        ### BEGIN SOLUTION
        table = torch.from_numpy(np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64, ndmin=2))
        self.labels = table[:, 0].tolist()
        self.images = table[:, 1:].to(torch.uint8).reshape(len(table), 1, height, -1)
        self.transform = transform
        ### END SOLUTION

    def __len__(self) -> int:
        ### BEGIN SOLUTION
        return len(self.labels)
        ### END SOLUTION

    def __getitem__(self, index: int):
        """The pair (image, label): uint8 of shape (1, height, width), or what the transform makes of it, and an int."""
        ### BEGIN SOLUTION
        image = self.images[index].clone()
        if self.transform is not None:
            image = self.transform(image)
        return image, self.labels[index]
        ### END SOLUTION


# %% check="csv_dataset" points=3
import contextlib
import io

g = torch.Generator().manual_seed(141)


class TextFile(io.StringIO):
    """A file in memory that offers no more than one from open()."""

    def getvalue(self):
        raise AttributeError("a file from open() has no getvalue: use read, or a loop over its lines")


def draw(n, height, width):
    """Random pixels and labels, and a function that opens a file with them."""
    pixels = torch.randint(0, 256, (n, height, width), generator=g)
    labels = torch.randint(0, 256, (n,), generator=g).tolist()
    lines = [",".join(["digit", *(f"p{i}" for i in range(height * width))])]
    lines += [",".join(map(str, [label, *image])) for label, image in zip(labels, pixels.flatten(1).tolist())]
    return pixels.to(torch.uint8).unsqueeze(1), labels, lambda: TextFile("\n".join(lines) + "\n")


def read(open_file, height, *more, **options):
    """The learner's data set, with its file closed."""
    file = open_file()
    data = ImagesCSV(file, height, *more, **options)
    file.close()
    return data


class Numbering:
    """A transform that adds 1000 in its first call, 2000 in its second, and so on."""

    def __init__(self):
        self.calls = 0

    def __call__(self, image):
        self.calls += 1
        return image.float() + 1000 * self.calls


class Closing:
    """A transform that closes the file."""

    def __init__(self, file):
        self.file = file

    def __call__(self, image):
        self.file.close()
        return image


def add_in_place(image):
    return image.add_(1)


def kind(image):
    return f"{image.dtype}, {tuple(image.shape)}"


def examine(n, height, width):
    """Everything that the exercise asks for, for a file of n images."""
    pixels, labels, open_file = draw(n, height, width)
    what, last = f"a file of {n} images of {height}×{width}", n - 1
    data = read(open_file, height)
    expect(
        len(data),
        n,
        f"len(data) for {what}",
        mistakes={
            "The header line is counted as an image.": n + 1,
            "One image too few: only the header line must be left out.": n - 1,
            "This is the number of columns.": height * width + 1,
            "This is the number of pixels of an image.": height * width,
        },
    )
    item = data[0]
    require(
        isinstance(item, tuple) and len(item) == 2,
        "data[0] is a tuple of image and label",
        f"It is {'None: is a return missing?' if item is None else f'a {type(item).__name__}'}",
    )
    flat, image = pixels[0].flatten(), pixels[0]
    expect(
        item[0],
        image,
        f"the image of data[0] for {what}",
        mistakes={
            "The channel dimension is missing: shape (1, height, width).": image[0],
            "The image is flat: reshape it to (1, height, width).": flat,
            "Height and width are exchanged.": image.reshape(1, width, height),
            "The pixels come row by row; you filled the image column by column.": flat.reshape(1, width, height).mT,
            "The values are right, but the dtype must be torch.uint8: leave scaling to the transform.": image.float(),
            "The values are right, but the dtype must be torch.uint8.": image.long(),
            "The values are divided by 255: leave scaling to the transform.": image / 255,
            "The label counts as a pixel, and the last pixel is missing: pixels begin at column 1.": torch.cat(
                [torch.tensor(labels[:1], dtype=torch.uint8), flat[:-1]]
            ).reshape(image.shape),
            **(
                {"This is the second image: is the header skipped twice, by np.loadtxt and by you?": pixels[1]}
                if n > 1
                else {}
            ),
        },
    )
    expect(
        item[1],
        labels[0],
        f"the label of data[0] for {what}",
        mistakes={
            "This is a tensor: a Python int was asked for.": torch.tensor(labels[0]),
            "This is a uint8 tensor: a Python int was asked for.": torch.tensor(labels[0], dtype=torch.uint8),
            "This is a NumPy number: int(…) makes a Python int of it.": np.int64(labels[0]),
            "This is a float: a Python int was asked for.": float(labels[0]),
            "This is a string: int(…) turns it into a number.": str(labels[0]),
            "This is the last column. The label comes first.": int(flat[-1]),
        },
    )
    wanted = [(pixels[i], labels[i]) for i in range(n)]
    expect([data[i] for i in range(n)], wanted, f"all {n} samples of {what}")
    expect(data[-1], wanted[-1], "data[-1] is the last sample")
    expect(data[-n], wanted[0], f"data[-{n}] is the first sample")
    expect_error(IndexError, lambda: data[n], f"data[{n}] raises IndexError")
    expect_error(IndexError, lambda: data[-n - 1], f"data[{-n - 1}] raises IndexError")
    image = data[last][0]
    image.zero_()
    expect(
        data[last][0],
        pixels[last],
        f"data[{last}] again, after somebody wrote zeros into the image",
        mistakes={
            "You gave away a view of the data set's own memory: give each caller a copy.": torch.zeros_like(image)
        },
    )
    numbering = read(open_file, height, Numbering())
    first, again = pixels[last].float() + 1000, pixels[last].float() + 2000
    found = [numbering[last], numbering[last]]
    expect(
        found,
        [(first, labels[last]), (again, labels[last])],
        f"data[{last}] twice, with a transform that adds 1000 in its first call and 2000 in its second",
        mistakes={
            "The transform is not used.": [wanted[last]] * 2,
            "The transform ran once only: call it each time the sample is asked for.": [(first, labels[last])] * 2,
            "The transform ran twice for one sample.": [
                (pixels[last].float() + 2000, labels[last]),
                (pixels[last].float() + 4000, labels[last]),
            ],
            **(
                {
                    "The transform ran when the file was read: call it in __getitem__, anew each time.": [
                        (pixels[last].float() + 1000 * n, labels[last])
                    ]
                    * 2
                }
                if n > 1
                else {}
            ),
        },
    )
    adding = read(open_file, height=height, transform=add_in_place)
    twice = [adding[0][0], adding[0][0]]
    expect(
        twice,
        [pixels[0] + 1] * 2,
        "data[0] twice, with a transform that changes the image in place",
        mistakes={
            "The transform has changed the data set: give it a copy.": [pixels[0] + 1, pixels[0] + 2],
            "Both results are the same tensor, and the data set's own: give the transform a copy.": [pixels[0] + 2] * 2,
        },
    )
    file = open_file()
    closed = ImagesCSV(file, height, transform=Closing(file))
    expect([closed[last], closed[0]], [wanted[last], wanted[0]], "two samples, with a transform that closes the file")
    told = read(open_file, height, transform=kind)
    sizes = f"torch.uint8, (1, {height}, {width})"
    expect(told[0], (sizes, labels[0]), "with a transform that returns a string: dtype and shape of what it is given")
    return data, wanted[0]


def again(*sizes):
    """The same for another file, without a line for each demand."""
    with contextlib.redirect_stdout(io.StringIO()):
        examine(*sizes)
    print("✓ the same for a file of {} image(s) of {}×{}".format(*sizes))


data, first = examine(5, 3, 4)
single_image_file = draw(1, 2, 5)[2]()
expect(len(ImagesCSV(single_image_file, height=2)), 1, "len(data) for a file of one image")
again(1, 2, 5)
expect(data[0], first, "the first data set still gives its own images")
pixels, numbers, open_file = draw(7, 4, 2)
data = read(open_file, 4)
found = [(image.clone(), label.tolist()) for image, label in torch.utils.data.DataLoader(data, batch_size=4)]
expect(found, [(pixels[:4], numbers[:4]), (pixels[4:], numbers[4:])], "a DataLoader makes two batches of seven samples")
### BEGIN HIDDEN TESTS
again(4, 5, 2)
again(1, 3, 3)
### END HIDDEN TESTS

# %% [markdown]
# ## Transforms
#
# A **transform** is a function from one image to another. `torchvision.transforms` has dozens, and `Compose` chains them.
# This chain turns the tensor into an image of PIL (or Pillow, the usual Python library for images), flips it upside down
# with probability 1/2, and makes a float32 tensor of it. (From here on, *your* data set is used; until you have solved
# the exercise, the course's own takes its place.)

# %% folded label="Stand-ins for exercises that you have not solved yet"
import csv


class OurCSV(Dataset):
    def __init__(self, file, height, transform=None):
        self.rows = [[int(number) for number in row] for row in list(csv.reader(file))[1:]]
        self.height, self.transform = height, transform or (lambda image: image)

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        label, *pixels = self.rows[index]
        image = torch.tensor(pixels, dtype=torch.uint8).view(1, self.height, -1)
        return self.transform(image), label


def choose(yours, ours, use, *example, random=False):
    """``yours`` if ``use(yours, *example)`` gives the kind of value that it should, else ``ours``."""

    def mine(*values):
        return use(yours, *values)

    def theirs(*values):
        return use(ours, *values)

    mine.__name__ = yours.__name__
    return yours if yours_or_ours(mine, theirs, *example, random=random) is mine else ours


def open_digits(kind, name, transform=None):
    with (folder / name).open() as file:
        return kind(file, 8, transform)


def two_samples(kind):
    data = open_digits(kind, "test.csv", lambda image: image.float())
    return [len(data), *data[0], *data[-1]]


# %% yours
CSVData = choose(ImagesCSV, OurCSV, two_samples)

from torchvision import transforms

old = transforms.Compose([transforms.ToPILImage(), transforms.RandomVerticalFlip(p=0.5), transforms.ToTensor()])
flipping = open_digits(CSVData, "train.csv", old)
image, label = flipping[5]
print(type(image).__name__, image.dtype, tuple(image.shape), "label", label)

# %% [markdown]
# **Before you run it:** pixels of the digits go from 0 to 16, and the brightest pixel of sample 5 (a 6) has the value 16.
# What is the largest value after this chain: 16, 1, or something else?

# %% predict
image = images[~held_back][5][None].to(torch.uint8)  # shape (1, 8, 8), as in the data set
print("before:", image.max().item(), " after:", round(old(image).max().item(), 4))

# %% [markdown]
# <details><summary>Why?</summary>
#
# `ToTensor` takes it for granted that 8-bit pixels go up to 255, and divides by that: 16/255 ≈ 0.063. Nothing fails, but
# the inputs are about sixteen times smaller than if the brightest were 1, and training is slow for no visible reason. A
# contact sheet would not show it either, because pictures are scaled to their own maximum. So print the minimum and the
# maximum of a batch.
#
# </details>
#
# Since 2023 there is a second version of the package, **`v2`**, which is the one to use now. It has the same names, works
# on PIL images, tensors and whole batches of them, and can move boxes and masks along with the image. `ToTensor` is split
# into its two jobs, `v2.ToImage()` and `v2.ToDtype(torch.float32, scale=True)`. That would scale as `ToTensor` does; our
# digits need another divisor, and any function can be a step:

# %%
from torchvision.transforms import v2

to_float = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32), v2.Lambda(lambda image: image / 16)])
flip = v2.Compose([v2.RandomVerticalFlip(p=0.5), to_float])
print("largest value:", flip(image).max().item())

# %% [markdown]
# **Before you run it:** `data[5]` is asked for six times in a row, with the transform `flip`. How many of the six images
# will be upright?

# %% predict yours
torch.manual_seed(1)
data = open_digits(CSVData, "train.csv", flip)
six = [data[5][0] for _ in range(6)]
upright = to_float(image)
print("upright:", [torch.equal(one, upright) for one in six])

# %% predict yours folded label="Draw the same digit, six times"
torch.manual_seed(0)
turn = v2.Compose([v2.RandomRotation(25), to_float])
noise = v2.Compose([to_float, v2.Lambda(lambda image: image + 0.15 * torch.rand_like(image))])
rows = {"flip": six, "rotate": [turn(image) for _ in range(6)], "noise": [noise(image) for _ in range(6)]}
draw_images(
    [one[0] for row in rows.values() for one in row],
    [name for name in rows for _ in range(6)],
    alt="One digit under three random transforms, six times each. Flip: some upright, some upside down. Rotate: tilted by up to 25 degrees to either side. "
    "Noise: the same shape on a background of random grey values.",
    columns=6,
    cell=0.95,
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# The transform runs each time the sample is asked for, so the loop may see a different version in each epoch. The file
# never changes. This is **augmentation**: more variety without more files. It helps only if the variety is one that you
# expect in practice, and if the label still holds. Upside down, most digits are no longer digits, and a 6 is almost a
# mirrored 9; we measure below whether such flips help.
#
# </details>
#
# ### Exercise: A random shift
#
# Write the transform `RandomShift(most)`. An object of this class is called with an image of shape `(C, H, W)`, of any
# dtype, and returns it moved by a random number of pixels: down by $d$ and to the right by $r$, where $d$ and $r$ are
# whole numbers from $-\text{most}$ to $\text{most}$ (negative: up, left).
#
# - Each call draws $d$ and $r$ independently of each other, all values equally likely, and moves all channels alike.
# - What leaves the image is lost; the places left empty become 0. Shape and dtype stay the same.
# - `most` is at least 0 and smaller than `H` and `W`. With 0 the image does not move.
# - The result is a new tensor; the image that came in stays as it is.
# - Draw with torch, so that `torch.manual_seed` repeats the moves, but do not set a seed yourself.
#
# <details><summary>Hint 1: the numbers</summary>
#
# `torch.randint(low, high, (2,))` draws two whole numbers from `low` to `high - 1`.
#
# </details>
#
# <details><summary>Hint 2: moving without cases</summary>
#
# Put a frame of zeros around the image, `most` wide on each side: `F.pad`. Then cut a window of H×W out of it. Where is
# the window's corner for $d = r = 0$? Which way must it move for the *contents* to move down?
#
# </details>


# %% exercise="random_shift" difficulty=2 minutes=10
class RandomShift:
    """A transform that moves an image by up to `most` pixels in each direction and fills up with zeros."""

    def __init__(self, most: int):
        ### BEGIN SOLUTION
        self.most = most
        ### END SOLUTION

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        """image: (C, H, W), any dtype. Returns: the same shape and dtype."""
        ### BEGIN SOLUTION
        m = self.most
        height, width = image.shape[1:]
        top, left = torch.randint(0, 2 * m + 1, (2,)).tolist()
        return F.pad(image, (m, m, m, m))[:, top : top + height, left : left + width].clone()
        ### END SOLUTION


# %% check="random_shift" points=2
g = torch.Generator().manual_seed(142)


def all_moves(image, most):
    """The image under every move, by (down, right): a convolution with all kernels that hold a single 1."""
    side = 2 * most + 1
    kernels = torch.eye(side * side, dtype=torch.float64).view(-1, 1, side, side)
    moved = F.conv2d(image.unsqueeze(1).double(), kernels, padding=most).to(image.dtype)
    return {(most - k // side, most - k % side): moved[:, k] for k in range(side * side)}


def known_mistake(answer, image, most):
    """What may have happened to an image that is under no move."""
    moves = [(d, r) for d in range(-most, most + 1) for r in range(-most, most + 1)]
    if any(torch.equal(answer, image.roll(move, (1, 2))) for move in moves):
        return "What leaves the image on one side comes back on the other: the places left empty must be 0."
    bordered = F.pad(image.double(), (most,) * 4, mode="replicate").to(image.dtype) if most else image
    if any(
        torch.equal(answer, bordered[:, most - d : most - d + image.shape[1], most - r : most - r + image.shape[2]])
        for d, r in moves
    ):
        return "The places left empty repeat the edge of the image: they must be 0."
    if len(image) > 1:
        each = [all_moves(channel[None], most).values() for channel in image]
        if all(any(torch.equal(answer[c : c + 1], one) for one in each[c]) for c in range(len(image))):
            return "The channels have moved differently: draw once for the whole image."
    if any(torch.equal(answer, one) for one in all_moves(image, most + 1).values()):
        return f"It has moved by {most + 1} pixels: more than most={most}."
    if any(torch.allclose(answer.double(), one.double(), rtol=1e-5) for one in all_moves(image, most).values()):
        return "It has moved, but the values have lost digits on the way: stay in the dtype of the image."
    return "Move it as a whole, by whole pixels, and fill up with zeros."


def find_move(answer, image, most, what):
    """By how much the image has moved; fails if it is not the image moved."""
    if not isinstance(answer, torch.Tensor) or answer.shape != image.shape or answer.dtype != image.dtype:
        if isinstance(answer, torch.Tensor) and answer.dim() == 3 and answer.numel() < len(answer) * image[0].numel():
            advice = f"The result has shape {tuple(answer.shape)}. Is there a slice like [:-0]? It is empty."
            require(False, f"{what}: the result has as many rows and columns as the image", advice)
        expect(answer, image, f"{what}: shape and dtype of the result")
    found = [move for move, moved in all_moves(image, most).items() if torch.equal(answer, moved)]
    if not found:
        require(False, f"{what}: the image is moved by at most {most}", known_mistake(answer, image, most))
    return found[0]


def kept(move, image, what):
    """Call the transform, with a look at the image afterwards."""
    before = image.clone()
    answer = move(inplace(image))
    if not torch.equal(image, before):
        expect(image, before, f"{what}: the image that came in stays as it is")
    return answer


def examine(shape, dtype, most, calls=3):
    """Is each result the image moved? The values have all the digits that the dtype can hold."""
    largest = 2**40 if dtype == torch.int64 else 200
    image = (1 + largest * torch.rand(shape, generator=g, dtype=torch.float64)).to(dtype)
    what, move = f"RandomShift({most}) of an image of shape {shape} and dtype {dtype}", RandomShift(most)
    for _ in range(calls):
        find_move(kept(move, image, what), image, most, what)
    print(f"✓ {what}: moved as a whole, without a change to the image that came in")


def unevenness(found):
    """The chi-square statistic of the nine moves: about 8 if all are equally likely."""
    expected, nine = len(found) / 9, [(d, r) for d in (-1, 0, 1) for r in (-1, 0, 1)]
    return sum((found.count(move) - expected) ** 2 / expected for move in nine)


def examine_draws(calls, seed):
    """Are the nine moves of RandomShift(1) equally likely, and repeated by torch.manual_seed?"""
    what, move, image = f"{calls} calls of one RandomShift(1)", RandomShift(1), torch.zeros(1, 5, 4)
    image[0, 3, 2] = 1

    def draw(count):
        return [find_move(move(image), image, 1, what) for _ in range(count)]

    torch.manual_seed(seed)
    found = draw(calls)
    require(
        len(set(found)) > 1,
        f"{what}: the moves differ",
        "All moves are the same: draw in __call__, not in __init__, and set no seed.",
    )
    for name, drawn in (("down", {d for d, _ in found}), ("to the right", {r for _, r in found})):
        missing = sorted({-1, 0, 1} - drawn)
        advice = f"{', '.join(map(str, missing))} never came up."
        if missing in ([-1], [1]):
            advice += " Can the image move to both sides? And mind that torch.randint never draws its upper end."
        require(missing == [], f"{what}: all moves {name} from −1 to 1 come up", advice)
    require(
        any(d != r for d, r in found) and any(d != -r for d, r in found),
        f"{what}: d and r are independent",
        "They are always equal, up to the sign: draw two numbers.",
    )
    require(
        any(d == r for d, r in found) and any(d == -r for d, r in found) and any(d * r != 0 for d, r in found),
        f"{what}: moves of all kinds come up",
        "Some combinations of d and r never came up: draw two numbers, independent of each other.",
    )
    if unevenness(found) > 12:  # as one right answer in seven does: look longer before judging
        found += draw(240)
    require(
        unevenness(found) < 38,  # a right answer is above that once in 100,000 times
        f"{what}: all moves are about equally likely",
        f"In {len(found)} calls, some are much more frequent than others, or never come up.",
    )
    torch.manual_seed(seed)
    again = draw(5)
    require(
        again == found[:5],
        f"{what}: torch.manual_seed repeats the moves",
        "The moves differ: draw with torch, not with `random` or NumPy.",
    )
    torch.manual_seed(seed + 1)
    require(
        draw(5) != again, f"{what}: another seed gives other moves", "They are the same: do not set a seed yourself."
    )


def examine_far(most, calls, seed):
    """Are far moves as likely as near ones? A single bright pixel, in the middle, shows where it has gone."""
    what, move, side = f"{calls} calls of one RandomShift({most})", RandomShift(most), 2 * most + 1
    image = torch.zeros(1, side, side)
    image[0, most, most] = 1
    torch.manual_seed(seed)
    places = [move(image).nonzero().tolist() for _ in range(calls)]
    require(
        all(len(place) == 1 for place in places),
        f"{what}: a bright pixel in the middle stays in the image",
        "It got lost, or came up more than once.",
    )
    moves = [abs(at - most) for [(_, *place)] in places for at in place]
    advice = f"It never moved farther than {max(moves)}." if max(moves) < most else "Most moves are short."
    advice += f" All numbers from −{most} to {most} are equally likely."
    require(
        sum(one > most / 2 for one in moves) > 1,  # about half of them, if all are equally likely
        f"{what}: far moves are as frequent as near ones",
        advice,
    )


for case in [((3, 4, 6), torch.float64, 2), ((1, 6, 4), torch.bfloat16, 1), ((2, 4, 5), torch.uint8, 3)]:
    examine(*case)
examine_draws(30, 5)
examine_far(50, 10, 6)
examine((2, 5, 5), torch.float64, 0, calls=1)
image = torch.rand(1, 3, 3, generator=g)
answer = RandomShift(0)(image)
require(
    answer.untyped_storage().data_ptr() != image.untyped_storage().data_ptr(),
    "RandomShift(0) returns a new tensor",
    "It returns the image itself or a view of it.",
)
### BEGIN HIDDEN TESTS
for case in [((2, 3, 5), torch.int64, 2), ((1, 8, 7), torch.float16, 3)]:
    examine(*case)
examine_far(31, 8, 9)
### END HIDDEN TESTS

# %% [markdown]
# torchvision has the same transform under another name: `v2.RandomCrop(8, padding=1)` cuts a random window of 8×8 out of
# the padded image.
#
# ## Samples of different sizes
#
# Not all samples have one size. Here are strips of digits, such as house numbers, with between one and four digits each.


# %%
class Strips(Dataset):
    """Images of 1×8×(8·k): k digits side by side. The label is the number that they spell (00 and 0 are both 0)."""

    def __init__(self, count):
        g = torch.Generator().manual_seed(3)
        lengths = torch.randint(1, 5, (count,), generator=g).tolist()
        self.picked = [torch.randint(0, len(images), (k,), generator=g) for k in lengths]

    def __len__(self):
        return len(self.picked)

    def __getitem__(self, index):
        picked = self.picked[index]
        strip = torch.cat(list(images[picked]), dim=1)[None] / 16
        return strip, int("".join(map(str, labels[picked].tolist())))


strips = Strips(6)
for i in range(6):
    print(i, tuple(strips[i][0].shape), "label", strips[i][1])

# %% [markdown]
# **Before you run it:** what happens if a `DataLoader` makes one batch of these six?

# %% predict
try:
    x, y = next(iter(DataLoader(strips, batch_size=6)))
    print("a batch of shape", tuple(x.shape))
except RuntimeError as error:
    print("RuntimeError:", str(error).split(", but got")[0][:120])

# %% [markdown]
# <details><summary>Why?</summary>
#
# A batch is one tensor, and a tensor has one width. The default collate function calls `torch.stack`, which refuses.
#
# </details>
#
# The loader accepts a **`collate_fn`** of your own. It is called with the list of the batch's samples, just as `data[i]`
# gave them, and returns the batch, in any form you like. The usual answer to different sizes is **padding**: make all as
# wide as the widest, and say how wide each was, so that nobody mistakes zeros for data.
#
# ### Exercise: Collate images of different widths
#
# Write `pad_collate(samples)`. `samples` is a list of at least one pair `(image, label)`: an image of shape `(C, H, W)`
# with $C$ and $H$ the same for all, but a $W$ of its own, and a Python `int`. Return a tuple of three tensors:
#
# - `images` of shape `(N, C, H, W_max)`, in the dtype that all the images have (one that NumPy also has), where `W_max`
#   is the largest width in *this* batch. Each image is at the left; zeros fill the rest, to its right.
# - `widths`: the $N$ widths before padding, int64.
# - `labels`: the $N$ labels, int64.
#
# The samples keep their order. The list and its images stay as they are, and `images` is a new tensor.
#
# <details><summary>Hint 1: the plan</summary>
#
# First the largest width. Then bring every image to that width. Then stack them.
#
# </details>
#
# <details><summary>Hint 2: padding one image</summary>
#
# `F.pad(image, (left, right))` adds columns. Or start from a tensor of zeros of the final shape, and write each image
# into its place: `batch[i, :, :, :width] = image`. Mind the dtype.
#
# </details>


# %% exercise="pad_collate" difficulty=2 minutes=10
def pad_collate(samples: list[tuple[torch.Tensor, int]]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """One batch of images that differ in width: images (N, C, H, W_max), widths (N,), labels (N,)."""
    ### BEGIN SOLUTION
    widths = torch.tensor([image.shape[2] for image, _ in samples])
    labels = torch.tensor([label for _, label in samples])
    widest = int(widths.max())
    images = torch.stack([F.pad(image, (0, widest - image.shape[2])) for image, _ in samples])
    return images, widths, labels
    ### END SOLUTION


# %% check="pad_collate" points=2
import contextlib
import io

g = torch.Generator().manual_seed(143)


def draw(widths, channels, height, dtype=torch.float32):
    """Samples of these widths; no value is 0, and all have as many digits as fit into their dtype."""
    largest = 2**40 if dtype == torch.int64 else 200
    values = [torch.rand(channels, height, width, generator=g, dtype=torch.float64) for width in widths]
    images = [(1 + largest * value).to(dtype) for value in values]
    return [(image, int(torch.randint(2**40, (1,), generator=g))) for image in images]


def wide(sample):
    return sample[0].shape[2]


def padded(samples):
    """The expected images, by torch's own function for sequences."""
    columns = [image.movedim(2, 0) for image, _ in samples]
    return nn.utils.rnn.pad_sequence(columns, batch_first=True).movedim(1, 3)


def examine(widths, channels, height, dtype=torch.float32):
    """A batch of these widths."""
    samples = draw(widths, channels, height, dtype)
    before, wanted = [(image.clone(), label) for image, label in samples], padded(samples).contiguous()
    n, widest = len(widths), max(widths)
    what = f"pad_collate for {n} images of {channels}×{height} and widths {', '.join(map(str, widths))}, {dtype}"
    answer = pad_collate(inplace(samples))
    expect(
        samples,
        before,
        f"{what}: the samples stay as they are",
        mistakes={
            "The list is sorted now, from wide to narrow: leave its order alone.": sorted(
                before, key=wide, reverse=True
            ),
            "The list is sorted now, from narrow to wide: leave its order alone.": sorted(before, key=wide),
        }
        if len(set(widths)) == n
        else {},
    )
    require(
        isinstance(answer, tuple) and len(answer) == 3,
        "the result is a tuple of three: images, widths, labels",
        f"It is {'None: is a return missing?' if answer is None else f'a {type(answer).__name__}'}"
        + (f" of {len(answer)}." if isinstance(answer, (tuple, list)) else "."),
    )
    right = torch.stack([F.pad(image, (widest - image.shape[2], 0)) for image, _ in samples])
    middle = torch.stack(
        [F.pad(image, ((widest - image.shape[2]) // 2, (widest - image.shape[2] + 1) // 2)) for image, _ in samples]
    )
    order = sorted(range(n), key=lambda i: -widths[i])
    expect(
        answer[0],
        wanted,
        f"{what}: the images",
        mistakes={
            "The zeros are on the left: images belong at the left, zeros to the right of them.": right,
            "The images are in the middle: they belong at the left.": middle,
            "The images are sorted by width: keep the order of the samples.": wanted[order],
            "The values are right, but the dtype is not that of the images.": wanted.float(),
            "The values have lost digits on their way through float32: stay in the dtype of the images.": (
                wanted.float().to(dtype)
            ),
            "The last column is repeated: fill up with zeros.": torch.stack(
                [
                    torch.cat([image, image[:, :, -1:].expand(-1, -1, widest - image.shape[2])], 2)
                    for image, _ in samples
                ]
            ),
            "The images are cut to the smallest width: nothing may be lost.": wanted[..., : min(widths)],
            "They are joined along the channels: stack them along a new first dimension.": torch.cat(list(wanted)),
        },
    )
    expect(
        answer[1],
        torch.tensor(widths),
        f"{what}: the widths",
        mistakes={
            "This is the width after padding: give that of each image before.": torch.full((n,), widest),
            "These are the labels: the widths come second, the labels third.": torch.tensor([y for _, y in samples]),
            "This is the number of added columns.": widest - torch.tensor(widths),
            "This is a list: make a tensor of it.": list(widths),
            "These are floats: int64 was asked for.": torch.tensor(widths).float(),
            "This is the height of each image.": torch.full((n,), height),
        },
    )
    expect(
        answer[2],
        torch.tensor([y for _, y in samples]),
        f"{what}: the labels",
        mistakes={
            "This is a list: make a tensor of it.": [y for _, y in samples],
            "This is a tuple: make a tensor of it.": tuple(y for _, y in samples),
            "These are floats: int64 was asked for.": torch.tensor([float(y) for _, y in samples]),
            "They have lost digits on their way through float32: torch.tensor makes int64 of ints.": (
                torch.tensor([float(y) for _, y in samples]).long()
            ),
        },
    )
    apart = [answer[0].untyped_storage().data_ptr() != image.untyped_storage().data_ptr() for image, _ in samples]
    require(all(apart), f"{what}: the images of the batch are a new tensor", "They share memory with a sample.")
    return answer, (wanted, torch.tensor(widths), torch.tensor([y for _, y in samples]))


def again(widths, channels, height, dtype):
    """The same for another batch, without a line for each demand."""
    with contextlib.redirect_stdout(io.StringIO()):
        examine(widths, channels, height, dtype)
    print(f"✓ the same for widths {', '.join(map(str, widths))}, images of {channels}×{height} and {dtype}")


first, wanted = examine((3, 5, 2), 1, 4)
again((4, 1, 2, 4), 2, 3, torch.uint8)
again((3,), 1, 2, torch.float64)
again((2, 2), 3, 1, torch.int64)
samples = draw((4, 3), 1, 3)
turned = [(image.mT.contiguous().mT, label) for image, label in samples]
expect(pad_collate(turned)[0], padded(samples).contiguous(), "images that are not contiguous")
expect(first, wanted, "the first batch is unchanged by later calls")
### BEGIN HIDDEN TESTS
again((2, 6, 5, 6), 3, 2, torch.float16)
again((7,), 2, 2, torch.uint8)
again((3, 3, 3), 1, 1, torch.int64)
again((1, 9), 1, 5, torch.float64)
### END HIDDEN TESTS

# %% yours


def our_collate(samples):
    columns = [image[0].T for image, _ in samples]
    batch = nn.utils.rnn.pad_sequence(columns, batch_first=True).transpose(1, 2)[:, None].contiguous()
    return batch, torch.tensor([len(column) for column in columns]), torch.tensor([label for _, label in samples])


collate = yours_or_ours(pad_collate, our_collate, [strips[0], strips[1]])
x, widths, y = next(iter(DataLoader(strips, batch_size=6, collate_fn=collate)))
print("batch:", tuple(x.shape), "  widths:", widths.tolist())

# %% yours folded label="Draw the padded batch"
figure, axes = plt.subplots(6, 1, figsize=(4.6, 5.6), layout="constrained")
for ax, strip, width, label in zip(axes, x, widths.tolist(), y.tolist()):
    ax.imshow(strip[0], cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    ax.axvspan(
        width - 0.5, strip.shape[2] - 0.5, facecolor="white", edgecolor=COLOURS["plain"], hatch="///", linewidth=0
    )
    ax.set(xticks=[], yticks=[])
    ax.set_ylabel(f"{label}\nwidth {width}", rotation=0, ha="right", va="center", fontsize=11, color=INK)
show(
    figure,
    alt="Six strips of digits, one below the other, all of the same width. Where a strip has fewer digits than the longest, the rest on the right is hatched: padding.",
)

# %% [markdown]
# The hatched part is padding. `widths` tells a model where it begins, so that the model can ignore it. Even if most
# strips are narrow, a single wide one makes its whole batch wide. So it pays to put samples of similar width into one
# batch.

# %% [markdown]
# ## Which samples, in which order?
#
# With `shuffle=True` the loader mixes the samples. That matters: in a file they are often sorted, and a batch with a
# single class in it pulls the model in one direction only.
#
# **Before you run it:** a loader shuffles ten numbers. We go through it twice, then set a seed and go through it again,
# then set the same seed and go through it once more. Which of the four orders are equal?

# %% predict
loader = DataLoader(range(10), batch_size=10, shuffle=True)
torch.manual_seed(0)
for turn in range(4):
    if turn >= 2:
        torch.manual_seed(7)
    [batch] = loader  # a pass of one batch
    print(f"pass {turn + 1}:", batch.tolist())

# %% [markdown]
# <details><summary>Why?</summary>
#
# Each `for` over the loader starts a new pass and draws a new order from torch's random numbers. If the same seed is set
# just before, the order is the same, so passes 3 and 4 are equal. If the order must be repeatable, whatever else draws
# random numbers in between, give the loader a generator of its own:
# `DataLoader(…, shuffle=True, generator=torch.Generator().manual_seed(7))`.
#
# </details>
#
# The order comes from a **sampler**: any iterable of sample numbers that can be gone through again and again, such as a
# list. `shuffle=False` stands for `SequentialSampler`, `shuffle=True` for `RandomSampler`. Others, or your own, go in as
# `sampler=…`, in place of `shuffle`:
#
# - `SubsetRandomSampler(numbers)`: only these samples, shuffled;
# - `RandomSampler(data, replacement=True)`: as many draws as there are samples, each from all of them;
# - `WeightedRandomSampler(weights, n)`: $n$ draws with replacement, with probabilities in proportion to the weights.
#
# **Before you run it:** with replacement, some of 1,438 samples are drawn several times in one pass, and others not at
# all. What share is drawn at least once?

# %% predict
from torch.utils.data import RandomSampler, WeightedRandomSampler

torch.manual_seed(0)
drawn = list(RandomSampler(digits, replacement=True))
print(f"{len(drawn)} draws, {len(set(drawn))} different samples: {len(set(drawn)) / len(digits):.1%}")

# %% [markdown]
# <details><summary>Why?</summary>
#
# One draw misses a given sample with probability $1 - 1/n$; all $n$ draws miss it with probability $(1 - 1/n)^n \approx
# 1/e \approx 0.37$. So 63 % come up, and more than a third do not take part in this epoch. Without replacement, every
# sample comes up exactly once.
#
# </details>
#
# Weights help if one class is rare. Suppose that only 20 of our digits are eights. Each sample gets the weight 1 /
# (number of samples of its class):

# %%
train_labels = labels[~held_back]
eights = (train_labels == 8).nonzero().flatten()
keep = torch.ones(len(train_labels), dtype=torch.bool)
keep[eights[20:]] = False
few_eights = TensorDataset(images[~held_back][keep], train_labels[keep])

counts = train_labels[keep].bincount()
weights = 1 / counts[train_labels[keep]]
torch.manual_seed(0)
sampler = WeightedRandomSampler(weights.tolist(), num_samples=len(few_eights))
drawn = torch.cat([y for _, y in DataLoader(few_eights, batch_size=64, sampler=sampler)])
print("digit:        ", *(f"{digit:4}" for digit in range(10)))
print("in the data:  ", *(f"{count:4}" for count in counts.tolist()))
print("in one pass:  ", *(f"{count:4}" for count in drawn.bincount().tolist()))

# %% [markdown]
# All classes are now about equally frequent. (But there are still only 20 different eights, each drawn about seven
# times.)
#
# ### Exercise: A loader of your own
#
# Write the class `MiniLoader(dataset, batch_size, shuffle=False, drop_last=False)`, a small `DataLoader`. `dataset` has a
# length and gives pairs `(x, y)`: a tensor, always of the same shape and dtype, and a Python `int`. Use nothing of it but
# its length and its items. Ask for sample `i` with `dataset[i]`, where `i` is a Python `int` from 0 to `len(dataset) -
# 1`, and only once in a pass: a random transform would give another image the second time.
#
# - Each `for` over a `MiniLoader` is one pass. It gives tuples `(x, y)`: the stacked tensors of a batch, and an int64
#   tensor of shape `(N,)`.
# - Every sample comes up once in a pass, in batches of `batch_size`; the last batch may be smaller, and is left out with
#   `drop_last=True`. The data set holds at least one sample.
# - Without `shuffle`, the order is that of the data set. With it, every pass has a new random order, each order equally
#   likely, drawn with torch; `torch.manual_seed` repeats it. Do not set a seed.
# - `len(loader)` is the number of batches of a pass.
# - Samples are fetched only when their batch is due: a damaged sample in the third batch does not prevent the first two,
#   and in a batch that is left out it does no harm.
# - Several passes over one loader may be under way at the same time; they do not disturb each other.
# - Do not use `DataLoader`.
#
# <details><summary>Hint 1: a pass</summary>
#
# If `__iter__` contains `yield`, calling it makes a *generator*: Python runs it up to the next `yield` each time a batch
# is wanted, and every `for` gets a generator of its own. That settles two requirements: samples are fetched late, and
# passes do not disturb each other.
#
# </details>
#
# <details><summary>Hint 2: the order</summary>
#
# A list of all sample numbers: `range(n)`, or `torch.randperm(n).tolist()`. Cut it into pieces: `order[start : start +
# batch_size]`.
#
# </details>
#
# <details><summary>Hint 3: a batch</summary>
#
# Fetch each sample once, in a list. `zip(*samples)` turns a list of pairs into a pair of tuples; `torch.stack` and
# `torch.tensor` do the rest.
#
# </details>


# %% exercise="mini_loader" difficulty=3 minutes=16
class MiniLoader:
    """Batches of the samples of a data set.

    Args:
        dataset: has a length and items; each item is a pair of a tensor and an int.
        batch_size: the number of samples in a batch.
        shuffle: whether every pass has a new random order.
        drop_last: whether to leave out an incomplete last batch.
    """

    def __init__(self, dataset, batch_size: int, shuffle: bool = False, drop_last: bool = False):
        ### BEGIN SOLUTION
        self.dataset, self.batch_size = dataset, batch_size
        self.shuffle, self.drop_last = shuffle, drop_last
        ### END SOLUTION

    def __len__(self) -> int:
        """The number of batches of a pass."""
        ### BEGIN SOLUTION
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full if self.drop_last or rest == 0 else full + 1
        ### END SOLUTION

    def __iter__(self):
        """The batches of a pass: pairs of a tensor (N, …) and an int64 tensor (N,)."""
        ### BEGIN SOLUTION
        n = len(self.dataset)
        order = torch.randperm(n).tolist() if self.shuffle else list(range(n))
        for number in range(len(self)):
            start = number * self.batch_size
            xs, ys = zip(*[self.dataset[i] for i in order[start : start + self.batch_size]])
            yield torch.stack(xs), torch.tensor(ys)
        ### END SOLUTION


# %% check="mini_loader" points=3
import contextlib
import io
import itertools


class Numbered:
    """n samples: sample i is (a tensor that begins with i, 3 · i + 1). It has a length and items, and nothing else."""

    def __init__(self, n, shape=(2,), dtype=torch.float32, damaged=()):
        self.n, self.shape, self.dtype, self.damaged = n, shape, dtype, damaged

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        if type(index) is not int:
            raise TypeError(f"samples are asked for with a Python int, not with a {type(index).__name__}")
        if not 0 <= index < self.n:
            raise IndexError(f"sample {index} of {self.n}")
        if index in self.damaged:
            raise OSError(f"sample {index} is damaged")
        x = torch.zeros(self.shape, dtype=self.dtype)
        x.view(-1)[0] = index
        return x, 3 * index + 1


class Counting(Numbered):
    """The second number of a sample tells how many samples have been asked for so far."""

    def __init__(self, n):
        super().__init__(n)
        self.asked = 0

    def __getitem__(self, index):
        self.asked += 1
        x, y = super().__getitem__(index)
        x[1] = self.asked
        return x, y


def numbers(batches):
    """Which samples are in each batch."""
    return [[round(first) for first in x.flatten(1)[:, 0].tolist()] for x, _ in batches]


def order_of(batches):
    """The samples of all batches, one after the other."""
    return list(itertools.chain.from_iterable(numbers(batches)))


def one_pass(loader, most=60):
    """The batches of a pass, as a list."""
    batches, passing = [], None
    while len(batches) < most:
        try:
            passing = iter(loader) if passing is None else passing
            batch = next(passing)
        except StopIteration:
            break
        except TypeError as error:
            if "non-iterator" in str(error):
                kind = str(error).split()[-1].strip("'")
                advice = f"__iter__ returns a {kind}. A `return` ends the pass: `yield` one batch after another."
                require(False, "a loop over a MiniLoader gives one batch after another", advice)
            if "a loop over it yields" not in str(error):
                raise
            if "yields more" in str(error):  # one that is not shown when grading
                batches.append("one more than len(loader)")
            break
        if not isinstance(batch, tuple) or len(batch) != 2:
            require(False, "each batch is a tuple (x, y)", f"One is a {type(batch).__name__}.")
        batches.append(batch)
    return batches


def in_order(n, batch_size, drop_last, shape=(2,), dtype=torch.float32):
    """A pass without shuffling, compared with that of a DataLoader; and the length."""
    what = f"{n} samples in batches of {batch_size}{', drop_last=True' if drop_last else ''}"
    data = Numbered(n, shape, dtype)
    theirs = torch.utils.data.DataLoader(data, batch_size, drop_last=drop_last)
    wanted = [tuple(batch) for batch in theirs]
    loader = MiniLoader(data, batch_size, drop_last=drop_last)
    whole = [tuple(batch) for batch in torch.utils.data.DataLoader(data, batch_size)]
    complete = [tuple(batch) for batch in torch.utils.data.DataLoader(data, batch_size, drop_last=True)]
    expect(
        len(loader),
        len(wanted),
        f"len(loader) for {what}",
        mistakes={
            "This is the number of samples: len(loader) is the number of batches.": n,
            "The last, smaller batch counts, too.": len(complete),
            "With drop_last=True, the incomplete batch does not count.": len(whole),
            **(
                {"The last batch is complete: drop_last drops only an incomplete one.": len(wanted) - 1}
                if drop_last and n % batch_size == 0
                else {}
            ),
        },
    )
    with Watch(operations=False) as seen:
        found = one_pass(loader)
    if drop_last and found[-1:] == ["one more than len(loader)"]:
        require(False, f"the batches of {what}", "drop_last is not used: the last batch is incomplete.")
    expect(
        found,
        wanted,
        f"the batches of {what}",
        mistakes={
            "The last, smaller batch is missing.": complete,
            "drop_last is not used: the last batch is incomplete.": whole,
            "The labels are lists: make tensors of them.": [(x, y.tolist()) for x, y in wanted],
            "The samples are lists: stack them into one tensor.": [(list(x), y) for x, y in wanted],
            "The labels are floats: int64 was asked for.": [(x, y.float()) for x, y in wanted],
            "The labels have shape (N, 1): (N,) was asked for.": [(x, y[:, None]) for x, y in wanted],
            "x is float32 now, but the samples have another dtype.": [(x.float(), y) for x, y in wanted],
            "Only the first batch comes: a `return` ends the pass, `yield` goes on.": wanted[:1],
            "These are the sample numbers: y is what the data set gives.": [(x, (y - 1) // 3) for x, y in wanted],
        },
    )
    require("random_" not in seen.functions, "no DataLoader at work", "Make the batches yourself, without DataLoader.")
    return loader, wanted


loader, wanted = in_order(7, 3, False)
expect(one_pass(loader), wanted, "a second pass over the same loader")


def again(*case):
    """The same for another data set, without a line for each demand."""
    with contextlib.redirect_stdout(io.StringIO()):
        in_order(*case)
    print(f"✓ the same for {case[0]} samples, batch_size={case[1]}, drop_last={case[2]}")


in_order(7, 3, True, (1, 2, 3), torch.uint8)
again(6, 3, True)
again(6, 2, False, (), torch.float64)
again(2, 5, False)
again(2, 5, True)

asked = [count for x, _ in one_pass(MiniLoader(Counting(5), 2)) for count in x[:, 1].tolist()]
expect(
    asked,
    [1.0, 2.0, 3.0, 4.0, 5.0],
    "each sample is asked for once in a pass",
    mistakes={
        "dataset[i] is called twice for each sample, once for x and once for y: keep the pair.": [
            1.0,
            3.0,
            5.0,
            7.0,
            9.0,
        ],
        "The batch is fetched twice, once for x and once for y: keep the pairs.": [1.0, 2.0, 5.0, 6.0, 9.0],
    },
)

try:
    damaged = iter(MiniLoader(Numbered(6, damaged=[5]), 2))
    first_two = [next(damaged), next(damaged)]
except OSError:
    first_two = None
require(
    first_two is not None and numbers(first_two) == [[0, 1], [2, 3]],
    "a damaged sample in the third batch does not prevent the first two",
    "Fetch samples only when their batch is due, not all of them beforehand.",
)
expect_error(OSError, lambda: next(damaged), "the error of the damaged sample arrives with the third batch")

try:
    complete = numbers(one_pass(MiniLoader(Numbered(5, damaged=[4]), 2, drop_last=True)))
except OSError:
    complete = None
require(
    complete == [[0, 1], [2, 3]],
    "with drop_last=True, a damaged sample in the batch that is left out does no harm",
    "A batch that is left out is never due: do not fetch its samples.",
)

loader = MiniLoader(Numbered(5), 2)
one, other = iter(loader), iter(loader)
turns = [next(turn, None) for turn in (one, other, one, other, other, one)]
expect(
    numbers([batch for batch in turns if batch is not None]),
    [[0, 1], [0, 1], [2, 3], [2, 3], [4], [4]],
    "two passes over one loader, batch by batch in turn",
    mistakes={
        "The passes share their place: keep it in a local variable of the pass (or use yield), not in self.": [
            [0, 1],
            [2, 3],
            [4],
        ]
    },
)


def shuffled(n, batch_size, passes, seed):
    """Shuffled passes: complete, different, mixed, repeated by a seed."""
    what, loader = (
        f"{n} samples, shuffled, in batches of {batch_size}",
        MiniLoader(Numbered(n), batch_size, shuffle=True),
    )
    torch.manual_seed(seed)
    found = [one_pass(loader) for _ in range(passes)]
    orders = [order_of(batches) for batches in found]
    require(
        all(sorted(order) == list(range(n)) for order in orders),
        f"{what}: every sample comes up once in each pass",
        "Some come up twice, or never.",
    )
    require(
        all(len(y) == batch_size for batches in found for _, y in batches[:-1]),
        f"{what}: batches of {batch_size}",
        "Some have another size.",
    )
    require(
        all(torch.equal(y, (3 * x.flatten(1)[:, 0] + 1).long()) for batches in found for x, y in batches),
        f"{what}: x and y belong together",
        "A label belongs to another sample: use one order for both.",
    )
    require(
        any(order != sorted(order) for order in orders),
        f"{what}: the order is random",
        "It is that of the data set: shuffle is not used.",
    )
    require(
        len(set(map(tuple, orders))) == passes,
        f"{what}: every pass has a new order",
        "Two passes have the same: draw in __iter__, not in __init__, and set no seed.",
    )
    places = min(len({order[k] for order in orders}) for k in range(n))
    together = [frozenset(batch) for batches in found for batch in numbers(batches)]
    neighbours = len({pair for order in orders for pair in itertools.pairwise(order)})
    require(
        places > 1 and len(set(together)) > 0.6 * len(together) and neighbours > 2 * n,
        f"{what}: all samples are mixed",
        "The same samples stay together, or some keep their places: draw one order of all samples.",
    )
    torch.manual_seed(seed)
    again = order_of(one_pass(loader))
    require(again == orders[0], f"{what}: torch.manual_seed repeats the order", "Draw it with torch.")


def evenly(n, seed):
    """Is one long order as random ones are? In these, half of the samples move forward, by n / 3 places on average."""
    torch.manual_seed(seed)
    order = order_of(one_pass(MiniLoader(Numbered(n), n // 4, shuffle=True)))
    forward = sum(place < number for place, number in enumerate(order)) / n
    distance = sum(abs(place - number) for place, number in enumerate(order)) / n**2
    require(
        abs(forward - 1 / 2) < 1.5 / n**0.5 and abs(distance - 1 / 3) < 1.2 / n**0.5,  # five standard deviations
        f"{n} samples, shuffled: each order is equally likely",
        f"{forward:.1%} of the samples moved forward, and the mean distance was {distance:.1%} of the length. Random orders "
        "have 50 % and 33 %. Do you draw each sample from those that are left? torch.randperm does.",
    )


shuffled(12, 3, 6, 4)
evenly(6000, 5)
loader = MiniLoader(Numbered(20), 4, shuffle=True)
one, other = iter(loader), iter(loader)
turns = [(next(one), next(other)) for _ in range(5)]
require(
    all(sorted(order_of(batches)) == list(range(20)) for batches in zip(*turns)),
    "two shuffled passes over one loader, batch by batch in turn: each has every sample once",
    "The passes share their order: keep it in a local variable of the pass, not in self.",
)
dropping = numbers(MiniLoader(Numbered(9), 4, shuffle=True, drop_last=True))
expect([len(batch) for batch in dropping], [4, 4], "9 samples, shuffled, in batches of 4, drop_last=True: the sizes")
### BEGIN HIDDEN TESTS
again(11, 4, False, (2, 1, 2), torch.float16)
again(11, 4, True)
again(1, 1, True)
again(3, 4, True)
shuffled(13, 5, 5, 9)
### END HIDDEN TESTS

# %% [markdown]
# ## Workers
#
# So far, everything has happened in one process: while the loader reads files, the model waits. With `num_workers=2` the
# loader starts two more processes. Each has its own copy of the data set and makes whole batches in advance.
#
# A worker must be able to find the class of the data set. So we write our classes to a file and import them;
# below you will see why.

# %%
import sys
import time
import warnings

(folder / "slow_data.py").write_text('''
import time
import numpy as np
import torch

class Slow:
    """128 samples. Each takes 10 milliseconds, as reading a photo does."""
    def __len__(self):
        return 128
    def __getitem__(self, index):
        time.sleep(0.01)
        return torch.tensor([float(index)]), index

class Noisy:
    """Sample i is i with two random numbers: from a generator of its own, and from torch."""
    def __init__(self):
        self.generator = np.random.default_rng(0)
    def __len__(self):
        return 8
    def __getitem__(self, index):
        return index, int(self.generator.integers(1000)), int(torch.randint(1000, ()))

class Timed(Slow):
    """12 samples: the number of the worker, and when the sample was begun and finished."""
    def __len__(self):
        return 12
    def __getitem__(self, index):
        start = time.time()
        super().__getitem__(index)
        info = torch.utils.data.get_worker_info()
        return torch.tensor([0 if info is None else info.id, start, time.time()], dtype=torch.float64)

def reseed(worker):
    info = torch.utils.data.get_worker_info()
    info.dataset.generator = np.random.default_rng(info.seed)
''')
sys.path.insert(0, str(folder))
warnings.filterwarnings("ignore", message="This DataLoader will create")  # more workers than processors
import slow_data

# %% [markdown]
# **Before you run it:** one pass over `Slow` takes 128 · 10 ms = 1.28 s. How long will it take with two workers? And will
# they speed up a pass over our 1,438 digits, which are in memory?

# %% predict varies
for name, slow_or_not in [("128 slow samples", slow_data.Slow()), ("1,438 digits", digits)]:
    for workers in (0, 2):
        start = time.perf_counter()
        for _ in DataLoader(slow_or_not, batch_size=8, num_workers=workers):
            pass
        print(f"{name:16} num_workers={workers}: {time.perf_counter() - start:.2f} s")

# %% predict varies folded label="Draw who does what, and when"
figure, axes = plt.subplots(2, 1, figsize=(5.6, 4.2), sharex=True, layout="constrained")
for ax, workers in zip(axes, (0, 2)):
    loads, steps = [], []
    begin = None
    for batch in DataLoader(slow_data.Timed(), batch_size=2, num_workers=workers):
        start = time.time()
        time.sleep(0.02)
        steps.append((start, time.time()))
        loads.append(batch)
    begin = float(loads[0][0, 1])
    rows = ["model", *(f"worker {k}" for k in range(workers))] if workers else ["model", "loading"]
    for number, (batch, (start, end)) in enumerate(zip(loads, steps)):
        first, last, row = float(batch[0, 1]), float(batch[-1, 2]), 1 + int(batch[0, 0])
        for y, left, right, role, hatch in [(row, first, last, "input", "///"), (0, start, end, "output", None)]:
            place = {"left": 1000 * (left - begin), "width": 1000 * (right - left)}
            ax.barh(y, height=0.7, color=COLOURS[role], alpha=0.55, edgecolor=INK, hatch=hatch, **place)
            middle = place["left"] + place["width"] / 2
            mark = {"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.8}
            ax.text(middle, y, str(number), ha="center", va="center", fontsize=10, color="black", bbox=mark)
    ax.set(yticks=range(len(rows)), yticklabels=rows)
    ax.set_title(f"num_workers={workers}", fontsize=12, color=INK)
    ax.spines[["top", "right"]].set_visible(False)
    ax.invert_yaxis()
axes[1].set_xlabel("milliseconds since the first sample was begun")
show(
    figure,
    alt="Two timelines of six batches, numbered 0 to 5. Without workers, loading a batch and the model's step on it take turns, so each waits for the other. With two workers, they load "
    "batches 0, 2, 4 and 1, 3, 5 at the same time and ahead of the model, whose steps follow one another without long gaps; everything is finished sooner.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# Two workers share the waiting, so it takes about half the time, plus the time to start them. A digit takes
# microseconds; there, workers make it *slower*: starting them, and sending every batch from one process to another, costs
# more than it saves.
#
# The timelines show 12 samples of 10 ms, in batches of two, and a model whose step takes 20 ms. In one process, loading
# and the step take turns. With workers, the next batches are loaded *during* the step. So even one worker helps. More
# workers help only until batches come as fast as the model takes them.
#
# So measure. If samples cost computing time, more workers than processors gain nothing; if they cost waiting time, for a
# disk or a network, more may help. (The processes end with the pass; `persistent_workers=True` keeps them for the next
# one. Where a worker is a new Python process that has to import torch, as on macOS, the start alone takes seconds.)
#
# </details>
#
# ### Random numbers in workers
#
# **Before you run it:** `Noisy` draws one number from a NumPy generator that was made in `__init__`, and one from torch.
# Two workers share 8 samples, in batches of two: worker 0 makes batches 0 and 2, worker 1 makes 1 and 3. We make two
# passes. Which of the numbers repeat?

# %% predict
torch.manual_seed(0)
data = slow_data.Noisy()
for turn in (1, 2):
    loader = DataLoader(data, batch_size=2, num_workers=2)
    rows = list(loader)
    print(f"pass {turn}   NumPy:", [batch[1].tolist() for batch in rows])
    print("         torch:", [batch[2].tolist() for batch in rows])

# %% [markdown]
# <details><summary>Why?</summary>
#
# Each worker gets a *copy* of the data set, generator included. So both draw the same numbers, and since new workers get
# fresh copies in the next pass, that pass repeats them, too. Your augmentation would be the same for different images,
# and in all epochs, and no error would tell you. Torch's own numbers are safe: the loader seeds every worker differently,
# with a new seed in each pass (and does the same for `random` and NumPy's global functions).
#
# So draw with torch, as your `RandomShift` does. If you need a generator of another kind, make it *in the worker*, as in
# the next cell.
#
# </details>
#
# The loader calls `worker_init_fn` in each worker when it starts. Our `reseed` makes a new generator there, from
# `get_worker_info().seed`, which differs from worker to worker and from pass to pass:

# %%
torch.manual_seed(0)
for turn in (1, 2):
    rows = list(DataLoader(data, batch_size=2, num_workers=2, worker_init_fn=slow_data.reseed))
    print(f"pass {turn}   NumPy:", [batch[1].tolist() for batch in rows])

# %% [markdown]
# ### What can go to another process
#
# On Linux, with the Python versions of this course, a worker is a **fork**: a copy of the whole notebook process, which
# knows all your classes. On macOS and Windows, and on Linux from Python 3.14 on, it is a *new* Python process (*spawn*,
# *forkserver*), which gets the data set as bytes, through `pickle`. Pickle stores the values in an object, but functions
# and classes only by name.
#
# **Before you run it:** here are three transforms that do the same. The class of the first is in this notebook, the
# second is a `lambda`, the class of the third is in a file. We send each to a new Python process. Which of them arrive?

# %% predict
import pickle
import subprocess


class HereScale:
    def __call__(self, image):
        return image / 16


(folder / "scale.py").write_text("class FileScale:\n    def __call__(self, image):\n        return image / 16\n")
import scale

RECEIVE = "import pickle, sys; sys.path.insert(0, sys.argv[1]); pickle.load(sys.stdin.buffer)"
for transform in (HereScale(), lambda image: image / 16, scale.FileScale()):
    try:
        data = pickle.dumps(transform)
        other = subprocess.run(
            [sys.executable, "-c", RECEIVE, str(folder)], input=data, capture_output=True, text=False
        )
        result = "arrived" if other.returncode == 0 else other.stderr.decode().splitlines()[-1].split(":")[0]
    except (pickle.PicklingError, AttributeError):
        result = "cannot even be pickled"
    print(f"{type(transform).__name__:10} {result}")

# %% [markdown]
# <details><summary>Why?</summary>
#
# The bytes of the first say "an object of the class `HereScale` in `__main__`". In the new process, `__main__` is another
# program without such a class: `AttributeError`. A `lambda` has no name under which it could be found. The third says
# "`FileScale` in `scale`", which the new process can import. So if a loader with workers must run everywhere, its data
# set, transforms, `collate_fn` and `worker_init_fn` belong in a `.py` file; in a script, the part that starts the loop
# goes below `if __name__ == "__main__":`. In a notebook, `num_workers=0` always works.
#
# </details>
#
# ## The loop
#
# The loop itself is short, whatever comes before it:
#
# ```python
# for x, y in loader:
#     x, y = x.to(device, non_blocking=True), y.to(device, non_blocking=True)
#     optimizer.zero_grad()
#     loss = criterion(net(x), y)
#     loss.backward()
#     optimizer.step()
# ```
#
# Data sets and workers stay on the CPU; each *batch* moves to the model's device. With `pin_memory=True`, the loader puts
# batches into *pinned* (page-locked) memory, which the operating system never moves; a GPU can copy from it while the
# program goes on (`non_blocking=True`). Without a GPU there is nothing to gain, so set it to `device.type == "cuda"`.
#
# The same loop runs on a CPU, where `to` costs nothing: it returns the tensor itself if nothing has to change.

# %% varies
x, y = next(iter(DataLoader(digits, batch_size=64, pin_memory=device.type == "cuda")))
print("device:", device, "  pinned:", x.is_pinned(), "  x.to(device) is x itself:", x.to(device) is x)

# %% varies folded label="Time the copy to the GPU, if there is one"
if device.type == "cuda":
    for pinned in (False, True):
        big = torch.empty(2**26)
        big = big.pin_memory() if pinned else big
        big.to(device)
        torch.cuda.synchronize()
        start = time.perf_counter()
        big.to(device, non_blocking=True)
        returned = time.perf_counter() - start
        torch.cuda.synchronize()
        print(
            f"pinned={pinned}: the call returns after {1000 * returned:.1f} ms, the copy is done after {1000 * (time.perf_counter() - start):.1f} ms"
        )

# %% [markdown]
# ### A progress bar
#
# To the loop, a loader is only something to iterate over. So anything that passes batches on can stand between the two,
# for example a progress bar: a generator that counts what passes through. (`from tqdm.auto import tqdm` gives you a
# better one, if it is installed: `for x, y in tqdm(loader):`.)


# %% varies
def progress(loader):
    """The same batches; meanwhile, a bar grows."""
    from IPython.display import display

    total = len(loader)
    bar = display({"text/plain": ""}, raw=True, display_id=True)
    for number, batch in enumerate(loader, start=1):
        yield batch
        done = 30 * number // total
        bar.update({"text/plain": f"{'█' * done}{'·' * (30 - done)} {number} of {total} batches"}, raw=True)


for _ in progress(DataLoader(slow_data.Slow(), batch_size=4)):
    pass

# %% [markdown]
# ### The mean of an epoch
#
# A loss such as `F.cross_entropy` returns the mean over a batch. To report one number per epoch, people often average
# these means.
#
# **Before you run it:** five samples have the losses 1, 1, 1, 1 and 9. Their mean is 2.6. In batches of four, what is the
# mean of the batch means?

# %% predict
sample_losses = torch.tensor([1.0, 1.0, 1.0, 1.0, 9.0])
batch_means = [batch.mean().item() for batch in sample_losses.split(4)]
print(batch_means, "→", sum(batch_means) / len(batch_means))

# %% [markdown]
# <details><summary>Why?</summary>
#
# The last batch holds a single sample, but counts as much as the four others together: (1 + 9) / 2 = 5. Weight each batch
# by its size: add up `loss.item() * len(y)`, and divide by the number of samples at the end. The same goes for accuracy:
# add up the *numbers* of right answers.
#
# </details>
#
# ### Exercise: Train and test, epoch by epoch
#
# Write `fit(net, train_loader, test_loader, epochs, lr)`. It trains `net` in place and returns a list with one tuple
# `(loss, accuracy)` of two Python `float`s for each epoch. An epoch is one pass over `train_loader` and then one pass
# over `test_loader`; each batch of either goes through `net` once.
#
# - The loaders are iterables of batches `(x, y)`, with class numbers `y`. They may have no length, and may give different
#   batches in each pass.
# - Training: put `net` into training mode. For each batch, even one of a single sample, take one step of plain gradient
#   descent on `F.cross_entropy(net(x), y)`: `torch.optim.SGD` with learning rate `lr` and no momentum. Old gradients have
#   no effect, not even those that are in `net` at the start.
# - `loss` is the mean over all *samples* of the epoch, each measured in its batch, before the step.
# - Testing: put `net` into evaluation mode, and record no gradients. No parameter and no buffer changes.
# - `accuracy` is the fraction, from 0 to 1, of all test samples whose largest output is that of their class.
# - Frozen parameters stay as they are; all others take part in `net(x)`. All tensors are on the CPU.
#
# <details><summary>Hint 1: two modes in each epoch</summary>
#
# `net.train()` belongs *inside* the loop over the epochs: the test at the end of the previous epoch has called
# `net.eval()`.
#
# </details>
#
# <details><summary>Hint 2: what to count</summary>
#
# In training: the sum of `loss.item() * len(y)` and the number of samples. In the test: the number of right
# answers, `(net(x).argmax(1) == y).sum().item()`, and the number of samples.
#
# </details>
#
# <details><summary>Hint 3: no gradients</summary>
#
# `eval()` does not stop the recording; `with torch.no_grad():` does. It goes around the test pass only.
#
# </details>


# %% exercise="fit" difficulty=3 minutes=16
def fit(net: nn.Module, train_loader, test_loader, epochs: int, lr: float) -> list[tuple[float, float]]:
    """Train a net with SGD on the cross-entropy; the training loss and the test accuracy of each epoch."""
    ### BEGIN SOLUTION
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    history = []
    for _ in range(epochs):
        net.train()
        total = seen = 0
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(y)
            seen += len(y)
        net.eval()
        right = tested = 0
        with torch.no_grad():
            for x, y in test_loader:
                right += (net(x).argmax(1) == y).sum().item()
                tested += len(y)
        history.append((total / seen, right / tested))
    return history
    ### END SOLUTION


# %% check="fit" points=3
import contextlib
import copy
import io

g = torch.Generator().manual_seed(146)


class Recorder(nn.Module):
    """A small net that records how it is called: the first number, mode, and whether gradients are recorded."""

    def __init__(self, features, classes):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(features, 5), nn.BatchNorm1d(5), nn.Tanh())
        self.out = nn.Linear(5, classes)
        self.out.bias.requires_grad_(False)
        self.calls = []

    def forward(self, x):
        modes = {module.training for module in self.modules()}
        mode = "both modes" if len(modes) > 1 else "training mode" if True in modes else "evaluation mode"
        self.calls.append([round(float(x[0, 0]), 4), mode, "gradients" if torch.is_grad_enabled() else "no gradients"])
        return self.out(self.inner(x))


class Passes:
    """A loader without a length that gives other batches in each pass."""

    def __init__(self, passes):
        self.passes, self.count = passes, 0

    def __iter__(self):
        self.count += 1
        return iter(self.passes[(self.count - 1) % len(self.passes)])


def draw(sizes, features, classes, dtype):
    """Batches of these sizes."""
    return [
        (
            2 * torch.randn(size, features, generator=g, dtype=torch.float64).to(dtype),
            torch.randint(0, classes, (size,), generator=g),
        )
        for size in sizes
    ]


def replay(start, passes, tests, lr, loss=F.cross_entropy, clear="before", train_mode=True, momentum=0.0):
    """Train a copy of the net: what each epoch's batches gave, and the net at the end.

    ``clear`` says when gradients are cleared: before or after each step, once in each epoch, or never.
    """
    net, epochs = copy.deepcopy(start), []
    for parameter in net.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer = torch.optim.SGD(net.parameters(), lr=lr, momentum=momentum)
    for batches, test in zip(passes, tests):
        net.train(train_mode)
        losses, right = [], []
        if clear == "once":
            optimizer.zero_grad()
        for x, y in batches:
            if clear == "before":
                optimizer.zero_grad()
            value = loss(net(x), y)
            value.backward()
            optimizer.step()
            if clear == "after":
                optimizer.zero_grad()
            losses.append((value.item(), len(y)))
        net.eval()
        with torch.no_grad():
            right = [((net(x).argmax(1) == y).sum().item(), len(y)) for x, y in test]
            seen = [((net(x).argmax(1) == y).sum().item(), len(y)) for x, y in batches]
        epochs.append((losses, right, seen))
    return epochs, net


def weighted(pairs):
    return sum(value * n for value, n in pairs) / sum(n for _, n in pairs)


def share(pairs):
    return sum(value for value, _ in pairs) / sum(n for _, n in pairs)


def plain(pairs):
    return sum(value for value, _ in pairs) / len(pairs)


def state(net):
    return {name: value.detach().clone() for name, value in net.state_dict().items()}


def examine(train_sizes, test_sizes, features, classes, epochs, lr, dtype=torch.float32):
    """Train a Recorder, and compare everything with a replay."""
    passes = [draw(train_sizes[k % len(train_sizes)], features, classes, dtype) for k in range(epochs)]
    tests = [draw(test_sizes[k % len(test_sizes)], features, classes, dtype) for k in range(epochs)]
    start = Recorder(features, classes).to(dtype).eval()
    net = copy.deepcopy(start)
    for parameter in net.parameters():
        parameter.grad = torch.ones_like(parameter)
    what = f"{epochs} epochs with batches of {', '.join(map(str, train_sizes[0]))}, tested on {', '.join(map(str, test_sizes[0]))}"
    found, twin = replay(start, passes, tests, lr)
    answer = fit(inplace(net), Passes(passes), Passes(tests), epochs, lr)

    def key(batches, mode, gradients):
        return [[round(float(x[0, 0]), 4), mode, gradients] for x, _ in batches]

    ways = ("training mode", "gradients"), ("evaluation mode", "no gradients")
    wanted = [call for a, b in zip(passes, tests) for call in key(a, *ways[0]) + key(b, *ways[1])]

    def others(first, second, passes=passes, tests=tests):
        return [call for a, b in zip(passes, tests) for call in key(a, *first) + key(b, *second)]

    expect(
        net.calls,
        wanted,
        f"{what}: each call of net (first number of the batch, mode, gradients)",
        mistakes={
            "The test runs in training mode: call net.eval() before it.": others(
                ways[0], ("training mode", "no gradients")
            ),
            "The test records gradients: eval() does not stop that, torch.no_grad() does.": others(
                ways[0], ("evaluation mode", "gradients")
            ),
            "The test runs in training mode and records gradients.": others(ways[0], ways[0]),
            "net.train() is missing: the training runs in the mode in which net arrived.": others(
                ("evaluation mode", "gradients"), ways[1]
            ),
            "From the second epoch on, the training runs in evaluation mode: call net.train() in every epoch.": [
                call
                for k, (a, b) in enumerate(zip(passes, tests))
                for call in key(a, ways[0][0] if k == 0 else ways[1][0], "gradients") + key(b, *ways[1])
            ],
            "All epochs get the batches of the first pass: iterate over the loaders themselves, anew in each epoch.": others(
                *ways, passes[:1] * epochs, tests[:1] * epochs
            ),
            "You test once, after all epochs: test after each epoch.": [
                call for a in passes for call in key(a, *ways[0])
            ]
            + key(tests[0], *ways[1]),
            "net was never called: train the net that you are given, not a copy of it.": [],
            "net is called twice for each batch of the training: once is enough.": [
                call
                for a, b in zip(passes, tests)
                for call in [one for one in key(a, *ways[0]) for _ in "ab"] + key(b, *ways[1])
            ],
            "This is one epoch only: is the return indented too far?": wanted[: len(passes[0]) + len(tests[0])],
        },
    )
    losses = [weighted(losses) for losses, _, _ in found]
    accuracies = [share(right) for _, right, _ in found]
    history = list(zip(losses, accuracies))
    late, once, never = (replay(start, passes, tests, lr, clear=when)[0] for when in ("after", "once", "never"))
    summed, _ = replay(start, passes, tests, lr, loss=lambda s, y: F.cross_entropy(s, y, reduction="sum"))
    soft, _ = replay(start, passes, tests, lr, loss=lambda s, y: F.cross_entropy(s.softmax(1), y))
    heavy, _ = replay(start, passes, tests, lr, momentum=0.9)

    def report(epochs, loss=weighted, accuracy=share):
        return [(loss(losses), accuracy(right)) for losses, right, _ in epochs]

    expect(
        answer,
        history,
        f"{what}: loss and accuracy of each epoch",
        mistakes={
            "The losses are the means of batch means: weight each batch by its size.": report(found, plain),
            "The accuracies are means over batches: count right answers and samples.": report(
                found, accuracy=lambda right: plain([(a / n, n) for a, n in right])
            ),
            "Losses and accuracies are means of batch means: weight each batch by its size.": report(
                found, plain, lambda right: plain([(a / n, n) for a, n in right])
            ),
            "The losses are sums: divide by the number of samples.": report(
                found, lambda p: weighted(p) * sum(n for _, n in p)
            ),
            "These are the losses of the last batch of each epoch.": report(found, lambda p: p[-1][0]),
            "These are the losses of the first batch of each epoch.": report(found, lambda p: p[0][0]),
            "The accuracies are percentages: give them as fractions.": [(a, 100 * b) for a, b in history],
            "The accuracies are numbers of right answers: divide by the number of samples.": [
                (losses[k], sum(count for count, _ in right)) for k, (_, right, _) in enumerate(found)
            ],
            "These are the accuracies on the training batches.": [
                (loss, share(seen)) for loss, (_, _, seen) in zip(losses, found)
            ],
            "These are the error rates: 1 − accuracy.": [(a, 1 - b) for a, b in history],
            "Each epoch is a list: a tuple was asked for.": [list(pair) for pair in history],
            "The order is (loss, accuracy).": [(b, a) for a, b in history],
            "Two lists were returned: make one tuple for each epoch.": (losses, accuracies),
            "Gradients of other batches were included: clear them before each backward.": report(once),
            "The accuracies are tensors: .item() turns each into a number.": [(a, torch.tensor(b)) for a, b in history],
            "The losses are tensors: .item() turns each into a number.": [(torch.tensor(a), b) for a, b in history],
            **(
                {
                    "This is the sum over the samples: F.cross_entropy takes the mean by default.": report(summed),
                    "Gradients are never cleared: do it before each backward.": report(never),
                    "The gradients that were in net at the start were included: clear before the first backward, too.": (
                        report(late)
                    ),
                }
                if epochs > 1
                else {}
            ),
            "There is a softmax before the loss: F.cross_entropy expects logits.": report(soft),
            "The optimizer has momentum: plain SGD was asked for.": report(heavy),
        },
        rtol=2e-4,
        atol=2e-5,
    )
    expect(state(net), state(twin), f"{what}: parameters and buffers at the end", rtol=2e-4, atol=2e-5)
    return what


def again(*case):
    """The same for other batches, without a line for each demand."""
    with contextlib.redirect_stdout(io.StringIO()):
        what = examine(*case)
    print(f"✓ the same for {what}")


examine([[5, 3, 2], [4, 4, 2]], [[4, 2], [2, 3]], 3, 3, 3, 0.3)
again([[4, 3]], [[5, 1]], 2, 2, 1, 0.1, torch.float64)
x, y = draw([5], 3, 2, torch.float32)[0]
net = nn.Sequential(nn.Linear(3, 2))
batches = [(20 * x[:4], y[:4]), (20 * x[4:], y[4:])]  # large numbers, large gradients
(found, twin), (less, _) = (replay(net, 2 * [part], 2 * [batches], 0.01) for part in (batches, batches[:1]))
history = fit(inplace(net), batches, batches, 2, 0.01)
require(
    all(type(number) is float for pair in history for number in pair),
    "the numbers are Python floats",
    f"Their types are {', '.join(type(number).__name__ for number in history[0])}.",
)
what = "2 epochs with batches of 4 and 1 samples and large numbers"
whole, part = ([(weighted(losses), share(right)) for losses, right, _ in one] for one in (found, less))
left_out = {"The batch of one sample was left out: it is a step like any other.": part}
expect(history, whole, f"{what}: loss and accuracy of each epoch", mistakes=left_out, rtol=2e-4, atol=2e-5)
expect(state(net), state(twin), f"{what}: the parameters at the end", rtol=2e-4, atol=2e-5)
### BEGIN HIDDEN TESTS
again([[2, 6, 3], [5, 4], [3, 3]], [[1, 5], [3]], 4, 4, 4, 0.2)
again([[7, 2]], [[1, 1, 7]], 5, 3, 2, 0.5)
### END HIDDEN TESTS

# %% [markdown]
# ## Does augmentation help?
#
# Now all of it runs together: your data set reads the files, your transform shifts the digits, your loader makes batches,
# your `fit` trains. Three identical networks are trained on the same digits: as they are, flipped upside down at random,
# and shifted at random by up to one pixel. All three are tested twice: on the test digits as they are, and on the same
# digits shifted at random.
#
# **Before you run it:** the first net reads about 96 % of the test digits correctly. What shares do you expect in the
# other five places of the table?


# %% folded label="Stand-ins for exercises that you have not solved yet"
def our_fit(net, train_loader, test_loader, epochs, lr):
    history, parameters = [], list(net.parameters())
    for _ in range(epochs):
        losses = []
        net.train()
        for x, y in train_loader:
            loss = nn.functional.nll_loss(net(x).log_softmax(1), y)
            losses += len(y) * [loss.detach()]
            with torch.no_grad():
                for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters)):
                    parameter -= lr * gradient
        net.eval()
        with torch.no_grad():
            right = torch.cat([net(x).max(1).indices == y for x, y in test_loader])
        history.append((torch.stack(losses).mean().item(), right.float().mean().item()))
    return history


def OurShift(most):
    return lambda image: v2.RandomCrop(image.shape[1:], padding=most)(image)


def first_batch(kind):
    samples = [(torch.arange(2.0) + i, i) for i in range(5)]
    return [len(kind(samples, 2)), *list(kind(samples, 2, shuffle=True))[-1]]


def shifted(kind):
    return kind(1)(torch.ones(1, 4, 4))


def trained(function):
    batches = [(torch.eye(3), torch.arange(3))]
    return function(nn.Linear(3, 3), batches, batches, 2, 0.1)


# %% yours
torch.manual_seed(0)
Loader = choose(MiniLoader, DataLoader, first_batch, random=True)
Shift = choose(RandomShift, OurShift, shifted, random=True)
run = choose(fit, our_fit, trained, random=True)

shift = Shift(1)
ways = {
    "as they are": lambda image: image / 16,
    "flipped": lambda image: v2.functional.vertical_flip(image) / 16 if torch.rand(()) < 0.5 else image / 16,
    "shifted": lambda image: shift(image) / 16,
}
plain_test = list(Loader(open_digits(CSVData, "test.csv", ways["as they are"]), 64))
shifted_test = list(Loader(open_digits(CSVData, "test.csv", ways["shifted"]), 64))

curves, nets = {}, {}
for name, transform in ways.items():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
    data = open_digits(CSVData, "train.csv", transform)
    loader = Loader(data, 32, shuffle=True)
    curves[name] = run(net, loader, plain_test, 20, 0.3) + run(net, loader, plain_test, 5, 0.03)
    nets[name] = net.eval()


def accuracy(net, batches):
    right = torch.cat([net(x).argmax(1) == y for x, y in batches])
    return right.float().mean().item()


print("trained on digits    tested on digits    tested on shifted digits")
for name, net in nets.items():
    print(f"{name:20} {accuracy(net, plain_test):16.1%} {accuracy(net, shifted_test):27.1%}")

# %% yours folded label="Draw your learning curves"
figure, axes = plt.subplots(2, 1, figsize=(5.6, 5.4), sharex=True, layout="constrained")
styles = {"as they are": "-", "flipped": ":", "shifted": "--"}
for name, history in curves.items():
    epochs = range(1, len(history) + 1)
    axes[0].plot(epochs, [loss for loss, _ in history], styles[name], color=COLOURS["loss"], lw=2, label=name)
    axes[1].plot(epochs, [right for _, right in history], styles[name], color=COLOURS["output"], lw=2, label=name)
axes[0].set(ylabel="training loss", yscale="log")
axes[1].set(ylabel="accuracy on test digits", xlabel="epoch", ylim=(0.5, 1))
for ax in axes:
    ax.legend(title="trained on digits", fontsize=10, frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(alpha=0.25)
show(
    figure,
    alt="Learning curves of three nets over 25 epochs. Above, the training loss on a logarithmic scale: it falls fastest for the net that sees the digits as they are, more slowly with "
    "flips and with shifts. Below, the accuracy on the unchanged test digits.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# The digits of this data set are centred, and a linear layer that has learned them in one place does not recognise them
# one pixel away: the first net reads only about four in ten of the shifted digits. The net that was trained on shifts
# reads about nine in ten of them, and hardly fewer of the centred ones than the first. Flips help neither with shifts nor
# with the digits as they are: part of the net is spent on images that never occur.
#
# With augmentation the training loss is *higher*. That is no bad sign: the task is harder, because each image comes in
# several versions. So compare nets on held-back data, without random changes. (Here, we wanted to know about shifts: they
# were drawn once, the same for all three nets.)
#
# </details>
#
# ## Ten models, or one?
#
# A sigmoid answers one yes-or-no question. Ten of them make a classifier: model $k$ learns "is it a $k$?", **one against
# the rest** (*one-vs-rest*). Each is a **logistic regression**, 64 weights, a bias and a sigmoid, and has an optimizer of
# its own.

# %%
pixels, digit = images.flatten(1) / 16, labels
train_set = TensorDataset(pixels[~held_back], digit[~held_back])
test_x, test_y = pixels[held_back], digit[held_back]

torch.manual_seed(0)
models_sigmoid = [nn.Sequential(nn.Linear(64, 1), nn.Sigmoid()) for _ in range(10)]
criterion = nn.BCELoss(reduction="sum")  # the sum over the batch, not the mean
optimizers = [torch.optim.SGD(model.parameters(), lr=0.01) for model in models_sigmoid]

sigmoid_curve = []
for _ in range(30):
    for x, y in DataLoader(train_set, batch_size=64, shuffle=True):
        for k, (model, optimizer) in enumerate(zip(models_sigmoid, optimizers)):
            optimizer.zero_grad()
            loss = criterion(model(x).squeeze(1), (y == k).float())
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        answers = torch.cat([model(test_x) for model in models_sigmoid], dim=1)
    sigmoid_curve.append((answers.argmax(1) == test_y).float().mean().item())
print("parameters:", sum(p.numel() for model in models_sigmoid for p in model.parameters()))
print(f"the last loss of model 9, summed over {len(y)} samples: {loss.item():.2f}")

# %% [markdown]
# The loss is the *sum* over the batch here, so its gradient is 64 times that of the mean. With a batch of 64, a
# learning rate of 0.01 and the sum make the same step as 0.64 and the mean:

# %%
x, y = next(iter(DataLoader(train_set, batch_size=64)))
model = models_sigmoid[3]
gradients = []
for reduction in ("sum", "mean"):
    loss = nn.BCELoss(reduction=reduction)(model(x).squeeze(1), (y == 3).float())
    gradients.append(torch.autograd.grad(loss, model[0].weight)[0])
print("0.01 · ratio of the gradients =", round(0.01 * (gradients[0].norm() / gradients[1].norm()).item(), 4))

# %% [markdown]
# With `reduction="sum"`, a batch twice as large means a step about twice as large, and the smaller last batch takes a
# smaller step. With the mean, every batch counts alike, whatever its size.
#
# We now have ten numbers for each image. They are not a distribution: each model was asked alone, and nobody told them
# that exactly one must say yes.
#
# ### Exercise: One against the rest
#
# Write `one_vs_rest(models, x)`. `models` is a list of $K$ modules; each turns a batch `x` of shape `(N, F)` into `(N,
# 1)` probabilities, float32 or float64. Return a tuple of two int64 tensors of shape `(N,)`:
#
# - `classes`: for each sample, the number of the model that is most certain (0 to $K-1$), even if none says yes;
# - `yes`: how many of the models say yes, that is, give a probability greater than 0.5.
#
# Call each model once, with the whole batch. Leave the mode of each model, and of its parts, as it is, and change neither
# the models nor `x`. (No model has a layer that changes when it is called.) No two models give the same largest
# probability.
#
# <details><summary>Hint 1: one table</summary>
#
# $K$ columns of shape `(N, 1)`, side by side, make a table of shape `(N, K)`: `torch.cat` along dimension 1.
#
# </details>
#
# <details><summary>Hint 2: two questions to each row</summary>
#
# Where is the largest value of the row (`argmax`)? How many values of the row are greater than 0.5? A comparison gives
# `True` and `False`, and the sum of these counts.
#
# </details>


# %% exercise="one_vs_rest" difficulty=2 minutes=7
def one_vs_rest(models: list[nn.Module], x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The most certain model for each sample, and how many models say yes: two int64 tensors of shape (N,)."""
    ### BEGIN SOLUTION
    table = torch.cat([model(x) for model in models], dim=1)
    return table.argmax(dim=1), (table > 0.5).sum(dim=1)
    ### END SOLUTION


# %% check="one_vs_rest" points=2
import contextlib
import io

g = torch.Generator().manual_seed(147)


class Lookup(nn.Module):
    """A yes-or-no model that counts its calls: column k of x holds its logits."""

    def __init__(self, k, dtype=torch.float32):
        super().__init__()
        self.k, self.calls = k, 0
        self.part = nn.Identity()
        self.scale = nn.Parameter(torch.ones((), dtype=dtype))

    def forward(self, x):
        self.calls += 1
        return torch.sigmoid(self.scale * self.part(x[:, self.k : self.k + 1]))


def examine(logits, what):
    """One model for each column."""
    count = logits.shape[1]
    models = [Lookup(k, logits.dtype).train(k % 2 == 0) for k in range(count)]
    for k, model in enumerate(models):
        model.part.train(k % 3 == 1)
    x, before = logits.clone(), logits.clone()
    modes = [(model.training, model.part.training) for model in models]
    top = torch.topk(logits, 1).indices[:, 0]
    wanted = top, (logits > 0).long().sum(1)
    answer = one_vs_rest([inplace(model) for model in models], inplace(x))
    expect(x, before, f"{what}: x stays as it is")
    require(
        isinstance(answer, tuple) and len(answer) == 2,
        f"{what}: a tuple of two tensors",
        f"It is {'None: is a return missing?' if answer is None else f'a {type(answer).__name__}.'}",
    )
    says_yes, rounded = logits > 0, logits.sigmoid().sum(1).round().long()
    expect(
        answer[0],
        top,
        f"{what}: the classes",
        mistakes={
            "This is the first model that says yes: take the most certain one.": says_yes.long().argmax(1),
            "This is the last model that says yes: take the most certain one.": (
                says_yes.long() * torch.arange(1, count + 1)
            ).argmax(1),
            "This is the least certain model.": logits.argmin(1),
            "This has shape (N, 1): (N,) was asked for.": top[:, None],
            "These are the probabilities: give the number of the model.": logits.sigmoid().amax(1),
            "These are the most certain samples of each model: look along the models, dimension 1.": logits.argmax(0),
            "This is a list: make a tensor of it.": top.tolist(),
            **(
                {
                    "Put the columns side by side, in a table of shape (N, K): torch.cat(…, dim=1).": (
                        torch.zeros(logits.numel(), dtype=torch.int64)
                    )
                }
                if len(x) > 1
                else {}
            ),
            "−1 where no model says yes: the most certain model counts even then.": top.where(says_yes.any(1), -1),
            "Without a yes, class 0 is not the answer: the most certain model counts even then.": top.where(
                says_yes.any(1), 0
            ),
        },
    )
    expect(
        answer[1],
        wanted[1],
        f"{what}: how many models say yes",
        mistakes={
            "This is whether any model says yes: count them.": says_yes.any(1),
            "This is how many samples each model says yes to: count along the models, dimension 1.": says_yes.sum(0),
            "This is how many say no.": (~says_yes).sum(1),
            "This is a table of yes and no: count along the models, dimension 1.": says_yes,
            "These are floats: int64 was asked for.": wanted[1].float(),
            "This is a list: make a tensor of it.": wanted[1].tolist(),
            "These are the sums of the probabilities: count those greater than 0.5.": logits.sigmoid().sum(1),
            **(
                {}
                if torch.equal(rounded, (~says_yes).sum(1))
                else {"These are the rounded sums of the probabilities: count those greater than 0.5.": rounded}
            ),
            "A probability of exactly 0.5 is not greater than 0.5.": (logits >= 0).sum(1),
        },
    )
    expect(
        [model.calls for model in models],
        [1] * count,
        f"{what}: each model is called once",
        mistakes={
            "Each model is called for the classes and again for the votes: keep what it gives.": [2] * count,
            **(
                {"Each model is called once for each sample: give it the whole batch.": [len(x)] * count}
                if len(x) > 2
                else {}
            ),
        },
    )
    expect(
        [(model.training, model.part.training) for model in models],
        modes,
        f"{what}: the models (and their parts) stay in their mode",
        mistakes={
            "All are in evaluation mode now: leave the modes alone.": [(False, False)] * count,
            "train() sets all parts of a model: leave the modes alone.": [(mode, mode) for mode, _ in modes],
        },
    )
    scales = [model.scale.item() for model in models]
    expect(scales, [1.0] * count, f"{what}: the parameters of the models stay as they are")
    return answer, wanted


logits = torch.tensor(
    [
        [2.0, -1.0, 3.0, 0.5],
        [-3.0, -0.5, -2.0, -4.0],
        [-1.0, 0.0, -2.0, -0.7],
        [-2.0, 4.0, 1.0, -3.0],
        [-0.2, -0.6, -0.1, -0.3],
        [0.4, -5.0, -5.0, 0.9],
    ]
)


def again(logits, what):
    """The same for other models, without a line for each demand."""
    with contextlib.redirect_stdout(io.StringIO()):
        examine(logits, what)
    print(f"✓ the same for {what}")


first, wanted = examine(logits, "4 models, 6 samples")
again(torch.randn(1, 7, generator=g), "7 models, 1 sample")
again(torch.randn(5, 1, generator=g, dtype=torch.float64), "1 model, 5 samples, float64")
again(22 + torch.randn(6, 3, generator=g, dtype=torch.float64), "3 models, all nearly certain, float64")
again((3 * torch.randn(3, 9, generator=g)).t(), "3 models, 9 samples, not contiguous")
expect(first, wanted, "later calls leave the first result alone")
### BEGIN HIDDEN TESTS
again(torch.randn(8, 5, generator=g), "5 models, 8 samples")
again(torch.randn(2, 11, generator=g) - 1, "11 models, 2 samples")
half = torch.zeros(4, 3).index_put((torch.arange(4), torch.tensor([2, 0, 1, 2])), torch.tensor(1.0))
again(half, "probabilities of exactly 0.5")
### END HIDDEN TESTS

# %% [markdown]
# **Before you run it:** for 359 test digits, how often does exactly one of the ten trained models say yes? What else
# happens, and how often?


# %% folded label="Stand-in for an exercise that you have not solved yet"
def our_vote(models, x):
    with torch.no_grad():
        found = np.stack([model(x).numpy()[:, 0] for model in models])
    return torch.from_numpy(np.argsort(found, axis=0)[-1]), torch.from_numpy(np.count_nonzero(found > 0.5, axis=0))


# %% yours
vote = yours_or_ours(one_vs_rest, our_vote, models_sigmoid[:3], test_x[:4])
classes, yes = vote(models_sigmoid, test_x)
for count in range(int(yes.max()) + 1):
    some = yes == count
    right = (classes == test_y)[some].float().mean()
    print(f"{count} times yes: {some.sum():3} digits, {right:.0%} of them right")
print(f"in all: {(classes == test_y).float().mean():.1%} right")

# %% [markdown]
# <details><summary>Why?</summary>
#
# For most digits exactly one model says yes, and then it is nearly always right. But for about one in ten, *none* of the
# models does: each sees about nine times as many "no" as "yes" in training and is careful. The most certain of them is
# still right in about three cases of four, so `argmax` is much better than giving up. A few digits are claimed by two
# models.
#
# </details>
#
# **Softmax regression** asks one question instead of ten: which digit is it? It has the same 650 parameters, in a single
# `nn.Linear(64, 10)`, but the cross-entropy compares the ten outputs with one another, and the probabilities add up to 1.
#
# ### Exercise: Softmax regression
#
# Write `softmax_regression(loader)`. `loader` is a list of batches `(x, y)` of 50 to 64 handwritten digits (the last may
# be smaller), between 1,000 and 1,500 images in all: `x` of shape `(N, 64)`, float32, values 0 to 1, and `y` of shape
# `(N,)`, int64, the classes 0 to 9. Go through it as often as you like. Train a module that turns `(N, 64)` into `(N,
# 10)` logits, and return it.
#
# - The module is one linear map with a bias, 650 parameters in all: no hidden layer and no softmax in it.
# - It is right on at least 93 % of other digits of the same kind. (In the check, the pixels are in another order and the
#   classes have other numbers, so the module has to learn from `loader`.)
# - The list and its batches stay as they are. If training takes more than a second, you are doing too much.
#
# Optimizer, learning rate and number of passes are up to you.
#
# <details><summary>Hint 1: the loss</summary>
#
# `F.cross_entropy(net(x), y)` contains the softmax.
#
# </details>
#
# <details><summary>Hint 2: not accurate enough</summary>
#
# Print the loss after each pass. If it still falls, make more passes or larger steps. With the mean over a batch of 64,
# plain SGD wants a learning rate between 0.3 and 1 here; 0.01 would need hundreds of passes.
#
# </details>


# %% exercise="softmax_regression" difficulty=2 minutes=12
def softmax_regression(loader: list[tuple[torch.Tensor, torch.Tensor]]) -> nn.Module:
    """A linear map from 64 pixels to 10 logits, trained on the batches of loader."""
    ### BEGIN SOLUTION
    net = nn.Linear(64, 10)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    for _ in range(20):
        for x, y in loader:
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimizer.step()
    return net
    ### END SOLUTION


# %% check="softmax_regression" points=2
g = torch.Generator().manual_seed(148)
images, classes = load_digits()


def examine(batch_size, every, least=0.93):
    """Train on digits with pixels and classes in another order; test on every fifth or so."""
    x, y = images.flatten(1)[:, torch.randperm(64, generator=g)] / 16, torch.randperm(10, generator=g)[classes]
    held = torch.arange(len(y)) % every == 1
    batches = list(zip(x[~held][:1450].split(batch_size), y[~held][:1450].split(batch_size)))
    before = [(a.clone(), b.clone()) for a, b in batches]
    net = softmax_regression(inplace(batches))
    what = f"{len(batches)} batches of {batch_size}"
    require(
        len(batches) == len(before),
        f"{what}: the list stays as it is",
        f"It has {len(batches)} batches now. Use list(loader) if you want to take some of them out.",
    )
    advice = "They require gradients now: only the parameters of the module should."
    require(not any(a.requires_grad for a, _ in batches), f"{what}: the images need no gradients", advice)
    if not all(torch.equal(a, c) and torch.equal(b, d) for (a, b), (c, d) in zip(batches, before)):
        require(False, f"{what}: the batches stay as they are", "They have changed.")
    require(
        isinstance(net, nn.Module),
        f"{what}: softmax_regression returns a module",
        f"It returns {'None: is a return missing?' if net is None else f'a {type(net).__name__}.'}",
    )
    with torch.no_grad():
        one, other = 40 * torch.randn(5, 64, generator=g), 40 * torch.randn(5, 64, generator=g)
        half, ends = net((one + other) / 2), (net(one), net(other))
        found = net(x[held])
    expect(tuple(found.shape), (int(held.sum()), 10), f"{what}: the shape of net(x)")
    total = found.sum(1)
    require(
        not bool(torch.isclose(total, torch.ones(()), atol=1e-4).all()),
        f"{what}: the outputs are logits, not probabilities",
        "They add up to 1: leave the softmax out of the net. F.cross_entropy contains it.",
    )
    require(
        torch.allclose(half, (ends[0] + ends[1]) / 2, rtol=1e-3, atol=1e-2),
        f"{what}: net is a linear map with a bias",
        "Halfway between two inputs, the output is not halfway between theirs: use no hidden layer with a ReLU and no softmax.",
    )
    expect(
        sum(parameter.numel() for parameter in net.parameters()),
        650,
        f"{what}: the number of parameters",
        mistakes={"The bias is missing.": 640},
    )
    right = (found.argmax(1) == y[held]).float().mean().item()
    advice = f"It is right on {right:.1%}."
    if right < 0.3:
        advice += " That is close to guessing: is there a step, on the right loss, with the right sign? Are the gradients cleared?"
    elif right < least:
        advice += " More passes, or a larger learning rate?"
    require(right >= least, f"{what}: right on at least 93 % of other digits", advice)


examine(64, 5)
### BEGIN HIDDEN TESTS
examine(50, 4, least=0.92)  # other digits: who has just passed passes here, too
### END HIDDEN TESTS

# %% [markdown]
# ### One question or ten: the comparison
#
# Both kinds learn from the same digits, in batches of 64, for 30 epochs, with the same learning rate, 0.01, and the sum
# over the batch. The ten models have been trained above; now comes softmax regression.
#
# **Before you run it:** which learns faster, and which is better in the end?

# %% predict
torch.manual_seed(0)
softmax_net = nn.Linear(64, 10)
optimizer = torch.optim.SGD(softmax_net.parameters(), lr=0.01)
softmax_curve = []
for _ in range(30):
    for x, y in DataLoader(train_set, batch_size=64, shuffle=True):
        optimizer.zero_grad()
        F.cross_entropy(softmax_net(x), y, reduction="sum").backward()
        optimizer.step()
    softmax_curve.append((softmax_net(test_x).argmax(1) == test_y).float().mean().item())
print("epoch          ", *(f"{epoch:6}" for epoch in (1, 5, 10, 20, 30)))
for name, curve in [("ten sigmoids", sigmoid_curve), ("one softmax", softmax_curve)]:
    print(f"{name:15}", *(f"{curve[epoch - 1]:6.1%}" for epoch in (1, 5, 10, 20, 30)))

# %% predict folded label="Draw both learning curves"
figure, ax = plot_axes(5.6, 3.2)
for name, curve, style, role in [
    ("ten sigmoids", sigmoid_curve, "--", "learned"),
    ("one softmax", softmax_curve, "-", "output"),
]:
    ax.plot(range(1, 31), curve, style, color=COLOURS[role], lw=2.2, label=name)
ax.set(xlabel="epoch", ylabel="accuracy on test digits", ylim=(0.8, 1), yticks=(0.8, 0.85, 0.9, 0.95, 1))
ax.legend(frameon=False, fontsize=11, loc="lower right")
show(
    figure,
    alt="The accuracy on the test digits over 30 epochs, for ten sigmoid models and for one softmax model. Both rise quickly in the first epochs and then level off between 94 and 97 per cent; "
    "the two are close and cross several times; at the end the softmax model is a little ahead.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# The softmax is a little ahead after the first epoch and again at the end; in between, the lead changes. One per cent of
# the test digits is less than four images, so on these digits neither is clearly faster or better. For the weights of
# class $k$, both have the same formula for the gradient: probability minus truth, times the pixels. Only the
# probabilities differ: those of the softmax add up to 1, so raising one lowers the others.
#
# </details>
#
# One choice of test digits proves little. So we repeat the comparison five times, each time with other digits held back.
# (To save time, one `nn.Linear(64, 10)` stands for the ten models. With the sum of their losses, it learns exactly as
# they would separately: the gradient of each row depends on its own loss alone.)
#
# **Before you run it:** will the same side win each time?

# %% predict
for split in range(5):
    torch.manual_seed(split)
    order = torch.randperm(len(pixels))
    learned, held = order[:1438], order[1438:]
    ten_models, one_model = nn.Linear(64, 10), nn.Linear(64, 10)
    optimizer = torch.optim.SGD([*ten_models.parameters(), *one_model.parameters()], lr=0.01)
    for _ in range(30):
        for x, y in zip(pixels[learned].split(64), digit[learned].split(64)):
            optimizer.zero_grad()
            yes_or_no = F.binary_cross_entropy_with_logits(ten_models(x), F.one_hot(y, 10).float(), reduction="sum")
            (yes_or_no + F.cross_entropy(one_model(x), y, reduction="sum")).backward()
            optimizer.step()
    shares = [(net(pixels[held]).argmax(1) == digit[held]).float().mean() for net in (ten_models, one_model)]
    print("ten sigmoids {:.1%}   one softmax {:.1%}".format(*shares))

# %% [markdown]
# <details><summary>Why?</summary>
#
# Softmax regression is ahead each time, by about one percentage point. That is small, but hardly chance: in training it
# is asked what it is asked in the test, "which of the ten?". The output of the right class only has to be larger than the
# other nine, while each separate model has to tell its digit from all others alone. Ten separate models are the right
# choice where several answers, or none, can be true for one sample (*multi-label* classification): a photo may show a dog
# *and* a ball.
#
# </details>
#
# Here is one of the digits to which no model says yes, and what your `softmax_regression` makes of it.

# %% yours folded label="Draw ten opinions and one distribution"


def our_softmax(loader):
    net, x, y = nn.Linear(64, 10), torch.cat([x for x, _ in loader]), torch.cat([y for _, y in loader])
    optimizer = torch.optim.LBFGS(net.parameters(), max_iter=60)

    def closure():
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), y) + 1e-3 * net.weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return net


batches = list(DataLoader(train_set, batch_size=64))
net = yours_or_ours(softmax_regression, our_softmax, batches, random=True)(batches)
with torch.no_grad():
    ten = torch.cat([model(test_x) for model in models_sigmoid], dim=1)
    distribution = net(test_x).softmax(1)
silent = (ten.amax(1) <= 0.5).nonzero().flatten()
chosen = int(silent[(distribution.amax(1)[silent] - 0.75).abs().argmin()])
figure = plt.figure(figsize=(5.6, 4.8), layout="constrained")
grid = figure.add_gridspec(2, 2, width_ratios=[1, 2.2])
ax = figure.add_subplot(grid[:, 0])
ax.imshow(test_x[chosen].view(8, 8), cmap="Blues", vmin=0, interpolation="nearest")
ax.set(xticks=[], yticks=[])
ax.set_title(f"label {int(test_y[chosen])}", fontsize=12, color=INK)
for row, (values, title, role) in enumerate(
    [(ten[chosen], "ten sigmoids", "learned"), (distribution[chosen], "softmax", "output")]
):
    ax = figure.add_subplot(grid[row, 1])
    ax.bar(range(10), values.tolist(), color=COLOURS[role])
    ax.axhline(0.5, color=INK, lw=1, ls=":")
    ax.set(xticks=range(10), ylim=(0, 1))
    ax.set_title(f"{title}: sum {float(values.sum()):.2f}", fontsize=12, color=INK)
    ax.spines[["top", "right"]].set_visible(False)
ax.set_xlabel("class")
show(
    figure,
    alt="On the left a test digit. On the right two bar charts over the classes 0 to 9: above, the ten sigmoid models, all below the dotted line at 0.5, with a sum that is not 1; below, the "
    "probabilities of the softmax model, whose sum is 1.",
)

# %% [markdown]
# ## Recap
#
# Answer from memory, then unfold.
#
# <details><summary>1. Which questions does a <code>Dataset</code> answer, and what does a <code>DataLoader</code> add? Where do transforms run, and where does <code>collate_fn</code>?</summary>
#
# How many samples are there, and what is sample $i$? The loader adds order (a sampler), batches, and worker processes.
# Transforms run in `data[i]`, for one sample, each time it is asked for. `collate_fn` gets the list of a batch's samples.
# With workers, both run in the worker.
#
# </details>
#
# <details><summary>2. You augment with a NumPy generator that is made in <code>__init__</code>, and use four workers. What goes wrong, and what are two ways out?</summary>
#
# Each worker has a copy of the generator: all four draw the same numbers, and again in the next epoch. Draw with torch,
# which the loader seeds for each worker; or make the generator in `worker_init_fn`, from `get_worker_info().seed`.
#
# </details>
#
# <details><summary>3. The last batch is small. Where does that matter, and what do you do?</summary>
#
# In averages: weight losses by the size of the batch, and count right answers. In the step, if the loss is a sum: the
# step is smaller. In training with batch normalisation: drop the last batch if it is tiny. In tests, never drop it.
#
# </details>
#
# **Next**: `15_dropout_and_batchnorm`, two layers that do one thing in training and another in use. That is what `net.train()` and
# `net.eval()` in your loop were for.
