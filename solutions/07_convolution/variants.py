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
# %% wrong="conv1d" says="The kernel is turned over"
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
# %% wrong="conv1d" says="autograd passes through conv1d"
def conv1d(x, u):
    return torch.tensor([(x[i : i + len(u)] * u).sum().item() for i in range(len(x) - len(u) + 1)], dtype=x.dtype)


# Kernels of width 2 only
# %% wrong="conv1d" says="for a kernel of width 2 only"
def conv1d(x, u):
    return x[:-1] * u[0] + x[1:] * u[1]


# Clears the caller's kernel
# %% wrong="conv1d" says="left as they were"
def conv1d(x, u):
    y = x.unfold(0, len(u), 1) @ u
    u.zero_()
    return y


# Always float32
# %% wrong="conv1d" says="in float64"
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


# Thinks of a kernel that is turned over
# %% wrong="derivative_kernels" says="The order is turned over"
def derivative_kernels(step):
    return torch.tensor([1.0, 0, -1]) / (2 * step), torch.tensor([1.0, -2, 1]) / step**2


# Divides by one step
# %% wrong="derivative_kernels" says="two steps pass"
def derivative_kernels(step):
    return torch.tensor([-1.0, 0, 1]) / step, torch.tensor([1.0, -2, 1]) / step**2


# Brackets are missing
# %% wrong="derivative_kernels" says="into brackets"
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
# %% wrong="best_match" says="the best window at 26"
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


# The kernel turned over
# %% wrong="conv1d_matrix" says="The kernel is turned over"
def conv1d_matrix(u, width):
    matrix = u.new_zeros(width - len(u) + 1, width)
    for i in range(len(matrix)):
        matrix[i, i : i + len(u)] = u.flip(0)
    return matrix


# The matrix turned
# %% wrong="conv1d_matrix" says="It is turned: one row per output"
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
# %% wrong="conv1d_matrix" says="hold a part of the kernel only"
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
# %% wrong="conv1d_matrix" says="for u in float64"
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


# All windows at once, ready-made
# %% wrong="conv2d" says="which this exercise asks you to do without"
def conv2d(x, weight, bias=None):
    h, w = weight.shape[-2:]
    windows = x.unfold(2, h, 1).unfold(3, w, 1)
    y = torch.einsum("ncijab,dcab->ndij", windows, weight)
    return y if bias is None else y + bias.view(1, -1, 1, 1)


# The columns of all places, ready-made
# %% wrong="conv2d" says="which this exercise asks you to do without"
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


# The kernels turned over
# %% wrong="conv2d" says="The kernels are turned over"
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
# %% wrong="conv2d" says="autograd passes through conv2d"
def conv2d(x, weight, bias=None):
    (h, w), (height, width) = weight.shape[2:], x.shape[2:]
    y = torch.zeros(len(x), len(weight), height - h + 1, width - w + 1, dtype=x.dtype)
    for i in range(y.shape[2]):
        for j in range(y.shape[3]):
            y[:, :, i, j] = (x[:, :, i : i + h, j : j + w].flatten(1) @ weight.flatten(1).T).detach()
    return y if bias is None else y + bias.detach()[:, None, None]


# Always float32
# %% wrong="conv2d" says="in float64"
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
# %% wrong="conv_parameters"
def conv_parameters(in_channels, out_channels, kernel_size, groups=1, bias=True):
    layer = nn.Conv2d(in_channels, out_channels, kernel_size, groups=groups, bias=bias)
    return sum(parameter.numel() for parameter in layer.parameters())


# Divides in floats
# %% wrong="conv_parameters" says="a Python int"
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
# %% wrong="filter_bank" says="Each map is to see one channel only: set groups"
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
# %% wrong="filter_bank" says="still trainable"
def filter_bank(kernels, channels):
    count, h, w = kernels.shape
    layer = nn.Conv2d(channels, channels * count, (h, w), groups=channels, bias=False).requires_grad_(False)
    layer.weight.copy_(kernels.repeat(channels, 1, 1)[:, None])
    return layer


# No return
# %% wrong="filter_bank" says="is no nn.Conv2d"
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
# %% wrong="conv2d_as_product" says="The places are in one long row still"
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
# %% wrong="conv2d_as_product" says="It is turned: one kernel per row"
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
# %% wrong="best_match" says="the index is a Python int"
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
# %% wrong="conv1d_matrix" says="The last row is missing"
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


# Right for the sizes that the check shows, nothing for others
# %% wrong="conv2d_as_product" says="the number of parts"
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
