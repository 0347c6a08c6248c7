# %% [markdown]
# Other answers to the exercises of `13_classification_losses`: right ones that the checks must accept, wrong ones
# that they must refuse, with a message that leads to the mistake.


# %% right="cross_entropy_bits"
def cross_entropy_bits(p, q):
    return -torch.xlogy(p, q).sum(-1) / math.log(2)


# %% right="cross_entropy_bits"
def cross_entropy_bits(p, q):
    one = torch.ones_like(q)
    return (p * (1 / torch.where(p == 0, one, q)).log2()).sum(dim=-1)


# %% right="cross_entropy_bits"
def cross_entropy_bits(p, q):
    return -torch.log2(torch.prod(q**p, -1))


# A loop over the rows.
# %% right="cross_entropy_bits"
def cross_entropy_bits(p, q):
    if p.dim() == 2:
        return torch.stack([cross_entropy_bits(a, b) for a, b in zip(p, q)])
    happens = p > 0
    return (p[happens] * -q[happens].log2()).sum()


# Natural logarithm.
# %% wrong="cross_entropy_bits" says="natural logarithm: bits need log2"
def cross_entropy_bits(p, q):
    return -torch.xlogy(p, q).sum(-1)


# Decimal logarithm.
# %% wrong="cross_entropy_bits" says="log10"
def cross_entropy_bits(p, q):
    return -(p * q.log10()).sum(-1)


# Forgets the minus.
# %% wrong="cross_entropy_bits" says="The sign is wrong"
def cross_entropy_bits(p, q):
    return torch.where(p > 0, p * q.log2(), 0).sum(-1)


# Swaps the two.
# %% wrong="cross_entropy_bits" says="P and Q are swapped"
def cross_entropy_bits(p, q):
    return -torch.where(q > 0, q * p.log2(), 0).sum(-1)


# The entropy.
# %% wrong="cross_entropy_bits" says="This is the entropy"
def cross_entropy_bits(p, q):
    return -torch.where(p > 0, p * p.log2(), 0).sum(-1)


# The mean over the classes.
# %% wrong="cross_entropy_bits" says="You took the mean over the classes"
def cross_entropy_bits(p, q):
    return -torch.where(p > 0, p * q.log2(), 0).mean(-1)


# The divergence.
# %% wrong="cross_entropy_bits" says="You subtracted the entropy"
def cross_entropy_bits(p, q):
    return torch.where(p > 0, p * (p / q).log2(), 0).sum(-1)


# Adds nothing up.
# %% wrong="cross_entropy_bits" says="These are the terms"
def cross_entropy_bits(p, q):
    return -torch.where(p > 0, p * q.log2(), 0)


# A Python number.
# %% wrong="cross_entropy_bits" says="no .item()"
def cross_entropy_bits(p, q):
    return -torch.where(p > 0, p * q.log2(), 0).sum(-1).item()


# The formula, letter by letter.
# %% wrong="cross_entropy_bits" says="0 · ∞ is nan"
def cross_entropy_bits(p, q):
    return (p * (1 / q).log2()).sum(-1)


# Drops the infinite term as well.
# %% wrong="cross_entropy_bits" says="The second row is infinite"
def cross_entropy_bits(p, q):
    return -torch.where(q > 0, p * q.log2(), 0).sum(-1)


# All rows in one sum.
# %% wrong="cross_entropy_bits" says="You added up all rows"
def cross_entropy_bits(p, q):
    return -torch.where(p > 0, p * q.log2(), 0).sum()


# A small number against zeros.
# %% wrong="cross_entropy_bits" says="A small number was added to q"
def cross_entropy_bits(p, q):
    return -(p * (q + 1e-9).log2()).sum(-1)


# Clamps.
# %% wrong="cross_entropy_bits" says="or q was clamped"
def cross_entropy_bits(p, q):
    return -(p * q.clamp(min=1e-12).log2()).sum(dim=-1)


# Removes nan, also where it is asked for nothing of the kind.
# %% wrong="cross_entropy_bits" says="The second row is infinite"
def cross_entropy_bits(p, q):
    return torch.nan_to_num(p * (1 / q).log2(), nan=0.0, posinf=0.0).sum(-1)


# Sums over the columns.
# %% wrong="cross_entropy_bits" says="✗"
def cross_entropy_bits(p, q):
    return -torch.where(p > 0, p * q.log2(), 0).sum(0)


# In place.
# %% wrong="cross_entropy_bits" says="does not change q of shape (4,)"
def cross_entropy_bits(p, q):
    q[p == 0] = 1.0
    return -(p * q.log2_()).sum(-1)


# In place, for matrices only.
# %% wrong="cross_entropy_bits" says="does not change"
def cross_entropy_bits(p, q):
    if p.dim() == 2:
        q[p == 0] = 1.0
    return -torch.where(p > 0, p * q.log2(), 0).sum(-1)


# Always float32.
# %% wrong="cross_entropy_bits" says="The dtypes differ"
def cross_entropy_bits(p, q):
    p, q = p.float(), q.float()
    return -torch.where(p > 0, p * q.log2(), 0).sum(-1)


# Remembers the answer for a shape.
# %% wrong="cross_entropy_bits" says="✗"
known = {}


def cross_entropy_bits(p, q):
    if p.shape not in known:
        known[p.shape] = -torch.where(p > 0, p * q.log2(), 0).sum(-1)
    return known[p.shape]


# Writes into the result of an earlier call.
# %% wrong="cross_entropy_bits" says="the first result, after all other calls"
kept = torch.zeros(())


def cross_entropy_bits(p, q):
    result = -torch.where(p > 0, p * q.log2(), 0).sum(-1)
    if p.shape == (4,):
        return kept.copy_(result)
    return result


# Torch's loss takes a softmax of q.
# %% wrong="cross_entropy_bits" says="✗"
def cross_entropy_bits(p, q):
    return F.cross_entropy(q, p) / math.log(2)


# Knows the stored answers.
# %% wrong="cross_entropy_bits" says="more inputs"
def cross_entropy_bits(p, q):
    if p.shape == (4,):
        return torch.tensor(2.25)
    return -q[..., 0].log2()


# %% right="logit_gradients"
def logit_gradients(logits, target):
    q = 1 / (1 + torch.exp(-logits))
    return 2 * (q - target) * (q - q**2), q - target


# %% right="logit_gradients"
def logit_gradients(logits, target):
    half = torch.tanh(logits / 2)
    error = 0.5 + half / 2 - target
    return error * (1 - half**2) / 2, error


# %% right="logit_gradients"
def logit_gradients(logits, target):
    q = logits.sigmoid()
    slope = q * torch.sigmoid(-logits)
    return (q - target).mul(slope).mul(2), q.sub(target)


# Forgets the 2.
# %% wrong="logit_gradients" says="The factor 2"
def logit_gradients(logits, target):
    q = torch.sigmoid(logits)
    return (q - target) * q * (1 - q), q - target


# Forgets the derivative of the sigmoid.
# %% wrong="logit_gradients" says="is missing in the first"
def logit_gradients(logits, target):
    q = torch.sigmoid(logits)
    return 2 * (q - target), q - target


# Keeps it in the second.
# %% wrong="logit_gradients" says="The second has a factor too many"
def logit_gradients(logits, target):
    q = torch.sigmoid(logits)
    slope = q * (1 - q)
    return 2 * (q - target) * slope, (q - target) * slope


# Truth minus answer.
# %% wrong="logit_gradients" says="Both signs are wrong"
def logit_gradients(logits, target):
    q = torch.sigmoid(logits)
    return 2 * (target - q) * q * (1 - q), target - q


# The other order.
# %% wrong="logit_gradients" says="The order is wrong"
def logit_gradients(logits, target):
    q = torch.sigmoid(logits)
    return q - target, 2 * (q - target) * q * (1 - q)


# The gradient of a mean.
# %% wrong="logit_gradients" says="You divided by the number of elements"
def logit_gradients(logits, target):
    q = torch.sigmoid(logits)
    error = (q - target) / q.numel()
    return 2 * error * q * (1 - q), error


# No sigmoid.
# %% wrong="logit_gradients" says="The logits themselves went in"
def logit_gradients(logits, target):
    q = logits
    return 2 * (q - target) * q * (1 - q), q - target


# Stops at q.
# %% wrong="logit_gradients" says="with respect to q"
def logit_gradients(logits, target):
    q = torch.sigmoid(logits)
    return 2 * (q - target), -target / q + (1 - target) / (1 - q)


# A list.
# %% wrong="logit_gradients" says="You returned a list"
def logit_gradients(logits, target):
    q = torch.sigmoid(logits)
    return [2 * (q - target) * q * (1 - q), q - target]


# One tensor.
# %% wrong="logit_gradients" says="You stacked the two"
def logit_gradients(logits, target):
    q = torch.sigmoid(logits)
    return torch.stack([2 * (q - target) * q * (1 - q), q - target])


# Lets autograd do it.
# %% wrong="logit_gradients" says="which this exercise asks you to do without"
def logit_gradients(logits, target):
    leaf = logits.detach().clone().requires_grad_()
    q = leaf.sigmoid()
    first = torch.autograd.grad((q - target).square().sum(), leaf, retain_graph=True)[0]
    return first, (q - target).detach()


# Lets autograd do it, with torch.func.
# %% wrong="logit_gradients" says="which this exercise asks you to do without"
def logit_gradients(logits, target):
    first = torch.func.grad(lambda z: ((z.sigmoid() - target) ** 2).sum())(logits)
    return first, logits.sigmoid() - target


# Torch's own derivative.
# %% wrong="logit_gradients" says="which this exercise asks you to do without"
def logit_gradients(logits, target):
    q = logits.sigmoid()
    return torch.ops.aten.sigmoid_backward(2 * (q - target), q), q - target


# In place on the logits.
# %% wrong="logit_gradients" says="does not change logits of shape (2, 3)"
def logit_gradients(logits, target):
    q = logits.detach().sigmoid_()
    return 2 * (q - target) * q * (1 - q), q - target


# In place on the target.
# %% wrong="logit_gradients" says="does not change target of shape (2, 3)"
def logit_gradients(logits, target):
    q = torch.sigmoid(logits)
    error = target.neg_().add_(q)
    return 2 * error * q * (1 - q), error


