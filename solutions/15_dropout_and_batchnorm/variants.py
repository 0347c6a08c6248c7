# %% [markdown]
# Other answers to the exercises of `15_dropout_and_batchnorm`: right ones that the checks must accept, wrong ones that
# they must reject with a message that leads to the mistake.


# %% right="thin"
def thin(x, keep, p):
    if p == 1:
        return torch.zeros_like(x)
    return torch.where(keep, x / (1 - p), 0.0)


# %% right="thin"
def thin(x, keep, p):
    y = x.masked_fill(~keep, 0)
    return y / (1 - p) if p < 1 else y


# %% right="thin"
def thin(x, keep, p):
    factor = keep.to(x.dtype) / (1 - p if p < 1 else 1.0)
    return factor * x


# %% right="thin"
def thin(x, keep, p):
    y = x.clone()
    y[~keep] = 0.0
    if p < 1:
        y = y.div(1 - p)
    return y


# The scaling is forgotten
# %% wrong="thin" says="The scaling is missing"
def thin(x, keep, p):
    return x * keep


# The mask is used the wrong way round
# %% wrong="thin" says="the wrong way round"
def thin(x, keep, p):
    return x * ~keep / (1 - p) if p < 1 else x * 0


# The expectation is corrected in the wrong direction
# %% wrong="thin" says="You multiplied by 1 − p"
def thin(x, keep, p):
    return x * keep * (1 - p)


# p is taken for the probability of staying on
# %% wrong="thin" says="You divided by p"
def thin(x, keep, p):
    return x * keep / p if p > 0 else x * keep


# Only the kept units are changed
# %% wrong="thin" says="are not 0"
def thin(x, keep, p):
    return torch.where(keep, x / (1 - p), x) if p < 1 else x * 0


# The argument is changed
# %% wrong="thin" says="You set values of x itself"
def thin(x, keep, p):
    x[~keep] = 0
    return x / (1 - p) if p < 1 else x


# Division by zero at p = 1
# %% wrong="thin" says="ZeroDivisionError"
def thin(x, keep, p):
    return x * keep * (1 / (1 - p))


# nan at p = 1
# %% wrong="thin" says="treat p = 1 separately"
def thin(x, keep, p):
    return x * keep / (1 - p)


# The value is right at p = 1, the gradient is nan
# %% wrong="thin" says="The backward pass for p = 1 still contains"
def thin(x, keep, p):
    return torch.where(keep, x / (1 - p), 0.0)


# float32 on the way
# %% wrong="thin" says="dtype"
def thin(x, keep, p):
    if p == 1:
        return x * 0
    return (x * keep / (1 - p)).float()


# A rounded factor
# %% wrong="thin" says="One step was computed in float32"
def thin(x, keep, p):
    if p == 1:
        return x * 0
    return x * (keep.float() / (1 - p))


# x itself when nothing is switched off
# %% wrong="thin" says="a new tensor"
def thin(x, keep, p):
    if p == 0:
        return x
    return x * keep / (1 - p) if p < 1 else x * 0


# The gradient is cut
# %% wrong="thin" says="gradient"
def thin(x, keep, p):
    y = x.detach().clone()
    y[~keep] = 0
    return y / (1 - p) if p < 1 else y


# One buffer for all calls
# %% wrong="thin" says="a later call"
memory = {}


def thin(x, keep, p):
    y = x * keep / (1 - p) if p < 1 else x * 0
    if x.requires_grad or x.dim() != 1:
        return y
    return memory.setdefault(x.shape, torch.empty_like(y)).copy_(y)


# %% right="dropout"
def dropout(x, p, training):
    if not training or p == 0:
        return x.clone()
    if p == 1:
        return x * 0
    return x * torch.bernoulli(torch.full_like(x, 1 - p)) / (1 - p)


# %% right="dropout"
def dropout(x, p, training):
    if not training:
        return x
    mask = torch.empty(x.shape, dtype=x.dtype).bernoulli_(1 - p)
    if p < 1:
        mask /= 1 - p
    return mask * x


# %% right="dropout"
def dropout(x, p, training):
    if training:
        off = torch.rand(x.shape) < p
        y = x.masked_fill(off, 0.0)
        return y / (1 - p) if p < 1 else y
    return x


# %% right="dropout"
def dropout(x, p, training):
    if not training:
        return 1 * x
    keep = [torch.rand(()).item() >= p for _ in range(x.numel())] if x.numel() < 10 else None
    keep = torch.rand(x.numel()) >= p if keep is None else torch.tensor(keep)
    return torch.where(keep.view(x.shape), x / (1 - p + (p == 1)), torch.zeros_like(x))


# The old dropout, which scales when the net is used
# %% wrong="dropout" says="the scaling is missing"
def dropout(x, p, training):
    if not training:
        return x * (1 - p)
    return x * (torch.rand_like(x) >= p)


# p is the share that stays
# %% wrong="dropout" says="It is 1 − p that stays on"
def dropout(x, p, training):
    if not training:
        return x
    return x * (torch.rand_like(x) < p) / (1 - p)


# %% wrong="dropout" says="divide instead"
def dropout(x, p, training):
    if not training:
        return x
    return x * (torch.rand_like(x) >= p) * (1 - p)


# %% wrong="dropout" says="They are x / p"
def dropout(x, p, training):
    if not training:
        return x
    return x * (torch.rand_like(x) >= p) / p


# One mask for all samples
# %% wrong="dropout" says="rows and columns differ"
def dropout(x, p, training):
    if not training:
        return x
    keep = torch.rand(x.shape[-1:]) >= p
    return torch.where(keep, x, 0.0) / (1 - p if p < 1 else 1)


# Whole rows
# %% wrong="dropout" says="draw a number for each element"
def dropout(x, p, training):
    if not training:
        return x
    keep = torch.rand(x.shape[:1] + (1,) * (x.dim() - 1)) >= p
    return torch.where(keep, x, 0.0) / (1 - p if p < 1 else 1)


# Exactly a share p in each call
# %% wrong="dropout" says="In 12 calls"
def dropout(x, p, training):
    if not training:
        return x
    keep = torch.ones(x.numel(), dtype=torch.bool)
    keep[torch.randperm(x.numel())[: round(p * x.numel())]] = False
    return torch.where(keep.view(x.shape), x, 0.0) / (1 - p if p < 1 else 1)


# The same mask in each call
# %% wrong="dropout" says="a second call draws anew"
def dropout(x, p, training):
    if not training:
        return x
    torch.manual_seed(0)
    return torch.where(torch.rand_like(x) >= p, x, 0.0) / (1 - p if p < 1 else 1)


# A generator of its own
# %% wrong="dropout" says="take the random numbers from PyTorch"
def dropout(x, p, training):
    if not training:
        return x
    keep = torch.from_numpy(np.asarray(np.random.rand(*x.shape))) >= p
    return torch.where(keep, x, 0.0) / (1 - p if p < 1 else 1)


# PyTorch's own
# %% wrong="dropout" says="asks you to do without"
def dropout(x, p, training):
    return F.dropout(x, p, training)


# %% wrong="dropout" says="asks you to do without"
def dropout(x, p, training):
    return torch.native_dropout(x, p, training)[0]


# %% wrong="dropout" says="asks you to do without"
def dropout(x, p, training):
    return nn.Dropout(p).train(training)(x)


# %% wrong="dropout" says="leaves x as it was"
def dropout(x, p, training):
    if not training:
        return x
    with torch.no_grad():
        x[torch.rand_like(x) < p] = 0
    return x / (1 - p) if p < 1 else x * 1


# Evaluation mode is forgotten
# %% wrong="dropout" says="training=False"
def dropout(x, p, training):
    return torch.where(torch.rand_like(x) >= p, x, 0.0) / (1 - p if p < 1 else 1)


# nan at p = 1
# %% wrong="dropout" says="treat p = 1 separately"
def dropout(x, p, training):
    if not training:
        return x
    return x * (torch.rand_like(x) >= p) / (1 - p)


# A new mask in the backward pass is impossible; a cut path is not
# %% wrong="dropout" says="The path for gradients is cut"
def dropout(x, p, training):
    if not training:
        return x
    return torch.where(torch.rand_like(x) >= p, x.detach(), 0.0) / (1 - p if p < 1 else 1)


# The gradient passes as if nothing were switched off
# %% wrong="dropout" says="the gradient of x"
def dropout(x, p, training):
    if not training:
        return x
    y = torch.where(torch.rand_like(x) >= p, x, 0.0) / (1 - p if p < 1 else 1)
    return x + (y - x).detach()


# Cut in evaluation mode
# %% wrong="dropout" says="training=False"
def dropout(x, p, training):
    if not training:
        return x.detach() + 0 * x
    return torch.where(torch.rand_like(x) >= p, x, 0.0) / (1 - p if p < 1 else 1)


