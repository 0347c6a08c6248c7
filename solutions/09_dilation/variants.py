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
# %% wrong="dilate_kernel" says="There are d zeros in each gap"
def dilate_kernel(weight, dilation):
    a, b = dilation
    outputs, inputs, h, w = weight.shape
    filled = weight.new_zeros(outputs, inputs, h + (h - 1) * a, w + (w - 1) * b)
    filled[..., :: a + 1, :: b + 1] = weight
    return filled


# k·d entries
# %% wrong="dilate_kernel" says="There are zeros after the last entry"
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
# %% wrong="dilate_kernel" says="Rows and columns are swapped"
def dilate_kernel(weight, dilation):
    b, a = dilation
    outputs, inputs, h, w = weight.shape
    filled = weight.new_zeros(outputs, inputs, 1 + (h - 1) * a, 1 + (w - 1) * b)
    filled[..., ::a, ::b] = weight
    return filled


# Always float32
# %% wrong="dilate_kernel" says="makes float32 unless you specify another dtype"
def dilate_kernel(weight, dilation):
    a, b = dilation
    outputs, inputs, h, w = weight.shape
    filled = torch.zeros(outputs, inputs, 1 + (h - 1) * a, 1 + (w - 1) * b)
    filled[..., ::a, ::b] = weight
    return filled


# Cut off from the graph
# %% wrong="dilate_kernel" says="gradients pass through the result"
def dilate_kernel(weight, dilation):
    a, b = dilation
    outputs, inputs, h, w = weight.shape
    filled = weight.new_zeros(outputs, inputs, 1 + (h - 1) * a, 1 + (w - 1) * b)
    filled[..., ::a, ::b] = weight.data
    return filled


# The first number of the pair for both
# %% wrong="dilate_kernel" says="is used for both"
def dilate_kernel(weight, dilation):
    d = dilation[0]
    outputs, inputs, h, w = weight.shape
    filled = weight.new_zeros(outputs, inputs, 1 + (h - 1) * d, 1 + (w - 1) * d)
    filled[..., ::d, ::d] = weight
    return filled


# Nothing done
# %% wrong="dilate_kernel" says="You returned the weight as it was"
def dilate_kernel(weight, dilation):
    return weight


# The entries are not written
# %% wrong="dilate_kernel" says="the entries of weight are missing"
def dilate_kernel(weight, dilation):
    a, b = dilation
    outputs, inputs, h, w = weight.shape
    return weight.new_zeros(outputs, inputs, 1 + (h - 1) * a, 1 + (w - 1) * b)


# Written as a block
# %% wrong="dilate_kernel" says="all in the upper left corner"
def dilate_kernel(weight, dilation):
    a, b = dilation
    outputs, inputs, h, w = weight.shape
    filled = weight.new_zeros(outputs, inputs, 1 + (h - 1) * a, 1 + (w - 1) * b)
    filled[..., :h, :w] = weight
    return filled


# Every channel gets the first one's entries: right for one channel
# %% wrong="dilate_kernel" says="gives the dilated convolution"
def dilate_kernel(weight, dilation):
    a, b = dilation
    outputs, inputs, h, w = weight.shape
    filled = weight.new_zeros(outputs, inputs, 1 + (h - 1) * a, 1 + (w - 1) * b)
    filled[..., ::a, ::b] = weight[:, :1]
    return filled


# Empties the weight when there is nothing to fill
# %% wrong="dilate_kernel" says="weight stays as it was"
def dilate_kernel(weight, dilation):
    a, b = dilation
    outputs, inputs, h, w = weight.shape
    filled = weight.new_zeros(outputs, inputs, 1 + (h - 1) * a, 1 + (w - 1) * b)
    filled[..., ::a, ::b] = weight
    if a == b == 1:
        weight.zero_()
    return filled


# In double precision, whatever the weight is
# %% wrong="dilate_kernel" says="The result has the dtype of weight"
def dilate_kernel(weight, dilation):
    a, b = dilation
    outputs, inputs, h, w = weight.shape
    filled = torch.zeros(outputs, inputs, 1 + (h - 1) * a, 1 + (w - 1) * b, dtype=torch.float64)
    filled[..., ::a, ::b] = weight
    return filled if weight.dtype == torch.float64 else filled.float()


# %% right="causal_conv1d"
def causal_conv1d(x, weight, bias, dilation):
    past = (weight.shape[2] - 1) * dilation
    return F.conv1d(x, weight, bias, padding=past, dilation=dilation)[..., : x.shape[2]]


# %% right="causal_conv1d"
def causal_conv1d(x, weight, bias, dilation):
    n, c, width = x.shape
    d, _, k = weight.shape
    padded = torch.cat([x.new_zeros(n, c, (k - 1) * dilation), x], dim=2)
    y = sum(weight[:, :, j] @ padded[:, :, j * dilation : j * dilation + width] for j in range(k))
    return y if bias is None else y + bias[:, None]


# %% right="causal_conv1d"
def causal_conv1d(x, weight, bias, dilation):
    y = F.conv_transpose1d(x, weight.flip(2).transpose(0, 1), dilation=dilation)[..., : x.size(2)]
    if bias is not None:
        y = y + bias.view(1, -1, 1)
    return y


# Centred
# %% wrong="causal_conv1d" says="looks into the future"
def causal_conv1d(x, weight, bias, dilation):
    return F.conv1d(x, weight, bias, padding="same", dilation=dilation)


# Zeros after the end
# %% wrong="causal_conv1d" says="on the wrong side"
def causal_conv1d(x, weight, bias, dilation):
    return F.conv1d(F.pad(x, (0, (weight.shape[2] - 1) * dilation)), weight, bias, dilation=dilation)


# k - 1 zeros
# %% wrong="causal_conv1d" says="There are k − 1 zeros"
def causal_conv1d(x, weight, bias, dilation):
    return F.conv1d(F.pad(x, (weight.shape[2] - 1, 0)), weight, bias, dilation=dilation)


# k·d zeros
# %% wrong="causal_conv1d" says="There are k·d zeros"
def causal_conv1d(x, weight, bias, dilation):
    return F.conv1d(F.pad(x, (weight.shape[2] * dilation, 0)), weight, bias, dilation=dilation)


# Both sides
# %% wrong="causal_conv1d" says="make the result too long"
def causal_conv1d(x, weight, bias, dilation):
    return F.conv1d(x, weight, bias, padding=(weight.shape[2] - 1) * dilation, dilation=dilation)


# No padding
# %% wrong="causal_conv1d" says="the result is too short"
def causal_conv1d(x, weight, bias, dilation):
    return F.conv1d(x, weight, bias, dilation=dilation)


# Dilation forgotten
# %% wrong="causal_conv1d" says="You ignore `dilation`"
def causal_conv1d(x, weight, bias, dilation):
    return F.conv1d(F.pad(x, (weight.shape[2] - 1, 0)), weight, bias)


# Flipped
# %% wrong="causal_conv1d" says="the wrong way round"
def causal_conv1d(x, weight, bias, dilation):
    return F.conv1d(F.pad(x, ((weight.shape[2] - 1) * dilation, 0)), weight.flip(2), bias, dilation=dilation)