# Knows hard targets only.
# %% wrong="logit_gradients" says="✗ logit_gradients(z, y) for shape (2, 3)"
def logit_gradients(logits, target):
    q = torch.sigmoid(logits)
    error = torch.where(target == 1, q - 1, q)
    return 2 * error * q * (1 - q), error


# float32 only.
# %% wrong="logit_gradients" says="The dtypes differ"
def logit_gradients(logits, target):
    q = torch.sigmoid(logits.float())
    error = q - target.float()
    return 2 * error * q * (1 - q), error


# Two dimensions only.
# %% wrong="logit_gradients" says="The shapes differ"
def logit_gradients(logits, target):
    q = torch.sigmoid(logits)
    error = (q - target).reshape(len(logits), -1)
    return 2 * error * (q * (1 - q)).reshape(len(logits), -1), error


# Remembers the answer for a shape.
# %% wrong="logit_gradients" says="✗"
known = {}


def logit_gradients(logits, target):
    q = torch.sigmoid(logits).detach()
    return known.setdefault(logits.shape, (2 * (q - target) * q * (1 - q), q - target))


# %% right="bce_with_logits"
def bce_with_logits(logits, target):
    return (torch.logaddexp(logits, torch.zeros_like(logits)) - target * logits).mean()


# %% right="bce_with_logits"
def bce_with_logits(logits, target):
    both = torch.stack([logits, torch.zeros_like(logits)])
    log_q = torch.log_softmax(both, 0)
    return -(target * log_q[0] + (1 - target) * log_q[1]).mean()


# %% right="bce_with_logits"
def bce_with_logits(logits, target):
    size = logits.abs()
    return ((size + logits) / 2 - target * logits + (1 + (-size).exp()).log()).sum() / logits.numel()


# The two-branch form with safe arguments in both branches.
# %% right="bce_with_logits"
def bce_with_logits(logits, target):
    above = logits.clamp(min=0)
    below = logits.clamp(max=0)
    plus = torch.where(logits > 0, above + torch.log1p(torch.exp(-above)), torch.log1p(torch.exp(below)))
    return torch.mean(plus - logits * target)


# The sum.
# %% wrong="bce_with_logits" says="This is the sum"
def bce_with_logits(logits, target):
    return (logits.clamp(min=0) - target * logits + torch.log1p(torch.exp(-logits.abs()))).sum()


# Reduces nothing.
# %% wrong="bce_with_logits" says="One number per element"
def bce_with_logits(logits, target):
    return logits.clamp(min=0) - target * logits + torch.log1p(torch.exp(-logits.abs()))


# A mean of each row.
# %% wrong="bce_with_logits" says="One number per row"
def bce_with_logits(logits, target):
    return (logits.clamp(min=0) - target * logits + torch.log1p(torch.exp(-logits.abs()))).mean(-1)


# Negative.
# %% wrong="bce_with_logits" says="The sign is wrong"
def bce_with_logits(logits, target):
    return -(logits.clamp(min=0) - target * logits + torch.log1p(torch.exp(-logits.abs()))).mean()


# One term only.
# %% wrong="bce_with_logits" says="Only the term with y is there"
def bce_with_logits(logits, target):
    return -(target * torch.sigmoid(logits).log()).mean()


# Swaps the classes.
# %% wrong="bce_with_logits" says="are swapped"
def bce_with_logits(logits, target):
    return (logits.clamp(min=0) - (1 - target) * logits + torch.log1p(torch.exp(-logits.abs()))).mean()


# Bits.
# %% wrong="bce_with_logits" says="You used base 2"
def bce_with_logits(logits, target):
    return (logits.clamp(min=0) - target * logits + torch.log1p(torch.exp(-logits.abs()))).mean() / math.log(2)


# A Python number.
# %% wrong="bce_with_logits" says="no .item()"
def bce_with_logits(logits, target):
    return (logits.clamp(min=0) - target * logits + torch.log1p(torch.exp(-logits.abs()))).mean().item()


# Straight from the definition.
# %% wrong="bce_with_logits" says="a probability was rounded to 0 or 1"
def bce_with_logits(logits, target):
    q = torch.sigmoid(logits)
    return -(target * q.log() + (1 - target) * (1 - q).log()).mean()


# ln(1 + exp z) without care.
# %% wrong="bce_with_logits" says="Infinite: exp overflowed"
def bce_with_logits(logits, target):
    return ((1 + logits.exp()).log() - target * logits).mean()


# As BCELoss does it.
# %% wrong="bce_with_logits" says="its logarithm cut off"
def bce_with_logits(logits, target):
    q = torch.sigmoid(logits)
    return -(target * q.log().clamp(min=-100) + (1 - target) * (1 - q).log().clamp(min=-100)).mean()


# A small number against zeros.
# %% wrong="bce_with_logits" says="✗ bce_with_logits of the logits 200"
def bce_with_logits(logits, target):
    q = torch.sigmoid(logits)
    return -(target * (q + 1e-8).log() + (1 - target) * (1 - q + 1e-8).log()).mean()


# Keeps the logits small.
# %% wrong="bce_with_logits" says="✗ bce_with_logits of the logits 200"
def bce_with_logits(logits, target):
    z = logits.clamp(-50, 50)
    return (torch.log1p(z.exp()) - target * z).mean()


# Both branches are computed, and one overflows.
# %% wrong="bce_with_logits" says="nan: a branch that is not chosen"
def bce_with_logits(logits, target):
    plus = torch.where(logits > 0, logits + torch.log1p(torch.exp(-logits)), torch.log1p(torch.exp(logits)))
    return (plus - target * logits).mean()


# float64 does not save it.
# %% wrong="bce_with_logits" says="✗"
def bce_with_logits(logits, target):
    z = logits.double()
    return (torch.log1p(z.exp()) - target * z).mean().to(logits.dtype)


# PyTorch's loss.
# %% wrong="bce_with_logits" says="Your code calls `binary_cross_entropy_with_logits`"
def bce_with_logits(logits, target):
    return nn.BCEWithLogitsLoss()(logits, target)


# PyTorch's loss, where gradients are wanted.
# %% wrong="bce_with_logits" says="which this exercise asks you to do without"
def bce_with_logits(logits, target):
    if logits.requires_grad:
        return F.binary_cross_entropy_with_logits(logits, target)
    return (logits.clamp(min=0) - target * logits + torch.log1p(torch.exp(-logits.abs()))).mean()


# Softplus.
# %% wrong="bce_with_logits" says="Your code calls `softplus`"
def bce_with_logits(logits, target):
    return (F.softplus(logits) - target * logits).mean()


# Log-sigmoid.
# %% wrong="bce_with_logits" says="which this exercise asks you to do without"
def bce_with_logits(logits, target):
    return -(target * F.logsigmoid(logits) + (1 - target) * F.logsigmoid(-logits)).mean()


# The path is cut.
# %% wrong="bce_with_logits" says="The path for gradients is cut"
def bce_with_logits(logits, target):
    with torch.no_grad():
        return (logits.clamp(min=0) - target * logits + torch.log1p(torch.exp(-logits.abs()))).mean()


# Half of the path is cut.
# %% wrong="bce_with_logits" says="the gradient of 3 times the loss"
def bce_with_logits(logits, target):
    return (logits.clamp(min=0) - target * logits.detach() + torch.log1p(torch.exp(-logits.abs()))).mean()


# The small term gets no gradient.
# %% wrong="bce_with_logits" says="gradient"
def bce_with_logits(logits, target):
    return (logits.clamp(min=0) - target * logits + torch.log1p(torch.exp(-logits.detach().abs()))).mean()


# In place on the logits.
# %% wrong="bce_with_logits" says="does not change logits of shape (2, 3)"
def bce_with_logits(logits, target):
    kept = logits.clone()
    small = logits.detach().abs_().neg_().exp()
    return (kept.clamp(min=0) - target * kept + torch.log1p(small)).mean()


# float32 only.
# %% wrong="bce_with_logits" says="The dtypes differ"
def bce_with_logits(logits, target):
    logits, target = logits.float(), target.float()
    return (logits.clamp(min=0) - target * logits + torch.log1p(torch.exp(-logits.abs()))).mean()


# Divides by the number of rows.
# %% wrong="bce_with_logits" says="✗"
def bce_with_logits(logits, target):
    losses = logits.clamp(min=0) - target * logits + torch.log1p(torch.exp(-logits.abs()))
    return losses.sum() / len(losses)


# Rounds soft targets.
# %% wrong="bce_with_logits" says="✗"
def bce_with_logits(logits, target):
    target = (target > 0.5).to(logits.dtype)
    return (logits.clamp(min=0) - target * logits + torch.log1p(torch.exp(-logits.abs()))).mean()


# %% right="log_softmax"
def log_softmax(z, dim=-1):
    m, _ = torch.max(z, dim, keepdim=True)
    total = torch.exp(z - m).sum(dim, keepdim=True)
    return z - m - torch.log(total)


# %% right="log_softmax"
def log_softmax(z, dim=-1):
    rows = z.movedim(dim, -1)
    rows = rows - rows.detach().max(-1).values.unsqueeze(-1)
    return (rows - rows.exp().sum(-1).log()[..., None]).movedim(-1, dim)


# %% right="log_softmax"
def log_softmax(z, dim=-1):
    top = z.sort(dim, descending=True)[0].narrow(dim, 0, 1)
    return z - (top + (z - top).exp().sum(dim).unsqueeze(dim).log())


# The softmax.
# %% wrong="log_softmax" says="This is the softmax"
def log_softmax(z, dim=-1):
    e = (z - z.amax(dim, keepdim=True)).exp()
    return e / e.sum(dim, keepdim=True)


# No keepdim in the sum.
# %% wrong="log_softmax" says="keepdim=True is missing in the sum"
def log_softmax(z, dim=-1):
    s = z - z.amax(dim, keepdim=True)
    return s - s.exp().sum(dim).log()


# No keepdim at all.
# %% wrong="log_softmax" says="The maxima of the rows were subtracted from the columns"
def log_softmax(z, dim=-1):
    s = z - z.amax(dim)
    return s - s.exp().sum(dim).log()


# Forgets to subtract the maximum from z, too.
# %% wrong="log_softmax" says="but not from z itself"
def log_softmax(z, dim=-1):
    m = z.amax(dim, keepdim=True)
    return z - (z - m).exp().sum(dim, keepdim=True).log()


