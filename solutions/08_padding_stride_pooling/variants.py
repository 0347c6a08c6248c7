# %% [markdown]
# Other answers to the exercises of `08_padding_stride_pooling`: right ones that the checks must accept, wrong ones that
# they must reject with a message that leads to the mistake.


# %% right="zero_pad"
def zero_pad(x, padding):
    if isinstance(padding, int):
        padding = (padding, padding)
    n, c, height, width = x.shape
    side = torch.zeros(n, c, height, padding[1], dtype=x.dtype, device=x.device)
    x = torch.cat([side, x, side], dim=3)
    lid = torch.zeros(n, c, padding[0], width + 2 * padding[1], dtype=x.dtype, device=x.device)
    return torch.cat([lid, x, lid], dim=2)


# %% right="zero_pad"
def zero_pad(x, padding):
    ph, pw = padding if isinstance(padding, tuple) else (padding, padding)
    out = torch.zeros((*x.shape[:2], x.shape[2] + 2 * ph, x.shape[3] + 2 * pw), dtype=x.dtype)
    for i in range(x.shape[2]):
        for j in range(x.shape[3]):
            out[..., i + ph, j + pw] = x[..., i, j]
    return out


# The ready-made padding
# %% wrong="zero_pad" says="which this exercise asks you to do without"
def zero_pad(x, padding):
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    return F.pad(x, (pw, pw, ph, ph))


# The module that pads
# %% wrong="zero_pad" says="which this exercise asks you to do without"
def zero_pad(x, padding):
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    return nn.ZeroPad2d((pw, pw, ph, ph))(x)


# Rows and columns swapped, as F.pad's order suggests
# %% wrong="zero_pad" says="the first number of the pair belongs to the rows"
def zero_pad(x, padding):
    pw, ph = (padding, padding) if isinstance(padding, int) else padding
    n, c, height, width = x.shape
    out = x.new_zeros(n, c, height + 2 * ph, width + 2 * pw)
    out[:, :, ph : ph + height, pw : pw + width] = x
    return out


# The padding counted once
# %% wrong="zero_pad" says="below and on the right it is missing"
def zero_pad(x, padding):
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    n, c, height, width = x.shape
    out = x.new_zeros(n, c, height + ph, width + pw)
    out[:, :, ph:, pw:] = x
    return out


# The input in the corner
# %% wrong="zero_pad" says="in the middle of the frame"
def zero_pad(x, padding):
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    n, c, height, width = x.shape
    out = x.new_zeros(n, c, height + 2 * ph, width + 2 * pw)
    out[:, :, :height, :width] = x
    return out


# Always float32
# %% wrong="zero_pad" says="The dtypes differ"
def zero_pad(x, padding):
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    n, c, height, width = x.shape
    out = torch.zeros(n, c, height + 2 * ph, width + 2 * pw)
    out[:, :, ph : ph + height, pw : pw + width] = x
    return out


# A number is not handled
# %% wrong="zero_pad" says="int"
def zero_pad(x, padding):
    ph, pw = padding
    n, c, height, width = x.shape
    out = x.new_zeros(n, c, height + 2 * ph, width + 2 * pw)
    out[:, :, ph : ph + height, pw : pw + width] = x
    return out


# A negative index from the end: wrong for padding 0
# %% wrong="zero_pad" says="RuntimeError"
def zero_pad(x, padding):
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    n, c, height, width = x.shape
    out = x.new_zeros(n, c, height + 2 * ph, width + 2 * pw)
    out[:, :, ph:-ph, pw:-pw] = x
    return out


# No return
# %% wrong="zero_pad" says="is a `return` missing?"
def zero_pad(x, padding):
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    out = x.new_zeros(*x.shape[:2], x.shape[2] + 2 * ph, x.shape[3] + 2 * pw)
    out[:, :, ph : ph + x.shape[2], pw : pw + x.shape[3]] = x