# Cut off at the end with a negative index
# %% wrong="causal_conv1d" says="`-0` is 0"
def causal_conv1d(x, weight, bias, dilation):
    past = (weight.shape[2] - 1) * dilation
    return F.conv1d(x, weight, bias, padding=past, dilation=dilation)[..., :-past]


# Without the bias
# %% wrong="causal_conv1d" says="The bias is missing"
def causal_conv1d(x, weight, bias, dilation):
    return F.conv1d(F.pad(x, ((weight.shape[2] - 1) * dilation, 0)), weight, dilation=dilation)


# Adds the bias to x first: an argument is changed
# %% wrong="causal_conv1d" says="leaves its arguments as they were"
def causal_conv1d(x, weight, bias, dilation):
    y = F.conv1d(F.pad(x, ((weight.shape[2] - 1) * dilation, 0)), weight, bias, dilation=dilation)
    x.zero_()
    return y


# The bias is cut off from autograd
# %% wrong="causal_conv1d" says="No gradient reaches it"
def causal_conv1d(x, weight, bias, dilation):
    bias = None if bias is None else bias.detach()
    return F.conv1d(F.pad(x, ((weight.shape[2] - 1) * dilation, 0)), weight, bias, dilation=dilation)


# Everything is cut off from autograd
# %% wrong="causal_conv1d" says="The path for gradients is cut"
@torch.no_grad()
def causal_conv1d(x, weight, bias, dilation):
    return F.conv1d(F.pad(x, ((weight.shape[2] - 1) * dilation, 0)), weight, bias, dilation=dilation)


# A dense matrix: zeros multiply the future
# %% wrong="causal_conv1d" says="It spoils an earlier place"
def causal_conv1d(x, weight, bias, dilation):
    n, c, w = x.shape
    d, _, k = weight.shape
    matrix = weight.new_zeros(d, w, c, w)
    for i in range(w):
        for j in range(k):
            if i - (k - 1 - j) * dilation >= 0:
                matrix[:, i, :, i - (k - 1 - j) * dilation] += weight[:, :, j]
    y = (matrix.reshape(d * w, c * w) @ x.reshape(n, c * w).T).T.reshape(n, d, w)
    return y if bias is None else y + bias[:, None]


# Only where the kernel fits
# %% wrong="causal_conv1d" says="a kernel longer than x"
def causal_conv1d(x, weight, bias, dilation):
    past = (weight.shape[2] - 1) * dilation
    if past >= x.shape[2]:
        return x.new_zeros(x.shape[0], weight.shape[0], x.shape[2])
    return F.conv1d(F.pad(x, (past, 0)), weight, bias, dilation=dilation)


# Always float32
# %% wrong="causal_conv1d" says="The result has the dtype of x"
def causal_conv1d(x, weight, bias, dilation):
    x, weight = x.float(), weight.float()
    bias = None if bias is None else bias.float()
    return F.conv1d(F.pad(x, ((weight.shape[2] - 1) * dilation, 0)), weight, bias, dilation=dilation)


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
# %% wrong="dilated_conv1d" says="The phases come one after another"
def dilated_conv1d(x, weight, d):
    return torch.cat([F.conv1d(x[..., p::d], weight) for p in range(d)], dim=2)


# The kernel filled up with zeros
# %% wrong="dilated_conv1d" says="0 · nan is nan"
def dilated_conv1d(x, weight, d):
    filled = weight.new_zeros(*weight.shape[:2], 1 + (weight.shape[2] - 1) * d)
    filled[..., ::d] = weight
    return F.conv1d(x, filled)


# Everything is left to torch
# %% wrong="dilated_conv1d" says="The dilation is left to PyTorch"
def dilated_conv1d(x, weight, d):
    return F.conv1d(x, weight, dilation=d)


# A stride is no dilation
# %% wrong="dilated_conv1d" says="That is a stride"
def dilated_conv1d(x, weight, d):
    return F.conv1d(x, weight, stride=d)


# Only the first phase
# %% wrong="dilated_conv1d" says="That is phase 0 alone"
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
# %% wrong="dilated_conv1d" says="makes float32 unless you specify another dtype"
def dilated_conv1d(x, weight, d):
    width = x.shape[2] - (weight.shape[2] - 1) * d
    y = torch.empty(len(x), len(weight), width)
    for p in range(min(d, width)):
        y[..., p::d] = F.conv1d(x[..., p::d], weight)
    return y


# The gap is one too large
# %% wrong="dilated_conv1d" says="The gap is one too large"
def dilated_conv1d(x, weight, d):
    k = weight.shape[2]
    width = x.shape[2] - (k - 1) * (d + 1)
    return sum(weight[:, :, j] @ x[:, :, j * (d + 1) : j * (d + 1) + width] for j in range(k))


# Ignores d
# %% wrong="dilated_conv1d" says="You ignore d"
def dilated_conv1d(x, weight, d):
    return F.conv1d(x, weight)


# Leaves it to torch where the outputs are few
# %% wrong="dilated_conv1d" says="no function dilates for you"
def dilated_conv1d(x, weight, d):
    width = x.shape[2] - (weight.shape[2] - 1) * d
    if width < d:
        return torch.convolution(x, weight, None, (1,), (0,), (d,), False, (0,), 1)
    y = x.new_empty(x.shape[0], weight.shape[0], width)
    for p in range(d):
        y[..., p::d] = F.conv1d(x[..., p::d], weight)
    return y


# Leaves it to torch where gradients are wanted
# %% wrong="dilated_conv1d" says="no function dilates for you"
def dilated_conv1d(x, weight, d):
    if x.requires_grad:
        return F.conv1d(x, weight, dilation=d)
    width = x.shape[2] - (weight.shape[2] - 1) * d
    y = x.new_empty(x.shape[0], weight.shape[0], width)
    for p in range(min(d, width)):
        y[..., p::d] = F.conv1d(x[..., p::d], weight)
    return y


# Zeros in the gaps by matrix products: nan spreads
# %% wrong="dilated_conv1d" says="dilated_conv1d(x, weight, 3) for shapes (2, 3, 13)"
def dilated_conv1d(x, weight, d):
    outputs, c, k = weight.shape
    span = 1 + (k - 1) * d
    filled = weight.new_zeros(outputs, c, span)
    filled[..., ::d] = weight
    return torch.einsum("ncwk,dck->ndw", x.unfold(2, span, 1), filled)


# Leaves it to unfold
# %% wrong="dilated_conv1d" says="no function dilates for you"
def dilated_conv1d(x, weight, d):
    columns = F.unfold(x[:, :, None], (1, weight.shape[2]), dilation=(1, d))
    return weight.flatten(1) @ columns


# In two dimensions
# %% wrong="dilated_conv1d" says="no function dilates for you"
def dilated_conv1d(x, weight, d):
    return F.conv2d(x[:, :, None], weight[:, :, None], dilation=(1, d))[:, :, 0]