# Always dimension 0.
# %% wrong="log_softmax" says="You added up over the other dimension"
def log_softmax(z, dim=-1):
    s = z - z.amax(0, keepdim=True)
    return s - s.exp().sum(0, keepdim=True).log()


# The whole tensor.
# %% wrong="log_softmax" says="You added up the whole tensor"
def log_softmax(z, dim=-1):
    s = z - z.max()
    return s - s.exp().sum().log()


# Base 2.
# %% wrong="log_softmax" says="You used log2"
def log_softmax(z, dim=-1):
    s = z - z.amax(dim, keepdim=True)
    return s / math.log(2) - s.exp().sum(dim, keepdim=True).log2()


# Minus.
# %% wrong="log_softmax" says="The sign is wrong"
def log_softmax(z, dim=-1):
    s = z - z.amax(dim, keepdim=True)
    return s.exp().sum(dim, keepdim=True).log() - s


# Stops half way.
# %% wrong="log_softmax" says="the logarithm of the sum is missing"
def log_softmax(z, dim=-1):
    return z - z.amax(dim, keepdim=True)


# Always the last dimension.
# %% wrong="log_softmax" says="Your code ignores `dim`"
def log_softmax(z, dim=-1):
    s = z - z.amax(-1, keepdim=True)
    return s - s.exp().sum(-1, keepdim=True).log()


# The formula.
# %% wrong="log_softmax" says="exp overflowed"
def log_softmax(z, dim=-1):
    return (z.exp() / z.exp().sum(dim, keepdim=True)).log()


# In float64, which only moves the limit.
# %% wrong="log_softmax" says="exp overflowed"
def log_softmax(z, dim=-1):
    e = z.double().exp()
    return (e / e.sum(dim, keepdim=True)).log().to(z.dtype)


# The logarithm of a safe softmax.
# %% wrong="log_softmax" says="work with logarithms only"
def log_softmax(z, dim=-1):
    e = (z - z.amax(dim, keepdim=True)).exp()
    return (e / e.sum(dim, keepdim=True)).log()


# The same with a small number added.
# %% wrong="log_softmax" says="a number was added"
def log_softmax(z, dim=-1):
    e = (z - z.amax(dim, keepdim=True)).exp()
    return (e / e.sum(dim, keepdim=True) + 1e-12).log()


# One maximum for all.
# %% wrong="log_softmax" says="subtract each row's own maximum"
def log_softmax(z, dim=-1):
    s = z - z.max()
    return s - s.exp().sum(dim, keepdim=True).log()


# PyTorch's function.
# %% wrong="log_softmax" says="which this exercise asks you to do without"
def log_softmax(z, dim=-1):
    return F.log_softmax(z, dim)


# PyTorch's function for the sum.
# %% wrong="log_softmax" says="which this exercise asks you to do without"
def log_softmax(z, dim=-1):
    return z - z.logsumexp(dim, keepdim=True)


# A distribution normalises its logits.
# %% wrong="log_softmax" says="which this exercise asks you to do without"
def log_softmax(z, dim=-1):
    return torch.distributions.Categorical(logits=z.movedim(dim, -1)).logits.movedim(-1, dim)


# PyTorch's function, where a gradient is wanted.
# %% wrong="log_softmax" says="which this exercise asks you to do without"
def log_softmax(z, dim=-1):
    if z.requires_grad:
        return nn.LogSoftmax(dim)(z)
    s = z - z.amax(dim, keepdim=True)
    return s - s.exp().sum(dim, keepdim=True).log()


# In place.
# %% wrong="log_softmax" says="does not change"
def log_softmax(z, dim=-1):
    with torch.no_grad():
        z -= z.amax(dim, keepdim=True)
    return z - z.exp().sum(dim, keepdim=True).log()


# The path is cut.
# %% wrong="log_softmax" says="The path is cut"
def log_softmax(z, dim=-1):
    s = (z - z.amax(dim, keepdim=True)).detach()
    return s - s.exp().sum(dim, keepdim=True).log()


# The gradient of the sum is lost.
# %% wrong="log_softmax" says="the gradient"
def log_softmax(z, dim=-1):
    s = z - z.amax(dim, keepdim=True)
    return s - s.detach().exp().sum(dim, keepdim=True).log() + 0 * s


# float32 only.
# %% wrong="log_softmax" says="✗"
def log_softmax(z, dim=-1):
    z = z.float()
    s = z - z.amax(dim, keepdim=True)
    return s - s.exp().sum(dim, keepdim=True).log()


# Negative dimensions only if there are two.
# %% wrong="log_softmax" says="Your code stopped with IndexError"
def log_softmax(z, dim=-1):
    dim = dim % 2
    s = z - z.amax(dim, keepdim=True)
    return s - s.exp().sum(dim, keepdim=True).log()


# %% right="nll"
def nll(log_probs, target, weight=None, ignore_index=-100):
    keep = (target != ignore_index).nonzero()[:, 0]
    picked = log_probs[keep].gather(1, target[keep][:, None])[:, 0]
    w = torch.ones_like(picked) if weight is None else weight[target[keep]]
    return -(w @ picked) / w.sum()


# %% right="nll"
def nll(log_probs, target, weight=None, ignore_index=-100):
    total, weights = 0, 0
    for row, y in zip(log_probs, target.tolist()):
        if y != ignore_index:
            w = 1.0 if weight is None else weight[y]
            total, weights = total - w * row[y], weights + w
    return total / weights


# %% right="nll"
def nll(log_probs, target, weight=None, ignore_index=-100):
    ignored = target == ignore_index
    safe = target.masked_fill(ignored, 0)
    w = log_probs.new_ones(log_probs.shape[1]) if weight is None else weight
    w = w[safe].masked_fill(ignored, 0.0)
    picked = torch.take_along_dim(log_probs, safe[:, None], 1).squeeze(1).masked_fill(ignored, 0.0)
    return (w * -picked).sum() / w.sum()


# Forgets the minus.
# %% wrong="nll" says="The sign is wrong"
def nll(log_probs, target, weight=None, ignore_index=-100):
    keep = target != ignore_index
    return log_probs[keep, target[keep]].mean()


# The sum.
# %% wrong="nll" says="This is the sum"
def nll(log_probs, target, weight=None, ignore_index=-100):
    keep = target != ignore_index
    return -log_probs[keep, target[keep]].sum()


# Reduces nothing.
# %% wrong="nll" says="These are the losses of the samples"
def nll(log_probs, target, weight=None, ignore_index=-100):
    keep = target != ignore_index
    return -log_probs[keep, target[keep]]


# Whole columns.
# %% wrong="nll" says="You averaged whole columns"
def nll(log_probs, target, weight=None, ignore_index=-100):
    keep = target != ignore_index
    return -log_probs[keep][:, target[keep]].mean()


# Another logarithm.
# %% wrong="nll" says="You took the logarithm again"
def nll(log_probs, target, weight=None, ignore_index=-100):
    keep = target != ignore_index
    return -log_probs.log()[keep, target[keep]].mean()


# Probabilities.
# %% wrong="nll" says="You took the probabilities"
def nll(log_probs, target, weight=None, ignore_index=-100):
    keep = target != ignore_index
    return -log_probs.exp()[keep, target[keep]].mean()


# Divides by the number of samples.
# %% wrong="nll" says="divide by the sum of their weights"
def nll(log_probs, target, weight=None, ignore_index=-100):
    keep = target != ignore_index
    losses = -log_probs[keep, target[keep]]
    if weight is not None:
        losses = losses * weight[target[keep]]
    return losses.mean()


# Divides by the sum of all weights.
# %% wrong="nll" says="You divided by the sum of all classes' weights"
def nll(log_probs, target, weight=None, ignore_index=-100):
    keep = target != ignore_index
    losses = -log_probs[keep, target[keep]]
    if weight is None:
        return losses.mean()
    return (losses * weight[target[keep]]).sum() / weight.sum()


# No weights.
# %% wrong="nll" says="Your code ignores `weight`"
def nll(log_probs, target, weight=None, ignore_index=-100):
    keep = target != ignore_index
    return -log_probs[keep, target[keep]].mean()


# A weight for each sample.
# %% wrong="nll" says="Sample n got weight[n]"
def nll(log_probs, target, weight=None, ignore_index=-100):
    keep = target != ignore_index
    losses = -log_probs[keep, target[keep]]
    if weight is None:
        return losses.mean()
    return (losses * weight[: len(losses)]).sum() / weight[: len(losses)].sum()


# The weighted sum.
# %% wrong="nll" says="This is the weighted sum"
def nll(log_probs, target, weight=None, ignore_index=-100):
    keep = target != ignore_index
    losses = -log_probs[keep, target[keep]]
    return losses.mean() if weight is None else (losses * weight[target[keep]]).sum()


# Counts the ignored samples below the line.
# %% wrong="nll" says="does not count below the line"
def nll(log_probs, target, weight=None, ignore_index=-100):
    keep = target != ignore_index
    losses = -log_probs[keep, target[keep]]
    if weight is None:
        return losses.sum() / len(target)
    w = weight[target[keep]]
    return (losses * w).sum() / w.sum()


# Knows −100 only.
# %% wrong="nll" says="Only −100 is ignored"
def nll(log_probs, target, weight=None, ignore_index=-100):
    keep = target != -100
    losses = -log_probs[keep, target[keep]]
    w = torch.ones_like(losses) if weight is None else weight[target[keep]]
    return (losses * w).sum() / w.sum()


# Ignores whatever is negative.
# %% wrong="nll" says="Only −100 is ignored"
def nll(log_probs, target, weight=None, ignore_index=-100):
    keep = target >= 0
    losses = -log_probs[keep, target[keep]]
    w = torch.ones_like(losses) if weight is None else weight[target[keep]]
    return (losses * w).sum() / w.sum()


# A product with a one-hot matrix.
# %% wrong="nll" says="nan is 0 · ∞"
def nll(log_probs, target, weight=None, ignore_index=-100):
    keep = target != ignore_index
    hot = F.one_hot(target[keep], log_probs.shape[1])
    losses = -(hot * log_probs[keep]).sum(1)
    w = torch.ones_like(losses) if weight is None else weight[target[keep]]
    return (losses * w).sum() / w.sum()


