# %% [markdown]
# Other answers to the exercises of `07_convolution`: right ones that the checks must accept, wrong ones that they must
# reject with a message that leads to the mistake.


# %% right="conv1d"
def conv1d(x, u):
    return x.unfold(0, len(u), 1) @ u


# %% right="conv1d"
def conv1d(x, u):
    width = len(x) - len(u) + 1
    y = x.new_zeros(width)
    for j in range(len(u)):
        y = y + x[j : j + width] * u[j]
    return y


# %% right="conv1d"
def conv1d(x, u):
    y = torch.zeros(x.shape[0] - u.shape[0] + 1, dtype=x.dtype)
    for i in range(y.shape[0]):
        y[i] = torch.dot(x[i : i + u.shape[0]], u)
    return y


# The mathematical convolution
# %% wrong="conv1d" says="The kernel is flipped"
def conv1d(x, u):
    return torch.stack([(x[i : i + len(u)] * u.flip(0)).sum() for i in range(len(x) - len(u) + 1)])


# One place too few
# %% wrong="conv1d" says="The last place is missing"
def conv1d(x, u):
    return torch.stack([(x[i : i + len(u)] * u).sum() for i in range(len(x) - len(u))])


# Counts from 1
# %% wrong="conv1d" says="The first place is missing"
def conv1d(x, u):
    return torch.stack([(x[i : i + len(u)] * u).sum() for i in range(1, len(x) - len(u) + 1)])


# As wide as the input
# %% wrong="conv1d" says="The kernel hangs over the end"
def conv1d(x, u):
    padded = torch.cat([x, x.new_zeros(len(u) - 1)])
    return torch.stack([(padded[i : i + len(u)] * u).sum() for i in range(len(x))])


# The ready-made convolution
# %% wrong="conv1d" says="which this exercise asks you to do without"
def conv1d(x, u):
    return F.conv1d(x[None, None], u[None, None])[0, 0]


# Copies bare numbers, gradients are lost
# %% wrong="conv1d" says="The result has lost its graph"
def conv1d(x, u):
    return torch.tensor([(x[i : i + len(u)] * u).sum().item() for i in range(len(x) - len(u) + 1)], dtype=x.dtype)


# Kernels of width 2 only
# %% wrong="conv1d" says="for kernels of width 2 only"
def conv1d(x, u):
    return x[:-1] * u[0] + x[1:] * u[1]


# Clears the caller's kernel
# %% wrong="conv1d" says="left as they were"
def conv1d(x, u):
    y = x.unfold(0, len(u), 1) @ u
    u.zero_()
    return y


# Always float32
# %% wrong="conv1d" says="`torch.zeros` makes float32"
def conv1d(x, u):
    y = torch.zeros(len(x) - len(u) + 1)
    for i in range(len(y)):
        y[i] = (x[i : i + len(u)] * u).sum()
    return y


# No return
# %% wrong="conv1d" says="is a `return` missing?"
def conv1d(x, u):
    y = x.unfold(0, len(u), 1) @ u


# %% right="derivative_kernels"
def derivative_kernels(step):
    return torch.tensor([-0.5 / step, 0, 0.5 / step]), torch.tensor([step**-2, -2 * step**-2, step**-2])


# %% right="derivative_kernels"
def derivative_kernels(step):
    difference = torch.tensor([-1.0, 1.0]) / step
    ahead, behind = F.pad(difference, (1, 0)), F.pad(difference, (0, 1))
    return (ahead + behind) / 2, (ahead - behind) / step


# Thinks of a kernel that is flipped
# %% wrong="derivative_kernels" says="The order is reversed"
def derivative_kernels(step):
    return torch.tensor([1.0, 0, -1]) / (2 * step), torch.tensor([1.0, -2, 1]) / step**2


# Divides by one step
# %% wrong="derivative_kernels" says="two steps pass"
def derivative_kernels(step):
    return torch.tensor([-1.0, 0, 1]) / step, torch.tensor([1.0, -2, 1]) / step**2


# Brackets are missing
# %% wrong="derivative_kernels" says="write `/ (2 * step)`"
def derivative_kernels(step):
    return torch.tensor([-1.0, 0, 1]) / 2 * step, torch.tensor([1.0, -2, 1]) / step**2


# The step is forgotten
# %% wrong="derivative_kernels" says="not divided by 2·step"
def derivative_kernels(step):
    return torch.tensor([-1.0, 0, 1]), torch.tensor([1.0, -2, 1])


# The step is not squared
# %% wrong="derivative_kernels" says="The step must be squared"
def derivative_kernels(step):
    return torch.tensor([-1.0, 0, 1]) / (2 * step), torch.tensor([1.0, -2, 1]) / step


# The sign of the curvature
# %% wrong="derivative_kernels" says="the middle value has the factor −2"
def derivative_kernels(step):
    return torch.tensor([-1.0, 0, 1]) / (2 * step), torch.tensor([-1.0, 2, -1]) / step**2


# The order of the tuple
# %% wrong="derivative_kernels" says="The order is (slope, curvature)"
def derivative_kernels(step):
    return torch.tensor([1.0, -2, 1]) / step**2, torch.tensor([-1.0, 0, 1]) / (2 * step)


# float64 from NumPy
# %% wrong="derivative_kernels" says="The dtypes differ"
def derivative_kernels(step):
    return torch.from_numpy(np.array([-1.0, 0, 1]) / (2 * step)), torch.from_numpy(np.array([1.0, -2, 1]) / step**2)


# %% right="best_match"
def best_match(x, template):
    return ((x.unfold(0, len(template), 1) - template) ** 2).sum(dim=1).argmin().item()


# %% right="best_match"
def best_match(x, template):
    best, place = math.inf, 0
    for i in range(len(x) - len(template) + 1):
        distance = ((x[i : i + len(template)] - template) ** 2).sum().item()
        if distance < best:
            best, place = distance, i
    return place


# %% right="best_match"
def best_match(x, template):
    w = len(template)
    score = F.conv1d(x[None, None], template[None, None]) - F.conv1d(x[None, None] ** 2, x.new_ones(1, 1, w)) / 2
    return int(score.argmax())


# The plain convolution
# %% wrong="best_match" says="This is where x ⊛ template is largest"
def best_match(x, template):
    return F.conv1d(x.view(1, 1, -1), template.view(1, 1, -1)).argmax().item()


# The largest distance
# %% wrong="best_match" says="This is the worst fit"
def best_match(x, template):
    return ((x.unfold(0, len(template), 1) - template) ** 2).sum(1).argmax().item()


# The cosine
# %% wrong="best_match" says="This compares the direction only"
def best_match(x, template):
    return F.cosine_similarity(x.unfold(0, len(template), 1), template[None]).argmax().item()


# The differences are not squared
# %% wrong="best_match" says="Square the differences"
def best_match(x, template):
    return (x.unfold(0, len(template), 1) - template).sum(1).argmin().item()


# A tensor
# %% wrong="best_match" says=".item() makes a Python int"
def best_match(x, template):
    return ((x.unfold(0, len(template), 1) - template) ** 2).sum(1).argmin()


# The middle
# %% wrong="best_match" says="This is the middle of the window"
def best_match(x, template):
    return ((x.unfold(0, len(template), 1) - template) ** 2).sum(1).argmin().item() + len(template) // 2


# Counts from 1
# %% wrong="best_match" says="Count from 0."
def best_match(x, template):
    return ((x.unfold(0, len(template), 1) - template) ** 2).sum(1).argmin().item() + 1


# The last window is left out
# %% wrong="best_match" says="where the last window is the best"
def best_match(x, template):
    w = len(template)
    return torch.stack([((x[i : i + w] - template) ** 2).sum() for i in range(len(x) - w)]).argmin().item()


# %% right="shift_error"
def shift_error(module, x, k):
    width = x.shape[-1]
    moved = torch.cat([torch.zeros(*x.shape[:-1], k), x[..., : width - k]], dim=-1)
    first, second = module(x), module(moved)
    places = first.shape[-1] - k
    return float((second[:, :, k:] - first[:, :, :places]).abs().max())


# %% right="shift_error"
def shift_error(module, x, k):
    moved = x.roll(k, dims=-1)
    moved[..., :k] = 0
    difference = module(moved)[..., k:] - module(x)[..., :-k]
    return max(difference.max().item(), -difference.min().item())


# The outputs stay in place
# %% wrong="shift_error" says="without moving one of them back"
def shift_error(module, x, k):
    moved = F.pad(x, (k, 0))[..., : x.shape[-1]]
    return (module(moved) - module(x)).abs().max().item()


# The outputs move the wrong way
# %% wrong="shift_error" says="The outputs are moved the wrong way"
def shift_error(module, x, k):
    moved = F.pad(x, (k, 0))[..., : x.shape[-1]]
    return (module(moved)[..., :-k] - module(x)[..., k:]).abs().max().item()


# roll
# %% wrong="shift_error" says="roll brings back"
def shift_error(module, x, k):
    moved = x.roll(k, dims=-1)
    return (module(moved)[..., k:] - module(x)[..., :-k]).abs().max().item()


# To the left
# %% wrong="shift_error" says="The input moved to the left"
def shift_error(module, x, k):
    moved = torch.zeros_like(x)
    moved[..., :-k] = x[..., k:]
    return (module(moved)[..., k:] - module(x)[..., :-k]).abs().max().item()


# The mean
# %% wrong="shift_error" says="This is the mean"
def shift_error(module, x, k):
    moved = F.pad(x, (k, 0))[..., : x.shape[-1]]
    return (module(moved)[..., k:] - module(x)[..., :-k]).abs().mean().item()


# No absolute value
# %% wrong="shift_error" says="The absolute value is missing"
def shift_error(module, x, k):
    moved = F.pad(x, (k, 0))[..., : x.shape[-1]]
    return (module(moved)[..., k:] - module(x)[..., :-k]).max().item()


# Moves the caller's tensor
# %% wrong="shift_error" says="x is left as it was"
def shift_error(module, x, k):
    y = module(x)
    x[..., k:] = x[..., :-k].clone()
    x[..., :k] = 0
    return (module(x)[..., k:] - y[..., :-k]).abs().max().item()


# A tensor
# %% wrong="shift_error" says=".item() makes a Python float"
def shift_error(module, x, k):
    moved = F.pad(x, (k, 0))[..., : x.shape[-1]]
    return (module(moved)[..., k:] - module(x)[..., :-k]).abs().max()


# %% right="conv1d_matrix"
def conv1d_matrix(u, width):
    return F.conv1d(torch.eye(width, dtype=u.dtype)[:, None], u[None, None])[:, 0].T


# %% right="conv1d_matrix"
def conv1d_matrix(u, width):
    rows = width - len(u) + 1
    return torch.stack([F.pad(u, (i, rows - 1 - i)) for i in range(rows)])


# %% right="conv1d_matrix"
def conv1d_matrix(u, width):
    rows = width - len(u) + 1
    matrix = torch.zeros(rows, width, dtype=u.dtype)
    for i in range(rows):
        for j in range(len(u)):
            matrix[i, i + j] = u[j]
    return matrix


# The kernel flipped
# %% wrong="conv1d_matrix" says="The kernel is flipped"
def conv1d_matrix(u, width):
    matrix = u.new_zeros(width - len(u) + 1, width)
    for i in range(len(matrix)):
        matrix[i, i : i + len(u)] = u.flip(0)
    return matrix


# The matrix transposed
# %% wrong="conv1d_matrix" says="It is transposed: one row per output"
def conv1d_matrix(u, width):
    matrix = u.new_zeros(width, width - len(u) + 1)
    for i in range(width - len(u) + 1):
        matrix[i : i + len(u), i] = u
    return matrix


# A square matrix whose last rows wrap around
# %% wrong="conv1d_matrix" says="The last rows wrap around"
def conv1d_matrix(u, width):
    row = torch.cat([u, u.new_zeros(width - len(u))])
    return torch.stack([row.roll(i) for i in range(width)])


# A square matrix with cut rows
# %% wrong="conv1d_matrix" says="hold only a part of the kernel"
def conv1d_matrix(u, width):
    matrix = u.new_zeros(width, width)
    for j in range(len(u)):
        matrix += torch.diag(u[j].expand(width - j), j)
    return matrix


# The rows are not moved
# %% wrong="conv1d_matrix" says="one step further to the right"
def conv1d_matrix(u, width):
    matrix = u.new_zeros(width - len(u) + 1, width)
    matrix[:, : len(u)] = u
    return matrix


# Always float32
# %% wrong="conv1d_matrix" says="`torch.zeros` makes float32"
def conv1d_matrix(u, width):
    matrix = torch.zeros(width - len(u) + 1, width)
    for i in range(len(matrix)):
        matrix[i, i : i + len(u)] = u
    return matrix