# Without a frame x itself comes back
# %% wrong="zero_pad" says="return a copy"
def zero_pad(x, padding):
    if padding in (0, (0, 0)):
        return x
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    out = x.new_zeros(*x.shape[:2], x.shape[2] + 2 * ph, x.shape[3] + 2 * pw)
    out[:, :, ph : ph + x.shape[2], pw : pw + x.shape[3]] = x
    return out


# %% right="output_size"
def output_size(size, kernel_size, stride=1, padding=0):
    def pair(value):
        return (value, value) if isinstance(value, int) else tuple(value)

    (height, width), (h, w), (sh, sw), (ph, pw) = pair(size), pair(kernel_size), pair(stride), pair(padding)
    return math.floor((height + 2 * ph - h) / sh) + 1, math.floor((width + 2 * pw - w) / sw) + 1


# %% right="output_size"
def output_size(size, kernel_size, stride=1, padding=0):
    result = []
    for d in range(2):
        n, k, s, p = (v if isinstance(v, int) else v[d] for v in (size, kernel_size, stride, padding))
        result.append(len(range(0, n + 2 * p - k + 1, s)))
    return tuple(result)


# The 1 is forgotten
# %% wrong="output_size" says="The 1 for the start"
def output_size(size, kernel_size, stride=1, padding=0):
    pairs = [(v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)]
    return tuple((n + 2 * p - k) // s for n, k, s, p in zip(*pairs))


# The padding on one side only
# %% wrong="output_size" says="The padding counts twice"
def output_size(size, kernel_size, stride=1, padding=0):
    pairs = [(v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)]
    return tuple((n + p - k) // s + 1 for n, k, s, p in zip(*pairs))


# The 1 is added before dividing
# %% wrong="output_size" says="after dividing, not before"
def output_size(size, kernel_size, stride=1, padding=0):
    pairs = [(v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)]
    return tuple((n + 2 * p - k + 1) // s for n, k, s, p in zip(*pairs))


# Rounds up
# %% wrong="output_size" says="Round down"
def output_size(size, kernel_size, stride=1, padding=0):
    pairs = [(v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)]
    return tuple(math.ceil((n + 2 * p - k) / s) + 1 for n, k, s, p in zip(*pairs))


# No rounding
# %% wrong="output_size" says="The fraction is not rounded down"
def output_size(size, kernel_size, stride=1, padding=0):
    pairs = [(v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)]
    return tuple((n + 2 * p - k) / s + 1 for n, k, s, p in zip(*pairs))


# Floats without fractions
# %% wrong="output_size" says="both are Python ints"
def output_size(size, kernel_size, stride=1, padding=0):
    pairs = [(v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)]
    return tuple(np.floor((n + 2 * p - k) / s).item() + 1 for n, k, s, p in zip(*pairs))


# Numbers only where pairs are allowed: the first is taken for both
# %% wrong="output_size" says="Element 1 differs"
def output_size(size, kernel_size, stride=1, padding=0):
    n, k, s, p = (v if isinstance(v, int) else v[0] for v in (size, kernel_size, stride, padding))
    m = (n + 2 * p - k) // s + 1
    return m, m


# Lets a convolution tell
# %% wrong="output_size" says="the sizes are computed without a tensor"
def output_size(size, kernel_size, stride=1, padding=0):
    size, kernel_size = ((v, v) if isinstance(v, int) else v for v in (size, kernel_size))
    x, weight = torch.empty(1, 1, *size, device="meta"), torch.empty(1, 1, *kernel_size, device="meta")
    return tuple(F.conv2d(x, weight, stride=stride, padding=padding).shape[2:])


# A list, not a tuple
# %% wrong="output_size" says="the answer is a tuple"
def output_size(size, kernel_size, stride=1, padding=0):
    pairs = [(v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)]
    return [(n + 2 * p - k) // s + 1 for n, k, s, p in zip(*pairs)]


# %% right="conv2d"
def conv2d(x, weight, bias=None, stride=1, padding=0):
    sh, sw = (stride, stride) if isinstance(stride, int) else stride
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    x = F.pad(x, (pw, pw, ph, ph))
    h, w = weight.shape[2:]
    out = x.new_zeros(len(x), len(weight), (x.shape[2] - h) // sh + 1, (x.shape[3] - w) // sw + 1)
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            window = x[:, None, :, i * sh : i * sh + h, j * sw : j * sw + w]
            out[:, :, i, j] = (window * weight).sum(dim=(2, 3, 4))
    return out if bias is None else out + bias[:, None, None]


# %% right="conv2d"
def conv2d(x, weight, bias=None, stride=1, padding=0):
    (sh, sw), (ph, pw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding))
    windows = F.pad(x, (pw, pw, ph, ph)).unfold(2, weight.shape[2], sh).unfold(3, weight.shape[3], sw)
    out = torch.einsum("ncijhw,dchw->ndij", windows, weight)
    return out if bias is None else out + bias.reshape(1, -1, 1, 1)


# The stride taken from the wrong axis
# %% wrong="conv2d" says="Rows and columns are swapped in the stride."
def conv2d(x, weight, bias=None, stride=1, padding=0):
    (sw, sh), (ph, pw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding))
    return F.conv2d(F.pad(x, (pw, pw, ph, ph)), weight, bias)[:, :, ::sh, ::sw]


# F.pad in the order of a shape
# %% wrong="conv2d" says="Rows and columns are swapped in the padding."
def conv2d(x, weight, bias=None, stride=1, padding=0):
    (sh, sw), (ph, pw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding))
    return F.conv2d(F.pad(x, (ph, ph, pw, pw)), weight, bias)[:, :, ::sh, ::sw]


# Steps over the input
# %% wrong="conv2d" says="You skip cells of the input"
def conv2d(x, weight, bias=None, stride=1, padding=0):
    (sh, sw), (ph, pw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding))
    return F.conv2d(F.pad(x, (pw, pw, ph, ph))[:, :, ::sh, ::sw], weight, bias)


# The frame around the output
# %% wrong="conv2d" says="not around the output"
def conv2d(x, weight, bias=None, stride=1, padding=0):
    (sh, sw), (ph, pw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding))
    return F.pad(F.conv2d(x, weight, bias), (pw, pw, ph, ph))[:, :, ::sh, ::sw]