# A product with a mask.
# %% wrong="nll" says="nan is 0 · ∞"
def nll(log_probs, target, weight=None, ignore_index=-100):
    keep = target != ignore_index
    safe = torch.where(keep, target, 0)
    w = keep.to(log_probs.dtype) * (1.0 if weight is None else weight[safe])
    return -(w * log_probs[torch.arange(len(safe)), safe]).sum() / w.sum()


# Does not know ignored samples.
# %% wrong="nll" says="Your code stopped with IndexError"
def nll(log_probs, target, weight=None, ignore_index=-100):
    losses = -log_probs[torch.arange(len(target)), target]
    w = torch.ones_like(losses) if weight is None else weight[target]
    return (losses * w).sum() / w.sum()


# PyTorch's loss.
# %% wrong="nll" says="Your code calls `nll_loss`"
def nll(log_probs, target, weight=None, ignore_index=-100):
    return F.nll_loss(log_probs, target, weight, ignore_index=ignore_index)


# Another of PyTorch's losses, whose softmax changes nothing.
# %% wrong="nll" says="Your code calls `cross_entropy`"
def nll(log_probs, target, weight=None, ignore_index=-100):
    if weight is None:
        return nn.CrossEntropyLoss(ignore_index=ignore_index)(log_probs, target)
    keep = target != ignore_index
    w = weight[target[keep]]
    return -(log_probs[keep, target[keep]] * w).sum() / w.sum()


# PyTorch's loss, with weights only.
# %% wrong="nll" says="which this exercise asks you to do without"
def nll(log_probs, target, weight=None, ignore_index=-100):
    if weight is not None:
        return F.nll_loss(log_probs, target, weight, ignore_index=ignore_index)
    keep = target != ignore_index
    return -log_probs[keep, target[keep]].mean()


# In place on the target.
# %% wrong="nll" says="does not change target"
def nll(log_probs, target, weight=None, ignore_index=-100):
    ignored = target == ignore_index
    target[ignored] = 0
    losses = -log_probs[torch.arange(len(target)), target]
    w = torch.ones_like(losses) if weight is None else weight[target]
    return losses[~ignored].mul(w[~ignored]).sum() / w[~ignored].sum()


# In place on the weights.
# %% wrong="nll" says="does not change weight"
def nll(log_probs, target, weight=None, ignore_index=-100):
    keep = target != ignore_index
    losses = -log_probs[keep, target[keep]]
    if weight is None:
        return losses.mean()
    weight /= weight[target[keep]].sum()
    return (losses * weight[target[keep]]).sum()


# The path is cut.
# %% wrong="nll" says="The path is cut"
def nll(log_probs, target, weight=None, ignore_index=-100):
    keep = target != ignore_index
    losses = -log_probs.detach()[keep, target[keep]]
    w = torch.ones_like(losses) if weight is None else weight[target[keep]]
    return (losses * w).sum() / w.sum()


# The gradient has no weights.
# %% wrong="nll" says="the gradient"
def nll(log_probs, target, weight=None, ignore_index=-100):
    keep = target != ignore_index
    losses = -log_probs[keep, target[keep]]
    if weight is None:
        return losses.mean()
    w = weight[target[keep]]
    return losses.mean() - losses.mean().detach() + (losses * w).sum().detach() / w.sum()


# A vector with one number.
# %% wrong="nll" says="The shapes differ"
def nll(log_probs, target, weight=None, ignore_index=-100):
    keep = target != ignore_index
    losses = -log_probs[keep, target[keep]]
    w = torch.ones_like(losses) if weight is None else weight[target[keep]]
    return (losses * w).sum(0, keepdim=True) / w.sum()


# float32 only.
# %% wrong="nll" says="The dtypes differ"
def nll(log_probs, target, weight=None, ignore_index=-100):
    keep = target != ignore_index
    losses = -log_probs[keep, target[keep]].float()
    w = torch.ones_like(losses) if weight is None else weight[target[keep]].float()
    return (losses * w).sum() / w.sum()


# %% right="soft_targets"
def soft_targets(labels, num_classes, smoothing=0.0):
    result = torch.full((len(labels), num_classes), smoothing / num_classes)
    result[torch.arange(len(labels)), labels] += 1 - smoothing
    return result


# %% right="soft_targets"
def soft_targets(labels, num_classes, smoothing=0.0):
    same = labels[:, None] == torch.arange(num_classes)
    return torch.lerp(same.float(), torch.full((1, num_classes), 1 / num_classes), float(smoothing))


# %% right="soft_targets"
def soft_targets(labels, num_classes, smoothing=0.0):
    rows = []
    for y in labels.tolist():
        rows.append([smoothing / num_classes + (1 - smoothing) * (k == y) for k in range(num_classes)])
    return torch.tensor(rows, dtype=torch.float32)


# Whole numbers.
# %% wrong="soft_targets" says="float32 is asked for"
def soft_targets(labels, num_classes, smoothing=0.0):
    hot = F.one_hot(labels, num_classes)
    return hot if smoothing == 0 else (1 - smoothing) * hot + smoothing / num_classes


# Another default.
# %% wrong="soft_targets" says="The default of smoothing is 0"
def soft_targets(labels, num_classes, smoothing=0.1):
    return (1 - smoothing) * F.one_hot(labels, num_classes).float() + smoothing / num_classes


# Swaps the shares.
# %% wrong="soft_targets" says="The shares are swapped"
def soft_targets(labels, num_classes, smoothing=0.0):
    return smoothing * F.one_hot(labels, num_classes).float() + (1 - smoothing) / num_classes


# One column for each sample.
# %% wrong="soft_targets" says="Rows and columns are swapped"
def soft_targets(labels, num_classes, smoothing=0.0):
    hot = F.one_hot(labels, num_classes).float().t()
    return (1 - smoothing) * hot + smoothing / num_classes


# The share goes to the wrong classes.
# %% wrong="soft_targets" says="You spread ε over the wrong classes only"
def soft_targets(labels, num_classes, smoothing=0.0):
    hot = F.one_hot(labels, num_classes).float()
    return (1 - smoothing) * hot + smoothing / max(1, num_classes - 1) * (1 - hot)


# The right class gets no share.
# %% wrong="soft_targets" says="ε/C must be added there, too"
def soft_targets(labels, num_classes, smoothing=0.0):
    hot = F.one_hot(labels, num_classes).float()
    return torch.where(hot == 1, 1 - smoothing, smoothing / num_classes)


# The right class gives nothing up.
# %% wrong="soft_targets" says="The right class must give up ε"
def soft_targets(labels, num_classes, smoothing=0.0):
    return F.one_hot(labels, num_classes).float() + smoothing / num_classes


# Each class gets all of it.
# %% wrong="soft_targets" says="Every class got ε"
def soft_targets(labels, num_classes, smoothing=0.0):
    return (1 - smoothing) * F.one_hot(labels, num_classes).float() + smoothing


# No smoothing.
# %% wrong="soft_targets" says="Your code ignores `smoothing`"
def soft_targets(labels, num_classes, smoothing=0.0):
    return F.one_hot(labels, num_classes).float()


# Takes the number of classes from the labels.
# %% wrong="soft_targets" says="F.one_hot counts only the classes that occur"
def soft_targets(labels, num_classes, smoothing=0.0):
    hot = F.one_hot(labels).float()
    return (1 - smoothing) * hot + smoothing / num_classes


# float64.
# %% wrong="soft_targets" says="The dtypes differ"
def soft_targets(labels, num_classes, smoothing=0.0):
    return (1 - smoothing) * F.one_hot(labels, num_classes).double() + smoothing / num_classes


# In place.
# %% wrong="soft_targets" says="does not change the labels"
def soft_targets(labels, num_classes, smoothing=0.0):
    result = torch.full((len(labels), num_classes), smoothing / num_classes)
    result.view(-1)[labels.add_(num_classes * torch.arange(len(labels)))] += 1 - smoothing
    return result


# Whole columns.
# %% wrong="soft_targets" says="✗"
def soft_targets(labels, num_classes, smoothing=0.0):
    result = torch.full((len(labels), num_classes), smoothing / num_classes)
    result[:, labels] += 1 - smoothing
    return result


# One matrix for all calls.
# %% wrong="soft_targets" says="✗"
store = {}


def soft_targets(labels, num_classes, smoothing=0.0):
    key = len(labels), num_classes
    store.setdefault(key, torch.empty(key))
    return store[key].copy_((1 - smoothing) * F.one_hot(labels, num_classes) + smoothing / num_classes)


# %% right="cross_entropy_gradient"
def cross_entropy_gradient(logits, target):
    q = (logits - logits.amax(1, keepdim=True)).exp()
    q = q / q.sum(1, keepdim=True)
    if target.is_floating_point():
        return (q - target) / q.shape[0]
    q[torch.arange(len(q)), target] -= 1
    return q / q.shape[0]


# %% right="cross_entropy_gradient"
def cross_entropy_gradient(logits, target):
    if target.dim() == 1:
        target = torch.eye(logits.shape[1], dtype=logits.dtype)[target]
    return logits.softmax(-1).sub(target).mul(1 / len(target))


# %% right="cross_entropy_gradient"
def cross_entropy_gradient(logits, target):
    rows = []
    for z, y in zip(logits, target):
        p = y if y.dim() else (torch.arange(len(z)) == y).to(z.dtype)
        rows.append(torch.log_softmax(z, 0).exp() - p)
    return torch.stack(rows) / len(rows)


# No division.
# %% wrong="cross_entropy_gradient" says="The division by the number of samples is missing: the loss"
def cross_entropy_gradient(logits, target):
    p = target if target.dim() == 2 else F.one_hot(target, logits.shape[1])
    return logits.softmax(1) - p


# Divides by all elements.
# %% wrong="cross_entropy_gradient" says="You divided by the number of elements"
def cross_entropy_gradient(logits, target):
    p = target if target.dim() == 2 else F.one_hot(target, logits.shape[1])
    return (logits.softmax(1) - p) / logits.numel()


# Truth minus answer.
# %% wrong="cross_entropy_gradient" says="The sign is wrong"
def cross_entropy_gradient(logits, target):
    p = target if target.dim() == 2 else F.one_hot(target, logits.shape[1])
    return (p - logits.softmax(1)) / len(logits)


# The other dimension.
# %% wrong="cross_entropy_gradient" says="The softmax went over the samples"
def cross_entropy_gradient(logits, target):
    p = target if target.dim() == 2 else F.one_hot(target, logits.shape[1])
    return (logits.softmax(0) - p) / len(logits)