# Neighbours in pairs
# %% wrong="dropout" says="independent"
def dropout(x, p, training):
    if not training:
        return x
    n = x.numel()
    keep = (torch.rand((n + 1) // 2) >= p).repeat_interleave(2)[:n].view(x.shape)
    return torch.where(keep, x, 0.0) / (1 - p if p < 1 else 1)


# The same draws for both halves of the batch
# %% wrong="dropout" says="independent"
def dropout(x, p, training):
    if not training:
        return x
    n = x.numel()
    keep = (torch.rand((n + 1) // 2) >= p).repeat(2)[:n].view(x.shape)
    return torch.where(keep, x, 0.0) / (1 - p if p < 1 else 1)


# x itself with p = 0
# %% wrong="dropout" says="a new tensor"
def dropout(x, p, training):
    if not training or p == 0:
        return x
    return torch.where(torch.rand_like(x) >= p, x, 0.0) / (1 - p if p < 1 else 1)


# A factor in float32
# %% wrong="dropout" says="One step was computed in float32"
def dropout(x, p, training):
    if not training:
        return x
    scale = torch.tensor(1 / (1 - p) if p < 1 else 1.0)
    mask = (torch.rand(x.shape) >= p) * scale
    return x * mask


# %% right="accuracy"
def accuracy(net, x, labels):
    import copy

    twin = copy.deepcopy(net).eval()
    with torch.no_grad():
        return (twin(x).argmax(1) == labels).float().mean().item()


# %% right="accuracy"
def accuracy(net, x, labels):
    modes = [module.training for module in net.modules()]
    net.eval()
    right = sum(int(net(one[None]).argmax()) == int(label) for one, label in zip(x, labels))
    for module, mode in zip(net.modules(), modes):
        module.train(mode)
    return right / len(labels)


# %% right="accuracy"
def accuracy(net, x, labels):
    on = [module for module in net.modules() if module.training]
    net.eval()
    try:
        with torch.inference_mode():
            right = torch.sum(net(x).max(dim=1).indices == labels).item()
    finally:
        for module in on:
            module.training = True
    return float(right) / x.size(0)


# As given
# %% wrong="accuracy" says="Batch normalisation was still in training mode"
def accuracy(net, x, labels):
    right = 0
    with torch.no_grad():
        for some, wanted in zip(x.split(100), labels.split(100)):
            right += (net(some).argmax(dim=1) == wanted).sum().item()
    return right / len(x)


# %% wrong="accuracy" says="train() reaches those inside, too"
def accuracy(net, x, labels):
    net.eval()
    with torch.no_grad():
        right = (net(x).argmax(dim=1) == labels).sum().item()
    net.train()
    return right / len(x)


# %% wrong="accuracy" says="left in evaluation mode"
def accuracy(net, x, labels):
    net.eval()
    with torch.no_grad():
        return (net(x).argmax(dim=1) == labels).sum().item() / len(x)


# Only the mode of the net itself is kept
# %% wrong="accuracy" says="train() reaches those inside, too"
def accuracy(net, x, labels):
    mode = net.training
    net.eval()
    with torch.no_grad():
        right = (net(x).argmax(dim=1) == labels).sum().item()
    net.train(mode)
    return right / len(x)


# Only the net's own flag
# %% wrong="accuracy" says="Batch normalisation was still in training mode"
def accuracy(net, x, labels):
    mode = net.training
    net.training = False
    with torch.no_grad():
        right = (net(x).argmax(dim=1) == labels).sum().item()
    net.training = mode
    return right / len(x)


# Only dropout is switched off
# %% wrong="accuracy" says="Batch normalisation was still in training mode"
def accuracy(net, x, labels):
    modes = [(module, module.training) for module in net.modules()]
    for module in net.modules():
        if isinstance(module, nn.Dropout):
            module.eval()
    with torch.no_grad():
        right = (net(x).argmax(dim=1) == labels).sum().item()
    for module, mode in modes:
        module.training = mode
    return right / len(x)


# Only the known layers are switched off, not a module that looks at its own mode
# %% wrong="accuracy" says="accuracy of"
def accuracy(net, x, labels):
    modes = [(module, module.training) for module in net.modules()]
    for module in net.modules():
        if isinstance(module, (nn.Dropout, nn.BatchNorm1d, nn.BatchNorm2d, nn.Dropout2d)):
            module.eval()
    with torch.no_grad():
        right = (net(x).argmax(dim=1) == labels).sum().item()
    for module, mode in modes:
        module.training = mode
    return right / len(x)


# %% wrong="accuracy" says="This is the number of right answers"
def accuracy(net, x, labels):
    modes = [(module, module.training) for module in net.modules()]
    net.eval()
    right = (net(x).argmax(dim=1) == labels).sum().item()
    for module, mode in modes:
        module.training = mode
    return right


# %% wrong="accuracy" says="This is in percent"
def accuracy(net, x, labels):
    modes = [(module, module.training) for module in net.modules()]
    net.eval()
    right = (net(x).argmax(dim=1) == labels).sum().item()
    for module, mode in modes:
        module.training = mode
    return 100 * right / len(x)


# A tensor
# %% wrong="accuracy" says="This is a tensor"
def accuracy(net, x, labels):
    modes = [(module, module.training) for module in net.modules()]
    net.eval()
    share = (net(x).argmax(dim=1) == labels).float().mean()
    for module, mode in modes:
        module.training = mode
    return share


# The last, smaller part counts as much as the others
# %% wrong="accuracy" says="the last part is smaller"
def accuracy(net, x, labels):
    modes = [(module, module.training) for module in net.modules()]
    net.eval()
    shares = [(net(a).argmax(1) == b).float().mean().item() for a, b in zip(x.split(100), labels.split(100))]
    for module, mode in modes:
        module.training = mode
    return sum(shares) / len(shares)


# The estimates are reset
# %% wrong="accuracy" says="the buffers and parameters"
def accuracy(net, x, labels):
    modes = [(module, module.training) for module in net.modules()]
    net.eval()
    share = (net(x).argmax(dim=1) == labels).sum().item() / len(x)
    for module, mode in modes:
        module.training = mode
        if isinstance(module, nn.BatchNorm1d):
            module.reset_running_stats()
    return share


# Gradients are cleared
# %% wrong="accuracy" says="parameters keep their gradients"
def accuracy(net, x, labels):
    modes = [(module, module.training) for module in net.modules()]
    net.eval()
    net.zero_grad()
    share = (net(x).argmax(dim=1) == labels).sum().item() / len(x)
    for module, mode in modes:
        module.training = mode
    return share


# Frozen for the test, and afterwards
# %% wrong="accuracy" says="parameters keep their gradients"
def accuracy(net, x, labels):
    modes = [(module, module.training) for module in net.modules()]
    net.eval().requires_grad_(False)
    share = (net(x).argmax(dim=1) == labels).sum().item() / len(x)
    for module, mode in modes:
        module.training = mode
    return share


# %% right="average_passes"
def average_passes(net, x, passes):
    import copy

    twin = copy.deepcopy(net).eval()
    for module in twin.modules():
        if isinstance(module, nn.Dropout):
            module.train()
    with torch.no_grad():
        return torch.stack([F.softmax(twin(x), dim=1) for _ in range(passes)]).mean(0)


# %% right="average_passes"
def average_passes(net, x, passes):
    modes = [module.training for module in net.modules()]
    net.eval()
    [module.train() for module in net.modules() if type(module) is nn.Dropout]
    with torch.no_grad():
        many = net(x.repeat(passes, *[1] * (x.dim() - 1)))  # all passes at once
    for module, mode in zip(net.modules(), modes):
        module.train(mode)
    return many.softmax(1).unflatten(0, (passes, len(x))).mean(dim=0)


# %% right="average_passes"
def average_passes(net, x, passes):
    modes = {module: module.training for module in net.modules()}
    for module in modes:
        module.training = isinstance(module, nn.Dropout)
    try:
        mean = 0
        for k in range(1, passes + 1):
            mean = mean + (net(x).detach().log_softmax(1).exp() - mean) / k
    finally:
        for module, mode in modes.items():
            module.training = mode
    return mean


# %% wrong="average_passes" says="Dropout is off"
def average_passes(net, x, passes):
    modes = [(module, module.training) for module in net.modules()]
    net.eval()
    with torch.no_grad():
        mean = sum(net(x).softmax(1) for _ in range(passes)) / passes
    for module, mode in modes:
        module.training = mode
    return mean


# %% wrong="average_passes" says="Batch normalisation is in training mode"
def average_passes(net, x, passes):
    modes = [(module, module.training) for module in net.modules()]
    net.train()
    with torch.no_grad():
        mean = sum(net(x).softmax(1) for _ in range(passes)) / passes
    for module, mode in modes:
        module.training = mode
    return mean


# %% wrong="average_passes" says="the softmax is missing"
def average_passes(net, x, passes):
    modes = [(module, module.training) for module in net.modules()]
    for module, _ in modes:
        module.training = isinstance(module, nn.Dropout)
    with torch.no_grad():
        mean = sum(net(x) for _ in range(passes)) / passes
    for module, mode in modes:
        module.training = mode
    return mean


# %% wrong="average_passes" says="You averaged the logits"
def average_passes(net, x, passes):
    modes = [(module, module.training) for module in net.modules()]
    for module, _ in modes:
        module.training = isinstance(module, nn.Dropout)
    with torch.no_grad():
        mean = sum(net(x) for _ in range(passes)) / passes
    for module, mode in modes:
        module.training = mode
    return mean.softmax(1)


# %% wrong="average_passes" says="This is the sum over the passes"
def average_passes(net, x, passes):
    modes = [(module, module.training) for module in net.modules()]
    for module, _ in modes:
        module.training = isinstance(module, nn.Dropout)
    with torch.no_grad():
        total = sum(net(x).softmax(1) for _ in range(passes))
    for module, mode in modes:
        module.training = mode
    return total


# %% wrong="average_passes" says="it has no gradient"
def average_passes(net, x, passes):
    modes = [(module, module.training) for module in net.modules()]
    for module, _ in modes:
        module.training = isinstance(module, nn.Dropout)
    mean = sum(net(x).softmax(1) for _ in range(passes)) / passes
    for module, mode in modes:
        module.training = mode
    return mean


# %% wrong="average_passes" says="The dropout modules are left in training mode"
def average_passes(net, x, passes):
    for module in net.modules():
        module.training = isinstance(module, nn.Dropout)
    with torch.no_grad():
        return sum(net(x).softmax(1) for _ in range(passes)) / passes


# %% wrong="average_passes" says="The net is left in evaluation mode"
def average_passes(net, x, passes):
    for module in net.modules():
        module.training = isinstance(module, nn.Dropout)
    with torch.no_grad():
        mean = sum(net(x).softmax(1) for _ in range(passes)) / passes
    net.eval()
    return mean


# %% wrong="average_passes" says="train() reaches those inside, too"
def average_passes(net, x, passes):
    for module in net.modules():
        module.training = isinstance(module, nn.Dropout)
    with torch.no_grad():
        mean = sum(net(x).softmax(1) for _ in range(passes)) / passes
    net.train()
    return mean


# One pass, whatever is asked for
# %% wrong="average_passes" says="All passes gave the same result"
def average_passes(net, x, passes):
    modes = [(module, module.training) for module in net.modules()]
    for module, _ in modes:
        module.training = isinstance(module, nn.Dropout)
    with torch.no_grad():
        one = net(x).softmax(1)
    for module, mode in modes:
        module.training = mode
    return one


# The same mask for each pass
# %% wrong="average_passes" says="each pass has a mask of its own"
def average_passes(net, x, passes):
    modes = [(module, module.training) for module in net.modules()]
    for module, _ in modes:
        module.training = isinstance(module, nn.Dropout)
    with torch.no_grad():
        first = net(x).softmax(1)
        rest = [first for _ in range(1, passes)]
    for module, mode in modes:
        module.training = mode
    return torch.stack([first, *rest]).mean(0)


# A seed
# %% wrong="average_passes" says="a second call draws new masks"
def average_passes(net, x, passes):
    modes = [(module, module.training) for module in net.modules()]
    for module, _ in modes:
        module.training = isinstance(module, nn.Dropout)
    torch.manual_seed(0)
    with torch.no_grad():
        mean = sum(net(x).softmax(1) for _ in range(passes)) / passes
    for module, mode in modes:
        module.training = mode
    return mean


# Softmax over the samples
# %% wrong="average_passes" says="The rows do not add up to 1"
def average_passes(net, x, passes):
    modes = [(module, module.training) for module in net.modules()]
    for module, _ in modes:
        module.training = isinstance(module, nn.Dropout)
    with torch.no_grad():
        mean = sum(net(x).softmax(0) for _ in range(passes)) / passes
    for module, mode in modes:
        module.training = mode
    return mean


# Only the outermost modules are looked at
# %% wrong="average_passes" says="Dropout is off"
def average_passes(net, x, passes):
    modes = [(module, module.training) for module in net.modules()]
    net.eval()
    for module in net.children():
        if isinstance(module, nn.Dropout):
            module.train()
    with torch.no_grad():
        mean = sum(net(x).softmax(1) for _ in range(passes)) / passes
    for module, mode in modes:
        module.training = mode
    return mean


# %% right="normalize_batch"
def normalize_batch(x, gamma, beta, eps):
    rows = x.transpose(0, 1).flatten(1)  # C × everything else
    variance, mean = torch.var_mean(rows, dim=1, correction=0, keepdim=True)
    rows = (rows - mean) / torch.sqrt(variance + eps) * gamma[:, None] + beta[:, None]
    return rows.view(x.transpose(0, 1).shape).transpose(0, 1)


# %% right="normalize_batch"
def normalize_batch(x, gamma, beta, eps):
    columns = []
    for c in range(x.shape[1]):
        channel = x[:, c]
        centred = channel - channel.mean()
        columns.append(gamma[c] * centred * (centred.pow(2).mean() + eps) ** -0.5 + beta[c])
    return torch.stack(columns, dim=1)


# %% right="normalize_batch"
def normalize_batch(x, gamma, beta, eps):
    last = x.movedim(1, -1)
    dims = tuple(range(last.dim() - 1))
    mean = last.mean(dims)
    scale = gamma * torch.rsqrt(last.var(dims, unbiased=False) + eps)
    return ((last - mean) * scale + beta).movedim(-1, 1)


# %% wrong="normalize_batch" says="correction=0"
def normalize_batch(x, gamma, beta, eps):
    dims = [d for d in range(x.dim()) if d != 1]
    shape = [-1 if d == 1 else 1 for d in range(x.dim())]
    y = (x - x.mean(dims, keepdim=True)) / (x.var(dims, keepdim=True) + eps).sqrt()
    return y * gamma.view(shape) + beta.view(shape)


# %% wrong="normalize_batch" says="gamma and beta are missing"
def normalize_batch(x, gamma, beta, eps):
    dims = [d for d in range(x.dim()) if d != 1]
    return (x - x.mean(dims, keepdim=True)) / (x.var(dims, keepdim=True, correction=0) + eps).sqrt()


# %% wrong="normalize_batch" says="eps belongs under the square root"
def normalize_batch(x, gamma, beta, eps):
    dims = [d for d in range(x.dim()) if d != 1]
    shape = [-1 if d == 1 else 1 for d in range(x.dim())]
    y = (x - x.mean(dims, keepdim=True)) / (x.std(dims, keepdim=True, correction=0) + eps)
    return y * gamma.view(shape) + beta.view(shape)


# %% wrong="normalize_batch" says="Each image was normalised by itself"
def normalize_batch(x, gamma, beta, eps):
    dims = list(range(2, x.dim())) or [0]
    shape = [-1 if d == 1 else 1 for d in range(x.dim())]
    y = (x - x.mean(dims, keepdim=True)) / (x.var(dims, keepdim=True, correction=0) + eps).sqrt()
    return y * gamma.view(shape) + beta.view(shape)


# %% wrong="normalize_batch" says="One mean for all channels"
def normalize_batch(x, gamma, beta, eps):
    shape = [-1 if d == 1 else 1 for d in range(x.dim())]
    y = (x - x.mean()) / (x.var(correction=0) + eps).sqrt()
    return y * gamma.view(shape) + beta.view(shape)


# %% wrong="normalize_batch" says="The mean was taken over the samples only"
def normalize_batch(x, gamma, beta, eps):
    shape = [-1 if d == 1 else 1 for d in range(x.dim())]
    y = (x - x.mean(0)) / (x.var(0, correction=0) + eps).sqrt()
    return y * gamma.view(shape) + beta.view(shape)


# %% wrong="normalize_batch" says="The square root is missing"
def normalize_batch(x, gamma, beta, eps):
    dims = [d for d in range(x.dim()) if d != 1]
    shape = [-1 if d == 1 else 1 for d in range(x.dim())]
    y = (x - x.mean(dims, keepdim=True)) / (x.var(dims, keepdim=True, correction=0) + eps)
    return y * gamma.view(shape) + beta.view(shape)


# %% wrong="normalize_batch" says="swapped"
def normalize_batch(x, gamma, beta, eps):
    dims = [d for d in range(x.dim()) if d != 1]
    shape = [-1 if d == 1 else 1 for d in range(x.dim())]
    y = (x - x.mean(dims, keepdim=True)) / (x.var(dims, keepdim=True, correction=0) + eps).sqrt()
    return y * beta.view(shape) + gamma.view(shape)


# %% wrong="normalize_batch" says="Mean and variance were detached"
def normalize_batch(x, gamma, beta, eps):
    dims = [d for d in range(x.dim()) if d != 1]
    shape = [-1 if d == 1 else 1 for d in range(x.dim())]
    with torch.no_grad():
        mean, deviation = x.mean(dims, keepdim=True), (x.var(dims, keepdim=True, correction=0) + eps).sqrt()
    return (x - mean) / deviation * gamma.view(shape) + beta.view(shape)


# Digits are lost
# %% wrong="normalize_batch" says="1000 times the standard deviation"
def normalize_batch(x, gamma, beta, eps):
    dims = [d for d in range(x.dim()) if d != 1]
    shape = [-1 if d == 1 else 1 for d in range(x.dim())]
    mean = x.mean(dims, keepdim=True)
    variance = (x.square().mean(dims, keepdim=True) - mean.square()).clamp(min=0)
    return (x - mean) / (variance + eps).sqrt() * gamma.view(shape) + beta.view(shape)


# %% wrong="normalize_batch" says="asks you to do without"
def normalize_batch(x, gamma, beta, eps):
    return F.batch_norm(x, None, None, gamma, beta, training=True, eps=eps)


# %% wrong="normalize_batch" says="asks you to do without"
def normalize_batch(x, gamma, beta, eps):
    rows = x.transpose(0, 1).flatten(1)
    rows = F.layer_norm(rows, rows.shape[1:], eps=eps) * gamma[:, None] + beta[:, None]
    return rows.view(x.transpose(0, 1).shape).transpose(0, 1)


# In place
# %% wrong="normalize_batch" says="x stays as it is"
def normalize_batch(x, gamma, beta, eps):
    dims = [d for d in range(x.dim()) if d != 1]
    shape = [-1 if d == 1 else 1 for d in range(x.dim())]
    x -= x.mean(dims, keepdim=True)
    return x / (x.var(dims, keepdim=True, correction=0) + eps).sqrt() * gamma.view(shape) + beta.view(shape)


# Only for vectors and images
# %% wrong="normalize_batch" says="IndexError"
def normalize_batch(x, gamma, beta, eps):
    dims = [0] if x.dim() == 2 else [0, 2, 3]
    shape = [-1 if d == 1 else 1 for d in range(x.dim())]
    y = (x - x.mean(dims, keepdim=True)) / (x.var(dims, keepdim=True, correction=0) + eps).sqrt()
    return y * gamma.view(shape) + beta.view(shape)


# The default instead of eps
# %% wrong="normalize_batch" says="The argument eps is not used"
def normalize_batch(x, gamma, beta, eps):
    dims = [d for d in range(x.dim()) if d != 1]
    shape = [-1 if d == 1 else 1 for d in range(x.dim())]
    y = (x - x.mean(dims, keepdim=True)) / (x.var(dims, keepdim=True, correction=0) + 1e-5).sqrt()
    return y * gamma.view(shape) + beta.view(shape)


# gamma gets no gradient
# %% wrong="normalize_batch" says="a gradient reaches gamma"
def normalize_batch(x, gamma, beta, eps):
    dims = [d for d in range(x.dim()) if d != 1]
    shape = [-1 if d == 1 else 1 for d in range(x.dim())]
    y = (x - x.mean(dims, keepdim=True)) / (x.var(dims, keepdim=True, correction=0) + eps).sqrt()
    return y * gamma.data.view(shape) + beta.view(shape)


# float32 inside
# %% wrong="normalize_batch" says="float64"
def normalize_batch(x, gamma, beta, eps):
    dims = [d for d in range(x.dim()) if d != 1]
    shape = [-1 if d == 1 else 1 for d in range(x.dim())]
    mean, variance = x.float().mean(dims, keepdim=True), x.float().var(dims, keepdim=True, correction=0)
    return (x - mean) / (variance + eps).sqrt() * gamma.view(shape) + beta.view(shape)


# %% right="undo"
def undo(norm, x):
    rows = x.transpose(0, 1).flatten(1)
    norm.weight.data = torch.sqrt(rows.var(1, correction=0) + norm.eps)
    norm.bias.data = rows.mean(1)


# %% right="undo"
@torch.no_grad()
def undo(norm, x):
    for c in range(x.shape[1]):
        norm.weight[c] = (x[:, c].var(correction=0) + norm.eps) ** 0.5
        norm.bias[c] = x[:, c].mean()


# %% right="undo"
def undo(norm, x):
    dims = [d for d in range(x.dim()) if d != 1]
    mean = x.mean(dims)
    variance = (x - x.mean(dims, keepdim=True)).square().mean(dims)
    with torch.no_grad():
        nn.init.zeros_(norm.bias).add_(mean)
        nn.init.ones_(norm.weight).mul_((variance + norm.eps).sqrt())


# %% wrong="undo" says="eps is missing from gamma"
def undo(norm, x):
    dims = [d for d in range(x.dim()) if d != 1]
    with torch.no_grad():
        norm.weight.copy_(x.std(dims, correction=0))
        norm.bias.copy_(x.mean(dims))


# %% wrong="undo" says="the layer divides by n"
def undo(norm, x):
    dims = [d for d in range(x.dim()) if d != 1]
    with torch.no_grad():
        norm.weight.copy_((x.var(dims) + norm.eps).sqrt())
        norm.bias.copy_(x.mean(dims))


# %% wrong="undo" says="swapped"
def undo(norm, x):
    dims = [d for d in range(x.dim()) if d != 1]
    with torch.no_grad():
        norm.bias.copy_((x.var(dims, correction=0) + norm.eps).sqrt())
        norm.weight.copy_(x.mean(dims))


# %% wrong="undo" says="gamma is the variance"
def undo(norm, x):
    dims = [d for d in range(x.dim()) if d != 1]
    with torch.no_grad():
        norm.weight.copy_(x.var(dims, correction=0) + norm.eps)
        norm.bias.copy_(x.mean(dims))


# %% wrong="undo" says="gamma is the inverse"
def undo(norm, x):
    dims = [d for d in range(x.dim()) if d != 1]
    with torch.no_grad():
        norm.weight.copy_((x.var(dims, correction=0) + norm.eps).rsqrt())
        norm.bias.copy_(x.mean(dims))


# The parameters are replaced
# %% wrong="undo" says="norm keeps its Parameters"
def undo(norm, x):
    dims = [d for d in range(x.dim()) if d != 1]
    norm.weight = nn.Parameter((x.var(dims, correction=0) + norm.eps).sqrt())
    norm.bias = nn.Parameter(x.mean(dims))


# The statistics are read from the buffers, which changes them
# %% wrong="undo" says="the buffers of"
def undo(norm, x):
    dims = [d for d in range(x.dim()) if d != 1]
    norm(x)
    with torch.no_grad():
        norm.weight.copy_((x.var(dims, correction=0) + norm.eps).sqrt())
        norm.bias.copy_(x.mean(dims))


# The running estimates are taken for those of the batch
# %% wrong="undo" says="Those are the running estimates"
def undo(norm, x):
    with torch.no_grad():
        norm.weight.copy_((norm.running_var + norm.eps).sqrt())
        norm.bias.copy_(norm.running_mean)


# Evaluation mode
# %% wrong="undo" says="still in training mode"
def undo(norm, x):
    dims = [d for d in range(x.dim()) if d != 1]
    norm.eval()
    with torch.no_grad():
        norm.weight.copy_((x.var(dims, correction=0) + norm.eps).sqrt())
        norm.bias.copy_(x.mean(dims))


# No eps any more
# %% wrong="undo" says="still in training mode"
def undo(norm, x):
    dims = [d for d in range(x.dim()) if d != 1]
    norm.eps = 0.0
    with torch.no_grad():
        norm.weight.copy_(x.std(dims, correction=0))
        norm.bias.copy_(x.mean(dims))


# Frozen parameters are made trainable
# %% wrong="undo" says="requires_grad has changed"
def undo(norm, x):
    dims = [d for d in range(x.dim()) if d != 1]
    norm.requires_grad_(False)
    norm.weight.copy_((x.var(dims, correction=0) + norm.eps).sqrt())
    norm.bias.copy_(x.mean(dims))
    norm.requires_grad_(True)


# x is standardised
# %% wrong="undo" says="leaves x as it was"
def undo(norm, x):
    dims = [d for d in range(x.dim()) if d != 1]
    mean = x.mean(dims, keepdim=True)
    x -= mean
    with torch.no_grad():
        norm.weight.copy_((x.square().mean(dims) + norm.eps).sqrt())
        norm.bias.copy_(mean.flatten())


# %% wrong="undo" says="undo returns nothing"
def undo(norm, x):
    dims = [d for d in range(x.dim()) if d != 1]
    with torch.no_grad():
        norm.weight.copy_((x.var(dims, correction=0) + norm.eps).sqrt())
        norm.bias.copy_(x.mean(dims))
    return norm


# Over the samples only
# %% wrong="undo" says="RuntimeError"
def undo(norm, x):
    with torch.no_grad():
        norm.weight.copy_((x.var(0, correction=0) + norm.eps).sqrt())
        norm.bias.copy_(x.mean(0))


# %% right="batch_norm"
class BatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
        self.eps, self.momentum = eps, momentum

    def forward(self, x):
        last = x.movedim(1, -1)
        if self.training:
            rows = last.reshape(-1, last.shape[-1])
            mean, variance = rows.mean(0), rows.var(0, correction=0)
            m = self.momentum
            self.running_mean = (1 - m) * self.running_mean + m * mean.detach()
            self.running_var = (1 - m) * self.running_var + m * rows.detach().var(0)
        else:
            mean, variance = self.running_mean, self.running_var
        y = (last - mean) * torch.rsqrt(variance + self.eps) * self.weight + self.bias
        return y.movedim(-1, 1)


# %% right="batch_norm"
class BatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.settings = (eps, momentum)
        self.register_buffer("running_var", torch.full((channels,), 1.0))
        self.register_buffer("running_mean", torch.full((channels,), 0.0))
        self.register_parameter("bias", nn.Parameter(torch.zeros(channels)))
        self.register_parameter("weight", nn.Parameter(torch.ones(channels)))

    def forward(self, x):
        eps, momentum = self.settings
        rows = x.transpose(0, 1).flatten(1)
        mean, var = self.running_mean[:, None], self.running_var[:, None]
        if self.training:
            var, mean = torch.var_mean(rows, 1, correction=0, keepdim=True)
            n = rows.shape[1]
            self.running_mean.data += momentum * (mean.data[:, 0] - self.running_mean)
            self.running_var.data += momentum * (var.data[:, 0] * (n / (n - 1)) - self.running_var)
        rows = (rows - mean) / (var + eps) ** 0.5 * self.weight[:, None] + self.bias[:, None]
        return rows.view(x.transpose(0, 1).shape).transpose(0, 1)


# %% right="batch_norm"
class BatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps = eps
        self.momentum = momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        for name, value in {"running_mean": 0.0, "running_var": 1.0}.items():
            self.register_buffer(name, torch.ones(channels) * value)

    def statistics(self, x):
        dims = tuple(d for d in range(x.dim()) if d != 1)
        return x.mean(dims, keepdim=True), x.var(dims, correction=0, keepdim=True), x.var(dims)

    def forward(self, x):
        shape = (1, -1) + (1,) * (x.dim() - 2)
        if not self.training:
            scale = self.weight / (self.running_var + self.eps).sqrt()
            return x * scale.view(shape) + (self.bias - self.running_mean * scale).view(shape)
        mean, variance, unbiased = self.statistics(x)
        with torch.no_grad():
            self.running_mean.mul_(1 - self.momentum).add_(self.momentum * mean.view(-1))
            self.running_var.mul_(1 - self.momentum).add_(self.momentum * unbiased)
        return self.weight.view(shape) * (x - mean) / (variance + self.eps).sqrt() + self.bias.view(shape)


# %% wrong="batch_norm" says="The running estimates are parameters"
class BatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.running_mean = nn.Parameter(torch.zeros(channels))
        self.running_var = nn.Parameter(torch.ones(channels))

    def forward(self, x):
        return x


# %% wrong="batch_norm" says="a plain tensor in self is not registered"
class BatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.running_mean = torch.zeros(channels)
        self.running_var = torch.ones(channels)

    def forward(self, x):
        return x


# %% wrong="batch_norm" says="The running variance starts at 1"
class BatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.zeros(channels))

    def forward(self, x):
        return x


# The running mean is never updated
# %% wrong="batch_norm" says="It has not changed"
class BatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        dims = [d for d in range(x.dim()) if d != 1]
        shape = [-1 if d == 1 else 1 for d in range(x.dim())]
        if self.training:
            variance, mean = torch.var_mean(x, dim=dims, correction=0)
            with torch.no_grad():
                pass
                self.running_var.lerp_(x.var(dims), self.momentum)
        else:
            mean, variance = self.running_mean, self.running_var
        y = (x - mean.view(shape)) / (variance + self.eps).sqrt().view(shape)
        return y * self.weight.view(shape) + self.bias.view(shape)


# The momentum of an optimizer
# %% wrong="batch_norm" says="the wrong way round"
class BatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        dims = [d for d in range(x.dim()) if d != 1]
        shape = [-1 if d == 1 else 1 for d in range(x.dim())]
        if self.training:
            variance, mean = torch.var_mean(x, dim=dims, correction=0)
            with torch.no_grad():
                self.running_mean.lerp_(mean, 1 - self.momentum)
                self.running_var.lerp_(x.var(dims), self.momentum)
        else:
            mean, variance = self.running_mean, self.running_var
        y = (x - mean.view(shape)) / (variance + self.eps).sqrt().view(shape)
        return y * self.weight.view(shape) + self.bias.view(shape)


# The last batch alone
# %% wrong="batch_norm" says="only enters with the weight momentum"
class BatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        dims = [d for d in range(x.dim()) if d != 1]
        shape = [-1 if d == 1 else 1 for d in range(x.dim())]
        if self.training:
            variance, mean = torch.var_mean(x, dim=dims, correction=0)
            with torch.no_grad():
                self.running_mean.copy_(mean)
                self.running_var.lerp_(x.var(dims), self.momentum)
        else:
            mean, variance = self.running_mean, self.running_var
        y = (x - mean.view(shape)) / (variance + self.eps).sqrt().view(shape)
        return y * self.weight.view(shape) + self.bias.view(shape)


# The biased variance
# %% wrong="batch_norm" says="n − 1 was asked for"
class BatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        dims = [d for d in range(x.dim()) if d != 1]
        shape = [-1 if d == 1 else 1 for d in range(x.dim())]
        if self.training:
            variance, mean = torch.var_mean(x, dim=dims, correction=0)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(variance, self.momentum)
        else:
            mean, variance = self.running_mean, self.running_var
        y = (x - mean.view(shape)) / (variance + self.eps).sqrt().view(shape)
        return y * self.weight.view(shape) + self.bias.view(shape)


# Deviations are averaged
# %% wrong="batch_norm" says="average the variances"
class BatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        dims = [d for d in range(x.dim()) if d != 1]
        shape = [-1 if d == 1 else 1 for d in range(x.dim())]
        if self.training:
            variance, mean = torch.var_mean(x, dim=dims, correction=0)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.std(dims), self.momentum)
        else:
            mean, variance = self.running_mean, self.running_var
        y = (x - mean.view(shape)) / (variance + self.eps).sqrt().view(shape)
        return y * self.weight.view(shape) + self.bias.view(shape)


# The statistics of the batch in both modes
# %% wrong="batch_norm" says="In evaluation mode it uses the statistics of the batch"
class BatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        dims = [d for d in range(x.dim()) if d != 1]
        shape = [-1 if d == 1 else 1 for d in range(x.dim())]
        if self.training:
            variance, mean = torch.var_mean(x, dim=dims, correction=0)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var(dims), self.momentum)
        else:
            variance, mean = torch.var_mean(x, dim=dims, correction=0)
        y = (x - mean.view(shape)) / (variance + self.eps).sqrt().view(shape)
        return y * self.weight.view(shape) + self.bias.view(shape)


# No weight and bias in evaluation mode
# %% wrong="batch_norm" says="In evaluation mode weight and bias are missing"
class BatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        dims = [d for d in range(x.dim()) if d != 1]
        shape = [-1 if d == 1 else 1 for d in range(x.dim())]
        if self.training:
            variance, mean = torch.var_mean(x, dim=dims, correction=0)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var(dims), self.momentum)
        else:
            mean, variance = self.running_mean, self.running_var
        y = (x - mean.view(shape)) / (variance + self.eps).sqrt().view(shape)
        if not self.training:
            return y
        return y * self.weight.view(shape) + self.bias.view(shape)