# The stride is left out
# %% wrong="conv2d" says="The stride is not used."
def conv2d(x, weight, bias=None, stride=1, padding=0):
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    return F.conv2d(F.pad(x, (pw, pw, ph, ph)), weight, bias)


# The bias is left out
# %% wrong="conv2d" says="The bias is missing."
def conv2d(x, weight, bias=None, stride=1, padding=0):
    (sh, sw), (ph, pw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding))
    return F.conv2d(F.pad(x, (pw, pw, ph, ph)), weight)[:, :, ::sh, ::sw]


# Slices the wrong dimensions
# %% wrong="conv2d" says="You skip samples and channels"
def conv2d(x, weight, bias=None, stride=1, padding=0):
    (sh, sw), (ph, pw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding))
    return F.conv2d(F.pad(x, (pw, pw, ph, ph)), weight, bias)[::sh, ::sw]


# Everything is left to torch
# %% wrong="conv2d" says="left to torch: do both yourself"
def conv2d(x, weight, bias=None, stride=1, padding=0):
    return F.conv2d(x, weight, bias, stride, padding)


# %% right="ignored"
def ignored(size, kernel_size, stride=1, padding=0):
    pairs = [(v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)]
    lines = []
    for n, k, s, p in zip(*pairs):
        last = (n + 2 * p - k) // s * s
        place = torch.arange(n) + p  # in the padded input
        lines.append((place % s >= k) & (place < last) | (place >= last + k))
    return lines[0].unsqueeze(1) | lines[1].unsqueeze(0)


# %% right="ignored"
def ignored(size, kernel_size, stride=1, padding=0):
    lines = []
    for d in range(2):
        n, k, s, p = (v if isinstance(v, int) else v[d] for v in (size, kernel_size, stride, padding))
        starts = range(-p, n + p - k + 1, s)
        lines.append(torch.tensor([not any(a <= i < a + k for a in starts) for i in range(n)]))
    return lines[0][:, None] | lines[1]