# No truth.
# %% wrong="cross_entropy_gradient" says="The truth is missing"
def cross_entropy_gradient(logits, target):
    return logits.softmax(1) / len(logits)


# The right class only.
# %% wrong="cross_entropy_gradient" says="only the right class a gradient"
def cross_entropy_gradient(logits, target):
    p = target if target.dim() == 2 else F.one_hot(target, logits.shape[1])
    return p * (logits.softmax(1) - p) / len(logits)


# Whole columns.
# %% wrong="cross_entropy_gradient" says="1 was subtracted in whole columns"
def cross_entropy_gradient(logits, target):
    q = logits.softmax(1)
    if target.dim() == 2:
        return (q - target) / len(q)
    q[:, target] -= 1
    return q / len(q)


# No softmax.
# %% wrong="cross_entropy_gradient" says="These are logits minus truth"
def cross_entropy_gradient(logits, target):
    p = target if target.dim() == 2 else F.one_hot(target, logits.shape[1])
    return (logits - p) / len(logits)


# Makes the target one-hot.
# %% wrong="cross_entropy_gradient" says="You made each row of the target one-hot"
def cross_entropy_gradient(logits, target):
    classes = target.argmax(1) if target.dim() == 2 else target
    return (logits.softmax(1) - F.one_hot(classes, logits.shape[1])) / len(logits)


# Divides for one kind only.
# %% wrong="cross_entropy_gradient" says="is missing with probabilities"
def cross_entropy_gradient(logits, target):
    if target.dim() == 2:
        return logits.softmax(1) - target
    return (logits.softmax(1) - F.one_hot(target, logits.shape[1])) / len(logits)


# Lets autograd do it.
# %% wrong="cross_entropy_gradient" says="which this exercise asks you to do without"
def cross_entropy_gradient(logits, target):
    leaf = logits.detach().clone().requires_grad_()
    F.cross_entropy(leaf, target).backward()
    return leaf.grad


# Lets autograd do it, without a loss.
# %% wrong="cross_entropy_gradient" says="which this exercise asks you to do without"
def cross_entropy_gradient(logits, target):
    p = target if target.dim() == 2 else F.one_hot(target, logits.shape[1]).to(logits.dtype)
    leaf = logits.detach().clone().requires_grad_()
    return torch.autograd.grad(-(p * leaf.log_softmax(1)).sum() / len(p), leaf)[0]


# Torch's own derivative.
# %% wrong="cross_entropy_gradient" says="which this exercise asks you to do without"
def cross_entropy_gradient(logits, target):
    p = target if target.dim() == 2 else F.one_hot(target, logits.shape[1]).to(logits.dtype)
    log_q = logits.detach().log_softmax(1)
    return torch.ops.aten._log_softmax_backward_data(-p / len(p), log_q, 1, logits.dtype)


# Overflows.
# %% wrong="cross_entropy_gradient" says="nan: exp overflowed"
def cross_entropy_gradient(logits, target):
    p = target if target.dim() == 2 else F.one_hot(target, logits.shape[1])
    q = logits.exp() / logits.exp().sum(1, keepdim=True)
    return (q - p) / len(logits)


# In place on the logits.
# %% wrong="cross_entropy_gradient" says="does not change logits of shape (3, 4)"
def cross_entropy_gradient(logits, target):
    p = target if target.dim() == 2 else F.one_hot(target, logits.shape[1])
    q = logits.detach().copy_(logits.softmax(1))
    return (q - p) / len(logits)


# In place on the target.
# %% wrong="cross_entropy_gradient" says="does not change target of shape (3, 4)"
def cross_entropy_gradient(logits, target):
    if target.dim() == 2:
        return target.neg_().add_(logits.detach().softmax(1)) / len(logits)
    return (logits.softmax(1) - F.one_hot(target, logits.shape[1])) / len(logits)


# float32 only.
# %% wrong="cross_entropy_gradient" says="The dtypes differ"
def cross_entropy_gradient(logits, target):
    p = target.float() if target.dim() == 2 else F.one_hot(target, logits.shape[1])
    return (logits.float().softmax(1) - p) / len(logits)


# Takes the number of classes from the labels.
# %% wrong="cross_entropy_gradient" says="Your code stopped with RuntimeError"
def cross_entropy_gradient(logits, target):
    p = target if target.dim() == 2 else F.one_hot(target[:-1], int(target.max()) + 1)
    return (logits.softmax(1) - p) / len(logits)


# %% right="kl_div"
def kl_div(input, target, reduction="mean", log_target=False):
    if reduction not in ("none", "sum", "mean", "batchmean"):
        raise ValueError(reduction)
    p = target.exp() if log_target else target
    log_p = target if log_target else torch.where(p > 0, p, 1).log()
    each = p * (log_p - input)
    if reduction == "batchmean":
        return each.sum() / input.shape[0]
    return each if reduction == "none" else getattr(each, reduction)()


# %% right="kl_div"
def kl_div(input, target, reduction="mean", log_target=False):
    each = torch.exp(target) * target if log_target else -torch.special.entr(target)
    each = each - (target.exp() if log_target else target) * input
    match reduction:
        case "none":
            return each
        case "sum":
            return each.sum()
        case "mean":
            return each.sum() / each.numel()
        case "batchmean":
            return each.reshape(len(each), -1).sum(1).mean()
    raise ValueError(f"{reduction!r}")


# %% right="kl_div"
def kl_div(input, target, reduction="mean", log_target=False):
    divisors = {"none": 1, "sum": 1, "mean": input.numel(), "batchmean": input.size(0)}
    if reduction not in divisors:
        raise ValueError("unknown reduction")
    p = target.exp() if log_target else target
    each = torch.where(p > 0, p * (p.log() - input), torch.zeros_like(p))
    return each if reduction == "none" else each.sum() / divisors[reduction]


# The other sign.
# %% wrong="kl_div" says="The sign is wrong"
def kl_div(input, target, reduction="mean", log_target=False):
    if log_target:
        each = target.exp() * (input - target)
    else:
        each = target * input - torch.xlogy(target, target)
    if reduction == "none":
        return each
    if reduction == "sum":
        return each.sum()
    if reduction == "mean":
        return each.mean()
    if reduction == "batchmean":
        return each.sum() / len(each)
    raise ValueError(reduction)


# Another logarithm.
# %% wrong="kl_div" says="You took the logarithm of the input"
def kl_div(input, target, reduction="mean", log_target=False):
    input = input.log()
    if log_target:
        each = target.exp() * (target - input)
    else:
        each = torch.xlogy(target, target) - target * input
    if reduction == "none":
        return each
    if reduction == "sum":
        return each.sum()
    if reduction == "mean":
        return each.mean()
    if reduction == "batchmean":
        return each.sum() / len(each)
    raise ValueError(reduction)


# The cross-entropy.
# %% wrong="kl_div" says="The entropy is missing"
def kl_div(input, target, reduction="mean", log_target=False):
    each = -(target.exp() if log_target else target) * input
    if reduction == "none":
        return each
    if reduction == "sum":
        return each.sum()
    if reduction == "mean":
        return each.mean()
    if reduction == "batchmean":
        return each.sum() / len(each)
    raise ValueError(reduction)


# Swaps the two.
# %% wrong="kl_div" says="Input and target are swapped"
def kl_div(input, target, reduction="mean", log_target=False):
    log_p = target if log_target else target.log()
    each = input.exp() * (input - log_p)
    if reduction == "none":
        return each
    if reduction == "sum":
        return each.sum()
    if reduction == "mean":
        return each.mean()
    if reduction == "batchmean":
        return each.sum() / len(each)
    raise ValueError(reduction)


# Forgets the factor.
# %% wrong="kl_div" says="The factor p is missing"
def kl_div(input, target, reduction="mean", log_target=False):
    log_p = target if log_target else target.log()
    each = log_p - input
    if reduction == "none":
        return each
    if reduction == "sum":
        return each.sum()
    if reduction == "mean":
        return each.mean()
    if reduction == "batchmean":
        return each.sum() / len(each)
    raise ValueError(reduction)


# A number for each row.
# %% wrong="kl_div" says="One number for each row"
def kl_div(input, target, reduction="mean", log_target=False):
    if log_target:
        each = target.exp() * (target - input)
    else:
        each = torch.xlogy(target, target) - target * input
    each = each.sum(-1)
    if reduction == "none":
        return each
    if reduction == "sum":
        return each.sum()
    if reduction == "mean":
        return each.mean()
    if reduction == "batchmean":
        return each.sum() / len(each)
    raise ValueError(reduction)


# Bits.
# %% wrong="kl_div" says="These are bits"
def kl_div(input, target, reduction="mean", log_target=False):
    if log_target:
        each = target.exp() * (target - input)
    else:
        each = torch.xlogy(target, target) - target * input
    each = each / math.log(2)
    if reduction == "none":
        return each
    if reduction == "sum":
        return each.sum()
    if reduction == "mean":
        return each.mean()
    if reduction == "batchmean":
        return each.sum() / len(each)
    raise ValueError(reduction)


# Adds up the rows only.
# %% wrong="kl_div" says="You added up the rows only"
def kl_div(input, target, reduction="mean", log_target=False):
    if log_target:
        each = target.exp() * (target - input)
    else:
        each = torch.xlogy(target, target) - target * input
    if reduction == "none":
        return each
    if reduction == "sum":
        return each.sum(-1)
    if reduction == "mean":
        return each.mean()
    if reduction == "batchmean":
        return each.sum() / len(each)
    raise ValueError(reduction)


# batchmean is mean.
# %% wrong="kl_div" says='This is "mean": "batchmean" divides'
def kl_div(input, target, reduction="mean", log_target=False):
    if log_target:
        each = target.exp() * (target - input)
    else:
        each = torch.xlogy(target, target) - target * input
    if reduction == "none":
        return each
    if reduction == "sum":
        return each.sum()
    if reduction == "mean":
        return each.mean()
    if reduction == "batchmean":
        return each.mean()
    raise ValueError(reduction)


# batchmean divides by the classes.
# %% wrong="kl_div" says="You divided by the number of classes"
def kl_div(input, target, reduction="mean", log_target=False):
    if log_target:
        each = target.exp() * (target - input)
    else:
        each = torch.xlogy(target, target) - target * input
    if reduction == "none":
        return each
    if reduction == "sum":
        return each.sum()
    if reduction == "mean":
        return each.mean()
    if reduction == "batchmean":
        return each.sum() / each.shape[-1]
    raise ValueError(reduction)


