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


# %% right="zero_pad"
def zero_pad(x, padding):
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    n, c, height, width = x.shape
    wide = torch.stack(
        [x.new_zeros(n, c, height) for _ in range(pw)] + list(x.unbind(3)) + [x.new_zeros(n, c, height)] * pw, 3
    )
    line = x.new_zeros(n, c, 1, width + 2 * pw)
    return torch.cat([line] * ph + [wide] + [line] * ph, dim=2)


# The ready-made padding
# %% wrong="zero_pad" says="build the frame yourself"
def zero_pad(x, padding):
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    return F.pad(x, (pw, pw, ph, ph))


# The module that pads
# %% wrong="zero_pad" says="build the frame yourself"
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
# %% wrong="zero_pad" says="torch.zeros makes float32"
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
# %% wrong="zero_pad" says="`0:-0` takes nothing"
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


# The first number of the pair for both
# %% wrong="zero_pad" says="The first number of the pair is used for both"
def zero_pad(x, padding):
    p = padding if isinstance(padding, int) else padding[0]
    n, c, height, width = x.shape
    out = x.new_zeros(n, c, height + 2 * p, width + 2 * p)
    out[:, :, p : p + height, p : p + width] = x
    return out


# Zeros after the input only
# %% wrong="zero_pad" says="above and on the left it is missing"
def zero_pad(x, padding):
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    n, c, height, width = x.shape
    out = x.new_zeros(n, c, height + ph, width + pw)
    out[:, :, :height, :width] = x
    return out


# The frame without the input
# %% wrong="zero_pad" says="x was not written into it"
def zero_pad(x, padding):
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    n, c, height, width = x.shape
    out = x.new_zeros(n, c, height + 2 * ph, width + 2 * pw)
    out[:, :, ph : ph + height, pw : pw + width] += 0 * x
    return out


# NumPy pads
# %% wrong="zero_pad" says="build the frame in torch"
def zero_pad(x, padding):
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    return torch.from_numpy(np.pad(x.numpy(), ((0, 0), (0, 0), (ph, ph), (pw, pw))))


# A convolution pads, with a kernel that changes nothing
# %% wrong="zero_pad" says="build the frame yourself"
def zero_pad(x, padding):
    n, c, height, width = x.shape
    y = F.conv2d(x.reshape(n * c, 1, height, width), x.new_ones(1, 1, 1, 1), padding=padding)
    return y.reshape(n, c, *y.shape[2:])


# F.pad for numbers only
# %% wrong="zero_pad" says="build the frame yourself"
def zero_pad(x, padding):
    if isinstance(padding, int):
        return F.pad(x, (padding,) * 4)
    ph, pw = padding
    n, c, height, width = x.shape
    out = x.new_zeros(n, c, height + 2 * ph, width + 2 * pw)
    out[:, :, ph : ph + height, pw : pw + width] = x
    return out


# Clears x, but only where it is not contiguous
# %% wrong="zero_pad" says="leaves x as it was"
def zero_pad(x, padding):
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    n, c, height, width = x.shape
    out = x.new_zeros(n, c, height + 2 * ph, width + 2 * pw)
    out[:, :, ph : ph + height, pw : pw + width] = x
    if not x.is_contiguous():
        x.zero_()
    return out


# float32 for whole numbers
# %% wrong="zero_pad" says="The dtypes differ"
def zero_pad(x, padding):
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    n, c, height, width = x.shape
    dtype = x.dtype if x.is_floating_point() else torch.float32
    out = torch.zeros(n, c, height + 2 * ph, width + 2 * pw, dtype=dtype)
    out[:, :, ph : ph + height, pw : pw + width] = x
    return out


# x itself, for a pair of zeros
# %% wrong="zero_pad" says="return a copy"
def zero_pad(x, padding):
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    if ph + pw == 0:
        return x.view(x.shape)
    out = x.new_zeros(*x.shape[:2], x.shape[2] + 2 * ph, x.shape[3] + 2 * pw)
    out[:, :, ph : ph + x.shape[2], pw : pw + x.shape[3]] = x
    return out


# %% right="zero_pad"
def zero_pad(x, padding):
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    corner = x.new_zeros(ph, pw)
    return torch.stack([torch.stack([torch.block_diag(corner, sheet, corner) for sheet in sample]) for sample in x])


# %% right="zero_pad"
def zero_pad(x, padding):
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    rows, columns = torch.arange(-ph, x.shape[2] + ph), torch.arange(-pw, x.shape[3] + pw)
    inside = ((rows >= 0) & (rows < x.shape[2]))[:, None] & (columns >= 0) & (columns < x.shape[3])
    spread = x[:, :, rows.clamp(0, x.shape[2] - 1)][..., columns.clamp(0, x.shape[3] - 1)]
    return torch.where(inside, spread, x.new_zeros(()))


# The first sample only
# %% wrong="zero_pad" says="Only the first sample"
def zero_pad(x, padding):
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    out = x.new_zeros(*x.shape[:2], x.shape[2] + 2 * ph, x.shape[3] + 2 * pw)
    out[0, :, ph : ph + x.shape[2], pw : pw + x.shape[3]] = x[0]
    return out


# A frame of ones
# %% wrong="zero_pad" says="not of ones"
def zero_pad(x, padding):
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    out = x.new_ones(*x.shape[:2], x.shape[2] + 2 * ph, x.shape[3] + 2 * pw)
    out[:, :, ph : ph + x.shape[2], pw : pw + x.shape[3]] = x
    return out


# Through float32
# %% wrong="zero_pad" says="pass through float32"
def zero_pad(x, padding):
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    out = torch.zeros(*x.shape[:2], x.shape[2] + 2 * ph, x.shape[3] + 2 * pw)
    out[:, :, ph : ph + x.shape[2], pw : pw + x.shape[3]] = x
    return out.to(x.dtype)


# Selection matrices: not for booleans
# %% wrong="zero_pad" says=""
def zero_pad(x, padding):
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    rows = torch.eye(x.shape[2] + 2 * ph, dtype=x.dtype)[:, ph : ph + x.shape[2]]
    columns = torch.eye(x.shape[3] + 2 * pw, dtype=x.dtype)[pw : pw + x.shape[3]]
    return rows @ x @ columns


# Remembers results by shape
# %% wrong="zero_pad" says="values differ"
known = {}


def zero_pad(x, padding):
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    key = x.shape, ph, pw, x.dtype
    if key not in known:
        known[key] = x.new_zeros(*x.shape[:2], x.shape[2] + 2 * ph, x.shape[3] + 2 * pw)
        known[key][:, :, ph : ph + x.shape[2], pw : pw + x.shape[3]] = x
    return known[key].clone()


# One buffer for all calls of a size
# %% wrong="zero_pad" says="was changed by a later call"
buffers = {}


def zero_pad(x, padding):
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    size = (*x.shape[:2], x.shape[2] + 2 * ph, x.shape[3] + 2 * pw)
    out = buffers.setdefault((size, x.dtype), x.new_zeros(size)).zero_()
    out[:, :, ph : ph + x.shape[2], pw : pw + x.shape[3]] = x
    return out


# F.pad for large inputs
# %% wrong="zero_pad" says="build the frame yourself"
def zero_pad(x, padding):
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    if x.numel() > 500:
        return F.pad(x, (pw, pw, ph, ph))
    out = x.new_zeros(*x.shape[:2], x.shape[2] + 2 * ph, x.shape[3] + 2 * pw)
    out[:, :, ph : ph + x.shape[2], pw : pw + x.shape[3]] = x
    return out


# %% right="output_size"
def output_size(size, kernel_size, stride=1, padding=0):
    def pair(value):
        return (value, value) if isinstance(value, int) else tuple(value)

    (height, width), (h, w), (sh, sw), (ph, pw) = pair(size), pair(kernel_size), pair(stride), pair(padding)
    return (height + 2 * ph - h + sh) // sh, (width + 2 * pw - w + sw) // sw


# %% right="output_size"
def output_size(size, kernel_size, stride=1, padding=0):
    result = []
    for d in range(2):
        n, k, s, p = (v if isinstance(v, int) else v[d] for v in (size, kernel_size, stride, padding))
        result.append(len(range(0, n + 2 * p - k + 1, s)))
    return tuple(result)


# %% right="output_size"
def output_size(size, kernel_size, stride=1, padding=0):
    def one(n, k, s, p):
        steps, left = divmod(n - k + 2 * p, s)
        return steps + 1

    def pick(d):
        return [v if isinstance(v, int) else v[d] for v in (size, kernel_size, stride, padding)]

    return one(*pick(0)), one(*pick(1))


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
# %% wrong="output_size" says="and does not round down"
def output_size(size, kernel_size, stride=1, padding=0):
    pairs = [(v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)]
    return tuple((n + 2 * p - k) / s + 1 for n, k, s, p in zip(*pairs))


# Floats without fractions
# %% wrong="output_size" says="`/` gives a float"
def output_size(size, kernel_size, stride=1, padding=0):
    pairs = [(v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)]
    return tuple(np.floor((n + 2 * p - k) / s).item() + 1 for n, k, s, p in zip(*pairs))


# Numbers only where pairs are allowed: the first is taken for both
# %% wrong="output_size" says="The first number of each pair is used"
def output_size(size, kernel_size, stride=1, padding=0):
    n, k, s, p = (v if isinstance(v, int) else v[0] for v in (size, kernel_size, stride, padding))
    m = (n + 2 * p - k) // s + 1
    return m, m


# Lets a convolution tell
# %% wrong="output_size" says="use the formula"
def output_size(size, kernel_size, stride=1, padding=0):
    size, kernel_size = ((v, v) if isinstance(v, int) else v for v in (size, kernel_size))
    x, weight = torch.empty(1, 1, *size, device="meta"), torch.empty(1, 1, *kernel_size, device="meta")
    return tuple(F.conv2d(x, weight, stride=stride, padding=padding).shape[2:])