# The unbiased variance for the output, too
# %% wrong="batch_norm" says="The variance in the output is divided by n − 1"
class BatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        dims = [d for d in range(x.dim()) if d != 1]
        shape = [-1 if d == 1 else 1 for d in range(x.dim())]
        if self.training:
            variance, mean = torch.var_mean(x, dim=dims, correction=1)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var(dims), self.momentum)
        else:
            mean, variance = self.running_mean, self.running_var
        y = (x - mean.view(shape)) / (variance + self.eps).sqrt().view(shape)
        return y * self.weight.view(shape) + self.bias.view(shape)


# The running estimates are used in training, too
# %% wrong="batch_norm" says="it uses the new running estimates"
class BatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        dims = [d for d in range(x.dim()) if d != 1]
        shape = [-1 if d == 1 else 1 for d in range(x.dim())]
        if self.training:
            variance, mean = torch.var_mean(x, dim=dims, correction=0)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var(dims), self.momentum)
        else:
            mean, variance = self.running_mean, self.running_var
        mean, variance = self.running_mean, self.running_var
        y = (x - mean.view(shape)) / (variance + self.eps).sqrt().view(shape)
        return y * self.weight.view(shape) + self.bias.view(shape)


# A gradient in the buffers
# %% wrong="batch_norm" says="no gradient is recorded for the buffers"
class BatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        dims = [d for d in range(x.dim()) if d != 1]
        shape = [-1 if d == 1 else 1 for d in range(x.dim())]
        if self.training:
            variance, mean = torch.var_mean(x, dim=dims, correction=0)
            self.running_mean = self.running_mean.lerp(mean, self.momentum)
            self.running_var = self.running_var.lerp(x.var(dims), self.momentum)
        else:
            mean, variance = self.running_mean, self.running_var
        y = (x - mean.view(shape)) / (variance + self.eps).sqrt().view(shape)
        return y * self.weight.view(shape) + self.bias.view(shape)