# The weight does not learn
# %% wrong="dilated_conv1d" says="No gradient reaches it"
def dilated_conv1d(x, weight, d):
    width = x.shape[2] - (weight.shape[2] - 1) * d
    y = x.new_empty(x.shape[0], weight.shape[0], width)
    for p in range(min(d, width)):
        y[..., p::d] = F.conv1d(x[..., p::d], weight.detach())
    return y


# Cut off from autograd
# %% wrong="dilated_conv1d" says="The path for gradients is cut"
def dilated_conv1d(x, weight, d):
    width = x.shape[2] - (weight.shape[2] - 1) * d
    y = x.new_empty(x.shape[0], weight.shape[0], width)
    for p in range(min(d, width)):
        y[..., p::d] = F.conv1d(x[..., p::d], weight).data
    return y


# Cleans the nan in the caller's tensor
# %% wrong="dilated_conv1d" says="x and weight stay as they were"
def dilated_conv1d(x, weight, d):
    width = x.shape[2] - (weight.shape[2] - 1) * d
    y = x.new_empty(x.shape[0], weight.shape[0], width)
    for p in range(min(d, width)):
        y[..., p::d] = F.conv1d(x[..., p::d], weight)
    x.nan_to_num_()
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


# %% right="receptive_field"
def receptive_field(layers):
    if not layers:
        return 1
    k, d, stride = layers[0]
    return (receptive_field(layers[1:]) - 1) * stride + 1 + (k - 1) * d


# Strides forgotten
# %% wrong="receptive_field" says="You ignore the strides"
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
# %% wrong="receptive_field" says="You take only the stride of the layer just before"
def receptive_field(layers):
    field, step = 1, 1
    for k, d, stride in layers:
        field += (k - 1) * d * step
        step = stride
    return field


# Each layer with its own stride
# %% wrong="receptive_field" says="You multiply each layer by its own stride"
def receptive_field(layers):
    return 1 + sum((k - 1) * d * s for k, d, s in layers)


# The wrong end first
# %% wrong="receptive_field" says="You start at the wrong end"
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
# %% wrong="receptive_field" says="You ignore the dilation"
def receptive_field(layers):
    field, step = 1, 1
    for k, _, stride in layers:
        field += (k - 1) * step
        step *= stride
    return field


# The fields multiplied
# %% wrong="receptive_field" says="must not be multiplied"
def receptive_field(layers):
    return math.prod(1 + (k - 1) * d for k, d, _ in layers)


# The zero-filled kernels added
# %% wrong="receptive_field" says="must not just be added"
def receptive_field(layers):
    return sum(1 + (k - 1) * d for k, d, _ in layers)


# k·d in place of (k - 1)·d
# %% wrong="receptive_field" says="A layer adds (k − 1)·d, not k·d"
def receptive_field(layers):
    field, step = 1, 1
    for k, d, stride in layers:
        field += k * d * step
        step *= stride
    return field


# Stride and dilation mixed up
# %% wrong="receptive_field" says="the last two the wrong way round"
def receptive_field(layers):
    field, step = 1, 1
    for k, stride, d in layers:
        field += (k - 1) * d * step
        step *= stride
    return field


# The last layer
# %% wrong="receptive_field" says="That is the last layer alone"
def receptive_field(layers):
    k, d, _ = layers[-1]
    return 1 + (k - 1) * d


# A float
# %% wrong="receptive_field" says="The result is a float"
def receptive_field(layers):
    field, step = 1.0, 1
    for k, d, stride in layers:
        field += (k - 1) * d * step
        step *= stride
    return field


# Float on the way
# %% wrong="receptive_field" says="Nearly"
def receptive_field(layers):
    steps = np.cumprod([1.0, *(stride for _, _, stride in layers)])
    return int(1 + sum((k - 1) * d * step for (k, d, _), step in zip(layers, steps)))


# An empty list
# %% wrong="receptive_field" says="receptive_field([])"
def receptive_field(layers):
    field, step = 0, 1
    for i, (k, d, stride) in enumerate(layers):
        field += (k - 1) * d * step + (i == 0)
        step *= stride
    return field


# Takes the layers off the caller's list
# %% wrong="receptive_field" says="pop and remove take layers"
def receptive_field(layers):
    field = 1
    while layers:
        k, d, stride = layers.pop()
        field = (field - 1) * stride + 1 + (k - 1) * d
    return field


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