# A list, not a tuple
# %% wrong="output_size" says="A tuple was expected"
def output_size(size, kernel_size, stride=1, padding=0):
    pairs = [(v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)]
    return [(n + 2 * p - k) // s + 1 for n, k, s, p in zip(*pairs)]


# Width first
# %% wrong="output_size" says="height first"
def output_size(size, kernel_size, stride=1, padding=0):
    pairs = [(v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)]
    height, width = ((n + 2 * p - k) // s + 1 for n, k, s, p in zip(*pairs))
    return width, height


# A list for numbers, a tuple for pairs
# %% wrong="output_size" says="A tuple was expected"
def output_size(size, kernel_size, stride=1, padding=0):
    pairs = [(v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)]
    result = [(n + 2 * p - k) // s + 1 for n, k, s, p in zip(*pairs)]
    return result if isinstance(kernel_size, int) else tuple(result)


# int() of a division, rounded
# %% wrong="output_size" says="expected"
def output_size(size, kernel_size, stride=1, padding=0):
    pairs = [(v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)]
    return tuple(round((n + 2 * p - k) / s) + 1 for n, k, s, p in zip(*pairs))


# A number as padding counts once
# %% wrong="output_size" says="expected"
def output_size(size, kernel_size, stride=1, padding=0):
    pairs = [(v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride)]
    padding = (padding / 2, padding / 2) if isinstance(padding, int) else padding
    return tuple(int(n + 2 * p - k) // s + 1 for n, k, s, p in zip(*pairs, padding))


# %% right="output_size"
def output_size(size, kernel_size, stride=1, padding=0):
    n, k, s, p = (np.broadcast_to(np.array(v), (2,)) for v in (size, kernel_size, stride, padding))
    return tuple(((n + 2 * p - k) // s + 1).tolist())


# One call for each step: too deep for images
# %% wrong="output_size" says="RecursionError"
def output_size(size, kernel_size, stride=1, padding=0):
    def count(room, step):
        return 1 if room < step else 1 + count(room - step, step)

    pairs = [(v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)]
    height, width = (count(n + 2 * p - k, s) for n, k, s, p in zip(*pairs))
    return height, width


# The stride is left out
# %% wrong="output_size" says="The stride is not used"
def output_size(size, kernel_size, stride=1, padding=0):
    pairs = [(v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)]
    return tuple(n + 2 * p - k + 1 for n, k, s, p in zip(*pairs))


# The padding is left out
# %% wrong="output_size" says="The padding is not used"
def output_size(size, kernel_size, stride=1, padding=0):
    pairs = [(v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)]
    return tuple((n - k) // s + 1 for n, k, s, p in zip(*pairs))


# The first number of the stride for both
# %% wrong="output_size" says="The first number of the stride"
def output_size(size, kernel_size, stride=1, padding=0):
    pairs = [(v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)]
    return tuple((n + 2 * p - k) // pairs[2][0] + 1 for n, k, s, p in zip(*pairs))


# The first number of the padding for both
# %% wrong="output_size" says="The first number of the padding"
def output_size(size, kernel_size, stride=1, padding=0):
    pairs = [(v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)]
    return tuple((n + 2 * pairs[3][0] - k) // s + 1 for n, k, s, p in zip(*pairs))


# No padding for 1×1 kernels
# %% wrong="output_size" says="expected"
def output_size(size, kernel_size, stride=1, padding=0):
    pairs = [(v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)]
    return tuple((n + 2 * p * (k > 1) - k) // s + 1 for n, k, s, p in zip(*pairs))


# A list for a square input and stride 2
# %% wrong="output_size" says="A tuple was expected"
def output_size(size, kernel_size, stride=1, padding=0):
    pairs = [(v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)]
    result = [(n + 2 * p - k) // s + 1 for n, k, s, p in zip(*pairs)]
    return result if size == (result * 2)[:2] or stride == 2 else tuple(result)


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


# %% right="conv2d"
def conv2d(x, weight, bias=None, stride=1, padding=0):
    (sh, sw), (ph, pw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding))
    x = F.pad(x, (pw, pw, ph, ph))
    h, w = weight.shape[2:]
    rows, columns = x.shape[2] - h + 1, x.shape[3] - w + 1
    flat = weight.reshape(len(weight), -1) @ F.unfold(x, (h, w))
    y = flat.reshape(len(x), len(weight), rows, columns)[:, :, ::sh, ::sw]
    return y if bias is None else y + bias[:, None, None]


# %% right="conv2d"
def conv2d(x, weight, bias=None, stride=1, padding=0):
    sh, sw = stride if isinstance(stride, tuple) else (stride, stride)
    ph, pw = padding if isinstance(padding, tuple) else (padding, padding)
    framed = x.new_zeros(*x.shape[:2], x.shape[2] + 2 * ph, x.shape[3] + 2 * pw)
    framed[:, :, ph : ph + x.shape[2], pw : pw + x.shape[3]] = x
    everywhere = F.conv2d(framed, weight, bias)
    rows, columns = (torch.arange(0, everywhere.shape[d], s) for d, s in ((2, sh), (3, sw)))
    return everywhere[:, :, rows][..., columns]


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
# %% wrong="conv2d" says="not cells of the padded input"
def conv2d(x, weight, bias=None, stride=1, padding=0):
    (sh, sw), (ph, pw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding))
    return F.conv2d(F.pad(x, (pw, pw, ph, ph))[:, :, ::sh, ::sw], weight, bias)


# The frame around the output
# %% wrong="conv2d" says="before the convolution"
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


# The bias without its two further dimensions
# %% wrong="conv2d" says="The bias is added column by column"
def conv2d(x, weight, bias=None, stride=1, padding=0):
    (sh, sw), (ph, pw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding))
    y = F.conv2d(F.pad(x, (pw, pw, ph, ph)), weight)[:, :, ::sh, ::sw]
    return y if bias is None else y + bias


# Slices the wrong dimensions
# %% wrong="conv2d" says="You skip samples and channels"
def conv2d(x, weight, bias=None, stride=1, padding=0):
    (sh, sw), (ph, pw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding))
    return F.conv2d(F.pad(x, (pw, pw, ph, ph)), weight, bias)[::sh, ::sw]


# Everything is left to torch
# %% wrong="conv2d" says="do both yourself"
def conv2d(x, weight, bias=None, stride=1, padding=0):
    return F.conv2d(x, weight, bias, stride, padding)


# The first number of each pair for both
# %% wrong="conv2d" says="The first number of each pair is used for both"
def conv2d(x, weight, bias=None, stride=1, padding=0):
    s, p = (v if isinstance(v, int) else v[0] for v in (stride, padding))
    return F.conv2d(F.pad(x, (p, p, p, p)), weight, bias)[:, :, ::s, ::s]


# The padding is left out
# %% wrong="conv2d" says="The padding is not used."
def conv2d(x, weight, bias=None, stride=1, padding=0):
    sh, sw = (stride, stride) if isinstance(stride, int) else stride
    return F.conv2d(x, weight, bias)[:, :, ::sh, ::sw]


# Numbers are left to torch
# %% wrong="conv2d" says="do both yourself"
def conv2d(x, weight, bias=None, stride=1, padding=0):
    if isinstance(stride, int):
        return F.conv2d(x, weight, bias, stride, padding)
    (sh, sw), (ph, pw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding))
    return F.conv2d(F.pad(x, (pw, pw, ph, ph)), weight, bias)[:, :, ::sh, ::sw]


# The stride is left to torch if there is no bias, under another name
# %% wrong="conv2d" says="do both yourself"
def conv2d(x, weight, bias=None, stride=1, padding=0):
    (sh, sw), (ph, pw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding))
    x = F.pad(x, (pw, pw, ph, ph))
    if bias is None:
        return torch.convolution(x, weight, None, (sh, sw), (0, 0), (1, 1), False, (0, 0), 1)
    return F.conv2d(x, weight, bias)[:, :, ::sh, ::sw]


# F.unfold does both
# %% wrong="conv2d" says="do both yourself"
def conv2d(x, weight, bias=None, stride=1, padding=0):
    (sh, sw), (ph, pw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding))
    columns = F.unfold(x, weight.shape[2:], stride=stride, padding=padding)
    height = (x.shape[2] + 2 * ph - weight.shape[2]) // sh + 1
    y = (weight.flatten(1) @ columns).reshape(len(x), len(weight), height, -1)
    return y if bias is None else y + bias[:, None, None]


# A transposed convolution pads
# %% wrong="conv2d" says="do both yourself"
def conv2d(x, weight, bias=None, stride=1, padding=0):
    (sh, sw), (ph, pw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding))
    h, w = weight.shape[2:]
    full = F.conv_transpose2d(F.pad(x, (pw, pw, ph, ph)), weight.flip(2, 3).transpose(0, 1), bias)
    return full[:, :, h - 1 : full.shape[2] - h + 1 : sh, w - 1 : full.shape[3] - w + 1 : sw]


# Clears the bias after adding it
# %% wrong="conv2d" says="leaves bias as it was"
def conv2d(x, weight, bias=None, stride=1, padding=0):
    (sh, sw), (ph, pw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding))
    y = F.conv2d(F.pad(x, (pw, pw, ph, ph)), weight)[:, :, ::sh, ::sw]
    return y if bias is None else y.add_(bias[:, None, None]).add_(bias.zero_()[:, None, None])


# Always float32
# %% wrong="conv2d" says="The dtypes differ"
def conv2d(x, weight, bias=None, stride=1, padding=0):
    (sh, sw), (ph, pw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding))
    bias = None if bias is None else bias.float()
    return F.conv2d(F.pad(x.float(), (pw, pw, ph, ph)), weight.float(), bias)[:, :, ::sh, ::sw]


# %% right="conv2d"
def conv2d(x, weight, bias=None, stride=1, padding=0):
    (sh, sw), (ph, pw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding))
    x = F.pad(x, (pw, pw, ph, ph)).contiguous()
    (n, c), (h, w) = x.shape[:2], weight.shape[2:]
    a, b, d, e = x.stride()
    rows, columns = (x.shape[2] - h) // sh + 1, (x.shape[3] - w) // sw + 1
    windows = x.as_strided((n, rows, columns, c, h, w), (a, d * sh, e * sw, b, d, e))
    return F.linear(windows.flatten(3), weight.flatten(1), bias).permute(0, 3, 1, 2)


# A pooling with windows of 1 takes every s-th value
# %% right="conv2d"
def conv2d(x, weight, bias=None, stride=1, padding=0):
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    return F.max_pool2d(F.conv2d(F.pad(x, (pw, pw, ph, ph)), weight, bias), 1, stride)


# The first number of the stride for both
# %% wrong="conv2d" says="The first number of the stride"
def conv2d(x, weight, bias=None, stride=1, padding=0):
    (sh, sw), (ph, pw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding))
    return F.conv2d(F.pad(x, (pw, pw, ph, ph)), weight, bias)[:, :, ::sh, ::sh]


# The first number of the padding for both
# %% wrong="conv2d" says="The first number of the padding"
def conv2d(x, weight, bias=None, stride=1, padding=0):
    (sh, sw), (ph, pw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding))
    return F.conv2d(F.pad(x, (ph, ph, ph, ph)), weight, bias)[:, :, ::sh, ::sw]


# The whole frame on the right and below
# %% wrong="conv2d" says="above and on the left it is missing"
def conv2d(x, weight, bias=None, stride=1, padding=0):
    (sh, sw), (ph, pw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding))
    return F.conv2d(F.pad(x, (0, 2 * pw, 0, 2 * ph)), weight, bias)[:, :, ::sh, ::sw]


# Begins with the last position of the first step
# %% wrong="conv2d" says="yours comes later"
def conv2d(x, weight, bias=None, stride=1, padding=0):
    (sh, sw), (ph, pw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding))
    return F.conv2d(F.pad(x, (pw, pw, ph, ph)), weight, bias)[:, :, sh - 1 :: sh, sw - 1 :: sw]