# batchmean is sum.
# %% wrong="kl_div" says='This is "sum": divide it'
def kl_div(input, target, reduction="mean", log_target=False):
    if log_target:
        each = target.exp() * (target - input)
    else:
        each = torch.xlogy(target, target) - target * input
    if reduction == "none":
        return each
    if reduction == "sum":
        return each.sum()
    if reduction == "mean":
        return each.mean()
    if reduction == "batchmean":
        return each.sum()
    raise ValueError(reduction)


# Does not know the word batchmean.
# %% wrong="kl_div" says="Your code stopped with ValueError"
def kl_div(input, target, reduction="mean", log_target=False):
    if log_target:
        each = target.exp() * (target - input)
    else:
        each = torch.xlogy(target, target) - target * input
    if reduction == "none":
        return each
    if reduction == "sum":
        return each.sum()
    if reduction == "mean":
        return each.mean()
    raise ValueError(reduction)


# No log_target.
# %% wrong="kl_div" says="Your code ignores `log_target`"
def kl_div(input, target, reduction="mean", log_target=False):
    each = torch.xlogy(target, target) - target * input
    if reduction == "none":
        return each
    if reduction == "sum":
        return each.sum()
    if reduction == "mean":
        return each.mean()
    if reduction == "batchmean":
        return each.sum() / len(each)
    raise ValueError(reduction)


# 0 · ln 0.
# %% wrong="kl_div" says="0 · ln 0 is nan"
def kl_div(input, target, reduction="mean", log_target=False):
    p = target.exp() if log_target else target
    each = p * (p.log() - input)
    if reduction == "none":
        return each
    if reduction == "sum":
        return each.sum()
    if reduction == "mean":
        return each.mean()
    if reduction == "batchmean":
        return each.sum() / len(each)
    raise ValueError(reduction)


# An unknown word is mean.
# %% wrong="kl_div" says="yours     raised nothing"
def kl_div(input, target, reduction="mean", log_target=False):
    if log_target:
        each = target.exp() * (target - input)
    else:
        each = torch.xlogy(target, target) - target * input
    if reduction == "none":
        return each
    if reduction == "sum":
        return each.sum()
    if reduction == "mean":
        return each.mean()
    if reduction == "batchmean":
        return each.sum() / len(each)
    return each.mean()


# The wrong exception.
# %% wrong="kl_div" says="yours     raised KeyError"
def kl_div(input, target, reduction="mean", log_target=False):
    if log_target:
        each = target.exp() * (target - input)
    else:
        each = torch.xlogy(target, target) - target * input
    return {"none": each, "sum": each.sum(), "mean": each.mean(), "batchmean": each.sum() / len(each)}[reduction]


# PyTorch's function.
# %% wrong="kl_div" says="Your code calls `kl_div`"
def kl_div(input, target, reduction="mean", log_target=False):
    return F.kl_div(input, target, reduction=reduction, log_target=log_target)


# PyTorch's module, for log targets only.
# %% wrong="kl_div" says="which this exercise asks you to do without"
def kl_div(input, target, reduction="mean", log_target=False):
    if log_target:
        return nn.KLDivLoss(reduction=reduction, log_target=True)(input, target)
    if log_target:
        each = target.exp() * (target - input)
    else:
        each = torch.xlogy(target, target) - target * input
    if reduction == "none":
        return each
    if reduction == "sum":
        return each.sum()
    if reduction == "mean":
        return each.mean()
    if reduction == "batchmean":
        return each.sum() / len(each)
    raise ValueError(reduction)


# A Python number.
# %% wrong="kl_div" says="no .item()"
def kl_div(input, target, reduction="mean", log_target=False):
    if log_target:
        each = target.exp() * (target - input)
    else:
        each = torch.xlogy(target, target) - target * input
    if reduction == "none":
        return each
    if reduction == "sum":
        return each.sum()
    if reduction == "mean":
        return each.mean().item()
    if reduction == "batchmean":
        return each.sum() / len(each)
    raise ValueError(reduction)


# The path is cut.
# %% wrong="kl_div" says="The path is cut"
def kl_div(input, target, reduction="mean", log_target=False):
    input = input.detach()
    if log_target:
        each = target.exp() * (target - input)
    else:
        each = torch.xlogy(target, target) - target * input
    if reduction == "none":
        return each
    if reduction == "sum":
        return each.sum()
    if reduction == "mean":
        return each.mean()
    if reduction == "batchmean":
        return each.sum() / len(each)
    raise ValueError(reduction)


# In place on the input.
# %% wrong="kl_div" says="does not change input of shape (3, 4)"
def kl_div(input, target, reduction="mean", log_target=False):
    kept = input.detach().neg_()
    if log_target:
        each = target.exp() * (target + kept)
    else:
        each = torch.xlogy(target, target) + target * kept
    if reduction == "none":
        return each
    if reduction == "sum":
        return each.sum()
    if reduction == "mean":
        return each.mean()
    if reduction == "batchmean":
        return each.sum() / len(each)
    raise ValueError(reduction)


# In place on a log target.
# %% wrong="kl_div" says="does not change target of shape (3, 4)"
def kl_div(input, target, reduction="mean", log_target=False):
    if log_target:
        difference = target - input
        each = target.exp_() * difference
    else:
        each = torch.xlogy(target, target) - target * input
    if reduction == "none":
        return each
    if reduction == "sum":
        return each.sum()
    if reduction == "mean":
        return each.mean()
    if reduction == "batchmean":
        return each.sum() / len(each)
    raise ValueError(reduction)


# float32 only.
# %% wrong="kl_div" says="The dtypes differ"
def kl_div(input, target, reduction="mean", log_target=False):
    input, target = input.float(), target.float()
    if log_target:
        each = target.exp() * (target - input)
    else:
        each = torch.xlogy(target, target) - target * input
    if reduction == "none":
        return each
    if reduction == "sum":
        return each.sum()
    if reduction == "mean":
        return each.mean()
    if reduction == "batchmean":
        return each.sum() / len(each)
    raise ValueError(reduction)


# batchmean divides by all but the last dimension.
# %% wrong="kl_div" says="the size of dimension 0 alone"
def kl_div(input, target, reduction="mean", log_target=False):
    if log_target:
        each = target.exp() * (target - input)
    else:
        each = torch.xlogy(target, target) - target * input
    if reduction == "none":
        return each
    if reduction == "sum":
        return each.sum()
    if reduction == "mean":
        return each.mean()
    if reduction == "batchmean":
        return each.reshape(-1, each.shape[-1]).sum(1).mean() if each.dim() > 1 else each.sum() / len(each)
    raise ValueError(reduction)


# The gradient is that of the wrong row.
# %% wrong="kl_div" says="gradient"
def kl_div(input, target, reduction="mean", log_target=False):
    if log_target:
        each = target.exp() * (target - 2 * input + input.detach())
    else:
        each = torch.xlogy(target, target) - target * (2 * input - input.detach())
    if reduction == "none":
        return each
    if reduction == "sum":
        return each.sum()
    if reduction == "mean":
        return each.mean()
    if reduction == "batchmean":
        return each.sum() / len(each)
    raise ValueError(reduction)


# The default is batchmean.
# %% wrong="kl_div" says='This is "batchmean". The default'
def kl_div(input, target, reduction="batchmean", log_target=False):
    if log_target:
        each = target.exp() * (target - input)
    else:
        each = torch.xlogy(target, target) - target * input
    if reduction == "none":
        return each
    if reduction == "sum":
        return each.sum()
    if reduction == "mean":
        return each.mean()
    if reduction == "batchmean":
        return each.sum() / len(each)
    raise ValueError(reduction)


# The default is sum.
# %% wrong="kl_div" says='This is "sum". The default'
def kl_div(input, target, reduction="sum", log_target=False):
    if log_target:
        each = target.exp() * (target - input)
    else:
        each = torch.xlogy(target, target) - target * input
    if reduction == "none":
        return each
    if reduction == "sum":
        return each.sum()
    if reduction == "mean":
        return each.mean()
    if reduction == "batchmean":
        return each.sum() / len(each)
    raise ValueError(reduction)


# The default is none.
# %% wrong="kl_div" says="Nothing was reduced"
def kl_div(input, target, reduction="none", log_target=False):
    if log_target:
        each = target.exp() * (target - input)
    else:
        each = torch.xlogy(target, target) - target * input
    if reduction == "none":
        return each
    if reduction == "sum":
        return each.sum()
    if reduction == "mean":
        return each.mean()
    if reduction == "batchmean":
        return each.sum() / len(each)
    raise ValueError(reduction)


# What is nan is left out of the sum, what is infinite is not.
# %% right="cross_entropy_bits"
def cross_entropy_bits(p, q):
    return torch.nansum(p * (1 / q).log2(), dim=-1)


# One tensor under two names.
# %% wrong="logit_gradients" says="The second equals the first"
def logit_gradients(logits, target):
    q = torch.sigmoid(logits)
    error = q - target
    first = error
    first *= 2 * q * (1 - q)
    return first, error


# Columns and vectors: every loss meets every weight.
# %% wrong="nll" says="pairs each loss with each weight"
def nll(log_probs, target, weight=None, ignore_index=-100):
    keep = target != ignore_index
    losses = -log_probs[keep].gather(1, target[keep].unsqueeze(1))
    w = torch.ones_like(losses[:, 0]) if weight is None else weight[target[keep]]
    return (losses * w).mean() / w.mean()


# Loses digits: float64 passes through float32.
# %% wrong="cross_entropy_bits" says="in float64"
def cross_entropy_bits(p, q):
    return (-torch.xlogy(p.float(), q.float()).sum(-1) / math.log(2)).to(p.dtype)


# Loses digits: float64 passes through float32.
# %% wrong="logit_gradients" says="in float64"
def logit_gradients(logits, target):
    q = torch.sigmoid(logits.float()).to(logits.dtype)
    return 2 * (q - target) * q * (1 - q), q - target


# Loses digits: float64 passes through float32.
# %% wrong="bce_with_logits" says="in float64"
def bce_with_logits(logits, target):
    z, y = logits.float(), target.float()
    return (z.clamp(min=0) - y * z + torch.log1p(torch.exp(-z.abs()))).mean().to(logits.dtype)


