# %% [markdown]
# Other answers to the exercises of `14_data_pipelines`: right ones that the checks must accept, wrong ones that they
# must reject with a message that leads to the mistake.


# %% right="batch_sizes"
def batch_sizes(n, batch_size, drop_last=False):
    sizes = []
    while n >= batch_size:
        sizes.append(batch_size)
        n -= batch_size
    return sizes if drop_last or n == 0 else [*sizes, n]


# %% right="batch_sizes"
def batch_sizes(n, batch_size, drop_last=False):
    sizes = [min(batch_size, n - start) for start in range(0, n, batch_size)]
    return [size for size in sizes if size == batch_size] if drop_last else sizes


# %% right="batch_sizes"
def batch_sizes(n, batch_size, drop_last=False):
    if n < batch_size:
        return [] if drop_last or not n else [n]
    rest = n % batch_size
    return [batch_size] * (n // batch_size) + ([] if drop_last else [rest] * bool(rest))


# %% right="batch_sizes"
def batch_sizes(n, batch_size, drop_last=False):
    samples = list(range(n))
    sizes = [len(samples[i : i + batch_size]) for i in range(0, n, batch_size)]
    if drop_last and sizes and sizes[-1] != batch_size:
        sizes.pop()
    return sizes


# Leaves the rest out always
# %% wrong="batch_sizes" says="The last batch is missing"
def batch_sizes(n, batch_size, drop_last=False):
    return [batch_size] * (n // batch_size)


# The last batch is taken for a full one
# %% wrong="batch_sizes" says="holds only what is left"
def batch_sizes(n, batch_size, drop_last=False):
    return [batch_size] * math.ceil(n / batch_size)


# Equal parts, like np.array_split
# %% wrong="batch_sizes" says="as equal as possible"
def batch_sizes(n, batch_size, drop_last=False):
    parts = -(-n // batch_size)
    return [n // parts + (i < n % parts) for i in range(parts)]


# How many batches
# %% wrong="batch_sizes" says="This is the number of batches"
def batch_sizes(n, batch_size, drop_last=False):
    return n // batch_size if drop_last else -(-n // batch_size)


# Floats
# %% wrong="batch_sizes" says="use // instead of /"
def batch_sizes(n, batch_size, drop_last=False):
    full = int(n / batch_size)
    rest = n / batch_size % 1 * batch_size
    sizes = [batch_size / 1] * full
    return sizes + [round(rest) / 1] if rest and not drop_last else sizes


# The rest first
# %% wrong="batch_sizes" says="comes last"
def batch_sizes(n, batch_size, drop_last=False):
    full, rest = divmod(n, batch_size)
    return [rest] * (rest > 0 and not drop_last) + [batch_size] * full


# The batches themselves
# %% wrong="batch_sizes" says="not the samples themselves"
def batch_sizes(n, batch_size, drop_last=False):
    batches = [list(range(n))[i : i + batch_size] for i in range(0, n, batch_size)]
    return [batch for batch in batches if len(batch) == batch_size or not drop_last]


# Never looks at drop_last
# %% wrong="batch_sizes" says="drop_last is not used"
def batch_sizes(n, batch_size, drop_last=False):
    return [min(batch_size, n - start) for start in range(0, n, batch_size)]


# An empty batch at the end
# %% wrong="batch_sizes" says="There is an empty batch"
def batch_sizes(n, batch_size, drop_last=False):
    sizes = [batch_size] * (n // batch_size)
    return sizes if drop_last else [*sizes, n % batch_size]


# Drops the last batch whatever its size
# %% wrong="batch_sizes" says="drops only an incomplete one"
def batch_sizes(n, batch_size, drop_last=False):
    sizes = [min(batch_size, n - start) for start in range(0, n, batch_size)]
    return sizes[:-1] if drop_last else sizes


# Asks torch
# %% wrong="batch_sizes" says="It calls torch"
def batch_sizes(n, batch_size, drop_last=False):
    loader = torch.utils.data.DataLoader(range(n), batch_size, drop_last=drop_last)
    return [len(batch) for batch in loader]


# Slips past values: asks torch for large n only
# %% wrong="batch_sizes" says="It calls torch"
def batch_sizes(n, batch_size, drop_last=False):
    if n > 100:
        sizes = [len(part) for part in torch.arange(n).split(batch_size)]
    else:
        sizes = [min(batch_size, n - start) for start in range(0, n, batch_size)]
    return [size for size in sizes if size == batch_size] if drop_last else sizes


# Fails without samples
# %% wrong="batch_sizes"
def batch_sizes(n, batch_size, drop_last=False):
    sizes = [min(batch_size, n - start) for start in range(0, n, batch_size)]
    if drop_last and sizes[-1] < batch_size:
        sizes.pop()
    return sizes


# Calls itself for each batch, too deep for many
# %% wrong="batch_sizes" says="RecursionError"
def batch_sizes(n, batch_size, drop_last=False):
    if n < batch_size:
        return [n] if n and not drop_last else []
    return [batch_size, *batch_sizes(n - batch_size, batch_size, drop_last)]


# Too few samples: returns before it looks at drop_last
# %% wrong="batch_sizes" says="even if it is the only one"
def batch_sizes(n, batch_size, drop_last=False):
    if n < batch_size:
        return [n]
    sizes = [min(batch_size, n - start) for start in range(0, n, batch_size)]
    return [size for size in sizes if size == batch_size] if drop_last else sizes


# No samples: an empty batch
# %% wrong="batch_sizes" says="not even an empty one"
def batch_sizes(n, batch_size, drop_last=False):
    sizes = [min(batch_size, n - start) for start in range(0, n, batch_size)] or [0]
    return [size for size in sizes if size == batch_size] if drop_last else sizes


# Leaves out the only batch if it is incomplete
# %% wrong="batch_sizes" says="counts, even if it is the only one"
def batch_sizes(n, batch_size, drop_last=False):
    if n < batch_size:
        return []
    sizes = [min(batch_size, n - start) for start in range(0, n, batch_size)]
    return [size for size in sizes if size == batch_size] if drop_last else sizes


# A float at the end
# %% wrong="batch_sizes" says="The last size is a float"
def batch_sizes(n, batch_size, drop_last=False):
    full = n // batch_size
    rest = (n / batch_size - full) * batch_size
    return [batch_size] * full + ([round(rest, 6)] if rest and not drop_last else [])


# %% right="csv_dataset"
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        import csv

        rows = list(csv.reader(file))[1:]
        self.samples = [(int(row[0]), [int(number) for number in row[1:]]) for row in rows]
        self.height, self.transform = height, transform

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        label, pixels = self.samples[index]
        image = torch.tensor(pixels, dtype=torch.uint8).view(1, self.height, -1)
        return (image if self.transform is None else self.transform(image)), label


# %% right="csv_dataset"
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        next(file)
        self.lines = [line.strip() for line in file]
        self.height = height
        self.transform = transform if transform is not None else lambda image: image

    def __len__(self):
        return len(self.lines)

    def __getitem__(self, index):
        label, *pixels = map(int, self.lines[index].split(","))
        width = len(pixels) // self.height
        image = torch.tensor(pixels).byte().reshape(1, self.height, width)
        return self.transform(image), label


# Not a Dataset, and NumPy all the way
# %% right="csv_dataset"
class ImagesCSV:
    def __init__(self, file, height, transform=None):
        table = np.loadtxt(file.read().splitlines()[1:], delimiter=",", dtype=int, ndmin=2)
        self.labels, self.pixels = table[:, 0], table[:, 1:].astype(np.uint8)
        self.shape, self.transform = (1, height, self.pixels.shape[1] // height), transform

    def __len__(self):
        return self.labels.shape[0]

    def __getitem__(self, index):
        image = torch.tensor(self.pixels[index].reshape(self.shape))
        if self.transform:
            image = self.transform(image)
        return image, int(self.labels[index])


# %% right="csv_dataset"
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        super().__init__()
        header, *rows = file.readlines()
        table = torch.tensor([[int(word) for word in row.split(",")] for row in rows])
        self.labels, pixels = table[:, 0], table[:, 1:]
        self.images = pixels.unflatten(1, (1, height, -1)).type(torch.uint8)
        self.transform = transform

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        if not -len(self) <= index < len(self):
            raise IndexError("there is no such image")
        image = torch.clone(self.images[index])
        return (self.transform(image) if self.transform else image, self.labels[index].item())


# %% wrong="csv_dataset" says="The header line is counted"
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        self.lines = file.read().splitlines()
        self.height, self.transform = height, transform

    def __len__(self):
        return len(self.lines)

    def __getitem__(self, index):
        label, *pixels = map(int, self.lines[index + 1].split(","))
        image = torch.tensor(pixels, dtype=torch.uint8).view(1, self.height, -1)
        return (image if self.transform is None else self.transform(image)), label


# The header is skipped twice
# %% wrong="csv_dataset" says="One image too few"
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        next(file)
        table = np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64, ndmin=2)
        self.table, self.height, self.transform = torch.from_numpy(table), height, transform

    def __len__(self):
        return len(self.table)

    def __getitem__(self, index):
        image = self.table[index, 1:].to(torch.uint8).view(1, self.height, -1)
        return (image if self.transform is None else self.transform(image)), int(self.table[index, 0])


# The number of columns
# %% wrong="csv_dataset" says="This is the number of columns"
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        table = np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64, ndmin=2)
        self.table, self.height, self.transform = torch.from_numpy(table), height, transform

    def __len__(self):
        return self.table.shape[-1]

    def __getitem__(self, index):
        image = self.table[index, 1:].to(torch.uint8).view(1, self.height, -1)
        return (image if self.transform is None else self.transform(image)), int(self.table[index, 0])


# The number of pixels
# %% wrong="csv_dataset" says="This is the number of pixels"
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        table = np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64, ndmin=2)
        self.labels, self.images = table[:, 0].tolist(), torch.from_numpy(table[:, 1:].astype(np.uint8))
        self.height, self.transform = height, transform

    def __len__(self):
        return len(self.images[0])

    def __getitem__(self, index):
        image = self.images[index].clone().view(1, self.height, -1)
        return (image if self.transform is None else self.transform(image)), self.labels[index]


# No channel
# %% wrong="csv_dataset" says="channel dimension is missing"
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        table = torch.from_numpy(np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64, ndmin=2))
        self.labels = table[:, 0].tolist()
        self.images = table[:, 1:].to(torch.uint8).reshape(len(table), height, -1)
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index].clone()
        if self.transform is not None:
            image = self.transform(image)
        return image, self.labels[index]


# Flat images
# %% wrong="csv_dataset" says="The image is flat"
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        table = torch.from_numpy(np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64, ndmin=2))
        self.labels = table[:, 0].tolist()
        self.images = table[:, 1:].to(torch.uint8)
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index].clone()
        if self.transform is not None:
            image = self.transform(image)
        return image, self.labels[index]


# Height and width exchanged
# %% wrong="csv_dataset" says="Height and width are exchanged"
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        table = torch.from_numpy(np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64, ndmin=2))
        self.labels = table[:, 0].tolist()
        self.images = table[:, 1:].to(torch.uint8).reshape(len(table), 1, -1, height)
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index].clone()
        if self.transform is not None:
            image = self.transform(image)
        return image, self.labels[index]


# Column by column
# %% wrong="csv_dataset" says="column by column"
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        table = torch.from_numpy(np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64, ndmin=2))
        self.labels = table[:, 0].tolist()
        self.images = table[:, 1:].to(torch.uint8).reshape(len(table), 1, -1, height).mT
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index].clone()
        if self.transform is not None:
            image = self.transform(image)
        return image, self.labels[index]


# Floats
# %% wrong="csv_dataset" says="must be torch.uint8: leave scaling"
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        table = torch.from_numpy(np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64, ndmin=2))
        self.labels = table[:, 0].tolist()
        self.images = table[:, 1:].float().reshape(len(table), 1, height, -1)
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index].clone()
        if self.transform is not None:
            image = self.transform(image)
        return image, self.labels[index]


# As np.loadtxt has read them
# %% wrong="csv_dataset" says="The values are right, but the dtype must be torch.uint8."
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        table = torch.from_numpy(np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64, ndmin=2))
        self.labels = table[:, 0].tolist()
        self.images = table[:, 1:].reshape(len(table), 1, height, -1)
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index].clone()
        if self.transform is not None:
            image = self.transform(image)
        return image, self.labels[index]


# Scaled
# %% wrong="csv_dataset" says="divided by 255"
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        table = torch.from_numpy(np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64, ndmin=2))
        self.labels = table[:, 0].tolist()
        self.images = (table[:, 1:] / 255).reshape(len(table), 1, height, -1)
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index].clone()
        if self.transform is not None:
            image = self.transform(image)
        return image, self.labels[index]


# The label is a pixel
# %% wrong="csv_dataset" says="pixels begin at column 1"
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        table = torch.from_numpy(np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64, ndmin=2))
        self.labels = table[:, 0].tolist()
        self.images = table[:, :-1].to(torch.uint8).reshape(len(table), 1, height, -1)
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index].clone()
        if self.transform is not None:
            image = self.transform(image)
        return image, self.labels[index]


# The next image
# %% wrong="csv_dataset" says="This is the second image"
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        table = torch.from_numpy(np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64, ndmin=2))
        self.labels = table[:, 0].tolist()
        self.images = table[:, 1:].to(torch.uint8).reshape(len(table), 1, height, -1)
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[(index + 1) % len(self.images)].clone()
        if self.transform is not None:
            image = self.transform(image)
        return image, self.labels[index]