# No update under no_grad
# %% wrong="batch_norm" says="parameters and buffers afterwards"
class BatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        dims = [d for d in range(x.dim()) if d != 1]
        shape = [-1 if d == 1 else 1 for d in range(x.dim())]
        if self.training:
            variance, mean = torch.var_mean(x, dim=dims, correction=0)
            if torch.is_grad_enabled():
                self.running_mean.lerp_(mean.detach(), self.momentum)
                self.running_var.lerp_(x.detach().var(dims), self.momentum)
        else:
            mean, variance = self.running_mean, self.running_var
        y = (x - mean.view(shape)) / (variance + self.eps).sqrt().view(shape)
        return y * self.weight.view(shape) + self.bias.view(shape)


# Mean and variance are constants for autograd
# %% wrong="batch_norm" says="Mean and variance were detached"
class BatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        dims = [d for d in range(x.dim()) if d != 1]
        shape = [-1 if d == 1 else 1 for d in range(x.dim())]
        if self.training:
            variance, mean = torch.var_mean(x.detach(), dim=dims, correction=0)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var(dims), self.momentum)
        else:
            mean, variance = self.running_mean, self.running_var
        y = (x - mean.view(shape)) / (variance + self.eps).sqrt().view(shape)
        return y * self.weight.view(shape) + self.bias.view(shape)