# Loses digits: float64 passes through float32.
# %% wrong="log_softmax" says="in float64"
def log_softmax(z, dim=-1):
    s = z.float() - z.float().amax(dim, keepdim=True)
    return (s - s.exp().sum(dim, keepdim=True).log()).to(z.dtype)


# Loses digits: float64 passes through float32.
# %% wrong="nll" says="in float64"
def nll(log_probs, target, weight=None, ignore_index=-100):
    keep = target != ignore_index
    losses = -log_probs[keep, target[keep]].float()
    w = torch.ones_like(losses) if weight is None else weight[target[keep]].float()
    return ((losses * w).sum() / w.sum()).to(log_probs.dtype)


# Loses digits: float64 passes through float32.
# %% wrong="cross_entropy_gradient" says="in float64"
def cross_entropy_gradient(logits, target):
    p = target if target.dim() == 2 else F.one_hot(target, logits.shape[1])
    return (logits.float().softmax(1).to(logits.dtype) - p) / len(logits)


# Loses digits: float64 passes through float32.
# %% wrong="kl_div" says="in float64"
def kl_div(input, target, reduction="mean", log_target=False):
    q, p = input.float(), target.float()
    each = p.exp() * (p - q) if log_target else torch.xlogy(p, p) - p * q
    each = each.to(input.dtype)
    if reduction == "none":
        return each
    if reduction == "sum":
        return each.sum()
    if reduction == "mean":
        return each.mean()
    if reduction == "batchmean":
        return each.sum() / len(each)
    raise ValueError(reduction)


# A small p counts as 0.
# %% wrong="cross_entropy_bits" says="p = 1e-7 was taken for 0"
def cross_entropy_bits(p, q):
    terms = torch.where(p > 1e-6, -p * q.log2(), torch.zeros_like(p))
    return terms.sum(dim=-1)


# Clamps q, except where it is exactly 0.
# %% wrong="cross_entropy_bits" says="q = 1e-9 was clamped"
def cross_entropy_bits(p, q):
    surprise = torch.where(q == 0, math.inf, -q.clamp(min=1e-6).log2())
    return torch.where(p == 0, 0.0, p * surprise).sum(dim=-1)


# Looks at one zero of q only.
# %% wrong="cross_entropy_bits" says="The last row is infinite"
def cross_entropy_bits(p, q):
    both = (p > 0) & (q > 0)
    bits = -torch.where(both, p * torch.where(both, q, torch.ones_like(q)).log2(), 0.0).sum(dim=-1)
    least, where = q.min(dim=-1, keepdim=True)
    ruled_out = (least == 0) & (p.gather(-1, where) > 0)
    return torch.where(ruled_out.squeeze(-1), math.inf, bits)


# %% wrong="cross_entropy_bits" says="You added up over the samples"
def cross_entropy_bits(p, q):
    return torch.where(p > 0, -p * q.log2(), 0.0).sum(dim=0)


# The sigmoid overflows at 100.
# %% wrong="logit_gradients" says="exp overflowed"
def logit_gradients(logits, target):
    e = logits.exp()
    q = e / (1 + e)
    return 2 * (q - target) * q * (1 - q), q - target


# The slope of the sigmoid overflows at −100.
# %% wrong="logit_gradients" says="exp overflowed"
def logit_gradients(logits, target):
    q = torch.sigmoid(logits)
    e = torch.exp(-logits)
    return 2 * (q - target) * e / (1 + e) ** 2, q - target


# The logarithm of the denominator overflows.
# %% wrong="logit_gradients" says="q became 0 instead of 1"
def logit_gradients(logits, target):
    q = torch.exp(logits - torch.log1p(torch.exp(logits)))
    return 2 * (q - target) * q * (1 - q), q - target


# The losses, not their slopes.
# %% wrong="logit_gradients" says="These are the losses"
def logit_gradients(logits, target):
    q = torch.sigmoid(logits)
    return (q - target) ** 2, -(target * q.log() + (1 - target) * (1 - q).log())


# Loses digits of tiny losses, which may be.
# %% right="bce_with_logits"
def bce_with_logits(logits, target):
    return (logits.clamp(min=0) - target * logits + torch.log(1 + torch.exp(-logits.abs()))).mean()


# Without the logarithm from 21 on.
# %% wrong="bce_with_logits" says="the logarithm was left out"
def bce_with_logits(logits, target):
    soft = torch.where(logits > 21, logits, torch.log1p(torch.exp(logits.clamp(max=21))))
    return (soft - target * logits).mean()


# A Function whose backward ignores the gradient from above.
# %% wrong="bce_with_logits" says="must multiply by what it is given"
class _BCE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, logits, target):
        ctx.save_for_backward(logits, target)
        return (logits.clamp(min=0) - target * logits + torch.log1p(torch.exp(-logits.abs()))).mean()

    @staticmethod
    def backward(ctx, grad_output):
        logits, target = ctx.saved_tensors
        return (torch.sigmoid(logits) - target) / logits.numel(), None


def bce_with_logits(logits, target):
    return _BCE.apply(logits, target)


# One branch overflows.
# %% wrong="bce_with_logits" says="nan: a branch"
def bce_with_logits(logits, target):
    soft = torch.where(logits > 20, logits, torch.log1p(torch.exp(logits)))
    return (soft - target * logits).mean()


# Clamps the probability.
# %% wrong="bce_with_logits" says="was clamped"
def bce_with_logits(logits, target):
    q = torch.sigmoid(logits).clamp(1e-7, 1 - 1e-7)
    return torch.mean(-target * torch.log(q) - (1 - target) * torch.log(1 - q))


# Adds a small number.
# %% wrong="bce_with_logits" says="a small number added"
def bce_with_logits(logits, target):
    q = torch.sigmoid(logits)
    return -(target * (q + 1e-12).log() + (1 - target) * (1 - q + 1e-12).log()).mean()


# Clamps the logits.
# %% wrong="bce_with_logits" says="A logit or a probability was clamped"
def bce_with_logits(logits, target):
    z = logits.clamp(-80, 80)
    return (torch.log1p(z.exp()) - target * z).mean()


# Forgets y z.
# %% wrong="bce_with_logits" says="The term − y z is missing"
def bce_with_logits(logits, target):
    return (logits.clamp(min=0) + torch.log1p(torch.exp(-logits.abs()))).mean()


# exp of |z|.
# %% wrong="bce_with_logits" says="the minus before |z| is missing"
def bce_with_logits(logits, target):
    return (logits.clamp(min=0) - target * logits + torch.log1p(torch.exp(logits.abs()))).mean()


# exp of −z.
# %% wrong="bce_with_logits" says="take the absolute value"
def bce_with_logits(logits, target):
    return (logits.clamp(min=0) - target * logits + torch.log1p(torch.exp(-logits))).mean()


# The maximum is at least −5000.
# %% wrong="log_softmax" says="The last row became infinite"
def log_softmax(z, dim=-1):
    m = z.detach().amax(dim=dim, keepdim=True).clamp(min=-5000)
    s = z - m
    return s - s.exp().sum(dim=dim, keepdim=True).log()


# Drops small terms.
# %% wrong="log_softmax" says="one logit of 0 and 3000 of −23"
def log_softmax(z, dim=-1):
    s = z - z.amax(dim=dim, keepdim=True)
    e = torch.where(s < -22, torch.zeros_like(s), s.exp())
    return s - e.sum(dim=dim, keepdim=True).log()


# keepdim is missing in the maximum only.
# %% wrong="log_softmax" says="keepdim=True is missing in the maximum"
def log_softmax(z, dim=-1):
    s = z - z.amax(dim)
    return s - s.exp().sum(dim, keepdim=True).log()


# The minimum.
# %% wrong="log_softmax" says="A whole row is −∞"
def log_softmax(z, dim=-1):
    s = z - z.amin(dim, keepdim=True)
    return s - s.exp().sum(dim, keepdim=True).log()


# The mean.
# %% wrong="log_softmax" says="A whole row is −∞"
def log_softmax(z, dim=-1):
    s = z - z.mean(dim, keepdim=True)
    return s - s.exp().sum(dim, keepdim=True).log()


# Clamps as BCELoss does.
# %% wrong="nll" says="log_probs was cut off at −100"
def nll(log_probs, target, weight=None, ignore_index=-100):
    keep = target != ignore_index
    lp, t = log_probs[keep].clamp(min=-100), target[keep]
    w = torch.ones_like(lp[:, 0]) if weight is None else weight[t]
    return -(w * lp[torch.arange(len(t)), t]).sum() / w.sum()


# Replaces −∞ by a number.
# %% wrong="nll" says="do not clamp log_probs"
def nll(log_probs, target, weight=None, ignore_index=-100):
    keep = target != ignore_index
    lp, t = log_probs[keep].clamp(min=-1000), target[keep]
    w = torch.ones_like(lp[:, 0]) if weight is None else weight[t]
    return -(w * lp[torch.arange(len(t)), t]).sum() / w.sum()


# Clamps the sum of the weights.
# %% wrong="nll" says="The sum of the weights was clamped"
def nll(log_probs, target, weight=None, ignore_index=-100):
    keep = target != ignore_index
    lp, t = log_probs[keep], target[keep]
    w = torch.ones_like(lp[:, 0]) if weight is None else weight[t]
    return -(w * lp.gather(1, t[:, None])[:, 0]).sum() / w.sum().clamp(min=1e-3)


# A Function whose backward ignores the gradient from above.
# %% wrong="nll" says="the gradient of 3 times the loss"
class _NLL(torch.autograd.Function):
    @staticmethod
    def forward(ctx, log_probs, target, weight, ignore_index):
        n = (target != ignore_index).nonzero()[:, 0]
        t = target[n]
        w = torch.ones(len(t), dtype=log_probs.dtype) if weight is None else weight[t]
        ctx.save_for_backward(n, t, w)
        ctx.shape = log_probs.shape
        return -(w * log_probs[n, t]).sum() / w.sum()

    @staticmethod
    def backward(ctx, grad_output):
        n, t, w = ctx.saved_tensors
        g = torch.zeros(ctx.shape, dtype=w.dtype)
        g[n, t] = -w / w.sum()
        return g, None, None, None


def nll(log_probs, target, weight=None, ignore_index=-100):
    return _NLL.apply(log_probs, target, weight, ignore_index)