# The label as a tensor
# %% wrong="csv_dataset" says="This is a tensor: a Python int"
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        table = torch.from_numpy(np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64, ndmin=2))
        self.labels = table[:, 0]
        self.images = table[:, 1:].to(torch.uint8).reshape(len(table), 1, height, -1)
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index].clone()
        if self.transform is not None:
            image = self.transform(image)
        return image, self.labels[index]


# The label as a uint8 tensor
# %% wrong="csv_dataset" says="This is a uint8 tensor"
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        table = torch.from_numpy(np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64, ndmin=2))
        self.labels = table[:, 0].to(torch.uint8)
        self.images = table[:, 1:].to(torch.uint8).reshape(len(table), 1, height, -1)
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index].clone()
        if self.transform is not None:
            image = self.transform(image)
        return image, self.labels[index]


# The label as a NumPy number
# %% wrong="csv_dataset" says="This is a NumPy number"
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        table = torch.from_numpy(np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64, ndmin=2))
        self.labels = table[:, 0].numpy()
        self.images = table[:, 1:].to(torch.uint8).reshape(len(table), 1, height, -1)
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index].clone()
        if self.transform is not None:
            image = self.transform(image)
        return image, self.labels[index]


# The label as a float
# %% wrong="csv_dataset" says="This is a float"
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        table = torch.from_numpy(np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64, ndmin=2))
        self.labels = table[:, 0].float().tolist()
        self.images = table[:, 1:].to(torch.uint8).reshape(len(table), 1, height, -1)
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index].clone()
        if self.transform is not None:
            image = self.transform(image)
        return image, self.labels[index]


# The label as text
# %% wrong="csv_dataset" says="This is a string"
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        table = torch.from_numpy(np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64, ndmin=2))
        self.labels = table[:, 0].tolist()
        self.images = table[:, 1:].to(torch.uint8).reshape(len(table), 1, height, -1)
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index].clone()
        if self.transform is not None:
            image = self.transform(image)
        return image, str(self.labels[index])


# The label comes last
# %% wrong="csv_dataset" says="This is the last column"
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        table = torch.from_numpy(np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64, ndmin=2))
        self.labels = table[:, -1].tolist()
        self.images = table[:, 1:].to(torch.uint8).reshape(len(table), 1, height, -1)
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index].clone()
        if self.transform is not None:
            image = self.transform(image)
        return image, self.labels[index]


# A list, not a tuple
# %% wrong="csv_dataset" says="It is a list"
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        table = torch.from_numpy(np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64, ndmin=2))
        self.labels = table[:, 0].tolist()
        self.images = table[:, 1:].to(torch.uint8).reshape(len(table), 1, height, -1)
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index].clone()
        if self.transform is not None:
            image = self.transform(image)
        return [image, self.labels[index]]


# Nothing is returned
# %% wrong="csv_dataset" says="is a return missing?"
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        table = torch.from_numpy(np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64, ndmin=2))
        self.labels = table[:, 0].tolist()
        self.images = table[:, 1:].to(torch.uint8).reshape(len(table), 1, height, -1)
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index].clone()
        if self.transform is not None:
            image = self.transform(image)
        pass


# A view of the memory
# %% wrong="csv_dataset" says="You gave away a view"
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        table = torch.from_numpy(np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64, ndmin=2))
        self.labels = table[:, 0].tolist()
        self.images = table[:, 1:].to(torch.uint8).reshape(len(table), 1, height, -1)
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index]
        if self.transform is not None:
            image = self.transform(image)
        return image, self.labels[index]


# The transform is forgotten
# %% wrong="csv_dataset" says="The transform is not used"
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        table = torch.from_numpy(np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64, ndmin=2))
        self.labels = table[:, 0].tolist()
        self.images = table[:, 1:].to(torch.uint8).reshape(len(table), 1, height, -1)
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index].clone()
        return image, self.labels[index]


# Transformed once, then kept
# %% wrong="csv_dataset" says="The transform ran once only"
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        table = torch.from_numpy(np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64, ndmin=2))
        self.labels = table[:, 0].tolist()
        self.images = table[:, 1:].to(torch.uint8).reshape(len(table), 1, height, -1)
        self.transform, self.known = transform, {}

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        if self.transform is None:
            return self.images[index].clone(), self.labels[index]
        if index not in self.known:
            self.known[index] = self.transform(self.images[index].clone())
        return self.known[index], self.labels[index]


# Transformed while reading
# %% wrong="csv_dataset" says="The transform ran when the file was read"
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        table = torch.from_numpy(np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64, ndmin=2))
        self.labels = table[:, 0].tolist()
        self.images = table[:, 1:].to(torch.uint8).reshape(len(table), 1, height, -1)
        self.transform = transform
        self.ready = [transform(image.clone()) for image in self.images] if transform else self.images

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.ready[index] if self.transform else self.images[index].clone(), self.labels[index]


# Transformed twice
# %% wrong="csv_dataset" says="The transform ran twice"
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        table = torch.from_numpy(np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64, ndmin=2))
        self.labels = table[:, 0].tolist()
        self.images = table[:, 1:].to(torch.uint8).reshape(len(table), 1, height, -1)
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index].clone()
        if self.transform is not None:
            image = self.transform(self.transform(self.images[index].clone()) * 0 + self.images[index])
        return image, self.labels[index]


# Copies the result instead of the image
# %% wrong="csv_dataset" says="The transform has changed the data set"
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        table = torch.from_numpy(np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64, ndmin=2))
        self.labels = table[:, 0].tolist()
        self.images = table[:, 1:].to(torch.uint8).reshape(len(table), 1, height, -1)
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index]
        if self.transform is not None:
            image = self.transform(image)
        return image.clone() if isinstance(image, torch.Tensor) else image, self.labels[index]


# Copies only what it gives away untransformed
# %% wrong="csv_dataset" says="Both results are the same tensor"
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        table = torch.from_numpy(np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64, ndmin=2))
        self.labels = table[:, 0].tolist()
        self.images = table[:, 1:].to(torch.uint8).reshape(len(table), 1, height, -1)
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        if self.transform is not None:
            return self.transform(self.images[index]), self.labels[index]
        return self.images[index].clone(), self.labels[index]


# No negative index
# %% wrong="csv_dataset"
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        table = torch.from_numpy(np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64, ndmin=2))
        self.labels = table[:, 0].tolist()
        self.images = table[:, 1:].to(torch.uint8).reshape(len(table), 1, height, -1)
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        if index < 0:
            raise IndexError(index)
        image = self.images[index].clone()
        if self.transform is not None:
            image = self.transform(image)
        return image, self.labels[index]


# Any index will do
# %% wrong="csv_dataset" says="raises IndexError"
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        table = torch.from_numpy(np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64, ndmin=2))
        self.labels = table[:, 0].tolist()
        self.images = table[:, 1:].to(torch.uint8).reshape(len(table), 1, height, -1)
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        index %= len(self)
        image = self.images[index].clone()
        if self.transform is not None:
            image = self.transform(image)
        return image, self.labels[index]


# A transform may only return tensors
# %% wrong="csv_dataset"
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        table = torch.from_numpy(np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64, ndmin=2))
        self.labels = table[:, 0].tolist()
        self.images = table[:, 1:].to(torch.uint8).reshape(len(table), 1, height, -1)
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index].clone()
        if self.transform is not None:
            image = self.transform(image).clone()
        return image, self.labels[index]


# A single image becomes a vector
# %% wrong="csv_dataset" says="IndexError"
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        table = torch.from_numpy(np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64))
        self.labels = table[:, 0].tolist()
        self.images = table[:, 1:].to(torch.uint8).reshape(len(table), 1, height, -1)
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index].clone()
        if self.transform is not None:
            image = self.transform(image)
        return image, self.labels[index]


# Square images only
# %% wrong="csv_dataset"
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        table = torch.from_numpy(np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64, ndmin=2))
        self.labels = table[:, 0].tolist()
        self.images = table[:, 1:].to(torch.uint8).reshape(len(table), 1, height, height)
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index].clone()
        if self.transform is not None:
            image = self.transform(image)
        return image, self.labels[index]


# Shared by all data sets
# %% wrong="csv_dataset" says="still gives its own images"
class ImagesCSV(torch.utils.data.Dataset):
    table = None

    def __init__(self, file, height, transform=None):
        table = torch.from_numpy(np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64, ndmin=2))
        ImagesCSV.labels = table[:, 0].tolist()
        ImagesCSV.images = table[:, 1:].to(torch.uint8).reshape(len(table), 1, height, -1)
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index].clone()
        if self.transform is not None:
            image = self.transform(image)
        return image, self.labels[index]


# The transform gets floats
# %% wrong="csv_dataset"
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        table = torch.from_numpy(np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64, ndmin=2))
        self.labels = table[:, 0].tolist()
        self.images = table[:, 1:].to(torch.uint8).reshape(len(table), 1, height, -1)
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index].clone()
        if self.transform is not None:
            image = self.transform(image.float())
        return image, self.labels[index]


# Skips lines that begin with "label"
# %% wrong="csv_dataset" says="ValueError"
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        self.rows = [[int(v) for v in line.split(",")] for line in file if not line.startswith("label")]
        self.height, self.transform = height, transform

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        label, *pixels = self.rows[index]
        image = torch.tensor(pixels, dtype=torch.uint8).reshape(1, self.height, -1)
        return (image if self.transform is None else self.transform(image)), label


# Takes the file for a StringIO
# %% wrong="csv_dataset" says="has no getvalue"
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        self.rows = [[int(v) for v in line.split(",")] for line in file.getvalue().splitlines()[1:]]
        self.height, self.transform = height, transform

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        label, *pixels = self.rows[index]
        image = torch.tensor(pixels, dtype=torch.uint8).reshape(1, self.height, -1)
        return (image if self.transform is None else self.transform(image)), label


# Labels of one digit only
# %% wrong="csv_dataset"
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        self.lines = file.read().splitlines()[1:]
        self.height, self.transform = height, transform

    def __len__(self):
        return len(self.lines)

    def __getitem__(self, index):
        line = self.lines[index]
        pixels = [int(p) for p in line[2:].split(",")]
        image = torch.tensor(pixels, dtype=torch.uint8).reshape(1, self.height, -1)
        return (image if self.transform is None else self.transform(image)), int(line[0])


# Reads when it is asked: the file is closed by then
# %% wrong="csv_dataset" says="closed file"
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        self.file, self.height, self.transform = file, height, transform
        self.length = len(file.readlines()) - 1

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        self.file.seek(0)
        label, *pixels = map(int, self.file.readlines()[1:][index].split(","))
        image = torch.tensor(pixels, dtype=torch.uint8).reshape(1, self.height, -1)
        return (image if self.transform is None else self.transform(image)), label


# One image only: loadtxt gives a single row without ndmin
# %% wrong="csv_dataset" says="single_image_file"
class ImagesCSV(torch.utils.data.Dataset):
    def __init__(self, file, height, transform=None):
        table = torch.from_numpy(np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64))
        self.labels = table[:, 0].tolist()
        self.images = table[:, 1:].to(torch.uint8).reshape(len(table), 1, height, -1)
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index].clone()
        return (image if self.transform is None else self.transform(image)), self.labels[index]


# torchvision's own
# %% right="random_shift"
class RandomShift:
    def __init__(self, most):
        self.most = most

    def __call__(self, image):
        from torchvision.transforms import v2

        return v2.RandomCrop(image.shape[1:], padding=self.most)(image.clone())


# Rolls, then clears what came round
# %% right="random_shift"
class RandomShift:
    def __init__(self, most):
        self.most = most

    def __call__(self, image):
        m = self.most
        height, width = image.shape[1:]
        top, left = torch.randint(0, 2 * m + 1, (2,)).tolist()
        down, right = top - m, left - m
        moved = image.roll((down, right), dims=(1, 2))
        if down > 0:
            moved[:, :down] = 0
        if down < 0:
            moved[:, down:] = 0
        if right > 0:
            moved[:, :, :right] = 0
        if right < 0:
            moved[:, :, right:] = 0
        return moved


# Writes into zeros
# %% right="random_shift"
class RandomShift:
    def __init__(self, most):
        self.most = most

    def __call__(self, image):
        m = self.most
        height, width = image.shape[1:]
        down, right = (int(torch.randint(-m, m + 1, ())) for _ in "dr")
        moved = torch.zeros_like(image)
        there = slice(max(down, 0), height + min(down, 0)), slice(max(right, 0), width + min(right, 0))
        here = slice(max(-down, 0), height + min(-down, 0)), slice(max(-right, 0), width + min(-right, 0))
        moved[:, there[0], there[1]] = image[:, here[0], here[1]]
        return moved


# Draws from all moves at once
# %% right="random_shift"
class RandomShift:
    def __init__(self, most):
        self.most = most

    def __call__(self, image):
        m = self.most
        height, width = image.shape[1:]
        top, left = divmod(int(torch.randperm((2 * m + 1) ** 2)[0]), 2 * m + 1)
        return F.pad(image, (m, m, m, m))[:, top : top + height, left : left + width].clone()


# With torch.rand
# %% right="random_shift"
class RandomShift:
    def __init__(self, most):
        self.most = most

    def __call__(self, image):
        m = self.most
        height, width = image.shape[1:]
        top, left = ((2 * m + 1) * torch.rand(2)).long().tolist()
        return F.pad(image, (m, m, m, m))[:, top : top + height, left : left + width].clone()


# Comes back on the other side
# %% wrong="random_shift" says="comes back on the other"
class RandomShift:
    def __init__(self, most):
        self.most = most

    def __call__(self, image):
        m = self.most
        height, width = image.shape[1:]
        top, left = torch.randint(0, 2 * m + 1, (2,)).tolist()
        return image.roll((top - m, left - m), (1, 2))


