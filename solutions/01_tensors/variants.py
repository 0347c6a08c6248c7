# %% [markdown]
# # Right and wrong answers to the exercises of 01_tensors
#
# The checks must accept the right ones and reject the wrong ones, with the message that leads to the mistake.

# %% right="mean_of"
def mean_of(x):
    return x.float().mean().item()


# %% right="mean_of"
def mean_of(x):
    return x.sum().item() / x.numel()


# %% right="mean_of"
def mean_of(x):
    return float(x.mean(dtype=torch.float64))


# %% right="mean_of"
def mean_of(x):
    values = x.reshape(-1).tolist()
    return sum(values) / len(values)


# %% wrong="mean_of" says="needs a dtype with fractions"
# the mean of whole numbers
def mean_of(x):
    return x.mean().item()


# %% wrong="mean_of" says="Yours is a tensor"
# a tensor
def mean_of(x):
    return x.float().mean()


# %% wrong="mean_of" says="// and int() round"
# rounds down
def mean_of(x):
    return x.sum().item() // x.numel()


# %% wrong="mean_of" says="computed in whole numbers"
# whole numbers, then a float
def mean_of(x):
    return float((x.sum() // x.numel()).item())


# %% wrong="mean_of" says="number of rows"
# the number of rows
def mean_of(x):
    return x.sum().item() / len(x)


# %% wrong="mean_of" says="That is the sum"
# the sum
def mean_of(x):
    return float(x.sum())


# %% wrong="mean_of" says="wrapped around"
# a sum in the dtype of x
def mean_of(x):
    return x.sum(dtype=x.dtype).item() / x.numel()


# %% wrong="mean_of" says="first row"
# one row
def mean_of(x):
    return x[0].double().mean().item()


# %% wrong="mean_of" says="median"
# the median
def mean_of(x):
    return float(x.median())


# %% wrong="mean_of" says="You changed x itself"
# writes into x
def mean_of(x):
    mean = x.double().mean().item()
    x -= 1
    return mean


# %% wrong="mean_of" says="iteration over a 0-d tensor"
# needs dimensions: len() of a 0-d tensor
def mean_of(x):
    return sum(row.double().mean().item() for row in x) / len(x)


# %% wrong="mean_of"
# keeps the first answer
kept = []


def mean_of(x):
    if not kept:
        kept.append(x.double().mean().item())
    return kept[0]


# %% wrong="mean_of" says="is a `return` missing?"
# no return
def mean_of(x):
    x.double().mean().item()


# %% right="mean_of"
def mean_of(x):
    return np.asarray(x).mean().item()


# %% right="mean_of"
import statistics


def mean_of(x):
    return statistics.fmean(x.flatten().tolist())


# %% right="mean_of"
def mean_of(x: torch.Tensor) -> float:
    m = torch.mean(x.to(torch.float32))
    return float(m)


# %% wrong="mean_of"
def mean_of(x):
    if x.dim() == 0:
        return x.item()
    return x.float().mean().item()


# %% wrong="mean_of"
def mean_of(x):
    return x.half().mean().item()


# %% wrong="mean_of"
def mean_of(x):
    return round(x.double().mean().item(), 2)


# %% wrong="mean_of"
def mean_of(x):
    return x.double().mean(0).item() if x.dim() < 2 else x.double().mean(0).max().item()


# %% right="sees_the_write"
def sees_the_write(name, dtype):
    array = np.zeros(3, dtype=dtype)
    tensor = getattr(torch, name)(array)
    before = tensor.tolist()
    array[:] = 7
    return tensor.tolist() != before


# %% right="sees_the_write"
def sees_the_write(name, dtype):
    array = np.ones(5, dtype=dtype)
    make = getattr(torch, name)
    tensor = make(array)
    array[2] += 1
    return bool(tensor[2] == 2)


# %% right="sees_the_write"
def sees_the_write(name, dtype):
    array = np.arange(4).astype(dtype)
    return bool(np.shares_memory(getattr(torch, name)(array).numpy(), array))


# %% right="sees_the_write"
def sees_the_write(name, dtype):
    array = np.zeros(1, dtype=dtype)
    return getattr(torch, name)(array).data_ptr() == array.ctypes.data


# %% wrong="sees_the_write" says="comes from one element"
# a tensor
def sees_the_write(name, dtype):
    array = np.zeros(3, dtype=dtype)
    tensor = getattr(torch, name)(array)
    array[0] = 100
    return tensor[0] == 100


# %% wrong="sees_the_write" says="not a Python bool"
# a NumPy bool
def sees_the_write(name, dtype):
    array = np.zeros(3, dtype=dtype)
    tensor = getattr(torch, name)(array)
    array[0] = 100
    return tensor.numpy()[0] == array[0]


# %% wrong="sees_the_write" says="It is always True"
# the number is there from the start
def sees_the_write(name, dtype):
    array = np.zeros(3, dtype=dtype)
    array[0] = 100
    tensor = getattr(torch, name)(array)
    return tensor[0].item() == 100


# %% wrong="sees_the_write" says="It is always False"
# writes into another array
def sees_the_write(name, dtype):
    array = np.zeros(3, dtype=dtype)
    tensor = getattr(torch, name)(array)
    array = array + 100
    return tensor[0].item() == 100


# %% wrong="sees_the_write" says="answers for a float64 array"
# always float64
def sees_the_write(name, dtype):
    array = np.zeros(3)
    tensor = getattr(torch, name)(array)
    array[0] = 100
    return tensor[0].item() == 100


# %% wrong="sees_the_write" says="answers for a float32 array"
# always float32
def sees_the_write(name, dtype):
    array = np.zeros(3, dtype=np.float32)
    tensor = getattr(torch, name)(array)
    array[0] = 100
    return tensor[0].item() == 100


# %% wrong="sees_the_write" says="wrong way round"
# unchanged instead of changed
def sees_the_write(name, dtype):
    array = np.zeros(3, dtype=dtype)
    tensor = getattr(torch, name)(array)
    array[0] = 100
    return tensor[0].item() == 0


# %% wrong="sees_the_write"
# a table from the text
def sees_the_write(name, dtype):
    return {"from_numpy": True, "as_tensor": True, "Tensor": dtype == "float32"}.get(name, False)


# %% wrong="sees_the_write" says="expected  False"
# a number instead of a bool
def sees_the_write(name, dtype):
    array = np.zeros(3, dtype=dtype)
    tensor = getattr(torch, name)(array)
    array[0] = 100
    return tensor[0].item()


# %% wrong="sees_the_write" says="stopped with"
# the name instead of the function
def sees_the_write(name, dtype):
    array = np.zeros(3, dtype=dtype)
    tensor = torch.name(array)
    array[0] = 100
    return tensor[0].item() == 100


# %% right="sees_the_write"
def sees_the_write(name, dtype):
    a = np.zeros((2, 2), dtype=dtype)
    t = getattr(torch, name)(a)
    a += 1
    return (t == 1).all().item()


# %% wrong="sees_the_write"
def sees_the_write(name, dtype):
    array = np.zeros(3, dtype=dtype)
    tensor = getattr(torch, name)(array)
    return str(tensor.dtype) == "torch." + dtype


# %% wrong="sees_the_write"
def sees_the_write(name, dtype):
    array = np.zeros(3, dtype=dtype)
    tensor = getattr(torch, name)(array)
    tensor = torch.from_numpy(array)
    array[0] = 100
    return tensor[0].item() == 100


# %% wrong="sees_the_write"
def sees_the_write(name, dtype):
    array = np.zeros(3, dtype=dtype)
    tensor = getattr(torch, name)(array)
    array[0] = 100
    return array[0] == tensor[0]


# %% wrong="sees_the_write"
def sees_the_write(name, dtype):
    return name != "tensor"


# %% right="flatten_images"
def flatten_images(images):
    return images.flatten(start_dim=1)


# %% right="flatten_images"
def flatten_images(images):
    n = images.shape[0]
    return torch.reshape(images, (n, images.numel() // n))


# %% right="flatten_images"
def flatten_images(images):
    return images.contiguous().view(images.size(0), -1)


# %% right="flatten_images"
def flatten_images(images):
    return nn.Flatten()(images)


# %% wrong="flatten_images" says="All images are in one row: "
# everything
def flatten_images(images):
    return images.flatten()


# %% wrong="flatten_images" says="one row of a table"
# one row
def flatten_images(images):
    return images.reshape(1, -1)


# %% wrong="flatten_images" says="one image in each column"
# columns
def flatten_images(images):
    return images.reshape(len(images), -1).T


# %% wrong="flatten_images" says="no transpose"
# the shape, but not the images
def flatten_images(images):
    return images.reshape(-1, len(images)).T


# %% wrong="flatten_images" says="column by column"
# transposed images
def flatten_images(images):
    return images.transpose(-1, -2).reshape(len(images), -1)


# %% wrong="flatten_images" says="row of pixels"
# the last dimension stays
def flatten_images(images):
    return images.reshape(-1, images.shape[-1])


# %% wrong="flatten_images" says="`view` refuses some tensors"
# view alone
def flatten_images(images):
    return images.view(len(images), -1)


# %% wrong="flatten_images" says="Yours is a copy"
# a loop that copies
def flatten_images(images):
    return torch.stack([image.reshape(-1) for image in images])


# %% wrong="flatten_images" says="Yours is a copy"
# a clone to be on the safe side
def flatten_images(images):
    return images.clone().reshape(len(images), -1)


# %% wrong="flatten_images"
# three dimensions only
def flatten_images(images):
    n, h, w = images.shape
    return images.reshape(n, h * w)


# %% wrong="flatten_images" says="invalid for input of size"
# 8×8 pixels only
def flatten_images(images):
    return images.reshape(len(images), 64)


# %% wrong="flatten_images" says="You changed images itself"
# changes the argument's own shape
def flatten_images(images):
    images.resize_(len(images), images[0].numel())
    return images


# %% wrong="flatten_images" says="dtypes differ"
# float32
def flatten_images(images):
    return images.reshape(len(images), -1).float()


# %% right="flatten_images"
def flatten_images(images):
    return images.reshape(images.size(0), int(np.prod(images.shape[1:])))


# %% right="flatten_images"
def flatten_images(images):
    try:
        return images.view(images.shape[0], -1)
    except RuntimeError:
        return images.contiguous().view(images.shape[0], -1)


# %% wrong="flatten_images"
def flatten_images(images):
    return images.as_strided((len(images), images[0].numel()), (images[0].numel(), 1))


# %% wrong="flatten_images"
def flatten_images(images):
    return images.squeeze().flatten(1)


# %% wrong="flatten_images"
def flatten_images(images):
    return torch.cat([i.reshape(1, -1) for i in images])


# %% wrong="flatten_images"
def flatten_images(images):
    n = len(images)
    return images.reshape(n, images.shape[-1] * images.shape[-2])


# %% wrong="flatten_images"
def flatten_images(images):
    if images.is_contiguous():
        return images.view(len(images), -1)
    return torch.tensor(images.tolist()).reshape(len(images), -1)


# %% right="to_batch"
def to_batch(parts):
    return torch.vstack(list(parts))


# %% right="to_batch"
def to_batch(parts):
    return torch.cat([part.reshape(-1, part.shape[-1]) for part in parts], dim=0)


# %% right="to_batch"
def to_batch(parts):
    rows = []
    for part in parts:
        rows += [part] if part.dim() == 1 else list(part)
    return torch.stack(rows)


# %% right="to_batch"
def to_batch(parts):
    columns = parts[0].shape[-1]
    return torch.cat([part.flatten() for part in parts]).view(-1, columns)


# %% wrong="to_batch"
# stack alone
def to_batch(parts):
    return torch.stack(parts)


# %% wrong="to_batch"
# the function cat alone
def to_batch(parts):
    return torch.cat(parts)


# %% wrong="to_batch" says="one long row"
# flat
def to_batch(parts):
    return torch.cat([part.flatten() for part in parts])


# %% wrong="to_batch" says="The order is lost"
# the single samples first
def to_batch(parts):
    return torch.cat(sorted([torch.atleast_2d(part) for part in parts], key=len))


# %% wrong="to_batch" says="The order is reversed"
# the other way round
def to_batch(parts):
    result = None
    for part in parts:
        part = part.clone() if part.dim() == 2 else part[None].clone()
        result = part if result is None else torch.cat([part, result])
    return result


# %% wrong="to_batch" says="Rows and columns are swapped"
# columns
def to_batch(parts):
    return torch.vstack(list(parts)).T


# %% wrong="to_batch" says="The sizes are swapped"
# the sizes swapped
def to_batch(parts):
    return torch.cat([part.flatten() for part in parts]).view(parts[0].shape[-1], -1)


# %% wrong="to_batch" says="The single samples are missing"
# tables only
def to_batch(parts):
    return torch.cat([part for part in parts if part.dim() == 2])


# %% wrong="to_batch" says="The last part is missing"
# one too few
def to_batch(parts):
    return torch.cat([torch.atleast_2d(parts[i]) for i in range(max(len(parts) - 1, 1))])


# %% wrong="to_batch" says="Only the first row"
# one row per part
def to_batch(parts):
    return torch.cat([torch.atleast_2d(part)[:1] for part in parts])


# %% wrong="to_batch" says="shares its memory"
# a single part comes back as it is
def to_batch(parts):
    if len(parts) == 1:
        return torch.atleast_2d(parts[0])
    return torch.vstack(list(parts))


# %% wrong="to_batch" says="You changed the list"
# in place
def to_batch(parts):
    for part in parts:
        if part.dim() == 1:
            part.unsqueeze_(0)
    return torch.cat(parts)


# %% wrong="to_batch" says="You changed the list"
# writes into the list
def to_batch(parts):
    if isinstance(parts, list):
        for i, part in enumerate(parts):
            parts[i] = torch.atleast_2d(part)
    return torch.vstack(list(parts))


# %% wrong="to_batch" says="dtypes differ"
# through Python numbers
def to_batch(parts):
    rows = []
    for part in parts:
        rows += [part.tolist()] if part.dim() == 1 else part.tolist()
    return torch.tensor(rows, dtype=torch.float32)


# %% right="to_batch"
def to_batch(parts):
    out = torch.empty(0, parts[0].shape[-1], dtype=parts[0].dtype)
    for p in parts:
        out = torch.cat([out, p.view(1, -1) if p.ndim == 1 else p])
    return out


# %% right="to_batch"
def to_batch(parts):
    return torch.tensor(
        [r for p in parts for r in ([p.tolist()] if p.dim() == 1 else p.tolist())], dtype=parts[0].dtype
    )


# %% wrong="to_batch"
def to_batch(parts):
    return torch.cat([p.squeeze()[None] if p.dim() == 1 else p.squeeze() for p in parts])


# %% wrong="to_batch"
def to_batch(parts):
    return torch.cat([p.unsqueeze(0) if p.shape[0] == parts[0].shape[0] else p for p in parts])


# %% wrong="to_batch"
def to_batch(parts):
    return torch.cat([p[None] for p in parts])


# %% wrong="to_batch"
def to_batch(parts):
    parts = [p.float() for p in parts]
    return torch.vstack(parts)


# %% wrong="to_batch"
def to_batch(parts):
    parts.append(parts[0])
    r = torch.vstack(parts[:-1])
    parts.pop()
    return r


# %% wrong="to_batch"
buf = torch.empty(100, 100)


def to_batch(parts):
    t = torch.vstack(list(parts))
    if t.dtype != torch.float32:
        return t
    out = buf[: t.shape[0], : t.shape[1]]
    out.copy_(t)
    return out


# %% right="standardise"
def standardise(x):
    std = x.std(dim=0, keepdim=True)
    std[std == 0] = 1
    return (x - x.mean(dim=0, keepdim=True)) / std


# %% right="standardise"
def standardise(x):
    centred = x - x.mean(0)
    std = (centred.square().sum(0) / (len(x) - 1)).sqrt()
    return centred / std.clamp(min=1e-20)


# %% right="standardise"
def standardise(x):
    columns = []
    for column in x.T:
        if (column == column[0]).all():
            columns.append(torch.zeros_like(column))
        else:
            columns.append((column - column.mean()) / column.std())
    return torch.stack(columns, dim=1)


# %% right="standardise"
def standardise(x):
    return ((x - x.mean(0)) / x.std(0)).nan_to_num(0.0)


# %% wrong="standardise" says="gave nan"
# 0 / 0
def standardise(x):
    return (x - x.mean(0)) / x.std(0)


# %% wrong="standardise" says="not scaled"
# only centred
def standardise(x):
    return x - x.mean(0)


# %% wrong="standardise" says="The mean is still there"
# only scaled
def standardise(x):
    std = x.std(0)
    return x / torch.where(std > 0, std, 1.0)


# %% wrong="standardise" says="You standardised the rows"
# rows
def standardise(x):
    return (x - x.mean(1, keepdim=True)) / x.std(1, keepdim=True)


# %% wrong="standardise" says="whole table"
# one mean for all
def standardise(x):
    return (x - x.mean()) / x.std()


# %% wrong="standardise" says="divided by the variance"
# the variance
def standardise(x):
    var = x.var(0)
    return (x - x.mean(0)) / torch.where(var > 0, var, 1.0)


# %% wrong="standardise" says="divides by N, but"
# the other standard deviation
def standardise(x):
    std = x.std(0, correction=0)
    return (x - x.mean(0)) / torch.where(std > 0, std, 1.0)


# %% wrong="standardise" says="go from 0 to 1"
# smallest and largest
def standardise(x):
    low, high = x.amin(0), x.amax(0)
    return (x - low) / (high - low)


# %% wrong="standardise" says="You changed x itself"
# in place
def standardise(x):
    x -= x.mean(0)
    std = x.std(0)
    x /= torch.where(std > 0, std, 1.0)
    return x


# %% wrong="standardise" says="differ"
# a large number against nan
def standardise(x):
    return (x - x.mean(0)) / (x.std(0) + 1e-2)


# %% wrong="standardise" says="dtypes differ"
# float32 only
def standardise(x):
    x = x.float()
    std = x.std(0)
    return (x - x.mean(0)) / torch.where(std > 0, std, 1.0)


# %% wrong="standardise"
# all columns, or none
def standardise(x):
    if (x.std(0) == 0).any():
        return torch.zeros_like(x)
    return (x - x.mean(0)) / x.std(0)


# %% wrong="standardise" says="nan"
# equal values stay nan through the product
def standardise(x):
    return (x - x.mean(0)) / x.std(0) * (x.std(0) > 0)


# %% right="standardise"
def standardise(x):
    std, mean = torch.std_mean(x, 0)
    z = (x - mean) / std
    z[:, std == 0] = 0
    return z


# %% right="standardise"
def standardise(x):
    std = x.std(0)
    std = std + (std == 0)
    return (x - x.mean(0)) / std


# %% right="standardise"
def standardise(x):
    return (x - x.mean(0)) / (x.std(0) + 1e-12)


# %% right="standardise"
def standardise(x):
    return (x - x.mean(dim=0)) / torch.maximum(x.std(dim=0), torch.tensor(1e-8))


# %% wrong="standardise"
def standardise(x):
    return (x - x.mean(0)) / (x.std(0) + 1e-3)


# %% wrong="standardise"
def standardise(x):
    return (x - x.mean(0)) / x.std(0).clamp(min=1)


# %% wrong="standardise"
def standardise(x):
    z = (x - x.mean(0)) / x.std(0)
    return z if not z.isnan().any() else torch.zeros_like(x)


# %% wrong="standardise"
def standardise(x):
    return F.batch_norm(x, None, None, training=True)


# %% wrong="standardise"
def standardise(x):
    s = x.std(0)
    s[s == 0] = 1
    x.sub_(x.mean(0)).div_(s)
    return x.clone()


# %% wrong="standardise"
def standardise(x):
    return (
        (x - x.mean(0)) / x.std(0).where(x.std(0) > 0, 1)
        if x.shape[0] != 2
        else torch.tensor([[-0.70710678], [0.70710678]]).expand(2, x.shape[1])
    )


# %% right="one_hot"
def one_hot(labels, classes):
    return torch.eye(classes)[labels]


# %% right="one_hot"
def one_hot(labels, classes):
    table = torch.zeros(len(labels), classes)
    table[torch.arange(len(labels)), labels] = 1
    return table


# %% right="one_hot"
def one_hot(labels, classes):
    return torch.zeros(len(labels), classes).scatter_(1, labels.unsqueeze(1), 1.0)


# %% right="one_hot"
def one_hot(labels, classes):
    return torch.where(torch.arange(classes) == labels.view(-1, 1), 1.0, 0.0)


# %% wrong="one_hot" says="These are True and False"
# bool
def one_hot(labels, classes):
    return labels[:, None] == torch.arange(classes)


# %% wrong="one_hot" says="the dtype is int64"
# int64
def one_hot(labels, classes):
    return (labels[:, None] == torch.arange(classes)).long()


# %% wrong="one_hot" says="the dtype is float64"
# float64
def one_hot(labels, classes):
    return torch.from_numpy(np.eye(classes))[labels]


# %% wrong="one_hot" says="Rows and columns are swapped"
# transposed
def one_hot(labels, classes):
    return (labels == torch.arange(classes)[:, None]).float()


# %% wrong="one_hot" says="Ones and zeros are swapped"
# unequal
def one_hot(labels, classes):
    return (labels[:, None] != torch.arange(classes)).float()


# %% wrong="one_hot" says="largest label"
# as many columns as needed
def one_hot(labels, classes):
    return torch.eye(int(labels.max()) + 1)[labels]


# %% wrong="one_hot" says="count the classes from 1"
# from 1
def one_hot(labels, classes):
    return (labels[:, None] + 1 == torch.arange(classes)).float()


# %% wrong="one_hot" says="the label itself"
# the label in place of the 1
def one_hot(labels, classes):
    return (labels[:, None] == torch.arange(classes)) * labels[:, None].float()


# %% wrong="one_hot" says="which this exercise asks you to do without"
# PyTorch's function
def one_hot(labels, classes):
    return F.one_hot(labels, classes).float()


# %% wrong="one_hot" says="there is a loop over the labels"
# a loop over the labels
def one_hot(labels, classes):
    table = torch.zeros(len(labels), classes)
    for n in range(len(labels)):
        table[n].index_fill_(0, labels[n : n + 1], 1.0)
    return table


# %% wrong="one_hot" says="there is a loop over the classes"
# a loop over the classes
def one_hot(labels, classes):
    return torch.stack([labels == k for k in range(classes)], dim=1).float()


# %% wrong="one_hot" says="do not leave torch"
# a loop over Python numbers
def one_hot(labels, classes):
    return torch.tensor([[float(k == label) for k in range(classes)] for label in labels.tolist()])


# %% wrong="one_hot" says="do not leave torch"
# a loop over the tensor
def one_hot(labels, classes):
    table = torch.zeros(len(labels), classes)
    for n, label in enumerate(labels):
        table[n, label] = 1
    return table


# %% wrong="one_hot" says="do not leave torch"
# NumPy
def one_hot(labels, classes):
    return torch.from_numpy(np.eye(classes, dtype=np.float32)[labels.numpy()])


# %% wrong="one_hot" says="must match the size"
# row against row
def one_hot(labels, classes):
    return (labels == torch.arange(classes)).float()


# %% right="one_hot"
def one_hot(labels, classes):
    return torch.eye(classes).index_select(0, labels)


# %% right="one_hot"
def one_hot(labels, classes):
    return F.embedding(labels, torch.eye(classes))


# %% right="one_hot"
def one_hot(labels, classes):
    t = torch.zeros(labels.shape[0] * classes)
    t[torch.arange(labels.shape[0]) * classes + labels] = 1.0
    return t.reshape(-1, classes)


# %% wrong="one_hot"
def one_hot(labels, classes):
    return torch.tensor(np.eye(classes)[labels], dtype=torch.float32)


# %% wrong="one_hot"
def one_hot(labels, classes):
    return torch.tensor([[1.0 if int(l) == k else 0.0 for k in range(classes)] for l in labels])


# %% wrong="one_hot"
def one_hot(labels, classes):
    return torch.cat([torch.eye(classes)[labels[i : i + 1]] for i in range(labels.shape[0])])


# %% wrong="one_hot"
def one_hot(labels, classes):
    return torch.nn.functional.one_hot(labels).float()


# %% wrong="one_hot"
def one_hot(labels, classes):
    t = torch.zeros(len(labels), classes)
    for k in range(classes):
        t[labels == k, k] = 1
    return t


# %% wrong="one_hot"
def one_hot(labels, classes):
    labels -= 0
    labels.clamp_(0, 2)
    return (labels[:, None] == torch.arange(classes)).float()


# %% right="repeats"
def repeats(a, b):
    a, b = (1,) * (len(b) - len(a)) + a, (1,) * (len(a) - len(b)) + b
    if not all(m == n or 1 in (m, n) for m, n in zip(a, b)):
        raise ValueError("the shapes do not fit")
    return tuple(max(m, n) // m for m, n in zip(a, b)), tuple(max(m, n) // n for m, n in zip(a, b))


# %% right="repeats"
def repeats(a, b):
    result = np.broadcast_shapes(a, b)
    return tuple(tuple(r // s for r, s in zip(result, (1,) * (len(result) - len(shape)) + shape)) for shape in (a, b))


# %% right="repeats"
def repeats(a, b):
    try:
        result = (torch.empty(a, device="meta") + torch.empty(b, device="meta")).shape
    except RuntimeError:
        raise ValueError("the shapes do not fit") from None
    times = []
    for shape in (a, b):
        padded = [1] * (len(result) - len(shape)) + list(shape)
        times.append(tuple(int(r) // s for r, s in zip(result, padded)))
    return tuple(times)


# %% right="repeats"
def repeats(a, b):
    times_a, times_b = (), ()
    for k in range(1, max(len(a), len(b)) + 1):
        m = a[-k] if k <= len(a) else 1
        n = b[-k] if k <= len(b) else 1
        if m == n:
            times = 1, 1
        elif m == 1:
            times = n, 1
        elif n == 1:
            times = 1, m
        else:
            raise ValueError(f"{m} against {n}")
        times_a, times_b = (times[0], *times_a), (times[1], *times_b)
    return times_a, times_b


# %% wrong="repeats" says="The two are swapped"
# swapped
def repeats(a, b):
    length = max(len(a), len(b))
    a, b = (1,) * (length - len(a)) + a, (1,) * (length - len(b)) + b
    if any(m != n and 1 not in (m, n) for m, n in zip(a, b)):
        raise ValueError
    return tuple(max(m, n) // n for m, n in zip(a, b)), tuple(max(m, n) // m for m, n in zip(a, b))


# %% wrong="repeats" says="That is the shape of the result. "
# the result's shape
def repeats(a, b):
    return tuple(np.broadcast_shapes(a, b))


# %% wrong="repeats" says="the shape of the result, twice"
# the result's shape for both
def repeats(a, b):
    shape = tuple(np.broadcast_shapes(a, b))
    return shape, shape


# %% wrong="repeats" says="that the shorter shape lacks are missing"
# only what both have
def repeats(a, b):
    pairs = list(zip(a[::-1], b[::-1]))[::-1]
    if any(m != n and 1 not in (m, n) for m, n in pairs):
        raise ValueError
    return tuple(max(m, n) // m for m, n in pairs), tuple(max(m, n) // n for m, n in pairs)


# %% wrong="repeats" says="the inner ones are lists"
# two lists
def repeats(a, b):
    length = max(len(a), len(b))
    a, b = (1,) * (length - len(a)) + a, (1,) * (length - len(b)) + b
    if any(m != n and 1 not in (m, n) for m, n in zip(a, b)):
        raise ValueError
    return [max(m, n) // m for m, n in zip(a, b)], [max(m, n) // n for m, n in zip(a, b)]


# %% wrong="repeats" says="Yours is a list"
# a list of tuples
def repeats(a, b):
    length = max(len(a), len(b))
    a, b = (1,) * (length - len(a)) + a, (1,) * (length - len(b)) + b
    if any(m != n and 1 not in (m, n) for m, n in zip(a, b)):
        raise ValueError
    return [tuple(max(m, n) // m for m, n in zip(a, b)), tuple(max(m, n) // n for m, n in zip(a, b))]


# %% wrong="repeats" says="from the left"
# the ones on the right
def repeats(a, b):
    length = max(len(a), len(b))
    a, b = a + (1,) * (length - len(a)), b + (1,) * (length - len(b))
    return tuple(n if m == 1 else 1 for m, n in zip(a, b)), tuple(m if n == 1 else 1 for m, n in zip(a, b))


# %% wrong="repeats" says="in the opposite order"
# from right to left
def repeats(a, b):
    length = max(len(a), len(b))
    a, b = (1,) * (length - len(a)) + a, (1,) * (length - len(b)) + b
    if any(m != n and 1 not in (m, n) for m, n in zip(a, b)):
        raise ValueError
    pairs = list(zip(a, b))[::-1]
    return tuple(max(m, n) // m for m, n in pairs), tuple(max(m, n) // n for m, n in pairs)


# %% wrong="repeats" says="raise ValueError"
# no error
def repeats(a, b):
    length = max(len(a), len(b))
    a, b = (1,) * (length - len(a)) + a, (1,) * (length - len(b)) + b
    return tuple(max(m, n) // m for m, n in zip(a, b)), tuple(max(m, n) // n for m, n in zip(a, b))


# %% wrong="repeats" says="raised RuntimeError"
# torch's error
def repeats(a, b):
    result = torch.broadcast_shapes(a, b)
    return tuple(
        tuple(int(r) // s for r, s in zip(result, (1,) * (len(result) - len(shape)) + shape)) for shape in (a, b)
    )


# %% wrong="repeats" says="memory"
# builds the tensors
def repeats(a, b):
    try:
        result = (torch.zeros(a) + torch.zeros(b)).shape
    except RuntimeError as error:
        if "must match" in str(error):
            raise ValueError from None
        raise
    return tuple(
        tuple(int(r) // s for r, s in zip(result, (1,) * (len(result) - len(shape)) + shape)) for shape in (a, b)
    )


# %% wrong="repeats" says="raise ValueError"
# divides where it may: 6 and 3 fit
def repeats(a, b):
    length = max(len(a), len(b))
    a, b = (1,) * (length - len(a)) + a, (1,) * (length - len(b)) + b
    if any(max(m, n) % min(m, n) for m, n in zip(a, b)):
        raise ValueError
    return tuple(max(m, n) // m for m, n in zip(a, b)), tuple(max(m, n) // n for m, n in zip(a, b))


# %% right="repeats"
def repeats(a, b):
    n = max(len(a), len(b))
    pa = [1] * (n - len(a)) + list(a)
    pb = [1] * (n - len(b)) + list(b)
    ra, rb = [], []
    for i in range(n):
        if pa[i] == pb[i]:
            ra.append(1)
            rb.append(1)
        elif pa[i] == 1:
            ra.append(pb[i])
            rb.append(1)
        elif pb[i] == 1:
            ra.append(1)
            rb.append(pa[i])
        else:
            raise ValueError("no")
    return (tuple(ra), tuple(rb))


# %% right="repeats"
def repeats(a, b):
    from itertools import zip_longest

    pairs = list(zip_longest(reversed(a), reversed(b), fillvalue=1))[::-1]
    if not all(m == n or m == 1 or n == 1 for m, n in pairs):
        raise ValueError(a, b)
    return tuple(n if m == 1 else 1 for m, n in pairs), tuple(m if n == 1 else 1 for m, n in pairs)


# %% wrong="repeats"
def repeats(a, b):
    from itertools import zip_longest

    pairs = list(zip_longest(reversed(a), reversed(b), fillvalue=1))[::-1]
    assert all(m == n or m == 1 or n == 1 for m, n in pairs)
    return tuple(n if m == 1 else 1 for m, n in pairs), tuple(m if n == 1 else 1 for m, n in pairs)


# %% wrong="repeats"
def repeats(a, b):
    r = torch.broadcast_shapes(a, b)
    return tuple(r[i] // (a[i] if i < len(a) else 1) for i in range(len(r))), tuple(
        r[i] // (b[i] if i < len(b) else 1) for i in range(len(r))
    )


# %% wrong="repeats"
def repeats(a, b):
    from itertools import zip_longest

    pairs = list(zip_longest(reversed(a), reversed(b), fillvalue=1))[::-1]
    if not all(m == n or m == 1 or n == 1 for m, n in pairs):
        raise ValueError
    return tuple(n / m for m, n in pairs), tuple(m / n for m, n in pairs)


# %% wrong="repeats"
def repeats(a, b):
    ta, tb = torch.zeros(a, device="meta"), torch.zeros(b, device="meta")
    try:
        r = torch.broadcast_tensors(ta, tb)[0].shape
    except RuntimeError:
        raise ValueError
    return tuple(x // y for x, y in zip(r, a)), tuple(x // y for x, y in zip(r, b))


# %% right="pack"
import io


def pack(tensors):
    file = io.BytesIO()
    torch.save({name: tensor.detach().clone() for name, tensor in tensors.items()}, file)
    return file.getvalue()


def unpack(data):
    return torch.load(io.BytesIO(data))


# %% right="pack"
def pack(tensors):
    from io import BytesIO

    copies = {}
    for name in tensors:
        copies[name] = tensors[name].clone()
    file = BytesIO()
    torch.save(copies, file)
    file.seek(0)
    return file.read()


def unpack(data):
    from io import BytesIO

    file = BytesIO()
    file.write(data)
    file.seek(0)
    return torch.load(file, weights_only=True)


# %% right="pack"
import tempfile
from pathlib import Path


def pack(tensors):
    with tempfile.TemporaryDirectory() as folder:
        torch.save({name: tensor + torch.zeros_like(tensor) for name, tensor in tensors.items()}, folder + "/x.pt")
        return Path(folder, "x.pt").read_bytes()


def unpack(data):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "x.pt").write_bytes(data)
        return torch.load(folder + "/x.pt", map_location="cpu")


# %% wrong="pack" says="the whole storage of a view is saved"
# no copies
import io


def pack(tensors):
    file = io.BytesIO()
    torch.save(tensors, file)
    return file.getvalue()


def unpack(data):
    return torch.load(io.BytesIO(data), weights_only=True)


# %% wrong="pack" says="the whole storage of a view is saved"
# contiguous copies only what is not contiguous
import io


def pack(tensors):
    file = io.BytesIO()
    torch.save({name: tensor.contiguous() for name, tensor in tensors.items()}, file)
    return file.getvalue()


def unpack(data):
    return torch.load(io.BytesIO(data), weights_only=True)


# %% wrong="pack" says="do not catch it"
# loads whatever there is
import io


def pack(tensors):
    file = io.BytesIO()
    torch.save({name: tensor.clone() for name, tensor in tensors.items()}, file)
    return file.getvalue()


def unpack(data):
    return torch.load(io.BytesIO(data), weights_only=False)


# %% wrong="pack" says=".getvalue() returns its bytes"
# the file
import io


def pack(tensors):
    file = io.BytesIO()
    torch.save({name: tensor.clone() for name, tensor in tensors.items()}, file)
    return file


def unpack(data):
    return torch.load(io.BytesIO(data), weights_only=True)


# %% wrong="pack" says=".read() starts at the end"
# read without seek
import io


def pack(tensors):
    file = io.BytesIO()
    torch.save({name: tensor.clone() for name, tensor in tensors.items()}, file)
    return file.read()


def unpack(data):
    return torch.load(io.BytesIO(data), weights_only=True)


# %% wrong="pack" says="torch.save has not written these bytes"
# pickle
import pickle


def pack(tensors):
    return pickle.dumps({name: tensor.clone() for name, tensor in tensors.items()})


def unpack(data):
    return pickle.loads(data)


# %% wrong="pack" says="returns what torch.save writes"
# a number in place of the tensors
kept = {}


def pack(tensors):
    kept[len(kept)] = {name: tensor.clone() for name, tensor in tensors.items()}
    return str(len(kept) - 1).encode()


def unpack(data):
    return kept[int(data)]


# %% wrong="pack" says="Save one dict"
# a list without the names
import io


def pack(tensors):
    file = io.BytesIO()
    torch.save([tensor.clone() for tensor in tensors.values()], file)
    return file.getvalue()


def unpack(data):
    return torch.load(io.BytesIO(data), weights_only=True)


# %% wrong="pack" says="dtypes differ"
# everything in float32
import io


def pack(tensors):
    file = io.BytesIO()
    torch.save({name: tensor.float() + 0 for name, tensor in tensors.items()}, file)
    return file.getvalue()


def unpack(data):
    return torch.load(io.BytesIO(data), weights_only=True)


# %% wrong="pack" says="You changed the dict"
# the argument loses its tensors
import io


def pack(tensors):
    copies = {name: tensors.pop(name).clone() for name in list(tensors)}
    file = io.BytesIO()
    torch.save(copies, file)
    return file.getvalue()


def unpack(data):
    return torch.load(io.BytesIO(data), weights_only=True)


# %% wrong="pack" says="is a `return` missing?"
# no return
import io


def pack(tensors):
    file = io.BytesIO()
    torch.save({name: tensor.clone() for name, tensor in tensors.items()}, file)


def unpack(data):
    return torch.load(io.BytesIO(data), weights_only=True)


# %% right="pack"
import io


def pack(tensors):
    f = io.BytesIO()
    torch.save({k: torch.tensor(v.tolist(), dtype=v.dtype).reshape(v.shape) for k, v in tensors.items()}, f)
    return bytes(f.getbuffer())


def unpack(data):
    return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)


# %% wrong="pack" says="BFloat16"
# NumPy has no bfloat16
import copy
import io


def pack(tensors):
    f = io.BytesIO()
    torch.save({k: torch.from_numpy(v.numpy().copy()) for k, v in tensors.items()}, f)
    return f.getvalue()


def unpack(data):
    f = io.BytesIO(data)
    result = torch.load(f)
    return result


# %% wrong="pack"
import io


def pack(tensors):
    f = io.BytesIO()
    torch.save({k: v.detach() for k, v in tensors.items()}, f)
    return f.getvalue()


def unpack(data):
    return torch.load(io.BytesIO(data))


# %% wrong="pack"
import io


def pack(tensors):
    f = io.BytesIO()
    torch.save({k: v.flatten().clone() for k, v in tensors.items()}, f)
    return f.getvalue()


def unpack(data):
    return torch.load(io.BytesIO(data))


# %% wrong="pack"
import copy
import io


def pack(tensors):
    f = io.BytesIO()
    torch.save(copy.deepcopy(tensors), f)
    return f.getvalue()


def unpack(data):
    return torch.load(io.BytesIO(data))


# %% wrong="pack"
import io


def pack(tensors):
    f = io.BytesIO()
    torch.save({k: v.clone() for k, v in tensors.items()}, f)
    return f.getvalue()


def unpack(data):
    return torch.load(io.BytesIO(data), weights_only="fractions" not in str(data))


# %% wrong="pack"
import io


def pack(tensors):
    f = io.BytesIO()
    torch.save({k: v.clone() for k, v in tensors.items()}, f)
    return f.getvalue()


def unpack(data):
    try:
        return torch.load(io.BytesIO(data), weights_only=True)
    except Exception:
        return torch.load(io.BytesIO(data), weights_only=False)


# %% wrong="pack"
import io


def pack(tensors):
    f = io.BytesIO()
    torch.save({k: v.clone() for k, v in tensors.items()}, f)
    return f.getvalue()


def unpack(data):
    try:
        return torch.load(io.BytesIO(data), weights_only=True)
    except Exception:
        return {}


# %% wrong="pack" says="Save one dict"
# a list of pairs, which `unpack` makes a dict of
import io


def pack(tensors):
    f = io.BytesIO()
    torch.save([(k, v.clone()) for k, v in tensors.items()], f)
    return f.getvalue()


def unpack(data):
    return dict(torch.load(io.BytesIO(data)))


# %% wrong="pack" says="torch.save has not written these bytes"
# half of the file
import io


def pack(tensors):
    f = io.BytesIO()
    torch.save({k: v.clone() for k, v in tensors.items()}, f)
    return f.getvalue()[:500]


def unpack(data):
    return torch.load(io.BytesIO(data))


# %% wrong="pack" says="unpack(data) for bytes that were packed elsewhere"
# the names only
import io


def pack(tensors):
    f = io.BytesIO()
    torch.save({k: v.clone() for k, v in tensors.items()}, f)
    return f.getvalue()


def unpack(data):
    return list(torch.load(io.BytesIO(data)))


# %% wrong="pack"
# values and shapes of its own making, which only its own `unpack` reads
import io


def pack(tensors):
    f = io.BytesIO()
    torch.save({k: [v.flatten().clone(), list(v.shape)] for k, v in tensors.items()}, f)
    return f.getvalue()


def unpack(data):
    d = torch.load(io.BytesIO(data))
    return {k: v[0].reshape(v[1]) if isinstance(v, list) else v for k, v in d.items()}


# %% right="pack"
import io


def pack(tensors):
    f = io.BytesIO()
    torch.save(dict(zip(tensors, map(torch.clone, tensors.values()))), f)
    return f.getvalue()


def unpack(data):
    return torch.load(io.BytesIO(data), weights_only=True)


# %% wrong="pack" says="You changed the dict"
# clones in place of the tensors
import io


def pack(tensors):
    for k in tensors:
        tensors[k] = tensors[k].clone()
    f = io.BytesIO()
    torch.save(tensors, f)
    return f.getvalue()


def unpack(data):
    return torch.load(io.BytesIO(data), weights_only=True)


# %% wrong="sees_the_write" says="compare one element"
# all elements
def sees_the_write(name, dtype):
    array = np.zeros(3, dtype=dtype)
    tensor = getattr(torch, name)(array)
    array[0] = 100
    return tensor == torch.tensor(array)


# %% wrong="standardise" says="one mean for the whole table"
# the mean of all, the standard deviation of a column
def standardise(x):
    std = x.std(0)
    return (x - x.mean()) / torch.where(std > 0, std, 1.0)


# %% wrong="standardise" says="the means of the rows"
# rows, without keepdim
def standardise(x):
    return (x - x.mean(1)) / x.std(1)


# %% wrong="standardise" says="parentheses"
# - before /
def standardise(x):
    std = x.std(0)
    return x - x.mean(0) / torch.where(std > 0, std, 1.0)


# %% wrong="one_hot" says="one place too far left"
# from 1
def one_hot(labels, classes):
    return (labels[:, None] == torch.arange(1, classes + 1)).float()


# %% wrong="one_hot" says="the ones of all labels"
# all rows
def one_hot(labels, classes):
    table = torch.zeros(len(labels), classes)
    table[:, labels] = 1
    return table


# %% wrong="one_hot" says="do not leave torch"
# through NumPy, whose index drops a dimension for a single label
def one_hot(labels, classes):
    return torch.tensor(np.eye(classes)[labels], dtype=torch.float32)


# %% wrong="standardise" says="You add 1e-5 to the standard deviation"
# as batch normalisation does
def standardise(x):
    return (x - x.mean(0)) / (x.std(0) + 1e-5)


# %% wrong="standardise" says="You add 1e-4 to the standard deviation"
def standardise(x):
    return (x - x.mean(0)) / (x.std(0) + 1e-4)


# %% right="standardise"
def standardise(x):
    return (x - x.mean(0)) / (x.std(0) + 1e-7)


# %% wrong="flatten_images"
# float64 by way of float32
def flatten_images(images):
    if images.dtype == torch.float64 and not images.is_contiguous():
        return images.float().flatten(1).double()
    return images.flatten(1)


# %% wrong="to_batch"
# the same part twice counts once
def to_batch(parts):
    return torch.vstack(list(dict.fromkeys(parts)))


# %% wrong="standardise"
# equal where the first value is the last
def standardise(x):
    same = x[0] == x[-1]
    return torch.where(same, 0.0, (x - x.mean(0)) / torch.where(same, 1.0, x.std(0)))


# %% wrong="one_hot" says="there is a loop over the labels"
# blocks of 64
def one_hot(labels, classes):
    return torch.cat([torch.eye(classes)[labels[i : i + 64]] for i in range(0, len(labels), 64)])


# %% wrong="one_hot"
# not more than 64 classes
table = torch.eye(64)


def one_hot(labels, classes):
    return table[:classes, :classes][labels]


# %% wrong="pack" says="a call of a function"
# looks only after everything has been loaded
import io


def pack(tensors):
    f = io.BytesIO()
    torch.save({k: v.clone() for k, v in tensors.items()}, f)
    return f.getvalue()


def unpack(data):
    result = torch.load(io.BytesIO(data), weights_only=False)
    if not all(isinstance(value, (torch.Tensor, int, float, str, list, dict)) for value in result.values()):
        raise ValueError("not plain data")
    return result


# %% wrong="repeats" says="but the shapes fit"
# sizes of 1 added on the right
def repeats(a, b):
    length = max(len(a), len(b))
    a, b = a + (1,) * (length - len(a)), b + (1,) * (length - len(b))
    if any(m != n and 1 not in (m, n) for m, n in zip(a, b)):
        raise ValueError("no fit")
    return tuple(n if m == 1 else 1 for m, n in zip(a, b)), tuple(m if n == 1 else 1 for m, n in zip(a, b))


# %% wrong="one_hot" says="Your code loops over the labels"
def one_hot(labels, classes):
    result = torch.zeros(len(labels), classes)
    for i, label in enumerate(labels):
        result[i, label] = 1
    return result


# %% wrong="mean_of" says="does not fit into an int32"
def mean_of(x):
    total = x.sum() if x.is_floating_point() else x.sum(dtype=torch.int32)
    return total.item() / x.numel()


# A running sum in float32
# %% wrong="mean_of" says="all 0.1"
def mean_of(x):
    sums = np.cumsum(x.numpy().ravel(), dtype=np.float32)
    return float(sums[-1]) / x.numel()


# A table in place of the experiment
# %% wrong="sees_the_write" says="from_dlpack"
def sees_the_write(name, dtype):
    shared = {"Tensor": "float32", "FloatTensor": "float32", "DoubleTensor": "float64", "IntTensor": "int32"}
    shared |= {"LongTensor": "int64", "ByteTensor": "uint8"}
    return name in ("from_numpy", "as_tensor", "asarray") or shared.get(name) == dtype


# Through NumPy, which has no bfloat16
# %% wrong="flatten_images" says="BFloat16"
def flatten_images(images):
    return torch.as_tensor(images.numpy().reshape(images.shape[0], -1))


# %% wrong="flatten_images" says="You begin at the start of the storage"
def flatten_images(images):
    n, p = len(images), images.numel() // len(images)
    return images.contiguous().as_strided((n, p), (p, 1), 0)


# Through NumPy, which has no bfloat16
# %% wrong="to_batch" says="BFloat16"
def to_batch(parts):
    return torch.from_numpy(np.concatenate([np.atleast_2d(part.numpy()) for part in parts]))


# A table of the default dtype
# %% wrong="to_batch" says="lost digits"
def to_batch(parts):
    tables = [part if part.dim() == 2 else part[None] for part in parts]
    batch = torch.zeros(sum(map(len, tables)), tables[0].shape[1])
    torch.cat([table.to(batch.dtype) for table in tables], out=batch)
    return batch.type(parts[0].dtype)


# %% wrong="standardise" says="You add 1e-6 to the standard deviation"
def standardise(x):
    return (x - x.mean(0)) / (x.std(0) + 1e-6)


# float32 on the way
# %% wrong="standardise" says="more digits than float32 has"
def standardise(x):
    table = x.float()
    std = table.std(0)
    return ((table - table.mean(0)) / (std + (std == 0))).to(x.dtype)


# Compares in float16
# %% wrong="one_hot" says="2100"
def one_hot(labels, classes):
    return (labels.half().unsqueeze(1) == torch.arange(classes).half()).float()


# A thousand labels at a time
# %% wrong="one_hot" says="there is a loop over the labels"
def one_hot(labels, classes):
    return torch.cat([torch.eq(some[:, None], torch.arange(classes)).float() for some in labels.split(1000)])


# Divides floats
# %% wrong="repeats" says="100000000000000001"
def repeats(a, b):
    result = np.broadcast_shapes(a, b)
    whole = [(1,) * (len(result) - len(shape)) + shape for shape in (a, b)]
    return tuple(tuple(int(size / own) for size, own in zip(result, shape)) for shape in whole)


# Copies only what has a place or a stride of its own
# %% wrong="pack" says="the whole storage of a view is saved"
def pack(tensors):
    file = io.BytesIO()
    own = {name: one.clone() if one.storage_offset() > 0 else one.contiguous() for name, one in tensors.items()}
    torch.save(own, file)
    return file.getvalue()


def unpack(data):
    return torch.load(io.BytesIO(data), weights_only=True)


# One copy for all that begin at the same place
# %% wrong="pack" says="parts of a large tensor"
def pack(tensors):
    known = {one.data_ptr(): one.clone() for one in tensors.values()}
    file = io.BytesIO()
    torch.save({name: known[one.data_ptr()] for name, one in tensors.items()}, file)
    return file.getvalue()


def unpack(data):
    return torch.load(io.BytesIO(data), weights_only=True)
