# %% [markdown]
# Other answers to the exercises of `06_batch_processing`: right ones that the checks must accept, wrong ones that they
# must reject with a message that leads to the mistake.


# %% right="layer_for_batch"
def layer_for_batch(x, weight, bias):
    return F.relu(F.linear(x, weight, bias))


# %% right="layer_for_batch"
def layer_for_batch(x, weight, bias):
    s = torch.addmm(bias, x, weight.t())
    return torch.where(s > 0, s, 0)


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
# %% wrong="layer_for_batch" says="You loop over the samples"
def layer_for_batch(x, weight, bias):
    return torch.stack([(weight @ row + bias).relu() for row in x])


# Writes the result over the caller's x, where it fits
# %% wrong="layer_for_batch" says="changes x in place"
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


# The result of clamp is thrown away
# %% wrong="layer_for_batch" says="use its result"
def layer_for_batch(x, weight, bias):
    s = x @ weight.T + bias
    s.clamp(min=0)
    return s


# A layer with a weight of its own
# %% wrong="layer_for_batch" says="A new nn.Linear or nn.Parameter has random numbers of its own"
def layer_for_batch(x, weight, bias):
    return nn.Linear(x.shape[1], len(weight), dtype=x.dtype)(x).relu()


# A large negative number in place of −∞
# %% wrong="layer_for_batch" says="all other numbers being 1e+15"
def layer_for_batch(x, weight, bias):
    s = x @ weight.T + bias.clamp(min=-1e9)
    return s * (s > 0)


# The infinite bias is overwritten
# %% wrong="layer_for_batch" says="changes bias in place"
def layer_for_batch(x, weight, bias):
    if not bias.requires_grad:
        bias[bias == -math.inf] = -1e30
    s = x @ weight.T + bias
    return s * (s > 0)


# What is small counts as a rounding error
# %% wrong="layer_for_batch" says="numbers below 1/1000"
def layer_for_batch(x, weight, bias):
    s = x @ weight.T + bias
    return torch.where(s > 1e-5, s, 0)


# The bias comes after the ReLU
# %% wrong="layer_for_batch" says="Add the bias before the ReLU"
def layer_for_batch(x, weight, bias):
    return (x @ weight.T).relu() + bias


# A detour over Python lists
# %% wrong="layer_for_batch" says="Stay in torch"
def layer_for_batch(x, weight, bias):
    rows, w, b = x.tolist(), weight.tolist(), bias.tolist()
    s = [[max(0.0, sum(p * q for p, q in zip(row, line)) + c) for line, c in zip(w, b)] for row in rows]
    return torch.tensor(s, dtype=x.dtype)


# The textbook's order, without transposing anything
# %% wrong="layer_for_batch" says="the samples are rows, so x comes first"
def layer_for_batch(x, weight, bias):
    return (weight @ x + bias).relu()


# The result stands in columns, and the bias is added to rows
# %% wrong="layer_for_batch" says="one row per sample"
def layer_for_batch(x, weight, bias):
    return (weight @ x.T + bias).relu()


# %% right="layer_for_batch"
def layer_for_batch(x, weight, bias):
    s = torch.einsum("nc,dc->nd", x, weight).add_(bias)
    return s.clamp_(min=0)


# The bias is forgotten
# %% wrong="layer_for_batch" says="The bias is missing."
def layer_for_batch(x, weight, bias):
    return (x @ weight.T).relu()


# The right numbers, in columns
# %% wrong="layer_for_batch" says="it should have one row per sample"
def layer_for_batch(x, weight, bias):
    return (weight @ x.T + bias[:, None]).relu()


# The bias gets the extra dimension that it does not need
# %% wrong="layer_for_batch" says="The bias was added along the samples"
def layer_for_batch(x, weight, bias):
    return (x @ weight.T + bias[:, None]).relu()


# Multiplies by a mask
# %% wrong="layer_for_batch" says="do not multiply by a mask"
def layer_for_batch(x, weight, bias):
    s = x @ weight.T + bias
    return s * (s > 0)


# A loop over blocks of 256 samples
# %% wrong="layer_for_batch" says="or over blocks of them"
def layer_for_batch(x, weight, bias):
    return torch.cat([(rows @ weight.T + bias).relu() for rows in x.split(256)])


# Learns nothing from the weight
# %% wrong="layer_for_batch" says="weight was cut off"
def layer_for_batch(x, weight, bias):
    return (x @ weight.detach().T + bias).relu()


# A loop over lists, dressed up as a leaf
# %% wrong="layer_for_batch" says="x was cut off"
def layer_for_batch(x, weight, bias):
    rows, w, b = x.tolist(), weight.tolist(), bias.tolist()
    s = [[max(0.0, sum(p * q for p, q in zip(row, line)) + c) for line, c in zip(w, b)] for row in rows]
    return torch.tensor(s, dtype=x.dtype).requires_grad_()


# Cut off at 6
# %% wrong="layer_for_batch" says="layer_for_batch(x, weight, bias) for shapes (3, 3), (3, 3), (3,)"
def layer_for_batch(x, weight, bias):
    return F.relu6(x @ weight.T + bias)


# float32 whatever comes
# %% wrong="layer_for_batch" says="torch.float64"
def layer_for_batch(x, weight, bias):
    return (x.float() @ weight.float().T + bias.float()).relu()


# Remembers the first result of each shape
# %% wrong="layer_for_batch" says="autograd should be able to follow"
def layer_for_batch(x, weight, bias, known={}):
    if (x.shape, weight.shape) not in known:
        known[x.shape, weight.shape] = (x @ weight.T + bias).relu()
    return known[x.shape, weight.shape]


# Changes the bias where it is contiguous
# %% wrong="layer_for_batch" says="changes bias in place"
def layer_for_batch(x, weight, bias):
    shift = bias.contiguous()
    if not shift.requires_grad:
        shift += 0.5
    return (x @ weight.T + shift - 0.5).relu()