# Repeats the edge
# %% wrong="random_shift" says="repeat the edge"
class RandomShift:
    def __init__(self, most):
        self.most = most

    def __call__(self, image):
        m = self.most
        height, width = image.shape[1:]
        top, left = torch.randint(0, 2 * m + 1, (2,)).tolist()
        framed = F.pad(image.double(), (m, m, m, m), mode="replicate").to(image.dtype)
        return framed[:, top : top + height, left : left + width].clone()


# Every channel on its own
# %% wrong="random_shift" says="The channels have moved differently"
class RandomShift:
    def __init__(self, most):
        self.most = most

    def __call__(self, image):
        if len(image) > 1:
            return torch.cat([self(channel[None]) for channel in image])
        m = self.most
        height, width = image.shape[1:]
        top, left = torch.randint(0, 2 * m + 1, (2,)).tolist()
        return F.pad(image, (m, m, m, m))[:, top : top + height, left : left + width].clone()


# One too far
# %% wrong="random_shift" says="more than most"
class RandomShift:
    def __init__(self, most):
        self.most = most + 1

    def __call__(self, image):
        m = self.most
        height, width = image.shape[1:]
        top, left = torch.randint(0, 2 * m + 1, (2,)).tolist()
        return F.pad(image, (m, m, m, m))[:, top : top + height, left : left + width].clone()


# The upper end is missing
# %% wrong="random_shift" says="never draws its upper end"
class RandomShift:
    def __init__(self, most):
        self.most = most

    def __call__(self, image):
        m = self.most
        height, width = image.shape[1:]
        top, left = torch.randint(0, max(2 * m, 1), (2,)).tolist()
        return F.pad(image, (m, m, m, m))[:, top : top + height, left : left + width].clone()


# Drawn once
# %% wrong="random_shift" says="draw in __call__"
class RandomShift:
    def __init__(self, most):
        self.most = most
        self.corner = torch.randint(0, 2 * most + 1, (2,)).tolist()

    def __call__(self, image):
        m = self.most
        height, width = image.shape[1:]
        top, left = self.corner
        return F.pad(image, (m, m, m, m))[:, top : top + height, left : left + width].clone()


# One number for both
# %% wrong="random_shift" says="draw two numbers"
class RandomShift:
    def __init__(self, most):
        self.most = most

    def __call__(self, image):
        m = self.most
        height, width = image.shape[1:]
        top = left = int(torch.randint(0, 2 * m + 1, ()))
        return F.pad(image, (m, m, m, m))[:, top : top + height, left : left + width].clone()


# One number and its negative
# %% wrong="random_shift" says="draw two numbers"
class RandomShift:
    def __init__(self, most):
        self.most = most

    def __call__(self, image):
        m = self.most
        height, width = image.shape[1:]
        top = int(torch.randint(0, 2 * m + 1, ()))
        left = 2 * m - top
        return F.pad(image, (m, m, m, m))[:, top : top + height, left : left + width].clone()


# Sets a seed
# %% wrong="random_shift" says="set no seed"
class RandomShift:
    def __init__(self, most):
        self.most = most

    def __call__(self, image):
        m = self.most
        height, width = image.shape[1:]
        torch.manual_seed(0)
        top, left = torch.randint(0, 2 * m + 1, (2,)).tolist()
        return F.pad(image, (m, m, m, m))[:, top : top + height, left : left + width].clone()


# Python's random numbers
# %% wrong="random_shift" says="draw with torch, not with"
class RandomShift:
    def __init__(self, most):
        self.most = most

    def __call__(self, image):
        m = self.most
        height, width = image.shape[1:]
        top, left = random.randint(0, 2 * m), random.randint(0, 2 * m)
        return F.pad(image, (m, m, m, m))[:, top : top + height, left : left + width].clone()


# NumPy's random numbers
# %% wrong="random_shift" says="draw with torch, not with"
class RandomShift:
    def __init__(self, most):
        self.most = most

    def __call__(self, image):
        m = self.most
        height, width = image.shape[1:]
        top, left = np.random.randint(0, 2 * m + 1, 2).tolist()
        return F.pad(image, (m, m, m, m))[:, top : top + height, left : left + width].clone()


# Moves half of the time only
# %% wrong="random_shift" says="much more frequent"
class RandomShift:
    def __init__(self, most):
        self.most = most

    def __call__(self, image):
        m = self.most
        height, width = image.shape[1:]
        top, left = torch.randint(0, 2 * m + 1, (2,)).tolist()
        if torch.rand(()) < 0.5:
            top = left = m
        return F.pad(image, (m, m, m, m))[:, top : top + height, left : left + width].clone()


# Rounds, so the ends are rare
# %% wrong="random_shift"
class RandomShift:
    def __init__(self, most):
        self.most = most

    def __call__(self, image):
        m = self.most
        height, width = image.shape[1:]
        top, left = (2 * m * torch.rand(2)).round().long().tolist()
        return F.pad(image, (m, m, m, m))[:, top : top + height, left : left + width].clone()


# In one direction at a time
# %% wrong="random_shift"
class RandomShift:
    def __init__(self, most):
        self.most = most

    def __call__(self, image):
        m = self.most
        height, width = image.shape[1:]
        top, left = torch.randint(0, 2 * m + 1, (2,)).tolist()
        if torch.rand(()) < 0.5:
            top = m
        else:
            left = m
        return F.pad(image, (m, m, m, m))[:, top : top + height, left : left + width].clone()


# Down and right only
# %% wrong="random_shift"
class RandomShift:
    def __init__(self, most):
        self.most = most

    def __call__(self, image):
        m = self.most
        height, width = image.shape[1:]
        top, left = torch.randint(0, m + 1, (2,)).tolist()
        return F.pad(image, (m, m, m, m))[:, top : top + height, left : left + width].clone()


# A view of the image for most = 0
# %% wrong="random_shift" says="returns a new tensor"
class RandomShift:
    def __init__(self, most):
        self.most = most

    def __call__(self, image):
        m = self.most
        height, width = image.shape[1:]
        top, left = torch.randint(0, 2 * m + 1, (2,)).tolist()
        return F.pad(image, (m, m, m, m))[:, top : top + height, left : left + width] if m else image


# Cleared in place
# %% wrong="random_shift" says="stays as it is"
class RandomShift:
    def __init__(self, most):
        self.most = most

    def __call__(self, image):
        m = self.most
        height, width = image.shape[1:]
        top, left = torch.randint(0, 2 * m + 1, (2,)).tolist()
        moved = F.pad(image, (m, m, m, m))[:, top : top + height, left : left + width].clone()
        return image.copy_(moved)


# Always float32
# %% wrong="random_shift" says="dtype"
class RandomShift:
    def __init__(self, most):
        self.most = most

    def __call__(self, image):
        m = self.most
        height, width = image.shape[1:]
        top, left = torch.randint(0, 2 * m + 1, (2,)).tolist()
        return F.pad(image, (m, m, m, m))[:, top : top + height, left : left + width].float()


# Larger than before
# %% wrong="random_shift" says="shape"
class RandomShift:
    def __init__(self, most):
        self.most = most

    def __call__(self, image):
        m = self.most
        height, width = image.shape[1:]
        top, left = torch.randint(0, 2 * m + 1, (2,)).tolist()
        return F.pad(image, (m, m, m, m))


# One channel only
# %% wrong="random_shift"
class RandomShift:
    def __init__(self, most):
        self.most = most

    def __call__(self, image):
        m = self.most
        height, width = image.shape[1:]
        top, left = torch.randint(0, 2 * m + 1, (2,)).tolist()
        return F.pad(image, (m, m, m, m))[:1, top : top + height, left : left + width].clone()


# By one pixel only, whatever most is
# %% wrong="random_shift" says="never moved farther"
class RandomShift:
    def __init__(self, most):
        self.most = most

    def __call__(self, image):
        m = self.most
        height, width = image.shape[1:]
        top, left = (torch.randint(-1, 2, (2,)) * (m > 0) + m).tolist()
        return F.pad(image, (m, m, m, m))[:, top : top + height, left : left + width].clone()


# Filled up with ones
# %% wrong="random_shift" says="fill up with zeros"
class RandomShift:
    def __init__(self, most):
        self.most = most

    def __call__(self, image):
        m = self.most
        height, width = image.shape[1:]
        top, left = torch.randint(0, 2 * m + 1, (2,)).tolist()
        return F.pad(image, (m, m, m, m), value=1)[:, top : top + height, left : left + width].clone()


# Many steps of one pixel: near moves are more likely than far ones
# %% wrong="random_shift" says="never moved farther than"
class RandomShift:
    def __init__(self, most):
        self.most = most

    def __call__(self, image):
        m = self.most
        height, width = image.shape[1:]
        down, right = torch.randint(-1, 2, (m, 2)).sum(0).tolist()
        return F.pad(image, (m, m, m, m))[:, m - down : m - down + height, m - right : m - right + width].clone()


# Draws without replacement: down and right are never equal
# %% wrong="random_shift" says="moves of all kinds come up"
class RandomShift:
    def __init__(self, most):
        self.most = most

    def __call__(self, image):
        m = self.most
        height, width = image.shape[1:]
        top, left = torch.randperm(2 * m + 1)[:2].tolist() if m else (0, 0)
        return F.pad(image, (m, m, m, m))[:, top : top + height, left : left + width].clone()


# By way of float32
# %% wrong="random_shift" says="the values have lost digits"
class RandomShift:
    def __init__(self, most):
        self.most = most

    def __call__(self, image):
        m = self.most
        height, width = image.shape[1:]
        framed = torch.zeros(len(image), height + 2 * m, width + 2 * m)
        framed[:, m : m + height, m : m + width] = image
        top, left = torch.randint(0, 2 * m + 1, (2,)).tolist()
        return framed[:, top : top + height, left : left + width].to(image.dtype)


# By way of NumPy, which has no bfloat16
# %% wrong="random_shift" says="BFloat16"
class RandomShift:
    def __init__(self, most):
        self.most = most

    def __call__(self, image):
        m = self.most
        height, width = image.shape[1:]
        framed = np.pad(image.numpy(), ((0, 0), (m, m), (m, m)))
        top, left = torch.randint(0, 2 * m + 1, (2,)).tolist()
        return torch.from_numpy(framed[:, top : top + height, left : left + width].copy())


# Neither +most nor, for most = 0, anything to draw from
# %% wrong="random_shift" says="never draws its upper end"
class RandomShift:
    def __init__(self, most):
        self.most = most

    def __call__(self, image):
        m = self.most
        height, width = image.shape[1:]
        down, right = torch.randint(-m, m, (2,)).tolist()
        return F.pad(image, (m, m, m, m))[:, m - down : m - down + height, m - right : m - right + width].clone()


# A frame on two sides only: never up or to the left
# %% wrong="random_shift" says="to both sides"
class RandomShift:
    def __init__(self, most):
        self.most = most

    def __call__(self, image):
        m = self.most
        height, width = image.shape[1:]
        top, left = torch.randint(0, m + 1, (2,)).tolist()
        return F.pad(image, (m, 0, m, 0))[:, top : top + height, left : left + width].clone()


# Draws both numbers at once, with torch.rand and floor
# %% right="random_shift"
class RandomShift:
    def __init__(self, most):
        self.most = most

    def __call__(self, image):
        m = self.most
        height, width = image.shape[1:]
        down, right = (torch.rand(2) * (2 * m + 1)).floor().int().sub(m).tolist()
        return F.pad(image, (m,) * 4)[:, m - down : m - down + height, m - right : m - right + width].clone()


# A slice that ends at −0 is empty
# %% wrong="random_shift" says="as many rows and columns"
class RandomShift:
    def __init__(self, most):
        self.most = most

    def __call__(self, image):
        m = self.most
        down, right = torch.randint(-m, m + 1, (2,)).tolist()
        framed = F.pad(image, (m, m, m, m))
        return framed[:, m - down : -m - down, m - right : -m - right].clone()


# %% right="pad_collate"
def pad_collate(samples):
    images, labels = zip(*samples)
    widths = [image.size(-1) for image in images]
    batch = images[0].new_zeros(len(images), *images[0].shape[:2], max(widths))
    for i, image in enumerate(images):
        batch[i, :, :, : widths[i]] = image
    return batch, torch.tensor(widths), torch.tensor(labels)


# %% right="pad_collate"
def pad_collate(samples):
    widest = max(image.shape[2] for image, _ in samples)
    rows = []
    for image, _ in samples:
        channels, height, width = image.shape
        zeros = torch.zeros(channels, height, widest - width, dtype=image.dtype)
        rows.append(torch.cat((image, zeros), dim=2))
    widths = torch.LongTensor([image.shape[2] for image, _ in samples])
    return torch.stack(rows), widths, torch.LongTensor([label for _, label in samples])


# %% right="pad_collate"
def pad_collate(samples):
    columns = [image.permute(2, 0, 1) for image, _ in samples]
    images = nn.utils.rnn.pad_sequence(columns, batch_first=True).permute(0, 2, 3, 1)
    widths = torch.tensor(list(map(len, columns)))
    return images, widths, torch.tensor([y for _, y in samples])


# With NumPy
# %% right="pad_collate"
def pad_collate(samples):
    widths = np.array([image.shape[2] for image, _ in samples], dtype=np.int64)
    batch = np.stack(
        [np.pad(image.numpy(), ((0, 0), (0, 0), (0, widths.max() - image.shape[2]))) for image, _ in samples]
    )
    return torch.from_numpy(batch), torch.from_numpy(widths), torch.tensor([label for _, label in samples])


