# %% [markdown]
# Other answers to the exercises of `06_batch_processing`: right ones that the checks must accept, wrong ones that they
# must reject with a message that leads to the mistake.


# %% right="layer_for_batch"
def layer_for_batch(x, weight, bias):
    return F.relu(F.linear(x, weight, bias))


# %% right="layer_for_batch"
def layer_for_batch(x, weight, bias):
    s = torch.addmm(bias, x, weight.t())
    return s * (s > 0)


# %% right="layer_for_batch"
def layer_for_batch(x, weight, bias):
    return torch.vmap(lambda row: (weight.mv(row) + bias).clamp(min=0))(x)


# The loop, as it was given
# %% wrong="layer_for_batch" says="You loop over the samples"
def layer_for_batch(x, weight, bias):
    s = torch.empty(len(x), len(weight), dtype=x.dtype)
    for k in range(len(x)):
        s[k] = (weight.mv(x[k]) + bias).clamp(min=0)
    return s


# The loop as a list comprehension
# %% wrong="layer_for_batch" says="each one costs"
def layer_for_batch(x, weight, bias):
    return torch.stack([(weight @ row + bias).relu() for row in x])


# Writes the result over the caller's x, where it fits
# %% wrong="layer_for_batch" says="x, weight and bias are left as they were"
def layer_for_batch(x, weight, bias):
    s = (x @ weight.T + bias).relu()
    return x.copy_(s) if x.shape == s.shape and not x.requires_grad else s


# The weight is not transposed
# %% wrong="layer_for_batch" says="The weight is not transposed."
def layer_for_batch(x, weight, bias):
    return (x @ weight + bias).relu()


# The ReLU is forgotten
# %% wrong="layer_for_batch" says="The ReLU is missing"
def layer_for_batch(x, weight, bias):
    return x @ weight.T + bias


# The bias comes after the ReLU
# %% wrong="layer_for_batch" says="The bias is added before the ReLU"
def layer_for_batch(x, weight, bias):
    return (x @ weight.T).relu() + bias


# A detour over Python lists
# %% wrong="layer_for_batch" says="autograd can follow"
def layer_for_batch(x, weight, bias):
    rows, w, b = x.tolist(), weight.tolist(), bias.tolist()
    s = [[max(0.0, sum(p * q for p, q in zip(row, line)) + c) for line, c in zip(w, b)] for row in rows]
    return torch.tensor(s, dtype=x.dtype)


# The book's order, without turning anything
# %% wrong="layer_for_batch" says="the samples are rows, so x comes first"
def layer_for_batch(x, weight, bias):
    return (weight @ x + bias).relu()


# The result stands in columns, and the bias is added to rows
# %% wrong="layer_for_batch" says="one row per sample"
def layer_for_batch(x, weight, bias):
    return (weight @ x.T + bias).relu()