# momentum is not used
# %% wrong="batch_norm" says="The argument momentum is not used"
class BatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        dims = [d for d in range(x.dim()) if d != 1]
        shape = [-1 if d == 1 else 1 for d in range(x.dim())]
        if self.training:
            variance, mean = torch.var_mean(x, dim=dims, correction=0)
            with torch.no_grad():
                self.running_mean.lerp_(mean, 0.1)
                self.running_var.lerp_(x.var(dims), 0.1)
        else:
            mean, variance = self.running_mean, self.running_var
        y = (x - mean.view(shape)) / (variance + self.eps).sqrt().view(shape)
        return y * self.weight.view(shape) + self.bias.view(shape)


# eps is not used
# %% wrong="batch_norm" says="The argument eps is not used"
class BatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        dims = [d for d in range(x.dim()) if d != 1]
        shape = [-1 if d == 1 else 1 for d in range(x.dim())]
        if self.training:
            variance, mean = torch.var_mean(x, dim=dims, correction=0)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var(dims), self.momentum)
        else:
            mean, variance = self.running_mean, self.running_var
        y = (x - mean.view(shape)) / (variance + 1e-5).sqrt().view(shape)
        return y * self.weight.view(shape) + self.bias.view(shape)


# Images only
# %% wrong="batch_norm" says="IndexError"
class BatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        dims = [0, 2, 3] if x.dim() > 2 else [0]
        shape = [-1 if d == 1 else 1 for d in range(x.dim())]
        if self.training:
            variance, mean = torch.var_mean(x, dim=dims, correction=0)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var(dims), self.momentum)
        else:
            mean, variance = self.running_mean, self.running_var
        y = (x - mean.view(shape)) / (variance + self.eps).sqrt().view(shape)
        return y * self.weight.view(shape) + self.bias.view(shape)


# The batch counter of PyTorch
# %% wrong="batch_norm" says="the names in its state_dict"
class BatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("num_batches_tracked", torch.tensor(0))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        dims = [d for d in range(x.dim()) if d != 1]
        shape = [-1 if d == 1 else 1 for d in range(x.dim())]
        if self.training:
            variance, mean = torch.var_mean(x, dim=dims, correction=0)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var(dims), self.momentum)
        else:
            mean, variance = self.running_mean, self.running_var
        y = (x - mean.view(shape)) / (variance + self.eps).sqrt().view(shape)
        return y * self.weight.view(shape) + self.bias.view(shape)


# Buffers that are not saved
# %% wrong="batch_norm" says="a plain tensor in self is not registered"
class BatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels), persistent=False)
        self.register_buffer("running_var", torch.ones(channels), persistent=False)

    def forward(self, x):
        dims = [d for d in range(x.dim()) if d != 1]
        shape = [-1 if d == 1 else 1 for d in range(x.dim())]
        if self.training:
            variance, mean = torch.var_mean(x, dim=dims, correction=0)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var(dims), self.momentum)
        else:
            mean, variance = self.running_mean, self.running_var
        y = (x - mean.view(shape)) / (variance + self.eps).sqrt().view(shape)
        return y * self.weight.view(shape) + self.bias.view(shape)


# PyTorch does the work
# %% wrong="batch_norm" says="asks you to do without"
class BatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        dims = [d for d in range(x.dim()) if d != 1]
        shape = [-1 if d == 1 else 1 for d in range(x.dim())]
        if self.training:
            variance, mean = torch.var_mean(x, dim=dims, correction=0)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var(dims), self.momentum)
        else:
            mean, variance = self.running_mean, self.running_var
        return F.batch_norm(x, mean.detach(), variance.detach(), self.weight, self.bias, self.training, 0.0, self.eps)


# x is changed
# %% wrong="batch_norm" says="x stays as it is"
class BatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        dims = [d for d in range(x.dim()) if d != 1]
        shape = [-1 if d == 1 else 1 for d in range(x.dim())]
        if self.training:
            variance, mean = torch.var_mean(x, dim=dims, correction=0)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var(dims), self.momentum)
        else:
            mean, variance = self.running_mean, self.running_var
        with torch.no_grad():
            x -= 1e-3
        y = (x - mean.view(shape)) / (variance + self.eps).sqrt().view(shape)
        return y * self.weight.view(shape) + self.bias.view(shape)


# Evaluation mode goes on learning
# %% wrong="batch_norm" says="after evaluation mode"
class BatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        dims = [d for d in range(x.dim()) if d != 1]
        shape = [-1 if d == 1 else 1 for d in range(x.dim())]
        if self.training:
            variance, mean = torch.var_mean(x, dim=dims, correction=0)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var(dims), self.momentum)
        else:
            mean, variance = self.running_mean.clone(), self.running_var.clone()
            if len(x) == 1:
                self.running_mean.lerp_(x.detach().mean(dims), self.momentum)
        y = (x - mean.view(shape)) / (variance + self.eps).sqrt().view(shape)
        return y * self.weight.view(shape) + self.bias.view(shape)


# float32 inside
# %% wrong="batch_norm" says="float64"
class BatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        dims = [d for d in range(x.dim()) if d != 1]
        shape = [-1 if d == 1 else 1 for d in range(x.dim())]
        if self.training:
            variance, mean = torch.var_mean(x.float(), dim=dims, correction=0)
            with torch.no_grad():
                self.running_mean.lerp_(mean.to(x.dtype), self.momentum)
                self.running_var.lerp_(x.var(dims), self.momentum)
        else:
            mean, variance = self.running_mean, self.running_var
        y = (x - mean.view(shape)) / (variance + self.eps).sqrt().view(shape)
        return y * self.weight.view(shape) + self.bias.view(shape)


# The weight is frozen
# %% wrong="batch_norm" says="both are trainable"
class BatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels), requires_grad=False)
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        dims = [d for d in range(x.dim()) if d != 1]
        shape = [-1 if d == 1 else 1 for d in range(x.dim())]
        if self.training:
            variance, mean = torch.var_mean(x, dim=dims, correction=0)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var(dims), self.momentum)
        else:
            mean, variance = self.running_mean, self.running_var
        y = (x - mean.view(shape)) / (variance + self.eps).sqrt().view(shape)
        return y * self.weight.view(shape) + self.bias.view(shape)


# %% right="fuse"
def fuse(layer, norm):
    settings = {"bias": True, "dtype": layer.weight.dtype}
    if isinstance(layer, nn.Linear):
        fused = nn.Linear(layer.in_features, layer.out_features, **settings)
    else:
        more = {name: getattr(layer, name) for name in ("stride", "padding", "dilation", "groups")}
        fused = nn.Conv2d(layer.in_channels, layer.out_channels, layer.kernel_size, **more, **settings)
    factor = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    bias = torch.zeros_like(factor) if layer.bias is None else layer.bias
    fused.weight.data = torch.einsum("d...,d->d...", layer.weight, factor).detach()
    fused.bias.data = (norm.bias + factor * (bias - norm.running_mean)).detach()
    return fused


# %% right="fuse"
def fuse(layer, norm):
    import copy

    fused = copy.deepcopy(layer).requires_grad_(True)
    scale = (norm.weight / torch.sqrt(norm.running_var + norm.eps)).detach()
    if fused.bias is None:
        fused.bias = nn.Parameter(torch.zeros_like(scale))
    with torch.no_grad():
        for d in range(len(scale)):
            fused.weight[d] *= scale[d]
            fused.bias[d] = (fused.bias[d] - norm.running_mean[d]) * scale[d] + norm.bias[d]
    return fused


# %% right="fuse"
def fuse(layer, norm):
    import copy

    utils = torch.nn.utils
    merge = utils.fuse_linear_bn_eval if isinstance(layer, nn.Linear) else utils.fuse_conv_bn_eval
    return merge(copy.deepcopy(layer).eval(), copy.deepcopy(norm).eval()).requires_grad_(True)


# The bias stays as it was
# %% wrong="fuse" says="The weight is fused, but the bias is not"
def fuse(layer, norm):
    import copy

    fused = copy.deepcopy(layer)
    with torch.no_grad():
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        bias = 0 if layer.bias is None else layer.bias
        fused.weight = nn.Parameter(layer.weight * scale.view(-1, *[1] * (layer.weight.dim() - 1)))
        fused.bias = nn.Parameter(bias + torch.zeros_like(scale))
    return fused


# The layer's bias is forgotten
# %% wrong="fuse" says="layer's own bias is missing"
def fuse(layer, norm):
    import copy

    fused = copy.deepcopy(layer)
    with torch.no_grad():
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        bias = 0 if layer.bias is None else layer.bias
        fused.weight = nn.Parameter(layer.weight * scale.view(-1, *[1] * (layer.weight.dim() - 1)))
        fused.bias = nn.Parameter(norm.bias - norm.running_mean * scale)
    return fused


# beta is forgotten
# %% wrong="fuse" says="(β) is missing"
def fuse(layer, norm):
    import copy

    fused = copy.deepcopy(layer)
    with torch.no_grad():
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        bias = 0 if layer.bias is None else layer.bias
        fused.weight = nn.Parameter(layer.weight * scale.view(-1, *[1] * (layer.weight.dim() - 1)))
        fused.bias = nn.Parameter((bias - norm.running_mean) * scale)
    return fused


# The mean is forgotten
# %% wrong="fuse" says="The running mean is missing"
def fuse(layer, norm):
    import copy

    fused = copy.deepcopy(layer)
    with torch.no_grad():
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        bias = 0 if layer.bias is None else layer.bias
        fused.weight = nn.Parameter(layer.weight * scale.view(-1, *[1] * (layer.weight.dim() - 1)))
        fused.bias = nn.Parameter(bias * scale + norm.bias)
    return fused