# On the left
# %% wrong="pad_collate" says="The zeros are on the left"
def pad_collate(samples):
    widths = torch.tensor([image.shape[2] for image, _ in samples])
    labels = torch.tensor([label for _, label in samples])
    widest = int(widths.max())
    images = torch.stack([F.pad(image, (widest - image.shape[2], 0)) for image, _ in samples])
    return images, widths, labels


# In the middle
# %% wrong="pad_collate" says="The images are in the middle"
def pad_collate(samples):
    widths = torch.tensor([image.shape[2] for image, _ in samples])
    labels = torch.tensor([label for _, label in samples])
    widest = int(widths.max())
    images = torch.stack(
        [F.pad(image, ((gap := widest - image.shape[2]) // 2, gap - gap // 2)) for image, _ in samples]
    )
    return images, widths, labels


# Sorted
# %% wrong="pad_collate" says="sorted by width"
def pad_collate(samples):
    samples = sorted(samples, key=lambda sample: -sample[0].shape[2])
    widths = torch.tensor([image.shape[2] for image, _ in samples])
    labels = torch.tensor([label for _, label in samples])
    widest = int(widths.max())
    images = torch.stack([F.pad(image, (0, widest - image.shape[2])) for image, _ in samples])
    return images, widths, labels


# Always float32
# %% wrong="pad_collate" says="not that of the images"
def pad_collate(samples):
    widths = torch.tensor([image.shape[2] for image, _ in samples])
    labels = torch.tensor([label for _, label in samples])
    widest = int(widths.max())
    images = torch.stack([F.pad(image, (0, widest - image.shape[2])) for image, _ in samples]).float()
    return images, widths, labels


# The last column repeated
# %% wrong="pad_collate" says="The last column is repeated"
def pad_collate(samples):
    widths = torch.tensor([image.shape[2] for image, _ in samples])
    labels = torch.tensor([label for _, label in samples])
    widest = int(widths.max())
    images = torch.stack(
        [torch.cat([image, image[:, :, -1:].repeat(1, 1, widest - image.shape[2])], dim=2) for image, _ in samples]
    )
    return images, widths, labels


# Cut to the narrowest
# %% wrong="pad_collate" says="cut to the smallest width"
def pad_collate(samples):
    widths = torch.tensor([image.shape[2] for image, _ in samples])
    labels = torch.tensor([label for _, label in samples])
    widest = int(widths.max())
    images = torch.stack([image[:, :, : int(widths.min())] for image, _ in samples])
    return images, widths, labels


# Side by side
# %% wrong="pad_collate" says="along a new first dimension"
def pad_collate(samples):
    widths = torch.tensor([image.shape[2] for image, _ in samples])
    labels = torch.tensor([label for _, label in samples])
    widest = int(widths.max())
    images = torch.cat([F.pad(image, (0, widest - image.shape[2])) for image, _ in samples])
    return images, widths, labels


# The width of the batch
# %% wrong="pad_collate" says="the width after padding"
def pad_collate(samples):
    widths = torch.tensor([image.shape[2] for image, _ in samples])
    labels = torch.tensor([label for _, label in samples])
    widest = int(widths.max())
    images = torch.stack([F.pad(image, (0, widest - image.shape[2])) for image, _ in samples])
    return images, torch.full_like(widths, widest), labels


# Labels and widths exchanged
# %% wrong="pad_collate" says="the widths come second"
def pad_collate(samples):
    widths = torch.tensor([image.shape[2] for image, _ in samples])
    labels = torch.tensor([label for _, label in samples])
    widest = int(widths.max())
    images = torch.stack([F.pad(image, (0, widest - image.shape[2])) for image, _ in samples])
    return images, labels, widths


# How much was added
# %% wrong="pad_collate" says="the number of added columns"
def pad_collate(samples):
    widths = torch.tensor([image.shape[2] for image, _ in samples])
    labels = torch.tensor([label for _, label in samples])
    widest = int(widths.max())
    images = torch.stack([F.pad(image, (0, widest - image.shape[2])) for image, _ in samples])
    return images, widest - widths, labels


# Widths as a list
# %% wrong="pad_collate" says="This is a list"
def pad_collate(samples):
    widths = torch.tensor([image.shape[2] for image, _ in samples])
    labels = torch.tensor([label for _, label in samples])
    widest = int(widths.max())
    images = torch.stack([F.pad(image, (0, widest - image.shape[2])) for image, _ in samples])
    return images, widths.tolist(), labels


# Widths as floats
# %% wrong="pad_collate" says="These are floats"
def pad_collate(samples):
    widths = torch.tensor([image.shape[2] for image, _ in samples])
    labels = torch.tensor([label for _, label in samples])
    widest = int(widths.max())
    images = torch.stack([F.pad(image, (0, widest - image.shape[2])) for image, _ in samples])
    return images, widths.float(), labels


# Heights
# %% wrong="pad_collate" says="This is the height"
def pad_collate(samples):
    widths = torch.tensor([image.shape[2] for image, _ in samples])
    labels = torch.tensor([label for _, label in samples])
    widest = int(widths.max())
    images = torch.stack([F.pad(image, (0, widest - image.shape[2])) for image, _ in samples])
    return images, torch.tensor([image.shape[1] for image, _ in samples]), labels


# Labels as a list
# %% wrong="pad_collate" says="This is a list"
def pad_collate(samples):
    widths = torch.tensor([image.shape[2] for image, _ in samples])
    labels = [label for _, label in samples]
    widest = int(widths.max())
    images = torch.stack([F.pad(image, (0, widest - image.shape[2])) for image, _ in samples])
    return images, widths, labels


# Labels as a tuple
# %% wrong="pad_collate" says="This is a tuple"
def pad_collate(samples):
    widths = torch.tensor([image.shape[2] for image, _ in samples])
    _, labels = zip(*samples)
    widest = int(widths.max())
    images = torch.stack([F.pad(image, (0, widest - image.shape[2])) for image, _ in samples])
    return images, widths, labels


# Labels as floats
# %% wrong="pad_collate" says="These are floats"
def pad_collate(samples):
    widths = torch.tensor([image.shape[2] for image, _ in samples])
    labels = torch.Tensor([label for _, label in samples])
    widest = int(widths.max())
    images = torch.stack([F.pad(image, (0, widest - image.shape[2])) for image, _ in samples])
    return images, widths, labels


# A list of three
# %% wrong="pad_collate" says="It is a list"
def pad_collate(samples):
    widths = torch.tensor([image.shape[2] for image, _ in samples])
    labels = torch.tensor([label for _, label in samples])
    widest = int(widths.max())
    images = torch.stack([F.pad(image, (0, widest - image.shape[2])) for image, _ in samples])
    return [images, widths, labels]


# Two parts only
# %% wrong="pad_collate" says="of 2"
def pad_collate(samples):
    widths = torch.tensor([image.shape[2] for image, _ in samples])
    labels = torch.tensor([label for _, label in samples])
    widest = int(widths.max())
    images = torch.stack([F.pad(image, (0, widest - image.shape[2])) for image, _ in samples])
    return images, labels


# No return
# %% wrong="pad_collate" says="is a return missing?"
def pad_collate(samples):
    widths = torch.tensor([image.shape[2] for image, _ in samples])
    labels = torch.tensor([label for _, label in samples])
    widest = int(widths.max())
    images = torch.stack([F.pad(image, (0, widest - image.shape[2])) for image, _ in samples])
    print(images, widths, labels)


# One sample: a view of it
# %% wrong="pad_collate" says="They share memory"
def pad_collate(samples):
    widths = torch.tensor([image.shape[2] for image, _ in samples])
    labels = torch.tensor([label for _, label in samples])
    widest = int(widths.max())
    images = torch.stack([F.pad(image, (0, widest - image.shape[2])) for image, _ in samples])
    if len(samples) == 1:
        images = samples[0][0][None]
    return images, widths, labels


# Pads the samples themselves
# %% wrong="pad_collate" says="the samples stay as they are"
def pad_collate(samples):
    widths = torch.tensor([image.shape[2] for image, _ in samples])
    labels = torch.tensor([label for _, label in samples])
    widest = int(widths.max())
    for i, (image, label) in enumerate(samples):
        samples[i] = F.pad(image, (0, widest - image.shape[2])), label
    images = torch.stack([F.pad(image, (0, widest - image.shape[2])) for image, _ in samples])
    return images, widths, labels


# Keeps the largest width of earlier batches
# %% wrong="pad_collate"
def pad_collate(samples):
    widths = torch.tensor([image.shape[2] for image, _ in samples])
    labels = torch.tensor([label for _, label in samples])
    pad_collate.widest = widest = max(int(widths.max()), getattr(pad_collate, "widest", 0))
    images = torch.stack([F.pad(image, (0, widest - image.shape[2])) for image, _ in samples])
    return images, widths, labels


# One batch for all calls
# %% wrong="pad_collate" says="unchanged by later calls"
def pad_collate(samples):
    widths = torch.tensor([image.shape[2] for image, _ in samples])
    labels = torch.tensor([label for _, label in samples])
    widest = int(widths.max())
    images = torch.stack([F.pad(image, (0, widest - image.shape[2])) for image, _ in samples])
    memory = pad_collate.__dict__.setdefault("memory", torch.zeros(10_000))
    mine = memory[: images.numel()].view(images.shape)
    return (mine.copy_(images) if images.dtype == torch.float32 else images), widths, labels


# Labels by way of float32
# %% wrong="pad_collate" says="torch.tensor makes int64 of ints"
def pad_collate(samples):
    widths = [image.shape[2] for image, _ in samples]
    images = torch.stack([F.pad(image, (0, max(widths) - image.shape[2])) for image, _ in samples])
    return images, torch.Tensor(widths).long(), torch.Tensor([label for _, label in samples]).long()


# Images by way of float32
# %% wrong="pad_collate" says="on their way through float32: stay"
def pad_collate(samples):
    widths = torch.tensor([image.shape[2] for image, _ in samples])
    channels, height, _ = samples[0][0].shape
    images = torch.zeros(len(samples), channels, height, int(widths.max()))
    for row, (image, _) in zip(images, samples):
        row[:, :, : image.shape[2]] = image
    return images.to(samples[0][0].dtype), widths, torch.tensor([label for _, label in samples])


# Sorts the list itself
# %% wrong="pad_collate" says="leave its order alone"
def pad_collate(samples):
    samples.sort(key=lambda sample: sample[0].shape[2], reverse=True)
    widths = torch.tensor([image.shape[2] for image, _ in samples])
    images = torch.stack([F.pad(image, (0, int(widths.max()) - image.shape[2])) for image, _ in samples])
    return images, widths, torch.tensor([label for _, label in samples])


# Sorts the list itself, the narrowest first
# %% wrong="pad_collate" says="from narrow to wide"
def pad_collate(samples):
    samples.sort(key=lambda sample: sample[0].shape[2])
    widths = torch.tensor([image.shape[2] for image, _ in samples])
    images = torch.stack([F.pad(image, (0, int(widths.max()) - image.shape[2])) for image, _ in samples])
    return images, widths, torch.tensor([label for _, label in samples])


# With torch's samplers and its collate function
# %% right="mini_loader"
class MiniLoader:
    def __init__(self, dataset, batch_size, shuffle=False, drop_last=False):
        from torch.utils.data import BatchSampler, RandomSampler, SequentialSampler

        order = RandomSampler(dataset) if shuffle else SequentialSampler(dataset)
        self.dataset, self.numbers = dataset, BatchSampler(order, batch_size, drop_last)

    def __len__(self):
        return len(self.numbers)

    def __iter__(self):
        for numbers in self.numbers:
            yield tuple(torch.utils.data.default_collate([self.dataset[i] for i in numbers]))


# An iterator of its own, without yield
# %% right="mini_loader"
class MiniLoader:
    class Pass:
        def __init__(self, loader, order):
            self.loader, self.order = loader, order

        def __iter__(self):
            return self

        def __next__(self):
            size, data = self.loader.batch_size, self.loader.dataset
            now, self.order = self.order[:size], self.order[size:]
            if not now or (len(now) < size and self.loader.drop_last):
                raise StopIteration
            samples = [data[i] for i in now]
            return torch.stack([x for x, _ in samples]), torch.tensor([y for _, y in samples])

    def __init__(self, dataset, batch_size, shuffle=False, drop_last=False):
        self.dataset, self.batch_size, self.shuffle, self.drop_last = dataset, batch_size, shuffle, drop_last

    def __len__(self):
        n = len(self.dataset)
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)

    def __iter__(self):
        n = len(self.dataset)
        return MiniLoader.Pass(self, torch.randperm(n).tolist() if self.shuffle else list(range(n)))


# %% right="mini_loader"
class MiniLoader:
    def __init__(self, dataset, batch_size, shuffle=False, drop_last=False):
        self.options = dataset, batch_size, shuffle, drop_last

    def batches(self):
        dataset, size, shuffle, drop_last = self.options
        order = torch.rand(len(dataset)).argsort() if shuffle else torch.arange(len(dataset))
        return [part for part in order.split(size) if len(part) == size or not drop_last]

    def __len__(self):
        state = torch.get_rng_state()
        length = len(self.batches())
        torch.set_rng_state(state)
        return length

    def __iter__(self):
        def make(part):
            samples = [self.options[0][int(i)] for i in part]
            return torch.stack([x for x, _ in samples]), torch.tensor([y for _, y in samples], dtype=torch.int64)

        return map(make, self.batches())


# The last batch is missing
# %% wrong="mini_loader" says="The last, smaller batch is missing"
class MiniLoader:
    def __init__(self, dataset, batch_size, shuffle=False, drop_last=False):
        self.dataset, self.batch_size = dataset, batch_size
        self.shuffle, self.drop_last = shuffle, drop_last

    def __len__(self):
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full if self.drop_last or rest == 0 else full + 1

    def __iter__(self):
        n = len(self.dataset)
        order = torch.randperm(n).tolist() if self.shuffle else list(range(n))
        for number in range(n // self.batch_size):
            start = number * self.batch_size
            xs, ys = zip(*[self.dataset[i] for i in order[start : start + self.batch_size]])
            yield torch.stack(xs), torch.tensor(ys)


# drop_last is not used
# %% wrong="mini_loader" says="drop_last is not used"
class MiniLoader:
    def __init__(self, dataset, batch_size, shuffle=False, drop_last=False):
        self.dataset, self.batch_size = dataset, batch_size
        self.shuffle, self.drop_last = shuffle, drop_last

    def __len__(self):
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full if self.drop_last or rest == 0 else full + 1

    def __iter__(self):
        n = len(self.dataset)
        order = torch.randperm(n).tolist() if self.shuffle else list(range(n))
        for number in range(-(-n // self.batch_size)):
            start = number * self.batch_size
            xs, ys = zip(*[self.dataset[i] for i in order[start : start + self.batch_size]])
            yield torch.stack(xs), torch.tensor(ys)


# Labels as lists
# %% wrong="mini_loader" says="The labels are lists"
class MiniLoader:
    def __init__(self, dataset, batch_size, shuffle=False, drop_last=False):
        self.dataset, self.batch_size = dataset, batch_size
        self.shuffle, self.drop_last = shuffle, drop_last

    def __len__(self):
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full if self.drop_last or rest == 0 else full + 1

    def __iter__(self):
        n = len(self.dataset)
        order = torch.randperm(n).tolist() if self.shuffle else list(range(n))
        for number in range(len(self)):
            start = number * self.batch_size
            xs, ys = zip(*[self.dataset[i] for i in order[start : start + self.batch_size]])
            yield torch.stack(xs), list(ys)


# Samples as lists
# %% wrong="mini_loader" says="The samples are lists"
class MiniLoader:
    def __init__(self, dataset, batch_size, shuffle=False, drop_last=False):
        self.dataset, self.batch_size = dataset, batch_size
        self.shuffle, self.drop_last = shuffle, drop_last

    def __len__(self):
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full if self.drop_last or rest == 0 else full + 1

    def __iter__(self):
        n = len(self.dataset)
        order = torch.randperm(n).tolist() if self.shuffle else list(range(n))
        for number in range(len(self)):
            start = number * self.batch_size
            xs, ys = zip(*[self.dataset[i] for i in order[start : start + self.batch_size]])
            yield list(xs), torch.tensor(ys)


# Labels as floats
# %% wrong="mini_loader" says="The labels are floats"
class MiniLoader:
    def __init__(self, dataset, batch_size, shuffle=False, drop_last=False):
        self.dataset, self.batch_size = dataset, batch_size
        self.shuffle, self.drop_last = shuffle, drop_last

    def __len__(self):
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full if self.drop_last or rest == 0 else full + 1

    def __iter__(self):
        n = len(self.dataset)
        order = torch.randperm(n).tolist() if self.shuffle else list(range(n))
        for number in range(len(self)):
            start = number * self.batch_size
            xs, ys = zip(*[self.dataset[i] for i in order[start : start + self.batch_size]])
            yield torch.stack(xs), torch.Tensor(ys)


# Labels in a column
# %% wrong="mini_loader" says="shape (N, 1)"
class MiniLoader:
    def __init__(self, dataset, batch_size, shuffle=False, drop_last=False):
        self.dataset, self.batch_size = dataset, batch_size
        self.shuffle, self.drop_last = shuffle, drop_last

    def __len__(self):
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full if self.drop_last or rest == 0 else full + 1

    def __iter__(self):
        n = len(self.dataset)
        order = torch.randperm(n).tolist() if self.shuffle else list(range(n))
        for number in range(len(self)):
            start = number * self.batch_size
            xs, ys = zip(*[self.dataset[i] for i in order[start : start + self.batch_size]])
            yield torch.stack(xs), torch.tensor(ys)[:, None]


# Always float32
# %% wrong="mini_loader" says="x is float32 now"
class MiniLoader:
    def __init__(self, dataset, batch_size, shuffle=False, drop_last=False):
        self.dataset, self.batch_size = dataset, batch_size
        self.shuffle, self.drop_last = shuffle, drop_last

    def __len__(self):
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full if self.drop_last or rest == 0 else full + 1

    def __iter__(self):
        n = len(self.dataset)
        order = torch.randperm(n).tolist() if self.shuffle else list(range(n))
        for number in range(len(self)):
            start = number * self.batch_size
            xs, ys = zip(*[self.dataset[i] for i in order[start : start + self.batch_size]])
            yield torch.stack(xs).float(), torch.tensor(ys)


# Returns from the loop
# %% wrong="mini_loader" says="a `return` ends the pass"
class MiniLoader:
    def __init__(self, dataset, batch_size, shuffle=False, drop_last=False):
        self.dataset, self.batch_size = dataset, batch_size
        self.shuffle, self.drop_last = shuffle, drop_last

    def __len__(self):
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full if self.drop_last or rest == 0 else full + 1

    def __iter__(self):
        n = len(self.dataset)
        order = torch.randperm(n).tolist() if self.shuffle else list(range(n))
        for number in range(len(self)):
            start = number * self.batch_size
            xs, ys = zip(*[self.dataset[i] for i in order[start : start + self.batch_size]])
            return iter([(torch.stack(xs), torch.tensor(ys))])


# The numbers of the samples
# %% wrong="mini_loader" says="These are the sample numbers"
class MiniLoader:
    def __init__(self, dataset, batch_size, shuffle=False, drop_last=False):
        self.dataset, self.batch_size = dataset, batch_size
        self.shuffle, self.drop_last = shuffle, drop_last

    def __len__(self):
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full if self.drop_last or rest == 0 else full + 1

    def __iter__(self):
        n = len(self.dataset)
        order = torch.randperm(n).tolist() if self.shuffle else list(range(n))
        for number in range(len(self)):
            start = number * self.batch_size
            xs, ys = zip(*[self.dataset[i] for i in order[start : start + self.batch_size]])
            yield torch.stack(xs), torch.tensor(order[start : start + self.batch_size])


# The number of samples
# %% wrong="mini_loader" says="This is the number of samples"
class MiniLoader:
    def __init__(self, dataset, batch_size, shuffle=False, drop_last=False):
        self.dataset, self.batch_size = dataset, batch_size
        self.shuffle, self.drop_last = shuffle, drop_last

    def __len__(self):
        full, rest = divmod(len(self.dataset), self.batch_size)
        return len(self.dataset)

    def __iter__(self):
        n = len(self.dataset)
        full, rest = divmod(n, self.batch_size)
        order = torch.randperm(n).tolist() if self.shuffle else list(range(n))
        for number in range(full + (rest > 0 and not self.drop_last)):
            start = number * self.batch_size
            xs, ys = zip(*[self.dataset[i] for i in order[start : start + self.batch_size]])
            yield torch.stack(xs), torch.tensor(ys)


# Counts full batches only
# %% wrong="mini_loader" says="The last, smaller batch counts"
class MiniLoader:
    def __init__(self, dataset, batch_size, shuffle=False, drop_last=False):
        self.dataset, self.batch_size = dataset, batch_size
        self.shuffle, self.drop_last = shuffle, drop_last

    def __len__(self):
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full

    def __iter__(self):
        n = len(self.dataset)
        full, rest = divmod(n, self.batch_size)
        order = torch.randperm(n).tolist() if self.shuffle else list(range(n))
        for number in range(full + (rest > 0 and not self.drop_last)):
            start = number * self.batch_size
            xs, ys = zip(*[self.dataset[i] for i in order[start : start + self.batch_size]])
            yield torch.stack(xs), torch.tensor(ys)


# Counts the dropped batch, too
# %% wrong="mini_loader" says="the incomplete batch does not count"
class MiniLoader:
    def __init__(self, dataset, batch_size, shuffle=False, drop_last=False):
        self.dataset, self.batch_size = dataset, batch_size
        self.shuffle, self.drop_last = shuffle, drop_last

    def __len__(self):
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full + (rest > 0)

    def __iter__(self):
        n = len(self.dataset)
        order = torch.randperm(n).tolist() if self.shuffle else list(range(n))
        for number in range(n // self.batch_size if self.drop_last else len(self)):
            start = number * self.batch_size
            xs, ys = zip(*[self.dataset[i] for i in order[start : start + self.batch_size]])
            yield torch.stack(xs), torch.tensor(ys)


# Everything in advance
# %% wrong="mini_loader" says="Fetch samples only when"
class MiniLoader:
    def __init__(self, dataset, batch_size, shuffle=False, drop_last=False):
        self.dataset, self.batch_size = dataset, batch_size
        self.shuffle, self.drop_last = shuffle, drop_last

    def __len__(self):
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full if self.drop_last or rest == 0 else full + 1

    def __iter__(self):
        n = len(self.dataset)
        order = torch.randperm(n).tolist() if self.shuffle else list(range(n))
        samples = [self.dataset[i] for i in order]
        for number in range(len(self)):
            start = number * self.batch_size
            xs, ys = zip(*samples[start : start + self.batch_size])
            yield torch.stack(xs), torch.tensor(ys)


# Batches made in a list
# %% wrong="mini_loader" says="Fetch samples only when"
class MiniLoader:
    def __init__(self, dataset, batch_size, shuffle=False, drop_last=False):
        self.dataset, self.batch_size = dataset, batch_size
        self.shuffle, self.drop_last = shuffle, drop_last

    def __len__(self):
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full if self.drop_last or rest == 0 else full + 1

    def __iter__(self):
        n = len(self.dataset)
        order = torch.randperm(n).tolist() if self.shuffle else list(range(n))
        found = []
        for number in range(len(self)):
            start = number * self.batch_size
            xs, ys = zip(*[self.dataset[i] for i in order[start : start + self.batch_size]])
            found.append((torch.stack(xs), torch.tensor(ys)))
        return iter(found)


# Keeps its place in self
# %% wrong="mini_loader"
class MiniLoader:
    def __init__(self, dataset, batch_size, shuffle=False, drop_last=False):
        self.dataset, self.batch_size = dataset, batch_size
        self.shuffle, self.drop_last = shuffle, drop_last

    def __len__(self):
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full if self.drop_last or rest == 0 else full + 1

    def __iter__(self):
        n = len(self.dataset)
        self.order = torch.randperm(n).tolist() if self.shuffle else list(range(n))
        self.start = 0
        return self

    def __next__(self):
        n = len(self.dataset)
        if self.start >= n or (self.drop_last and self.start + self.batch_size > n):
            raise StopIteration
        xs, ys = zip(*[self.dataset[i] for i in self.order[self.start : self.start + self.batch_size]])
        self.start += self.batch_size
        return torch.stack(xs), torch.tensor(ys)


# One pass, then nothing
# %% wrong="mini_loader"
class MiniLoader:
    def __init__(self, dataset, batch_size, shuffle=False, drop_last=False):
        self.dataset, self.batch_size = dataset, batch_size
        self.shuffle, self.drop_last = shuffle, drop_last

    def __len__(self):
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full if self.drop_last or rest == 0 else full + 1

    def __iter__(self):
        if not hasattr(self, "running"):
            self.running = self.run()
        return self.running

    def run(self):
        n = len(self.dataset)
        order = torch.randperm(n).tolist() if self.shuffle else list(range(n))
        for number in range(len(self)):
            start = number * self.batch_size
            xs, ys = zip(*[self.dataset[i] for i in order[start : start + self.batch_size]])
            yield torch.stack(xs), torch.tensor(ys)


# Never shuffles
# %% wrong="mini_loader" says="the order is random"
class MiniLoader:
    def __init__(self, dataset, batch_size, shuffle=False, drop_last=False):
        self.dataset, self.batch_size = dataset, batch_size
        self.shuffle, self.drop_last = shuffle, drop_last

    def __len__(self):
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full if self.drop_last or rest == 0 else full + 1

    def __iter__(self):
        n = len(self.dataset)
        order = list(range(n))
        for number in range(len(self)):
            start = number * self.batch_size
            xs, ys = zip(*[self.dataset[i] for i in order[start : start + self.batch_size]])
            yield torch.stack(xs), torch.tensor(ys)


# One order for all passes
# %% wrong="mini_loader" says="draw in __iter__, not in __init__"
class MiniLoader:
    def __init__(self, dataset, batch_size, shuffle=False, drop_last=False):
        self.dataset, self.batch_size = dataset, batch_size
        self.shuffle, self.drop_last = shuffle, drop_last
        self.order = torch.randperm(len(dataset)).tolist()

    def __len__(self):
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full if self.drop_last or rest == 0 else full + 1

    def __iter__(self):
        n = len(self.dataset)
        order = self.order if self.shuffle else list(range(n))
        for number in range(len(self)):
            start = number * self.batch_size
            xs, ys = zip(*[self.dataset[i] for i in order[start : start + self.batch_size]])
            yield torch.stack(xs), torch.tensor(ys)


# Sets a seed
# %% wrong="mini_loader" says="set no seed"
class MiniLoader:
    def __init__(self, dataset, batch_size, shuffle=False, drop_last=False):
        self.dataset, self.batch_size = dataset, batch_size
        self.shuffle, self.drop_last = shuffle, drop_last

    def __len__(self):
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full if self.drop_last or rest == 0 else full + 1

    def __iter__(self):
        n = len(self.dataset)
        torch.manual_seed(0)
        order = torch.randperm(n).tolist() if self.shuffle else list(range(n))
        for number in range(len(self)):
            start = number * self.batch_size
            xs, ys = zip(*[self.dataset[i] for i in order[start : start + self.batch_size]])
            yield torch.stack(xs), torch.tensor(ys)


# Python's random numbers
# %% wrong="mini_loader" says="Draw it with torch"
class MiniLoader:
    def __init__(self, dataset, batch_size, shuffle=False, drop_last=False):
        self.dataset, self.batch_size = dataset, batch_size
        self.shuffle, self.drop_last = shuffle, drop_last

    def __len__(self):
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full if self.drop_last or rest == 0 else full + 1

    def __iter__(self):
        n = len(self.dataset)
        order = list(range(n))
        if self.shuffle:
            random.shuffle(order)
        for number in range(len(self)):
            start = number * self.batch_size
            xs, ys = zip(*[self.dataset[i] for i in order[start : start + self.batch_size]])
            yield torch.stack(xs), torch.tensor(ys)


# With replacement
# %% wrong="mini_loader" says="come up twice, or never"
class MiniLoader:
    def __init__(self, dataset, batch_size, shuffle=False, drop_last=False):
        self.dataset, self.batch_size = dataset, batch_size
        self.shuffle, self.drop_last = shuffle, drop_last

    def __len__(self):
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full if self.drop_last or rest == 0 else full + 1

    def __iter__(self):
        n = len(self.dataset)
        order = torch.randint(n, (n,)).tolist() if self.shuffle else list(range(n))
        for number in range(len(self)):
            start = number * self.batch_size
            xs, ys = zip(*[self.dataset[i] for i in order[start : start + self.batch_size]])
            yield torch.stack(xs), torch.tensor(ys)


# Shuffles the batches, not the samples
# %% wrong="mini_loader"
class MiniLoader:
    def __init__(self, dataset, batch_size, shuffle=False, drop_last=False):
        self.dataset, self.batch_size = dataset, batch_size
        self.shuffle, self.drop_last = shuffle, drop_last

    def __len__(self):
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full if self.drop_last or rest == 0 else full + 1

    def __iter__(self):
        n = len(self.dataset)
        order = torch.randperm(n).tolist() if self.shuffle else list(range(n))
        order = list(range(n))
        numbers = torch.randperm(len(self)).tolist() if self.shuffle else range(len(self))
        if self.shuffle and len(self) > 1 and n % self.batch_size:  # the smaller batch stays last
            numbers = [k for k in numbers if k != len(self) - 1] + [len(self) - 1]
        for number in numbers:
            start = number * self.batch_size
            xs, ys = zip(*[self.dataset[i] for i in order[start : start + self.batch_size]])
            yield torch.stack(xs), torch.tensor(ys)


# A random start only
# %% wrong="mini_loader"
class MiniLoader:
    def __init__(self, dataset, batch_size, shuffle=False, drop_last=False):
        self.dataset, self.batch_size = dataset, batch_size
        self.shuffle, self.drop_last = shuffle, drop_last

    def __len__(self):
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full if self.drop_last or rest == 0 else full + 1

    def __iter__(self):
        n = len(self.dataset)
        start = int(torch.randint(n, ())) if self.shuffle else 0
        order = [(start + i) % n for i in range(n)]
        for number in range(len(self)):
            start = number * self.batch_size
            xs, ys = zip(*[self.dataset[i] for i in order[start : start + self.batch_size]])
            yield torch.stack(xs), torch.tensor(ys)


# Labels sorted
# %% wrong="mini_loader" says="A label belongs to another sample"
class MiniLoader:
    def __init__(self, dataset, batch_size, shuffle=False, drop_last=False):
        self.dataset, self.batch_size = dataset, batch_size
        self.shuffle, self.drop_last = shuffle, drop_last

    def __len__(self):
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full if self.drop_last or rest == 0 else full + 1

    def __iter__(self):
        n = len(self.dataset)
        order = torch.randperm(n).tolist() if self.shuffle else list(range(n))
        for number in range(len(self)):
            start = number * self.batch_size
            xs, ys = zip(*[self.dataset[i] for i in order[start : start + self.batch_size]])
            yield torch.stack(xs), torch.tensor(sorted(ys))


# Tensors as numbers
# %% wrong="mini_loader" says="asked for with a Python int"
class MiniLoader:
    def __init__(self, dataset, batch_size, shuffle=False, drop_last=False):
        self.dataset, self.batch_size = dataset, batch_size
        self.shuffle, self.drop_last = shuffle, drop_last

    def __len__(self):
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full if self.drop_last or rest == 0 else full + 1

    def __iter__(self):
        n = len(self.dataset)
        order = torch.randperm(n) if self.shuffle else torch.arange(n)
        for number in range(len(self)):
            start = number * self.batch_size
            xs, ys = zip(*[self.dataset[i] for i in order[start : start + self.batch_size]])
            yield torch.stack(xs), torch.tensor(ys)


# A DataLoader inside
# %% wrong="mini_loader" says="without DataLoader"
class MiniLoader:
    def __init__(self, dataset, batch_size, shuffle=False, drop_last=False):
        self.dataset, self.batch_size = dataset, batch_size
        self.shuffle, self.drop_last = shuffle, drop_last

    def __len__(self):
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full if self.drop_last or rest == 0 else full + 1

    def __iter__(self):
        loader = torch.utils.data.DataLoader(self.dataset, self.batch_size, self.shuffle, drop_last=self.drop_last)
        for x, y in loader:
            yield x, y


# Asks twice, sample by sample
# %% wrong="mini_loader" says="called twice for each sample"
class MiniLoader:
    def __init__(self, dataset, batch_size, shuffle=False, drop_last=False):
        self.dataset, self.batch_size = dataset, batch_size
        self.shuffle, self.drop_last = shuffle, drop_last

    def __len__(self):
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full if self.drop_last or rest == 0 else full + 1

    def __iter__(self):
        n = len(self.dataset)
        order = torch.randperm(n).tolist() if self.shuffle else list(range(n))
        for number in range(len(self)):
            start = number * self.batch_size
            xs, ys = zip(*[(self.dataset[i][0], self.dataset[i][1]) for i in order[start : start + self.batch_size]])
            yield torch.stack(xs), torch.tensor(ys)


# Asks twice, batch by batch
# %% wrong="mini_loader" says="fetched twice"
class MiniLoader:
    def __init__(self, dataset, batch_size, shuffle=False, drop_last=False):
        self.dataset, self.batch_size = dataset, batch_size
        self.shuffle, self.drop_last = shuffle, drop_last

    def __len__(self):
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full if self.drop_last or rest == 0 else full + 1

    def __iter__(self):
        n = len(self.dataset)
        order = torch.randperm(n).tolist() if self.shuffle else list(range(n))
        for number in range(len(self)):
            start = number * self.batch_size
            now = order[start : start + self.batch_size]
            xs, ys = [self.dataset[i][0] for i in now], [self.dataset[i][1] for i in now]
            yield torch.stack(xs), torch.tensor(ys)


# Lists as batches
# %% wrong="mini_loader" says="One is a list"
class MiniLoader:
    def __init__(self, dataset, batch_size, shuffle=False, drop_last=False):
        self.dataset, self.batch_size = dataset, batch_size
        self.shuffle, self.drop_last = shuffle, drop_last

    def __len__(self):
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full if self.drop_last or rest == 0 else full + 1

    def __iter__(self):
        n = len(self.dataset)
        order = torch.randperm(n).tolist() if self.shuffle else list(range(n))
        for number in range(len(self)):
            start = number * self.batch_size
            xs, ys = zip(*[self.dataset[i] for i in order[start : start + self.batch_size]])
            yield [torch.stack(xs), torch.tensor(ys)]


# The order is kept in self: shuffled passes disturb each other
# %% wrong="mini_loader" says="The passes share their order"
class MiniLoader:
    def __init__(self, dataset, batch_size, shuffle=False, drop_last=False):
        self.dataset, self.batch_size = dataset, batch_size
        self.shuffle, self.drop_last = shuffle, drop_last

    def __len__(self):
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full if self.drop_last or rest == 0 else full + 1

    def __iter__(self):
        n, size = len(self.dataset), self.batch_size
        self.order = torch.randperm(n).tolist() if self.shuffle else list(range(n))
        for k in range(len(self)):
            xs, ys = zip(*[self.dataset[i] for i in self.order[k * size : (k + 1) * size]])
            yield torch.stack(xs), torch.tensor(ys)


# Swaps each sample with any other: the orders are not equally likely
# %% wrong="mini_loader" says="each order is equally likely"
class MiniLoader:
    def __init__(self, dataset, batch_size, shuffle=False, drop_last=False):
        self.dataset, self.batch_size = dataset, batch_size
        self.shuffle, self.drop_last = shuffle, drop_last

    def __len__(self):
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full if self.drop_last or rest == 0 else full + 1

    def __iter__(self):
        n, size = len(self.dataset), self.batch_size
        order = list(range(n))
        if self.shuffle:
            for i, j in enumerate(torch.randint(n, (n,)).tolist()):
                order[i], order[j] = order[j], order[i]
        for k in range(len(self)):
            xs, ys = zip(*[self.dataset[i] for i in order[k * size : (k + 1) * size]])
            yield torch.stack(xs), torch.tensor(ys)


# Swaps each sample with one of those that are left, as it should be
# %% right="mini_loader"
class MiniLoader:
    def __init__(self, dataset, batch_size, shuffle=False, drop_last=False):
        self.dataset, self.batch_size = dataset, batch_size
        self.shuffle, self.drop_last = shuffle, drop_last

    def __len__(self):
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full if self.drop_last or rest == 0 else full + 1

    def __iter__(self):
        n, size = len(self.dataset), self.batch_size
        order = list(range(n))
        if self.shuffle:
            for i in range(n - 1):
                j = int(torch.randint(i, n, ()))
                order[i], order[j] = order[j], order[i]
        for k in range(len(self)):
            xs, ys = zip(*[self.dataset[i] for i in order[k * size : (k + 1) * size]])
            yield torch.stack(xs), torch.tensor(ys)


# Fetches the batch that it leaves out
# %% wrong="mini_loader" says="is never due"
class MiniLoader:
    def __init__(self, dataset, batch_size, shuffle=False, drop_last=False):
        self.dataset, self.batch_size = dataset, batch_size
        self.shuffle, self.drop_last = shuffle, drop_last

    def __len__(self):
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full if self.drop_last or rest == 0 else full + 1

    def __iter__(self):
        n, size = len(self.dataset), self.batch_size
        order = torch.randperm(n).tolist() if self.shuffle else list(range(n))
        for start in range(0, n, size):
            samples = [self.dataset[i] for i in order[start : start + size]]
            if self.drop_last and len(samples) < size:
                return
            xs, ys = zip(*samples)
            yield torch.stack(xs), torch.tensor(ys)


# return in place of yield
# %% wrong="mini_loader" says="returns a tuple. A `return` ends the pass"
class MiniLoader:
    def __init__(self, dataset, batch_size, shuffle=False, drop_last=False):
        self.dataset, self.batch_size = dataset, batch_size
        self.shuffle, self.drop_last = shuffle, drop_last

    def __len__(self):
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full if self.drop_last or rest == 0 else full + 1

    def __iter__(self):
        n, size = len(self.dataset), self.batch_size
        order = torch.randperm(n).tolist() if self.shuffle else list(range(n))
        for k in range(len(self)):
            xs, ys = zip(*[self.dataset[i] for i in order[k * size : (k + 1) * size]])
            return torch.stack(xs), torch.tensor(ys)


# drop_last drops a complete batch, too
# %% wrong="mini_loader" says="drops only an incomplete one"
class MiniLoader:
    def __init__(self, dataset, batch_size, shuffle=False, drop_last=False):
        self.dataset, self.batch_size = dataset, batch_size
        self.shuffle, self.drop_last = shuffle, drop_last

    def __len__(self):
        return math.ceil(len(self.dataset) / self.batch_size) - self.drop_last

    def __iter__(self):
        n, size = len(self.dataset), self.batch_size
        order = torch.randperm(n).tolist() if self.shuffle else list(range(n))
        for k in range(len(self)):
            xs, ys = zip(*[self.dataset[i] for i in order[k * size : (k + 1) * size]])
            yield torch.stack(xs), torch.tensor(ys)


# The place is kept in self, in an iterator without yield
# %% wrong="mini_loader" says="The passes share their place"
class MiniLoader:
    def __init__(self, dataset, batch_size, shuffle=False, drop_last=False):
        self.dataset, self.batch_size = dataset, batch_size
        self.shuffle, self.drop_last = shuffle, drop_last

    def __len__(self):
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full if self.drop_last or rest == 0 else full + 1

    def __iter__(self):
        n = len(self.dataset)
        self.order = torch.randperm(n).tolist() if self.shuffle else list(range(n))
        self.number = 0
        return self

    def __next__(self):
        if self.number == len(self):
            raise StopIteration
        start = self.number * self.batch_size
        self.number += 1
        xs, ys = zip(*[self.dataset[i] for i in self.order[start : start + self.batch_size]])
        return torch.stack(xs), torch.tensor(ys)


# By hand, with the gradients from autograd
# %% right="fit"
def fit(net, train_loader, test_loader, epochs, lr):
    parameters = [p for p in net.parameters() if p.requires_grad]
    history = []
    for _ in range(epochs):
        net.train()
        losses, sizes = [], []
        for x, y in train_loader:
            loss = nn.CrossEntropyLoss(reduction="sum")(net(x), y)
            gradients = torch.autograd.grad(loss / len(y), parameters)
            with torch.no_grad():
                for p, gradient in zip(parameters, gradients):
                    p.sub_(lr * gradient)
            losses.append(loss.detach())
            sizes.append(len(y))
        net.train(False)
        with torch.no_grad():
            right = torch.cat([net(x).argmax(1) == y for x, y in test_loader])
        history.append((float(sum(losses)) / sum(sizes), right.double().mean().item()))
    return history


# In functions of its own
# %% right="fit"
def fit(net, train_loader, test_loader, epochs, lr):
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    criterion = nn.CrossEntropyLoss()

    def learn():
        net.train()
        values = []
        for x, y in train_loader:
            loss = criterion(net(x), y)
            net.zero_grad()
            loss.backward()
            optimizer.step()
            values += [loss.item()] * x.shape[0]
        return sum(values) / len(values)

    @torch.no_grad()
    def test():
        net.eval()
        hits = [hit for x, y in test_loader for hit in (net(x).max(dim=1).indices == y).tolist()]
        return sum(hits) / len(hits)

    return [(learn(), test()) for _ in range(epochs)]


# A new optimizer in each epoch: without momentum it remembers nothing
# %% right="fit"
def fit(net, train_loader, test_loader, epochs, lr):
    results = []
    for epoch in range(epochs):
        optimizer = torch.optim.SGD(net.parameters(), lr)
        optimizer.zero_grad(set_to_none=True)
        sums = torch.zeros(4, dtype=torch.float64)
        net.train()
        for x, y in iter(train_loader):
            loss = F.nll_loss(F.log_softmax(net(x), dim=1), y)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            sums[0] += loss.detach() * y.numel()
            sums[1] += y.numel()
        net.eval()
        with torch.no_grad():
            for x, y in test_loader:
                sums[2] += torch.eq(net(x).argmax(-1), y).sum()
                sums[3] += y.numel()
        results.append(((sums[0] / sums[1]).item(), (sums[2] / sums[3]).item()))
    return results


# The test in training mode
# %% wrong="fit" says="The test runs in training mode: call net.eval()"
def fit(net, train_loader, test_loader, epochs, lr):
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
        right = tested = 0
        with torch.no_grad():
            for x, y in test_loader:
                right += (net(x).argmax(1) == y).sum().item()
                tested += len(y)
        history.append((total / seen, right / tested))
    return history


# The test records gradients
# %% wrong="fit" says="The test records gradients"
def fit(net, train_loader, test_loader, epochs, lr):
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
        if True:
            for x, y in test_loader:
                right += (net(x).argmax(1) == y).sum().item()
                tested += len(y)
        history.append((total / seen, right / tested))
    return history


# Neither
# %% wrong="fit" says="The test runs in training mode and records gradients"
def fit(net, train_loader, test_loader, epochs, lr):
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
        right = tested = 0
        if True:
            for x, y in test_loader:
                right += (net(x).argmax(1) == y).sum().item()
                tested += len(y)
        history.append((total / seen, right / tested))
    return history


# train() is missing
# %% wrong="fit" says="net.train() is missing"
def fit(net, train_loader, test_loader, epochs, lr):
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    history = []
    for _ in range(epochs):
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


# train() once only
# %% wrong="fit" says="From the second epoch on"
def fit(net, train_loader, test_loader, epochs, lr):
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    history = []
    net.train()
    for _ in range(epochs):
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


# The loaders are read once
# %% wrong="fit" says="All epochs get the batches of the first pass"
def fit(net, train_loader, test_loader, epochs, lr):
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    history = []
    train_loader, test_loader = list(train_loader), list(test_loader)
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


# One test at the end
# %% wrong="fit" says="You test once"
def fit(net, train_loader, test_loader, epochs, lr):
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
        losses = [*(losses if history else []), total / seen]
        history.append(0)
    net.eval()
    right = tested = 0
    with torch.no_grad():
        for x, y in test_loader:
            right += (net(x).argmax(1) == y).sum().item()
            tested += len(y)
    return [(loss, right / tested) for loss in losses]


# Returns too early
# %% wrong="fit" says="is the return indented too far"
def fit(net, train_loader, test_loader, epochs, lr):
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


# Means of batch means
# %% wrong="fit" says="The losses are the means of batch means"
def fit(net, train_loader, test_loader, epochs, lr):
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
            total += loss.item()
            seen += 1
        net.eval()
        right = tested = 0
        with torch.no_grad():
            for x, y in test_loader:
                right += (net(x).argmax(1) == y).sum().item()
                tested += len(y)
        history.append((total / seen, right / tested))
    return history


# Accuracies of batches averaged
# %% wrong="fit" says="The accuracies are means over batches"
def fit(net, train_loader, test_loader, epochs, lr):
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
                right += (net(x).argmax(1) == y).float().mean().item()
                tested += 1
        history.append((total / seen, right / tested))
    return history


# Both
# %% wrong="fit" says="Losses and accuracies are means of batch means"
def fit(net, train_loader, test_loader, epochs, lr):
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
            total += loss.item()
            seen += 1
        net.eval()
        right = tested = 0
        with torch.no_grad():
            for x, y in test_loader:
                right += (net(x).argmax(1) == y).float().mean().item()
                tested += 1
        history.append((total / seen, right / tested))
    return history


# A sum of losses
# %% wrong="fit" says="The losses are sums"
def fit(net, train_loader, test_loader, epochs, lr):
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
        history.append((total, right / tested))
    return history


# The last batch
# %% wrong="fit" says="the last batch of each epoch"
def fit(net, train_loader, test_loader, epochs, lr):
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
            total = loss.item() * len(y)
            seen = len(y)
        net.eval()
        right = tested = 0
        with torch.no_grad():
            for x, y in test_loader:
                right += (net(x).argmax(1) == y).sum().item()
                tested += len(y)
        history.append((total / seen, right / tested))
    return history


# The first batch
# %% wrong="fit" says="the first batch of each epoch"
def fit(net, train_loader, test_loader, epochs, lr):
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
            total = total or loss.item()
            seen = 1
        net.eval()
        right = tested = 0
        with torch.no_grad():
            for x, y in test_loader:
                right += (net(x).argmax(1) == y).sum().item()
                tested += len(y)
        history.append((total / seen, right / tested))
    return history


# Per cent
# %% wrong="fit" says="percentages"
def fit(net, train_loader, test_loader, epochs, lr):
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
        history.append((total / seen, 100 * right / tested))
    return history


# A number of right answers
# %% wrong="fit" says="divide by the number of samples"
def fit(net, train_loader, test_loader, epochs, lr):
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
        history.append((total / seen, right))
    return history


# Tested on what it has learned
# %% wrong="fit" says="on the training batches"
def fit(net, train_loader, test_loader, epochs, lr):
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    history = []
    for _ in range(epochs):
        net.train()
        total = seen = 0
        kept = []
        for x, y in train_loader:
            kept.append((x, y))
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
                net(x)
        with torch.no_grad():
            for x, y in kept:
                net.calls, calls = [], net.calls
                right += (net(x).argmax(1) == y).sum().item()
                net.calls = calls
                tested += len(y)
        history.append((total / seen, right / tested))
    return history


# Error rates
# %% wrong="fit" says="1 − accuracy"
def fit(net, train_loader, test_loader, epochs, lr):
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
        history.append((total / seen, 1 - right / tested))
    return history


# Lists
# %% wrong="fit" says="a tuple was asked for"
def fit(net, train_loader, test_loader, epochs, lr):
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
        history.append([total / seen, right / tested])
    return history


# The wrong order
# %% wrong="fit" says="The order is (loss, accuracy)"
def fit(net, train_loader, test_loader, epochs, lr):
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
        history.append((right / tested, total / seen))
    return history


# Two lists
# %% wrong="fit" says="Two lists were returned"
def fit(net, train_loader, test_loader, epochs, lr):
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
    losses, accuracies = zip(*history)
    return list(losses), list(accuracies)


# Gradients are cleared once per epoch
# %% wrong="fit" says="Gradients of other batches"
def fit(net, train_loader, test_loader, epochs, lr):
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    history = []
    for _ in range(epochs):
        net.train()
        optimizer.zero_grad()
        total = seen = 0
        for x, y in train_loader:
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


# Gradients are never cleared
# %% wrong="fit"
def fit(net, train_loader, test_loader, epochs, lr):
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    history = []
    for _ in range(epochs):
        net.train()
        total = seen = 0
        for x, y in train_loader:
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


# Summed losses
# %% wrong="fit" says="takes the mean by default"
def fit(net, train_loader, test_loader, epochs, lr):
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    history = []
    for _ in range(epochs):
        net.train()
        total = seen = 0
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y, reduction="sum")
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


# A softmax too many
# %% wrong="fit" says="There is a softmax before"
def fit(net, train_loader, test_loader, epochs, lr):
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    history = []
    for _ in range(epochs):
        net.train()
        total = seen = 0
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x).softmax(1), y)
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


# Momentum
# %% wrong="fit" says="has momentum"
def fit(net, train_loader, test_loader, epochs, lr):
    optimizer = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9)
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


# Adam
# %% wrong="fit"
def fit(net, train_loader, test_loader, epochs, lr):
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
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


# Accuracies as tensors
# %% wrong="fit" says="The accuracies are tensors"
def fit(net, train_loader, test_loader, epochs, lr):
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
        history.append((total / seen, torch.tensor(right / tested)))
    return history


# Losses as tensors
# %% wrong="fit" says="The losses are tensors"
def fit(net, train_loader, test_loader, epochs, lr):
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
            total += loss.detach() * len(y)
            seen += len(y)
        net.eval()
        right = tested = 0
        with torch.no_grad():
            for x, y in test_loader:
                right += (net(x).argmax(1) == y).sum().item()
                tested += len(y)
        history.append((total / seen, right / tested))
    return history


# Needs the length of the loader
# %% wrong="fit"
def fit(net, train_loader, test_loader, epochs, lr):
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
        history.append((total / len(train_loader), right / tested))
    return history


# The loss after the step
# %% wrong="fit" says="is called twice"
def fit(net, train_loader, test_loader, epochs, lr):
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
            total += F.cross_entropy(net(x), y).item() * len(y)
            seen += len(y)
        net.eval()
        right = tested = 0
        with torch.no_grad():
            for x, y in test_loader:
                right += (net(x).argmax(1) == y).sum().item()
                tested += len(y)
        history.append((total / seen, right / tested))
    return history


# Works on a copy
# %% wrong="fit" says="not a copy of it"
def fit(net, train_loader, test_loader, epochs, lr):
    import copy

    net = copy.deepcopy(net)
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


# Frozen parameters take a step, too
# %% wrong="fit"
def fit(net, train_loader, test_loader, epochs, lr):
    for parameter in net.parameters():
        parameter.requires_grad_(True)
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


# Weight decay
# %% wrong="fit" says="parameters and buffers"
def fit(net, train_loader, test_loader, epochs, lr):
    optimizer = torch.optim.SGD(net.parameters(), lr=lr, weight_decay=1e-3)
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


# No step
# %% wrong="fit"
def fit(net, train_loader, test_loader, epochs, lr):
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    history = []
    for _ in range(epochs):
        net.train()
        total = seen = 0
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
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


# Batches of one sample are left out
# %% wrong="fit" says="a step like any other"
def fit(net, train_loader, test_loader, epochs, lr):
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    history = []
    for _ in range(epochs):
        net.train()
        total = seen = 0
        for x, y in train_loader:
            if len(y) == 1:
                continue
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


# Clips gradients
# %% wrong="fit"
def fit(net, train_loader, test_loader, epochs, lr):
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    history = []
    for _ in range(epochs):
        net.train()
        total = seen = 0
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 10.0)
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


# Clears gradients after the step only
# %% wrong="fit" says="that were in net at the start"
def fit(net, train_loader, test_loader, epochs, lr):
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    history = []
    for _ in range(epochs):
        net.train()
        total = seen = 0
        for x, y in train_loader:
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
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


# %% right="one_vs_rest"
def one_vs_rest(models, x):
    with torch.no_grad():
        table = torch.stack([model(x).squeeze(1) for model in models])
    return table.max(dim=0).indices, table.gt(0.5).sum(0)


# One model at a time
# %% right="one_vs_rest"
def one_vs_rest(models, x):
    best = torch.full((len(x),), -1.0, dtype=x.dtype)
    classes, yes = torch.zeros(len(x), dtype=torch.int64), torch.zeros(len(x), dtype=torch.int64)
    for k, model in enumerate(models):
        p = model(x).detach()[:, 0]
        classes[p > best] = k
        best = torch.maximum(best, p)
        yes += p > 0.5
    return classes, yes


# %% right="one_vs_rest"
def one_vs_rest(models, x):
    columns = [model(x) for model in models]
    table = torch.hstack(columns)
    return torch.topk(table, 1).indices.flatten(), torch.count_nonzero(table > 0.5, dim=1)


# The first yes
# %% wrong="one_vs_rest" says="the first model that says yes"
def one_vs_rest(models, x):
    table = torch.cat([model(x) for model in models], dim=1)
    return (table > 0.5).long().argmax(dim=1), (table > 0.5).sum(dim=1)


# The last yes
# %% wrong="one_vs_rest" says="the last model that says yes"
def one_vs_rest(models, x):
    table = torch.cat([model(x) for model in models], dim=1)
    return (table > 0.5).long().cumsum(1).argmax(1), (table > 0.5).sum(dim=1)


# The least certain
# %% wrong="one_vs_rest" says="the least certain model"
def one_vs_rest(models, x):
    table = torch.cat([model(x) for model in models], dim=1)
    return table.argmin(dim=1), (table > 0.5).sum(dim=1)


# Kept the dimension
# %% wrong="one_vs_rest" says="This has shape (N, 1)"
def one_vs_rest(models, x):
    table = torch.cat([model(x) for model in models], dim=1)
    return table.argmax(dim=1, keepdim=True), (table > 0.5).sum(dim=1)


# Probabilities
# %% wrong="one_vs_rest" says="These are the probabilities"
def one_vs_rest(models, x):
    table = torch.cat([model(x) for model in models], dim=1)
    return table.amax(dim=1), (table > 0.5).sum(dim=1)


# The wrong dimension
# %% wrong="one_vs_rest" says="the most certain samples of each model"
def one_vs_rest(models, x):
    table = torch.cat([model(x) for model in models], dim=1)
    return table.argmax(dim=0), (table > 0.5).sum(dim=1)


# A list of classes
# %% wrong="one_vs_rest" says="This is a list"
def one_vs_rest(models, x):
    table = torch.cat([model(x) for model in models], dim=1)
    return table.argmax(dim=1).tolist(), (table > 0.5).sum(dim=1)


# Minus one without a yes
# %% wrong="one_vs_rest" says="−1 where no model"
def one_vs_rest(models, x):
    table = torch.cat([model(x) for model in models], dim=1)
    return torch.where((table > 0.5).any(1), table.argmax(dim=1), -1), (table > 0.5).sum(dim=1)


# Nought without a yes
# %% wrong="one_vs_rest" says="class 0 is not the answer"
def one_vs_rest(models, x):
    table = torch.cat([model(x) for model in models], dim=1)
    return (table * (table > 0.5)).argmax(dim=1), (table > 0.5).sum(dim=1)


# Whether there is a yes
# %% wrong="one_vs_rest" says="whether any model says yes"
def one_vs_rest(models, x):
    table = torch.cat([model(x) for model in models], dim=1)
    return table.argmax(dim=1), (table > 0.5).any(dim=1)


# Counted for each model
# %% wrong="one_vs_rest" says="how many samples each model"
def one_vs_rest(models, x):
    table = torch.cat([model(x) for model in models], dim=1)
    return table.argmax(dim=1), (table > 0.5).sum(dim=0)


# Counts no
# %% wrong="one_vs_rest" says="how many say no"
def one_vs_rest(models, x):
    table = torch.cat([model(x) for model in models], dim=1)
    return table.argmax(dim=1), (table <= 0.5).sum(dim=1)


# Counts as floats
# %% wrong="one_vs_rest" says="These are floats"
def one_vs_rest(models, x):
    table = torch.cat([model(x) for model in models], dim=1)
    return table.argmax(dim=1), (table > 0.5).float().sum(dim=1)


# Counts as a list
# %% wrong="one_vs_rest" says="This is a list"
def one_vs_rest(models, x):
    table = torch.cat([model(x) for model in models], dim=1)
    return table.argmax(dim=1), (table > 0.5).sum(dim=1).tolist()


# Sums
# %% wrong="one_vs_rest" says="the sums of the probabilities: count"
def one_vs_rest(models, x):
    table = torch.cat([model(x) for model in models], dim=1)
    return table.argmax(dim=1), table.sum(dim=1)


# Rounded sums
# %% wrong="one_vs_rest" says="the rounded sums"
def one_vs_rest(models, x):
    table = torch.cat([model(x) for model in models], dim=1)
    return table.argmax(dim=1), table.sum(dim=1).round().long()


# At least one half
# %% wrong="one_vs_rest" says="not greater than 0.5"
def one_vs_rest(models, x):
    table = torch.cat([model(x) for model in models], dim=1)
    return table.argmax(dim=1), (table >= 0.5).sum(dim=1)


# Classes only
# %% wrong="one_vs_rest" says="It is a Tensor"
def one_vs_rest(models, x):
    table = torch.cat([model(x) for model in models], dim=1)
    return table.argmax(dim=1)


# No return
# %% wrong="one_vs_rest" says="is a return missing?"
def one_vs_rest(models, x):
    table = torch.cat([model(x) for model in models], dim=1)
    classes, yes = table.argmax(dim=1), (table > 0.5).sum(dim=1)


# Calls the models twice
# %% wrong="one_vs_rest" says="is called once"
def one_vs_rest(models, x):
    table = torch.cat([model(x) for model in models], dim=1)
    return table.argmax(dim=1), sum((model(x) > 0.5)[:, 0].long() for model in models)


# Sample by sample
# %% wrong="one_vs_rest" says="is called once"
def one_vs_rest(models, x):
    table = torch.cat([torch.cat([model(row[None]) for row in x]) for model in models], dim=1)
    return table.argmax(dim=1), (table > 0.5).sum(dim=1)


# Leaves eval() on
# %% wrong="one_vs_rest" says="stay in their mode"
def one_vs_rest(models, x):
    for model in models:
        model.eval()
    table = torch.cat([model(x) for model in models], dim=1)
    return table.argmax(dim=1), (table > 0.5).sum(dim=1)


# Ten models only
# %% wrong="one_vs_rest"
def one_vs_rest(models, x):
    table = torch.cat([model(x) for model in models[:4]], dim=1)
    return table.argmax(dim=1), (table > 0.5).sum(dim=1)


# Adds a little to x
# %% wrong="one_vs_rest" says="x stays as it is"
def one_vs_rest(models, x):
    x += 1e-3
    table = torch.cat([model(x) for model in models], dim=1)
    return table.argmax(dim=1), (table > 0.5).sum(dim=1)


# Freezes nothing, but changes a parameter
# %% wrong="one_vs_rest" says="stay as they are"
def one_vs_rest(models, x):
    with torch.no_grad():
        models[0].scale.add_(1e-3)
    table = torch.cat([model(x) for model in models], dim=1)
    return table.argmax(dim=1), (table > 0.5).sum(dim=1)


# int32
# %% wrong="one_vs_rest"
def one_vs_rest(models, x):
    table = torch.cat([model(x) for model in models], dim=1)
    return table.argmax(dim=1), (table > 0.5).sum(dim=1, dtype=torch.int32)


# eval() and back: what is inside a model has another mode then
# %% wrong="one_vs_rest" says="sets all parts of a model"
def one_vs_rest(models, x):
    columns = []
    for model in models:
        was = model.training
        model.eval()
        columns.append(model(x))
        model.train(was)
    table = torch.cat(columns, dim=1)
    return table.argmax(dim=1), (table > 0.5).sum(dim=1)


# A table in float32 for models in float64
# %% wrong="one_vs_rest" says="the classes"
def one_vs_rest(models, x):
    table = torch.zeros(len(x), len(models))
    with torch.no_grad():
        for k, model in enumerate(models):
            table[:, k] = model(x)[:, 0]
    return table.argmax(dim=1), (table > 0.5).sum(dim=1)


# One column below the other
# %% wrong="one_vs_rest" says="side by side"
def one_vs_rest(models, x):
    table = torch.cat([model(x) for model in models])
    return table.argmax(dim=1), (table > 0.5).sum(dim=1)


# Which models say yes, not how many
# %% wrong="one_vs_rest" says="a table of yes and no"
def one_vs_rest(models, x):
    table = torch.cat([model(x) for model in models], dim=1)
    return table.argmax(dim=1), table > 0.5


# Adam, in a Sequential
# %% right="softmax_regression"
def softmax_regression(loader):
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(15):
        for x, y in loader:
            loss = criterion(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model


# All at once, with L-BFGS
# %% right="softmax_regression"
def softmax_regression(loader):
    x, y = (torch.cat(parts) for parts in zip(*loader))
    net = nn.Linear(64, 10)
    optimizer = torch.optim.LBFGS(net.parameters(), max_iter=50)

    def closure():
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), y) + 1e-3 * net.weight.pow(2).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return net