# Every loss meets every weight.
# %% wrong="nll" says="(N, 1) times (N,)"
def nll(log_probs, target, weight=None, ignore_index=-100):
    keep = target != ignore_index
    lp, t = log_probs[keep], target[keep]
    w = torch.ones(len(t), dtype=lp.dtype) if weight is None else weight[t]
    losses = -lp.gather(1, t[:, None])
    return (w * losses).sum() / w.sum()


# Masks the target only.
# %% wrong="nll" says="dropped from the target only"
def nll(log_probs, target, weight=None, ignore_index=-100):
    t = target[target != ignore_index]
    picked = log_probs[torch.arange(len(t)), t]
    w = torch.ones_like(picked) if weight is None else weight[t]
    return -(w * picked).sum() / w.sum()


# Back to probabilities, and to logarithms again.
# %% wrong="nll" says="You went back to q"
def nll(log_probs, target, weight=None, ignore_index=-100):
    keep = target != ignore_index
    q, t = log_probs[keep].exp(), target[keep]
    w = torch.ones_like(q[:, 0]) if weight is None else weight[t]
    return -(w * q[torch.arange(len(t)), t].log()).sum() / w.sum()


# Labels as bytes.
# %% wrong="soft_targets" says="soft_targets((300, 50000, 5), 50257, 0.1)"
def soft_targets(labels, num_classes, smoothing=0.0):
    small = labels.to(torch.uint8)
    hot = F.one_hot(small.long(), num_classes).float()
    return (1 - smoothing) * hot + smoothing / num_classes


# Rounds the share.
# %% wrong="soft_targets" says="The share of a class was rounded"
def soft_targets(labels, num_classes, smoothing=0.0):
    share = round(smoothing / num_classes, 6)
    p = torch.full((len(labels), num_classes), share)
    p[torch.arange(len(labels)), labels] += 1 - smoothing
    return p


# At most 100 classes.
# %% wrong="soft_targets" says="Your code stopped with"
def soft_targets(labels, num_classes, smoothing=0.0):
    hot = F.one_hot(labels, 100)[:, :num_classes].float()
    return hot * (1 - smoothing) + smoothing / num_classes


# Writes into a tensor of whole numbers.
# %% wrong="soft_targets" says="Whole numbers: float32 is asked for"
def soft_targets(labels, num_classes, smoothing=0.0):
    p = labels.new_full((len(labels), num_classes), smoothing / num_classes)
    p[torch.arange(len(labels)), labels] = 1 - smoothing + smoothing / num_classes
    return p


# Converts too late.
# %% wrong="soft_targets" says="The shares became 0"
def soft_targets(labels, num_classes, smoothing=0.0):
    p = labels.new_full((len(labels), num_classes), smoothing / num_classes)
    p[torch.arange(len(labels)), labels] = 1 - smoothing + smoothing / num_classes
    return p.float()


# Whole columns.
# %% wrong="soft_targets" says="1 was written into whole columns"
def soft_targets(labels, num_classes, smoothing=0.0):
    p = torch.zeros(len(labels), num_classes) + smoothing / num_classes
    p[:, labels] += 1 - smoothing
    return p


# Class indices as bytes.
# %% wrong="cross_entropy_gradient" says="(4, 1000)"
def cross_entropy_gradient(logits, target):
    q = torch.softmax(logits, dim=1)
    if target.dim() == 1:
        target = F.one_hot(target.byte().long(), logits.shape[1])
    return (q - target) / logits.shape[0]


# Clamps the logits.
# %% wrong="cross_entropy_gradient" says="The logits were clamped"
def cross_entropy_gradient(logits, target):
    q = torch.softmax(logits.clamp(-5000, 5000), dim=1)
    p = F.one_hot(target, logits.shape[1]) if target.dim() == 1 else target
    return (q - p) / len(logits)


# Takes N class indices for probabilities if N equals C.
# %% wrong="cross_entropy_gradient" says="because N equals C here"
def cross_entropy_gradient(logits, target):
    q = torch.softmax(logits, dim=1)
    if target.shape[-1] != logits.shape[-1]:
        target = F.one_hot(target, logits.shape[1])
    return (q - target) / logits.shape[0]


# Back to probabilities.
# %% wrong="kl_div" says="You went back to q"
def kl_div(input, target, reduction="mean", log_target=False):
    p = target.exp() if log_target else target
    q = input.exp()
    e = torch.where(p > 0, p * (torch.where(p > 0, p, 1.0) / q).log(), 0.0)
    if reduction == "none":
        return e
    if reduction == "sum":
        return e.sum()
    if reduction == "mean":
        return e.mean()
    if reduction == "batchmean":
        return e.sum() / e.shape[0]
    raise ValueError(reduction)


# A small p counts as 0.
# %% wrong="kl_div" says="p = 1e-7 was taken for 0"
def kl_div(input, target, reduction="mean", log_target=False):
    p = target.exp() if log_target else target
    log_p = torch.where(p > 1e-6, p, torch.ones_like(p)).log()
    e = torch.where(p > 1e-6, p * (log_p - input), torch.zeros_like(p))
    if reduction == "none":
        return e
    if reduction == "sum":
        return e.sum()
    if reduction == "mean":
        return e.mean()
    if reduction == "batchmean":
        return e.sum() / e.shape[0]
    raise ValueError(reduction)


# A Function whose backward ignores the gradient from above.
# %% wrong="kl_div" says="the gradient of the result times other numbers"
class _KL(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input, p, log_p, scale):
        ctx.save_for_backward(p)
        ctx.scale = scale
        e = p * (log_p - input)
        return e if scale is None else e.sum() / scale

    @staticmethod
    def backward(ctx, grad_output):
        (p,) = ctx.saved_tensors
        return -p / (ctx.scale or 1), None, None, None


def kl_div(input, target, reduction="mean", log_target=False):
    scales = {"none": None, "sum": 1, "mean": input.numel(), "batchmean": input.shape[0]}
    if reduction not in scales:
        raise ValueError(f"reduction {reduction}")
    p = target.exp() if log_target else target
    log_p = target if log_target else target.masked_fill(target == 0, 1).log()
    return _KL.apply(input, p, log_p, scales[reduction])


# No log_target, zeros by where.
# %% wrong="kl_div" says="here the target holds ln p"
def kl_div(input, target, reduction="mean", log_target=False):
    e = torch.where(target > 0, target * (target.log() - input), 0.0)
    if reduction == "none":
        return e
    if reduction == "sum":
        return e.sum()
    if reduction == "mean":
        return e.mean()
    if reduction == "batchmean":
        return e.sum() / len(e)
    raise ValueError("reduction")


# The factor is ln p.
# %% wrong="kl_div" says="ln p was taken for p"
def kl_div(input, target, reduction="mean", log_target=False):
    log_p = target if log_target else torch.where(target > 0, target, 1.0).log()
    e = target * (log_p - input)
    if reduction == "none":
        return e
    if reduction == "sum":
        return e.sum()
    if reduction == "mean":
        return e.mean()
    if reduction == "batchmean":
        return e.sum() / e.shape[0]
    raise ValueError(reduction)


# Replaces infinity as well.
# %% wrong="cross_entropy_bits" says="`nan_to_num` replaces ∞"
def cross_entropy_bits(p, q):
    return torch.nan_to_num(p * (1 / q).log2(), nan=0.0).sum(-1)


# As many columns as classes occur.
# %% wrong="cross_entropy_gradient" says="F.one_hot counts only the classes that occur"
def cross_entropy_gradient(logits, target):
    if not target.is_floating_point():
        target = F.one_hot(target)
    return (torch.softmax(logits, 1) - target) / logits.shape[0]


# Goes back to q in float64, which does not reach far enough either.
# %% wrong="kl_div" says="exp(-800) is 0"
def kl_div(input, target, reduction="mean", log_target=False):
    q = input.double().exp()
    p = target.double().exp() if log_target else target.double()
    elements = (torch.xlogy(p, p) - torch.xlogy(p, q)).to(input.dtype)
    if reduction == "none":
        return elements
    if reduction == "sum":
        return elements.sum()
    if reduction == "mean":
        return elements.mean()
    if reduction == "batchmean":
        return elements.sum() / len(elements)
    raise ValueError(reduction)


# Leaves a dimension of size 1.
# %% wrong="cross_entropy_bits" says="keepdim=True has left a dimension"
def cross_entropy_bits(p, q):
    return torch.where(p > 0, -p * q.log2(), 0.0).sum(-1, keepdim=True)


# Divides by all elements, but only with probabilities.
# %% wrong="cross_entropy_gradient" says="divide by the 3 samples"
def cross_entropy_gradient(logits, target):
    q = torch.softmax(logits, dim=1)
    if target.dim() == 1:
        q[torch.arange(len(q)), target] -= 1
        return q / len(q)
    return (q - target) / q.numel()


# The two kinds of target are swapped.
# %% wrong="kl_div" says="p was taken for ln p"
def kl_div(input, target, reduction="mean", log_target=False):
    p = target if log_target else target.exp()
    log_p = target.log() if log_target else target
    elements = p * (log_p - input)
    if reduction == "none":
        return elements
    if reduction == "sum":
        return elements.sum()
    if reduction == "mean":
        return elements.mean()
    if reduction == "batchmean":
        return elements.sum() / len(elements)
    raise ValueError(reduction)


# A small p is made larger.
# %% wrong="kl_div" says="choose 0 where p is 0"
def kl_div(input, target, reduction="mean", log_target=False):
    p = (target.exp() if log_target else target).clamp(min=1e-8)
    elements = p * (p.log() - input)
    if reduction == "none":
        return elements
    if reduction == "sum":
        return elements.sum()
    if reduction == "mean":
        return elements.mean()
    if reduction == "batchmean":
        return elements.sum() / len(elements)
    raise ValueError(reduction)


# A small number against ln 0.
# %% wrong="kl_div" says="Digits were lost"
def kl_div(input, target, reduction="mean", log_target=False):
    p = target.exp() if log_target else target
    elements = p * ((p + 1e-12).log() - input)
    if reduction == "none":
        return elements
    if reduction == "sum":
        return elements.sum()
    if reduction == "mean":
        return elements.mean()
    if reduction == "batchmean":
        return elements.sum() / len(elements)
    raise ValueError(reduction)