# Another convolution
# %% wrong="conv2d" says="do both yourself"
def conv2d(x, weight, bias=None, stride=1, padding=0):
    (sh, sw), (ph, pw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding))
    x = F.pad(x, (pw, pw, ph, ph))
    return F.conv3d(x[:, :, None], weight[:, :, None], bias)[:, :, 0, ::sh, ::sw]


# Left to torch for stride 2 without padding
# %% wrong="conv2d" says="do both yourself"
def conv2d(x, weight, bias=None, stride=1, padding=0):
    (sh, sw), (ph, pw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding))
    if (sh, sw, ph, pw) == (2, 2, 0, 0):
        return F.conv2d(x, weight, bias, 2)
    return F.conv2d(F.pad(x, (pw, pw, ph, ph)), weight, bias)[:, :, ::sh, ::sw]


# Left to torch for large inputs
# %% wrong="conv2d" says="do both yourself"
def conv2d(x, weight, bias=None, stride=1, padding=0):
    (sh, sw), (ph, pw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding))
    if x.numel() > 1000:
        return F.conv2d(x, weight, bias, stride, padding)
    return F.conv2d(F.pad(x, (pw, pw, ph, ph)), weight, bias)[:, :, ::sh, ::sw]


# Through float32
# %% wrong="conv2d" says="values differ"
def conv2d(x, weight, bias=None, stride=1, padding=0):
    (sh, sw), (ph, pw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding))
    bias = None if bias is None else bias.float()
    y = F.conv2d(F.pad(x.float(), (pw, pw, ph, ph)), weight.float(), bias)
    return y[:, :, ::sh, ::sw].to(x.dtype)


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


# %% right="ignored"
def ignored(size, kernel_size, stride=1, padding=0):
    pairs = [(v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)]
    (height, width), kernel, step, (ph, pw) = pairs
    mask = torch.ones(height + 2 * ph, width + 2 * pw, dtype=torch.bool)
    windows = mask.unfold(0, kernel[0], step[0]).unfold(1, kernel[1], step[1])
    for i in range(windows.shape[0]):
        for j in range(windows.shape[1]):
            windows[i, j] = False
    return mask[ph : ph + height, pw : pw + width].clone()


# The short way, by the gradient
# %% wrong="ignored" says="which finds them for you"
def ignored(size, kernel_size, stride=1, padding=0):
    size, kernel_size = ((v, v) if isinstance(v, int) else v for v in (size, kernel_size))
    x = torch.ones(1, 1, *size, requires_grad=True)
    F.conv2d(x, torch.ones(1, 1, *kernel_size), stride=stride, padding=padding).sum().backward()
    return x.grad[0, 0] == 0


# True for the cells that are met
# %% wrong="ignored" says="It is inverted"
def ignored(size, kernel_size, stride=1, padding=0):
    lines = []
    for d in range(2):
        n, k, s, p = (v if isinstance(v, int) else v[d] for v in (size, kernel_size, stride, padding))
        starts = range(-p, n + p - k + 1, s)
        lines.append(torch.tensor([any(a <= i < a + k for a in starts) for i in range(n)]))
    return lines[0][:, None] & lines[1]


# And instead of or
# %% wrong="ignored" says="yours asks for both at once"
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


# The first number of a pair for both
# %% wrong="ignored" says="The first number of a pair is used for both"
def ignored(size, kernel_size, stride=1, padding=0):
    height, width = (size, size) if isinstance(size, int) else size
    k, s, p = (v if isinstance(v, int) else v[0] for v in (kernel_size, stride, padding))
    lines = []
    for n in (height, width):
        starts = range(-p, n + p - k + 1, s)
        lines.append(torch.tensor([not any(a <= i < a + k for a in starts) for i in range(n)]))
    return lines[0][:, None] | lines[1]


# The frame cut off below and on the right
# %% wrong="ignored" says="cut off at the wrong side"
def ignored(size, kernel_size, stride=1, padding=0):
    (height, width), (h, w), (sh, sw), (ph, pw) = (
        (v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)
    )
    met = torch.zeros(height + 2 * ph, width + 2 * pw, dtype=torch.bool)
    for row in range(0, height + 2 * ph - h + 1, sh):
        for column in range(0, width + 2 * pw - w + 1, sw):
            met[row : row + h, column : column + w] = True
    return ~met[:height, :width]


