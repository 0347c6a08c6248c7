# %% [markdown]
# Other answers to the exercises of `09_dilation`: right ones that the checks must accept, wrong ones that they must
# reject with a message that leads to the mistake.


# %% right="dilate_kernel"
def dilate_kernel(weight, dilation):
    a, b = dilation
    h, w = weight.shape[2:]
    rows = torch.zeros(1 + (h - 1) * a, h, dtype=weight.dtype)
    columns = torch.zeros(w, 1 + (w - 1) * b, dtype=weight.dtype)
    rows[torch.arange(h) * a, torch.arange(h)] = 1
    columns[torch.arange(w), torch.arange(w) * b] = 1
    return rows @ weight @ columns


# %% right="dilate_kernel"
def dilate_kernel(weight, dilation):
    for dim, d in zip((2, 3), dilation):
        gaps = torch.zeros_like(weight)
        spread = torch.stack([weight] + [gaps] * (d - 1), dim=dim + 1).flatten(dim, dim + 1)
        weight = spread.narrow(dim, 0, spread.shape[dim] - d + 1)
    return weight


# %% right="dilate_kernel"
def dilate_kernel(weight, dilation):
    (a, b), (outputs, inputs, h, w) = dilation, weight.shape
    one = torch.ones(1, 1, 1, 1, dtype=weight.dtype)
    full = F.conv_transpose2d(weight.reshape(-1, 1, h, w), one, stride=(a, b))
    return full.reshape(outputs, inputs, *full.shape[2:])


# d zeros in each gap
# %% wrong="dilate_kernel" says="but d − 1 were asked for"
def dilate_kernel(weight, dilation):
    a, b = dilation
    outputs, inputs, h, w = weight.shape
    filled = weight.new_zeros(outputs, inputs, h + (h - 1) * a, w + (w - 1) * b)
    filled[..., :: a + 1, :: b + 1] = weight
    return filled


# k·d entries
# %% wrong="dilate_kernel" says="There are zeros behind the last entry"
def dilate_kernel(weight, dilation):
    a, b = dilation
    outputs, inputs, h, w = weight.shape
    filled = weight.new_zeros(outputs, inputs, h * a, w * b)
    filled[..., ::a, ::b] = weight
    return filled


# The entries are repeated
# %% wrong="dilate_kernel" says="The entries are repeated"
def dilate_kernel(weight, dilation):
    return weight.repeat_interleave(dilation[0], 2).repeat_interleave(dilation[1], 3)


# Rows and columns exchanged
# %% wrong="dilate_kernel" says="Rows and columns are exchanged"
def dilate_kernel(weight, dilation):
    b, a = dilation
    outputs, inputs, h, w = weight.shape
    filled = weight.new_zeros(outputs, inputs, 1 + (h - 1) * a, 1 + (w - 1) * b)
    filled[..., ::a, ::b] = weight
    return filled


# Always float32
# %% wrong="dilate_kernel" says="in float64"
def dilate_kernel(weight, dilation):
    a, b = dilation
    outputs, inputs, h, w = weight.shape
    filled = torch.zeros(outputs, inputs, 1 + (h - 1) * a, 1 + (w - 1) * b)
    filled[..., ::a, ::b] = weight
    return filled


# Cut off from the graph
# %% wrong="dilate_kernel" says="gradients can pass"
def dilate_kernel(weight, dilation):
    a, b = dilation
    outputs, inputs, h, w = weight.shape
    filled = weight.new_zeros(outputs, inputs, 1 + (h - 1) * a, 1 + (w - 1) * b)
    filled[..., ::a, ::b] = weight.data
    return filled


# %% right="output_size"
def output_size(size, kernel, stride=1, padding=0, dilation=1):
    last_start = size + 2 * padding - (kernel - 1) * dilation - 1
    if last_start < 0:
        return 0
    return last_start // stride + 1


# %% right="output_size"
def output_size(size, kernel, stride=1, padding=0, dilation=1):
    starts = range(0, size + 2 * padding - (kernel - 1) * dilation, stride)
    return len(starts)