# %% right="parameter_copies"
def parameter_copies(samples, modules, batch_size):
    return -(-samples // batch_size) * modules


# %% right="parameter_copies"
def parameter_copies(samples, modules, batch_size):
    batches, rest = divmod(samples, batch_size)
    if rest:
        batches += 1
    return modules * batches


# One by one always
# %% wrong="parameter_copies" says="batch_size makes no difference"
def parameter_copies(samples, modules, batch_size):
    return samples * modules


# The last batch is forgotten
# %% wrong="parameter_copies" says="The last, smaller batch is missing"
def parameter_copies(samples, modules, batch_size):
    return samples // batch_size * modules


# No rounding
# %% wrong="parameter_copies" says="The number of batches is not whole"
def parameter_copies(samples, modules, batch_size):
    return samples / batch_size * modules


# Rounds up behind the product
# %% wrong="parameter_copies" says="Round up the batches, then multiply"
def parameter_copies(samples, modules, batch_size):
    return math.ceil(samples * modules / batch_size)


# One batch too many where it divides evenly
# %% wrong="parameter_copies" says="there is no fourth"
def parameter_copies(samples, modules, batch_size):
    return (samples // batch_size + 1) * modules if batch_size not in (1, samples) else samples * modules // batch_size


# Counts batches only
# %% wrong="parameter_copies" says="Every sample goes through every module"
def parameter_copies(samples, modules, batch_size):
    return math.ceil(samples / batch_size)


# A float is not exact enough
# %% wrong="parameter_copies" says="went through a float"
def parameter_copies(samples, modules, batch_size):
    return math.ceil(samples / batch_size) * modules


# NumPy's ceil gives a float
# %% wrong="parameter_copies" says="NumPy's ceil returns a float"
def parameter_copies(samples, modules, batch_size):
    return np.ceil(samples / batch_size) * modules


# Rounded up, and a float all the same
# %% wrong="parameter_copies" says="stay with integers"
def parameter_copies(samples, modules, batch_size):
    return float(math.ceil(samples / batch_size) * modules)


# %% right="unit_rows"
def unit_rows(x):
    return x / x.norm(dim=1, keepdim=True).clamp(min=1e-12)


# %% right="unit_rows"
def unit_rows(x):
    return torch.nan_to_num(x / torch.linalg.vector_norm(x, dim=1)[:, None])


# %% right="unit_rows"
def unit_rows(x):
    return F.normalize(x)


# keepdim is forgotten
# %% wrong="unit_rows" says="the lengths must be (N, 1)"
def unit_rows(x):
    return x / x.norm(dim=1).clamp(min=1e-12)


# The length of the columns
# %% wrong="unit_rows" says="You took the length of each column"
def unit_rows(x):
    return x / x.norm(dim=0).clamp(min=1e-12)


# The length of the whole batch
# %% wrong="unit_rows" says="each row has its own"
def unit_rows(x):
    return x / x.norm()


# No square root
# %% wrong="unit_rows" says="The square root is missing"
def unit_rows(x):
    return x / (x * x).sum(dim=1, keepdim=True).clamp(min=1e-12)


# 0 / 0
# %% wrong="unit_rows" says="a row of zeros must stay a row of zeros"
def unit_rows(x):
    return x / x.norm(dim=1, keepdim=True)


# In place
# %% wrong="unit_rows" says="x is left as it was"
def unit_rows(x):
    return x.div_(x.norm(dim=1, keepdim=True).clamp(min=1e-12))


# A loop over the samples
# %% wrong="unit_rows" says="You loop over the samples"
def unit_rows(x):
    return torch.stack([row / row.norm() if row.norm() > 0 else row for row in x])


# %% right="unit_rows"
def unit_rows(x):
    s = torch.linalg.vector_norm(x, dim=1)
    s = s.masked_fill(s == 0, 1)
    return torch.einsum("nc,n->nc", x, 1 / s)


# A small number against the division by zero, added to every length
# %% wrong="unit_rows" says="You added 1e-06 to the length"
def unit_rows(x):
    return x / (x.norm(dim=1, keepdim=True) + 1e-6)


# A lower bound that reaches the short rows
# %% wrong="unit_rows" says="a short row gets length 1 too"
def unit_rows(x):
    return x / x.norm(dim=1, keepdim=True).clamp(min=1e-3)


# A loop over the rows of zeros only
# %% wrong="unit_rows" says="You loop over the samples"
def unit_rows(x):
    length = x.norm(dim=1)
    result = x / length[:, None]
    for k in range(len(x)):
        if length[k] == 0:
            result[k] = 0
    return result


# %% right="quadratic_form"
def quadratic_form(x, a):
    return torch.einsum("nc,cd,nd->n", x, a, x)


# %% right="quadratic_form"
def quadratic_form(x, a):
    return (x[:, None, :] @ a @ x[:, :, None]).flatten()


# %% right="quadratic_form"
def quadratic_form(x, a):
    return (x[:, :, None] * a * x[:, None, :]).sum(dim=(1, 2))


# The pattern of one sample, written for the batch
# %% wrong="quadratic_form" says="the numbers of all pairs"
def quadratic_form(x, a):
    return x @ a @ x.T


# Multiplies the caller's x in place
# %% wrong="quadratic_form" says="x and a are left as they were"
def quadratic_form(x, a):
    y = x @ a
    x *= y
    return x.sum(dim=1)


# The diagonal of all pairs: right numbers, N×N of memory
# %% wrong="quadratic_form" says="A tensor of N×N or more is made"
def quadratic_form(x, a):
    return (x @ a @ x.T).diagonal()


# A loop
# %% wrong="quadratic_form" says="You loop over the samples"
def quadratic_form(x, a):
    return torch.stack([row @ a @ row for row in x])


# Not added up
# %% wrong="quadratic_form" says="The products are not added up yet"
def quadratic_form(x, a):
    return x @ a * x


# Added up over the samples
# %% wrong="quadratic_form" says="You added up over the samples"
def quadratic_form(x, a):
    return (x @ a * x).sum(0)


# Added up over everything
# %% wrong="quadratic_form" says="each sample has its own number"
def quadratic_form(x, a):
    return (x @ a * x).sum()


# A column
# %% wrong="quadratic_form" says="(N,) was asked for"
def quadratic_form(x, a):
    return (x @ a * x).sum(dim=1, keepdim=True)


# %% right="quadratic_form"
def quadratic_form(x, a):
    return torch.func.vmap(lambda row: row @ a @ row)(x)


# %% right="quadratic_form"
def quadratic_form(x, a):
    return F.bilinear(x, x, a[None])[:, 0]


# The formula for one column, written for the batch
# %% wrong="quadratic_form" says="x.T @ a @ x mixes the samples"
def quadratic_form(x, a):
    return x.T @ a @ x


# The loop's line, written for the batch
# %% wrong="quadratic_form" says="meets row n of x only"
def quadratic_form(x, a):
    return x @ a @ x


# A loop inside vmap
# %% wrong="quadratic_form" says="You loop over the samples"
def quadratic_form(x, a):
    return torch.vmap(lambda row: row @ a @ row, chunk_size=1)(x)


# All pairs by einsum, then the diagonal
# %% wrong="quadratic_form" says="A tensor of N×N or more is made"
def quadratic_form(x, a):
    return torch.einsum("nc,md,cd->nm", x, x, a).diagonal()


# %% right="squared_distances"
def squared_distances(a, b):
    return a.square().sum(1)[:, None] + b.square().sum(1) - 2 * a @ b.T


# %% right="squared_distances"
def squared_distances(a, b):
    difference = a.unsqueeze(1) - b.unsqueeze(0)
    return torch.einsum("nmc,nmc->nm", difference, difference)


# %% right="squared_distances"
def squared_distances(a, b):
    return sum((a[:, c, None] - b[:, c]) ** 2 for c in range(a.shape[1]))


# Pairs of equal number only
# %% wrong="squared_distances" says="not every a[n] with every b[m]"
def squared_distances(a, b):
    return (a - b).square().sum(dim=1)


# Turned
# %% wrong="squared_distances" says="The result is turned"
def squared_distances(a, b):
    return (a - b[:, None]).square().sum(dim=2)


# With the root
# %% wrong="squared_distances" says="their squares were asked for"
def squared_distances(a, b):
    return (a[:, None] - b).norm(dim=2)


# Added up over the wrong dimension
# %% wrong="squared_distances" says="the features are the last one"
def squared_distances(a, b):
    return (a[:, None] - b).square().sum(dim=1)


# The 2 is forgotten
# %% wrong="squared_distances" says="The factor 2 is missing"
def squared_distances(a, b):
    return a.square().sum(1)[:, None] + b.square().sum(1) - a @ b.T


# cdist
# %% wrong="squared_distances" says="which this exercise asks you to do without"
def squared_distances(a, b):
    return torch.cdist(a, b).square()


# A loop over the rows of a
# %% wrong="squared_distances" says="You loop over the rows of a"
def squared_distances(a, b):
    return torch.stack([(row - b).square().sum(dim=1) for row in a])


# Squares the caller's rows in place
# %% wrong="squared_distances" says="a and b are left as they were"
def squared_distances(a, b):
    products = a @ b.T
    return a.square_().sum(1)[:, None] + b.square_().sum(1) - 2 * products


# A loop over the rows of b
# %% wrong="squared_distances" says="You loop over the rows of b"
def squared_distances(a, b):
    return torch.stack([(a - row).square().sum(dim=1) for row in b], dim=1)


# Added up over everything
# %% wrong="squared_distances" says="each pair has its own number"
def squared_distances(a, b):
    return (a[:, None] - b).square().sum()


# %% right="squared_distances"
def squared_distances(a, b):
    return torch.vmap(torch.vmap(lambda p, q: (p - q) @ (p - q), (None, 0)), (0, None))(a, b)


# Both get the same extra dimension
# %% wrong="squared_distances" says="in the middle"
def squared_distances(a, b):
    return (a[:, None] - b[:, None]).square().sum(dim=2)


# %% right="per_sample_gradients"
def per_sample_gradients(x, grad_s):
    return torch.einsum("nd,nc->ndc", grad_s, x)


# %% right="per_sample_gradients"
def per_sample_gradients(x, grad_s):
    return torch.bmm(grad_s.unsqueeze(2), x.unsqueeze(1))


# %% right="per_sample_gradients"
def per_sample_gradients(x, grad_s):
    return torch.vmap(torch.outer)(grad_s, x)


# The sum over the samples
# %% wrong="per_sample_gradients" says="keep them apart"
def per_sample_gradients(x, grad_s):
    return grad_s.T @ x


# Turned
# %% wrong="per_sample_gradients" says="Each matrix is turned"
def per_sample_gradients(x, grad_s):
    return x[:, :, None] * grad_s[:, None, :]


# The mean's factor
# %% wrong="per_sample_gradients" says="each sample gives its whole share"
def per_sample_gradients(x, grad_s):
    return grad_s[:, :, None] * x[:, None, :] / len(x)


# Elementwise
# %% wrong="per_sample_gradients" says="Output d meets every feature c"
def per_sample_gradients(x, grad_s):
    return grad_s * x


# A loop
# %% wrong="per_sample_gradients" says="You loop over the samples"
def per_sample_gradients(x, grad_s):
    return torch.stack([torch.outer(g, row) for g, row in zip(grad_s, x)])


# Every sample with every other one
# %% wrong="per_sample_gradients" says="sample with sample"
def per_sample_gradients(x, grad_s):
    return grad_s @ x.T


# A loop over lists, which torch does not see
# %% wrong="per_sample_gradients" says="Stay in torch"
def per_sample_gradients(x, grad_s):
    pairs = zip(x.tolist(), grad_s.tolist())
    return torch.tensor([[[g * v for v in row] for g in gradient] for row, gradient in pairs], dtype=x.dtype)


# NumPy
# %% wrong="per_sample_gradients" says="Stay in torch"
def per_sample_gradients(x, grad_s):
    return torch.from_numpy(np.einsum("nd,nc->ndc", grad_s.detach().numpy(), x.numpy()))


# Autograd, sample by sample
# %% wrong="per_sample_gradients" says="which this exercise asks you to do without"
def per_sample_gradients(x, grad_s):
    gradients = []
    for row, gradient in zip(x, grad_s):
        weight = torch.zeros(grad_s.shape[1], x.shape[1], dtype=x.dtype, requires_grad=True)
        F.linear(row, weight).backward(gradient)
        gradients.append(weight.grad)
    return torch.stack(gradients)


# Autograd, all samples at once
# %% wrong="per_sample_gradients" says="which this exercise asks you to do without"
def per_sample_gradients(x, grad_s):
    weight = torch.zeros(grad_s.shape[1], x.shape[1], dtype=x.dtype)
    gradient = torch.func.grad(lambda w, row, g: F.linear(row, w) @ g)
    return torch.vmap(gradient, (None, 0, 0))(weight, x, grad_s)


# Clears the caller's tensor
# %% wrong="per_sample_gradients" says="x and grad_s are left as they were"
def per_sample_gradients(x, grad_s):
    result = grad_s[:, :, None] * x[:, None, :]
    grad_s *= 0
    return result


# %% right="per_sample_gradients"
def per_sample_gradients(x, grad_s):
    return torch.matmul(grad_s[..., None], x[..., None, :])


# %% right="accumulate_gradients"
def accumulate_gradients(model, x, y, size):
    for parameter in model.parameters():
        parameter.grad = None
    total = 0.0
    for start in range(0, len(x), size):
        part, target = x[start : start + size], y[start : start + size]
        loss = F.mse_loss(model(part), target, reduction="sum") / y.numel()
        loss.backward()
        total += loss.item()
    return total


# %% right="accumulate_gradients"
def accumulate_gradients(model, x, y, size):
    model.zero_grad(set_to_none=False)
    losses = []
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=size)
    for part, target in loader:
        weight = part.shape[0] / x.shape[0]
        loss = (model(part) - target).square().mean()
        (weight * loss).backward()
        losses.append(weight * float(loss.detach()))
    return math.fsum(losses)


# The parts are not weighted
# %% wrong="accumulate_gradients" says="the gradients of three means"
def accumulate_gradients(model, x, y, size):
    model.zero_grad()
    total = 0.0
    for part, target in zip(x.split(size), y.split(size)):
        loss = F.mse_loss(model(part), target)
        loss.backward()
        total += loss.item()
    return total


# Equal weights
# %% wrong="accumulate_gradients" says="You weighted the parts equally"
def accumulate_gradients(model, x, y, size):
    model.zero_grad()
    parts = list(zip(x.split(size), y.split(size)))
    total = 0.0
    for part, target in parts:
        loss = F.mse_loss(model(part), target) / len(parts)
        loss.backward()
        total += loss.item()
    return total


# The last part is weighted as if it were full
# %% wrong="accumulate_gradients" says="The share of the last part is 2/10"
def accumulate_gradients(model, x, y, size):
    model.zero_grad()
    total = 0.0
    for part, target in zip(x.split(size), y.split(size)):
        loss = F.mse_loss(model(part), target) * size / len(x)
        loss.backward()
        total += loss.item()
    return total


# Cleared in the loop
# %% wrong="accumulate_gradients" says="clear the gradients once, not in the loop"
def accumulate_gradients(model, x, y, size):
    total = 0.0
    for part, target in zip(x.split(size), y.split(size)):
        model.zero_grad()
        loss = F.mse_loss(model(part), target) * len(part) / len(x)
        loss.backward()
        total += loss.item()
    return total


# Never cleared
# %% wrong="accumulate_gradients" says="The gradient from before the call is still in it"
def accumulate_gradients(model, x, y, size):
    total = 0.0
    for part, target in zip(x.split(size), y.split(size)):
        loss = F.mse_loss(model(part), target) * len(part) / len(x)
        loss.backward()
        total += loss.item()
    return total


# The whole batch at once
# %% wrong="accumulate_gradients" says="The whole batch went through the model at once"
def accumulate_gradients(model, x, y, size):
    model.zero_grad()
    loss = F.mse_loss(model(x), y)
    loss.backward()
    return loss.item()


# One backward for all parts
# %% wrong="accumulate_gradients" says="the memory of all parts is needed"
def accumulate_gradients(model, x, y, size):
    model.zero_grad()
    total = sum(F.mse_loss(model(p), t) * len(p) / len(x) for p, t in zip(x.split(size), y.split(size)))
    total.backward()
    return total.item()


# size as the number of parts
# %% wrong="accumulate_gradients" says="not the number of parts"
def accumulate_gradients(model, x, y, size):
    model.zero_grad()
    total = 0.0
    for part, target in zip(x.chunk(size), y.chunk(size)):
        loss = F.mse_loss(model(part), target) * len(part) / len(x)
        loss.backward()
        total += loss.item()
    return total


# The smaller part is dropped
# %% wrong="accumulate_gradients" says="The last, smaller part is missing"
def accumulate_gradients(model, x, y, size):
    model.zero_grad()
    total = 0.0
    for start in range(0, len(x) - size + 1, size):
        part = slice(start, start + size)
        loss = F.mse_loss(model(x[part]), y[part]) * size / len(x)
        loss.backward()
        total += loss.item()
    return total


# Divided by the samples only
# %% wrong="accumulate_gradients" says="the mean is over all components"
def accumulate_gradients(model, x, y, size):
    model.zero_grad()
    total = 0.0
    for part, target in zip(x.split(size), y.split(size)):
        loss = F.mse_loss(model(part), target, reduction="sum") / len(x)
        loss.backward()
        total += loss.item()
    return total


# The last part's loss, and a tensor at that
# %% wrong="accumulate_gradients" says="Use .item()"
def accumulate_gradients(model, x, y, size):
    model.zero_grad()
    for part, target in zip(x.split(size), y.split(size)):
        loss = F.mse_loss(model(part), target) * len(part) / len(x)
        loss.backward()
    return loss


# A step of gradient descent
# %% wrong="accumulate_gradients" says="the parameters are left as they were"
def accumulate_gradients(model, x, y, size):
    model.zero_grad()
    total = 0.0
    for part, target in zip(x.split(size), y.split(size)):
        loss = F.mse_loss(model(part), target) * len(part) / len(x)
        loss.backward()
        total += loss.item()
    torch.optim.SGD(model.parameters(), lr=0.1).step()
    return total


# An empty part behind the last one
# %% wrong="accumulate_gradients" says="An empty part went through"
def accumulate_gradients(model, x, y, size):
    model.zero_grad()
    total = 0.0
    for k in range(len(x) // size + 1):
        part, target = x[k * size : (k + 1) * size], y[k * size : (k + 1) * size]
        loss = F.mse_loss(model(part), target) * len(part) / len(x)
        loss.backward()
        total += loss.item()
    return total