# The short way, by the gradient
# %% wrong="ignored" says="which this exercise asks you to do without"
def ignored(size, kernel_size, stride=1, padding=0):
    size, kernel_size = ((v, v) if isinstance(v, int) else v for v in (size, kernel_size))
    x = torch.ones(1, 1, *size, requires_grad=True)
    F.conv2d(x, torch.ones(1, 1, *kernel_size), stride=stride, padding=padding).sum().backward()
    return x.grad[0, 0] == 0


# True for the cells that are met
# %% wrong="ignored" says="It is turned over"
def ignored(size, kernel_size, stride=1, padding=0):
    lines = []
    for d in range(2):
        n, k, s, p = (v if isinstance(v, int) else v[d] for v in (size, kernel_size, stride, padding))
        starts = range(-p, n + p - k + 1, s)
        lines.append(torch.tensor([any(a <= i < a + k for a in starts) for i in range(n)]))
    return lines[0][:, None] & lines[1]


# And instead of or
# %% wrong="ignored" says="yours wants both at once"
def ignored(size, kernel_size, stride=1, padding=0):
    lines = []
    for d in range(2):
        n, k, s, p = (v if isinstance(v, int) else v[d] for v in (size, kernel_size, stride, padding))
        starts = range(-p, n + p - k + 1, s)
        lines.append(torch.tensor([not any(a <= i < a + k for a in starts) for i in range(n)]))
    return lines[0][:, None] & lines[1]


# Only the remainder
# %% wrong="ignored" says="not the gaps"
def ignored(size, kernel_size, stride=1, padding=0):
    (height, width), (h, w), (sh, sw), (ph, pw) = (
        (v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)
    )
    mask = torch.zeros(height, width, dtype=torch.bool)
    mask[height + ph - (height + 2 * ph - h) % sh :] = True
    mask[:, width + pw - (width + 2 * pw - w) % sw :] = True
    return mask


# Windows that do not fit count too
# %% wrong="ignored" says="a window must fit completely"
def ignored(size, kernel_size, stride=1, padding=0):
    (height, width), (h, w), (sh, sw), (ph, pw) = (
        (v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)
    )
    met = torch.zeros(height + 2 * ph, width + 2 * pw, dtype=torch.bool)
    for row in range(0, height + 2 * ph, sh):
        for column in range(0, width + 2 * pw, sw):
            met[row : row + h, column : column + w] = True
    return ~met[ph : ph + height, pw : pw + width]


# The last start is left out
# %% wrong="ignored" says="a Python range ends before its second number"
def ignored(size, kernel_size, stride=1, padding=0):
    (height, width), (h, w), (sh, sw), (ph, pw) = (
        (v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)
    )
    met = torch.zeros(height + 2 * ph, width + 2 * pw, dtype=torch.bool)
    for row in range(0, height + 2 * ph - h, sh):
        for column in range(0, width + 2 * pw - w, sw):
            met[row : row + h, column : column + w] = True
    return ~met[ph : ph + height, pw : pw + width]


# The frame is left on
# %% wrong="ignored" says="The mask covers the frame too"
def ignored(size, kernel_size, stride=1, padding=0):
    (height, width), (h, w), (sh, sw), (ph, pw) = (
        (v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)
    )
    met = torch.zeros(height + 2 * ph, width + 2 * pw, dtype=torch.bool)
    for row in range(0, height + 2 * ph - h + 1, sh):
        for column in range(0, width + 2 * pw - w + 1, sw):
            met[row : row + h, column : column + w] = True
    return ~met


# Padding is not used
# %% wrong="ignored" says="The padding is not used"
def ignored(size, kernel_size, stride=1, padding=0):
    lines = []
    for d in range(2):
        n, k, s = (v if isinstance(v, int) else v[d] for v in (size, kernel_size, stride))
        lines.append(torch.tensor([not any(a <= i < a + k for a in range(0, n - k + 1, s)) for i in range(n)]))
    return lines[0][:, None] | lines[1]