# Runs the convolution
# %% wrong="output_size" says="which this exercise asks you to do without"
def output_size(size, kernel, stride=1, padding=0, dilation=1):
    if 1 + (kernel - 1) * dilation > size + 2 * padding:
        return 0
    return F.conv1d(torch.zeros(1, 1, size), torch.zeros(1, 1, kernel), None, stride, padding, dilation).shape[2]


# k·d instead of 1 + (k − 1)·d
# %% wrong="output_size" says="not k·d"
def output_size(size, kernel, stride=1, padding=0, dilation=1):
    return max(0, (size + 2 * padding - kernel * dilation) // stride + 1)


# d zeros in each gap
# %% wrong="output_size" says="There are d − 1 zeros in each gap"
def output_size(size, kernel, stride=1, padding=0, dilation=1):
    filled = kernel + (kernel - 1) * dilation
    return max(0, (size + 2 * padding - filled) // stride + 1)


# Dilation forgotten
# %% wrong="output_size" says="dilation makes no difference"
def output_size(size, kernel, stride=1, padding=0, dilation=1):
    return max(0, (size + 2 * padding - kernel) // stride + 1)


# The padding counted once
# %% wrong="output_size" says="The padding stands on both sides"
def output_size(size, kernel, stride=1, padding=0, dilation=1):
    return max(0, (size + padding - 1 - (kernel - 1) * dilation) // stride + 1)


# Rounded up
# %% wrong="output_size" says="Round down: a step that does not fit"
def output_size(size, kernel, stride=1, padding=0, dilation=1):
    return max(0, math.ceil((size + 2 * padding - 1 - (kernel - 1) * dilation) / stride) + 1)


# Divided with /
# %% wrong="output_size" says="there are no parts of it"
def output_size(size, kernel, stride=1, padding=0, dilation=1):
    return max(0, (size + 2 * padding - 1 - (kernel - 1) * dilation) / stride + 1)


# A kernel that does not fit
# %% wrong="output_size" says="0 outputs, not fewer"
def output_size(size, kernel, stride=1, padding=0, dilation=1):
    return (size + 2 * padding - 1 - (kernel - 1) * dilation) // stride + 1


# %% right="dilated_conv1d"
def dilated_conv1d(x, weight, d):
    width = x.shape[2] - (weight.shape[2] - 1) * d
    patches = x.unfold(2, x.shape[2] - width + 1, 1)[..., ::d]
    return torch.einsum("ncwk,dck->ndw", patches, weight)


# %% right="dilated_conv1d"
def dilated_conv1d(x, weight, d):
    k = weight.shape[2]
    width = x.shape[2] - (k - 1) * d
    y = 0
    for j in range(k):
        y = y + F.conv1d(x[..., j * d : j * d + width], weight[..., j : j + 1])
    return y


# %% right="dilated_conv1d"
def dilated_conv1d(x, weight, d):
    n, c, w = x.shape
    width = w - (weight.shape[2] - 1) * d
    x = F.pad(x, (0, -w % d))  # all phases of the same length
    phases = x.reshape(n, c, -1, d).permute(0, 3, 1, 2).flatten(0, 1)
    y = F.conv1d(phases, weight).unflatten(0, (n, d))
    return y.permute(0, 2, 3, 1).flatten(2)[..., :width]


# The phases one behind the other
# %% wrong="dilated_conv1d" says="The phases stand one behind the other"
def dilated_conv1d(x, weight, d):
    return torch.cat([F.conv1d(x[..., p::d], weight) for p in range(d)], dim=2)


# The kernel filled up with zeros
# %% wrong="dilated_conv1d" says="0 · nan is nan"
def dilated_conv1d(x, weight, d):
    filled = weight.new_zeros(*weight.shape[:2], 1 + (weight.shape[2] - 1) * d)
    filled[..., ::d] = weight
    return F.conv1d(x, filled)


# Everything is left to torch
# %% wrong="dilated_conv1d" says="The dilation is left to torch"
def dilated_conv1d(x, weight, d):
    return F.conv1d(x, weight, dilation=d)


# A stride is no dilation
# %% wrong="dilated_conv1d" says="This is a stride"
def dilated_conv1d(x, weight, d):
    return F.conv1d(x, weight, stride=d)


# Only the first phase
# %% wrong="dilated_conv1d" says="Only phase 0"
def dilated_conv1d(x, weight, d):
    return F.conv1d(x[..., ::d], weight)


# Phases without outputs are not skipped
# %% wrong="dilated_conv1d" says="Kernel size can't be greater"
def dilated_conv1d(x, weight, d):
    y = x.new_empty(len(x), len(weight), x.shape[2] - (weight.shape[2] - 1) * d)
    for p in range(d):
        y[..., p::d] = F.conv1d(x[..., p::d], weight)
    return y


# Flips the kernel, as a mathematician's convolution does
# %% wrong="dilated_conv1d" says="The kernel is flipped"
def dilated_conv1d(x, weight, d):
    weight = weight.flip(2)
    width = x.shape[2] - (weight.shape[2] - 1) * d
    return sum(weight[:, :, j] @ x[:, :, j * d : j * d + width] for j in range(weight.shape[2]))


# Always float32
# %% wrong="dilated_conv1d" says="in float64"
def dilated_conv1d(x, weight, d):
    width = x.shape[2] - (weight.shape[2] - 1) * d
    y = torch.empty(len(x), len(weight), width)
    for p in range(min(d, width)):
        y[..., p::d] = F.conv1d(x[..., p::d], weight)
    return y


# %% right="receptive_field"
def receptive_field(layers):
    first, last = 0, 0
    for k, d, stride in reversed(layers):
        first, last = first * stride, last * stride + (k - 1) * d
    return last - first + 1


# %% right="receptive_field"
def receptive_field(layers):
    return 1 + sum((k - 1) * d * math.prod(s for _, _, s in layers[:i]) for i, (k, d, _) in enumerate(layers))


# Strides forgotten
# %% wrong="receptive_field" says="stride makes no difference"
def receptive_field(layers):
    return 1 + sum((k - 1) * d for k, d, _ in layers)


# The step is multiplied too early
# %% wrong="receptive_field" says="add first, then multiply"
def receptive_field(layers):
    field, step = 1, 1
    for k, d, stride in layers:
        step *= stride
        field += (k - 1) * d * step
    return field


# Only the stride just before
# %% wrong="receptive_field" says="Only the stride of the layer just before"
def receptive_field(layers):
    field, step = 1, 1
    for k, d, stride in layers:
        field += (k - 1) * d * step
        step = stride
    return field


# Each layer with its own stride
# %% wrong="receptive_field" says="Each layer is multiplied by its own stride"
def receptive_field(layers):
    return 1 + sum((k - 1) * d * s for k, d, s in layers)


# The wrong end first
# %% wrong="receptive_field" says="The stack is read from the wrong end"
def receptive_field(layers):
    field, step = 1, 1
    for k, d, stride in reversed(layers):
        field += (k - 1) * d * step
        step *= stride
    return field


# The 1 is missing
# %% wrong="receptive_field" says="The 1 is missing"
def receptive_field(layers):
    field, step = 0, 1
    for k, d, stride in layers:
        field += (k - 1) * d * step
        step *= stride
    return field


# Dilation forgotten
# %% wrong="receptive_field" says="dilation makes no difference"
def receptive_field(layers):
    field, step = 1, 1
    for k, _, stride in layers:
        field += (k - 1) * step
        step *= stride
    return field


# k·d for each layer
# %% wrong="receptive_field" says="A layer adds (k − 1)·d, not k·d"
def receptive_field(layers):
    return 1 + sum(k * d for k, d, _ in layers)


# The fields multiplied
# %% wrong="receptive_field" says="do not multiply"
def receptive_field(layers):
    return math.prod(1 + (k - 1) * d for k, d, _ in layers)


# %% right="measured_field"
def measured_field(net, channels, size):
    x = torch.zeros(1, channels, *size).requires_grad_()
    y = net(x)
    y[0, :, y.shape[2] // 2, y.shape[3] // 2].sum().backward()
    places = x.grad[0].ne(0).nonzero()
    height, width = (places.amax(0) - places.amin(0) + 1)[1:].tolist()
    return height, width


# %% right="measured_field"
def measured_field(net, channels, size):
    x = torch.rand((1, channels, *size), requires_grad=True)
    y = net(x)
    mask = torch.zeros_like(y)
    mask[:, :, mask.shape[2] // 2, mask.shape[3] // 2] = 1
    (gradient,) = torch.autograd.grad(y, x, mask)
    result = []
    for dims in ((0, 1, 3), (0, 1, 2)):
        seen = [i for i, value in enumerate(gradient.abs().sum(dims).tolist()) if value > 0]
        result.append(seen[-1] - seen[0] + 1)
    return tuple(result)


# Counts the seen ones
# %% wrong="measured_field" says="You counted the rows and columns"
def measured_field(net, channels, size):
    x = torch.randn(1, channels, *size, requires_grad=True)
    y = net(x)
    (gradient,) = torch.autograd.grad(y[0, :, y.shape[2] // 2, y.shape[3] // 2].sum(), x)
    seen = (gradient[0] != 0).any(0)
    return int(seen.any(1).sum()), int(seen.any(0).sum())


# The gradient of everything
# %% wrong="measured_field" says="The whole output is in your gradient"
def measured_field(net, channels, size):
    x = torch.randn(1, channels, *size, requires_grad=True)
    (gradient,) = torch.autograd.grad(net(x).sum(), x)
    seen = (gradient[0] != 0).any(0)
    rows, columns = seen.any(1).nonzero(), seen.any(0).nonzero()
    return int(rows.max() - rows.min() + 1), int(columns.max() - columns.min() + 1)


# The corner
# %% wrong="measured_field" says="This is the output in a corner"
def measured_field(net, channels, size):
    x = torch.randn(1, channels, *size, requires_grad=True)
    (gradient,) = torch.autograd.grad(net(x)[0, :, 0, 0].sum(), x)
    seen = (gradient[0] != 0).any(0)
    rows, columns = seen.any(1).nonzero(), seen.any(0).nonzero()
    return int(rows.max() - rows.min() + 1), int(columns.max() - columns.min() + 1)


# Height and width exchanged
# %% wrong="measured_field" says="Height and width are exchanged"
def measured_field(net, channels, size):
    x = torch.randn(1, channels, *size, requires_grad=True)
    y = net(x)
    (gradient,) = torch.autograd.grad(y[0, :, y.shape[2] // 2, y.shape[3] // 2].sum(), x)
    seen = (gradient[0] != 0).any(0)
    rows, columns = seen.any(1).nonzero(), seen.any(0).nonzero()
    return int(columns.max() - columns.min() + 1), int(rows.max() - rows.min() + 1)


# The distance from first to last, without the 1
# %% wrong="measured_field" says="The + 1 is missing"
def measured_field(net, channels, size):
    x = torch.randn(1, channels, *size, requires_grad=True)
    y = net(x)
    (gradient,) = torch.autograd.grad(y[0, :, y.shape[2] // 2, y.shape[3] // 2].sum(), x)
    places = (gradient[0] != 0).any(0).nonzero()
    height, width = (places.amax(0) - places.amin(0)).tolist()
    return height, width


# No return
# %% wrong="measured_field" says="is a `return` missing?"
def measured_field(net, channels, size):
    x = torch.randn(1, channels, *size, requires_grad=True)
    y = net(x)


# %% right="path_counts"
def path_counts(dilations, k=3):
    field = 1 + sum((k - 1) * d for d in dilations)
    counts = torch.zeros(field, dtype=torch.int64)
    counts[0] = 1
    for d in dilations:
        counts = sum(F.pad(counts, (j * d, 0))[:field] for j in range(k))
    return counts


# %% right="path_counts"
def path_counts(dilations, k=3):
    counts = [1]
    for d in dilations:
        at = lambda i, old=counts: old[i] if 0 <= i < len(old) else 0  # noqa: E731
        counts = [sum(at(i - j * d) for j in range(k)) for i in range(len(counts) + (k - 1) * d)]
    return torch.tensor(counts)


# Ones for what is seen
# %% wrong="path_counts" says="These are ones for what is seen"
def path_counts(dilations, k=3):
    seen = {0}
    for d in dilations:
        seen = {p + j * d for p in seen for j in range(k)}
    mask = torch.zeros(max(seen) + 1, dtype=torch.int64)
    mask[list(seen)] = 1
    return mask


# In float32
# %% wrong="path_counts" says="The dtype is not int64"
def path_counts(dilations, k=3):
    counts = torch.ones(1)
    for d in dilations:
        counts = sum(F.pad(counts, (j * d, (k - 1 - j) * d)) for j in range(k))
    return counts


# In float32, rounded at the end
# %% wrong="path_counts" says="which float32 cannot hold"
def path_counts(dilations, k=3):
    counts = torch.ones(1)
    for d in dilations:
        counts = sum(F.pad(counts, (j * d, (k - 1 - j) * d)) for j in range(k))
    return counts.round().long()


# By the gradient, rounded at the end
# %% wrong="path_counts" says="which this exercise asks you to do without"
def path_counts(dilations, k=3):
    x = torch.zeros(1, 1, 1 + sum((k - 1) * d for d in dilations), requires_grad=True)
    y = x + 0
    for d in dilations:
        y = F.conv1d(y, torch.ones(1, 1, k), dilation=d)
    return torch.autograd.grad(y.sum(), x)[0][0, 0].round().long()


# The unseen ones are dropped
# %% wrong="path_counts" says="belong to the field too, with 0 paths"
def path_counts(dilations, k=3):
    counts = {0: 1}
    for d in dilations:
        longer = {}
        for p, n in counts.items():
            for j in range(k):
                longer[p + j * d] = longer.get(p + j * d, 0) + n
        counts = longer
    return torch.tensor([counts[p] for p in sorted(counts)])


# k is not looked at
# %% wrong="path_counts" says="k makes no difference"
def path_counts(dilations, k=3):
    counts = torch.ones(1, dtype=torch.int64)
    for d in dilations:
        counts = F.pad(counts, (2 * d, 0)) + F.pad(counts, (d, d)) + F.pad(counts, (0, 2 * d))
    return counts


# The dilation is not looked at
# %% wrong="path_counts" says="dilation makes no difference"
def path_counts(dilations, k=3):
    counts = torch.ones(1, dtype=torch.int64)
    for _ in dilations:
        counts = sum(F.pad(counts, (j, k - 1 - j)) for j in range(k))
    return counts


# Only the last layer
# %% wrong="path_counts" says="This is the last layer alone"
def path_counts(dilations, k=3):
    counts = torch.ones(1, dtype=torch.int64)
    for d in dilations:
        counts = torch.zeros(1 + (k - 1) * d, dtype=torch.int64)
        counts[::d] = 1
    return counts


# %% right="smallest_stack"
def smallest_stack(wanted):
    n = 0
    while 3**n < wanted:
        n += 1
    dilations = [3**level for level in range(n)]
    if n:
        dilations[-1] = (wanted - 1) // 2 - sum(dilations[:-1])
    return dilations


# %% right="smallest_stack"
def smallest_stack(wanted):
    # from the top: the widest layer takes a third, rounded up, the rest is a smaller problem
    if wanted == 1:
        return []
    rest = -(-wanted // 3)
    rest += (rest + 1) % 2  # a field is odd
    return smallest_stack(rest) + [(wanted - rest) // 2]


# Doubling dilations
# %% wrong="smallest_stack" says="This is right but not the smallest"
def smallest_stack(wanted):
    dilations, d, left = [], 1, (wanted - 1) // 2
    while left:
        d = min(d, left)
        dilations.append(d)
        left -= d
        d *= 2
    return dilations


# Plain layers
# %% wrong="smallest_stack" says="This is right but not the smallest"
def smallest_stack(wanted):
    return [1] * (wanted // 2)


# Powers of 3, whatever is wanted
# %% wrong="smallest_stack" says="The field is wider than asked for"
def smallest_stack(wanted):
    dilations = []
    while 3 ** len(dilations) < wanted:
        dilations.append(3 ** len(dilations))
    return dilations


# One layer reaches everything
# %% wrong="smallest_stack" says="Gridding"
def smallest_stack(wanted):
    return [(wanted - 1) // 2] if wanted > 1 else []


# Begins with the largest power and gives what is left to the last one
# %% wrong="smallest_stack" says="Gridding"
def smallest_stack(wanted):
    left, dilations = (wanted - 1) // 2, []
    while left:
        dilations.append(-(-left * 2 // 3))
        left -= dilations[-1]
    return dilations


# Stops too early
# %% wrong="smallest_stack" says="The field is narrower than asked for"
def smallest_stack(wanted):
    dilations, field = [], 1
    while field * 3 < wanted:
        dilations.append(field)
        field *= 3
    return dilations


# Floats
# %% wrong="smallest_stack" says="A single / makes a float"
def smallest_stack(wanted):
    dilations, field = [], 1
    while field < wanted:
        d = min(field, (wanted - field) / 2)
        dilations.append(d)
        field += 2 * d
    return dilations


# No return
# %% wrong="smallest_stack" says="is a `return` missing?"
def smallest_stack(wanted):
    dilations, field = [], 1
    while field < wanted:
        dilations.append(min(field, (wanted - field) // 2))
        field += 2 * dilations[-1]


# Cut off towards 0 instead of rounded down
# %% wrong="output_size" says="Round *down*"
def output_size(size, kernel, stride=1, padding=0, dilation=1):
    return max(0, int((size + 2 * padding - 1 - (kernel - 1) * dilation) / stride) + 1)


# The padding does not count when the kernel is to fit
# %% wrong="output_size" says="fits the *padded* input"
def output_size(size, kernel, stride=1, padding=0, dilation=1):
    filled = 1 + (kernel - 1) * dilation
    if filled > size:
        return 0
    return (size + 2 * padding - filled) // stride + 1


# Only the first channel of the output
# %% wrong="measured_field" says="Only output channel 0"
def measured_field(net, channels, size):
    x = torch.zeros(1, channels, *size, requires_grad=True)
    y = net(x)
    y[0, 0, y.shape[2] // 2, y.shape[3] // 2].backward()
    places = (x.grad[0] != 0).any(0).nonzero()
    return tuple((places.max(0).values - places.min(0).values + 1).tolist())


# Only where all channels are seen
# %% wrong="measured_field" says="join the channels with any"
def measured_field(net, channels, size):
    x = torch.zeros(1, channels, *size, requires_grad=True)
    y = net(x)
    y[0, :, y.shape[2] // 2, y.shape[3] // 2].sum().backward()
    places = (x.grad[0] != 0).all(0).nonzero()
    return tuple((places.max(0).values - places.min(0).values + 1).tolist())


# Only positive gradients
# %% wrong="measured_field" says="A gradient may be negative"
def measured_field(net, channels, size):
    x = torch.zeros(1, channels, *size, requires_grad=True)
    y = net(x)
    y[0, :, y.shape[2] // 2, y.shape[3] // 2].sum().backward()
    places = (x.grad[0] > 0).any(0).nonzero()
    return tuple((places.max(0).values - places.min(0).values + 1).tolist())


# Tensors instead of numbers
# %% wrong="measured_field" says="These are tensors"
def measured_field(net, channels, size):
    x = torch.zeros(1, channels, *size, requires_grad=True)
    y = net(x)
    y[0, :, y.shape[2] // 2, y.shape[3] // 2].sum().backward()
    places = (x.grad[0] != 0).any(0).nonzero()
    height, width = places.max(0).values - places.min(0).values + 1
    return height, width


# Writes one copy over the other
# %% wrong="path_counts" says="The copies overlap"
def path_counts(dilations, k=3):
    counts = torch.ones(1, dtype=torch.int64)
    for d in dilations:
        longer = torch.zeros(len(counts) + (k - 1) * d, dtype=torch.int64)
        for j in range(k):
            longer[j * d : j * d + len(counts)] = counts
        counts = longer
    return counts


# Empties the caller's list
# %% wrong="path_counts" says="the list is left as it was"
def path_counts(dilations, k=3):
    counts = torch.ones(1, dtype=torch.int64)
    while dilations:
        d = dilations.pop()
        longer = torch.zeros(len(counts) + (k - 1) * d, dtype=torch.int64)
        for j in range(k):
            longer[j * d : j * d + len(counts)] += counts
        counts = longer
    return counts