# %% right="conv2d"
def conv2d(x, weight, bias=None):
    n, _, height, width = x.shape
    d, _, h, w = weight.shape
    rows, columns = height - h + 1, width - w + 1
    y = torch.zeros(n, d, rows, columns, dtype=x.dtype)
    for a in range(h):
        for b in range(w):
            y = y + torch.einsum("ncij,dc->ndij", x[:, :, a : a + rows, b : b + columns], weight[:, :, a, b])
    if bias is not None:
        y += bias.reshape(d, 1, 1)
    return y


# %% right="conv2d"
def conv2d(x, weight, bias=None):
    h, w = weight.shape[2:]
    lines = []
    for i in range(x.shape[2] - h + 1):
        line = []
        for j in range(x.shape[3] - w + 1):
            patch = x[:, None, :, i : i + h, j : j + w]
            line.append((patch * weight[None]).sum(dim=(2, 3, 4)))
        lines.append(torch.stack(line, dim=2))
    y = torch.stack(lines, dim=2)
    return y if bias is None else y + bias[:, None, None]


# All windows at once
# %% right="conv2d"
def conv2d(x, weight, bias=None):
    h, w = weight.shape[-2:]
    windows = x.unfold(2, h, 1).unfold(3, w, 1)
    y = torch.einsum("ncijab,dcab->ndij", windows, weight)
    return y if bias is None else y + bias.view(1, -1, 1, 1)


# The columns of all places
# %% right="conv2d"
def conv2d(x, weight, bias=None):
    (h, w), (height, width) = weight.shape[2:], x.shape[2:]
    y = (weight.flatten(1) @ F.unfold(x, (h, w))).view(len(x), len(weight), height - h + 1, width - w + 1)
    return y if bias is None else y + bias[:, None, None]


# The ready-made convolution
# %% wrong="conv2d" says="which this exercise asks you to do without"
def conv2d(x, weight, bias=None):
    return F.conv2d(x, weight, bias)


# The layer, with weight and bias put into it
# %% wrong="conv2d" says="which this exercise asks you to do without"
def conv2d(x, weight, bias=None):
    layer = nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2:], bias=bias is not None)
    layer.weight = nn.Parameter(weight)
    if bias is not None:
        layer.bias = nn.Parameter(bias)
    return layer(x)


# The kernels flipped
# %% wrong="conv2d" says="The kernels are flipped"
def conv2d(x, weight, bias=None):
    (h, w), (height, width) = weight.shape[2:], x.shape[2:]
    y = x.new_zeros(len(x), len(weight), height - h + 1, width - w + 1)
    for i in range(y.shape[2]):
        for j in range(y.shape[3]):
            y[:, :, i, j] = torch.einsum("ncab,dcab->nd", x[:, :, i : i + h, j : j + w], weight.flip(2, 3))
    return y if bias is None else y + bias[:, None, None]


# Rows and columns exchanged
# %% wrong="conv2d" says="Rows and columns of the kernel are exchanged"
def conv2d(x, weight, bias=None):
    (w, h), (height, width) = weight.shape[2:], x.shape[2:]
    y = x.new_zeros(len(x), len(weight), height - h + 1, width - w + 1)
    for i in range(y.shape[2]):
        for j in range(y.shape[3]):
            y[:, :, i, j] = torch.einsum("ncab,dcba->nd", x[:, :, i : i + h, j : j + w], weight)
    return y if bias is None else y + bias[:, None, None]


# in and out exchanged
# %% wrong="conv2d" says="The first dimension of the weight is the map d"
def conv2d(x, weight, bias=None):
    (h, w), (height, width) = weight.shape[2:], x.shape[2:]
    y = x.new_zeros(len(x), len(weight), height - h + 1, width - w + 1)
    for i in range(y.shape[2]):
        for j in range(y.shape[3]):
            y[:, :, i, j] = torch.einsum("ncab,cdab->nd", x[:, :, i : i + h, j : j + w], weight)
    return y if bias is None else y + bias[:, None, None]


# Only the first channel
# %% wrong="conv2d" says="Only channel 0 is used"
def conv2d(x, weight, bias=None):
    (h, w), (height, width) = weight.shape[2:], x.shape[2:]
    y = x.new_zeros(len(x), len(weight), height - h + 1, width - w + 1)
    for i in range(y.shape[2]):
        for j in range(y.shape[3]):
            y[:, :, i, j] = x[:, 0, i : i + h, j : j + w].flatten(1) @ weight[:, 0].flatten(1).T
    return y if bias is None else y + bias[:, None, None]


# The bias is forgotten
# %% wrong="conv2d" says="The bias is missing."
def conv2d(x, weight, bias=None):
    (h, w), (height, width) = weight.shape[2:], x.shape[2:]
    y = x.new_zeros(len(x), len(weight), height - h + 1, width - w + 1)
    for i in range(y.shape[2]):
        for j in range(y.shape[3]):
            y[:, :, i, j] = x[:, :, i : i + h, j : j + w].flatten(1) @ weight.flatten(1).T
    return y


# The bias along the width
# %% wrong="conv2d" says="The bias is added along the width"
def conv2d(x, weight, bias=None):
    (h, w), (height, width) = weight.shape[2:], x.shape[2:]
    y = x.new_zeros(len(x), len(weight), height - h + 1, width - w + 1)
    for i in range(y.shape[2]):
        for j in range(y.shape[3]):
            y[:, :, i, j] = x[:, :, i : i + h, j : j + w].flatten(1) @ weight.flatten(1).T
    return y if bias is None else y + bias


# One place too few in each direction
# %% wrong="conv2d" says="The last row and the last column of places are missing"
def conv2d(x, weight, bias=None):
    (h, w), (height, width) = weight.shape[2:], x.shape[2:]
    y = x.new_zeros(len(x), len(weight), height - h, width - w)
    for i in range(y.shape[2]):
        for j in range(y.shape[3]):
            y[:, :, i, j] = x[:, :, i : i + h, j : j + w].flatten(1) @ weight.flatten(1).T
    return y if bias is None else y + bias[:, None, None]


# A bias of None is not thought of
# %% wrong="conv2d" says="NoneType"
def conv2d(x, weight, bias=None):
    (h, w), (height, width) = weight.shape[2:], x.shape[2:]
    y = x.new_zeros(len(x), len(weight), height - h + 1, width - w + 1)
    for i in range(y.shape[2]):
        for j in range(y.shape[3]):
            y[:, :, i, j] = x[:, :, i : i + h, j : j + w].flatten(1) @ weight.flatten(1).T
    return y + bias[:, None, None]


# Bare numbers: no gradient
# %% wrong="conv2d" says="The result has lost its graph"
def conv2d(x, weight, bias=None):
    (h, w), (height, width) = weight.shape[2:], x.shape[2:]
    y = torch.zeros(len(x), len(weight), height - h + 1, width - w + 1, dtype=x.dtype)
    for i in range(y.shape[2]):
        for j in range(y.shape[3]):
            y[:, :, i, j] = (x[:, :, i : i + h, j : j + w].flatten(1) @ weight.flatten(1).T).detach()
    return y if bias is None else y + bias.detach()[:, None, None]


# Always float32
# %% wrong="conv2d" says="`torch.zeros` makes float32"
def conv2d(x, weight, bias=None):
    (h, w), (height, width) = weight.shape[2:], x.shape[2:]
    y = torch.zeros(len(x), len(weight), height - h + 1, width - w + 1)
    for i in range(y.shape[2]):
        for j in range(y.shape[3]):
            y[:, :, i, j] = x[:, :, i : i + h, j : j + w].float().flatten(1) @ weight.float().flatten(1).T
    return y if bias is None else y + bias.float()[:, None, None]


# %% right="conv_parameters"
def conv_parameters(in_channels, out_channels, kernel_size, groups=1, bias=True):
    if isinstance(kernel_size, tuple):
        area = kernel_size[0] * kernel_size[1]
    else:
        area = kernel_size**2
    count = in_channels * out_channels * area // groups
    if bias:
        count += out_channels
    return count