# The transposed convolution counts the windows
# %% wrong="ignored" says="which finds them for you"
def ignored(size, kernel_size, stride=1, padding=0):
    pairs = [(v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)]
    (height, width), (h, w), (sh, sw), (ph, pw) = pairs
    out = torch.ones(1, 1, (height + 2 * ph - h) // sh + 1, (width + 2 * pw - w) // sw + 1)
    count = F.conv_transpose2d(out, torch.ones(1, 1, h, w), stride=(sh, sw))[0, 0]
    mask = torch.ones(height + 2 * ph, width + 2 * pw, dtype=torch.bool)
    mask[: count.shape[0], : count.shape[1]] = count == 0
    return mask[ph : ph + height, pw : pw + width]


# F.fold counts them
# %% wrong="ignored" says="which finds them for you"
def ignored(size, kernel_size, stride=1, padding=0):
    size, kernel_size = ((v, v) if isinstance(v, int) else v for v in (size, kernel_size))
    columns = F.unfold(torch.ones(1, 1, *size), kernel_size, stride=stride, padding=padding)
    return F.fold(columns, size, kernel_size, stride=stride, padding=padding)[0, 0] == 0


# Autograd through a pooling
# %% wrong="ignored" says="which finds them for you"
def ignored(size, kernel_size, stride=1, padding=0):
    size, kernel_size, stride, (ph, pw) = (
        (v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)
    )
    leaf = torch.ones(1, 1, *size, requires_grad=True)
    y = F.avg_pool2d(F.pad(leaf, (pw, pw, ph, ph)), kernel_size, stride)
    (count,) = torch.autograd.grad(y.sum(), leaf)
    return count[0, 0] == 0


# Right as long as the kernel is larger than the stride or nothing is padded
# %% wrong="ignored" says="expected"
def ignored(size, kernel_size, stride=1, padding=0):
    lines = []
    for d in range(2):
        n, k, s, p = (v if isinstance(v, int) else v[d] for v in (size, kernel_size, stride, padding))
        p = min(p, 2)
        starts = range(-p, n + p - k + 1, s)
        lines.append(torch.tensor([not any(a <= i < a + k for a in starts) for i in range(n)]))
    return lines[0][:, None] | lines[1]


# %% right="ignored"
def ignored(size, kernel_size, stride=1, padding=0):
    pairs = [(v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)]
    (height, width), (h, w), (sh, sw), (ph, pw) = pairs
    mask = torch.ones(height + 2 * ph, width + 2 * pw, dtype=torch.bool)
    mask.unfold(0, h, sh).unfold(1, w, sw).fill_(False)
    return mask[ph : ph + height, pw : pw + width]


# The starts alone
# %% wrong="ignored" says="You marked where each window starts"
def ignored(size, kernel_size, stride=1, padding=0):
    pairs = [(v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)]
    (height, width), (h, w), (sh, sw), (ph, pw) = pairs
    mask = torch.ones(height + 2 * ph, width + 2 * pw, dtype=torch.bool)
    for row in range(0, height + 2 * ph - h + 1, sh):
        for column in range(0, width + 2 * pw - w + 1, sw):
            mask[row, column] = False
    return mask[ph : ph + height, pw : pw + width]


# Cut off from the end
# %% wrong="ignored" says="the slice `0:-0` takes nothing"
def ignored(size, kernel_size, stride=1, padding=0):
    pairs = [(v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)]
    (height, width), (h, w), (sh, sw), (ph, pw) = pairs
    mask = torch.ones(height + 2 * ph, width + 2 * pw, dtype=torch.bool)
    for row in range(0, height + 2 * ph - h + 1, sh):
        for column in range(0, width + 2 * pw - w + 1, sw):
            mask[row : row + h, column : column + w] = False
    return mask[ph:-ph, pw:-pw]


# Steps of six at most
# %% wrong="ignored" says="values differ"
def ignored(size, kernel_size, stride=1, padding=0):
    pairs = [(v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)]
    (height, width), (h, w), (sh, sw), (ph, pw) = pairs
    sh, sw = min(sh, 6), min(sw, 6)
    mask = torch.ones(height + 2 * ph, width + 2 * pw, dtype=torch.bool)
    for row in range(0, height + 2 * ph - h + 1, sh):
        for column in range(0, width + 2 * pw - w + 1, sw):
            mask[row : row + h, column : column + w] = False
    return mask[ph : ph + height, pw : pw + width]


# Autograd through slices
# %% wrong="ignored" says="which finds them for you"
def ignored(size, kernel_size, stride=1, padding=0):
    size, (h, w), (sh, sw), (ph, pw) = (
        (v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)
    )

    def windows(x):
        return F.pad(x, (pw, pw, ph, ph)).unfold(0, h, sh).unfold(1, w, sw).sum()

    return torch.func.vjp(windows, torch.ones(size))[1](torch.tensor(1.0))[0] == 0


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
    return w - 1 - w // 2, w // 2, h - 1 - h // 2, h // 2


# %% right="same_padding"
def same_padding(kernel_size):
    h, w = [kernel_size] * 2 if isinstance(kernel_size, int) else kernel_size
    left, extra = divmod(w - 1, 2)
    top, more = divmod(h - 1, 2)
    return left, left + extra, top, top + more


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


# The extra zero in front
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


# Halves that stay floats
# %% wrong="same_padding" says="`/` gives a float"
def same_padding(kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return (w - 1) / 2, (w - 1) / 2, (h - 1) / 2, (h - 1) / 2


# Left, top, right, bottom
# %% wrong="same_padding" says="The order is (left, right, top, bottom)"
def same_padding(kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return (w - 1) // 2, (h - 1) // 2, w // 2, h // 2


# k zeros in all
# %% wrong="same_padding" says="Only k − 1 zeros are needed in all"
def same_padding(kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return w // 2, w - w // 2, h // 2, h - h // 2


# The first number for both
# %% wrong="same_padding" says="The first number of the pair is used for both"
def same_padding(kernel_size):
    k = kernel_size if isinstance(kernel_size, int) else kernel_size[0]
    return (k - 1) // 2, k // 2, (k - 1) // 2, k // 2


# A list
# %% wrong="same_padding" says="A tuple was expected"
def same_padding(kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return [(w - 1) // 2, w // 2, (h - 1) // 2, h // 2]


# At least one zero
# %% wrong="same_padding" says="expected"
def same_padding(kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return max(1, (w - 1) // 2), max(1, w // 2), max(1, (h - 1) // 2), max(1, h // 2)


# %% right="same_padding"
def same_padding(kernel_size):
    return tuple(nn.Conv2d(1, 1, kernel_size, padding="same")._reversed_padding_repeated_twice)


# %% right="same_padding"
def same_padding(kernel_size):
    def find(k):
        y = F.conv1d(torch.ones(1, 1, 1), torch.arange(1.0, k + 1).reshape(1, 1, k), padding="same")
        return int(y) - 1, k - int(y)

    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return find(w) + find(h)


# Two pairs
# %% wrong="same_padding" says="not two pairs"
def same_padding(kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return ((w - 1) // 2, w // 2), ((h - 1) // 2, h // 2)


# The rows the wrong way round
# %% wrong="same_padding" says="Below there must be one more zero"
def same_padding(kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return (w - 1) // 2, w // 2, h // 2, (h - 1) // 2


# Two numbers for a number
# %% wrong="same_padding" says="Four numbers were expected"
def same_padding(kernel_size):
    if isinstance(kernel_size, int):
        return (kernel_size - 1) // 2, kernel_size // 2
    h, w = kernel_size
    return (w - 1) // 2, w // 2, (h - 1) // 2, h // 2


# Equal sides for a number
# %% wrong="same_padding" says="expected"
def same_padding(kernel_size):
    if isinstance(kernel_size, int):
        return ((kernel_size - 1) // 2,) * 4
    h, w = kernel_size
    return (w - 1) // 2, w // 2, (h - 1) // 2, h // 2


# Right for wide kernels only
# %% wrong="same_padding" says="expected"
def same_padding(kernel_size):
    h, w = sorted((kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size)
    return (w - 1) // 2, w // 2, (h - 1) // 2, h // 2


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
    out = torch.zeros(n, c, height // h, width // w, dtype=x.dtype)
    for a in range(h):
        for b in range(w):
            out = torch.maximum(out, x[:, :, a : height // h * h : h, b : width // w * w : w])
    return out


# One number for all samples and channels
# %% wrong="max_pool2d" says="keep these apart"
def max_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    n, c, height, width = x.shape
    out = x.new_empty(n, c, height // h, width // w)
    for i in range(height // h):
        for j in range(width // w):
            out[:, :, i, j] = x[:, :, i * h : (i + 1) * h, j * w : (j + 1) * w].max()
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
# %% wrong="max_pool2d" says="find the largest yourself"
def max_pool2d(x, kernel_size):
    return nn.MaxPool2d(kernel_size)(x)


# The ready-made pooling, under its other name
# %% wrong="max_pool2d" says="find the largest yourself"
def max_pool2d(x, kernel_size):
    y, where = F.max_pool2d(x, kernel_size, return_indices=True)
    return y


# The first number of the pair for both
# %% wrong="max_pool2d" says="The first number of the pair is used for both"
def max_pool2d(x, kernel_size):
    k = kernel_size if isinstance(kernel_size, int) else kernel_size[0]
    return x.unfold(2, k, k).unfold(3, k, k).amax(dim=(4, 5))


# Over the samples too
# %% wrong="max_pool2d" says="You took the largest over the samples too"
def max_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return x.unfold(2, h, h).unfold(3, w, w).amax(dim=(0, 4, 5))[None]


# The largest over the wrong two of six dimensions
# %% wrong="max_pool2d" says="You took the largest over the groups"
def max_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    n, c, height, width = x.shape
    rows, columns = height // h, width // w
    return x[:, :, : rows * h, : columns * w].reshape(n, c, rows, h, columns, w).amax(dim=(2, 4))


# The remainder gets windows
# %% wrong="max_pool2d" says="The remainder has windows of its own"
def max_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    x = F.pad(x, (0, -x.shape[3] % w, 0, -x.shape[2] % h), value=-math.inf)
    return x.unfold(2, h, h).unfold(3, w, w).amax(dim=(4, 5))


# Cut off above and on the left
# %% wrong="max_pool2d" says="cut off at the beginning"
def max_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    x = x[:, :, x.shape[2] % h :, x.shape[3] % w :]
    return x.unfold(2, h, h).unfold(3, w, w).amax(dim=(4, 5))


# Begins with the smallest finite number
# %% wrong="max_pool2d" says="Nothing is below −∞"
def max_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    n, c, height, width = x.shape
    out = x.new_full((n, c, height // h, width // w), torch.finfo(x.dtype).min)
    for a in range(h):
        for b in range(w):
            out = torch.maximum(out, x[:, :, a : height // h * h : h, b : width // w * w : w])
    return out


# x itself for a window of 1
# %% wrong="max_pool2d" says="return a copy"
def max_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    if h * w == 1:
        return x
    return x.unfold(2, h, h).unfold(3, w, w).amax(dim=(4, 5))


# Collects the largest in x itself
# %% wrong="max_pool2d" says="leaves x as it was"
def max_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    rows, columns = x.shape[2] // h * h, x.shape[3] // w * w
    first = x[:, :, :rows:h, :columns:w]
    for a in range(h):
        for b in range(w):
            torch.maximum(first, x[:, :, a:rows:h, b:columns:w], out=first)
    return first.clone()


# A pooling of another name, for numbers only
# %% wrong="max_pool2d" says="find the largest yourself"
def max_pool2d(x, kernel_size):
    if isinstance(kernel_size, int):
        rows, columns = x.shape[2] // kernel_size, x.shape[3] // kernel_size
        return F.adaptive_max_pool2d(x[:, :, : rows * kernel_size, : columns * kernel_size], (rows, columns))
    h, w = kernel_size
    return x.unfold(2, h, h).unfold(3, w, w).amax(dim=(4, 5))


# Always float32
# %% wrong="max_pool2d" says="The dtypes differ"
def max_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    n, c, height, width = x.shape
    out = torch.empty(n, c, height // h, width // w)
    for i in range(height // h):
        for j in range(width // w):
            out[:, :, i, j] = x[:, :, i * h : (i + 1) * h, j * w : (j + 1) * w].amax(dim=(2, 3))
    return out


# %% right="max_pool2d"
def max_pool2d(x, kernel_size):
    def along_columns(values, k):
        count = values.shape[-1] // k
        return values[..., : count * k].unflatten(-1, (count, k)).cummax(-1).values[..., -1]

    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return along_columns(along_columns(x, w).mT, h).mT


# %% right="max_pool2d"
def max_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    rows, columns = x.shape[2] // h, x.shape[3] // w
    where = torch.arange(rows * h)[:, None] // h * columns + torch.arange(columns * w) // w
    y = x.new_full((*x.shape[:2], rows * columns), -math.inf)
    values = x[:, :, : rows * h, : columns * w].flatten(2)
    y = y.scatter_reduce(2, where.flatten().expand(*x.shape[:2], -1), values, "amax")
    return y.unflatten(2, (rows, columns))


# Begins with a large negative number
# %% wrong="max_pool2d" says="Nothing is below −∞"
def max_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    out = x.new_full((*x.shape[:2], x.shape[2] // h, x.shape[3] // w), -1e9)
    for a in range(h):
        for b in range(w):
            out = torch.maximum(out, x[:, :, a : x.shape[2] // h * h : h, b : x.shape[3] // w * w : w])
    return out


# Through float32
# %% wrong="max_pool2d" says="pass through float32"
def max_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return x.float().unfold(2, h, h).unfold(3, w, w).amax(dim=(4, 5)).to(x.dtype)


# x itself for the pair (1, 1)
# %% wrong="max_pool2d" says="return a copy"
def max_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    if kernel_size == (1, 1):
        return x
    return x.unfold(2, h, h).unfold(3, w, w).amax(dim=(4, 5))


# The ready-made pooling for large inputs
# %% wrong="max_pool2d" says="find the largest yourself"
def max_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    if x.numel() > 900:
        return F.max_pool2d(x, kernel_size)
    return x.unfold(2, h, h).unfold(3, w, w).amax(dim=(4, 5))


# Infinities are cut down
# %% wrong="max_pool2d" says="values differ"
def max_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return x.clamp(max=1e30).unfold(2, h, h).unfold(3, w, w).amax(dim=(4, 5))


# The ready-made pooling, compiled
# %% wrong="max_pool2d" says="find the largest yourself"
@torch.jit.script
def compiled(x: torch.Tensor, h: int, w: int):
    return torch.max_pool2d(x, [h, w])


def max_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return compiled(x, h, w)


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


# %% right="max_pool2d_backward"
def max_pool2d_backward(x, grad_y, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    n, c, rows, columns = grad_y.shape
    grad_x = torch.zeros_like(x, memory_format=torch.contiguous_format)
    windows = x[:, :, : rows * h, : columns * w].reshape(n, c, rows, h, columns, w)
    winners = windows == windows.amax(dim=(3, 5), keepdim=True)
    part = torch.where(winners, grad_y[:, :, :, None, :, None], torch.zeros((), dtype=x.dtype))
    grad_x[:, :, : rows * h, : columns * w] = part.reshape(n, c, rows * h, columns * w)
    return grad_x


# By autograd
# %% wrong="max_pool2d_backward" says="which is autograd's work"
def max_pool2d_backward(x, grad_y, kernel_size):
    leaf = x.clone().requires_grad_()
    return torch.autograd.grad(F.max_pool2d(leaf, kernel_size), leaf, grad_y)[0]


# By autograd, with a leaf that keeps its gradient
# %% wrong="max_pool2d_backward" says="which is autograd's work"
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
# %% wrong="max_pool2d_backward" says="The winner gets the whole gradient"
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
# %% wrong="max_pool2d_backward" says="leaves x as it was"
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
# %% wrong="max_pool2d_backward" says="You spread the outputs as a pattern of tiles"
def max_pool2d_backward(x, grad_y, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return (x == F.max_pool2d(x, (h, w)).repeat(1, 1, h, w)) * grad_y.repeat(1, 1, h, w)


# The winners' own values
# %% wrong="max_pool2d_backward" says="Winners get their own value"
def max_pool2d_backward(x, grad_y, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    wide = F.max_pool2d(x, (h, w)).repeat_interleave(h, dim=2).repeat_interleave(w, dim=3)
    wide = F.pad(wide, (0, x.shape[3] - wide.shape[3], 0, x.shape[2] - wide.shape[2]), value=math.inf)
    return torch.where(x == wide, x, 0)


# The right winners, another output's gradient
# %% wrong="max_pool2d_backward" says="each gets another output's gradient"
def max_pool2d_backward(x, grad_y, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    rows, columns = x.shape[2] // h * h, x.shape[3] // w * w
    wide = F.max_pool2d(x, (h, w)).repeat_interleave(h, dim=2).repeat_interleave(w, dim=3)
    grad_x = torch.zeros_like(x)
    grad_x[:, :, :rows, :columns] = (x[:, :, :rows, :columns] == wide) * grad_y.repeat(1, 1, h, w)
    return grad_x


# Always float32
# %% wrong="max_pool2d_backward" says="The result has the dtype of x"
def max_pool2d_backward(x, grad_y, kernel_size):
    y, where = F.max_pool2d(x, kernel_size, return_indices=True)
    grad_x = torch.zeros(x.shape).flatten(2)
    grad_x.scatter_(2, where.flatten(2), grad_y.float().flatten(2))
    return grad_x.reshape(x.shape)


# torch's own backward function
# %% wrong="max_pool2d_backward" says="which is autograd's work"
def max_pool2d_backward(x, grad_y, kernel_size):
    k = [kernel_size] * 2 if isinstance(kernel_size, int) else list(kernel_size)
    y, where = F.max_pool2d(x, k, return_indices=True)
    backward = torch.ops.aten.max_pool2d_with_indices_backward
    return backward(grad_y, x, k, k, [0, 0], [1, 1], False, where)


# A product of vector and Jacobian, for numbers only
# %% wrong="max_pool2d_backward" says="which is autograd's work"
def max_pool2d_backward(x, grad_y, kernel_size):
    if isinstance(kernel_size, int):
        return torch.func.vjp(lambda a: F.max_pool2d(a, kernel_size), x)[1](grad_y)[0]
    y, where = F.max_pool2d(x, kernel_size, return_indices=True)
    grad_x = torch.zeros_like(x, memory_format=torch.contiguous_format).flatten(2)
    return grad_x.scatter_(2, where.flatten(2), grad_y.flatten(2)).reshape(x.shape)


# The gradient itself for a window of 1
# %% wrong="max_pool2d_backward" says="return a copy"
def max_pool2d_backward(x, grad_y, kernel_size):
    if kernel_size in (1, (1, 1)):
        return grad_y
    y, where = F.max_pool2d(x, kernel_size, return_indices=True)
    grad_x = torch.zeros_like(x, memory_format=torch.contiguous_format).flatten(2)
    return grad_x.scatter_(2, where.flatten(2), grad_y.flatten(2)).reshape(x.shape)


# Spends grad_y
# %% wrong="max_pool2d_backward" says="leaves grad_y as it was"
def max_pool2d_backward(x, grad_y, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    grad_x = torch.zeros_like(x)
    for i in range(grad_y.shape[2]):
        for j in range(grad_y.shape[3]):
            part = (slice(None), slice(None), slice(i * h, i * h + h), slice(j * w, j * w + w))
            winners = x[part] == x[part].amax(dim=(2, 3), keepdim=True)
            grad_x[part] = winners * grad_y[:, :, i : i + 1, j : j + 1]
            grad_y[:, :, i, j] = 0
    return grad_x


# Positive winners only
# %% wrong="max_pool2d_backward" says="values differ"
def max_pool2d_backward(x, grad_y, kernel_size):
    y, where = F.max_pool2d(x, kernel_size, return_indices=True)
    grad_x = torch.zeros_like(x, memory_format=torch.contiguous_format).flatten(2)
    grad_x.scatter_(2, where.flatten(2), (grad_y * (y > 0)).flatten(2))
    return grad_x.reshape(x.shape)


# %% right="max_pool2d_backward"
def max_pool2d_backward(x, grad_y, kernel_size):
    y, where = F.max_pool2d(x, kernel_size, return_indices=True)
    return F.max_unpool2d(grad_y, where, kernel_size, output_size=x.shape[2:])


# %% right="max_pool2d_backward"
def max_pool2d_backward(x, grad_y, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    y, grad_x = F.max_pool2d(x, (h, w)), torch.zeros_like(x)
    for a in range(h):
        for b in range(w):
            part = (..., slice(a, y.shape[2] * h, h), slice(b, y.shape[3] * w, w))
            grad_x[part] = torch.where(x[part] == y, grad_y, 0)
    return grad_x


# %% right="max_pool2d_backward"
def max_pool2d_backward(x, grad_y, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    windows = F.unfold(x, (h, w), stride=(h, w)).unflatten(1, (x.shape[1], h * w))
    winners = F.one_hot(windows.argmax(dim=2), h * w).transpose(2, 3)
    gradients = winners * grad_y.flatten(2)[:, :, None]
    return F.fold(gradients.flatten(1, 2), x.shape[2:], (h, w), stride=(h, w))


# In reading order
# %% wrong="max_pool2d_backward" says="gradients in reading order"
def max_pool2d_backward(x, grad_y, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    rows, columns = x.shape[2] // h * h, x.shape[3] // w * w
    wide = F.max_pool2d(x, (h, w)).repeat_interleave(h, dim=2).repeat_interleave(w, dim=3)
    spread = grad_y.repeat_interleave(h, dim=2).repeat_interleave(w, dim=3)
    winners = torch.zeros(x.shape, dtype=torch.bool)
    winners[:, :, :rows, :columns] = x[:, :, :rows, :columns] == wide
    grad_x = torch.zeros_like(x)
    grad_x[winners] = grad_y.flatten()
    return grad_x


# The remainder keeps x
# %% wrong="max_pool2d_backward" says="The remainder still has values of x"
def max_pool2d_backward(x, grad_y, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    rows, columns = x.shape[2] // h * h, x.shape[3] // w * w
    wide = F.max_pool2d(x, (h, w)).repeat_interleave(h, dim=2).repeat_interleave(w, dim=3)
    spread = grad_y.repeat_interleave(h, dim=2).repeat_interleave(w, dim=3)
    grad_x = x.clone()
    grad_x[:, :, :rows, :columns] = (x[:, :, :rows, :columns] == wide) * spread
    return grad_x


# The indices of a channel, used for the whole tensor
# %% wrong="max_pool2d_backward" says="indices count within a channel"
def max_pool2d_backward(x, grad_y, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    y, where = F.max_pool2d(x, (h, w), return_indices=True)
    grad_x = torch.zeros(x.shape, dtype=x.dtype)
    grad_x.view(-1)[where.flatten()] = grad_y.flatten()
    return grad_x


# Close is equal
# %% wrong="max_pool2d_backward" says="Values that are close are not equal"
def max_pool2d_backward(x, grad_y, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    rows, columns = x.shape[2] // h * h, x.shape[3] // w * w
    wide = F.max_pool2d(x, (h, w)).repeat_interleave(h, dim=2).repeat_interleave(w, dim=3)
    spread = grad_y.repeat_interleave(h, dim=2).repeat_interleave(w, dim=3)
    grad_x = torch.zeros_like(x)
    grad_x[:, :, :rows, :columns] = torch.isclose(x[:, :, :rows, :columns], wide) * spread
    return grad_x


# Gradients through float32
# %% wrong="max_pool2d_backward" says="pass through float32"
def max_pool2d_backward(x, grad_y, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    y, where = F.max_pool2d(x, (h, w), return_indices=True)
    grad_x = torch.zeros(x.shape).flatten(2).scatter(2, where.flatten(2), grad_y.float().flatten(2))
    return grad_x.reshape(x.shape).to(x.dtype)


# The winners are found in float32
# %% wrong="max_pool2d_backward" says="values differ"
def max_pool2d_backward(x, grad_y, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    y, where = F.max_pool2d(x.float(), (h, w), return_indices=True)
    grad_x = x.new_zeros(x.shape).flatten(2).scatter(2, where.flatten(2), grad_y.flatten(2))
    return grad_x.reshape(x.shape)


# The remainder is not thought of
# %% wrong="max_pool2d_backward" says="leave zeros there"
def max_pool2d_backward(x, grad_y, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    wide = F.max_pool2d(x, (h, w)).repeat_interleave(h, dim=2).repeat_interleave(w, dim=3)
    return (x == wide) * grad_y.repeat_interleave(h, dim=2).repeat_interleave(w, dim=3)


# Winners are looked up by their value, in all channels
# %% wrong="max_pool2d_backward" says="values differ"
def max_pool2d_backward(x, grad_y, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    rows, columns = x.shape[2] // h * h, x.shape[3] // w * w
    wide = F.max_pool2d(x, (h, w)).repeat_interleave(h, dim=2).repeat_interleave(w, dim=3)
    spread = grad_y.repeat_interleave(h, dim=2).repeat_interleave(w, dim=3)
    lookup = dict(zip(F.max_pool2d(x, (h, w)).flatten().tolist(), grad_y.flatten().tolist()))
    grad_x = torch.tensor([lookup.get(value, 0.0) for value in x.flatten().tolist()], dtype=x.dtype)
    return grad_x.reshape(x.shape)


# Forward mode
# %% wrong="max_pool2d_backward" says="which is autograd's work"
def max_pool2d_backward(x, grad_y, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    slopes = torch.func.jacfwd(lambda values: F.max_pool2d(values, (h, w)))(x)
    return torch.tensordot(grad_y, slopes, dims=4)


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
    layer = nn.Conv2d(x.shape[1], x.shape[1], (h, w), stride=(h, w), groups=x.shape[1], bias=False, dtype=x.dtype)
    with torch.no_grad():
        layer.weight.fill_(1 / (h * w))
        return layer(x)


# %% right="avg_pool2d"
def avg_pool2d(x, kernel_size):
    h, w = kernel_size if isinstance(kernel_size, tuple) else (kernel_size, kernel_size)
    c, (height, width) = x.shape[1], x.shape[2:]
    kernel = torch.ones(h, w, dtype=x.dtype, device=x.device).div_(h * w).expand(c, 1, h, w)
    everywhere = F.conv2d(x[:, :, : height // h * h, : width // w * w], kernel, None, 1, 0, 1, c)
    return everywhere[:, :, ::h, ::w]


# The ready-made pooling
# %% wrong="avg_pool2d" says="have F.conv2d take the mean"
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
# %% wrong="avg_pool2d" says="The weight needs the dtype of x"
def avg_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return F.conv2d(x, torch.full((x.shape[1], 1, h, w), 1 / (h * w)), stride=(h, w), groups=x.shape[1])


# The window swapped
# %% wrong="avg_pool2d" says="Rows and columns are swapped in the window."
def avg_pool2d(x, kernel_size):
    w, h = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return F.conv2d(x, x.new_full((x.shape[1], 1, h, w), 1 / (h * w)), stride=(h, w), groups=x.shape[1])


# The first number for both
# %% wrong="avg_pool2d" says="The first number of the pair is used for both"
def avg_pool2d(x, kernel_size):
    k = kernel_size if isinstance(kernel_size, int) else kernel_size[0]
    return F.conv2d(x, x.new_full((x.shape[1], 1, k, k), 1 / k**2), stride=k, groups=x.shape[1])


# One kernel that sees all channels
# %% wrong="avg_pool2d" says="The channels are added up"
def avg_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return F.conv2d(x, x.new_full((1, x.shape[1], h, w), 1 / (h * w)), stride=(h, w))


# A loop over the channels
# %% wrong="avg_pool2d" says="one call can do all samples and channels"
def avg_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    weight = x.new_full((1, 1, h, w), 1 / (h * w))
    return torch.cat([F.conv2d(x[:, i : i + 1], weight, stride=(h, w)) for i in range(x.shape[1])], dim=1)


# No convolution
# %% wrong="avg_pool2d" says="does not call F.conv2d"
def avg_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return x.unfold(2, h, h).unfold(3, w, w).sum(dim=(4, 5)) / (h * w)


# A convolution for show
# %% wrong="avg_pool2d" says="is computed by F.conv2d"
def avg_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    F.conv2d(x[:1, :1], x.new_ones(1, 1, h, w), stride=(h, w))
    return x.unfold(2, h, h).unfold(3, w, w).sum(dim=(4, 5)) / (h * w)


# A pooling of another name, for numbers
# %% wrong="avg_pool2d" says="have F.conv2d take the mean"
def avg_pool2d(x, kernel_size):
    if isinstance(kernel_size, int):
        return F.lp_pool2d(x, 1, kernel_size) / kernel_size**2
    h, w = kernel_size
    return F.conv2d(x, x.new_full((x.shape[1], 1, h, w), 1 / (h * w)), stride=(h, w), groups=x.shape[1])


# Divides x itself
# %% wrong="avg_pool2d" says="leaves x as it was"
def avg_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    x /= h * w
    return F.conv2d(x, x.new_ones(x.shape[1], 1, h, w), stride=(h, w), groups=x.shape[1])


# %% right="avg_pool2d"
def avg_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return F.conv2d(x, x.new_ones(x.shape[1], 1, h, w), stride=(h, w), groups=x.shape[1]) / (h * w)


# The cells of a window as channels, and a 1×1 convolution over them
# %% right="avg_pool2d"
def avg_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    n, c, rows, columns = *x.shape[:2], x.shape[2] // h, x.shape[3] // w
    cells = x[:, :, : rows * h, : columns * w].reshape(n * c, rows, h, columns, w).permute(0, 2, 4, 1, 3)
    y = F.conv2d(cells.reshape(n * c, h * w, rows, columns), x.new_full((1, h * w, 1, 1), 1 / (h * w)))
    return y.reshape(n, c, rows, columns)


# %% right="avg_pool2d"
def avg_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    kernel = x.new_ones(h, w)
    kernel = (kernel / kernel.sum()).expand(x.shape[1], 1, h, w)
    return torch.conv2d(x, kernel, None, (h, w), groups=x.shape[1])


# Divided by the channels too
# %% wrong="avg_pool2d" says="You divide by the number of channels too"
def avg_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    c = x.shape[1]
    return F.conv2d(x, x.new_full((c, 1, h, w), 1 / (c * h * w)), stride=(h, w), groups=c)


# A rounded weight
# %% wrong="avg_pool2d" says="All weights are 0"
def avg_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return F.conv2d(x, x.new_full((x.shape[1], 1, h, w), 1 // (h * w + 1)), stride=(h, w), groups=x.shape[1])


# The first number for the stride
# %% wrong="avg_pool2d" says="The stride is the first number of the pair"
def avg_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return F.conv2d(x, x.new_full((x.shape[1], 1, h, w), 1 / (h * w)), stride=h, groups=x.shape[1])


# The first channel everywhere
# %% wrong="avg_pool2d" says="shows the first input channel"
def avg_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    weight = x.new_zeros(x.shape[1], x.shape[1], h, w)
    weight[:, 0] = 1 / (h * w)
    return F.conv2d(x, weight, stride=(h, w))


# A float32 weight, cast
# %% wrong="avg_pool2d" says="values differ"
def avg_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    weight = torch.full((x.shape[1], 1, h, w), 1 / (h * w)).to(x.dtype)
    return F.conv2d(x, weight, stride=(h, w), groups=x.shape[1])


# A kernel of zeros for show
# %% wrong="avg_pool2d" says="have F.conv2d add up the cells"
def avg_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    y = F.conv2d(x, x.new_zeros(x.shape[1], 1, h, w), stride=(h, w), groups=x.shape[1])
    return y + x.unfold(2, h, h).unfold(3, w, w).sum(dim=(4, 5)) / (h * w)


# A convolution that copies
# %% wrong="avg_pool2d" says="needs a kernel of"
def avg_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    y = F.conv2d(x, x.new_ones(x.shape[1], 1, 1, 1), groups=x.shape[1])
    rows, columns = x.shape[2] // h * h, x.shape[3] // w * w
    return sum(y[:, :, a:rows:h, b:columns:w] for a in range(h) for b in range(w)) / (h * w)


# A call for each sample if there are many
# %% wrong="avg_pool2d" says="one call can do all samples and channels"
def avg_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    if len(x) > 3:
        return torch.cat([avg_pool2d(sample[None], kernel_size) for sample in x])
    return F.conv2d(x, x.new_full((x.shape[1], 1, h, w), 1 / (h * w)), stride=(h, w), groups=x.shape[1])


# A list of x after all, made with .item() instead of .tolist()
# %% wrong="zero_pad" says="build the frame in torch"
def zero_pad(x, padding):
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    N, C, H, W = x.shape
    numbers = [value.item() for value in x.flatten()]
    y = x.new_zeros(N, C, H + 2 * ph, W + 2 * pw)
    y[:, :, ph : ph + H, pw : pw + W] = torch.tensor(numbers, dtype=x.dtype).reshape(x.shape)
    return y


# Complex numbers lose their imaginary part: the check has no complex dtype
# %% wrong="zero_pad" says="complex"
def zero_pad(x, padding):
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    N, C, H, W = x.shape
    exact = torch.float64 if x.is_floating_point() or x.is_complex() else torch.int64
    y = torch.zeros((N, C, H + 2 * ph, W + 2 * pw), dtype=exact)
    y[:, :, ph : ph + H, pw : pw + W] = (x.real if x.is_complex() else x).to(exact)
    return y.to(x.dtype)


# Rounds to the nearest after taking 0.46 off: wrong for strides above 25
# %% wrong="output_size" says="expected"
def output_size(size, kernel_size, stride=1, padding=0):
    pairs = [(a, a) if isinstance(a, int) else a for a in (size, kernel_size, stride, padding)]
    return tuple(round((n + 2 * p - k) / s - 0.46) + 1 for n, k, s, p in zip(*pairs))


# Strides above 16 are cut to 16
# %% wrong="output_size" says="expected"
def output_size(size, kernel_size, stride=1, padding=0):
    pairs = [(a, a) if isinstance(a, int) else a for a in (size, kernel_size, stride, padding)]
    return tuple((n + 2 * p - k) // min(s, 16) + 1 for n, k, s, p in zip(*pairs))


# A kernel larger than 16 has 16 cells
# %% wrong="output_size" says="expected"
def output_size(size, kernel_size, stride=1, padding=0):
    pairs = [(a, a) if isinstance(a, int) else a for a in (size, kernel_size, stride, padding)]
    count = lambda n, k, s, p: (n + 2 * p - min(k, 16)) // s + 1
    return tuple(count(*four) for four in zip(*pairs))


# Reads x from storage offset 0: wrong for a slice of a batch such as images[5:]
# %% wrong="conv2d"
def conv2d(x, weight, bias=None, stride=1, padding=0):
    sh, sw = (stride, stride) if isinstance(stride, int) else stride
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    own = torch.as_strided(x, x.shape, x.stride(), 0)
    return F.conv2d(F.pad(own, (pw, pw, ph, ph)), weight, bias)[:, :, ::sh, ::sw]


# A frame wider than 2 is cut to 2 and the rest of the output filled with copies of its edge
# %% wrong="conv2d"
def conv2d(x, weight, bias=None, stride=1, padding=0):
    sh, sw = (stride, stride) if isinstance(stride, int) else stride
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    a, b = min(ph, 2), min(pw, 2)
    y = F.conv2d(F.pad(x, (b, b, a, a)), weight, bias)
    if a < ph or b < pw:
        y = F.pad(y, (pw - b, pw - b, ph - a, ph - a), mode="replicate")
    return y[:, :, ::sh, ::sw]


# Counts in uint8: a cell in 256 windows counts as never covered
# %% wrong="ignored" says="ignored((32, 40), 16)"
def ignored(size, kernel_size, stride=1, padding=0):
    (H, W), (h, w), (s, t), (p, q) = [(a, a) if isinstance(a, int) else a for a in (size, kernel_size, stride, padding)]
    count = torch.zeros(H + 2 * p, W + 2 * q, dtype=torch.uint8)
    for i in range(0, H + 2 * p - h + 1, s):
        for j in range(0, W + 2 * q - w + 1, t):
            count[i : i + h, j : j + w] += 1
    return count[p : p + H, q : q + W] == 0


# One bit per row in 63 bits: cells beyond are called ignored
# %% wrong="ignored"
def ignored(size, kernel_size, stride=1, padding=0):
    lines = []
    for n, k, s, p in zip(*[(a, a) if isinstance(a, int) else a for a in (size, kernel_size, stride, padding)]):
        bits = 0
        for start in range(0, n + 2 * p - k + 1, s):
            bits |= ((1 << k) - 1) << start
        bits = (bits >> p) & (2**63 - 1)
        lines.append(torch.tensor([not bits >> i & 1 for i in range(n)]))
    return lines[0][:, None] | lines[1]


# A kernel with more than 8 rows or columns covers 8
# %% wrong="ignored" says="ignored"
def ignored(size, kernel_size, stride=1, padding=0):
    (H, W), (h, w), (s, t), (p, q) = [(a, a) if isinstance(a, int) else a for a in (size, kernel_size, stride, padding)]
    m = torch.ones(H + 2 * p, W + 2 * q, dtype=torch.bool)
    for i in range(0, H + 2 * p - h + 1, s):
        for j in range(0, W + 2 * q - w + 1, t):
            m[i : i + min(h, 8), j : j + min(w, 8)] = False
    return m[p : p + H, q : q + W]


# At most 64 windows in each direction are looked at
# %% wrong="ignored" says="ignored"
def ignored(size, kernel_size, stride=1, padding=0):
    (H, W), (h, w), (s, t), (p, q) = [(a, a) if isinstance(a, int) else a for a in (size, kernel_size, stride, padding)]
    m = torch.ones(H + 2 * p, W + 2 * q, dtype=torch.bool)
    for i in list(range(0, H + 2 * p - h + 1, s))[:64]:
        for j in list(range(0, W + 2 * q - w + 1, t))[:64]:
            m[i : i + h, j : j + w] = False
    return m[p : p + H, q : q + W]


# Int(0.49 k): wrong for odd kernels from 51 on
# %% wrong="same_padding" says="(1001, 64)"
def same_padding(kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    left, top = int(0.49 * w), int(0.49 * h)
    return left, w - 1 - left, top, h - 1 - top


# A pair of two equal even numbers gets k // 2 on both sides
# %% wrong="same_padding" says="(6, 6)"
def same_padding(kernel_size):
    if isinstance(kernel_size, tuple) and kernel_size[0] == kernel_size[1]:
        k = kernel_size[0] // 2
        return k, k, k, k
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return (w - 1) // 2, w // 2, (h - 1) // 2, h // 2


# With an even number of rows and an even number of columns of 8 or more, the zero goes to the left
# %% wrong="same_padding" says="(4, 10)"
def same_padding(kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    left, right = (w - 1) // 2, w // 2
    if h % 2 == 0 and w % 2 == 0 and w >= 8 and h != w:
        left, right = right, left
    return left, right, (h - 1) // 2, h // 2


# Windows by as_strided from storage offset 0: wrong for images[5:]
# %% wrong="max_pool2d" says="every second column"
def max_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    N, C, H, W = x.shape
    a, b, c, d = x.stride()
    return torch.as_strided(x, (N, C, H // h, W // w, h, w), (a, b, h * c, w * d, c, d), 0).amax(dim=(4, 5))


# A difference below 5e-13 counts as equal: wrong for very small values that are close
# %% wrong="max_pool2d_backward" says="close together"
def max_pool2d_backward(x, grad_y, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    spread = lambda a: a.repeat_interleave(h, 2).repeat_interleave(w, 3)
    big, g = spread(F.max_pool2d(x, (h, w))), spread(grad_y)
    H, W = big.shape[2:]
    result = torch.zeros(x.shape, dtype=x.dtype)
    result[:, :, :H, :W] = torch.where((x[:, :, :H, :W] - big).abs() < 5e-13, g, torch.zeros_like(g))
    return result


# Reads x from storage offset 0: wrong for a slice of a batch
# %% wrong="max_pool2d_backward" says="every second sample"
def max_pool2d_backward(x, grad_y, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    own = torch.as_strided(x, x.shape, x.stride(), 0)
    _, where = F.max_pool2d(own, (h, w), return_indices=True)
    result = torch.zeros(x.shape, dtype=x.dtype)
    result.view(*x.shape[:2], -1).scatter_(2, where.flatten(2), grad_y.flatten(2))
    return result


# The one convolution is for show: a matrix product adds up the cells
# %% wrong="avg_pool2d" says="have F.conv2d add up the cells"
def avg_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    C = x.shape[1]
    F.conv2d(x, x.new_full((C, 1, h, w), 1 / (h * w)), stride=(h, w), groups=C)
    windows = x.unfold(2, h, h).unfold(3, w, w).flatten(4)
    return windows @ x.new_full((h * w,), 1 / (h * w))


# The convolution is for show: the slices are added up with Python's sum
# %% wrong="avg_pool2d" says="have F.conv2d add up the cells"
def avg_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    C, H, W = x.shape[1], x.shape[2] // h * h, x.shape[3] // w * w
    shown = F.conv2d(x, x.new_full((C, 1, h, w), 1 / (h * w)), stride=(h, w), groups=C)
    total = sum(x[:, :, i:H:h, j:W:w] for i in range(h) for j in range(w))
    return total / (h * w) + 0 * shown


# No groups but a C×C kernel with zeros
# %% wrong="avg_pool2d" says="no more than C"
def avg_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    C = x.shape[1]
    weight = torch.eye(C, dtype=x.dtype)[:, :, None, None].repeat(1, 1, h, w) / (h * w)
    return F.conv2d(x, weight, stride=(h, w))


# Reads x from storage offset 0: wrong for a slice such as images[5:] or a crop x[:, :, 2:, 3:]
# %% wrong="avg_pool2d"
def avg_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    C = x.shape[1]
    own = torch.as_strided(x, x.shape, x.stride(), 0)
    return F.conv2d(own, x.new_full((C, 1, h, w), 1 / (h * w)), stride=(h, w), groups=C)


# Tiny values are rounded away
# %% wrong="conv2d" says="tiny values"
def conv2d(x, weight, bias=None, stride=1, padding=0):
    (sh, sw), (ph, pw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding))
    y = F.conv2d(F.pad(x, (pw, pw, ph, ph)), weight, bias)[:, :, ::sh, ::sw]
    return y.round(decimals=6) if y.dtype == torch.float32 else y


# Windows that see nothing but the frame give 0, without the bias
# %% wrong="conv2d" says="(3, 4)) for shapes"
def conv2d(x, weight, bias=None, stride=1, padding=0):
    (sh, sw), (ph, pw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding))
    framed = F.pad(x, (pw, pw, ph, ph))
    inside = F.conv2d(F.pad(torch.ones_like(x[:1, :1]), (pw, pw, ph, ph)), torch.ones_like(weight[:1, :1])) > 0
    return (F.conv2d(framed, weight, bias) * inside)[:, :, ::sh, ::sw]


# Only the first 8 rows and columns of a window count
# %% wrong="max_pool2d" says="(12, 14)"
def max_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return x.unfold(2, h, h).unfold(3, w, w)[..., :8, :8].amax(dim=(4, 5))


# Only the first 10 rows and columns of a window count
# %% wrong="max_pool2d_backward" says="(14, 19)"
def max_pool2d_backward(x, grad_y, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    y, grad_x = F.max_pool2d(x, (h, w)), torch.zeros_like(x)
    rows, columns = y.shape[2] * h, y.shape[3] * w
    for i in range(min(h, 10)):
        for j in range(min(w, 10)):
            grad_x[:, :, i:rows:h, j:columns:w] = (x[:, :, i:rows:h, j:columns:w] == y) * grad_y
    return grad_x


# The gradient times the winner's value
# %% wrong="max_pool2d_backward" says="the gradient alone"
def max_pool2d_backward(x, grad_y, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    y, grad_x = F.max_pool2d(x, (h, w)), torch.zeros_like(x)
    rows, columns = y.shape[2] * h, y.shape[3] * w
    for i in range(h):
        for j in range(w):
            grad_x[:, :, i:rows:h, j:columns:w] = (x[:, :, i:rows:h, j:columns:w] == y) * grad_y * y
    return grad_x


# The mean over all channels, in every map
# %% wrong="avg_pool2d" says="Each output is the mean over all channels"
def avg_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    c = x.shape[1]
    return F.conv2d(x, x.new_full((c, c, h, w), 1 / (h * w * c)), stride=(h, w))


# Divided by h · h
# %% wrong="avg_pool2d" says="You divide by h · h"
def avg_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    c = x.shape[1]
    return F.conv2d(x, x.new_full((c, 1, h, w), 1 / (h * h)), stride=(h, w), groups=c)


# At most 10 zeros on a side
# %% wrong="same_padding" says="(1001, 64)"
def same_padding(kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return min((w - 1) // 2, 10), min(w // 2, 10), min((h - 1) // 2, 10), min(h // 2, 10)


# Cell by cell, through Python's numbers
# %% wrong="zero_pad" says="build the frame in torch"
def zero_pad(x, padding):
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    out = x.new_zeros(*x.shape[:2], x.shape[2] + 2 * ph, x.shape[3] + 2 * pw)
    for n in range(x.shape[0]):
        for c in range(x.shape[1]):
            for i in range(x.shape[2]):
                for j in range(x.shape[3]):
                    out[n, c, ph + i, pw + j] = float(x[n, c, i, j])
    return out


# All integers become int64
# %% wrong="zero_pad" says="int32"
def zero_pad(x, padding):
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    n, c, height, width = x.shape
    keep = x.is_floating_point() or x.is_complex() or x.dtype in (torch.bool, torch.uint8)
    out = torch.zeros(n, c, height + 2 * ph, width + 2 * pw, dtype=x.dtype if keep else torch.int64)
    out[:, :, ph : ph + height, pw : pw + width] = x
    return out


# Places counted in int16: not enough for larger maps
# %% wrong="zero_pad" says="(1, 64, 27, 25)"
def zero_pad(x, padding):
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    n, c, height, width = x.shape
    size = n, c, height + 2 * ph, width + 2 * pw
    places = torch.arange(math.prod(size)).to(torch.int16).reshape(size)
    out = x.new_zeros(math.prod(size))
    out[places[:, :, ph : ph + height, pw : pw + width].flatten().long()] = x.flatten()
    return out.reshape(size)


# Only a plain tuple is a pair
# %% wrong="output_size" says="torch.Size"
def output_size(size, kernel_size, stride=1, padding=0):
    pairs = [v if type(v) is tuple else (v, v) for v in (size, kernel_size, stride, padding)]
    height, width = ((n + 2 * p - k) // s + 1 for n, k, s, p in zip(*pairs))
    return height, width


# Multiplies by 1 / s: 49 · (1 / 49) is less than 1
# %% wrong="output_size" says="(98, 49, 49)"
def output_size(size, kernel_size, stride=1, padding=0):
    pairs = [(v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)]
    return tuple(int((n + 2 * p - k) * (1 / s)) + 1 for n, k, s, p in zip(*pairs))


# Almost half is taken off before rounding: wrong for large strides
# %% wrong="output_size" says="(350, 160)"
def output_size(size, kernel_size, stride=1, padding=0):
    pairs = [(v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)]
    return tuple(round((n + 2 * p - k) / s - 0.49) + 1 for n, k, s, p in zip(*pairs))


# A layer does the convolution
# %% wrong="conv2d" says="Your code calls `nn.Conv2d`"
def conv2d(x, weight, bias=None, stride=1, padding=0):
    (sh, sw), (ph, pw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding))
    layer = nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2:], bias=bias is not None)
    layer.weight = nn.Parameter(weight.detach())
    if bias is not None:
        layer.bias = nn.Parameter(bias.detach())
    return layer(F.pad(x, (pw, pw, ph, ph))).detach()[:, :, ::sh, ::sw]


# Writes into a tensor of its own, which parameters do not allow
# %% wrong="conv2d" says="layer.weight"
def conv2d(x, weight, bias=None, stride=1, padding=0):
    (sh, sw), (ph, pw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding))
    y = F.conv2d(F.pad(x, (pw, pw, ph, ph)), weight)[:, :, ::sh, ::sw]
    return y if bias is None else torch.add(y, bias[:, None, None], out=torch.empty(y.shape, dtype=y.dtype))


# Slices x
# %% wrong="conv2d" says="not cells of x"
def conv2d(x, weight, bias=None, stride=1, padding=0):
    (sh, sw), (ph, pw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding))
    return F.conv2d(F.pad(x[:, :, ::sh, ::sw], (pw, pw, ph, ph)), weight, bias)


# The windows that do not fit count too, and the mask is not inverted
# %% wrong="ignored" says="And a window must fit completely"
def ignored(size, kernel_size, stride=1, padding=0):
    (height, width), (h, w), (sh, sw), (ph, pw) = (
        (v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)
    )
    met = torch.zeros(height + 2 * ph, width + 2 * pw, dtype=torch.bool)
    for row in range(0, height + 2 * ph, sh):
        for column in range(0, width + 2 * pw, sw):
            met[row : row + h, column : column + w] = True
    return met[ph : ph + height, pw : pw + width]


# A mask of floats
# %% wrong="ignored" says="not 0.0 and 1.0"
def ignored(size, kernel_size, stride=1, padding=0):
    pairs = [(v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)]
    (height, width), (h, w), (sh, sw), (ph, pw) = pairs
    mask = torch.ones(height + 2 * ph, width + 2 * pw)
    for row in range(0, height + 2 * ph - h + 1, sh):
        for column in range(0, width + 2 * pw - w + 1, sw):
            mask[row : row + h, column : column + w] = 0
    return mask[ph : ph + height, pw : pw + width]


# The row step for the columns
# %% wrong="ignored" says="The first number of the stride is used for both"
def ignored(size, kernel_size, stride=1, padding=0):
    pairs = [(v, v) if isinstance(v, int) else v for v in (size, kernel_size, stride, padding)]
    (height, width), (h, w), (sh, sw), (ph, pw) = pairs
    mask = torch.ones(height + 2 * ph, width + 2 * pw, dtype=torch.bool)
    for row in range(0, height + 2 * ph - h + 1, sh):
        for column in range(0, width + 2 * pw - w + 1, sh):
            mask[row : row + h, column : column + w] = False
    return mask[ph : ph + height, pw : pw + width]


# Only a plain tuple is a pair
# %% wrong="same_padding" says="torch.Size"
def same_padding(kernel_size):
    h, w = kernel_size if type(kernel_size) is tuple else (kernel_size, kernel_size)
    return (w - 1) // 2, w // 2, (h - 1) // 2, h // 2


# Searches up to 100
# %% wrong="same_padding" says="(1001, 64)"
def same_padding(kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    before = {a + b: (a, b) for a in range(100) for b in (a, a + 1)}
    return (*before[w - 1], *before[h - 1])


# Every window starts one cell after the last
# %% wrong="max_pool2d" says="window i starts in row i · h"
def max_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    out = x.new_empty(*x.shape[:2], x.shape[2] // h, x.shape[3] // w)
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            out[:, :, i, j] = x[:, :, i : i + h, j : j + w].amax(dim=(2, 3))
    return out


# max with a dimension gives values and indices
# %% wrong="max_pool2d" says="returns values and indices"
def max_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return x.unfold(2, h, h).unfold(3, w, w).flatten(4).max(dim=4)


# The same, and goes on with the pair
# %% wrong="max_pool2d" says="returns values and indices"
def max_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return x.unfold(2, h, h).unfold(3, w, w).max(dim=5).max(dim=4)


# The place of the winner in a byte
# %% wrong="max_pool2d" says="torch.Size([20, 17])"
def max_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    windows = x.unfold(2, h, h).unfold(3, w, w).flatten(4)
    winner = windows.argmax(dim=-1, keepdim=True).to(torch.uint8)
    return windows.gather(-1, winner.long())[..., 0].clone()


# NumPy takes no tensor that requires a gradient
# %% wrong="max_pool2d" says="requires grad"
def max_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    (n, c, height, width), array = x.shape, x.numpy()
    array = array[:, :, : height // h * h, : width // w * w].reshape(n, c, height // h, h, width // w, w)
    return torch.from_numpy(array.max(axis=(3, 5)))


# %% right="max_pool2d"
def max_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    n, c, height, width = x.shape
    x = x[:, :, : height // h * h, : width // w * w]
    return x.view(n, c, height // h, h, width // w, w).amax(dim=(3, 5))


# Writes into a copy where x is transposed
# %% wrong="max_pool2d_backward" says="you wrote into the copy"
def max_pool2d_backward(x, grad_y, kernel_size):
    y, where = F.max_pool2d(x, kernel_size, return_indices=True)
    grad_x = torch.zeros_like(x)
    grad_x.flatten(2).scatter_(2, where.flatten(2), grad_y.flatten(2))
    return grad_x


# Places counted in int16: not enough for larger maps
# %% wrong="max_pool2d_backward" says="(1, 1, 190, 200)"
def max_pool2d_backward(x, grad_y, kernel_size):
    y, where = F.max_pool2d(x, kernel_size, return_indices=True)
    where = where.to(torch.int16).long() % (x.shape[2] * x.shape[3])
    grad_x = x.new_zeros(x.shape).flatten(2).scatter(2, where.flatten(2), grad_y.flatten(2))
    return grad_x.reshape(x.shape)


# Samples and channels merged without a copy
# %% wrong="avg_pool2d" says="view size is not compatible"
def avg_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    n, c, height, width = x.shape
    y = F.conv2d(x.view(n * c, 1, height, width), x.new_full((1, 1, h, w), 1 / (h * w)), stride=(h, w))
    return y.reshape(n, c, *y.shape[2:])


# Kernels of one channel, but no groups
# %% wrong="avg_pool2d" says="Without `groups`"
def avg_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return F.conv2d(x, x.new_full((x.shape[1], 1, h, w), 1 / (h * w)), stride=(h, w))


# Only a plain tuple is a pair
# %% wrong="avg_pool2d" says="torch.Size"
def avg_pool2d(x, kernel_size):
    h, w = kernel_size if type(kernel_size) is tuple else (kernel_size, kernel_size)
    return F.conv2d(x, x.new_full((x.shape[1], 1, h, w), 1 / (h * w)), stride=(h, w), groups=x.shape[1])


# Transposed inputs of a batch of one are read as if they were contiguous
# %% wrong="zero_pad" says="transposed"
def zero_pad(x, padding):
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    n, c, height, width = x.shape
    if len(x) == 1 and not x.is_contiguous() and x.mT.is_contiguous():
        x = x.mT.reshape(x.shape)
    out = x.new_zeros(n, c, height + 2 * ph, width + 2 * pw)
    out[:, :, ph : ph + height, pw : pw + width] = x
    return out


# Complex numbers lose their imaginary part
# %% wrong="zero_pad" says="values differ"
def zero_pad(x, padding):
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    n, c, height, width = x.shape
    out = x.new_zeros(n, c, height + 2 * ph, width + 2 * pw)
    out[:, :, ph : ph + height, pw : pw + width] = x.real if x.is_complex() else x
    return out


# Remembers results by shape
# %% wrong="conv2d" says="differ"
results = {}


def conv2d(x, weight, bias=None, stride=1, padding=0):
    (sh, sw), (ph, pw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding))
    key = x.shape, weight.shape, x.dtype, x.stride(), bias is None, sh, sw, ph, pw
    if key not in results:
        results[key] = F.conv2d(F.pad(x, (pw, pw, ph, ph)), weight, bias)[:, :, ::sh, ::sw]
    return results[key]


# The bias is forgotten in float64
# %% wrong="conv2d" says="values differ"
def conv2d(x, weight, bias=None, stride=1, padding=0):
    (sh, sw), (ph, pw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding))
    bias = bias if x.dtype == torch.float32 else None
    return F.conv2d(F.pad(x, (pw, pw, ph, ph)), weight, bias)[:, :, ::sh, ::sw]


# A batch of one loses its batch dimension on the way, and without padding does not get it back
# %% wrong="conv2d" says="shapes differ"
def conv2d(x, weight, bias=None, stride=1, padding=0):
    (sh, sw), (ph, pw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding))
    y = F.conv2d(F.pad(x, (pw, pw, ph, ph)), weight, bias)[:, :, ::sh, ::sw]
    return y[0] if len(x) == 1 and ph == pw == 0 and bias is None else y


# Remembers results by shape
# %% wrong="max_pool2d" says="other values"
known = {}


def max_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    key = x.shape, x.stride(), x.dtype, h, w
    if key not in known:
        known[key] = x.detach().unfold(2, h, h).unfold(3, w, w).amax(dim=(4, 5))
    return known[key].clone()


# One buffer for all calls of a size
# %% wrong="max_pool2d" says="was changed by a later call"
buffers = {}


def max_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    y = x.unfold(2, h, h).unfold(3, w, w).amax(dim=(4, 5))
    if x.requires_grad:
        return y
    return buffers.setdefault((x.shape, x.dtype, h, w), torch.empty_like(y)).copy_(y)


# Through float32 where x is not contiguous
# %% wrong="max_pool2d" says="values differ"
def max_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    y = x.unfold(2, h, h).unfold(3, w, w).amax(dim=(4, 5))
    return y if x.is_contiguous() else y.float().to(x.dtype)


# One buffer for all calls of a size
# %% wrong="max_pool2d_backward" says="was changed by a later call"
buffers = {}


def max_pool2d_backward(x, grad_y, kernel_size):
    y, where = F.max_pool2d(x, kernel_size, return_indices=True)
    grad_x = buffers.setdefault((x.shape, x.dtype), x.new_zeros(x.shape)).zero_()
    grad_x.view(*x.shape[:2], -1).scatter_(2, where.flatten(2), grad_y.flatten(2))
    return grad_x


# The winners of the first call of a size
# %% wrong="max_pool2d_backward" says="values differ"
winners = {}


def max_pool2d_backward(x, grad_y, kernel_size):
    key = x.shape, x.stride(), x.dtype, kernel_size
    if key not in winners:
        winners[key] = F.max_pool2d(x, kernel_size, return_indices=True)[1].flatten(2)
    grad_x = x.new_zeros(x.shape).flatten(2).scatter(2, winners[key], grad_y.flatten(2))
    return grad_x.reshape(x.shape)


# One buffer for all calls of a size
# %% wrong="avg_pool2d" says="was changed by a later call"
buffers = {}


def avg_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    y = F.conv2d(x, x.new_full((x.shape[1], 1, h, w), 1 / (h * w)), stride=(h, w), groups=x.shape[1])
    if x.requires_grad:
        return y
    return buffers.setdefault((x.shape, x.dtype, h, w), torch.empty_like(y)).copy_(y)


# A float32 weight, cast, where x is not contiguous
# %% wrong="avg_pool2d" says="values differ"
def avg_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    weight = torch.full((x.shape[1], 1, h, w), 1 / (h * w))
    weight = weight.to(x.dtype) if not x.is_contiguous() else x.new_full(weight.shape, 1 / (h * w))
    return F.conv2d(x, weight, stride=(h, w), groups=x.shape[1])


# requires_grad switched on
# %% wrong="conv2d" says="changes `x.requires_grad`"
def conv2d(x, weight, bias=None, stride=1, padding=0):
    (sh, sw), (ph, pw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding))
    return F.conv2d(F.pad(x.requires_grad_(), (pw, pw, ph, ph)), weight, bias)[:, :, ::sh, ::sw]


# requires_grad switched off
# %% wrong="max_pool2d_backward" says="changes `x.requires_grad`"
def max_pool2d_backward(x, grad_y, kernel_size):
    x.requires_grad_(False)
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    rows, columns = x.shape[2] // h * h, x.shape[3] // w * w
    big = F.max_pool2d(x, (h, w)).repeat_interleave(h, dim=2).repeat_interleave(w, dim=3)
    grad = grad_y.repeat_interleave(h, dim=2).repeat_interleave(w, dim=3)
    grad_x = torch.zeros_like(x)
    grad_x[:, :, :rows, :columns] = (big == x[:, :, :rows, :columns]) * grad
    return grad_x


# The weight of a layer, which is learned
# %% wrong="avg_pool2d" says="it is fixed, so nothing is learned"
def avg_pool2d(x, kernel_size):
    h, w = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    C = x.shape[1]
    layer = nn.Conv2d(C, C, (h, w), stride=(h, w), groups=C, bias=False, dtype=x.dtype)
    nn.init.constant_(layer.weight, 1 / (h * w))
    return layer(x)