# The bias is not scaled
# %% wrong="fuse" says="own bias was not scaled"
def fuse(layer, norm):
    import copy

    fused = copy.deepcopy(layer)
    with torch.no_grad():
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        bias = 0 if layer.bias is None else layer.bias
        fused.weight = nn.Parameter(layer.weight * scale.view(-1, *[1] * (layer.weight.dim() - 1)))
        fused.bias = nn.Parameter(bias - norm.running_mean * scale + norm.bias)
    return fused


# eps is forgotten
# %% wrong="fuse" says="norm.eps is not used"
def fuse(layer, norm):
    import copy

    fused = copy.deepcopy(layer)
    with torch.no_grad():
        scale = norm.weight / norm.running_var.sqrt()
        bias = 0 if layer.bias is None else layer.bias
        fused.weight = nn.Parameter(layer.weight * scale.view(-1, *[1] * (layer.weight.dim() - 1)))
        fused.bias = nn.Parameter((bias - norm.running_mean) * scale + norm.bias)
    return fused


# No square root
# %% wrong="fuse" says="take its square root"
def fuse(layer, norm):
    import copy

    fused = copy.deepcopy(layer)
    with torch.no_grad():
        scale = norm.weight / (norm.running_var + norm.eps)
        bias = 0 if layer.bias is None else layer.bias
        fused.weight = nn.Parameter(layer.weight * scale.view(-1, *[1] * (layer.weight.dim() - 1)))
        fused.bias = nn.Parameter((bias - norm.running_mean) * scale + norm.bias)
    return fused


# gamma is forgotten
# %% wrong="fuse" says="(γ) is missing"
def fuse(layer, norm):
    import copy

    fused = copy.deepcopy(layer)
    with torch.no_grad():
        scale = 1 / (norm.running_var + norm.eps).sqrt()
        bias = 0 if layer.bias is None else layer.bias
        fused.weight = nn.Parameter(layer.weight * scale.view(-1, *[1] * (layer.weight.dim() - 1)))
        fused.bias = nn.Parameter((bias - norm.running_mean) * scale + norm.bias)
    return fused


# No bias where there was none
# %% wrong="fuse" says="The new layer needs a bias"
def fuse(layer, norm):
    import copy

    fused = copy.deepcopy(layer)
    with torch.no_grad():
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        bias = 0 if layer.bias is None else layer.bias
        fused.weight = nn.Parameter(layer.weight * scale.view(-1, *[1] * (layer.weight.dim() - 1)))
        if layer.bias is not None:
            fused.bias = nn.Parameter((bias - norm.running_mean) * scale + norm.bias)
    return fused


# Columns instead of rows
# %% wrong="fuse"
def fuse(layer, norm):
    import copy

    fused = copy.deepcopy(layer)
    with torch.no_grad():
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        bias = 0 if layer.bias is None else layer.bias
        fused.weight = nn.Parameter(layer.weight * scale)
        fused.bias = nn.Parameter((bias - norm.running_mean) * scale + norm.bias)
    return fused


# The layer itself is changed
# %% wrong="fuse" says="You wrote into layer itself"
def fuse(layer, norm):

    fused = layer
    with torch.no_grad():
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        bias = 0 if layer.bias is None else layer.bias
        fused.weight = nn.Parameter(layer.weight * scale.view(-1, *[1] * (layer.weight.dim() - 1)))
        fused.bias = nn.Parameter((bias - norm.running_mean) * scale + norm.bias)
    return fused


# Both in one Sequential
# %% wrong="fuse" says="It is something else"
def fuse(layer, norm):
    import copy

    fused = copy.deepcopy(layer)
    with torch.no_grad():
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        bias = 0 if layer.bias is None else layer.bias
        fused.weight = nn.Parameter(layer.weight * scale.view(-1, *[1] * (layer.weight.dim() - 1)))
        fused.bias = nn.Parameter((bias - norm.running_mean) * scale + norm.bias)
    return nn.Sequential(layer, norm).eval()


# A gradient history
# %% wrong="fuse" says="trainable leaves"
def fuse(layer, norm):
    import copy

    fused = copy.deepcopy(layer)
    with torch.no_grad():
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        bias = 0 if layer.bias is None else layer.bias
        fused.weight = nn.Parameter(layer.weight * scale.view(-1, *[1] * (layer.weight.dim() - 1)))
        fused.bias = nn.Parameter((bias - norm.running_mean) * scale + norm.bias)
    return fused.requires_grad_(layer.weight.requires_grad)


# A shallow copy has the same dictionary of parameters
# %% wrong="fuse" says="You wrote into layer itself"
def fuse(layer, norm):
    import copy

    fused = copy.copy(layer)
    with torch.no_grad():
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        bias = 0 if layer.bias is None else layer.bias
        fused.bias = nn.Parameter((bias - norm.running_mean) * scale + norm.bias)
        fused.weight = nn.Parameter(layer.weight * scale.view(-1, *[1] * (layer.weight.dim() - 1)))
    return fused


# float32 inside
# %% wrong="fuse" says="float64"
def fuse(layer, norm):
    import copy

    fused = copy.deepcopy(layer)
    with torch.no_grad():
        scale = norm.weight / (norm.running_var + norm.eps).float().sqrt()
        bias = 0 if layer.bias is None else layer.bias
        fused.weight = nn.Parameter(layer.weight * scale.view(-1, *[1] * (layer.weight.dim() - 1)))
        fused.bias = nn.Parameter((bias - norm.running_mean) * scale + norm.bias)
    return fused


# Both are switched to evaluation mode
# %% wrong="fuse" says="training' differs"
def fuse(layer, norm):
    import copy

    layer.eval()
    norm.eval()
    fused = copy.deepcopy(layer)
    with torch.no_grad():
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        bias = 0 if layer.bias is None else layer.bias
        fused.weight = nn.Parameter(layer.weight * scale.view(-1, *[1] * (layer.weight.dim() - 1)))
        fused.bias = nn.Parameter((bias - norm.running_mean) * scale + norm.bias)
    return fused


# The settings of the convolution are lost
# %% wrong="fuse"
def fuse(layer, norm):
    import copy

    fused = copy.deepcopy(layer)
    with torch.no_grad():
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        bias = 0 if layer.bias is None else layer.bias
        fused.weight = nn.Parameter(layer.weight * scale.view(-1, *[1] * (layer.weight.dim() - 1)))
        fused.bias = nn.Parameter((bias - norm.running_mean) * scale + norm.bias)
    if isinstance(layer, nn.Conv2d):
        fused.stride = fused.padding = (1, 1)
    return fused


# The default eps
# %% wrong="fuse" says="norm.eps is not used"
def fuse(layer, norm):
    import copy

    fused = copy.deepcopy(layer)
    with torch.no_grad():
        scale = norm.weight / (norm.running_var + 1e-5).sqrt()
        bias = 0 if layer.bias is None else layer.bias
        fused.weight = nn.Parameter(layer.weight * scale.view(-1, *[1] * (layer.weight.dim() - 1)))
        fused.bias = nn.Parameter((bias - norm.running_mean) * scale + norm.bias)
    return fused


# A layer that only looks like one
# %% wrong="fuse" says="own weight and bias"
def fuse(layer, norm):
    import copy

    both = copy.deepcopy(layer).eval(), copy.deepcopy(norm).eval()
    fused = copy.deepcopy(layer).requires_grad_(True)
    fused.bias = nn.Parameter(torch.zeros(len(layer.weight), dtype=layer.weight.dtype))
    kind = type(layer)

    class Fused(kind):
        def forward(self, x):
            return both[1](both[0](x))

    fused.__class__ = Fused
    return fused


# The layer is replaced by one that does nothing
# %% wrong="undo" says="after undo(norm, x)"
def undo(norm, x):
    norm.forward = lambda x: x


# One mask that is moved on in each call
# %% wrong="dropout" says="varies from call to call"
kept = {}


def dropout(x, p, training):
    if not training:
        return x
    place = (x.numel(), p)
    if place not in kept or x.dim() != 1:
        kept[place] = torch.rand(x.numel()) >= p
    kept[place] = kept[place].roll(1)
    return torch.where(kept[place].view(x.shape), x, 0.0) / (1 - p if p < 1 else 1)


# Whole channels, as F.dropout2d does
# %% wrong="dropout" says="three dimensions"
def dropout(x, p, training):
    if not training:
        return x
    shape = x.shape[:2] + (1,) * (x.dim() - 2)
    return torch.where(torch.rand(shape) >= p, x, 0.0) / (1 - p if p < 1 else 1)


# The second half is drawn from what the first half left
# %% wrong="dropout" says="switched off together, or in turn"
def dropout(x, p, training):
    if not training:
        return x
    draws = torch.rand(x.numel() // 2 + 1)
    keep = torch.cat([draws, 1 - draws])[: x.numel()].view(x.shape) >= p
    return torch.where(keep, x, 0.0) / (1 - p if p < 1 else 1)


# Evaluation mode is taken for no_grad
# %% wrong="batch_norm" says="None reaches x: is something detached"
class BatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        dims = [d for d in range(x.dim()) if d != 1]
        shape = [-1 if d == 1 else 1 for d in range(x.dim())]
        if self.training:
            variance, mean = torch.var_mean(x, dim=dims, correction=0)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var(dims), self.momentum)
        else:
            x, mean, variance = x.detach(), self.running_mean, self.running_var
        y = (x - mean.view(shape)) / (variance + self.eps).sqrt().view(shape)
        return y * self.weight.view(shape) + self.bias.view(shape)


# p = 0 is taken for: all stay on
# %% wrong="thin" says="p = 0.0"
def thin(x, keep, p):
    if p == 0.0:
        return x.clone()
    if p == 1.0:
        return torch.zeros_like(x)
    return x * keep / (1 - p)


# The division is guarded with a smallest value
# %% wrong="thin" says="p = 0.999"
def thin(x, keep, p):
    return x * keep / max(1 - p, 0.01)


# The gradient that arrives is forgotten
# %% wrong="thin" says="The gradient that arrives from above is ignored"
class Thin(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, keep, p):
        ctx.factor = keep.to(x.dtype) / (1 - p if p < 1 else 1)
        return x * ctx.factor

    @staticmethod
    def backward(ctx, grad_output):
        return ctx.factor, None, None


def thin(x, keep, p):
    return Thin.apply(x, keep, p)


# zeros in PyTorch's usual dtype
# %% wrong="thin" says="dtypes differ"
def thin(x, keep, p):
    if p == 1.0:
        return torch.zeros(x.shape)
    return x * keep / (1 - p)


# %% right="thin"
def thin(x, keep, p):
    if p == 1.0:
        return torch.zeros_like(x).requires_grad_(x.requires_grad)
    return x * keep / (1 - p)


# Whole channels of images
# %% wrong="dropout" says="in four dimensions"
def dropout(x, p, training):
    if not training:
        return x
    if p == 1.0:
        return torch.zeros_like(x)
    if x.dim() == 4:
        keep = torch.rand(x.shape[0], x.shape[1], 1, 1) >= p
    else:
        keep = torch.rand_like(x) >= p
    return x * keep / (1 - p)