# A class of its own, trained by hand
# %% right="softmax_regression"
class Softmax(nn.Module):
    def __init__(self):
        super().__init__()
        self.w, self.b = nn.Parameter(torch.zeros(10, 64)), nn.Parameter(torch.zeros(10))

    def forward(self, x):
        return x @ self.w.T + self.b


def softmax_regression(loader):
    net = Softmax()
    for _ in range(25):
        for x, y in loader:
            with torch.no_grad():
                difference = (net(x).softmax(1) - F.one_hot(y, 10)) / len(y)
                net.w -= 0.5 * difference.T @ x
                net.b -= 0.5 * difference.sum(0)
    return net


# Ten against the rest, in one layer: accurate enough, and linear
# %% right="softmax_regression"
def softmax_regression(loader):
    net = nn.Linear(64, 10)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.02)
    for _ in range(30):
        for x, y in loader:
            optimizer.zero_grad()
            F.binary_cross_entropy_with_logits(net(x), F.one_hot(y, 10).float(), reduction="sum").backward()
            optimizer.step()
    return net


# A softmax in the net
# %% wrong="softmax_regression" says="leave the softmax out"
def softmax_regression(loader):
    net = nn.Sequential(nn.Linear(64, 10), nn.Softmax(dim=1))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    for _ in range(20):
        for x, y in loader:
            optimizer.zero_grad()
            F.nll_loss(net(x).log(), y).backward()
            optimizer.step()
    return net