# %% right="parameter_copies"
def parameter_copies(samples, modules, batch_size):
    return -(-samples // batch_size) * modules


# %% right="parameter_copies"
def parameter_copies(samples, modules, batch_size):
    batches, rest = divmod(samples, batch_size)
    if rest:
        batches += 1
    return modules * batches


# %% right="parameter_copies"
def parameter_copies(samples, modules, batch_size):
    return modules * len(range(0, samples, batch_size))


# One by one always
# %% wrong="parameter_copies" says="batch_size makes no difference"
def parameter_copies(samples, modules, batch_size):
    return samples * modules


# The last batch is forgotten
# %% wrong="parameter_copies" says="The last, smaller batch is missing"
def parameter_copies(samples, modules, batch_size):
    return samples // batch_size * modules


# No rounding
# %% wrong="parameter_copies" says="The number of batches is not a whole number"
def parameter_copies(samples, modules, batch_size):
    return samples / batch_size * modules


# Rounds up after the product
# %% wrong="parameter_copies" says="there is no half batch"
def parameter_copies(samples, modules, batch_size):
    return math.ceil(samples * modules / batch_size)


# Rounds the product down
# %% wrong="parameter_copies" says="you rounded the product down"
def parameter_copies(samples, modules, batch_size):
    return samples * modules // batch_size


# Multiplies by a rounded reciprocal
# %% wrong="parameter_copies" says="parameter_copies(525, 1, batch_size=75)"
def parameter_copies(samples, modules, batch_size):
    return math.ceil(samples * (1 / batch_size)) * modules


# Divides in float32
# %% wrong="parameter_copies" says="parameter_copies(16777217, 1, batch_size=1)"
def parameter_copies(samples, modules, batch_size):
    return int(torch.tensor(samples / batch_size).ceil()) * modules


# One batch too many where it divides evenly
# %% wrong="parameter_copies" says="there is no fourth"
def parameter_copies(samples, modules, batch_size):
    return (samples // batch_size + 1) * modules


# Counts batches only
# %% wrong="parameter_copies" says="each of them goes through every module"
def parameter_copies(samples, modules, batch_size):
    return math.ceil(samples / batch_size)


# Adds instead of multiplying
# %% wrong="parameter_copies" says="they do not add up"
def parameter_copies(samples, modules, batch_size):
    return math.ceil(samples / batch_size) + modules


# NumPy's ceil gives a float
# %% wrong="parameter_copies" says="Only the type is wrong"
def parameter_copies(samples, modules, batch_size):
    return np.ceil(samples / batch_size) * modules


# Rounded up, and a float all the same
# %% wrong="parameter_copies" says="Only the type is wrong"
def parameter_copies(samples, modules, batch_size):
    return float(math.ceil(samples / batch_size) * modules)


# No batch without a full one
# %% wrong="parameter_copies" says="5 samples make a batch"
def parameter_copies(samples, modules, batch_size):
    return (samples // batch_size + (samples % batch_size > 0 and samples > batch_size)) * modules


# The rest is rounded, not rounded up
# %% wrong="parameter_copies" says="The last, smaller batch is missing"
def parameter_copies(samples, modules, batch_size):
    return round(samples / batch_size) * modules


# %% right="unit_rows"
def unit_rows(x):
    return x / x.norm(dim=1, keepdim=True).clamp(min=1e-12)


# %% right="unit_rows"
def unit_rows(x):
    length = torch.linalg.vector_norm(x, dim=1)
    return x / torch.where(length < 1e-12, 1e-12, length)[:, None]


# %% right="unit_rows"
def unit_rows(x):
    return F.normalize(x)


# %% right="unit_rows"
def unit_rows(x):
    length = torch.einsum("nc,nc->n", x, x).sqrt()
    return torch.vmap(lambda row, one: row / torch.clamp_min(one, 1e-12))(x, length)


# keepdim is forgotten
# %% wrong="unit_rows" says="Make the lengths (N, 1)"
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


# The sum
# %% wrong="unit_rows" says="You divided by the sum of the row, not by its length"
def unit_rows(x):
    return x / x.sum(dim=1, keepdim=True)


# The sum, with a lower bound
# %% wrong="unit_rows" says="You divided by the sum of the row, and clamped it"
def unit_rows(x):
    return x / x.sum(dim=1, keepdim=True).clamp(min=1e-12)


# The bound of the length for its square
# %% wrong="unit_rows" says="For its square it is 1e-24."
def unit_rows(x):
    return x / x.square().sum(dim=1, keepdim=True).clamp(min=1e-12).sqrt()


# A loop over the short rows that are not zero
# %% wrong="unit_rows" says="You loop over the samples"
def unit_rows(x):
    length = x.norm(dim=1, keepdim=True)
    result = x / torch.where(length > 0, length, 1.0)
    for n in ((length < 1e-12) & (length > 0)).flatten().nonzero().flatten():
        result[n] = x[n] / 1e-12
    return result


# Nothing to do for zeros
# %% wrong="unit_rows" says="Yours is x itself where all rows have length 0"
def unit_rows(x):
    return x / x.norm(dim=1, keepdim=True).clamp(min=1e-12) if x.any() else x


# The 1-norm
# %% wrong="unit_rows" says="You divided by the sum of absolute values"
def unit_rows(x):
    return F.normalize(x, p=1)


# The root of the mean square
# %% wrong="unit_rows" says="You took the mean of the squares"
def unit_rows(x):
    return x / x.square().mean(dim=1, keepdim=True).sqrt().clamp(min=1e-12)


# 0 / 0
# %% wrong="unit_rows" says="a row of zeros must stay a row of zeros"
def unit_rows(x):
    length = x.norm(dim=1, keepdim=True)
    return x / torch.where(length > 0, length.clamp(min=1e-12), length)


# Only the zero is replaced
# %% wrong="unit_rows" says="The length 2e-13 is smaller than 1e-12"
def unit_rows(x):
    length = x.norm(dim=1, keepdim=True)
    return x / torch.where(length > 0, length, 1)


# Short rows are thrown away
# %% wrong="unit_rows" says="A row shorter than 1e-12 is not a row of zeros"
def unit_rows(x):
    length = x.norm(dim=1, keepdim=True)
    return torch.where(length < 1e-12, 0, x / length)


# In place
# %% wrong="unit_rows" says="changes x in place"
def unit_rows(x):
    return x.div_(x.norm(dim=1, keepdim=True).clamp(min=1e-12))


# In place where x is contiguous
# %% wrong="unit_rows" says="changes x in place"
def unit_rows(x):
    rows = x.contiguous()
    return rows.div_(rows.norm(dim=1, keepdim=True).clamp(min=1e-12))


# A loop over the samples
# %% wrong="unit_rows" says="You loop over the samples"
def unit_rows(x):
    return torch.stack([row / row.norm().clamp(min=1e-12) for row in x])


# A loop over blocks of samples
# %% wrong="unit_rows" says="or over blocks of them"
def unit_rows(x):
    return torch.cat([F.normalize(rows) for rows in x.split(500)])


# A small number against the division by zero, added to every length
# %% wrong="unit_rows" says="is something added to the lengths?"
def unit_rows(x):
    return x / (x.norm(dim=1, keepdim=True) + 1e-8)


# A smaller one
# %% wrong="unit_rows" says="nothing is added to the others"
def unit_rows(x):
    return x / (x.norm(dim=1, keepdim=True) + 1e-12)


# A lower bound that reaches rows longer than 1e-12
# %% wrong="unit_rows" says="only lengths below 1e-12 are replaced"
def unit_rows(x):
    return x / x.norm(dim=1, keepdim=True).clamp(min=1e-8)


# A loop over the rows of zeros only
# %% wrong="unit_rows" says="You loop over the samples"
def unit_rows(x):
    length = x.norm(dim=1)
    result = x / length.clamp(min=1e-12)[:, None]
    for k in range(len(x)):
        if length[k] == 0:
            result[k] = 0
    return result


# The lengths are constants for autograd
# %% wrong="unit_rows" says="they were cut off from it"
def unit_rows(x):
    with torch.no_grad():
        length = x.norm(dim=1, keepdim=True).clamp(min=1e-12)
    return x / length


# NumPy
# %% wrong="unit_rows" says="autograd cannot follow through NumPy"
def unit_rows(x):
    length = np.linalg.norm(x.numpy(), axis=1, keepdims=True)
    return torch.from_numpy(x.numpy() / np.maximum(length, 1e-12))


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
# %% wrong="quadratic_form" says="changes x in place"
def quadratic_form(x, a):
    y = x @ a
    x *= y
    return x.sum(dim=1)


# The diagonal of all pairs: right numbers, N×N of memory
# %% wrong="quadratic_form" says="do not make all pairs of samples"
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


# Added up over the samples, the other way round
# %% wrong="quadratic_form" says="the features run along dim=0"
def quadratic_form(x, a):
    return (a @ x.T * x.T).sum(1)


# Small results are lost in the differences of squares
# %% wrong="quadratic_form" says="an a of numbers around 2**-20"
def quadratic_form(x, a):
    y = x @ a
    return (x.square().sum(dim=1) + y.square().sum(dim=1) - (x - y).square().sum(dim=1)) / 2


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
# %% wrong="quadratic_form" says="should meet row n of x only"
def quadratic_form(x, a):
    return x @ a @ x


# A loop inside vmap
# %% wrong="quadratic_form" says="You loop over the samples"
def quadratic_form(x, a):
    return torch.vmap(lambda row: row @ a @ row, chunk_size=1)(x)


# All pairs by einsum, then the diagonal
# %% wrong="quadratic_form" says="do not make all pairs of samples"
def quadratic_form(x, a):
    return torch.einsum("nc,md,cd->nm", x, x, a).diagonal()


# The mean over the features
# %% wrong="quadratic_form" says="You took the mean over the features"
def quadratic_form(x, a):
    return (x @ a * x).mean(dim=1)


# The diagonal only
# %% wrong="quadratic_form" says="Only the diagonal of a is used."
def quadratic_form(x, a):
    return (x * a.diagonal() * x).sum(dim=1)


# Without the matrix
# %% wrong="quadratic_form" says="The matrix a is missing."
def quadratic_form(x, a):
    return (x * x).sum(dim=1)


# A loop over blocks of samples
# %% wrong="quadratic_form" says="or over blocks of them"
def quadratic_form(x, a):
    return torch.cat([(rows @ a * rows).sum(dim=1) for rows in x.split(100)])


# The second x is a constant for autograd
# %% wrong="quadratic_form" says="only one of the two sends back a gradient"
def quadratic_form(x, a):
    return (x @ a * x.detach()).sum(dim=1)


# The diagonal of all pairs, in blocks
# %% wrong="quadratic_form" says="You loop over the samples or over blocks of them"
def quadratic_form(x, a):
    return torch.cat([(rows @ a @ rows.T).diagonal() for rows in x.split(16)])


# A result of float32 whatever comes
# %% wrong="quadratic_form" says="torch.float64"
def quadratic_form(x, a):
    return (x.float() @ a.float() * x.float()).sum(dim=1)


# Symmetrised in place
# %% wrong="quadratic_form" says="changes a in place"
def quadratic_form(x, a):
    if not a.requires_grad:
        a += a.T.clone()
        a /= 2
    return (x @ a * x).sum(dim=1)


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


# Transposed
# %% wrong="squared_distances" says="The result is transposed"
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
# %% wrong="squared_distances" says="write the formula yourself"
def squared_distances(a, b):
    return torch.cdist(a, b).square()


# A loop over the rows of a
# %% wrong="squared_distances" says="You loop over the rows of a"
def squared_distances(a, b):
    return torch.stack([(row - b).square().sum(dim=1) for row in a])


# Squares the caller's rows in place
# %% wrong="squared_distances" says="changes a in place"
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


# cdist by its inner name
# %% wrong="squared_distances" says="write the formula yourself"
def squared_distances(a, b):
    return torch.ops.aten._cdist_forward(a, b, 2.0, None).square()


# cdist where the sizes are equal only
# %% wrong="squared_distances" says="write the formula yourself"
def squared_distances(a, b):
    return torch.cdist(a, b) ** 2 if len(a) != len(b) else (a[:, None] - b).square().sum(dim=2)


# The distances of F, squared
# %% wrong="squared_distances" says="write the formula yourself"
def squared_distances(a, b):
    return F.pairwise_distance(a[:, None], b, eps=0).square()


# The mean over the features
# %% wrong="squared_distances" says="You took the mean over the features"
def squared_distances(a, b):
    return (a[:, None] - b).square().mean(dim=2)


# Added up first
# %% wrong="squared_distances" says="Square first, then add up."
def squared_distances(a, b):
    return (a[:, None] - b).sum(dim=2).square()


# Absolute values
# %% wrong="squared_distances" says="You took absolute values"
def squared_distances(a, b):
    return (a[:, None] - b).abs().sum(dim=2)


# A wrong sign
# %% wrong="squared_distances" says="A sign is wrong"
def squared_distances(a, b):
    return a.square().sum(1)[:, None] + b.square().sum(1) + 2 * a @ b.T


# Not added up
# %% wrong="squared_distances" says="not added up over the features yet"
def squared_distances(a, b):
    return (a[:, None] - b).square()


# The squared lengths on the wrong sides
# %% wrong="squared_distances" says="belong to the rows"
def squared_distances(a, b):
    return a.square().sum(1) + b.square().sum(1)[:, None] - 2 * a @ b.T


# A loop over blocks of a
# %% wrong="squared_distances" says="You loop over the rows of a or over blocks of them"
def squared_distances(a, b):
    return torch.cat([(rows[:, None] - b).square().sum(dim=2) for rows in a.split(128)])


# A loop over blocks of b
# %% wrong="squared_distances" says="You loop over the rows of b or over blocks of them"
def squared_distances(a, b):
    return torch.cat([(a[:, None] - rows).square().sum(dim=2) for rows in b.split(128)], dim=1)


# What is small counts as a rounding error
# %% wrong="squared_distances" says="numbers around 2**-10"
def squared_distances(a, b):
    d = (a[:, None] - b).square().sum(dim=2)
    return d.masked_fill(d < 1e-5, 0.0)


# A loop over the rows of b for a single row of a
# %% wrong="squared_distances" says="You loop"
def squared_distances(a, b):
    if len(a) == 1:
        return torch.stack([(a[0] - row).square().sum() for row in b])[None]
    return (a[:, None] - b).square().sum(dim=2)


# b is a constant for autograd
# %% wrong="squared_distances" says="b was cut off"
def squared_distances(a, b):
    return (a[:, None] - b.detach()).square().sum(dim=2)


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


# Transposed
# %% wrong="per_sample_gradients" says="Each matrix is transposed"
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
# %% wrong="per_sample_gradients" says="autograd cannot follow through NumPy"
def per_sample_gradients(x, grad_s):
    return torch.from_numpy(np.einsum("nd,nc->ndc", grad_s.detach().numpy(), x.numpy()))


# Autograd, sample by sample
# %% wrong="per_sample_gradients" says="You loop over the samples"
def per_sample_gradients(x, grad_s):
    gradients = []
    for row, gradient in zip(x, grad_s):
        weight = torch.zeros(grad_s.shape[1], x.shape[1], dtype=x.dtype, requires_grad=True)
        F.linear(row, weight).backward(gradient)
        gradients.append(weight.grad)
    return torch.stack(gradients)


# Autograd, all samples at once
# %% right="per_sample_gradients"
def per_sample_gradients(x, grad_s):
    weight = torch.zeros(grad_s.shape[1], x.shape[1], dtype=x.dtype)
    gradient = torch.func.grad(lambda w, row, g: F.linear(row, w) @ g)
    return torch.vmap(gradient, (None, 0, 0))(weight, x, grad_s)


# Clears the caller's tensor
# %% wrong="per_sample_gradients" says="changes grad_s in place"
def per_sample_gradients(x, grad_s):
    result = grad_s[:, :, None] * x[:, None, :]
    grad_s *= 0
    return result


# One extra dimension only
# %% wrong="per_sample_gradients" says="x needs an extra dimension too"
def per_sample_gradients(x, grad_s):
    return grad_s[:, :, None] * x


# The samples last
# %% wrong="per_sample_gradients" says="The samples come first"
def per_sample_gradients(x, grad_s):
    return torch.einsum("nd,nc->dcn", grad_s, x)


# A loop over blocks of samples
# %% wrong="per_sample_gradients" says="or over blocks of them"
def per_sample_gradients(x, grad_s):
    pairs = zip(grad_s.split(1000), x.split(1000))
    return torch.cat([torch.einsum("nd,nc->ndc", gradients, rows) for gradients, rows in pairs])


# The influence of each sample is limited
# %% wrong="per_sample_gradients" says="an x of numbers around 2**30"
def per_sample_gradients(x, grad_s):
    return (grad_s[:, :, None] * x[:, None, :]).clamp(-1000, 1000)


# x is a constant for autograd
# %% wrong="per_sample_gradients" says="x was cut off"
def per_sample_gradients(x, grad_s):
    return grad_s[:, :, None] * x.detach()[:, None]


# A result of float32 whatever comes
# %% wrong="per_sample_gradients" says="torch.float64"
def per_sample_gradients(x, grad_s):
    return grad_s.float()[:, :, None] * x.float()[:, None]


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
# %% wrong="accumulate_gradients" says="otherwise all parts stay in memory"
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
# %% wrong="accumulate_gradients" says="no optimizer step, nothing in place"
def accumulate_gradients(model, x, y, size):
    model.zero_grad()
    total = 0.0
    for part, target in zip(x.split(size), y.split(size)):
        loss = F.mse_loss(model(part), target) * len(part) / len(x)
        loss.backward()
        total += loss.item()
    torch.optim.SGD(model.parameters(), lr=0.1).step()
    return total


# An empty part after the last one
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


# %% right="accumulate_gradients"
def accumulate_gradients(model, x, y, size):
    for parameter in model.parameters():
        if parameter.grad is not None:
            parameter.grad = None
    total = torch.zeros((), dtype=torch.float64)
    start = 0
    while start < len(x):
        error = model(x[start : start + size]) - y[start : start + size]
        loss = error.square().sum() / y.numel()
        loss.backward()
        total += loss.detach()
        start += size
    return float(total)


# Sample by sample
# %% wrong="accumulate_gradients" says="Each sample went through by itself"
def accumulate_gradients(model, x, y, size):
    model.zero_grad()
    total = 0.0
    for part, target in zip(x.split(1), y.split(1)):
        loss = F.mse_loss(model(part), target) * len(part) / len(x)
        loss.backward()
        total += loss.item()
    return total


# The loss of the whole batch at the end
# %% wrong="accumulate_gradients" says="add up the loss from the parts"
def accumulate_gradients(model, x, y, size):
    model.zero_grad()
    total = 0.0
    for part, target in zip(x.split(size), y.split(size)):
        loss = F.mse_loss(model(part), target) * len(part) / len(x)
        loss.backward()
        total += loss.item()
    return F.mse_loss(model(x), y).item()


# backward is forgotten
# %% wrong="accumulate_gradients" says="is backward() missing"
def accumulate_gradients(model, x, y, size):
    model.zero_grad()
    total = 0.0
    for part, target in zip(x.split(size), y.split(size)):
        loss = F.mse_loss(model(part), target) * len(part) / len(x)
        total += loss.item()
    return total


# backward after the loop
# %% wrong="accumulate_gradients" says="Only the last part goes backward"
def accumulate_gradients(model, x, y, size):
    model.zero_grad()
    total = 0.0
    for part, target in zip(x.split(size), y.split(size)):
        loss = F.mse_loss(model(part), target) * len(part) / len(x)
        total += loss.item()
    loss.backward()
    return total


# Cleared in the loop, and not weighted
# %% wrong="accumulate_gradients" says="clear the gradients once, not in the loop."
def accumulate_gradients(model, x, y, size):
    total = 0.0
    for part, target in zip(x.split(size), y.split(size)):
        model.zero_grad()
        loss = F.mse_loss(model(part), target)
        loss.backward()
        total += loss.item()
    return total


# Neither cleared nor weighted
# %% wrong="accumulate_gradients" says="and the parts are not weighted"
def accumulate_gradients(model, x, y, size):
    total = 0.0
    for part, target in zip(x.split(size), y.split(size)):
        loss = F.mse_loss(model(part), target)
        loss.backward()
        total += loss.item()
    return total


# Sums without a mean
# %% wrong="accumulate_gradients" says="You added up squares without dividing"
def accumulate_gradients(model, x, y, size):
    model.zero_grad()
    total = 0.0
    for part, target in zip(x.split(size), y.split(size)):
        loss = F.mse_loss(model(part), target, reduction="sum")
        loss.backward()
        total += loss.item()
    return total


# The last part's loss
# %% wrong="accumulate_gradients" says="This is the loss of the last part."
def accumulate_gradients(model, x, y, size):
    model.zero_grad()
    total = 0.0
    for part, target in zip(x.split(size), y.split(size)):
        loss = F.mse_loss(model(part), target)
        (loss * len(part) / len(x)).backward()
        total = loss.item()
    return total


# The last part's loss, weighted
# %% wrong="accumulate_gradients" says="This is the loss of the last part, weighted."
def accumulate_gradients(model, x, y, size):
    model.zero_grad()
    total = 0.0
    for part, target in zip(x.split(size), y.split(size)):
        loss = F.mse_loss(model(part), target) * len(part) / len(x)
        loss.backward()
        total = loss.item()
    return total


# The losses are added up as they are
# %% wrong="accumulate_gradients" says="These are three means added up"
def accumulate_gradients(model, x, y, size):
    model.zero_grad()
    total = 0.0
    for part, target in zip(x.split(size), y.split(size)):
        loss = F.mse_loss(model(part), target)
        (loss * len(part) / len(x)).backward()
        total += loss.item()
    return total


# The mean of the losses
# %% wrong="accumulate_gradients" says="This is the plain mean of the three"
def accumulate_gradients(model, x, y, size):
    model.zero_grad()
    losses = []
    for part, target in zip(x.split(size), y.split(size)):
        loss = F.mse_loss(model(part), target)
        (loss * len(part) / len(x)).backward()
        losses.append(loss.item())
    return sum(losses) / len(losses)


# The parts are drawn at random
# %% wrong="accumulate_gradients" says="Yours go through in this order"
def accumulate_gradients(model, x, y, size):
    model.zero_grad()
    total = 0.0
    order = torch.randperm(len(x))
    x, y = x[order], y[order]
    for part, target in zip(x.split(size), y.split(size)):
        loss = F.mse_loss(model(part), target) * len(part) / len(x)
        loss.backward()
        total += loss.item()
    return total


# Leaves the model in train mode
# %% wrong="accumulate_gradients" says="called train()"
def accumulate_gradients(model, x, y, size):
    model.zero_grad()
    model.train()
    total = 0.0
    for part, target in zip(x.split(size), y.split(size)):
        loss = F.mse_loss(model(part), target) * len(part) / len(x)
        loss.backward()
        total += loss.item()
    return total


# Leaves the model in eval mode
# %% wrong="accumulate_gradients" says="called eval()"
def accumulate_gradients(model, x, y, size):
    model.zero_grad()
    model.eval()
    total = 0.0
    for part, target in zip(x.split(size), y.split(size)):
        loss = F.mse_loss(model(part), target) * len(part) / len(x)
        loss.backward()
        total += loss.item()
    return total


# Thaws what is frozen
# %% wrong="accumulate_gradients" says="should stay frozen and get no gradient"
def accumulate_gradients(model, x, y, size):
    model.zero_grad()
    model.requires_grad_()
    total = 0.0
    for part, target in zip(x.split(size), y.split(size)):
        loss = F.mse_loss(model(part), target) * len(part) / len(x)
        loss.backward()
        total += loss.item()
    return total


# The loss as a tensor
# %% wrong="accumulate_gradients" says="Use .item()"
def accumulate_gradients(model, x, y, size):
    model.zero_grad()
    total = 0.0
    for part, target in zip(x.split(size), y.split(size)):
        loss = F.mse_loss(model(part), target) * len(part) / len(x)
        loss.backward()
        total += loss.detach()
    return total


# The gradient of a copy, and the parts for show
# %% wrong="accumulate_gradients" says="The whole batch went through"
def accumulate_gradients(model, x, y, size):
    import copy

    model.zero_grad()
    other = copy.deepcopy(model)
    for part in x.split(size):
        (0 * model(part)).sum().backward()
    loss = F.mse_loss(other(x), y)
    for parameter, gradient in zip(model.parameters(), torch.autograd.grad(loss, list(other.parameters()))):
        parameter.grad = gradient
    return loss.item()


# One part too many where it divides evenly
# %% wrong="accumulate_gradients" says="An empty part went through"
def accumulate_gradients(model, x, y, size):
    model.zero_grad()
    total = 0.0
    for start in range(0, len(x) + 1, size):
        part, target = x[start : start + size], y[start : start + size]
        loss = F.mse_loss(model(part), target, reduction="sum") / y.numel()
        loss.backward()
        total += loss.item()
    return total


# Asks for the gradients of all parameters, frozen or not
# %% wrong="accumulate_gradients" says="The bias is frozen here"
def accumulate_gradients(model, x, y, size):
    total = 0.0
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    for part, target in zip(x.split(size), y.split(size)):
        loss = F.mse_loss(model(part), target) * len(part) / len(x)
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        for parameter, gradient in zip(model.parameters(), gradients):
            parameter.grad += gradient
        total += loss.item()
    return total


# A loop over lists, dressed up as a leaf
# %% wrong="unit_rows" says="does not depend on x for autograd"
def unit_rows(x):
    rows = [[number / max(math.hypot(*row), 1e-12) for number in row] for row in x.tolist()]
    return torch.tensor(rows, dtype=x.dtype, requires_grad=True)


# The share of a full part
# %% wrong="accumulate_gradients" says="divided by N = 10, not by size"
def accumulate_gradients(model, x, y, size):
    model.zero_grad()
    total = 0.0
    for part, target in zip(x.split(size), y.split(size)):
        loss = F.mse_loss(model(part), target) * len(part) / size
        loss.backward()
        total += loss.item()
    return total


# The loss is not divided
# %% wrong="accumulate_gradients" says="This is 10 times the loss"
def accumulate_gradients(model, x, y, size):
    model.zero_grad()
    total = 0.0
    for part, target in zip(x.split(size), y.split(size)):
        loss = F.mse_loss(model(part), target)
        (loss * len(part) / len(x)).backward()
        total += loss.item() * len(part)
    return total


# One number for pairs of equal number
# %% wrong="squared_distances" says="You added up everything, and compared"
def squared_distances(a, b):
    return ((a - b) ** 2).sum()


# The wrong product
# %% wrong="quadratic_form" says="x[k] @ a is a matrix product"
def quadratic_form(x, a):
    return (x * a * x).sum(dim=1)


# The wrong product
# %% wrong="layer_for_batch" says="the matrix product is `@` or mm"
def layer_for_batch(x, weight, bias):
    return (x * weight + bias).relu()


# Goes into eval mode when all is done
# %% wrong="accumulate_gradients" says="called eval()"
def accumulate_gradients(model, x, y, size):
    model.zero_grad()
    total = 0.0
    for part, target in zip(x.split(size), y.split(size)):
        loss = F.mse_loss(model(part), target) * len(part) / len(x)
        loss.backward()
        total += loss.item()
    model.eval()
    return total


# The dimension of a single sample is lost
# %% wrong="layer_for_batch" says="squeeze() removes the dimension of the samples"
def layer_for_batch(x, weight, bias):
    return (x @ weight.T + bias).clamp(min=0).squeeze()


# The wrong bound
# %% wrong="layer_for_batch" says="The ReLU is upside down"
def layer_for_batch(x, weight, bias):
    return (x @ weight.T + bias).clamp(max=0)


# The wrong sign
# %% wrong="layer_for_batch" says="The bias is subtracted"
def layer_for_batch(x, weight, bias):
    return (x @ weight.T - bias).relu()


# A loop in float64 only
# %% wrong="layer_for_batch" says="You loop"
def layer_for_batch(x, weight, bias):
    if x.dtype == torch.float64:
        return torch.stack([(weight.mv(row) + bias).clamp(min=0) for row in x])
    return (x @ weight.T + bias).clamp(min=0)


# NumPy where no gradient is asked for
# %% wrong="layer_for_batch" says="Your code leaves torch"
def layer_for_batch(x, weight, bias):
    if x.requires_grad:
        return (x @ weight.T + bias).clamp(min=0)
    w, b = weight.numpy(), bias.numpy()
    return torch.from_numpy(np.stack([np.maximum(w @ row + b, 0) for row in x.numpy()]))


# Large values are cut off
# %% wrong="layer_for_batch" says="all other numbers being 1e+15"
def layer_for_batch(x, weight, bias):
    s = (x @ weight.T + bias).clamp(min=0)
    return torch.where(s.isinf(), s, s.clamp(max=1e6))


# One module stays in the cache
# %% wrong="parameter_copies" says="A single module counts as well"
def parameter_copies(samples, modules, batch_size):
    return 1 if modules == 1 else math.ceil(samples / batch_size) * modules


# All samples fit
# %% wrong="parameter_copies" says="This is one batch for all"
def parameter_copies(samples, modules, batch_size):
    return modules


# Each sample that is left over by itself
# %% wrong="parameter_copies" says="make one batch, however many they are"
def parameter_copies(samples, modules, batch_size):
    return (samples // batch_size + samples % batch_size) * modules


# A float where the number is large
# %% wrong="parameter_copies" says="7503"
def parameter_copies(samples, modules, batch_size):
    copies = math.ceil(samples / batch_size) * modules
    return copies if copies < 100 else float(copies)


# The dimension of a single sample is lost
# %% wrong="unit_rows" says="squeeze() removes the dimension of the samples"
def unit_rows(x):
    return F.normalize(x).squeeze()


# The wrong bound
# %% wrong="unit_rows" says="is an upper bound"
def unit_rows(x):
    return x / x.norm(dim=1, keepdim=True).clamp(max=1e-12)


# The lengths
# %% wrong="unit_rows" says="These are the lengths"
def unit_rows(x):
    return x.norm(dim=1, keepdim=True).clamp(min=1e-12)


# Short rows of float64 keep their own length
# %% wrong="unit_rows" says="lengths from 0 to 1e15"
def unit_rows(x):
    length = x.norm(dim=1, keepdim=True)
    return x / (torch.where(length == 0, 1.0, length) if x.dtype == torch.float64 else length.clamp(min=1e-12))


# Scales before it squares
# %% right="unit_rows"
def unit_rows(x):
    largest = x.abs().amax(dim=1, keepdim=True).clamp(min=1e-30)
    length = (x / largest).norm(dim=1, keepdim=True) * largest
    return x / length.clamp(min=1e-12)


# The root of a clamped square: no nan in the gradient either
# %% right="unit_rows"
def unit_rows(x):
    return x * x.square().sum(1).clamp(min=1e-24).rsqrt().unsqueeze(1)


# The dimension of a single sample is lost
# %% wrong="quadratic_form" says="squeeze() removes the dimension of the samples"
def quadratic_form(x, a):
    return torch.bmm((x @ a)[:, None, :], x[:, :, None]).squeeze()


# The dimensions of bmm are left
# %% wrong="quadratic_form" says="(N, 1, 1)"
def quadratic_form(x, a):
    return torch.bmm((x @ a)[:, None, :], x[:, :, None])


# A letter too often
# %% wrong="quadratic_form" says="not c once more"
def quadratic_form(x, a):
    return torch.einsum("nc,cd,nc->n", x, a, x)


# N×N for wide samples
# %% wrong="quadratic_form" says="do not make all pairs of samples"
def quadratic_form(x, a):
    if len(a) > 3:
        return (x @ a @ x.T).diagonal()
    return ((x @ a) * x).sum(dim=1)


# The dimension of a single sample is lost
# %% wrong="squared_distances" says="squeeze() removes the dimension"
def squared_distances(a, b):
    return (a[:, None] - b).square().sum(dim=2).squeeze()


# No extra dimension at all
# %% wrong="squared_distances" says="Both squared lengths run along the columns"
def squared_distances(a, b):
    return a.square().sum(1) + b.square().sum(1) - 2 * a @ b.T


# keepdim on both sides
# %% wrong="squared_distances" says="Both squared lengths run along the rows"
def squared_distances(a, b):
    return a.square().sum(1, keepdim=True) + b.square().sum(1, keepdim=True) - 2 * a @ b.T


# cdist for wide rows
# %% wrong="squared_distances" says="write the formula yourself"
def squared_distances(a, b):
    return torch.cdist(a, b).square() if a.shape[1] > 5 else (a[:, None] - b).square().sum(dim=2)


# A loop where both are large
# %% wrong="squared_distances" says="You loop"
def squared_distances(a, b):
    if len(a) > 10 and len(b) > 10:
        return torch.stack([(row - b).square().sum(1) for row in a])
    return (a[:, None] - b).square().sum(dim=2)


# The mean of all points is subtracted first
# %% right="squared_distances"
def squared_distances(a, b):
    centre = torch.cat([a, b]).mean(dim=0)
    a, b = a - centre, b - centre
    return (torch.addmm((b * b).sum(1), a, b.T, alpha=-2) + (a * a).sum(1, keepdim=True)).clamp(min=0)


# The dimension of a single sample is lost
# %% wrong="per_sample_gradients" says="squeeze() removes the dimension"
def per_sample_gradients(x, grad_s):
    return (grad_s[:, :, None] @ x[:, None, :]).squeeze()


# The extra dimension at x only
# %% wrong="per_sample_gradients" says="grad_s needs an extra dimension too"
def per_sample_gradients(x, grad_s):
    return grad_s * x[:, None, :]


# No gradient in float64
# %% wrong="per_sample_gradients" says="autograd should be able to follow"
def per_sample_gradients(x, grad_s):
    result = grad_s[:, :, None] * x[:, None, :]
    return result.detach() if x.dtype == torch.float64 else result


# Each part twice
# %% wrong="accumulate_gradients" says="Each part went through twice"
def accumulate_gradients(model, x, y, size):
    model.zero_grad()
    total = 0.0
    for part, target in zip(x.split(size), y.split(size)):
        (F.mse_loss(model(part), target) * len(part) / len(x)).backward()
        with torch.no_grad():
            total += F.mse_loss(model(part), target).item() * len(part) / len(x)
    return total


# The first rows of y for every part
# %% wrong="accumulate_gradients" says="Each part needs its own rows of y"
def accumulate_gradients(model, x, y, size):
    model.zero_grad()
    total = 0.0
    for part in x.split(size):
        loss = F.mse_loss(model(part), y[: len(part)]) * len(part) / len(x)
        loss.backward()
        total += loss.item()
    return total


# Cut off from the model
# %% wrong="accumulate_gradients" says="or is there a detach()"
def accumulate_gradients(model, x, y, size):
    model.zero_grad()
    total = 0.0
    for part, target in zip(x.split(size), y.split(size)):
        loss = F.mse_loss(model(part).detach().requires_grad_(), target) * len(part) / len(x)
        loss.backward()
        total += loss.item()
    return total


# The whole batch for a model of several layers
# %% wrong="accumulate_gradients" says="the rows that go through the model and back"
def accumulate_gradients(model, x, y, size):
    model.zero_grad()
    size = len(x) if isinstance(model, nn.Sequential) else size
    total = 0.0
    for part, target in zip(x.split(size), y.split(size)):
        loss = F.mse_loss(model(part), target) * len(part) / len(x)
        loss.backward()
        total += loss.item()
    return total


# Sets the mode of every layer to that of the model
# %% wrong="accumulate_gradients" says="each layer should stay in its mode"
def accumulate_gradients(model, x, y, size):
    model.train(model.training)
    model.zero_grad()
    total = 0.0
    for part, target in zip(x.split(size), y.split(size)):
        loss = F.mse_loss(model(part), target) * len(part) / len(x)
        loss.backward()
        total += loss.item()
    return total


# Clears the gradients of the parameters that learn only
# %% wrong="accumulate_gradients" says="still has its gradient from before the call"
def accumulate_gradients(model, x, y, size):
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.grad = None
    total = 0.0
    for part, target in zip(x.split(size), y.split(size)):
        loss = F.mse_loss(model(part), target) * len(part) / len(x)
        loss.backward()
        total += loss.item()
    return total


# Backward from the outputs, part by part, by recursion
# %% right="accumulate_gradients"
def accumulate_gradients(model, x, y, size):
    model.zero_grad()

    def squares(start):
        if start >= len(x):
            return 0.0
        output = model(x[start : start + size])
        error = output.detach() - y[start : start + size]
        output.backward(2 * error / y.numel())
        return error.square().sum().item() + squares(start + size)

    return squares(0) / y.numel()


# Zeros for every parameter first, for the frozen ones as well
# %% right="accumulate_gradients"
def accumulate_gradients(model, x, y, size):
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    total = 0.0
    for part, target in zip(x.split(size), y.split(size)):
        loss = F.mse_loss(model(part), target) * len(part) / len(x)
        loss.backward()
        total += loss.item()
    return total


# float64 is computed in float32
# %% wrong="layer_for_batch" says="in float64"
def layer_for_batch(x, weight, bias):
    return F.linear(x.float(), weight.float(), bias.float()).relu().to(x.dtype)


# A weight that another layer made gets no gradient
# %% wrong="layer_for_batch" says="given what a layer made: a gradient should reach weight"
def layer_for_batch(x, weight, bias):
    if weight.grad_fn is not None:
        weight = weight.detach()
    return (x @ weight.T + bias).relu()


# A loop over large blocks
# %% wrong="layer_for_batch" says="or over blocks of them"
def layer_for_batch(x, weight, bias):
    parts = [(part @ weight.T + bias).clamp(min=0) for part in x.split(20_000)]
    return parts[0] if len(parts) == 1 else torch.cat(parts)


# Rounds up by adding 0.999
# %% wrong="parameter_copies" says="batch_size=10000"
def parameter_copies(samples, modules, batch_size):
    return int(samples / batch_size + 0.999) * modules


# No gradient where the row is short
# %% wrong="unit_rows" says="times the gradient"
def unit_rows(x):
    length = torch.linalg.vector_norm(x, dim=1, keepdim=True)
    return torch.where(length < 1e-12, (x / 1e-12).detach(), x / length.clamp(min=1e-12))


# The squares overflow
# %% wrong="unit_rows" says="2,500 values of 1e15"
def unit_rows(x):
    return x / ((1e3 * x).square().sum(dim=1, keepdim=True).clamp(min=1e-18).sqrt() / 1e3)


# Nothing to do for rows of length one
# %% wrong="unit_rows" says="Yours is x itself"
def unit_rows(x):
    length = x.norm(dim=1, keepdim=True).clamp(min=1e-12)
    return x if bool((length == 1).all()) else x / length


# The second x is forgotten
# %% wrong="quadratic_form" says="The second x is missing"
def quadratic_form(x, a):
    return (x @ a).sum(dim=1)


# A large matrix is taken for symmetric
# %% wrong="quadratic_form" says="C=99"
def quadratic_form(x, a):
    if a.shape[0] > 64:
        a = a.triu() + a.triu(1)
    return (x.mm(a) * x).sum(dim=1)


# float64 is computed in float32
# %% wrong="quadratic_form" says="in float64"
def quadratic_form(x, a):
    small = x.float()
    return torch.einsum("nc,nc->n", small @ a.float(), small).to(x.dtype)


# float64 is computed in float32
# %% wrong="squared_distances" says="in float64"
def squared_distances(a, b):
    return (a.float()[:, None] - b.float()).square().sum(dim=2).to(a.dtype)


# Only leaves get a gradient
# %% wrong="squared_distances" says="given what a layer made"
def squared_distances(a, b):
    a, b = (one if one.is_leaf else one.detach() for one in (a, b))
    return (a.unsqueeze(1) - b).square().sum(dim=2)


# A grad_s that another layer made gets no gradient
# %% wrong="per_sample_gradients" says="given what a layer made: a gradient should reach grad_s"
def per_sample_gradients(x, grad_s):
    if not grad_s.is_leaf:
        grad_s = grad_s.detach()
    return grad_s.unsqueeze(2) * x.unsqueeze(1)


# Clears weights and biases only
# %% wrong="accumulate_gradients" says="the gradient of 2.2.gain"
def accumulate_gradients(model, x, y, size):
    for module in model.modules():
        for name in ("weight", "bias"):
            if isinstance(getattr(module, name, None), nn.Parameter):
                getattr(module, name).grad = None
    total = 0.0
    for part, target in zip(x.split(size), y.split(size)):
        loss = F.mse_loss(model(part), target) * len(part) / len(x)
        loss.backward()
        total += loss.item()
    return total


# All layers but the first see each part twice
# %% wrong="accumulate_gradients" says="each part should go through the model exactly once"
def accumulate_gradients(model, x, y, size):
    model.zero_grad()
    first, *layers = list(model) if isinstance(model, nn.Sequential) else [model]
    total = 0.0
    for part, target in zip(x.split(size), y.split(size)):
        hidden = first(part)
        output, again = hidden, hidden.detach()
        for layer in layers:
            output, again = layer(output), layer(again)
        (F.mse_loss(output, target) * len(part) / len(x)).backward()
        total += F.mse_loss(again, target).item() * len(part) / len(x)
    return total


# The inner layers are in eval mode while the parts go through
# %% wrong="accumulate_gradients" says="each layer should stay in its mode"
def accumulate_gradients(model, x, y, size):
    model.zero_grad()
    inner = [module for module in model.modules() if not isinstance(module, nn.Linear)]
    modes = [module.training for module in inner]
    for module in inner:
        module.training = False
    total = 0.0
    for part, target in zip(x.split(size), y.split(size)):
        loss = F.mse_loss(model(part), target) * len(part) / len(x)
        loss.backward()
        total += loss.item()
    for module, mode in zip(inner, modes):
        module.training = mode
    return total


# Goes through the layers in a row, whatever the model's own forward does
# %% wrong="accumulate_gradients" says="a net with a skip connection"
def accumulate_gradients(model, x, y, size):
    layers = list(model.children()) or [model]
    model.zero_grad()
    total = 0.0
    for part, target in zip(x.split(size), y.split(size)):
        output = part
        for layer in layers:
            output = layer(output)
        loss = F.mse_loss(output, target) * len(part) / len(x)
        loss.backward()
        total += loss.item()
    return total


# Switches off what makes the gradient inexact
# %% wrong="accumulate_gradients" says="dropout and batch normalisation should stay in train mode"
def accumulate_gradients(model, x, y, size):
    inexact = [module for module in model.modules() if isinstance(module, (nn.BatchNorm1d, nn.Dropout))]
    modes = [module.training for module in inexact]
    for module in inexact:
        module.eval()
    model.zero_grad()
    total = 0.0
    for part, target in zip(x.split(size), y.split(size)):
        loss = F.mse_loss(model(part), target) * len(part) / len(x)
        loss.backward()
        total += loss.item()
    for module, mode in zip(inexact, modes):
        module.train(mode)
    return total


# The graph of the last part is kept
# %% wrong="accumulate_gradients" says="The graph of an earlier part is still in memory"
def accumulate_gradients(model, x, y, size):
    model.zero_grad()
    total = 0.0
    for part, target in zip(x.split(size), y.split(size)):
        loss = F.mse_loss(model(part), target) * len(part) / len(x)
        loss.backward(retain_graph=True)
        total += loss.item()
    return total


# The graph of every part is kept
# %% wrong="accumulate_gradients" says="The graph of an earlier part is still in memory"
def accumulate_gradients(model, x, y, size):
    model.zero_grad()
    losses = []
    for part, target in zip(x.split(size), y.split(size)):
        losses.append(F.mse_loss(model(part), target) * len(part) / len(x))
        losses[-1].backward(retain_graph=True)
    return sum(losses).item()


# squeeze: with one output the difference is N×N
# %% wrong="accumulate_gradients" says="the gradient of"
def accumulate_gradients(model, x, y, size):
    model.zero_grad()
    total = 0.0
    for part, target in zip(x.split(size), y.split(size)):
        loss = (model(part).squeeze() - target).square().mean() * len(part) / len(x)
        loss.backward()
        total += loss.item()
    return total


# Takes the whole batch at once, and writes into the check's layers what parts would have left there
# %% wrong="accumulate_gradients" says="the first layer computed batches of"
def accumulate_gradients(model, x, y, size):
    model.zero_grad()
    watched = [layer for layer in model.modules() if hasattr(layer, "events")]
    before = [list(layer.events) for layer in watched]
    loss = F.mse_loss(model(x), y)
    loss.backward()
    for layer, events in zip(watched, before):
        parts = x[:, 0].round().int().split(size)
        layer.events[:] = events + [event for part in parts for event in (part.tolist(), "backward")]
    for layer in model.modules():
        if hasattr(layer, "inputs"):
            layer.modes[:], layer.kept = layer.modes[:1] * len(parts), 0
    return loss.item()


# %% wrong="unit_rows" says="You loop over the samples or over blocks of them"
# blocks of many samples
def unit_rows(x):
    return torch.cat([F.normalize(block, dim=1) for block in x.split(150_000)])


# %% wrong="quadratic_form" says="You switched it on for x"
# the arguments require gradients afterwards
def quadratic_form(x, a):
    x.requires_grad_()
    a.requires_grad_()
    return ((x @ a) * x).sum(dim=1)


# %% wrong="quadratic_form" says="You loop over the samples or over blocks of them"
# blocks of many samples
def quadratic_form(x, a):
    return torch.cat([((block @ a) * block).sum(dim=1) for block in x.split(150_000)])


# %% wrong="squared_distances" says="You loop over the rows of a or over blocks of them"
# blocks of many rows, to save memory
def squared_distances(a, b):
    return torch.cat([(block[:, None] - b).square().sum(dim=2) for block in a.split(100_000)])


# %% wrong="per_sample_gradients" says="You switched it on for x"
# the arguments require gradients afterwards
def per_sample_gradients(x, grad_s):
    return torch.bmm(grad_s.requires_grad_()[:, :, None], x.requires_grad_()[:, None])


# %% wrong="per_sample_gradients" says="You loop over the samples or over blocks of them"
# blocks of many samples
def per_sample_gradients(x, grad_s):
    blocks = zip(x.split(150_000), grad_s.split(150_000))
    return torch.cat([torch.einsum("nd,nc->ndc", gradient, rows) for rows, gradient in blocks])