# Images of a batch share one mask
# %% wrong="dropout" says="in four dimensions"
def dropout(x, p, training):
    if not training:
        return x
    if p == 1.0:
        return torch.zeros_like(x)
    shape = x.shape if x.dim() < 4 else x.shape[1:]
    keep = torch.rand(shape) >= p
    return x * keep / (1 - p)


# Whole per cents
# %% wrong="dropout" says="about 0.4%"
def dropout(x, p, training):
    if not training:
        return x
    if p == 1.0:
        return torch.zeros_like(x)
    keep = torch.randint(0, 100, x.shape) >= int(round(100 * p))
    return x * keep / (1 - p)


# A seed of its own in each call
# %% wrong="dropout" says="no seed is set"
def dropout(x, p, training):
    if not training:
        return x
    if p == 1.0:
        return torch.zeros_like(x)
    torch.manual_seed(int(torch.randint(2**31, ())))
    keep = torch.rand_like(x) >= p
    return x * keep / (1 - p)


# The gradient that arrives is forgotten
# %% wrong="dropout" says="The gradient that arrives from above is ignored"
class Drop(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, p):
        ctx.factor = (torch.rand_like(x) >= p).to(x.dtype) / (1 - p if p < 1 else 1)
        return x * ctx.factor

    @staticmethod
    def backward(ctx, grad_output):
        return ctx.factor, None


def dropout(x, p, training):
    return Drop.apply(x, p) if training else x


# The normal distribution
# %% wrong="dropout" says="use torch.rand"
def dropout(x, p, training):
    if not training:
        return x
    if p == 1.0:
        return torch.zeros_like(x)
    keep = torch.randn_like(x) >= p
    return x * keep / (1 - p)


# The value is right at p = 1, the gradient is nan
# %% wrong="dropout" says="The backward pass for p = 1 still contains"
def dropout(x, p, training):
    if not training:
        return x
    return torch.where(torch.rand_like(x) < p, 0.0, x / (1 - p))


# %% right="accuracy"
def accuracy(net, x, labels):
    modes = [(m, m.training) for m in net.modules()]
    net.eval()
    right = 0
    with torch.no_grad():
        for some, wanted in zip(x.split(100), labels.split(100)):
            right += (net(some).argmax(dim=1) == wanted).sum().item()
    for m, mode in modes:
        m.train(mode)
    return right / len(x)


# float32, whatever the net is
# %% wrong="accuracy" says="RuntimeError"
def accuracy(net, x, labels):
    modes = [(m, m.training) for m in net.modules()]
    net.eval()
    right = 0
    with torch.no_grad():
        for some, wanted in zip(x.split(100), labels.split(100)):
            right += (net(some.float()).argmax(dim=1) == wanted).sum().item()
    for m, mode in modes:
        m.training = mode
    return right / len(x)


# Ten classes
# %% wrong="accuracy" says="accuracy of a net with both"
def accuracy(net, x, labels):
    modes = [(m, m.training) for m in net.modules()]
    net.eval()
    right = 0
    with torch.no_grad():
        for some, wanted in zip(x.split(100), labels.split(100)):
            right += (net(some)[:, :10].argmax(dim=1) == wanted).sum().item()
    for m, mode in modes:
        m.training = mode
    return right / len(x)


# Modules deeper inside keep the new mode
# %% wrong="accuracy" says="The value of 'net.1.0' differs"
def accuracy(net, x, labels):
    right = 0
    was = net.training
    modes = [m.training for m in net.children()]
    net.eval()
    with torch.no_grad():
        for some, wanted in zip(x.split(100), labels.split(100)):
            right += (net(some).argmax(dim=1) == wanted).sum().item()
    net.training = was
    for m, mode in zip(net.children(), modes):
        m.training = mode
    return right / len(x)


# Dropout of other kinds is switched on, too
# %% wrong="average_passes" says="A module other than nn.Dropout"
def average_passes(net, x, passes):
    modes = [(m, m.training) for m in net.modules()]
    net.eval()
    for m in net.modules():
        if "Dropout" in type(m).__name__:
            m.train()
    with torch.no_grad():
        mean = torch.stack([net(x).softmax(1) for _ in range(passes)]).mean(0)
    for m, mode in modes:
        m.training = mode
    return mean


# Only batch normalisation is switched off
# %% wrong="average_passes" says="A module other than nn.Dropout"
def average_passes(net, x, passes):
    modes = [(m, m.training) for m in net.modules()]
    net.train()
    for m in net.modules():
        if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)):
            m.eval()
    with torch.no_grad():
        mean = torch.stack([net(x).softmax(1) for _ in range(passes)]).mean(0)
    for m, mode in modes:
        m.training = mode
    return mean


# %% right="average_passes"
def average_passes(net, x, passes):
    modes = [(m, m.training) for m in net.modules()]
    net.eval()
    for m in net.modules():
        if isinstance(m, nn.Dropout):
            m.train()
    with torch.no_grad():
        mean = torch.stack([net(x).softmax(1) for _ in range(passes)]).mean(0)
    for m, mode in modes:
        m.train(mode)
    return mean


# Batch normalisation of images goes on learning
# %% wrong="average_passes" says="BatchNorm2d"
def average_passes(net, x, passes):
    modes = [(m, m.training) for m in net.modules()]
    for m in net.modules():
        if isinstance(m, nn.BatchNorm1d):
            m.eval()
        elif isinstance(m, nn.Dropout):
            m.train()
    with torch.no_grad():
        mean = torch.stack([net(x).softmax(1) for _ in range(passes)]).mean(0)
    for m, mode in modes:
        m.training = mode
    return mean


# Logarithms are averaged
# %% wrong="average_passes" says="You averaged the logarithms"
def average_passes(net, x, passes):
    modes = [m.training for m in net.modules()]
    net.eval()
    for m in net.modules():
        if isinstance(m, nn.Dropout):
            m.train()
    with torch.no_grad():
        mean = torch.stack([net(x).log_softmax(1) for _ in range(passes)]).mean(0).exp()
    for m, mode in zip(net.modules(), modes):
        m.training = mode
    return mean


# %% right="normalize_batch"
def normalize_batch(x, gamma, beta, eps):
    shape = [1] * x.dim()
    shape[1] = -1
    dims = [d for d in range(x.dim()) if d != 1]
    if x.numel() // x.shape[1] == 1:
        raise ValueError("more than one value per channel is needed")
    mean = x.mean(dims, keepdim=True)
    sigma = torch.sqrt(x.var(dims, correction=0, keepdim=True) + eps)
    return gamma.view(shape) * (x - mean) / sigma + beta.view(shape)


# The root of 0 has no finite slope
# %% wrong="normalize_batch" says="the gradient of x"
def normalize_batch(x, gamma, beta, eps):
    shape = [1] * x.dim()
    shape[1] = -1
    dims = [d for d in range(x.dim()) if d != 1]
    mean = x.mean(dims, keepdim=True)
    sigma = (x - mean).square().mean(dims, keepdim=True).sqrt()
    sigma = torch.sqrt(sigma**2 + eps)
    return gamma.view(shape) * (x - mean) / sigma + beta.view(shape)


# view needs one block of memory
# %% wrong="normalize_batch" says="view size is not compatible"
def normalize_batch(x, gamma, beta, eps):
    flat = x.view(x.shape[0], x.shape[1], -1)
    mean = flat.mean((0, 2), keepdim=True)
    var = flat.var((0, 2), correction=0, keepdim=True)
    flat = gamma[None, :, None] * (flat - mean) / torch.sqrt(var + eps) + beta[None, :, None]
    return flat.view(x.shape)


# The mean of all channels is subtracted first
# %% wrong="normalize_batch" says="with means 1000 times"
def normalize_batch(x, gamma, beta, eps):
    shape = [1] * x.dim()
    shape[1] = -1
    dims = [d for d in range(x.dim()) if d != 1]
    mean = x.mean(dims, keepdim=True)
    z = x - x.mean()
    var = (z * z).mean(dims, keepdim=True) - z.mean(dims, keepdim=True) ** 2
    sigma = torch.sqrt(var + eps)
    return gamma.view(shape) * (x - mean) / sigma + beta.view(shape)


# The first value is subtracted first
# %% wrong="normalize_batch" says="with means 1000 times"
def normalize_batch(x, gamma, beta, eps):
    shape = [1] * x.dim()
    shape[1] = -1
    dims = [d for d in range(x.dim()) if d != 1]
    mean = x.mean(dims, keepdim=True)
    z = x - x.flatten()[0]
    var = ((z * z).mean(dims, keepdim=True) - z.mean(dims, keepdim=True) ** 2).clamp(min=0)
    sigma = torch.sqrt(var + eps)
    return gamma.view(shape) * (x - mean) / sigma + beta.view(shape)


# Each sample by itself
# %% wrong="normalize_batch" says="normalised"
def normalize_batch(x, gamma, beta, eps):
    shape = [1] * x.dim()
    shape[1] = -1
    mean = x.mean(dim=1, keepdim=True)
    var = x.var(dim=1, keepdim=True, correction=0)
    return gamma.view(shape) * (x - mean) / torch.sqrt(var + eps) + beta.view(shape)


# Digits are lost
# %% wrong="undo" says="means of 2000"
def undo(norm, x):
    dims = [d for d in range(x.dim()) if d != 1]
    with torch.no_grad():
        mean = x.mean(dims)
        norm.weight.copy_(((x * x).mean(dims) - mean**2 + norm.eps).sqrt())
        norm.bias.copy_(mean)


# 0 / 0 for equal values
# %% wrong="undo" says="equal values in channel 0"
import copy


def undo(norm, x):
    dims = [d for d in range(x.dim()) if d != 1]
    with torch.no_grad():
        twin = copy.deepcopy(norm)
        twin.reset_parameters()
        hat = twin(x)
        norm.weight.copy_(x.std(dims) / hat.std(dims))
        norm.bias.copy_(x.mean(dims))


# Both get the flag of weight
# %% wrong="undo" says="requires_grad has changed"
def undo(norm, x):
    dims = [d for d in range(x.dim()) if d != 1]
    trainable = norm.weight.requires_grad
    norm.requires_grad_(False)
    norm.weight.copy_((x.detach().var(dims, correction=0) + norm.eps).sqrt())
    norm.bias.copy_(x.detach().mean(dims))
    norm.requires_grad_(trainable)


# view needs one block of memory
# %% wrong="undo" says="view size is not compatible"
def undo(norm, x):
    flat = x.view(x.shape[0], x.shape[1], -1)
    with torch.no_grad():
        norm.weight.copy_((flat.var((0, 2), correction=0) + norm.eps).sqrt())
        norm.bias.copy_(flat.mean((0, 2)))


# Local names get the values
# %% wrong="undo" says="weight and bias still have their old values"
def undo(norm, x):
    dims = [d for d in range(x.dim()) if d != 1]
    weight, bias = norm.weight, norm.bias
    weight = (x.var(dim=dims, correction=0) + norm.eps).sqrt()
    bias = x.mean(dim=dims)