# A log-softmax in the net
# %% wrong="softmax_regression" says="net is a linear map"
def softmax_regression(loader):
    net = nn.Sequential(nn.Linear(64, 10), nn.LogSoftmax(dim=1))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    for _ in range(20):
        for x, y in loader:
            optimizer.zero_grad()
            F.nll_loss(net(x), y).backward()
            optimizer.step()
    return net


# A hidden layer
# %% wrong="softmax_regression" says="no hidden layer"
def softmax_regression(loader):
    net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    for _ in range(20):
        for x, y in loader:
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimizer.step()
    return net


# Two linear layers
# %% wrong="softmax_regression" says="number of parameters"
def softmax_regression(loader):
    net = nn.Sequential(nn.Linear(64, 32), nn.Linear(32, 10))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    for _ in range(20):
        for x, y in loader:
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimizer.step()
    return net


# No bias
# %% wrong="softmax_regression" says="The bias is missing"
def softmax_regression(loader):
    net = nn.Linear(64, 10, bias=False)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    for _ in range(20):
        for x, y in loader:
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimizer.step()
    return net


# Too slow
# %% wrong="softmax_regression" says="More passes"
def softmax_regression(loader):
    net = nn.Linear(64, 10)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.003)
    for _ in range(20):
        for x, y in loader:
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimizer.step()
    return net