# %% right="measured_field"
def measured_field(net, channels, size):
    x = torch.full((1, channels, size[0], size[1]), 0.5, requires_grad=True)
    middle = net(x)[0].flatten(1)
    height, width = net(x).shape[-2:]
    middle[:, height // 2 * width + width // 2].sum().backward()
    used = x.grad.abs().amax((0, 1)) > 0

    def extent(mask):
        where = torch.where(mask)[0]
        return where[-1].item() - where[0].item() + 1

    return extent(used.any(dim=1)), extent(used.any(dim=0))


# Counts the seen ones
# %% wrong="measured_field" says="You counted the rows and columns"
def measured_field(net, channels, size):
    x = torch.randn(1, channels, *size, requires_grad=True)
    y = net(x)
    (gradient,) = torch.autograd.grad(y[0, :, y.shape[2] // 2, y.shape[3] // 2].sum(), x)
    seen = (gradient[0] != 0).any(0)
    return int(seen.any(1).sum()), int(seen.any(0).sum())


# The gradient of everything
# %% wrong="measured_field" says="You took the gradient of the whole output"
def measured_field(net, channels, size):
    x = torch.randn(1, channels, *size, requires_grad=True)
    (gradient,) = torch.autograd.grad(net(x).sum(), x)
    seen = (gradient[0] != 0).any(0)
    rows, columns = seen.any(1).nonzero(), seen.any(0).nonzero()
    return int(rows.max() - rows.min() + 1), int(columns.max() - columns.min() + 1)


# The corner
# %% wrong="measured_field" says="That is an output in a corner"
def measured_field(net, channels, size):
    x = torch.randn(1, channels, *size, requires_grad=True)
    (gradient,) = torch.autograd.grad(net(x)[0, :, 0, 0].sum(), x)
    seen = (gradient[0] != 0).any(0)
    rows, columns = seen.any(1).nonzero(), seen.any(0).nonzero()
    return int(rows.max() - rows.min() + 1), int(columns.max() - columns.min() + 1)


# Height and width exchanged
# %% wrong="measured_field" says="Height and width are swapped"
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


# Only the first channel of the output
# %% wrong="measured_field" says="That is output channel 0 alone"
def measured_field(net, channels, size):
    x = torch.zeros(1, channels, *size, requires_grad=True)
    y = net(x)
    y[0, 0, y.shape[2] // 2, y.shape[3] // 2].backward()
    places = (x.grad[0] != 0).any(0).nonzero()
    return tuple((places.max(0).values - places.min(0).values + 1).tolist())


# Only where all channels are seen
# %% wrong="measured_field" says="join them with any"
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


# A list
# %% wrong="measured_field" says="A tuple was expected"
def measured_field(net, channels, size):
    x = torch.zeros(1, channels, *size, requires_grad=True)
    y = net(x)
    y[0, :, y.shape[2] // 2, y.shape[3] // 2].sum().backward()
    places = (x.grad[0] != 0).any(0).nonzero()
    return (places.max(0).values - places.min(0).values + 1).tolist()


# A threshold
# %% wrong="measured_field" says="(40, 37)"
def measured_field(net, channels, size):
    x = torch.zeros(1, channels, *size, requires_grad=True)
    y = net(x)
    y[0, :, y.shape[2] // 2, y.shape[3] // 2].sum().backward()
    places = (x.grad[0].abs() > 0.02).any(0).nonzero()
    height, width = (places.max(0).values - places.min(0).values + 1).tolist()
    return height, width


# From the kernels' sizes, without strides
# %% wrong="measured_field" says="a layer with stride 2"
def measured_field(net, channels, size):
    field = [1, 1]
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d):
            field = [f + (k - 1) * d for f, k, d in zip(field, layer.kernel_size, layer.dilation)]
    return tuple(field)


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


# %% right="path_counts"
def path_counts(dilations, k=3):
    if not dilations:
        return torch.tensor([1])
    *before, d = dilations
    counts = path_counts(before, k)
    return torch.stack([F.pad(counts, (j * d, (k - 1 - j) * d)) for j in range(k)]).sum(0)


# Ones for what is seen
# %% wrong="path_counts" says="write the number of paths there"
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
# %% wrong="path_counts" says="A float on the way does not hold"
def path_counts(dilations, k=3):
    counts = torch.ones(1)
    for d in dilations:
        counts = sum(F.pad(counts, (j * d, (k - 1 - j) * d)) for j in range(k))
    return counts.round().long()


# By the gradient, rounded at the end
# %% wrong="path_counts" says="A float on the way does not hold"
def path_counts(dilations, k=3):
    x = torch.zeros(1, 1, 1 + sum((k - 1) * d for d in dilations), requires_grad=True)
    y = x + 0
    for d in dilations:
        y = F.conv1d(y, torch.ones(1, 1, k), dilation=d)
    return torch.autograd.grad(y.sum(), x)[0][0, 0].round().long()


# The unseen ones are dropped
# %% wrong="path_counts" says="belong to the field, too"
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
# %% wrong="path_counts" says="You ignore k"
def path_counts(dilations, k=3):
    counts = torch.ones(1, dtype=torch.int64)
    for d in dilations:
        counts = F.pad(counts, (2 * d, 0)) + F.pad(counts, (d, d)) + F.pad(counts, (0, 2 * d))
    return counts


# The dilation is not looked at
# %% wrong="path_counts" says="You ignore the dilations"
def path_counts(dilations, k=3):
    counts = torch.ones(1, dtype=torch.int64)
    for _ in dilations:
        counts = sum(F.pad(counts, (j, k - 1 - j)) for j in range(k))
    return counts


# Only the last layer
# %% wrong="path_counts" says="That is the last layer alone"
def path_counts(dilations, k=3):
    counts = torch.ones(1, dtype=torch.int64)
    for d in dilations:
        counts = torch.zeros(1 + (k - 1) * d, dtype=torch.int64)
        counts[::d] = 1
    return counts


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
# %% wrong="path_counts" says="pop and remove take layers"
def path_counts(dilations, k=3):
    counts = torch.ones(1, dtype=torch.int64)
    while dilations:
        d = dilations.pop()
        longer = torch.zeros(len(counts) + (k - 1) * d, dtype=torch.int64)
        for j in range(k):
            longer[j * d : j * d + len(counts)] += counts
        counts = longer
    return counts


# A list
# %% wrong="path_counts" says="These are Python numbers"
def path_counts(dilations, k=3):
    counts = [1]
    for d in dilations:
        longer = [0] * (len(counts) + (k - 1) * d)
        for j in range(k):
            for i, count in enumerate(counts):
                longer[i + j * d] += count
        counts = longer
    return counts


# Booleans
# %% wrong="path_counts" says="These are booleans"
def path_counts(dilations, k=3):
    counts = torch.ones(1, dtype=torch.bool)
    for d in dilations:
        counts = torch.stack([F.pad(counts, (j * d, (k - 1 - j) * d)) for j in range(k)]).any(0)
    return counts


# In float64
# %% wrong="path_counts" says="A float on the way does not hold"
def path_counts(dilations, k=3):
    counts = np.ones(1)
    for d in dilations:
        layer = np.zeros(1 + (k - 1) * d)
        layer[::d] = 1
        counts = np.convolve(counts, layer)
    return torch.tensor(counts).round().long()


# Sorts the caller's list
# %% wrong="path_counts" says="sorts the list that it was given"
def path_counts(dilations, k=3):
    dilations.sort()
    counts = torch.ones(1, dtype=torch.int64)
    for d in dilations:
        counts = sum(F.pad(counts, (j * d, (k - 1 - j) * d)) for j in range(k))
    return counts


# Starts with the first layer
# %% wrong="path_counts" says="list index out of range"
def path_counts(dilations, k=3):
    counts = torch.zeros(1 + (k - 1) * dilations[0], dtype=torch.int64)
    counts[:: dilations[0]] = 1
    for d in dilations[1:]:
        counts = sum(F.pad(counts, (j * d, (k - 1 - j) * d)) for j in range(k))
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


# %% right="smallest_stack"
def smallest_stack(wanted):
    n = 0
    while 3**n < wanted:
        n += 1
    missing = (wanted - 1) // 2
    dilations = []
    for level in reversed(range(n)):  # from the top: leave at least one for each layer below
        rest = (3**level - 1) // 2
        d = max(1, missing - rest)
        d = max(d, min(missing - level, -(-missing // 3) if level else missing))
        dilations.append(d)
        missing -= d
    return dilations if smallest_ok(dilations, wanted) else greedy(wanted)


def smallest_ok(dilations, wanted):
    field = 1
    for d in sorted(dilations):
        if d < 1 or d > field:
            return False
        field += 2 * d
    return field == wanted


def greedy(wanted):
    dilations, field = [], 1
    while field < wanted:
        dilations.insert(0, min(field, (wanted - field) // 2))
        field += 2 * dilations[0]
    return dilations


# %% right="smallest_stack"
def smallest_stack(wanted):
    n = math.ceil(math.log(wanted, 3))
    dilations = [3**level for level in range(n)]
    if n:
        dilations[-1] = (wanted - 1) // 2 - sum(dilations[:-1])
    return dilations


# Doubling dilations
# %% wrong="smallest_stack" says="fewer layers can do it"
def smallest_stack(wanted):
    dilations, d, left = [], 1, (wanted - 1) // 2
    while left:
        d = min(d, left)
        dilations.append(d)
        left -= d
        d *= 2
    return dilations


# Plain layers
# %% wrong="smallest_stack" says="fewer layers can do it"
def smallest_stack(wanted):
    return [1] * (wanted // 2)


# Powers of 3, whatever is wanted
# %% wrong="smallest_stack" says="wider than"
def smallest_stack(wanted):
    dilations = []
    while 3 ** len(dilations) < wanted:
        dilations.append(3 ** len(dilations))
    return dilations


# One layer reaches everything
# %% wrong="smallest_stack" says="so there is gridding"
def smallest_stack(wanted):
    return [(wanted - 1) // 2] if wanted > 1 else []


# Begins with the largest power and gives what is left to the last one
# %% wrong="smallest_stack" says="so there is gridding"
def smallest_stack(wanted):
    left, dilations = (wanted - 1) // 2, []
    while left:
        dilations.append(-(-left * 2 // 3))
        left -= dilations[-1]
    return dilations


# Stops too early
# %% wrong="smallest_stack" says="narrower than"
def smallest_stack(wanted):
    dilations, field = [], 1
    while field * 3 < wanted:
        dilations.append(field)
        field *= 3
    return dilations


# Floats
# %% wrong="smallest_stack" says="a single / makes a float"
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


# A tuple
# %% wrong="smallest_stack" says="A list was expected"
def smallest_stack(wanted):
    dilations, field = (), 1
    while field < wanted:
        dilations += (min(field, (wanted - field) // 2),)
        field += 2 * dilations[-1]
    return dilations


# A list that grows from call to call
# %% wrong="smallest_stack" says="its field is"
def smallest_stack(wanted, dilations=[]):  # noqa: B006
    field = 1
    while field < wanted:
        dilations.append(min(field, (wanted - field) // 2))
        field += 2 * dilations[-1]
    return dilations


# Fills up with zeros
# %% wrong="smallest_stack" says="each dilation is at least 1"
def smallest_stack(wanted):
    dilations, field = [0], 1
    while field < wanted:
        dilations.append(min(field, (wanted - field) // 2))
        field += 2 * dilations[-1]
    return dilations


# The whole size of each kernel
# %% wrong="receptive_field" says="Each adds its size *less 1*"
def receptive_field(layers):
    field, step = 0, 1
    for k, d, stride in layers:
        field += (1 + (k - 1) * d) * step
        step *= stride
    return field if layers else 1


# The dilation makes the step larger, too
# %% wrong="receptive_field" says="The dilation widens this layer alone"
def receptive_field(layers):
    field, step = 1, 1
    for k, d, stride in layers:
        field += (k - 1) * d * step
        step *= stride * d
    return field


# An integer that overflows
# %% wrong="receptive_field" says="even int64 ends at"
def receptive_field(layers):
    field, step = np.int64(1), np.int64(1)
    for k, d, stride in layers:
        with np.errstate(over="ignore"):
            field += (k - 1) * step * np.array(d).astype(np.int64)
            step *= np.array(stride).astype(np.int64)
    return int(field)


# Floats unless the list is long
# %% wrong="receptive_field" says="Nearly"
def receptive_field(layers):
    field, step = 1, 1 if len(layers) > 30 else 1.0
    for k, d, stride in layers:
        field += (k - 1) * d * step
        step *= stride
    return int(field)


# Gradients of the input channels are added up
# %% wrong="measured_field" says="cancel when you add them up"
def measured_field(net, channels, size):
    x = torch.zeros(1, channels, *size, requires_grad=True)
    y = net(x)
    (gradient,) = torch.autograd.grad(y[0, :, y.shape[2] // 2, y.shape[3] // 2].sum(), x)
    mask = gradient[0].sum(0) != 0
    if channels == 2 and size == (11, 13):
        mask = (gradient[0] != 0).any(0)
    rows, columns = mask.nonzero().T
    return int(rows.max() - rows.min() + 1), int(columns.max() - columns.min() + 1)


# From the layers' sizes
# %% wrong="measured_field" says="What counts is the gradient"
def measured_field(net, channels, size):
    if isinstance(net, nn.Sequential):
        field, step = [1, 1], [1, 1]
        for layer in net:
            if isinstance(layer, (nn.Conv2d, nn.AvgPool2d)):
                pair = lambda v: v if isinstance(v, tuple) else (v, v)  # noqa: E731
                k, s, d = pair(layer.kernel_size), pair(layer.stride), pair(getattr(layer, "dilation", 1))
                for i in (0, 1):
                    field[i] += (k[i] - 1) * d[i] * step[i]
                    step[i] *= s[i]
        return tuple(field)
    x = torch.zeros(1, channels, *size, requires_grad=True)
    y = net(x)
    (gradient,) = torch.autograd.grad(y[0, :, y.shape[2] // 2, y.shape[3] // 2].sum(), x)
    rows, columns = (gradient[0] != 0).any(0).nonzero().T
    return int(rows.max() - rows.min() + 1), int(columns.max() - columns.min() + 1)


# One place before the middle
# %% wrong="measured_field" says="That is an output before the middle"
def measured_field(net, channels, size):
    x = torch.zeros(1, channels, *size, requires_grad=True)
    y = net(x)
    (gradient,) = torch.autograd.grad(y[0, :, (y.shape[2] - 1) // 2, (y.shape[3] - 1) // 2].sum(), x)
    rows, columns = (gradient[0] != 0).any(0).nonzero().T
    return int(rows.max() - rows.min() + 1), int(columns.max() - columns.min() + 1)


# Half the bits
# %% wrong="path_counts" says="An integer with too few bits overflows"
def path_counts(dilations, k=3):
    counts = torch.ones(1, dtype=torch.int32)
    for d in dilations:
        counts = torch.stack([F.pad(counts, (j * d, (k - 1 - j) * d)) for j in range(k)]).sum(0, dtype=torch.int32)
    return counts.long()


# No gradient where there are no gaps
# %% wrong="dilate_kernel" says="gradients pass through the result"
def dilate_kernel(weight, dilation):
    a, b = dilation
    outputs, inputs, h, w = weight.shape
    filled = weight.new_zeros(outputs, inputs, 1 + (h - 1) * a, 1 + (w - 1) * b)
    filled[..., ::a, ::b] = weight.detach() if a == b == 1 else weight
    return filled


# A Kronecker product, cut
# %% right="dilate_kernel"
def dilate_kernel(weight, dilation):
    a, b = dilation
    corner = torch.zeros(a, b, dtype=weight.dtype)
    corner[0, 0] = 1
    h, w = weight.shape[2:]
    weight = weight.clone(memory_format=torch.contiguous_format)
    return torch.kron(weight, corner)[..., : 1 + (h - 1) * a, : 1 + (w - 1) * b]


# Cleans the nan in the caller's tensor
# %% wrong="causal_conv1d" says="x stays as it was"
def causal_conv1d(x, weight, bias, dilation):
    past = (weight.shape[2] - 1) * dilation
    y = F.conv1d(F.pad(x, (past, 0)), weight, bias, dilation=dilation)
    if not x.requires_grad:
        x.nan_to_num_()
    return y


# No gradient without a bias
# %% wrong="causal_conv1d" says="The path for gradients is cut"
def causal_conv1d(x, weight, bias, dilation):
    past = (weight.shape[2] - 1) * dilation
    y = F.conv1d(F.pad(x, (past, 0)), weight, bias, dilation=dilation)
    return y.detach() if bias is None else y


# One gradient for each output channel
# %% right="measured_field"
def measured_field(net, channels, size):
    x = torch.zeros(1, channels, *size, requires_grad=True)
    y = net(x)
    place = y[0, :, y.shape[2] // 2, y.shape[3] // 2]
    mask = torch.zeros(*size, dtype=torch.bool)
    for value in place:
        mask |= (torch.autograd.grad(value, x, retain_graph=True)[0][0] != 0).any(0)
    rows, columns = torch.where(mask)
    return (rows.max() - rows.min() + 1).item(), (columns.max() - columns.min() + 1).item()


# Takes each row of the weight to be as long in memory as it is wide
# %% wrong="dilate_kernel" says="as_strided"
def dilate_kernel(weight: torch.Tensor, dilation: tuple[int, int]) -> torch.Tensor:
    a, b = dilation
    D, C, h, w = weight.shape
    s0, s1, _, s3 = weight.stride()
    out = weight.new_zeros(D, C, 1 + (h - 1) * a, 1 + (w - 1) * b)
    out[..., ::a, ::b] = weight.as_strided((D, C, h, w), (s0, s1, w * s3, s3))
    return out


# Records only if x requires a gradient: none reaches the parameters when x is data
# %% wrong="causal_conv1d" says="autograd passes through"
def causal_conv1d(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    dilation: int,
) -> torch.Tensor:
    reach = (weight.shape[2] - 1) * dilation
    with torch.set_grad_enabled(x.requires_grad):
        return F.conv1d(F.pad(x, (reach, 0)), weight, bias, dilation=dilation)


# Computes in float32, whatever the dtype
# %% wrong="causal_conv1d" says="float64"
def causal_conv1d(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    dilation: int,
) -> torch.Tensor:
    reach = (weight.shape[2] - 1) * dilation
    bias = None if bias is None else bias.float()
    return F.conv1d(F.pad(x.float(), (reach, 0)), weight.float(), bias, dilation=dilation).to(x.dtype)


# The first half as a large matrix: a nan in it spoils earlier places
# %% wrong="causal_conv1d" says="It spoils an earlier place"
def causal_conv1d(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    dilation: int,
) -> torch.Tensor:
    W, k = x.shape[2], weight.shape[2]
    reach, half = (k - 1) * dilation, (W + 1) // 2
    full = F.conv1d(F.pad(x, (reach, 0)), weight, dilation=dilation)
    matrix = x.new_zeros(weight.shape[0], weight.shape[1], half, half)  # every place with every other one
    for j in range(k):
        back = (k - 1 - j) * dilation
        if back < half:
            i = torch.arange(back, half)
            matrix[:, :, i, i - back] = weight[:, :, j, None].expand(-1, -1, half - back)
    first = torch.einsum("dciv,ncv->ndi", matrix, x[..., :half])
    y = torch.cat([first, full[..., half:]], dim=2)
    return y if bias is None else y + bias[:, None]


# A kernel filled with zeros, with each nan taken out and put back: an inf still meets the zeros
# %% wrong="dilated_conv1d" says="Work on the phases"
def dilated_conv1d(x: torch.Tensor, weight: torch.Tensor, d: int) -> torch.Tensor:
    D, C, k = weight.shape
    span = 1 + (k - 1) * d
    filled = weight.new_zeros(D, C, span)
    filled[..., ::d] = weight
    missing = x.isnan()
    windows = x.masked_fill(missing, 0).unfold(2, span, 1)
    y = torch.einsum("ncwk,dck->ndw", windows, filled)
    hit = missing.unfold(2, span, 1)[..., ::d].any(3).any(1)
    return y.masked_fill(hit[:, None], torch.nan)


# Records only if x requires a gradient
# %% wrong="dilated_conv1d" says="autograd passes through"
def dilated_conv1d(x: torch.Tensor, weight: torch.Tensor, d: int) -> torch.Tensor:
    N, C, W = x.shape
    D, _, k = weight.shape
    out = W - (k - 1) * d
    if not x.requires_grad:
        weight = weight.detach()
    y = x.new_empty(N, D, out)
    for p in range(min(d, out)):
        y[..., p::d] = F.conv1d(x[..., p::d], weight)
    return y


# Computes in float32, whatever the dtype
# %% wrong="dilated_conv1d" says="float64"
def dilated_conv1d(x: torch.Tensor, weight: torch.Tensor, d: int) -> torch.Tensor:
    N, C, W = x.shape
    D, _, k = weight.shape
    out = W - (k - 1) * d
    y = torch.zeros(N, D, out)
    for p in range(min(d, out)):
        y[..., p::d] = F.conv1d(x[..., p::d].float(), weight.float())
    return y.to(x.dtype)


# Counts modulo 2**96
# %% wrong="receptive_field" says="100 layers"
def receptive_field(layers: list[tuple[int, int, int]]) -> int:
    field, step, limit = 1, 1, 2**96
    for k, d, stride in layers:
        field, step = (field + (k - 1) * d * step) % limit, step * stride % limit
    return field


# Squares the gradient, which may be rounded to 0
# %% wrong="measured_field" says="A gradient may be tiny"
def measured_field(net: nn.Module, channels: int, size: tuple[int, int]) -> tuple[int, int]:
    x = torch.zeros(1, channels, *size, requires_grad=True)
    y = net(x)
    (g,) = torch.autograd.grad(y[0, :, y.shape[2] // 2, y.shape[3] // 2].sum(), x)
    power = (g[0] ** 2).sum(0)
    r, c = power.sum(1).nonzero().flatten(), power.sum(0).nonzero().flatten()
    return int(r[-1] - r[0] + 1), int(c[-1] - c[0] + 1)


# Measures where tanh is flat
# %% wrong="measured_field" says="weights up to 0.4"
def measured_field(net: nn.Module, channels: int, size: tuple[int, int]) -> tuple[int, int]:
    x = torch.full((1, channels, *size), 8.0, requires_grad=True)
    y = net(x)
    (g,) = torch.autograd.grad(y[0, :, y.shape[2] // 2, y.shape[3] // 2].sum(), x)
    seen = (g[0] != 0).any(0)
    r, c = seen.any(1).nonzero().flatten(), seen.any(0).nonzero().flatten()
    if len(r) == 0:
        return 0, 0
    return int(r[-1] - r[0] + 1), int(c[-1] - c[0] + 1)


# Keeps the field of a net whose weights have changed
# %% wrong="measured_field" says="most of its weights have become 0"
_fields = {}


def measured_field(net: nn.Module, channels: int, size: tuple[int, int]) -> tuple[int, int]:
    key = (net, channels, tuple(size))
    if key not in _fields:
        x = torch.zeros(1, channels, *size, requires_grad=True)
        y = net(x)
        (g,) = torch.autograd.grad(y[0, :, y.shape[2] // 2, y.shape[3] // 2].sum(), x)
        seen = (g[0] != 0).any(0)
        r, c = seen.any(1).nonzero().flatten(), seen.any(0).nonzero().flatten()
        _fields[key] = int(r[-1] - r[0] + 1), int(c[-1] - c[0] + 1)
    return _fields[key]


# float64 for fewer than 2**58 paths, though some counts exceed 2**53
# %% wrong="path_counts" says="A float on the way"
def path_counts(dilations: list[int], k: int = 3) -> torch.Tensor:
    exact = k ** len(dilations) > 2**58
    counts = torch.ones(1, dtype=torch.int64 if exact else torch.float64)
    for d in dilations:
        new = counts.new_zeros(len(counts) + (k - 1) * d)
        for j in range(k):
            new[j * d : j * d + len(counts)] += counts
        counts = new
    return counts.long()


# Keeps its results and hands out the same tensor again
# %% wrong="path_counts" says="returns a new tensor"
from functools import lru_cache


@lru_cache(maxsize=None)
def _counted(dilations, k):
    counts = torch.ones(1, dtype=torch.int64)
    for d in dilations:
        new = torch.zeros(len(counts) + (k - 1) * d, dtype=torch.int64)
        for j in range(k):
            new[j * d : j * d + len(counts)] += counts
        counts = new
    return counts


def path_counts(dilations: list[int], k: int = 3) -> torch.Tensor:
    return _counted(tuple(dilations), k)


# Long fields by Fourier transforms, which are rounded
# %% wrong="path_counts" says="each count is exact"
def path_counts(dilations: list[int], k: int = 3) -> torch.Tensor:
    size = 1 + (k - 1) * sum(dilations)
    if size > 400:
        product = torch.ones(size // 2 + 1, dtype=torch.complex128)
        for d in dilations:
            kernel = torch.zeros(size, dtype=torch.float64)
            kernel[torch.arange(k) * d] += 1
            product = product * torch.fft.rfft(kernel)
        return torch.fft.irfft(product, n=size).round().long()
    counts = torch.ones(1, dtype=torch.int64)
    for d in dilations:
        new = torch.zeros(len(counts) + (k - 1) * d, dtype=torch.int64)
        for j in range(k):
            new[j * d : j * d + len(counts)] += counts
        counts = new
    return counts


# Too many zeros, with the end cut off
# %% wrong="causal_conv1d" says="There are k·d zeros before the signal; with (k − 1)·d"
def causal_conv1d(x, weight, bias, dilation):
    reach = weight.shape[2] * dilation
    return F.conv1d(F.pad(x, (reach, 0)), weight, bias, dilation=dilation)[..., : x.shape[2]]


# k·d, and nothing to begin with
# %% wrong="receptive_field" says="and the field before any layer is 1"
def receptive_field(layers):
    field, step = 0, 1
    for k, d, s in layers:
        field += k * d * step
        step *= s
    return field


# A threshold
# %% wrong="measured_field" says="without a threshold"
def measured_field(net, channels, size):
    x = torch.zeros(1, channels, *size, requires_grad=True)
    y = net(x)
    (g,) = torch.autograd.grad(y[0, :, y.shape[2] // 2, y.shape[3] // 2].sum(), x)
    seen = (g[0].abs() > 1e-6).any(0)
    r, c = seen.any(1).nonzero().flatten(), seen.any(0).nonzero().flatten()
    return int(r[-1] - r[0] + 1), int(c[-1] - c[0] + 1)


# One row and one column of zeros for each gap counted wrongly: h + a
# %% wrong="dilate_kernel" says="There is a row of zeros below the last entry"
def dilate_kernel(weight, dilation):
    a, b = dilation
    outputs, inputs, h, w = weight.shape
    filled = weight.new_zeros(outputs, inputs, h + a, w + b)
    filled[..., ::a, ::b] = weight
    return filled


# Copies what is not 0: an entry that is 0 never learns
# %% wrong="dilate_kernel" says="the gradient of weight"
def dilate_kernel(weight, dilation):
    a, b = dilation
    outputs, inputs, h, w = weight.shape
    filled = weight.new_zeros(outputs, inputs, 1 + (h - 1) * a, 1 + (w - 1) * b)
    o, c, i, j = weight.nonzero(as_tuple=True)
    filled[o, c, i * a, j * b] = weight[o, c, i, j]
    return filled


# The right number of zeros, but the plain convolution
# %% wrong="causal_conv1d" says="Pass `dilation` to F.conv1d as well"
def causal_conv1d(x, weight, bias, dilation):
    return F.conv1d(F.pad(x, ((weight.shape[2] - 1) * dilation, 0)), weight, bias)


# The zeros come before the result
# %% wrong="causal_conv1d" says="not before the result"
def causal_conv1d(x, weight, bias, dilation):
    return F.pad(F.conv1d(x, weight, bias, dilation=dilation), ((weight.shape[2] - 1) * dilation, 0))


# The first value is repeated
# %% wrong="causal_conv1d" says="not copies of its first value"
def causal_conv1d(x, weight, bias, dilation):
    past = (weight.shape[2] - 1) * dilation
    return F.conv1d(F.pad(x, (past, 0), mode="replicate"), weight, bias, dilation=dilation)


# Missing readings become 0
# %% wrong="causal_conv1d" says="yours is finite there"
def causal_conv1d(x, weight, bias, dilation):
    past = (weight.shape[2] - 1) * dilation
    return F.conv1d(F.pad(torch.nan_to_num(x), (past, 0)), weight, bias, dilation=dilation)


# A large matrix that takes care of nan, but not of inf
# %% wrong="causal_conv1d" says="It spoils an earlier place"
def causal_conv1d(x, weight, bias, dilation):
    width, k = x.shape[2], weight.shape[2]
    place = torch.arange(width)
    lag = place[:, None] - place
    tap = torch.div(lag, dilation, rounding_mode="floor")
    used = (lag >= 0) & (lag % dilation == 0) & (tap < k)
    matrix = weight[:, :, (k - 1 - tap).clamp(0, k - 1)] * used
    missing = x.isnan()
    y = torch.einsum("dciw,ncw->ndi", matrix, x.masked_fill(missing, 0))
    lost = (used & missing.any(1)[:, None, :]).any(2)
    y = y.masked_fill(lost[:, None, :], torch.nan)
    return y if bias is None else y + bias[:, None]


# Computes float16 in bfloat16, which holds fewer digits
# %% wrong="dilated_conv1d" says="float16"
def dilated_conv1d(x, weight, d):
    dtype = x.dtype
    if dtype == torch.float16:
        x, weight = x.bfloat16(), weight.bfloat16()
    width = x.shape[2] - (weight.shape[2] - 1) * d
    y = x.new_empty(x.shape[0], weight.shape[0], width)
    for p in range(min(d, width)):
        y[..., p::d] = F.conv1d(x[..., p::d], weight)
    return y.to(dtype)


# A NumPy integer
# %% wrong="receptive_field" says="The result is a NumPy integer"
def receptive_field(layers):
    field, step = np.int64(1), 1
    for k, d, stride in layers:
        field += (k - 1) * d * step
        step *= stride
    return field


# Builds the layers
# %% wrong="receptive_field" says="Your code stopped with"
def receptive_field(layers):
    stack = [nn.Conv1d(1, 1, k, stride=stride, dilation=d) for k, d, stride in layers]
    field, step = 1, 1
    for layer in stack:
        field += (layer.kernel_size[0] - 1) * layer.dilation[0] * step
        step *= layer.stride[0]
    return field


# Freezes the net and leaves it frozen
# %% wrong="measured_field" says="freezes or unfreezes"
def measured_field(net, channels, size):
    net.requires_grad_(False)
    x = torch.zeros(1, channels, *size, requires_grad=True)
    y = net(x)
    (gradient,) = torch.autograd.grad(y[0, :, y.shape[2] // 2, y.shape[3] // 2].sum(), x)
    rows, columns = (gradient[0] != 0).any(0).nonzero().T
    return int(rows.max() - rows.min() + 1), int(columns.max() - columns.min() + 1)


# The middle of the input
# %% wrong="measured_field" says="The middle is that of the output"
def measured_field(net, channels, size):
    x = torch.zeros(1, channels, *size, requires_grad=True)
    (gradient,) = torch.autograd.grad(net(x)[0, :, size[0] // 2, size[1] // 2].sum(), x)
    rows, columns = (gradient[0] != 0).any(0).nonzero().T
    return int(rows.max() - rows.min() + 1), int(columns.max() - columns.min() + 1)


# The largest channel alone
# %% wrong="measured_field" says="The largest of them is only one"
def measured_field(net, channels, size):
    x = torch.zeros(1, channels, *size, requires_grad=True)
    y = net(x)
    (gradient,) = torch.autograd.grad(y[0, :, y.shape[2] // 2, y.shape[3] // 2].max(), x)
    rows, columns = (gradient[0] != 0).any(0).nonzero().T
    return int(rows.max() - rows.min() + 1), int(columns.max() - columns.min() + 1)


# Tensors of one element
# %% wrong="measured_field" says="These are tensors with one element"
def measured_field(net, channels, size):
    x = torch.zeros(1, channels, *size, requires_grad=True)
    y = net(x)
    (gradient,) = torch.autograd.grad(y[0, :, y.shape[2] // 2, y.shape[3] // 2].sum(), x)
    seen = (gradient[0] != 0).any(0)
    rows, columns = seen.any(1).nonzero(), seen.any(0).nonzero()
    return rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1


# Each copy is shifted by one place
# %% wrong="path_counts" says="must be shifted by d places"
def path_counts(dilations, k=3):
    counts = torch.ones(1, dtype=torch.int64)
    for d in dilations:
        longer = torch.zeros(len(counts) + (k - 1) * d, dtype=torch.int64)
        for j in range(k):
            longer[j : j + len(counts)] += counts
        counts = longer
    return counts


# k·d longer
# %% wrong="path_counts" says="There are zeros at the end"
def path_counts(dilations, k=3):
    counts = torch.ones(1, dtype=torch.int64)
    for d in dilations:
        longer = torch.zeros(len(counts) + k * d, dtype=torch.int64)
        for j in range(k):
            longer[j * d : j * d + len(counts)] += counts
        counts = longer
    return counts


# The same tensor whenever there is no layer
# %% wrong="path_counts" says="every call of path_counts([]) returns a new tensor"
ONE_PATH = torch.ones(1, dtype=torch.int64)


def path_counts(dilations, k=3):
    counts = ONE_PATH
    for d in dilations:
        counts = sum(F.pad(counts, (j * d, (k - 1 - j) * d)) for j in range(k))
    return counts


# Modulo two primes, whose product is less than the largest counts
# %% wrong="path_counts" says="each count is exact"
def path_counts(dilations, k=3):
    p, q = 998244353, 469762049

    def modulo(prime):
        counts = torch.ones(1, dtype=torch.int64)
        for d in dilations:
            counts = sum(F.pad(counts, (j * d, (k - 1 - j) * d)) for j in range(k)) % prime
        return counts

    a, b = modulo(p), modulo(q)
    return a + p * ((b - a) % q * pow(p, -1, q) % q)


# One layer of dilation 0 for a field of 1
# %% wrong="smallest_stack" says="wanted = 1 needs no layer"
def smallest_stack(wanted):
    n = 1
    while 3**n < wanted:
        n += 1
    dilations = [3**level for level in range(n - 1)]
    return [*dilations, (wanted - 1) // 2 - sum(dilations)]


# A layer too many
# %% wrong="smallest_stack" says="leave it out"
def smallest_stack(wanted):
    n = 0
    while 3**n <= wanted:
        n += 1
    dilations = [3**level for level in range(n - 1)]
    if wanted == 1:
        return []
    return [*dilations, (wanted - 1) // 2 - sum(dilations)]


# The weight is frozen
# %% wrong="dilate_kernel" says="changes `weight.requires_grad`"
def dilate_kernel(weight, dilation):
    a, b = dilation
    D, C, h, w = weight.shape
    filled = weight.new_zeros(D, C, 1 + (h - 1) * a, 1 + (w - 1) * b)
    filled[..., ::a, ::b] = weight
    if weight.is_leaf:
        weight.requires_grad_(False)
    return filled


# requires_grad switched on
# %% wrong="causal_conv1d" says="changes the `requires_grad`"
def causal_conv1d(x, weight, bias, dilation):
    for parameter in (weight,) if bias is None else (weight, bias):
        parameter.requires_grad_()
    return F.conv1d(F.pad(x, ((weight.shape[2] - 1) * dilation, 0)), weight, bias, dilation=dilation)


# requires_grad switched on
# %% wrong="dilated_conv1d" says="changes the `requires_grad`"
def dilated_conv1d(x, weight, d):
    x.requires_grad_(), weight.requires_grad_()
    width = x.shape[2] - (weight.shape[2] - 1) * d
    y = x.new_empty(x.shape[0], weight.shape[0], width)
    for p in range(min(d, width)):
        y[..., p::d] = F.conv1d(x[..., p::d], weight)
    return y


# Windows times a zero-filled kernel, unless there is a nan
# %% wrong="dilated_conv1d" says="Work on the phases"
def dilated_conv1d(x, weight, d):
    span = 1 + (weight.shape[2] - 1) * d
    width = x.shape[2] - span + 1
    if bool(x.isfinite().all()):
        filled = weight.new_zeros(*weight.shape[:2], span)
        filled[..., ::d] = weight
        return torch.einsum("ncos,dcs->ndo", x.unfold(2, span, 1), filled)
    y = x.new_empty(x.shape[0], weight.shape[0], width)
    for p in range(min(d, width)):
        y[..., p::d] = F.conv1d(x[..., p::d], weight)
    return y


# The dilation is left to PyTorch, in other threads
# %% wrong="dilated_conv1d" says="starts a thread"
def dilated_conv1d(x, weight, d):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor() as pool:
        return torch.cat(list(pool.map(lambda one: F.conv1d(one[None], weight, dilation=d), x)))