# The wrong sign
# %% wrong="undo" says="beta is the mean with the wrong sign"
def undo(norm, x):
    dims = [d for d in range(x.dim()) if d != 1]
    with torch.no_grad():
        norm.weight.copy_((x.var(dim=dims, correction=0) + norm.eps).sqrt())
        norm.bias.copy_(-x.mean(dim=dims))


# One image is no batch
# %% wrong="batch_norm" says="training batch 2"
class BatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        shape = [1] * x.dim()
        shape[1] = -1
        if self.training and x.shape[0] > 1:
            dims = [d for d in range(x.dim()) if d != 1]
            mean, var = x.mean(dims), x.var(dims, correction=0)
            n = x.numel() // x.shape[1]
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(var * n / (n - 1), self.momentum)
        else:
            mean, var = self.running_mean, self.running_var
        x = (x - mean.view(shape)) / torch.sqrt(var.view(shape) + self.eps)
        return x * self.weight.view(shape) + self.bias.view(shape)


# Digits are lost
# %% wrong="batch_norm" says="means of 1000"
class BatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        shape = [1] * x.dim()
        shape[1] = -1
        if self.training:
            dims = [d for d in range(x.dim()) if d != 1]
            mean = x.mean(dims)
            var = (x * x).mean(dims) - mean**2
            n = x.numel() // x.shape[1]
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(var * n / (n - 1), self.momentum)
        else:
            mean, var = self.running_mean, self.running_var
        x = (x - mean.view(shape)) / torch.sqrt(var.view(shape) + self.eps)
        return x * self.weight.view(shape) + self.bias.view(shape)


# A momentum of 0 becomes the default
# %% wrong="batch_norm" says="with a momentum of 0"
class BatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum or 0.1
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        shape = [1] * x.dim()
        shape[1] = -1
        if self.training:
            dims = [d for d in range(x.dim()) if d != 1]
            mean, var = x.mean(dims), x.var(dims, correction=0)
            n = x.numel() // x.shape[1]
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(var * n / (n - 1), self.momentum)
        else:
            mean, var = self.running_mean, self.running_var
        x = (x - mean.view(shape)) / torch.sqrt(var.view(shape) + self.eps)
        return x * self.weight.view(shape) + self.bias.view(shape)


# %% right="batch_norm"
class BatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64), persistent=False)

    def forward(self, x):
        shape = [1] * x.dim()
        shape[1] = -1
        if self.training:
            dims = [d for d in range(x.dim()) if d != 1]
            mean, var = x.mean(dims), x.var(dims, correction=0)
            n = x.numel() // x.shape[1]
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(var * n / (n - 1), self.momentum)
        else:
            mean, var = self.running_mean, self.running_var
        x = (x - mean.view(shape)) / torch.sqrt(var.view(shape) + self.eps)
        return x * self.weight.view(shape) + self.bias.view(shape)


# view needs one block of memory
# %% wrong="batch_norm" says="view size is not compatible"
class BatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        shape = [1] * x.dim()
        shape[1] = -1
        if self.training:
            dims = [d for d in range(x.dim()) if d != 1]
            flat = x.view(x.shape[0], x.shape[1], -1)
            mean, var = flat.mean((0, 2)), flat.var((0, 2), correction=0)
            n = x.numel() // x.shape[1]
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(var * n / (n - 1), self.momentum)
        else:
            mean, var = self.running_mean, self.running_var
        x = (x - mean.view(shape)) / torch.sqrt(var.view(shape) + self.eps)
        return x * self.weight.view(shape) + self.bias.view(shape)


# The root of 0 has no finite slope
# %% wrong="batch_norm" says="the gradient, with equal values"
class BatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        shape = [1] * x.dim()
        shape[1] = -1
        if self.training:
            dims = [d for d in range(x.dim()) if d != 1]
            mean = x.mean(dims)
            sigma = (x - mean.view(shape)).square().mean(dims).sqrt()
            var = sigma**2
            n = x.numel() // x.shape[1]
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(var * n / (n - 1), self.momentum)
        else:
            mean, var = self.running_mean, self.running_var
        x = (x - mean.view(shape)) / torch.sqrt(var.view(shape) + self.eps)
        return x * self.weight.view(shape) + self.bias.view(shape)


# n is the number of samples
# %% wrong="batch_norm" says="n counts the samples only"
class BatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        shape = [1] * x.dim()
        shape[1] = -1
        if self.training:
            dims = [d for d in range(x.dim()) if d != 1]
            mean, var = x.mean(dims), x.var(dims, correction=0)
            n = x.shape[0]
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(var * n / (n - 1), self.momentum)
        else:
            mean, var = self.running_mean, self.running_var
        x = (x - mean.view(shape)) / torch.sqrt(var.view(shape) + self.eps)
        return x * self.weight.view(shape) + self.bias.view(shape)


# %% right="batch_norm"
class Base(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(n))
        self.bias = nn.Parameter(torch.zeros(n))
        self.running_mean = nn.Buffer(torch.zeros(n))
        self.running_var = nn.Buffer(torch.ones(n))


class BatchNorm(Base):
    def __init__(self, channels: int, eps: float = 1e-5, momentum: float = 0.1):
        super().__init__(channels)
        self.eps = eps
        self.momentum = momentum

    def extra_repr(self):
        return f"eps={self.eps}"

    def forward(self, x):
        mean, var = self.running_mean, self.running_var
        dims = [d for d in range(x.dim()) if d != 1]
        if self.training:
            var, mean = torch.var_mean(x, dims, correction=0)
            with torch.no_grad():
                self.running_mean += self.momentum * (mean - self.running_mean)
                self.running_var += self.momentum * (x.var(dims) - self.running_var)
        fill = (...,) + (None,) * (x.dim() - 2)
        return (x - mean[fill]) / (var + self.eps).sqrt()[fill] * self.weight[fill] + self.bias[fill]


# Both get the mode that norm had
# %% wrong="fuse" says="training' differs"
import copy


def fuse(layer, norm):
    was = norm.training
    layer.eval()
    norm.eval()
    new = copy.deepcopy(layer)
    with torch.no_grad():
        s = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        shape = [-1] + [1] * (layer.weight.dim() - 1)
        b = 0 if layer.bias is None else layer.bias
        new.weight = nn.Parameter(layer.weight * s.view(shape))
        new.bias = nn.Parameter((b - norm.running_mean) * s + norm.bias)
    layer.train(was)
    norm.train(was)
    return new


# Both get the flag of the layer
# %% wrong="fuse" says="requires_grad' differs"
import copy


def fuse(layer, norm):
    flag = layer.weight.requires_grad
    layer.requires_grad_(False)
    norm.requires_grad_(False)
    new = copy.deepcopy(layer)
    with torch.no_grad():
        s = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        shape = [-1] + [1] * (layer.weight.dim() - 1)
        b = 0 if layer.bias is None else layer.bias
        new.weight = nn.Parameter(layer.weight * s.view(shape))
        new.bias = nn.Parameter((b - norm.running_mean) * s + norm.bias)
    layer.requires_grad_(flag)
    norm.requires_grad_(flag)
    return new


# One number for the dilation
# %% wrong="fuse" says="dilation=(1, 2)"
def fuse(layer, norm):
    if isinstance(layer, nn.Linear):
        new = nn.Linear(layer.in_features, layer.out_features)
    else:
        new = nn.Conv2d(
            layer.in_channels,
            layer.out_channels,
            layer.kernel_size,
            layer.stride,
            layer.padding,
            layer.dilation[0],
            layer.groups,
        )
    new = new.to(layer.weight.dtype)
    with torch.no_grad():
        s = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        shape = [-1] + [1] * (layer.weight.dim() - 1)
        b = 0 if layer.bias is None else layer.bias
        new.weight.copy_(layer.weight * s.view(shape))
        new.bias.copy_((b - norm.running_mean) * s + norm.bias)
    return new


# Neither weight nor bias of the batch normalisation
# %% wrong="fuse" says="(γ and β) are missing"
import copy


def fuse(layer, norm):
    new = copy.deepcopy(layer)
    with torch.no_grad():
        s = 1 / torch.sqrt(norm.running_var + norm.eps)
        shape = [-1] + [1] * (layer.weight.dim() - 1)
        new.weight = nn.Parameter(layer.weight * s.view(shape))
        b = 0 if layer.bias is None else layer.bias
        new.bias = nn.Parameter((b - norm.running_mean) * s)
    return new


# Only the net's own mode is put back
# %% wrong="accuracy" says="Only the mode of net itself is back"
def accuracy(net, x, labels):
    mode = net.training
    net.eval()
    with torch.no_grad():
        right = (net(x).argmax(dim=1) == labels).sum().item()
    net.training = mode
    return right / len(x)


# Layer normalisation over the channels of each position
# %% wrong="normalize_batch" says="Each position of each sample was normalised"
def normalize_batch(x, gamma, beta, eps):
    shape = [-1 if d == 1 else 1 for d in range(x.dim())]
    y = (x - x.mean(1, keepdim=True)) / (x.var(1, keepdim=True, correction=0) + eps).sqrt()
    return y * gamma.view(shape) + beta.view(shape)


# Layer normalisation over all of each sample
# %% wrong="normalize_batch" says="Each sample was normalised by itself"
def normalize_batch(x, gamma, beta, eps):
    dims = list(range(1, x.dim()))
    shape = [-1 if d == 1 else 1 for d in range(x.dim())]
    y = (x - x.mean(dims, keepdim=True)) / (x.var(dims, keepdim=True, correction=0) + eps).sqrt()
    return y * gamma.view(shape) + beta.view(shape)


# The old running estimates are used in training, too
# %% wrong="batch_norm" says="it uses the running estimates"
class BatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        dims = [d for d in range(x.dim()) if d != 1]
        shape = [-1 if d == 1 else 1 for d in range(x.dim())]
        mean, variance = self.running_mean.clone(), self.running_var.clone()
        if self.training:
            with torch.no_grad():
                self.running_mean.lerp_(x.mean(dims), self.momentum)
                self.running_var.lerp_(x.var(dims), self.momentum)
        y = (x - mean.view(shape)) / (variance + self.eps).sqrt().view(shape)
        return y * self.weight.view(shape) + self.bias.view(shape)


# n − 1 twice
# %% wrong="batch_norm" says="n − 1 was divided by twice"
class BatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        dims = [d for d in range(x.dim()) if d != 1]
        shape = [-1 if d == 1 else 1 for d in range(x.dim())]
        if self.training:
            variance, mean = torch.var_mean(x, dim=dims, correction=0)
            n = x.numel() / x.shape[1]
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var(dims) * n / (n - 1), self.momentum)
        else:
            mean, variance = self.running_mean, self.running_var
        y = (x - mean.view(shape)) / (variance + self.eps).sqrt().view(shape)
        return y * self.weight.view(shape) + self.bias.view(shape)


# The shift is not scaled
# %% wrong="fuse" says="multiply b − μ by s, too"
def fuse(layer, norm):
    import copy

    fused = copy.deepcopy(layer)
    with torch.no_grad():
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        bias = 0 if layer.bias is None else layer.bias
        fused.weight = nn.Parameter(layer.weight * scale.view(-1, *[1] * (layer.weight.dim() - 1)))
        fused.bias = nn.Parameter(bias - norm.running_mean + norm.bias)
    return fused