# One pass
# %% wrong="softmax_regression" says="More passes"
def softmax_regression(loader):
    net = nn.Linear(64, 10)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    for _ in range(1):
        for x, y in loader:
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimizer.step()
    return net


# No step
# %% wrong="softmax_regression" says="close to guessing"
def softmax_regression(loader):
    net = nn.Linear(64, 10)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    for _ in range(20):
        for x, y in loader:
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
    return net


# Uphill
# %% wrong="softmax_regression" says="close to guessing"
def softmax_regression(loader):
    net = nn.Linear(64, 10)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5, maximize=True)
    for _ in range(20):
        for x, y in loader:
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimizer.step()
    return net


# No return
# %% wrong="softmax_regression" says="is a return missing?"
def softmax_regression(loader):
    net = nn.Linear(64, 10)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    for _ in range(20):
        for x, y in loader:
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimizer.step()


# Returns the loss
# %% wrong="softmax_regression" says="It returns a"
def softmax_regression(loader):
    net = nn.Linear(64, 10)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    for _ in range(20):
        for x, y in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
    return loss.item()


# Learns from the digits as they are, not from the batches
# %% wrong="softmax_regression" says="close to guessing"
def softmax_regression(loader):
    net = nn.Linear(64, 10)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    images, labels = load_digits()
    loader = list(zip((images.flatten(1) / 16).split(64), labels.split(64)))
    for _ in range(20):
        for x, y in loader:
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimizer.step()
    return net