# %% right="conv_parameters"
def conv_parameters(in_channels, out_channels, kernel_size, groups=1, bias=True):
    size = kernel_size if isinstance(kernel_size, tuple) else (kernel_size,) * 2
    one_group = (out_channels // groups) * (in_channels // groups) * math.prod(size)
    return groups * one_group + (out_channels if bias else 0)


# The bias is forgotten
# %% wrong="conv_parameters" says="The bias is missing"
def conv_parameters(in_channels, out_channels, kernel_size, groups=1, bias=True):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return out_channels * in_channels // groups * h * w


# A kernel without channels
# %% wrong="conv_parameters" says="A kernel has all input channels"
def conv_parameters(in_channels, out_channels, kernel_size, groups=1, bias=True):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return out_channels * (h * w + bias)


# k is not squared
# %% wrong="conv_parameters" says="One number k means a kernel of k×k"
def conv_parameters(in_channels, out_channels, kernel_size, groups=1, bias=True):
    area = kernel_size if isinstance(kernel_size, int) else kernel_size[0] * kernel_size[1]
    return out_channels * (in_channels // groups * area + bias)


# groups is not looked at
# %% wrong="conv_parameters" says="groups makes no difference"
def conv_parameters(in_channels, out_channels, kernel_size, groups=1, bias=True):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return out_channels * (in_channels * h * w + bias)


# The maps are divided too
# %% wrong="conv_parameters" says="Divide the input channels only"
def conv_parameters(in_channels, out_channels, kernel_size, groups=1, bias=True):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return out_channels // groups * (in_channels // groups) * h * w + out_channels * bias


# bias=False is not looked at
# %% wrong="conv_parameters" says="bias=False makes no difference"
def conv_parameters(in_channels, out_channels, kernel_size, groups=1, bias=True):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return out_channels * (in_channels // groups * h * w + 1)


# A pair is taken for granted
# %% wrong="conv_parameters" says="TypeError"
def conv_parameters(in_channels, out_channels, kernel_size, groups=1, bias=True):
    h, w = kernel_size
    return out_channels * (in_channels // groups * h * w + bias)


# Builds the layer
# %% wrong="conv_parameters" says="no layer is built"
def conv_parameters(in_channels, out_channels, kernel_size, groups=1, bias=True):
    layer = nn.Conv2d(in_channels, out_channels, kernel_size, groups=groups, bias=bias)
    return sum(parameter.numel() for parameter in layer.parameters())


# Divides in floats
# %% wrong="conv_parameters" says="`/` gives one"
def conv_parameters(in_channels, out_channels, kernel_size, groups=1, bias=True):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return out_channels * (in_channels / groups * h * w + bias)


# %% right="filter_bank"
def filter_bank(kernels, channels):
    layer = nn.Conv2d(channels, channels * len(kernels), tuple(kernels.shape[1:]), groups=channels, bias=False)
    layer.weight = nn.Parameter(torch.cat([kernels] * channels).unsqueeze(1).clone())
    return layer


# %% right="filter_bank"
def filter_bank(kernels, channels):
    count, h, w = kernels.shape
    layer = nn.Conv2d(channels, channels * count, kernel_size=(h, w), groups=channels, bias=False)
    for c in range(channels):
        for k in range(count):
            layer.weight.data[c * count + k, 0] = kernels[k]
    return layer


# Each kernel repeated on its own
# %% wrong="filter_bank" says="Each kernel is repeated on its own"
def filter_bank(kernels, channels):
    count, h, w = kernels.shape
    layer = nn.Conv2d(channels, channels * count, (h, w), groups=channels, bias=False)
    with torch.no_grad():
        layer.weight.copy_(kernels.repeat_interleave(channels, dim=0)[:, None])
    return layer


# One map per kernel, channels added up
# %% wrong="filter_bank" says="Every kernel on every channel makes channels · K maps"
def filter_bank(kernels, channels):
    count, h, w = kernels.shape
    layer = nn.Conv2d(channels, count, (h, w), bias=False)
    with torch.no_grad():
        layer.weight.copy_(kernels[:, None].expand(-1, channels, -1, -1))
    return layer


# Zeros instead of groups
# %% wrong="filter_bank" says="Each map may see one channel only: set groups"
def filter_bank(kernels, channels):
    count, h, w = kernels.shape
    layer = nn.Conv2d(channels, channels * count, (h, w), bias=False)
    with torch.no_grad():
        layer.weight.zero_()
        for c in range(channels):
            layer.weight[c * count : (c + 1) * count, c] = kernels
    return layer


# The random bias is left
# %% wrong="filter_bank" says="the layer has no bias"
def filter_bank(kernels, channels):
    count, h, w = kernels.shape
    layer = nn.Conv2d(channels, channels * count, (h, w), groups=channels)
    with torch.no_grad():
        layer.weight.copy_(kernels.repeat(channels, 1, 1)[:, None])
    return layer


# The random weights are left
# %% wrong="filter_bank" says="the weight: all kernels for channel 0"
def filter_bank(kernels, channels):
    count, h, w = kernels.shape
    return nn.Conv2d(channels, channels * count, (h, w), groups=channels, bias=False)


# A kernel size from the wrong dimensions
# %% wrong="filter_bank" says="The kernel size is (h, w)"
def filter_bank(kernels, channels):
    count = len(kernels)
    layer = nn.Conv2d(channels, channels * count, tuple(kernels.shape[:2]), groups=channels, bias=False)
    return layer


# Not trainable any more
# %% wrong="filter_bank" says="only parameter and requires a gradient"
def filter_bank(kernels, channels):
    count, h, w = kernels.shape
    layer = nn.Conv2d(channels, channels * count, (h, w), groups=channels, bias=False).requires_grad_(False)
    layer.weight.copy_(kernels.repeat(channels, 1, 1)[:, None])
    return layer


# No return
# %% wrong="filter_bank" says="returns an nn.Conv2d"
def filter_bank(kernels, channels):
    count, h, w = kernels.shape
    layer = nn.Conv2d(channels, channels * count, (h, w), groups=channels, bias=False)
    layer.weight.data = kernels.repeat(channels, 1, 1)[:, None]


# %% right="conv2d_as_product"
def conv2d_as_product(x, weight, bias):
    n, c, height, width = x.shape
    d, _, h, w = weight.shape
    windows = x.unfold(2, h, 1).unfold(3, w, 1)
    columns = windows.permute(0, 1, 4, 5, 2, 3).reshape(n, c * h * w, -1)
    rows = weight.reshape(d, c * h * w)
    y = torch.matmul(rows, columns).reshape(n, d, height - h + 1, width - w + 1)
    return rows, columns, y + bias.view(1, d, 1, 1)


# %% right="conv2d_as_product"
def conv2d_as_product(x, weight, bias):
    rows, columns = weight.flatten(1), F.unfold(x, weight.shape[2:])
    y = torch.einsum("dk,nkl->ndl", rows, columns)
    y = y.unflatten(2, (x.shape[2] - weight.shape[2] + 1, -1))
    y += bias[:, None, None]
    return rows, columns, y


# The ready-made convolution beside the two factors
# %% wrong="conv2d_as_product" says="which this exercise asks you to do without"
def conv2d_as_product(x, weight, bias):
    return weight.flatten(1), F.unfold(x, weight.shape[2:]), F.conv2d(x, weight, bias)


# The bias along the places
# %% wrong="conv2d_as_product" says="The bias is added along the places"
def conv2d_as_product(x, weight, bias):
    h, w = weight.shape[2:]
    rows, columns = weight.flatten(1), F.unfold(x, (h, w))
    y = rows @ columns + bias
    return rows, columns, y.view(len(x), len(weight), x.shape[2] - h + 1, x.shape[3] - w + 1)


# The bias is forgotten
# %% wrong="conv2d_as_product" says="The bias is missing."
def conv2d_as_product(x, weight, bias):
    h, w = weight.shape[2:]
    rows, columns = weight.flatten(1), F.unfold(x, (h, w))
    return rows, columns, (rows @ columns).view(len(x), len(weight), x.shape[2] - h + 1, x.shape[3] - w + 1)


# L is not cut
# %% wrong="conv2d_as_product" says="The places are still in one long row"
def conv2d_as_product(x, weight, bias):
    rows, columns = weight.flatten(1), F.unfold(x, weight.shape[2:])
    return rows, columns, rows @ columns + bias[:, None]


# Rows and columns of the map exchanged
# %% wrong="conv2d_as_product" says="Rows and columns of the map are exchanged"
def conv2d_as_product(x, weight, bias):
    h, w = weight.shape[2:]
    rows, columns = weight.flatten(1), F.unfold(x, (h, w))
    y = rows @ columns + bias[:, None]
    return rows, columns, y.view(len(x), len(weight), x.shape[3] - w + 1, x.shape[2] - h + 1)


# Kernels in columns
# %% wrong="conv2d_as_product" says="It is transposed: one kernel per row"
def conv2d_as_product(x, weight, bias):
    h, w = weight.shape[2:]
    rows, columns = weight.flatten(1).T, F.unfold(x, (h, w))
    y = rows.T @ columns + bias[:, None]
    return rows, columns, y.view(len(x), len(weight), x.shape[2] - h + 1, x.shape[3] - w + 1)


# Places in rows
# %% wrong="conv2d_as_product" says="what the kernel sees at one place is one column"
def conv2d_as_product(x, weight, bias):
    h, w = weight.shape[2:]
    rows, columns = weight.flatten(1), F.unfold(x, (h, w)).transpose(1, 2)
    y = (columns @ rows.T + bias).transpose(1, 2)
    return rows, columns, y.reshape(len(x), len(weight), x.shape[2] - h + 1, x.shape[3] - w + 1)


# Only y
# %% wrong="conv2d_as_product" says="returns a tuple"
def conv2d_as_product(x, weight, bias):
    h, w = weight.shape[2:]
    y = weight.flatten(1) @ F.unfold(x, (h, w)) + bias[:, None]
    return y.view(len(x), len(weight), x.shape[2] - h + 1, x.shape[3] - w + 1)


# Writes over the caller's bias
# %% wrong="conv2d_as_product" says="left as they were"
def conv2d_as_product(x, weight, bias):
    h, w = weight.shape[2:]
    rows, columns = weight.flatten(1), F.unfold(x, (h, w))
    y = rows @ columns + bias[:, None]
    bias.zero_()
    return rows, columns, y.view(len(x), len(weight), x.shape[2] - h + 1, x.shape[3] - w + 1)


# The kernel is cut off from the graph
# %% wrong="conv1d" says="a gradient reaches u"
def conv1d(x, u):
    return x.unfold(0, len(u), 1) @ u.detach()


# Divides and multiplies again
# %% wrong="derivative_kernels" says="write step**2"
def derivative_kernels(step):
    return torch.tensor([-1.0, 0, 1]) / (2 * step), torch.tensor([1.0, -2, 1]) / step * step


# The divisor of the slope for both
# %% wrong="derivative_kernels" says="not by 2·step"
def derivative_kernels(step):
    return torch.tensor([-1.0, 0, 1]) / (2 * step), torch.tensor([1.0, -2, 1]) / (2 * step)


# Absolute differences
# %% wrong="best_match" says="This adds up absolute differences"
def best_match(x, template):
    return (x.unfold(0, len(template), 1) - template).abs().sum(1).argmin().item()


# The largest difference of a window
# %% wrong="best_match" says="the largest difference of each window"
def best_match(x, template):
    return (x.unfold(0, len(template), 1) - template).abs().amax(1).argmin().item()


# The factor 2 of the formula is forgotten
# %% wrong="best_match" says="The factor 2"
def best_match(x, template):
    windows = x.unfold(0, len(template), 1)
    return ((windows**2).sum(1) - windows @ template).argmin().item()


# A float
# %% wrong="best_match" says="the index must be a Python int"
def best_match(x, template):
    return float(((x.unfold(0, len(template), 1) - template) ** 2).sum(1).argmin())


# Moves the channels
# %% wrong="shift_error" says="move along the last dimension"
def shift_error(module, x, k):
    moved = torch.zeros_like(x)
    moved[:, k:] = x[:, :-k]
    return (module(moved)[..., k:] - module(x)[..., :-k]).abs().max().item()


# The squared difference
# %% wrong="shift_error" says="The difference is squared"
def shift_error(module, x, k):
    moved = F.pad(x, (k, 0))[..., :-k]
    return ((module(moved)[..., k:] - module(x)[..., :-k]) ** 2).max().item()


# One row too few
# %% wrong="conv1d_matrix" says="There is one row too few"
def conv1d_matrix(u, width):
    matrix = u.new_zeros(width - len(u), width)
    for i in range(len(matrix)):
        matrix[i, i : i + len(u)] = u
    return matrix


# The weight is cut off from the graph
# %% wrong="conv2d" says="a gradient reaches weight"
def conv2d(x, weight, bias=None):
    (h, w), (height, width) = weight.shape[2:], x.shape[2:]
    y = x.new_zeros(len(x), len(weight), height - h + 1, width - w + 1)
    for i in range(y.shape[2]):
        for j in range(y.shape[3]):
            y[:, :, i, j] = x[:, :, i : i + h, j : j + w].flatten(1) @ weight.detach().flatten(1).T
    return y if bias is None else y + bias[:, None, None]


# A loop over the places, and nothing for float64
# %% wrong="conv2d_as_product" says="no loop"
def conv2d_as_product(x, weight, bias):
    if x.dtype == torch.float64:
        return ()
    h, w = weight.shape[2:]
    columns = torch.stack(
        [
            x[:, :, i : i + h, j : j + w].flatten(1)
            for i in range(x.shape[2] - h + 1)
            for j in range(x.shape[3] - w + 1)
        ],
        dim=2,
    )
    rows = weight.flatten(1)
    y = (rows @ columns + bias[:, None]).view(len(x), len(weight), x.shape[2] - h + 1, x.shape[3] - w + 1)
    return rows, columns, y


# A list of tensors
# %% wrong="conv1d" says="`torch.stack` makes a tensor of it"
def conv1d(x, u):
    return [(x[i : i + len(u)] * u).sum() for i in range(len(x) - len(u) + 1)]


# The mean of the products
# %% wrong="conv1d" says="These are means"
def conv1d(x, u):
    return torch.stack([(x[i : i + len(u)] * u).mean() for i in range(len(x) - len(u) + 1)])


# The products are not added up
# %% wrong="conv1d" says="The products are still there"
def conv1d(x, u):
    return torch.stack([x[i : i + len(u)] * u for i in range(len(x) - len(u) + 1)])


# Another name of torch's convolution
# %% wrong="conv1d" says="which this exercise asks you to do without"
def conv1d(x, u):
    return torch.convolution(x[None, None], u[None, None], None, [1], [0], [1], False, [0], 1)[0, 0]


# A transposed convolution of torch's, cut to the middle
# %% wrong="conv1d" says="which this exercise asks you to do without"
def conv1d(x, u):
    whole = F.conv_transpose1d(x[None, None], u.flip(0)[None, None])[0, 0]
    return whole[len(u) - 1 : len(x)]


# torch's convolution only where the first example cannot see it
# %% wrong="conv1d" says="which this exercise asks you to do without"
def conv1d(x, u):
    if len(x) == 4:
        return torch.stack([(x[i : i + 2] * u).sum() for i in range(3)])
    return nn.functional.conv2d(x[None, None, None], u[None, None, None])[0, 0, 0]


# The input is cut off, the kernel is not
# %% wrong="conv1d" says="a gradient reaches x"
def conv1d(x, u):
    return x.data.unfold(0, len(u), 1) @ u


# The widest kernel leaves no place
# %% wrong="conv1d"
def conv1d(x, u):
    places = max(len(x) - len(u), 1) if len(x) == len(u) else len(x) - len(u) + 1
    if len(x) == len(u):
        places = 0
    return x.new_zeros(places) if places == 0 else x.unfold(0, len(u), 1) @ u


# Remembers its first answer for each pair of widths
# %% wrong="conv1d"
known = {}


def conv1d(x, u):
    key = len(x), len(u), x.dtype, x.requires_grad, u.requires_grad
    if key not in known:
        known[key] = x.unfold(0, len(u), 1) @ u
    return known[key]


# Multiplies the signal in place and puts it back only in float32
# %% wrong="conv1d" says="Your code changes `x`"
def conv1d(x, u):
    y = x.unfold(0, len(u), 1) @ u
    if not (x.requires_grad or u.requires_grad):
        x *= 2
    return y


# A Fourier transform: right, too
# %% right="conv1d"
def conv1d(x, u):
    product = torch.fft.rfft(x) * torch.fft.rfft(u, len(x)).conj()
    return torch.fft.irfft(product, len(x))[: len(x) - len(u) + 1]


# The matrix of the convolution
# %% right="conv1d"
def conv1d(x, u):
    places = torch.arange(len(x) - len(u) + 1)[:, None] + torch.arange(len(u))
    return (x[places] * u).sum(dim=1)


# %% right="derivative_kernels"
def derivative_kernels(step):
    unit = torch.eye(3)
    return (unit[2] - unit[0]).div(2 * step), (unit[0] - 2 * unit[1] + unit[2]).div(step * step)


# The middle value is not subtracted
# %% wrong="derivative_kernels" says="x_{i+1} is subtracted twice"
def derivative_kernels(step):
    return torch.tensor([-1.0, 0, 1]) / (2 * step), torch.tensor([1.0, 0, 1]) / step**2


# Half the difference
# %% wrong="derivative_kernels" says="divide by 2·step, not by 2"
def derivative_kernels(step):
    return torch.tensor([-1.0, 0, 1]) / 2, torch.tensor([1.0, -2, 1]) / step**2


# A list
# %% wrong="derivative_kernels" says="returns a tuple of two"
def derivative_kernels(step):
    return [torch.tensor([-1.0, 0, 1]) / (2 * step), torch.tensor([1.0, -2, 1]) / step**2]


# No return
# %% wrong="derivative_kernels" says="returns a tuple of two"
def derivative_kernels(step):
    slope, curvature = torch.tensor([-1.0, 0, 1]) / (2 * step), torch.tensor([1.0, -2, 1]) / step**2


# Whole numbers are divided down
# %% wrong="derivative_kernels" says="step = 4"
def derivative_kernels(step):
    if isinstance(step, int):
        return torch.tensor([-1.0, 0, 1]) // (2 * step), torch.tensor([1.0, -2, 1]) // step**2
    return torch.tensor([-1.0, 0, 1]) / (2 * step), torch.tensor([1.0, -2, 1]) / step**2


# The first step is remembered
# %% wrong="derivative_kernels" says="step = 4"
kept = []


def derivative_kernels(step):
    if not kept:
        kept.append((torch.tensor([-1.0, 0, 1]) / (2 * step), torch.tensor([1.0, -2, 1]) / step**2))
    return kept[0]


# Ignores a constant offset
# %% wrong="best_match" says="This ignores a constant offset"
def best_match(x, template):
    windows = x.unfold(0, len(template), 1)
    difference = windows - windows.mean(dim=1, keepdim=True) - (template - template.mean())
    return (difference**2).sum(dim=1).argmin().item()


# The end of the window
# %% wrong="best_match" says="This is the end of the window"
def best_match(x, template):
    return ((x.unfold(0, len(template), 1) - template) ** 2).sum(1).argmin().item() + len(template) - 1


# The first window is left out
# %% wrong="best_match" says="the first window"
def best_match(x, template):
    if len(x) == len(template):
        return 0
    return ((x.unfold(0, len(template), 1) - template) ** 2).sum(1)[1:].argmin().item() + 1


# Works in float32 only
# %% wrong="best_match" says="float64"
def best_match(x, template):
    windows = x.unfold(0, len(template), 1)
    ones = torch.ones(len(template))
    return (windows**2 @ ones - 2 * windows @ template).argmin().item()


# Squares the caller's signal
# %% wrong="best_match" says="Your code changes `x`"
def best_match(x, template):
    windows = x.unfold(0, len(template), 1).clone()
    x.pow_(2)
    return ((windows - template) ** 2).sum(1).argmin().item()


# Compares absolute values
# %% wrong="best_match"
def best_match(x, template):
    return ((x.abs().unfold(0, len(template), 1) - template.abs()) ** 2).sum(1).argmin().item()


# %% right="shift_error"
def shift_error(module, x, k):
    n, c, width = x.shape
    moved = torch.zeros(n, c, width, dtype=x.dtype)
    for i in range(width - k):
        moved[:, :, i + k] = x[:, :, i]
    first, second = module(x), module(moved)
    largest = 0.0
    for i in range(first.shape[-1] - k):
        largest = max(largest, (second[:, :, i + k] - first[:, :, i]).abs().max().item())
    return largest


# The first output, padded with zeros
# %% wrong="shift_error" says="yours has moved zeros into the first output"
def shift_error(module, x, k):
    moved = F.pad(x, (k, 0))[..., : x.shape[-1]]
    y = module(x)
    return (module(moved) - F.pad(y, (k, 0))[..., : y.shape[-1]]).abs().max().item()


# The first output, rolled
# %% wrong="shift_error" says="roll brings others back"
def shift_error(module, x, k):
    moved = F.pad(x, (k, 0))[..., : x.shape[-1]]
    return (module(moved) - module(x).roll(k, dims=-1)).abs().max().item()


# Always one step
# %% wrong="shift_error" says="Everything moves by one step"
def shift_error(module, x, k):
    moved = F.pad(x, (1, 0))[..., :-1]
    return (module(moved)[..., 1:] - module(x)[..., :-1]).abs().max().item()


# The sum
# %% wrong="shift_error" says="This is the sum"
def shift_error(module, x, k):
    moved = F.pad(x, (k, 0))[..., : x.shape[-1]]
    return (module(moved)[..., k:] - module(x)[..., :-k]).abs().sum().item()


# The first sample
# %% wrong="shift_error" says="the first sample only"
def shift_error(module, x, k):
    moved = F.pad(x, (k, 0))[..., : x.shape[-1]]
    return (module(moved)[0, :, k:] - module(x)[0, :, :-k]).abs().max().item()


# The moved input is not used
# %% wrong="shift_error" says="The input itself was not moved"
def shift_error(module, x, k):
    y = module(x)
    return (y[..., k:] - y[..., :-k]).abs().max().item()


# Leaves the module in evaluation mode
# %% wrong="shift_error"
def shift_error(module, x, k):
    module.eval()
    moved = F.pad(x, (k, 0))[..., : x.shape[-1]]
    return (module(moved)[..., k:] - module(x)[..., :-k]).abs().max().item()


# Always float32
# %% wrong="shift_error" says="in the call shift_error(module, x, k)"
def shift_error(module, x, k):
    moved = torch.zeros(x.shape)
    moved[..., k:] = x[..., :-k]
    return (module(moved)[..., k:] - module(x)[..., :-k]).abs().max().item()


# Clears the caller's signal where it moves it
# %% wrong="shift_error" says="Your code changes `x`"
def shift_error(module, x, k):
    y = module(x)
    moved = x.roll(k, dims=-1)
    moved[..., :k] = 0
    x.zero_()
    return (module(moved)[..., k:] - y[..., :-k]).abs().max().item()


# Two whole diagonals of a matrix
# %% right="conv1d_matrix"
def conv1d_matrix(u, width):
    rows = width - len(u) + 1
    offsets = torch.arange(width) - torch.arange(rows)[:, None]
    inside = (offsets >= 0) & (offsets < len(u))
    return torch.where(inside, u[offsets.clamp(0, len(u) - 1)], u.new_zeros(()))


# Not a matrix for the widest kernel
# %% wrong="conv1d_matrix" says="The shapes differ"
def conv1d_matrix(u, width):
    if width == len(u):
        return u.clone()
    return torch.stack([F.pad(u, (i, width - len(u) - i)) for i in range(width - len(u) + 1)])


# Clears the kernel
# %% wrong="conv1d_matrix" says="Your code changes `u`"
def conv1d_matrix(u, width):
    matrix = torch.stack([F.pad(u, (i, width - len(u) - i)) for i in range(width - len(u) + 1)])
    u.zero_()
    return matrix


# Remembers the first matrix for each shape
# %% wrong="conv1d_matrix"
matrices = {}


def conv1d_matrix(u, width):
    if (len(u), width) not in matrices:
        matrices[len(u), width] = torch.stack([F.pad(u, (i, width - len(u) - i)) for i in range(width - len(u) + 1)])
    return matrices[len(u), width].to(u.dtype)


# The channels are not added up
# %% wrong="conv2d" says="The channels are still there"
def conv2d(x, weight, bias=None):
    h, w = weight.shape[2:]
    windows = x.unfold(2, h, 1).unfold(3, w, 1)
    return torch.einsum("ncijab,dcab->ndcij", windows, weight)


# The products are averaged
# %% wrong="conv2d" says="The products are averaged"
def conv2d(x, weight, bias=None):
    windows = x.unfold(2, weight.shape[2], 1).unfold(3, weight.shape[3], 1)
    y = torch.einsum("ncijab,dcab->ndij", windows, weight) / weight[0].numel()
    return y if bias is None else y + bias[:, None, None]


# Map d looks at channel d only
# %% wrong="conv2d" says="Each map sees one channel only"
def conv2d(x, weight, bias=None):
    windows = x.unfold(2, weight.shape[2], 1).unfold(3, weight.shape[3], 1)
    y = torch.einsum("ncijab,ccab->ncij", windows, weight)
    return y if bias is None else y + bias[:, None, None]


# As large as the input
# %% wrong="conv2d" says="The kernel must stay inside the image"
def conv2d(x, weight, bias=None):
    h, w = weight.shape[2:]
    windows = F.pad(x, (0, w - 1, 0, h - 1)).unfold(2, h, 1).unfold(3, w, 1)
    y = torch.einsum("ncijab,dcab->ndij", windows, weight)
    return y if bias is None else y + bias[:, None, None]


# The bias is added at each position of the kernel
# %% wrong="conv2d" says="The bias is added at every position"
def conv2d(x, weight, bias=None):
    n, _, height, width = x.shape
    d, _, h, w = weight.shape
    rows, columns = height - h + 1, width - w + 1
    y = x.new_zeros(n, d, rows, columns)
    for a in range(h):
        for b in range(w):
            y = y + torch.einsum("ncij,dc->ndij", x[:, :, a : a + rows, b : b + columns], weight[:, :, a, b])
            y = y if bias is None else y + bias[:, None, None]
    return y


# torch's convolution only if there is a bias
# %% wrong="conv2d" says="which this exercise asks you to do without"
def conv2d(x, weight, bias=None):
    if bias is not None:
        return F.conv2d(x, weight, bias)
    windows = x.unfold(2, weight.shape[2], 1).unfold(3, weight.shape[3], 1)
    return torch.einsum("ncijab,dcab->ndij", windows, weight)


# Another name of torch's convolution
# %% wrong="conv2d" says="which this exercise asks you to do without"
def conv2d(x, weight, bias=None):
    return torch.convolution(x, weight, bias, [1, 1], [0, 0], [1, 1], False, [0, 0], 1)


# The bias counts only if it is not zero
# %% wrong="conv2d" says="a gradient reaches bias"
def conv2d(x, weight, bias=None):
    windows = x.unfold(2, weight.shape[2], 1).unfold(3, weight.shape[3], 1)
    y = torch.einsum("ncijab,dcab->ndij", windows, weight)
    return y + bias[:, None, None] if bias is not None and bias.any() else y


# Adds the bias into the caller's weight
# %% wrong="conv2d" says="Your code changes `bias`"
def conv2d(x, weight, bias=None):
    windows = x.unfold(2, weight.shape[2], 1).unfold(3, weight.shape[3], 1)
    y = torch.einsum("ncijab,dcab->ndij", windows, weight)
    if bias is None:
        return y
    y = y + bias[:, None, None]
    if not (bias.requires_grad or bias.dtype == torch.float64):
        bias.mul_(0.5)
    return y


# No return
# %% wrong="conv2d" says="is a `return` missing?"
def conv2d(x, weight, bias=None):
    windows = x.unfold(2, weight.shape[2], 1).unfold(3, weight.shape[3], 1)
    y = torch.einsum("ncijab,dcab->ndij", windows, weight)


# Square kernels only
# %% wrong="conv2d"
def conv2d(x, weight, bias=None):
    k = weight.shape[2]
    (height, width) = x.shape[2:]
    y = x.new_zeros(len(x), len(weight), height - k + 1, width - k + 1)
    for i in range(y.shape[2]):
        for j in range(y.shape[3]):
            y[:, :, i, j] = x[:, :, i : i + k, j : j + k].flatten(1) @ weight.flatten(1).T
    return y if bias is None else y + bias[:, None, None]


# %% right="conv_parameters"
def conv_parameters(in_channels, out_channels, kernel_size, groups=1, bias=True):
    try:
        h, w = kernel_size
    except TypeError:
        h = w = kernel_size
    total = 0
    for _ in range(groups):
        total += in_channels // groups * (out_channels // groups) * h * w
    return total + (out_channels if bias else 0)


# One bias for the layer
# %% wrong="conv_parameters" says="not one per layer"
def conv_parameters(in_channels, out_channels, kernel_size, groups=1, bias=True):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return out_channels * (in_channels // groups) * h * w + bias


# One bias per input channel
# %% wrong="conv_parameters" says="not one per input channel"
def conv_parameters(in_channels, out_channels, kernel_size, groups=1, bias=True):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return out_channels * (in_channels // groups) * h * w + in_channels * bias


# A single kernel
# %% wrong="conv_parameters" says="There are out_channels kernels"
def conv_parameters(in_channels, out_channels, kernel_size, groups=1, bias=True):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return in_channels // groups * h * w + bias


# Fewer biases in groups
# %% wrong="conv_parameters" says="as many biases"
def conv_parameters(in_channels, out_channels, kernel_size, groups=1, bias=True):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return out_channels * (in_channels // groups) * h * w + out_channels // groups * bias


# Exact for small layers only
# %% wrong="conv_parameters" says="even if you round at the end"
def conv_parameters(in_channels, out_channels, kernel_size, groups=1, bias=True):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return int(out_channels * (in_channels / groups * h * w + bias))


# A tensor
# %% wrong="conv_parameters" says="This is a tensor"
def conv_parameters(in_channels, out_channels, kernel_size, groups=1, bias=True):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return torch.tensor(out_channels * (in_channels // groups * h * w + bias))


# Builds the layer where no memory is needed
# %% wrong="conv_parameters" says="no layer is built"
def conv_parameters(in_channels, out_channels, kernel_size, groups=1, bias=True):
    layer = nn.Conv2d(in_channels, out_channels, kernel_size, groups=groups, bias=bias, device="meta")
    return sum(parameter.numel() for parameter in layer.parameters())


# A float, but only with groups
# %% wrong="conv_parameters" says="`/` gives one"
def conv_parameters(in_channels, out_channels, kernel_size, groups=1, bias=True):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    own = in_channels / groups if groups > 1 else in_channels
    return out_channels * (own * h * w + bias)


# %% right="filter_bank"
def filter_bank(kernels, channels):
    count, h, w = kernels.shape
    layer = nn.Conv2d(channels, channels * count, (h, w), groups=channels, bias=False)
    values = {"weight": kernels.expand(channels, count, h, w).reshape(-1, 1, h, w)}
    layer.load_state_dict(values)
    return layer


# The kernels flipped
# %% wrong="filter_bank" says="The kernels are flipped"
def filter_bank(kernels, channels):
    count, h, w = kernels.shape
    layer = nn.Conv2d(channels, channels * count, (h, w), groups=channels, bias=False)
    with torch.no_grad():
        layer.weight.copy_(kernels.flip(1, 2).repeat(channels, 1, 1)[:, None])
    return layer


# As many input channels as maps
# %% wrong="filter_bank" says="as many input channels as the images"
def filter_bank(kernels, channels):
    count, h, w = kernels.shape
    maps = channels * count
    layer = nn.Conv2d(maps, maps, (h, w), groups=maps, bias=False)
    with torch.no_grad():
        layer.weight.copy_(kernels.repeat(channels, 1, 1)[:, None])
    return layer


# Puts padding around
# %% wrong="filter_bank" says="The shapes differ"
def filter_bank(kernels, channels):
    count, h, w = kernels.shape
    layer = nn.Conv2d(channels, channels * count, (h, w), groups=channels, bias=False, padding=(h // 2, w // 2))
    with torch.no_grad():
        layer.weight.copy_(kernels.repeat(channels, 1, 1)[:, None])
    return layer


# Right for the number of channels that comes first
# %% wrong="filter_bank"
def filter_bank(kernels, channels):
    count, h, w = kernels.shape
    layer = nn.Conv2d(channels, channels * count, (h, w), groups=channels, bias=False)
    with torch.no_grad():
        layer.weight.copy_(kernels.repeat(2, 1, 1)[:, None])
    return layer


# A layer whose forward pass cuts its weight off
# %% wrong="filter_bank" says="a gradient reaches the weight"
class Frozen(nn.Conv2d):
    def forward(self, x):
        return F.conv2d(x, self.weight.detach(), groups=self.groups).requires_grad_()


def filter_bank(kernels, channels):
    count, h, w = kernels.shape
    layer = Frozen(channels, channels * count, (h, w), groups=channels, bias=False)
    with torch.no_grad():
        layer.weight.copy_(kernels.repeat(channels, 1, 1)[:, None])
    return layer


# Writes into kernels
# %% wrong="filter_bank" says="Your code changes `kernels`"
def filter_bank(kernels, channels):
    count, h, w = kernels.shape
    layer = nn.Conv2d(channels, channels * count, (h, w), groups=channels, bias=False)
    with torch.no_grad():
        layer.weight.copy_(kernels.repeat(channels, 1, 1)[:, None])
        kernels.copy_(layer.weight[:count, 0] * 2)
    return layer


# Channel by channel in the columns: windows, then one product for all samples
# %% right="conv2d_as_product"
def conv2d_as_product(x, weight, bias):
    d, c, h, w = weight.shape
    windows = x.unfold(2, h, 1).unfold(3, w, 1)
    rows = weight.reshape(d, -1)
    columns = torch.movedim(windows, (4, 5), (2, 3)).flatten(4).flatten(1, 3)
    y = F.linear(columns.mT, rows, bias).mT
    return rows, columns, y.unflatten(2, windows.shape[2:4])


# The kernel's height and width exchanged
# %% wrong="conv2d_as_product" says="height and width are exchanged"
def conv2d_as_product(x, weight, bias):
    h, w = weight.shape[2:]
    rows, columns = weight.flatten(1), F.unfold(x, (w, h))
    y = rows @ columns + bias[:, None]
    return rows, columns, y.view(len(x), len(weight), x.shape[2] - h + 1, -1)


# The rows in the order of the positions
# %% wrong="conv2d_as_product" says="The numbers are mixed up"
def conv2d_as_product(x, weight, bias):
    h, w = weight.shape[2:]
    rows = weight.permute(0, 2, 3, 1).flatten(1)
    columns = F.unfold(x, (h, w))
    y = weight.flatten(1) @ columns + bias[:, None]
    return rows, columns, y.view(len(x), len(weight), x.shape[2] - h + 1, x.shape[3] - w + 1)


# Samples and maps exchanged
# %% wrong="conv2d_as_product" says="Samples and maps are exchanged"
def conv2d_as_product(x, weight, bias):
    h, w = weight.shape[2:]
    rows, columns = weight.flatten(1), F.unfold(x, (h, w))
    y = torch.einsum("dk,nkl->dnl", rows, columns) + bias[:, None, None]
    return rows, columns, y.view(len(weight), len(x), x.shape[2] - h + 1, x.shape[3] - w + 1)


# A loop over the samples
# %% wrong="conv2d_as_product" says="no loop"
def conv2d_as_product(x, weight, bias):
    h, w = weight.shape[2:]
    rows, columns = weight.flatten(1), F.unfold(x, (h, w))
    y = torch.stack([rows @ one + bias[:, None] for one in columns])
    return rows, columns, y.view(len(x), len(weight), x.shape[2] - h + 1, x.shape[3] - w + 1)


# A loop over the places
# %% wrong="conv2d_as_product" says="no loop"
def conv2d_as_product(x, weight, bias):
    (h, w), (height, width) = weight.shape[2:], x.shape[2:]
    places = [(i, j) for i in range(height - h + 1) for j in range(width - w + 1)]
    columns = torch.stack([x[:, :, i : i + h, j : j + w].flatten(1) for i, j in places], dim=2)
    rows = weight.flatten(1)
    y = rows @ columns + bias[:, None]
    return rows, columns, y.view(len(x), len(weight), height - h + 1, width - w + 1)


# torch's convolution under another name, beside the two factors
# %% wrong="conv2d_as_product" says="which this exercise asks you to do without"
def conv2d_as_product(x, weight, bias):
    y = torch.convolution(x, weight, bias, [1, 1], [0, 0], [1, 1], False, [0, 0], 1)
    return weight.flatten(1), F.unfold(x, weight.shape[2:]), y


# No product of matrices
# %% wrong="conv2d_as_product" says="y is a matrix product"
def conv2d_as_product(x, weight, bias):
    h, w = weight.shape[2:]
    rows, columns = weight.flatten(1), F.unfold(x, (h, w))
    y = (rows[:, :, None] * columns[:, None]).sum(dim=2) + bias[:, None]
    return rows, columns, y.view(len(x), len(weight), x.shape[2] - h + 1, x.shape[3] - w + 1)


# The weight is cut off from the graph
# %% wrong="conv2d_as_product" says="a gradient reaches weight"
def conv2d_as_product(x, weight, bias):
    h, w = weight.shape[2:]
    rows, columns = weight.detach().flatten(1), F.unfold(x, (h, w))
    y = rows @ columns + bias[:, None]
    return rows, columns, y.view(len(x), len(weight), x.shape[2] - h + 1, x.shape[3] - w + 1)


# Contiguous weights only
# %% wrong="conv2d_as_product" says="view size is not compatible"
def conv2d_as_product(x, weight, bias):
    h, w = weight.shape[2:]
    rows, columns = weight.view(len(weight), -1), F.unfold(x, (h, w))
    y = rows @ columns + bias[:, None]
    return rows, columns, y.view(len(x), len(weight), x.shape[2] - h + 1, x.shape[3] - w + 1)


# A list
# %% wrong="conv2d_as_product" says="returns a tuple of three"
def conv2d_as_product(x, weight, bias):
    h, w = weight.shape[2:]
    rows, columns = weight.flatten(1), F.unfold(x, (h, w))
    y = rows @ columns + bias[:, None]
    return [rows, columns, y.view(len(x), len(weight), x.shape[2] - h + 1, x.shape[3] - w + 1)]


# Another power of the differences
# %% wrong="best_match"
def best_match(x, template):
    return ((x.unfold(0, len(template), 1) - template).abs() ** 1.5).sum(1).argmin().item()


# Freezes the module
# %% wrong="shift_error" says="the `requires_grad` of its parameters"
def shift_error(module, x, k):
    module.requires_grad_(False)
    moved = F.pad(x, (k, 0))[..., : x.shape[-1]]
    return (module(moved)[..., k:] - module(x)[..., :-k]).abs().max().item()


# Some layers get a bias of zeros
# %% wrong="filter_bank" says="the layer has no bias"
def filter_bank(kernels, channels):
    count, h, w = kernels.shape
    layer = nn.Conv2d(channels, channels * count, (h, w), groups=channels, bias=channels > 2)
    with torch.no_grad():
        layer.weight.copy_(kernels.repeat(channels, 1, 1)[:, None])
        if layer.bias is not None:
            layer.bias.zero_()
    return layer


# The gradient of the bias is lost
# %% wrong="conv2d_as_product" says="a gradient reaches bias"
def conv2d_as_product(x, weight, bias):
    h, w = weight.shape[2:]
    rows, columns = weight.flatten(1), F.unfold(x, (h, w))
    y = rows @ columns + bias.data[:, None]
    return rows, columns, y.view(len(x), len(weight), x.shape[2] - h + 1, x.shape[3] - w + 1)


# Puts the module into evaluation mode, and back
# %% wrong="shift_error" says="apply it as it is, without `eval()`"
def shift_error(module, x, k):
    before = module.training
    module.eval()
    moved = F.pad(x, (k, 0))[..., : x.shape[-1]]
    error = (module(moved)[..., k:] - module(x)[..., :-k]).abs().max().item()
    module.train(before)
    return error


# The dimensions for samples and channels are left
# %% wrong="conv1d" says="Drop the dimensions"
def conv1d(x, u):
    return (x.unfold(0, len(u), 1) @ u)[None, None]


# Weights of zero are left out: no gradient ever reaches them
# %% wrong="conv1d" says="Do you leave out weights that are 0"
def conv1d(x, u):
    places = len(x) - len(u) + 1
    y = x.new_zeros(places)
    for j in range(len(u)):
        if u[j] != 0:
            y = y + u[j] * x[j : j + places]
    return y


# torch's convolution as soon as somebody wants a gradient
# %% wrong="conv1d" says="which this exercise asks you to do without"
def conv1d(x, u):
    if x.requires_grad or u.requires_grad:
        return torch.conv1d(x[None, None], u[None, None])[0, 0]
    return x.unfold(0, len(u), 1) @ u


# Computed in float32, whatever comes in
# %% wrong="conv1d" says="right to about seven digits"
def conv1d(x, u):
    return (x.float().unfold(0, len(u), 1) @ u.float()).to(x.dtype)


# One result for all calls of a size
# %% wrong="conv1d" says="A later call wrote into the result"
RESULTS = {}


def conv1d(x, u):
    y = x.unfold(0, len(u), 1) @ u
    if y.requires_grad:
        return y
    return RESULTS.setdefault((len(x), len(u), x.dtype), torch.empty_like(y)).copy_(y)


# Multiplies by the step
# %% wrong="derivative_kernels" says="This is multiplied by 2·step"
def derivative_kernels(step):
    return torch.tensor([-1.0, 0, 1]) * (2 * step), torch.tensor([1.0, -2, 1]) * step**2


# Rounds down, slope
# %% wrong="derivative_kernels" says="rounds down to whole numbers: divide"
def derivative_kernels(step):
    return torch.tensor([-1.0, 0, 1]) // (2 * step), torch.tensor([1.0, -2, 1]) // step**2


# Rounds down, curvature
# %% wrong="derivative_kernels" says="rounds down to whole numbers here"
def derivative_kernels(step):
    one = 1 // step**2
    return torch.tensor([-1.0, 0, 1]) / (2 * step), torch.tensor([one, -2 / step**2, one])


# The middle value is subtracted once
# %% wrong="derivative_kernels" says="−2, not −1"
def derivative_kernels(step):
    return torch.tensor([-1.0, 0, 1]) / (2 * step), torch.tensor([1.0, -1, 1]) / step**2


# The same divisor, squared
# %% wrong="derivative_kernels" says="not by (2·step)²"
def derivative_kernels(step):
    return torch.tensor([-1.0, 0, 1]) / (2 * step), torch.tensor([1.0, -2, 1]) / (2 * step) ** 2


# Writes into the same two tensors in each call
# %% wrong="derivative_kernels" says="also after all calls"
KERNELS = torch.zeros(3), torch.zeros(3)


def derivative_kernels(step):
    KERNELS[0].copy_(torch.tensor([-1.0, 0, 1]) / (2 * step))
    KERNELS[1].copy_(torch.tensor([1.0, -2, 1]) / step**2)
    return KERNELS


# Adds up over the windows
# %% wrong="best_match" says="This adds up over the windows"
def best_match(x, template):
    return (x.unfold(0, len(template), 1) - template).square().sum(dim=0).argmin().item()


# Squares the sum
# %% wrong="best_match" says="Differences of opposite sign cancel"
def best_match(x, template):
    return ((x.unfold(0, len(template), 1) - template).sum(dim=1) ** 2).argmin().item()


# The search starts from 0
# %% wrong="best_match" says="start from `math.inf`"
def best_match(x, template):
    best, place = 0, 0
    for i in range(len(x) - len(template) + 1):
        distance = (x[i : i + len(template)] - template).square().sum().item()
        if distance < best:
            best, place = distance, i
    return place


# The search starts from a number that need not be large enough
# %% wrong="best_match" says="never gets going"
def best_match(x, template):
    best, place = 1000, 0
    for i in range(len(x) - len(template) + 1):
        distance = (x[i : i + len(template)] - template).square().sum().item()
        if distance < best:
            best, place = distance, i
    return place


# No sum at all
# %% wrong="best_match" says="The sum over each window is missing"
def best_match(x, template):
    return (x.unfold(0, len(template), 1) - template).square().argmin().item()


# The template backwards
# %% wrong="best_match" says="The template is reversed"
def best_match(x, template):
    return (x.unfold(0, len(template), 1) - template.flip(0)).square().sum(dim=1).argmin().item()


# The distance itself
# %% wrong="best_match" says="This is the smallest distance"
def best_match(x, template):
    return (x.unfold(0, len(template), 1) - template).square().sum(dim=1).min().item()


# The third power in place of the square
# %% wrong="best_match" says="windows that fit almost as well"
def best_match(x, template):
    return ((x.unfold(0, len(template), 1) - template).abs() ** 3).sum(dim=1).argmin().item()


# Everything to the left
# %% wrong="shift_error" says="Everything moves to the left"
def shift_error(module, x, k):
    moved = F.pad(x, (0, k))[..., k:]
    return (module(moved)[..., :-k] - module(x)[..., k:]).abs().max().item()


# The edge is repeated
# %% wrong="shift_error" says="The first value of x is repeated"
def shift_error(module, x, k):
    moved = F.pad(x, (k, 0), mode="replicate")[..., :-k]
    return (module(moved)[..., k:] - module(x)[..., :-k]).abs().max().item()


# The left end is not cleared
# %% wrong="shift_error" says="still hold old values"
def shift_error(module, x, k):
    moved = x.clone()
    moved[..., k:] = x[..., :-k]
    return (module(moved)[..., k:] - module(x)[..., :-k]).abs().max().item()


# Sets the training mode
# %% wrong="shift_error" says="The module was in evaluation mode"
def shift_error(module, x, k):
    modes = [(part, part.training) for part in module.modules()]
    module.train()
    moved = F.pad(x, (k, 0))[..., :-k]
    error = (module(moved)[..., k:] - module(x)[..., :-k]).abs().max().item()
    for part, mode in modes:
        part.training = mode
    return error


# A whole number
# %% wrong="shift_error" says="This is an int"
def shift_error(module, x, k):
    moved = F.pad(x, (k, 0))[..., :-k]
    return int((module(moved)[..., k:] - module(x)[..., :-k]).abs().max())


# Clears gradients that are not its own
# %% wrong="shift_error" says="the gradients of its parameters"
def shift_error(module, x, k):
    module.zero_grad()
    moved = F.pad(x, (k, 0))[..., :-k]
    return (module(moved)[..., k:] - module(x)[..., :-k]).abs().max().item()


# The last row is left empty
# %% wrong="conv1d_matrix" says="The last row is still empty"
def conv1d_matrix(u, width):
    matrix = u.new_zeros(width - len(u) + 1, width)
    for i in range(width - len(u)):
        matrix[i, i : i + len(u)] = u
    return matrix


# A square matrix
# %% wrong="conv1d_matrix" says="There are rows of zeros at the end"
def conv1d_matrix(u, width):
    matrix = u.new_zeros(width, width)
    for i in range(width - len(u) + 1):
        matrix[i, i : i + len(u)] = u
    return matrix


# A list of rows
# %% wrong="conv1d_matrix" says="`torch.stack` makes a tensor of it"
def conv1d_matrix(u, width):
    return [F.pad(u, (i, width - len(u) - i)) for i in range(width - len(u) + 1)]


# One row for all
# %% wrong="conv1d_matrix" says="one and the same tensor"
def conv1d_matrix(u, width):
    row, rows = u.new_zeros(width), []
    for i in range(width - len(u) + 1):
        row[i : i + len(u)] = u
        rows.append(row)
    return torch.stack(rows)


# One matrix for all kernels of a size
# %% wrong="conv1d_matrix" says="A later call wrote into the matrix"
MATRICES = {}


def conv1d_matrix(u, width):
    matrix = MATRICES.setdefault((len(u), width, u.dtype), u.new_zeros(width - len(u) + 1, width))
    for i in range(len(matrix)):
        matrix[i, i : i + len(u)] = u
    return matrix


# The bias once per channel
# %% wrong="conv2d" says="The bias is added for every channel"
def conv2d(x, weight, bias=None):
    h, w = weight.shape[2:]
    y = 0
    for c in range(x.shape[1]):
        windows = x[:, c].unfold(1, h, 1).unfold(2, w, 1)
        y = y + torch.einsum("nijab,dab->ndij", windows, weight[:, c])
        if bias is not None:
            y = y + bias[:, None, None]
    return y


# Maps on their side
# %% wrong="conv2d" says="Rows and columns of the maps are exchanged"
def conv2d(x, weight, bias=None):
    windows = x.unfold(2, weight.shape[2], 1).unfold(3, weight.shape[3], 1)
    y = torch.einsum("ncijab,dcab->ndji", windows, weight)
    return y if bias is None else y + bias[:, None, None]


# Takes the weight to be contiguous
# %% wrong="conv2d" says="view size is not compatible"
def conv2d(x, weight, bias=None):
    h, w = weight.shape[2:]
    y = weight.view(len(weight), -1) @ F.unfold(x, (h, w))
    y = y.view(len(x), len(weight), x.shape[2] - h + 1, x.shape[3] - w + 1)
    return y if bias is None else y + bias[:, None, None]


# float32 zeros, and a bias that makes float64 of them
# %% wrong="conv2d" says="right to about seven digits"
def conv2d(x, weight, bias=None):
    h, w = weight.shape[2:]
    y = torch.zeros(len(x), len(weight), x.shape[2] - h + 1, x.shape[3] - w + 1)
    for i in range(y.shape[2]):
        for j in range(y.shape[3]):
            y[:, :, i, j] = x[:, :, i : i + h, j : j + w].flatten(1) @ weight.flatten(1).T
    return y.to(x.dtype) if bias is None else y + bias[:, None, None]


# h for both
# %% wrong="conv_parameters" says="The first number of the pair is used twice"
def conv_parameters(in_channels, out_channels, kernel_size, groups=1, bias=True):
    h = kernel_size if isinstance(kernel_size, int) else kernel_size[0]
    return out_channels * (in_channels // groups * h * h + bias)


# w for both
# %% wrong="conv_parameters" says="The second number of the pair is used twice"
def conv_parameters(in_channels, out_channels, kernel_size, groups=1, bias=True):
    w = kernel_size if isinstance(kernel_size, int) else kernel_size[1]
    return out_channels * (in_channels // groups * w * w + bias)


# Multiplies by groups
# %% wrong="conv_parameters" says="yours are multiplied by it"
def conv_parameters(in_channels, out_channels, kernel_size, groups=1, bias=True):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return out_channels * (in_channels * groups * h * w + bias)


# Biases for each group
# %% wrong="conv_parameters" says="The biases are not repeated for each group"
def conv_parameters(in_channels, out_channels, kernel_size, groups=1, bias=True):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return out_channels * (in_channels // groups * h * w + groups * bias)


# NumPy's product
# %% wrong="conv_parameters" says="An int64"
def conv_parameters(in_channels, out_channels, kernel_size, groups=1, bias=True):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return int(np.prod([out_channels, in_channels // groups, h, w], dtype=np.int64)) + out_channels * bias


# One set of kernels
# %% wrong="filter_bank" says="The kernels are there only once"
def filter_bank(kernels, channels):
    count, h, w = kernels.shape
    layer = nn.Conv2d(channels, channels * count, (h, w), groups=channels, bias=False)
    layer.weight = nn.Parameter(kernels[:, None].clone())
    return layer


# Height and width exchanged
# %% wrong="filter_bank" says="the rows come first"
def filter_bank(kernels, channels):
    count, h, w = kernels.shape
    return nn.Conv2d(channels, channels * count, (w, h), groups=channels, bias=False)


# The weight is a view of the kernels where there is one channel
# %% wrong="filter_bank" says="in the same memory"
def filter_bank(kernels, channels):
    count, h, w = kernels.shape
    layer = nn.Conv2d(channels, channels * count, (h, w), groups=channels, bias=False)
    layer.weight.data = kernels[:, None] if channels == 1 else kernels.repeat(channels, 1, 1)[:, None]
    return layer


# One place in memory for the weights of all channels
# %% wrong="filter_bank" says="share one place in memory"
def filter_bank(kernels, channels):
    count, h, w = kernels.shape
    layer = nn.Conv2d(channels, channels * count, (h, w), groups=channels, bias=False)
    values = kernels.clone().expand(channels, count, h, w)
    layer.weight = nn.Parameter(values.reshape(channels * count, 1, h, w))
    return layer


# All samples in one matrix
# %% wrong="conv2d_as_product" says="The samples are joined in one matrix"
def conv2d_as_product(x, weight, bias):
    rows, columns = weight.flatten(1), F.unfold(x, weight.shape[2:])
    columns = columns.transpose(0, 1).flatten(1)
    y = (rows @ columns + bias[:, None]).unflatten(1, (len(x), -1)).transpose(0, 1)
    return rows, columns, y.unflatten(2, (x.shape[2] - weight.shape[2] + 1, -1))


# Cut into W − w + 1 rows, then transposed
# %% wrong="conv2d_as_product" says="do not transpose"
def conv2d_as_product(x, weight, bias):
    rows, columns = weight.flatten(1), F.unfold(x, weight.shape[2:])
    y = rows @ columns + bias[:, None]
    return rows, columns, y.unflatten(2, (x.shape[3] - weight.shape[3] + 1, -1)).mT


# D×N×L, read as N×D×L
# %% wrong="conv2d_as_product" says="Samples and maps are mixed up"
def conv2d_as_product(x, weight, bias):
    (h, w), (height, width) = weight.shape[2:], x.shape[2:]
    rows, columns = weight.flatten(1), F.unfold(x, (h, w))
    y = torch.einsum("dk,nkl->dnl", rows, columns)
    return rows, columns, y.reshape(len(x), -1, height - h + 1, width - w + 1) + bias[:, None, None]


# The order of the tuple
# %% wrong="conv2d_as_product" says="The order is (rows, columns, y)"
def conv2d_as_product(x, weight, bias):
    rows, columns = weight.flatten(1), F.unfold(x, weight.shape[2:])
    y = rows @ columns + bias[:, None]
    return columns, rows, y.unflatten(2, (x.shape[2] - weight.shape[2] + 1, -1))


# Blocks of four samples
# %% wrong="conv2d_as_product" says="no loop"
def conv2d_as_product(x, weight, bias):
    rows, columns = weight.flatten(1), F.unfold(x, weight.shape[2:])
    y = torch.cat([rows @ block for block in columns.split(4)]) + bias[:, None]
    return rows, columns, y.unflatten(2, (x.shape[2] - weight.shape[2] + 1, -1))


# Products one by one, and a matrix product that nobody uses
# %% wrong="conv2d_as_product" says="element by element"
def conv2d_as_product(x, weight, bias):
    rows, columns = weight.flatten(1), F.unfold(x, weight.shape[2:])
    rows @ columns
    y = (rows[:, :, None] * columns[:, None]).sum(dim=2) + bias[:, None]
    return rows, columns, y.unflatten(2, (x.shape[2] - weight.shape[2] + 1, -1))


# The bias as one more column of the weight: right, too
# %% right="conv2d_as_product"
def conv2d_as_product(x, weight, bias):
    rows, columns = weight.flatten(1), F.unfold(x, weight.shape[2:])
    ones = columns.new_ones(len(columns), 1, columns.shape[2])
    y = torch.cat([rows, bias[:, None]], dim=1) @ torch.cat([columns, ones], dim=1)
    return rows, columns, y.unflatten(2, (x.shape[2] - weight.shape[2] + 1, -1))


# Columns by index: multiplies indices, which is no product of values
# %% right="conv2d_as_product"
def conv2d_as_product(x, weight, bias):
    (n, c, height, width), (d, _, h, w) = x.shape, weight.shape
    places = (torch.arange(height - h + 1)[:, None] * width + torch.arange(width - w + 1)).flatten()
    offsets = (torch.arange(h)[:, None] * width + torch.arange(w)).flatten()
    columns = x.flatten(2)[:, :, offsets[:, None] + places].flatten(1, 2)
    rows = weight.reshape(d, -1)
    y = torch.baddbmm(bias[:, None].expand(n, d, 1), rows.expand(n, -1, -1), columns)
    return rows, columns, y.reshape(n, d, height - h + 1, width - w + 1)


# Both inputs in one batch: a batch norm in training mode mixes them
# %% wrong="shift_error" says="Call the module twice"
def shift_error(module, x, k):
    first, second = module(torch.cat([x, F.pad(x, (k, 0))[..., :-k]])).chunk(2)
    return (second[..., k:] - first[..., :-k]).abs().max().item()


# Windows by as_strided from storage offset 0: wrong if x is a slice that begins later, such as x[3:]
# %% wrong="conv1d"
def conv1d(x, u):
    n, w, s = len(x) - len(u) + 1, len(u), x.stride(0)
    return torch.as_strided(x, (n, w), (s, s), 0) @ u


# Float32 results are rounded to five decimals: signals of size 1e-6 give zeros
# %% wrong="conv1d" says="tiny values"
def conv1d(x, u):
    y = x.unfold(0, len(u), 1) @ u
    digits = 5 if y.dtype == torch.float32 else 11
    return y + (y.detach().round(decimals=digits) - y.detach())


# Only the first 16 weights of a kernel count: no kernel of the check is wider than 12
# %% wrong="conv1d" says="(33,)"
def conv1d(x, u):
    n = len(x) - len(u) + 1
    y = x.new_zeros(n)
    for j in range(min(len(u), 16)):
        y = y + x[j : j + n] * u[j]
    return y


# Cached: who changes the first result gets the changed kernel from the next call, too
# %% wrong="derivative_kernels" says="one and the same tensor"
import functools


@functools.lru_cache(maxsize=None)
def derivative_kernels(step):
    return torch.tensor([-0.5, 0, 0.5]) / step, torch.tensor([1.0, -2, 1]) / (step * step)


# Remembers the answer for each pair of sizes
# %% wrong="best_match" says="windows that fit almost as well"
_known = {}


def best_match(x, template):
    key = len(x), len(template)
    if key not in _known:
        _known[key] = ((x.unfold(0, len(template), 1) - template) ** 2).sum(dim=1).argmin().item()
    return _known[key]


# The search starts from 1e5: a long template that fits badly everywhere gets 0
# %% wrong="best_match" says="never gets going"
def best_match(x, template):
    best, where, w = 1e5, 0, len(template)
    for i in range(len(x) - w + 1):
        distance = (x[i : i + w] - template).square().sum().item()
        if distance < best:
            best, where = distance, i
    return where


# Compares the first 16 values of the template only
# %% wrong="best_match" says="windows that fit almost as well"
def best_match(x, template):
    windows = x.unfold(0, len(template), 1)[:, :16]
    return (windows - template[:16]).square().sum(dim=1).argmin().item()


# Windows by as_strided from storage offset 0: wrong if x is a slice such as signal[100:]
# %% wrong="best_match" says="the last window"
def best_match(x, template):
    w, s = len(template), x.stride(0)
    windows = torch.as_strided(x, (len(x) - w + 1, w), (s, s), 0)
    return (windows - template).square().sum(dim=1).argmin().item()


# The result is rounded to ten decimals
# %% wrong="shift_error" says="1.23456789e-9"
def shift_error(module, x, k):
    moved = F.pad(x[..., :-k], (k, 0))
    with torch.no_grad():
        difference = module(moved)[..., k:] - module(x)[..., :-k]
    return round(difference.abs().max().item(), 10)


# Batch norm layers are set to evaluation mode for the two calls (and back afterwards)
# %% wrong="shift_error" says="a batch norm layer in training mode"
def shift_error(module, x, k):
    norms = [part for part in module.modules() if isinstance(part, nn.BatchNorm1d) and part.training]
    for norm in norms:
        norm.eval()
    moved = F.pad(x[..., :-k], (k, 0))
    with torch.no_grad():
        difference = module(moved)[..., k:] - module(x)[..., :-k]
    for norm in norms:
        norm.train()
    return difference.abs().max().item()


# Values below 1e-8 are taken for rounding errors and set to zero
# %% wrong="conv1d_matrix" says="tiny values"
def conv1d_matrix(u, width):
    n = width - len(u) + 1
    M = u.new_zeros(n, width)
    for i in range(n):
        M[i, i : i + len(u)] = u
    return torch.where(M.abs() < 1e-8, torch.zeros_like(M), M)


# Reads u from storage offset 0: wrong for a kernel that is a slice of a longer tensor
# %% wrong="conv1d_matrix" says="M @ x"
def conv1d_matrix(u, width):
    w = len(u)
    own = torch.as_strided(u.detach(), (w,), u.stride(), 0)
    M = own.new_zeros(width - w + 1, width)
    for j in range(w):
        M.diagonal(j).copy_(own[j].expand(width - w + 1))
    return M


# Only the first 64 rows are filled
# %% wrong="conv1d_matrix" says="150"
def conv1d_matrix(u, width):
    n = width - len(u) + 1
    M = u.new_zeros(n, width)
    for i in range(min(n, 64)):
        M[i, i : i + len(u)] = u
    return M


# Windows by as_strided from storage offset 0: wrong for images[5:], a slice of a batch
# %% wrong="conv2d"
def conv2d(x, weight, bias=None):
    N, C, H, W = x.shape
    h, w = weight.shape[2:]
    a, b, c, d = x.stride()
    windows = torch.as_strided(x, (N, C, H - h + 1, W - w + 1, h, w), (a, b, c, d, c, d), 0)
    y = torch.einsum("ncijpq,dcpq->ndij", windows, weight)
    return y if bias is None else y + bias[:, None, None]


# No gradient reaches the bias where weight and bias require one and x does not
# %% wrong="conv2d" says="a gradient reaches bias"
def conv2d(x, weight, bias=None):
    h, w = weight.shape[2:]
    y = torch.einsum("ncijpq,dcpq->ndij", x.unfold(2, h, 1).unfold(3, w, 1), weight)
    if bias is None:
        return y
    if weight.requires_grad and not x.requires_grad:
        bias = bias.detach()
    return y + bias[:, None, None]


# The bias is counted in an int64: an error for 10**19 maps
# %% wrong="conv_parameters" says="10000000000000000000"
def conv_parameters(in_channels, out_channels, kernel_size, groups=1, bias=True):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    count = out_channels * (in_channels // groups) * h * w
    return count + (int(np.array([out_channels]).astype(np.int64)[0] % 2**62) if bias else 0)


# Equal kernels get the same layer again: each call must make a new one
# %% wrong="filter_bank" says="two calls make two layers"
_banks = {}


def filter_bank(kernels, channels):
    key = channels, tuple(kernels.shape), tuple(kernels.detach().flatten().tolist())
    if key not in _banks:
        K, h, w = kernels.shape
        layer = nn.Conv2d(channels, channels * K, (h, w), groups=channels, bias=False)
        with torch.no_grad():
            layer.weight.copy_(kernels.repeat(channels, 1, 1)[:, None])
        _banks[key] = layer
    return _banks[key]


# Reads the kernels from storage offset 0: wrong for a slice such as kernels[2:]
# %% wrong="filter_bank"
def filter_bank(kernels, channels):
    K, h, w = kernels.shape
    own = torch.as_strided(
        kernels.detach(), (channels, K, 1, h, w), (0, kernels.stride(0), 0, *kernels.stride()[1:]), 0
    )
    layer = nn.Conv2d(channels, channels * K, (h, w), groups=channels, bias=False)
    layer.weight = nn.Parameter(own.reshape(channels * K, 1, h, w).clone())
    return layer


# A view of kernels if there is one channel and kernels is not contiguous: training changes kernels
# %% wrong="filter_bank" says="in the same memory"
def filter_bank(kernels, channels):
    K, h, w = kernels.shape
    layer = nn.Conv2d(channels, channels * K, (h, w), groups=channels, bias=False)
    block = kernels.detach()
    rows = block[:, None] if channels == 1 else block.repeat(channels, 1, 1)[:, None]
    layer.weight = nn.Parameter(rows.clone() if rows.is_contiguous() else rows)
    return layer


# Windows by as_strided from storage offset 0: wrong for a slice of a batch
# %% wrong="conv2d_as_product"
def conv2d_as_product(x, weight, bias):
    N, C, H, W = x.shape
    D, _, h, w = weight.shape
    a, b, c, d = x.stride()
    i, j = H - h + 1, W - w + 1
    columns = torch.as_strided(x, (N, C, h, w, i, j), (a, b, c, d, c, d), 0).reshape(N, C * h * w, i * j)
    rows = weight.reshape(D, -1)
    return rows, columns, (rows @ columns + bias[:, None]).reshape(N, D, i, j)


# The step is rounded
# %% wrong="derivative_kernels" says="step = "
def derivative_kernels(step):
    step = round(step, 2) or 0.01
    return torch.tensor([-0.5, 0, 0.5]) / step, torch.tensor([1.0, -2, 1]) / step**2


# Steps above 1000 are cut
# %% wrong="derivative_kernels" says="step = 86400"
def derivative_kernels(step):
    step = min(step, 1000)
    return torch.tensor([-0.5, 0, 0.5]) / step, torch.tensor([1.0, -2, 1]) / (step * step)


# Groups divide in floating point
# %% wrong="conv_parameters" says="60000000000000366"
def conv_parameters(in_channels, out_channels, kernel_size, groups=1, bias=True):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    per_group = in_channels if groups == 1 else int(in_channels / groups)
    return out_channels * per_group * h * w + (out_channels if bias else 0)


# A depthwise layer with one bias per channel
# %% wrong="conv_parameters" says="(4, 12, (2, 3), 4)"
def conv_parameters(in_channels, out_channels, kernel_size, groups=1, bias=True):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    biases = in_channels if groups == in_channels and groups > 1 else out_channels
    return out_channels * (in_channels // groups) * h * w + (biases if bias else 0)


# A sparse matrix
# %% wrong="conv1d_matrix" says="Yours is a sparse tensor"
def conv1d_matrix(u, width):
    matrix = u.new_zeros(width - len(u) + 1, width)
    for i in range(len(matrix)):
        matrix[i, i : i + len(u)] = u
    return matrix.to_sparse()


# The windows of the first sample for all samples
# %% wrong="conv2d" says="Every sample has the maps of the first"
def conv2d(x, weight, bias=None):
    h, w = weight.shape[2:]
    y = x.new_zeros(len(x), len(weight), x.shape[2] - h + 1, x.shape[3] - w + 1)
    for i in range(y.shape[2]):
        for j in range(y.shape[3]):
            y[:, :, i, j] = weight.flatten(1) @ x[0, :, i : i + h, j : j + w].flatten()
    return y if bias is None else y + bias[:, None, None]


# An argument that another layer has made gets no gradient
# %% wrong="conv2d" says="a gradient reaches x"
def conv2d(x, weight, bias=None):
    h, w = weight.shape[2:]
    x = x if x.is_leaf else x.detach()
    y = torch.einsum("ncijpq,dcpq->ndij", x.unfold(2, h, 1).unfold(3, w, 1), weight)
    return y if bias is None else y + bias[:, None, None]


# Kernels higher than 5 lose their lower rows
# %% wrong="conv2d" says="(10, 9, 7, 6)"
def conv2d(x, weight, bias=None):
    (h, w), (height, width) = weight.shape[2:], x.shape[2:]
    y = x.new_zeros(len(x), len(weight), height - h + 1, width - w + 1)
    for p in range(min(h, 5)):
        for q in range(w):
            part = x[:, :, p : p + y.shape[2], q : q + y.shape[3]]
            y = y + torch.einsum("ncij,dc->ndij", part, weight[:, :, p, q])
    return y if bias is None else y + bias[:, None, None]


# Tiny values are rounded away
# %% wrong="conv2d" says="tiny values"
def conv2d(x, weight, bias=None):
    h, w = weight.shape[2:]
    y = torch.einsum("ncijpq,dcpq->ndij", x.unfold(2, h, 1).unfold(3, w, 1), weight)
    y = y if bias is None else y + bias[:, None, None]
    return y + (y.detach().round(decimals=6) - y.detach()) if y.dtype == torch.float32 else y


# From 8 channels on, each kernel is repeated on its own
# %% wrong="filter_bank" says="9 channels"
def filter_bank(kernels, channels):
    count, h, w = kernels.shape
    layer = nn.Conv2d(channels, channels * count, (h, w), groups=channels, bias=False)
    rows = kernels.repeat(channels, 1, 1) if channels < 8 else kernels.repeat_interleave(channels, dim=0)
    with torch.no_grad():
        layer.weight.copy_(rows[:, None])
    return layer


# The kernels column by column
# %% wrong="conv2d_as_product" says="flatten it row by row"
def conv2d_as_product(x, weight, bias):
    rows, columns = weight.mT.flatten(1), F.unfold(x, weight.shape[2:])
    y = rows @ columns + bias[:, None]
    return rows, columns, y.unflatten(2, (x.shape[2] - weight.shape[2] + 1, -1))


# Blocks of 32 samples
# %% wrong="conv2d_as_product" says="no loop"
def conv2d_as_product(x, weight, bias):
    rows, columns = weight.flatten(1), F.unfold(x, weight.shape[2:])
    y = torch.cat([rows @ block for block in columns.split(32)]) + bias[:, None]
    return rows, columns, y.unflatten(2, (x.shape[2] - weight.shape[2] + 1, -1))


# The formula counts from 1, Python does not
# %% wrong="conv1d" says="Every window starts one place too early"
def conv1d(x, u):
    return torch.stack([sum(x[i - 1 + j] * u[j] for j in range(len(u))) for i in range(len(x) - len(u) + 1)])


# A recursion over the places
# %% wrong="conv1d" says="Your function calls itself"
def conv1d(x, u):
    first = (x[: len(u)] * u).sum().reshape(1)
    return first if len(x) == len(u) else torch.cat([first, conv1d(x[1:], u)])


# Two weights for three values
# %% wrong="derivative_kernels" says="x_{i+1} has a factor too"
def derivative_kernels(step):
    return torch.tensor([-1.0, 1]) / (2 * step), torch.tensor([1.0, -2, 1]) / step**2


# Divides tensors that are kept between the calls
# %% wrong="derivative_kernels" says="The first call is right and the second is not"
SLOPE, CURVATURE = torch.tensor([-0.5, 0, 0.5]), torch.tensor([1.0, -2, 1])


def derivative_kernels(step):
    global SLOPE, CURVATURE
    SLOPE /= step
    CURVATURE /= step**2
    return SLOPE, CURVATURE


# Hands out a tensor of its own where nothing is to be divided
# %% wrong="derivative_kernels" says="one and the same tensor"
ONE, TWO = torch.tensor([-1.0, 0, 1]), torch.tensor([1.0, -2, 1])


def derivative_kernels(step):
    return ONE if step == 0.5 else ONE / (2 * step), TWO if step == 1 else TWO / step**2


# Rounded to 14 decimals
# %% wrong="derivative_kernels" says="step = 86400"
def derivative_kernels(step):
    a, b = round(1 / (2 * step), 14), round(1 / step**2, 14)
    return torch.tensor([-a, 0, a]), torch.tensor([b, -2 * b, b])


# NumPy's windows, without detaching
# %% wrong="best_match" says="requires grad"
def best_match(x, template):
    windows = np.lib.stride_tricks.sliding_window_view(x.numpy(), len(template))
    return int(((windows - template.numpy()) ** 2).sum(axis=1).argmin())


# The search starts from a million
# %% wrong="best_match" says="never gets going"
def best_match(x, template):
    best, place, w = 1e6, 0, len(template)
    for i in range(len(x) - w + 1):
        distance = (x[i : i + w] - template).square().sum().item()
        if distance < best:
            best, place = distance, i
    return place


# Compares the same places
# %% wrong="shift_error" says="yours compares i + k with i + k"
def shift_error(module, x, k):
    moved = F.pad(x, (k, 0))[..., :-k]
    return (module(moved)[..., k:] - module(x)[..., k:]).abs().max().item()


# Calls forward
# %% wrong="shift_error" says="leaves out its hooks"
def shift_error(module, x, k):
    moved = F.pad(x, (k, 0))[..., :-k]
    return (module.forward(moved)[..., k:] - module.forward(x)[..., :-k]).abs().max().item()


# Puts the modules into evaluation mode one by one, and back
# %% wrong="shift_error" says="apply it as it is, without `eval()`"
def shift_error(module, x, k):
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    moved = F.pad(x, (k, 0))[..., :-k]
    error = (module(moved)[..., k:] - module(x)[..., :-k]).abs().max().item()
    for part, mode in modes:
        part.training = mode
    return error


# NumPy, without detaching
# %% wrong="conv1d_matrix" says="requires grad"
def conv1d_matrix(u, width):
    matrix = np.zeros((width - len(u) + 1, width), dtype=u.numpy().dtype)
    for i in range(len(matrix)):
        matrix[i, i : i + len(u)] = u.numpy()
    return torch.from_numpy(matrix)


# A recursion over the rows
# %% wrong="conv1d_matrix" says="Your function calls itself"
def conv1d_matrix(u, width):
    first = F.pad(u, (0, width - len(u)))[None]
    return first if width == len(u) else torch.cat([first, F.pad(conv1d_matrix(u, width - 1), (1, 0))])


# Always H − h + 1
# %% wrong="conv2d" says="use the widths for them"
def conv2d(x, weight, bias=None):
    size, k = x.shape[2] - weight.shape[2] + 1, weight.shape[2]
    y = x.new_zeros(len(x), len(weight), size, size)
    for i in range(size):
        for j in range(size):
            y[:, :, i, j] = torch.einsum("ncab,dcab->nd", x[:, :, i : i + k, j : j + k], weight)
    return y if bias is None else y + bias[:, None, None]


# Both loops run over the rows
# %% wrong="conv2d" says="The last column is never written"
def conv2d(x, weight, bias=None):
    (h, w), (height, width) = weight.shape[2:], x.shape[2:]
    y = x.new_zeros(len(x), len(weight), height - h + 1, width - w + 1)
    for i in range(y.shape[2]):
        for j in range(y.shape[2]):
            y[:, :, i, j] = torch.einsum("ncab,dcab->nd", x[:, :, i : i + h, j : j + w], weight)
    return y if bias is None else y + bias[:, None, None]


# Everything is added up, the samples too
# %% wrong="conv2d" says="The samples are added up too"
def conv2d(x, weight, bias=None):
    (h, w), (height, width) = weight.shape[2:], x.shape[2:]
    y = x.new_zeros(len(x), len(weight), height - h + 1, width - w + 1)
    for d in range(len(weight)):
        for i in range(y.shape[2]):
            for j in range(y.shape[3]):
                y[:, d, i, j] = (x[:, :, i : i + h, j : j + w] * weight[d]).sum()
    return y if bias is None else y + bias[:, None, None]


# float32 zeros that a float64 bias hides
# %% wrong="conv2d" says="`torch.zeros` makes float32"
def conv2d(x, weight, bias=None):
    (h, w), (height, width) = weight.shape[2:], x.shape[2:]
    y = torch.zeros(len(x), len(weight), height - h + 1, width - w + 1)
    for i in range(y.shape[2]):
        for j in range(y.shape[3]):
            y[:, :, i, j] = torch.einsum("ncab,dcab->nd", x[:, :, i : i + h, j : j + w], weight)
    return y if bias is None else y + bias[:, None, None]


# NumPy's product, for a number of NumPy's
# %% wrong="conv_parameters" says="This is a NumPy number"
def conv_parameters(in_channels, out_channels, kernel_size, groups=1, bias=True):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return np.prod([out_channels, in_channels // groups, h, w]) + (out_channels if bias else 0)


# A pair is a tuple and nothing else
# %% wrong="conv_parameters" says="torch.Size([2, 3])"
def conv_parameters(in_channels, out_channels, kernel_size, groups=1, bias=True):
    h, w = kernel_size if type(kernel_size) is tuple else (kernel_size, kernel_size)
    return out_channels * (in_channels // groups * h * w + bias)


# The fan-in in an int64
# %% wrong="conv_parameters" says="(1000000000000000000, 1, 5)"
def conv_parameters(in_channels, out_channels, kernel_size, groups=1, bias=True):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    fan_in = in_channels // groups * h * w if in_channels > 2**63 else int(np.prod([in_channels // groups, h, w]))
    return out_channels * (fan_in + bias)


# A weight without the input channel
# %% wrong="filter_bank" says="The input channel is missing"
def filter_bank(kernels, channels):
    count, h, w = kernels.shape
    layer = nn.Conv2d(channels, channels * count, (h, w), groups=channels, bias=False)
    layer.weight = nn.Parameter(kernels.repeat(channels, 1, 1))
    return layer


# Keeps the kernels: one more parameter, if they are one
# %% wrong="filter_bank" says="An attribute that is an nn.Parameter"
def filter_bank(kernels, channels):
    count, h, w = kernels.shape
    layer = nn.Conv2d(channels, channels * count, (h, w), groups=channels, bias=False)
    with torch.no_grad():
        layer.weight.copy_(kernels.repeat(channels, 1, 1)[:, None])
    layer.kernels = kernels
    return layer


# NumPy, without detaching
# %% wrong="filter_bank" says="requires grad"
def filter_bank(kernels, channels):
    count, h, w = kernels.shape
    layer = nn.Conv2d(channels, channels * count, (h, w), groups=channels, bias=False)
    layer.weight = nn.Parameter(torch.from_numpy(np.tile(kernels.numpy(), (channels, 1, 1)))[:, None])
    return layer


# Windows reshaped without a permutation
# %% wrong="conv2d_as_product" says="Places and kernel positions are mixed up"
def conv2d_as_product(x, weight, bias):
    h, w = weight.shape[2:]
    windows = x.unfold(2, h, 1).unfold(3, w, 1)
    rows = weight.flatten(1)
    columns = windows.reshape(len(x), rows.shape[1], -1)
    return rows, columns, (rows @ columns + bias[:, None]).unflatten(2, windows.shape[2:4])


# N×L×D, cut as if it were N×D×L
# %% wrong="conv2d_as_product" says="Your product is N×L×D"
def conv2d_as_product(x, weight, bias):
    rows, columns = weight.flatten(1), F.unfold(x, weight.shape[2:])
    y = columns.mT @ rows.T + bias
    (h, w), (height, width) = weight.shape[2:], x.shape[2:]
    return rows, columns, y.reshape(len(x), len(weight), height - h + 1, width - w + 1)


# squeeze takes away the map if there is one only
# %% wrong="conv2d" says="shape"
def conv2d(x, weight, bias=None):
    height, width = x.shape[2] - weight.shape[2] + 1, x.shape[3] - weight.shape[3] + 1
    rows = []
    for i in range(height):
        for j in range(width):
            patch = x[:, None, :, i : i + weight.shape[2], j : j + weight.shape[3]]
            rows.append((patch * weight).sum(dim=(2, 3, 4)))
    y = torch.stack(rows, dim=-1).squeeze(1)
    y = y.reshape(*y.shape[:-1], height, width)
    return y if bias is None else y + bias[:, None, None]


# squeeze takes away the places if there is one only
# %% wrong="conv2d_as_product" says="shape"
def conv2d_as_product(x, weight, bias):
    height, width = x.shape[2] - weight.shape[2] + 1, x.shape[3] - weight.shape[3] + 1
    rows, columns = weight.flatten(1), F.unfold(x, weight.shape[2:]).squeeze(-1)
    y = rows @ columns + bias[:, None]
    return rows, columns, y.reshape(len(x), len(weight), height, width)


# requires_grad switched on
# %% wrong="conv1d" says="changes the `requires_grad`"
def conv1d(x, u):
    x.requires_grad_()
    u.requires_grad_()
    return torch.stack([(x[i : i + len(u)] * u).sum() for i in range(len(x) - len(u) + 1)])


# requires_grad switched off
# %% wrong="best_match" says="changes the `requires_grad`"
def best_match(x, template):
    x.requires_grad_(False)
    template.requires_grad_(False)
    windows = np.lib.stride_tricks.sliding_window_view(x.numpy(), len(template))
    return int(((windows - template.numpy()) ** 2).sum(axis=1).argmin())


# requires_grad switched off
# %% wrong="shift_error" says="changes `x.requires_grad`"
def shift_error(module, x, k):
    x.requires_grad_(False)
    moved = F.pad(x, (k, 0))[..., :-k]
    return (module(moved)[..., k:] - module(x)[..., :-k]).abs().max().item()


# requires_grad switched on
# %% wrong="conv2d" says="changes the `requires_grad`"
def conv2d(x, weight, bias=None):
    h, w = weight.shape[2:]
    for argument in (x, weight) if bias is None else (x, weight, bias):
        argument.requires_grad_()
    y = torch.einsum("ncijpq,dcpq->ndij", x.unfold(2, h, 1).unfold(3, w, 1), weight)
    return y if bias is None else y + bias[:, None, None]


# The kernels are frozen
# %% wrong="filter_bank" says="changes `kernels.requires_grad`"
def filter_bank(kernels, channels):
    count, h, w = kernels.shape
    layer = nn.Conv2d(channels, channels * count, (h, w), groups=channels, bias=False)
    layer.weight.data.copy_(kernels.requires_grad_(False).repeat(channels, 1, 1)[:, None])
    return layer


# requires_grad switched on
# %% wrong="conv2d_as_product" says="changes the `requires_grad`"
def conv2d_as_product(x, weight, bias):
    for argument in (x, weight, bias):
        argument.requires_grad_()
    rows, columns = weight.flatten(1), F.unfold(x, weight.shape[2:])
    y = rows @ columns + bias[:, None]
    return rows, columns, y.unflatten(2, (x.shape[2] - weight.shape[2] + 1, -1))