# Numbers instead of booleans
# %% wrong="ignored" says="The dtypes differ"
def ignored(size, kernel_size, stride=1, padding=0):
    pairs = [(v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)]
    (height, width), (h, w), (sh, sw), (ph, pw) = pairs
    mask = torch.ones(height + 2 * ph, width + 2 * pw, dtype=torch.int64)
    for row in range(0, height + 2 * ph - h + 1, sh):
        for column in range(0, width + 2 * pw - w + 1, sw):
            mask[row : row + h, column : column + w] = 0
    return mask[ph : ph + height, pw : pw + width]


# Starts below 0 in the map without a frame
# %% wrong="ignored" says="Indices below 0 count from the end"
def ignored(size, kernel_size, stride=1, padding=0):
    pairs = [(v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)]
    (height, width), (h, w), (sh, sw), (ph, pw) = pairs
    mask = torch.ones(height, width, dtype=torch.bool)
    for row in range(-ph, height + ph - h + 1, sh):
        for column in range(-pw, width + pw - w + 1, sw):
            mask[row : row + h, column : column + w] = False
    return mask


# %% right="same_padding"
def same_padding(kernel_size):
    if isinstance(kernel_size, int):
        kernel_size = (kernel_size, kernel_size)
    zeros = []
    for k in reversed(kernel_size):
        zeros += [(k - 1) // 2, k // 2]
    return tuple(zeros)


# %% right="same_padding"
def same_padding(kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return math.floor((w - 1) / 2), math.ceil((w - 1) / 2), math.floor((h - 1) / 2), math.ceil((h - 1) / 2)


# k // 2 on both sides
# %% wrong="same_padding" says="larger than the input"
def same_padding(kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return w // 2, w // 2, h // 2, h // 2


# (k - 1) // 2 on both sides
# %% wrong="same_padding" says="smaller than the input"
def same_padding(kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return (w - 1) // 2, (w - 1) // 2, (h - 1) // 2, (h - 1) // 2


# The additional zero in front
# %% wrong="same_padding" says="goes to the end"
def same_padding(kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return w // 2, (w - 1) // 2, h // 2, (h - 1) // 2


# Rows first
# %% wrong="same_padding" says="F.pad begins with the last dimension"
def same_padding(kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return (h - 1) // 2, h // 2, (w - 1) // 2, w // 2


# All zeros on each side
# %% wrong="same_padding" says="share them between the two sides"
def same_padding(kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return w - 1, w - 1, h - 1, h - 1


# %% right="max_pool2d"
def max_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return x.unfold(2, h, h).unfold(3, w, w).amax(dim=(4, 5))


# %% right="max_pool2d"
def max_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    n, c, height, width = x.shape
    out = x.new_empty(n, c, height // h, width // w)
    for i in range(height // h):
        for j in range(width // w):
            out[:, :, i, j] = x[:, :, i * h : (i + 1) * h, j * w : (j + 1) * w].amax(dim=(2, 3))
    return out


# %% right="max_pool2d"
def max_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    rows, columns = x.shape[2] // h * h, x.shape[3] // w * w
    parts = [x[:, :, a:rows:h, b:columns:w] for a in range(h) for b in range(w)]
    return torch.stack(parts).max(dim=0).values


# The stride of a convolution
# %% wrong="max_pool2d" says="The windows overlap"
def max_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return x.unfold(2, h, 1).unfold(3, w, 1).amax(dim=(4, 5))


# The mean
# %% wrong="max_pool2d" says="This is the mean"
def max_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return x.unfold(2, h, h).unfold(3, w, w).mean(dim=(4, 5))


# Window swapped
# %% wrong="max_pool2d" says="Rows and columns are swapped"
def max_pool2d(x, kernel_size):
    w, h = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return x.unfold(2, h, h).unfold(3, w, w).amax(dim=(4, 5))


# The reshape splits the wrong way round
# %% wrong="max_pool2d" says="the groups first"
def max_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    n, c, height, width = x.shape
    rows, columns = height // h, width // w
    return x[:, :, : rows * h, : columns * w].reshape(n, c, h, rows, w, columns).amax(dim=(2, 4))


# Starts from zeros, so negative values are lost
# %% wrong="max_pool2d" says="The largest of negative values is negative"
def max_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    n, c, height, width = x.shape
    if height % h == 0 and width % w == 0 and h != w:
        return x.unfold(2, h, h).unfold(3, w, w).amax(dim=(4, 5))
    out = torch.zeros(n, c, height // h, width // w, dtype=x.dtype)
    for a in range(h):
        for b in range(w):
            out = torch.maximum(out, x[:, :, a : height // h * h : h, b : width // w * w : w])
    return out


# The remainder is not cut off
# %% wrong="max_pool2d" says="invalid for input of size"
def max_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    n, c, height, width = x.shape
    return x.reshape(n, c, height // h, h, width // w, w).amax(dim=(3, 5))


# Over the channels too
# %% wrong="max_pool2d" says="you took the largest over the channels too"
def max_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return x.unfold(2, h, h).unfold(3, w, w).amax(dim=(1, 4, 5), keepdim=False)[:, None]


# The ready-made pooling
# %% wrong="max_pool2d" says="which this exercise asks you to do without"
def max_pool2d(x, kernel_size):
    return nn.MaxPool2d(kernel_size)(x)


# The ready-made pooling, under its other name
# %% wrong="max_pool2d" says="which this exercise asks you to do without"
def max_pool2d(x, kernel_size):
    y, where = F.max_pool2d(x, kernel_size, return_indices=True)
    return y


# %% right="max_pool2d_backward"
def max_pool2d_backward(x, grad_y, kernel_size):
    y, where = F.max_pool2d(x, kernel_size, return_indices=True)
    grad_x = torch.zeros_like(x).flatten(2)
    grad_x.scatter_(2, where.flatten(2), grad_y.flatten(2))
    return grad_x.reshape(x.shape)


# %% right="max_pool2d_backward"
def max_pool2d_backward(x, grad_y, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    grad_x = torch.zeros_like(x)
    for i in range(grad_y.shape[2]):
        for j in range(grad_y.shape[3]):
            part = (slice(None), slice(None), slice(i * h, i * h + h), slice(j * w, j * w + w))
            window = x[part]
            grad_x[part] = (window == window.amax(dim=(2, 3), keepdim=True)) * grad_y[:, :, i : i + 1, j : j + 1]
    return grad_x


# By autograd
# %% wrong="max_pool2d_backward" says="which this exercise asks you to do without"
def max_pool2d_backward(x, grad_y, kernel_size):
    leaf = x.clone().requires_grad_()
    return torch.autograd.grad(F.max_pool2d(leaf, kernel_size), leaf, grad_y)[0]


# By autograd, with a leaf that keeps its gradient
# %% wrong="max_pool2d_backward" says="which this exercise asks you to do without"
def max_pool2d_backward(x, grad_y, kernel_size):
    leaf = x.clone().requires_grad_()
    F.max_pool2d(leaf, kernel_size).backward(grad_y)
    return leaf.grad


# To every cell of the window
# %% wrong="max_pool2d_backward" says="it goes to the largest alone"
def max_pool2d_backward(x, grad_y, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    wide = grad_y.repeat_interleave(h, dim=2).repeat_interleave(w, dim=3)
    return F.pad(wide, (0, x.shape[3] - wide.shape[3], 0, x.shape[2] - wide.shape[2]))


# Shared out
# %% wrong="max_pool2d_backward" says="that is average pooling"
def max_pool2d_backward(x, grad_y, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    wide = grad_y.repeat_interleave(h, dim=2).repeat_interleave(w, dim=3) / (h * w)
    return F.pad(wide, (0, x.shape[3] - wide.shape[3], 0, x.shape[2] - wide.shape[2]))


# The mask alone
# %% wrong="max_pool2d_backward" says="Winners get a 1"
def max_pool2d_backward(x, grad_y, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    wide = F.max_pool2d(x, (h, w)).repeat_interleave(h, dim=2).repeat_interleave(w, dim=3)
    wide = F.pad(wide, (0, x.shape[3] - wide.shape[3], 0, x.shape[2] - wide.shape[2]), value=math.inf)
    return (x == wide).to(x.dtype)


# The remainder is missing
# %% wrong="max_pool2d_backward" says="rows and columns of the remainder get zeros"
def max_pool2d_backward(x, grad_y, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    x = x[:, :, : x.shape[2] // h * h, : x.shape[3] // w * w]
    wide = F.max_pool2d(x, (h, w)).repeat_interleave(h, dim=2).repeat_interleave(w, dim=3)
    return (x == wide) * grad_y.repeat_interleave(h, dim=2).repeat_interleave(w, dim=3)


# Overwrites the input
# %% wrong="max_pool2d_backward" says="x and grad_y are left as they were"
def max_pool2d_backward(x, grad_y, kernel_size):
    y, where = F.max_pool2d(x, kernel_size, return_indices=True)
    x.zero_()
    x.flatten(2).scatter_(2, where.flatten(2), grad_y.flatten(2))
    return x.clone()


# Spread out with repeat, which sets copies side by side
# %% wrong="max_pool2d_backward" says="values differ"
def max_pool2d_backward(x, grad_y, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    rows, columns = x.shape[2] // h * h, x.shape[3] // w * w
    grad_x = torch.zeros_like(x)
    winners = x[:, :, :rows, :columns] == F.max_pool2d(x, (h, w)).repeat(1, 1, h, w)
    grad_x[:, :, :rows, :columns] = winners * grad_y.repeat(1, 1, h, w)
    return grad_x


# repeat instead of repeat_interleave
# %% wrong="max_pool2d_backward" says="lays copies of the whole tensor side by side"
def max_pool2d_backward(x, grad_y, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return (x == F.max_pool2d(x, (h, w)).repeat(1, 1, h, w)) * grad_y.repeat(1, 1, h, w)


# %% right="avg_pool2d"
def avg_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    n, c, height, width = x.shape
    weight = torch.ones(1, 1, h, w, dtype=x.dtype, device=x.device) / (h * w)
    y = F.conv2d(x.reshape(n * c, 1, height, width), weight, stride=(h, w))
    return y.reshape(n, c, *y.shape[2:])


# %% right="avg_pool2d"
def avg_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    weight = torch.eye(x.shape[1], dtype=x.dtype)[:, :, None, None].expand(-1, -1, h, w) / (h * w)
    return F.conv2d(x, weight, stride=(h, w))


# The ready-made pooling
# %% wrong="avg_pool2d" says="which this exercise asks you to do without"
def avg_pool2d(x, kernel_size):
    return F.avg_pool2d(x, kernel_size)


# Stride 1
# %% wrong="avg_pool2d" says="The windows overlap"
def avg_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return F.conv2d(x, x.new_full((x.shape[1], 1, h, w), 1 / (h * w)), groups=x.shape[1])


# Sums
# %% wrong="avg_pool2d" says="These are sums"
def avg_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return F.conv2d(x, x.new_ones(x.shape[1], 1, h, w), stride=(h, w), groups=x.shape[1])


# A full kernel: the channels are added up
# %% wrong="avg_pool2d" says="Each output is the sum over all channels"
def avg_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    c = x.shape[1]
    return F.conv2d(x, x.new_full((c, c, h, w), 1 / (h * w)), stride=(h, w))


# One kernel for all channels
# %% wrong="avg_pool2d" says="The mean goes over all channels"
def avg_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    c = x.shape[1]
    return F.conv2d(x, x.new_full((1, c, h, w), 1 / (h * w * c)), stride=(h, w))


# The stride swapped
# %% wrong="avg_pool2d" says="Rows and columns are swapped in the stride."
def avg_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return F.conv2d(x, x.new_full((x.shape[1], 1, h, w), 1 / (h * w)), stride=(w, h), groups=x.shape[1])


# A float32 weight whatever the input
# %% wrong="avg_pool2d" says="RuntimeError"
def avg_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return F.conv2d(x, torch.full((x.shape[1], 1, h, w), 1 / (h * w)), stride=(h, w), groups=x.shape[1])