# Eleven classes
# %% wrong="softmax_regression" says="the shape of net(x)"
def softmax_regression(loader):
    net = nn.Linear(64, 11)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    for _ in range(20):
        for x, y in loader:
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimizer.step()
    return net


# Scales the batches in place
# %% wrong="softmax_regression" says="the batches stay as they are"
def softmax_regression(loader):
    net = nn.Linear(64, 10)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    for _ in range(20):
        for x, y in loader:
            x.sub_(0.3)
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimizer.step()
    return net


# Labels shifted
# %% wrong="softmax_regression"
def softmax_regression(loader):
    net = nn.Linear(64, 10)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    for _ in range(20):
        for x, y in loader:
            optimizer.zero_grad()
            F.cross_entropy(net(x), (y + 1) % 10).backward()
            optimizer.step()
    return net


# Takes a batch out of the list
# %% wrong="softmax_regression" says="Use list(loader)"
def softmax_regression(loader):
    loader.pop()  # for validation
    net = nn.Linear(64, 10)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    for _ in range(40):
        for x, y in loader:
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimizer.step()
    return net


# Asks for gradients of the images
# %% wrong="softmax_regression" says="only the parameters of the module should"
def softmax_regression(loader):
    net = nn.Linear(64, 10)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    for _ in range(40):
        for x, y in loader:
            x.requires_grad_()
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimizer.step()
    return net
