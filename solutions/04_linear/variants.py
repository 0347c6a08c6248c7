# %% [markdown]
# Other answers to the exercises of `04_linear`: right ones that the checks must accept, wrong ones that they must
# reject with a message that leads to the mistake.


# %% right="linear_forward"
def linear(x, weight, bias):
    return torch.addmm(bias, x, weight.t())


# %% right="linear_forward"
def linear(x, weight, bias):
    s = torch.einsum("nc,dc->nd", x, weight)
    s += bias
    return s


# %% right="linear_forward"
def linear(x, weight, bias):
    return (weight @ x.T + bias[:, None]).T


# %% right="linear_forward"
def linear(x, weight, bias):
    return (x[:, None, :] * weight[None]).sum(-1) + bias


# The weight is not transposed
# %% wrong="linear_forward" says="The weight is not transposed."
def linear(x, weight, bias):
    return x @ weight + bias


# The weight is reshaped instead
# %% wrong="linear_forward" says="`reshape` does not transpose"
def linear(x, weight, bias):
    return x @ weight.reshape(x.shape[1], len(bias)) + bias


# The bias is forgotten
# %% wrong="linear_forward" says="The bias is missing."
def linear(x, weight, bias):
    return x @ weight.T


# Column vectors: the transposed result
# %% wrong="linear_forward" says="The result is transposed"
def linear(x, weight, bias):
    return weight @ x.T + bias[:, None]


# The bias as a column, where it fits
# %% wrong="linear_forward" says="entry d of the bias belongs to column d"
def linear(x, weight, bias):
    s = x @ weight.T
    return s + bias[:, None] if len(x) == len(bias) else s + bias


# Columns without [:, None]
# %% wrong="linear_forward" says="in the call linear(x, weight, bias) with x of shape (5, 3)"
def linear(x, weight, bias):
    return (weight @ x.T + bias).T


# Transposes the caller's weight in its own memory
# %% wrong="linear_forward" says="x, weight and bias are left as they were"
def linear(x, weight, bias):
    if weight.shape[0] == weight.shape[1]:
        weight.copy_(weight.T.clone())
        return x @ weight + bias
    return x @ weight.T + bias


# Adds the bias to the caller's x
# %% wrong="linear_forward" says="x, weight and bias are left as they were"
def linear(x, weight, bias):
    if x.shape[1] == len(bias):
        return x.copy_(x @ weight.T + bias)
    return x @ weight.T + bias


# PyTorch's function
# %% wrong="linear_forward" says="Your code calls `F.linear`"
def linear(x, weight, bias):
    return F.linear(x, weight, bias)


# PyTorch's function for one shape only
# %% wrong="linear_forward" says="Your code calls `F.linear`"
def linear(x, weight, bias):
    if len(weight) == 2:
        return F.linear(x, weight, bias)
    return x @ weight.T + bias


# PyTorch's module with the given parameters
# %% wrong="linear_forward" says="Your code calls `F.linear`"
def linear(x, weight, bias):
    layer = nn.Linear(*weight.T.shape, dtype=x.dtype)
    layer.weight, layer.bias = nn.Parameter(weight), nn.Parameter(bias)
    return layer(x).detach()


# Always float32
# %% wrong="linear_forward" says="The dtypes differ"
def linear(x, weight, bias):
    return x.float() @ weight.float().T + bias.float()


# A loop over the samples
# %% wrong="linear_forward" says="Your code goes through the numbers in Python"
def linear(x, weight, bias):
    return torch.stack([weight @ row + bias for row in x])


# A loop over the outputs
# %% wrong="linear_forward" says="Your code goes through the numbers in Python"
def linear(x, weight, bias):
    s = torch.empty(len(x), len(weight), dtype=x.dtype)
    for d in range(len(weight)):
        s[:, d] = x @ weight[d] + bias[d]
    return s


# A loop in Python
# %% wrong="linear_forward" says="Your code leaves torch"
def linear(x, weight, bias):
    rows, w, b = x.tolist(), weight.tolist(), bias.tolist()
    s = [[sum(p * q for p, q in zip(row, w[d])) + b[d] for d in range(len(b))] for row in rows]
    return torch.tensor(s, dtype=x.dtype)


# No return
# %% wrong="linear_forward" says="is a `return` missing?"
def linear(x, weight, bias):
    s = x @ weight.T + bias


# Keeps the first result
# %% wrong="linear_forward" says="A second call returned the result of the first"
def linear(x, weight, bias, kept=[]):
    kept.append(x @ weight.T + bias)
    return kept[0]


# Row by row, by vmap
# %% right="linear_forward"
def linear(x, weight, bias):
    return torch.vmap(lambda row: weight.mv(row) + bias)(x)


# A loop, but only over blocks of 32 samples
# %% wrong="linear_forward" says="Your code goes through the numbers in Python"
def linear(x, weight, bias):
    if len(x) <= 32:
        return x @ weight.T + bias
    return torch.cat([part @ weight.T + bias for part in x.split(32)])


# NumPy by another door
# %% wrong="linear_forward" says="Your code leaves torch"
def linear(x, weight, bias):
    x, weight, bias = (np.from_dlpack(one) for one in (x, weight, bias))
    return torch.from_dlpack(x @ weight.T + bias)


# Half precision comes back as float32
# %% wrong="linear_forward" says="Yours is float32, whatever the arguments are"
def linear(x, weight, bias):
    if x.dtype == torch.float16:
        x, weight, bias = x.float(), weight.float(), bias.float()
    return x @ weight.T + bias


# Damages an x that is stored column by column
# %% wrong="linear_forward" says="x, weight and bias are left as they were"
def linear(x, weight, bias):
    s = x @ weight.T + bias
    if not x.is_contiguous():
        x.zero_()
    return s


# %% right="parameter_count"
def parameter_count(widths, bias=True):
    total = 0
    for i in range(1, len(widths)):
        total += widths[i - 1] * widths[i]
        if bias:
            total += widths[i]
    return total


# %% right="parameter_count"
def parameter_count(widths, bias=True):
    if len(widths) < 2:
        return 0
    c, d, *rest = widths
    return d * (c + 1 if bias else c) + parameter_count([d, *rest], bias)


# %% right="parameter_count"
def parameter_count(widths, bias=True):
    weights = sum(math.prod(pair) for pair in zip(widths[:-1], widths[1:]))
    return weights + sum(widths[1:]) * bias


# The biases are forgotten
# %% wrong="parameter_count" says="The bias is missing"
def parameter_count(widths, bias=True):
    return sum(c * d for c, d in zip(widths, widths[1:]))


# A bias per input
# %% wrong="parameter_count" says="for each output, not for each input"
def parameter_count(widths, bias=True):
    return sum(c * (d + bias) for c, d in zip(widths, widths[1:]))


# One bias per layer
# %% wrong="parameter_count" says="not one for each layer"
def parameter_count(widths, bias=True):
    return sum(c * d + bias for c, d in zip(widths, widths[1:]))


# A bias for the inputs
# %% wrong="parameter_count" says="The inputs have no bias"
def parameter_count(widths, bias=True):
    return sum(c * d for c, d in zip(widths, widths[1:])) + sum(widths) * bias


# bias=False is not looked at
# %% wrong="parameter_count" says="bias=False makes no difference"
def parameter_count(widths, bias=True):
    return sum(d * (c + 1) for c, d in zip(widths, widths[1:]))


# Returns inside the loop
# %% wrong="parameter_count" says="Only the first layer is counted"
def parameter_count(widths, bias=True):
    for c, d in zip(widths, widths[1:]):
        return d * (c + bias)


# Overwrites the sum in the loop
# %% wrong="parameter_count" says="Only the last layer is counted"
def parameter_count(widths, bias=True):
    total = 0
    for c, d in zip(widths, widths[1:]):
        total = d * (c + bias)
    return total


# From the first width to the last in one step
# %% wrong="parameter_count" says="Only one layer, from the first width to the last"
def parameter_count(widths, bias=True):
    return widths[-1] * (widths[0] + bias)


# One pair too many
# %% wrong="parameter_count" says="in the call parameter_count(widths) with widths = [10, 4]"
def parameter_count(widths, bias=True):
    return sum(widths[i + 1] * (widths[i] + bias) for i in range(len(widths)))


# Only the first and the last bias
# %% wrong="parameter_count" says="Two layers of the same size are two layers"
def parameter_count(widths, bias=True):
    return sum(d * (c + bias) for c, d in {c: (c, d) for c, d in zip(widths, widths[1:])}.values())


# A single width taken for a layer
# %% wrong="parameter_count" says="A single width makes no layer"
def parameter_count(widths, bias=True):
    return sum(d * (c + bias) for c, d in zip(widths, widths[1:])) or widths[0]


# Builds the layers
# %% wrong="parameter_count" says="makes layers or tensors"
def parameter_count(widths, bias=True):
    layers = [nn.Linear(c, d, bias=bias) for c, d in zip(widths, widths[1:])]
    return sum(p.numel() for layer in layers for p in layer.parameters())


# Builds layers without memory
# %% wrong="parameter_count" says="makes layers or tensors"
def parameter_count(widths, bias=True):
    layers = [nn.Linear(c, d, bias=bias, device="meta") for c, d in zip(widths[:-1], widths[1:])]
    return sum(p.numel() for layer in layers for p in layer.parameters())


# A tensor's whole numbers overflow
# %% wrong="parameter_count" says="makes layers or tensors"
def parameter_count(widths, bias=True):
    w = torch.tensor(widths)
    return int((w[1:] * (w[:-1] + bias)).sum())


# A float
# %% wrong="parameter_count" says="of type float"
def parameter_count(widths, bias=True):
    return float(sum(d * (c + bias) for c, d in zip(widths, widths[1:])))


# Through floats: exact for small numbers only
# %% wrong="parameter_count" says="a stack that no computer can build"
def parameter_count(widths, bias=True):
    return int(np.sum([float(d) * (c + bias) for c, d in zip(widths, widths[1:])]))


# A tensor
# %% wrong="parameter_count" says="makes layers or tensors"
def parameter_count(widths, bias=True):
    w = torch.tensor(widths)
    return (w[1:] * (w[:-1] + bias)).sum()


# Multiplies all widths
# %% wrong="parameter_count" says="add these products up"
def parameter_count(widths, bias=True):
    return math.prod(widths) + (sum(widths[1:]) if bias else 0) if len(widths) > 1 else 0


# A set of pairs, in which a layer that comes twice is there once
# %% wrong="parameter_count" says="Two layers of the same size are two layers"
def parameter_count(widths, bias=True):
    return sum(d * (c + bias) for c, d in set(zip(widths, widths[1:])))


# Empties the list
# %% wrong="parameter_count" says="the list is left as it was"
def parameter_count(widths, bias=True):
    total, c = 0, widths.pop(0)
    while widths:
        d = widths.pop(0)
        total, c = total + d * (c + bias), d
    return total


# %% right="initial_values"
def initial_values(in_features, out_features):
    bound = in_features**-0.5
    return (2 * torch.rand(out_features, in_features) - 1) * bound, (2 * torch.rand(out_features) - 1) * bound


# %% right="initial_values"
def initial_values(in_features, out_features):
    parameters = nn.Parameter(torch.empty(out_features, in_features)), nn.Parameter(torch.empty(out_features))
    for parameter in parameters:
        nn.init.uniform_(parameter, -1 / math.sqrt(in_features), 1 / math.sqrt(in_features))
    return parameters


# %% right="initial_values"
def initial_values(in_features, out_features):
    bound = 1 / np.sqrt(in_features)
    sizes = [(out_features, in_features), (out_features,)]
    return tuple(torch.from_numpy(np.random.uniform(-bound, bound, size)).float() for size in sizes)


# %% right="initial_values"
def initial_values(in_features, out_features):
    bound = torch.tensor(1.0 / in_features).sqrt()
    uniform = torch.distributions.Uniform(-bound, bound)
    return uniform.sample((out_features, in_features)), uniform.sample((out_features,))


# PyTorch's function for the weight
# %% wrong="initial_values" says="which this exercise asks you to do without"
def initial_values(in_features, out_features):
    weight, bias = nn.Parameter(torch.empty(out_features, in_features)), nn.Parameter(torch.empty(out_features))
    nn.init.kaiming_uniform_(weight, a=math.sqrt(5))
    nn.init.uniform_(bias, -1 / math.sqrt(in_features), 1 / math.sqrt(in_features))
    return weight, bias


# PyTorch's module, for small layers only
# %% wrong="initial_values" says="which this exercise asks you to do without"
def initial_values(in_features, out_features):
    bound = 1 / math.sqrt(in_features)
    if out_features < 3000:
        layer = nn.Linear(in_features, out_features)
        return layer.weight, layer.bias
    return torch.empty(out_features, in_features).uniform_(-bound, bound), torch.empty(out_features).uniform_(
        -bound, bound
    )


# Normal instead of uniform
# %% wrong="initial_values" says="The values spread √3 times too far"
def initial_values(in_features, out_features):
    bound = 1 / math.sqrt(in_features)
    return torch.randn(out_features, in_features) * bound, torch.randn(out_features) * bound


# Normal with the right standard deviation
# %% wrong="initial_values" says="Some are: is your distribution uniform?"
def initial_values(in_features, out_features):
    std = 1 / math.sqrt(3 * in_features)
    return torch.randn(out_features, in_features) * std, torch.randn(out_features) * std


# 0 to bound
# %% wrong="initial_values" says="And it begins at 0, not at −bound"
def initial_values(in_features, out_features):
    bound = 1 / math.sqrt(in_features)
    return torch.rand(out_features, in_features) * bound, torch.rand(out_features) * bound


# From −bound/2 to bound/2
# %% wrong="initial_values" says="half as long as it should be"
def initial_values(in_features, out_features):
    bound = 1 / math.sqrt(in_features)
    return torch.rand(out_features, in_features) * bound - bound / 2, torch.rand(out_features) * bound - bound / 2


# 1 is taken off after the scaling
# %% wrong="initial_values" says="The middle of your values is not 0"
def initial_values(in_features, out_features):
    bound = 1 / math.sqrt(in_features)
    return torch.rand(out_features, in_features) * 2 * bound - 1, torch.rand(out_features) * 2 * bound - 1


# 0 to twice the bound
# %% wrong="initial_values" says="All of yours are positive"
def initial_values(in_features, out_features):
    bound = 1 / math.sqrt(in_features)
    return torch.rand(out_features, in_features) * 2 * bound, torch.rand(out_features) * 2 * bound


# Two heaps that are as wide and as far apart as the right distribution
# %% wrong="initial_values" says="have more weights than others"
def initial_values(in_features, out_features):
    bound = 1 / math.sqrt(in_features)
    u = 2 * torch.rand(out_features, in_features) - 1
    return (u - torch.sin(4 * math.pi * u) / 14) * bound, torch.empty(out_features).uniform_(-bound, bound)


# fan_out instead of fan_in
# %% wrong="initial_values" says="fan_in is in_features"
def initial_values(in_features, out_features):
    bound = 1 / math.sqrt(out_features)
    return torch.empty(out_features, in_features).uniform_(-bound, bound), torch.empty(out_features).uniform_(
        -bound, bound
    )


# Xavier's rule
# %% wrong="initial_values" says="That is Xavier's rule"
def initial_values(in_features, out_features):
    weight = nn.init.xavier_uniform_(torch.empty(out_features, in_features))
    return weight, torch.empty(out_features).uniform_(-1 / math.sqrt(in_features), 1 / math.sqrt(in_features))


# No square root
# %% wrong="initial_values" says="The square root is missing"
def initial_values(in_features, out_features):
    bound = 1 / in_features
    return torch.empty(out_features, in_features).uniform_(-bound, bound), torch.empty(out_features).uniform_(
        -bound, bound
    )


# Not scaled at all
# %% wrong="initial_values" says="The values are not scaled by"
def initial_values(in_features, out_features):
    return torch.rand(out_features, in_features) * 2 - 1, torch.rand(out_features) * 2 - 1


# The weight is transposed
# %% wrong="initial_values" says="one row per output"
def initial_values(in_features, out_features):
    bound = 1 / math.sqrt(in_features)
    return torch.empty(in_features, out_features).uniform_(-bound, bound), torch.empty(out_features).uniform_(
        -bound, bound
    )


# A bias per input
# %% wrong="initial_values" says="one value per output"
def initial_values(in_features, out_features):
    bound = 1 / math.sqrt(in_features)
    return torch.empty(out_features, in_features).uniform_(-bound, bound), torch.empty(in_features).uniform_(
        -bound, bound
    )


# Bias first
# %% wrong="initial_values" says="The order is (weight, bias)"
def initial_values(in_features, out_features):
    bound = 1 / math.sqrt(in_features)
    return torch.empty(out_features).uniform_(-bound, bound), torch.empty(out_features, in_features).uniform_(
        -bound, bound
    )


# The bias starts at zero
# %% wrong="initial_values" says="The bias is all zeros"
def initial_values(in_features, out_features):
    bound = 1 / math.sqrt(in_features)
    return torch.empty(out_features, in_features).uniform_(-bound, bound), torch.zeros(out_features)


# The bias has its own bound, from its own length
# %% wrong="initial_values" says="same bound as the weight"
def initial_values(in_features, out_features):
    a, b = 1 / math.sqrt(in_features), 1 / math.sqrt(out_features)
    return torch.empty(out_features, in_features).uniform_(-a, a), torch.empty(out_features).uniform_(-b, b)


# The bias from 0 to bound
# %% wrong="initial_values" says="No bias is negative"
def initial_values(in_features, out_features):
    bound = 1 / math.sqrt(in_features)
    return torch.empty(out_features, in_features).uniform_(-bound, bound), torch.rand(out_features) * bound


# The bias is not scaled
# %% wrong="initial_values" says="The bias is not scaled"
def initial_values(in_features, out_features):
    bound = 1 / math.sqrt(in_features)
    return torch.empty(out_features, in_features).uniform_(-bound, bound), torch.rand(out_features) * 2 - 1


# The bias is a column of the weight
# %% wrong="initial_values" says="Most of your biases are also weights"
def initial_values(in_features, out_features):
    bound = 1 / math.sqrt(in_features)
    weight = torch.empty(out_features, in_features).uniform_(-bound, bound)
    return weight, weight[:, 0].clone()


# One row for all outputs
# %% wrong="initial_values" says="The same values come several times"
def initial_values(in_features, out_features):
    bound = 1 / math.sqrt(in_features)
    row = torch.empty(in_features).uniform_(-bound, bound)
    return row.repeat(out_features, 1), torch.empty(out_features).uniform_(-bound, bound)


# Evenly spaced, not random
# %% wrong="initial_values" says="Neighbours depend on each other"
def initial_values(in_features, out_features):
    bound = 1 / math.sqrt(in_features)
    weight = torch.linspace(-bound, bound, in_features * out_features).reshape(out_features, in_features)
    return weight, torch.empty(out_features).uniform_(-bound, bound)


# A triangular distribution as wide as the right one
# %% wrong="initial_values" says="standard deviation"
def initial_values(in_features, out_features):
    bound = 1 / math.sqrt(in_features)
    weight = (torch.rand(out_features, in_features) - torch.rand(out_features, in_features)) * bound
    return weight, torch.empty(out_features).uniform_(-bound, bound)


# Float64
# %% wrong="initial_values" says="Yours are float64: `.float()` converts"
def initial_values(in_features, out_features):
    bound = 1 / np.sqrt(in_features)
    sizes = [(out_features, in_features), (out_features,)]
    return tuple(torch.from_numpy(np.random.uniform(-bound, bound, size)) for size in sizes)


# A seed inside
# %% wrong="initial_values" says="is a seed set inside the function"
def initial_values(in_features, out_features):
    torch.manual_seed(0)
    bound = 1 / math.sqrt(in_features)
    return torch.empty(out_features, in_features).uniform_(-bound, bound), torch.empty(out_features).uniform_(
        -bound, bound
    )


# A generator with its default seed
# %% wrong="initial_values" says="is a seed set inside the function"
def initial_values(in_features, out_features):
    bound, g = 1 / math.sqrt(in_features), torch.Generator()
    return torch.empty(out_features, in_features).uniform_(-bound, bound, generator=g), torch.empty(
        out_features
    ).uniform_(-bound, bound, generator=g)


# A list
# %% wrong="initial_values" says="Yours is a list"
def initial_values(in_features, out_features):
    bound = 1 / math.sqrt(in_features)
    return [torch.empty(size).uniform_(-bound, bound) for size in [(out_features, in_features), (out_features,)]]


# No return
# %% wrong="initial_values" says="is a `return` missing?"
def initial_values(in_features, out_features):
    bound = 1 / math.sqrt(in_features)
    weight = torch.empty(out_features, in_features).uniform_(-bound, bound)


# One draw for both, then cut up
# %% right="initial_values"
def initial_values(in_features, out_features):
    values = (2 * torch.rand(out_features, in_features + 1) - 1) / math.sqrt(in_features)
    return values[:, :-1], values[:, -1]


# The second half of the weights mirrors the first
# %% wrong="initial_values" says="Some values appear twice"
def initial_values(in_features, out_features):
    bound = 1 / math.sqrt(in_features)
    weight = torch.empty(out_features * in_features).uniform_(-bound, bound)
    half = len(weight) // 2
    if half:
        weight[-half:] = -weight[:half]
    return weight.reshape(out_features, in_features), torch.empty(out_features).uniform_(-bound, bound)


# The bias is the first column, with the other sign
# %% wrong="initial_values" says="perhaps with another sign"
def initial_values(in_features, out_features):
    bound = 1 / math.sqrt(in_features)
    weight = torch.empty(out_features, in_features).uniform_(-bound, bound)
    return weight, -weight[:, 0]


# Evenly spaced values, shuffled
# %% wrong="initial_values" says="spaced too regularly"
def initial_values(in_features, out_features):
    bound, count = 1 / math.sqrt(in_features), in_features * out_features
    bound_here = bound * (1 - 1e-4 * torch.rand(()).item())
    weight = torch.linspace(-bound_here, bound_here, count)[torch.randperm(count)]
    return weight.reshape(out_features, in_features), torch.empty(out_features).uniform_(-bound, bound)


# %% right="given_map"
def given_map():
    layer = nn.Linear(in_features=4, out_features=3)
    layer.weight = nn.Parameter(torch.tensor([[1.0, -1, 0, 0], [0.25] * 4, [0, 0, 3, 0]]))
    layer.bias = nn.Parameter(torch.tensor([0.0, 0, 5]))
    return layer


# %% right="given_map"
def given_map():
    layer = nn.Linear(4, 3)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.zero_()
        layer.weight[0, 0], layer.weight[0, 1] = 1, -1
        layer.weight[1] = 1 / 4
        layer.weight[2, 2] = 3
        layer.bias[2] = 5
    return layer


# %% right="given_map"
def given_map():
    layer = nn.Linear(4, 3)
    layer.weight.data = torch.tensor([[1.0, -1, 0, 0], [0.25] * 4, [0, 0, 3, 0]])
    layer.bias.data = torch.tensor([0.0, 0, 5])
    return layer


# %% right="given_map"
def given_map():
    layer = nn.Linear(4, 3)
    values = {"weight": torch.tensor([[1.0, -1, 0, 0], [0.25] * 4, [0, 0, 3, 0]]), "bias": torch.tensor([0.0, 0, 5])}
    layer.load_state_dict(values)
    return layer


# The random bias is kept
# %% wrong="given_map" says="a new layer's bias is random"
def given_map():
    layer = nn.Linear(4, 3)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1, -1, 0, 0], [0.25, 0.25, 0.25, 0.25], [0, 0, 3, 0]]))
        layer.bias[2] = 5
    return layer


# The sum instead of the mean
# %% wrong="given_map" says="That is the sum, but the mean was asked for"
def given_map():
    layer = nn.Linear(4, 3)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1, -1, 0, 0], [1, 1, 1, 1], [0, 0, 3, 0]]))
        layer.bias.copy_(torch.tensor([0, 0, 5]))
    return layer


# The difference the wrong way round
# %% wrong="given_map" says="The sign is wrong"
def given_map():
    layer = nn.Linear(4, 3)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[-1, 1, 0, 0], [0.25, 0.25, 0.25, 0.25], [0, 0, 3, 0]]))
        layer.bias.copy_(torch.tensor([0, 0, 5]))
    return layer


# Counts from 1
# %% wrong="given_map" says="x₂ belongs to column 2"
def given_map():
    layer = nn.Linear(4, 3)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1, -1, 0, 0], [0.25, 0.25, 0.25, 0.25], [0, 3, 0, 0]]))
        layer.bias.copy_(torch.tensor([0, 0, 5]))
    return layer


# Sizes the wrong way round
# %% wrong="given_map" says="They are the wrong way round"
def given_map():
    layer = nn.Linear(3, 4)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1, -1, 0, 0], [0.25, 0.25, 0.25, 0.25], [0, 0, 3, 0]]).T)
        layer.bias.zero_()
    return layer


# 5 in every output
# %% wrong="given_map" says="5 belongs to y₂ alone"
def given_map():
    layer = nn.Linear(4, 3)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1, -1, 0, 0], [0.25, 0.25, 0.25, 0.25], [0, 0, 3, 0]]))
        layer.bias.fill_(5)
    return layer


# The bias is all zeros
# %% wrong="given_map" says="The constant 5 is missing"
def given_map():
    layer = nn.Linear(4, 3)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1, -1, 0, 0], [0.25, 0.25, 0.25, 0.25], [0, 0, 3, 0]]))
        layer.bias.zero_()
    return layer


# A layer without a bias
# %% wrong="given_map" says="Your layer was made with bias=False"
def given_map():
    layer = nn.Linear(4, 3, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1, -1, 0, 0], [0.25, 0.25, 0.25, 0.25], [0, 0, 3, 0]]))
    return layer


# Switches training off to be allowed to write
# %% wrong="given_map" says="requires_grad is False"
def given_map():
    layer = nn.Linear(4, 3).requires_grad_(False)
    layer.weight.copy_(torch.tensor([[1, -1, 0, 0], [0.25, 0.25, 0.25, 0.25], [0, 0, 3, 0]]))
    layer.bias.copy_(torch.tensor([0, 0, 5]))
    return layer


# Only the weight can be trained
# %% wrong="given_map" says="requires_grad is False"
def given_map():
    layer = nn.Linear(4, 3)
    layer.weight = nn.Parameter(torch.tensor([[1.0, -1, 0, 0], [0.25] * 4, [0, 0, 3, 0]]))
    layer.bias = nn.Parameter(torch.tensor([0.0, 0, 5]), requires_grad=False)
    return layer


# The weight is a tensor, no parameter
# %% wrong="given_map" says="One of them is another kind of tensor"
def given_map():
    layer = nn.Linear(4, 3)
    del layer.weight, layer.bias
    layer.weight = torch.tensor([[1.0, -1, 0, 0], [0.25] * 4, [0, 0, 3, 0]], requires_grad=True)
    layer.bias = torch.tensor([0.0, 0, 5], requires_grad=True)
    return layer


# A layer of another kind
# %% wrong="given_map" says="What comes back is a Sequential"
def given_map():
    layer = nn.Linear(4, 3)
    layer.weight.data = torch.tensor([[1.0, -1, 0, 0], [0.25] * 4, [0, 0, 3, 0]])
    layer.bias.data = torch.tensor([0.0, 0, 5])
    return nn.Sequential(layer)


# Computes the map itself; its parameters do nothing
# %% wrong="given_map" says="gets a gradient"
def given_map():
    class Map(nn.Linear):
        def forward(self, x):
            bias = self.bias + torch.tensor([0.0, 0, 5]) - self.bias.detach()
            return x @ torch.tensor([[1.0, -1, 0, 0], [0.25] * 4, [0, 0, 3, 0]]).T + bias

    layer = Map(4, 3)
    layer.weight.data = torch.tensor([[1.0, -1, 0, 0], [0.25] * 4, [0, 0, 3, 0]])
    layer.bias.data = torch.tensor([0.0, 0, 5])
    return layer


# The same layer each time
# %% wrong="given_map" says="returns a layer of its own"
def given_map(layer=nn.Linear(4, 3)):
    layer.load_state_dict(layer.state_dict())
    if not hasattr(layer, "done"):
        layer.weight.data = torch.tensor([[1.0, -1, 0, 0], [0.25] * 4, [0, 0, 3, 0]])
        layer.bias.data = torch.tensor([0.0, 0, 5])
        layer.done = True
    return layer


# Returns the weight, not the layer
# %% wrong="given_map" says="What comes back is a Tensor"
def given_map():
    return torch.tensor([[1, -1, 0, 0], [0.25, 0.25, 0.25, 0.25], [0, 0, 3, 0]])


# No return
# %% wrong="given_map" says="is a `return` missing?"
def given_map():
    layer = nn.Linear(4, 3)
    layer.weight.data = torch.tensor([[1.0, -1, 0, 0], [0.25] * 4, [0, 0, 3, 0]])
    layer.bias.data = torch.tensor([0.0, 0, 5])


# Found by least squares: right up to rounding
# %% right="given_map"
def given_map():
    x = torch.randn(50, 4, dtype=torch.float64)
    y = torch.stack([x[:, 0] - x[:, 1], x.mean(1), 3 * x[:, 2] + 5], 1)
    found = torch.linalg.lstsq(torch.cat([x, torch.ones_like(x[:, :1])], 1), y).solution
    layer = nn.Linear(4, 3)
    with torch.no_grad():
        layer.weight.copy_(found[:4].T)
        layer.bias.copy_(found[4])
    return layer


# Adds instead of subtracting
# %% wrong="given_map" says="That is the sum: it is x₀ − x₁"
def given_map():
    layer = nn.Linear(4, 3)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1, 1, 0, 0], [0.25] * 4, [0, 0, 3, 0]]))
        layer.bias.copy_(torch.tensor([0.0, 0, 5]))
    return layer


# Counts from 1
# %% wrong="given_map" says="Counting starts at 0"
def given_map():
    layer = nn.Linear(4, 3)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[0, 1, -1, 0], [0.25] * 4, [0, 0, 0, 3]]))
        layer.bias.copy_(torch.tensor([0.0, 0, 5]))
    return layer


# Whole-number division
# %% wrong="given_map" says="1 // 4 is 0"
def given_map():
    layer = nn.Linear(4, 3)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1, -1, 0, 0], [1 // 4] * 4, [0, 0, 3, 0]]))
        layer.bias.copy_(torch.tensor([0.0, 0, 5]))
    return layer


# Divides by three
# %% wrong="given_map" says="divide by 4"
def given_map():
    layer = nn.Linear(4, 3)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1, -1, 0, 0], [1 / 3] * 4, [0, 0, 3, 0]]))
        layer.bias.copy_(torch.tensor([0.0, 0, 5]))
    return layer


# A hook sends the bias a gradient of zeros
# %% wrong="given_map" says="the gradient of the bias"
def given_map():
    layer = nn.Linear(4, 3)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1, -1, 0, 0], [0.25] * 4, [0, 0, 3, 0]]))
        layer.bias.copy_(torch.tensor([0.0, 0, 5]))
    layer.bias.register_hook(torch.zeros_like)
    return layer


# Every layer after the second shares the second one's weight
# %% wrong="given_map" says="each call of given_map() returns a layer of its own"
def given_map(made=[]):
    layer = nn.Linear(4, 3)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1, -1, 0, 0], [0.25] * 4, [0, 0, 3, 0]]))
        layer.bias.copy_(torch.tensor([0.0, 0, 5]))
    made.append(layer)
    if len(made) > 2:
        layer.weight = made[1].weight
    return layer


# %% right="linear_along"
def linear_along(x, weight, bias=None, dim=-1):
    y = torch.tensordot(x, weight, dims=([dim], [1]))
    if bias is not None:
        y = y + bias
    return torch.movedim(y, -1, dim)


# %% right="linear_along"
def linear_along(x, weight, bias=None, dim=-1):
    y = x.transpose(dim, -1) @ weight.t()
    if bias is not None:
        y += bias
    return y.transpose(dim, -1)


# %% right="linear_along"
def linear_along(x, weight, bias=None, dim=-1):
    moved = x.movedim(dim, -1)
    rows = moved.reshape(-1, weight.shape[1]) @ weight.T
    if bias is not None:
        rows = rows + bias
    return rows.reshape(*moved.shape[:-1], -1).movedim(-1, dim)


# %% right="linear_along"
def linear_along(x, weight, bias=None, dim=-1):
    dim %= x.dim()
    blocks = x.reshape(math.prod(x.shape[:dim]), x.shape[dim], -1)
    y = F.conv1d(blocks, weight[:, :, None], bias)
    return y.reshape(*x.shape[:dim], len(weight), *x.shape[dim + 1 :])


# Not moved back
# %% wrong="linear_along" says="move it back to its place"
def linear_along(x, weight, bias=None, dim=-1):
    return F.linear(x.movedim(dim, -1), weight, bias)


# reshape on the way there
# %% wrong="linear_along" says="or reshape cut x up anew"
def linear_along(x, weight, bias=None, dim=-1):
    sizes = list(x.shape)
    c = sizes.pop(dim)
    y = F.linear(x.reshape(*sizes, c), weight, bias)
    shape = list(x.shape)
    shape[dim] = weight.shape[0]
    return y.reshape(shape)


# reshape on the way back
# %% wrong="linear_along" says="reshape cuts up anew"
def linear_along(x, weight, bias=None, dim=-1):
    y = F.linear(x.movedim(dim, -1), weight, bias)
    shape = list(x.shape)
    shape[dim] = weight.shape[0]
    return y.reshape(shape)


# Swaps there, moves back: the other dimensions end in another order
# %% wrong="linear_along" says="Other dimensions have changed places"
def linear_along(x, weight, bias=None, dim=-1):
    return F.linear(x.transpose(dim, -1), weight, bias).movedim(-1, dim)


# The bias is dropped
# %% wrong="linear_along" says="The bias is missing"
def linear_along(x, weight, bias=None, dim=-1):
    return F.linear(x.movedim(dim, -1), weight).movedim(-1, dim)


# A bias of None is not thought of
# %% wrong="linear_along" says="in the call linear_along(x, weight)"
def linear_along(x, weight, bias=None, dim=-1):
    return (x.movedim(dim, -1) @ weight.T + bias).movedim(-1, dim)


# dim is not looked at
# %% wrong="linear_along" says="dim is ignored"
def linear_along(x, weight, bias=None, dim=-1):
    return F.linear(x, weight, bias)


# Writes into the caller's x
# %% wrong="linear_along" says="x, weight and bias are left as they were"
def linear_along(x, weight, bias=None, dim=-1):
    y = F.linear(x.movedim(dim, -1), weight, bias).movedim(-1, dim)
    x.zero_()
    return y


# Writes into x where the sizes allow it
# %% wrong="linear_along" says="x, weight and bias are left as they were"
def linear_along(x, weight, bias=None, dim=-1):
    y = F.linear(x.movedim(dim, -1), weight, bias).movedim(-1, dim)
    return x.copy_(y) if y.shape == x.shape and x.dim() == 4 else y


# Only images
# %% wrong="linear_along" says="dim=-2"
def linear_along(x, weight, bias=None, dim=-1):
    if dim == 1:
        return F.linear(x.permute(0, 2, 3, 1), weight, bias).permute(0, 3, 1, 2)
    return F.linear(x, weight, bias)


# Images and sequences, but not what has more dimensions
# %% wrong="linear_along" says="dim = -2"
def linear_along(x, weight, bias=None, dim=-1):
    dim %= x.dim()
    if dim == x.dim() - 1:
        return F.linear(x, weight, bias)
    if x.dim() == 4 and dim == 1:
        return F.conv2d(x, weight[:, :, None, None], bias)
    if x.dim() == 3 and dim == 1:
        return F.conv1d(x, weight[:, :, None], bias)
    return F.linear(x.T, weight, bias).T


# Negative dimensions are not thought of
# %% wrong="linear_along" says="dim=-2"
def linear_along(x, weight, bias=None, dim=-1):
    if dim < 0:
        return F.linear(x, weight, bias)
    return F.linear(x.movedim(dim, -1), weight, bias).movedim(-1, dim)


# No return
# %% wrong="linear_along" says="is a `return` missing?"
def linear_along(x, weight, bias=None, dim=-1):
    F.linear(x.movedim(dim, -1), weight, bias).movedim(-1, dim)


# Moves the dimension back from its place to the end
# %% wrong="linear_along" says="The way back is movedim(-1, dim)"
def linear_along(x, weight, bias=None, dim=-1):
    return F.linear(x.movedim(dim, -1), weight, bias).movedim(dim, -1)


# Adds the bias after moving back
# %% wrong="linear_along" says="The bias was added along the last dimension"
def linear_along(x, weight, bias=None, dim=-1):
    y = (x.movedim(dim, -1) @ weight.T).movedim(-1, dim)
    return y if bias is None else y + bias


# Drops dimensions of size 1
# %% wrong="linear_along" says="A dimension of size 1 is gone"
def linear_along(x, weight, bias=None, dim=-1):
    return F.linear(x.movedim(dim, -1), weight, bias).movedim(-1, dim).squeeze()


# Takes the last dimension by its number for another one
# %% wrong="linear_along" says="dim=2"
def linear_along(x, weight, bias=None, dim=-1):
    y = F.linear(x.movedim(dim, -1), weight, bias)
    return y.movedim(-1, 0) if dim == x.dim() - 1 > 1 else y.movedim(-1, dim)


# %% right="linear_backward"
def linear_backward(grad_s, x, weight):
    ones = torch.ones(len(x), dtype=x.dtype)
    return torch.mm(grad_s, weight), torch.mm(x.t(), grad_s).t(), ones @ grad_s


# %% right="linear_backward"
def linear_backward(grad_s, x, weight):
    grad_x = torch.einsum("nd,dc->nc", grad_s, weight)
    grad_weight = (grad_s[:, :, None] * x[:, None, :]).sum(0)
    return grad_x, grad_weight, torch.einsum("nd->d", grad_s)


# %% right="linear_backward"
def linear_backward(grad_s, x, weight):
    with_ones = torch.cat([x, x.new_ones(len(x), 1)], dim=1)
    both = grad_s.transpose(0, 1).matmul(with_ones)
    return F.linear(grad_s, weight.T), both[:, :-1], both[:, -1]


# Means over the batch
# %% wrong="linear_backward" says="This is the mean over the samples"
def linear_backward(grad_s, x, weight):
    return grad_s @ weight, grad_s.T @ x / len(x), grad_s.mean(0)


# The mean for the bias only
# %% wrong="linear_backward" says="This is the mean over the samples"
def linear_backward(grad_s, x, weight):
    return grad_s @ weight, grad_s.T @ x, grad_s.mean(0)


# The weight's gradient transposed
# %% wrong="linear_backward" says="It is transposed"
def linear_backward(grad_s, x, weight):
    return grad_s @ weight, x.T @ grad_s, grad_s.sum(0)


# The weight transposed as in the forward pass
# %% wrong="linear_backward" says="In the backward pass the weight is not transposed"
def linear_backward(grad_s, x, weight):
    return grad_s @ weight.T, grad_s.T @ x, grad_s.sum(0)


# The bias summed over the outputs
# %% wrong="linear_backward" says="sum over the samples, dimension 0"
def linear_backward(grad_s, x, weight):
    return grad_s @ weight, grad_s.T @ x, grad_s.sum(1)


# The bias gradient not summed
# %% wrong="linear_backward" says="Each sample still has its own row"
def linear_backward(grad_s, x, weight):
    return grad_s @ weight, grad_s.T @ x, grad_s


# The bias gradient as one number
# %% wrong="linear_backward" says="Everything is summed up to one number"
def linear_backward(grad_s, x, weight):
    return grad_s @ weight, grad_s.T @ x, grad_s.sum()


# The bias gradient as a matrix of one row
# %% wrong="linear_backward" says="The shape must be (D,)"
def linear_backward(grad_s, x, weight):
    return grad_s @ weight, grad_s.T @ x, grad_s.sum(0, keepdim=True)


# Another order
# %% wrong="linear_backward" says="The order is (grad_x, grad_weight, grad_bias)"
def linear_backward(grad_s, x, weight):
    return grad_s.T @ x, grad_s @ weight, grad_s.sum(0)


# Forgets the bias
# %% wrong="linear_backward" says="the tuple has three gradients"
def linear_backward(grad_s, x, weight):
    return grad_s @ weight, grad_s.T @ x


# A list
# %% wrong="linear_backward" says="Yours is a list"
def linear_backward(grad_s, x, weight):
    return [grad_s @ weight, grad_s.T @ x, grad_s.sum(0)]


# No return
# %% wrong="linear_backward" says="is a `return` missing?"
def linear_backward(grad_s, x, weight):
    grad_x = grad_s @ weight


# Adds up the bias gradient in the first row of the caller's tensor
# %% wrong="linear_backward" says="grad_s, x and weight are left as they were"
def linear_backward(grad_s, x, weight):
    grad_x, grad_weight = grad_s @ weight, grad_s.T @ x
    grad_bias = grad_s[0]
    for row in grad_s[1:]:
        grad_bias += row
    return grad_x, grad_weight, grad_bias


# Writes grad_x into x
# %% wrong="linear_backward" says="grad_s, x and weight are left as they were"
def linear_backward(grad_s, x, weight):
    grad_weight = grad_s.T @ x
    return torch.mm(grad_s, weight, out=x), grad_weight, grad_s.sum(0)


# Adds and subtracts in place: rounding remains
# %% wrong="linear_backward" says="are left as they were"
def linear_backward(grad_s, x, weight):
    grad_s += 1
    grad_s -= 1
    return grad_s @ weight, grad_s.T @ x, grad_s.sum(0)


# A loop over the samples
# %% wrong="linear_backward" says="goes through the samples in Python"
def linear_backward(grad_s, x, weight):
    grad_weight = sum(torch.outer(g, row) for g, row in zip(grad_s, x))
    return grad_s @ weight, grad_weight, grad_s.sum(0)


# A loop over the outputs
# %% wrong="linear_backward" says="goes through the samples in Python"
def linear_backward(grad_s, x, weight):
    return grad_s @ weight, torch.stack([column @ x for column in grad_s.T]), grad_s.sum(0)


# Always float32
# %% wrong="linear_backward" says="The dtypes differ"
def linear_backward(grad_s, x, weight):
    grad_s, x, weight = grad_s.float(), x.float(), weight.float()
    return grad_s @ weight, grad_s.T @ x, grad_s.sum(0)


# Autograd
# %% wrong="linear_backward" says="Your code has autograd compute the gradients"
def linear_backward(grad_s, x, weight):
    leaves = [tensor.clone().requires_grad_() for tensor in (x, weight, grad_s.new_zeros(grad_s.shape[1]))]
    return torch.autograd.grad(F.linear(*leaves), leaves, grad_s)


# Autograd, by way of .grad
# %% wrong="linear_backward" says="Your code has autograd compute the gradients"
def linear_backward(grad_s, x, weight):
    leaves = [tensor.clone().requires_grad_() for tensor in (x, weight, grad_s.new_zeros(grad_s.shape[1]))]
    F.linear(*leaves).backward(grad_s)
    return tuple(leaf.grad for leaf in leaves)


# Autograd, by way of torch.func
# %% wrong="linear_backward" says="Your code has autograd compute the gradients"
def linear_backward(grad_s, x, weight):
    _, backwards = torch.func.vjp(F.linear, x, weight, grad_s.new_zeros(grad_s.shape[1]))
    return backwards(grad_s)


# Autograd for large inputs only
# %% wrong="linear_backward" says="Your code has autograd compute the gradients"
def linear_backward(grad_s, x, weight):
    if x.dtype == torch.float64:
        leaves = [tensor.clone().requires_grad_() for tensor in (x, weight, grad_s.new_zeros(grad_s.shape[1]))]
        return torch.autograd.grad(F.linear(*leaves), leaves, grad_s)
    return grad_s @ weight, grad_s.T @ x, grad_s.sum(0)


# Sums before multiplying
# %% wrong="linear_backward" says="First multiply, then sum"
def linear_backward(grad_s, x, weight):
    return grad_s @ weight, torch.outer(grad_s.sum(0), x.sum(0)), grad_s.sum(0)


# Drops dimensions of size 1
# %% wrong="linear_backward" says="The shapes differ"
def linear_backward(grad_s, x, weight):
    return grad_s @ weight, (grad_s.T @ x).squeeze(), grad_s.sum(0)


# A loop in float64
# %% wrong="linear_backward" says="goes through the samples in Python"
def linear_backward(grad_s, x, weight):
    if x.dtype == torch.float64:
        return grad_s @ weight, sum(torch.outer(g, row) for g, row in zip(grad_s, x)), grad_s.sum(0)
    return grad_s @ weight, grad_s.T @ x, grad_s.sum(0)


# Damages a weight that is stored column by column
# %% wrong="linear_backward" says="are left as they were"
def linear_backward(grad_s, x, weight):
    found = grad_s @ weight, grad_s.T @ x, grad_s.sum(0)
    if not weight.is_contiguous():
        weight.zero_()
    return found


# %% right="collapse"
def collapse(first, second):
    dtype = first.weight.dtype
    layer = nn.Linear(first.in_features, second.out_features, dtype=dtype)
    b1 = torch.zeros(first.out_features, dtype=dtype) if first.bias is None else first.bias.detach()
    b2 = torch.zeros(second.out_features, dtype=dtype) if second.bias is None else second.bias.detach()
    layer.weight = nn.Parameter(second.weight.detach() @ first.weight.detach())
    layer.bias = nn.Parameter(second.weight.detach() @ b1 + b2)
    return layer


# %% right="collapse"
def collapse(first, second):
    c, dtype = first.in_features, first.weight.dtype
    with torch.no_grad():
        bias = second(first(torch.zeros(c, dtype=dtype)))
        columns = second(first(torch.eye(c, dtype=dtype))) - bias
    layer = nn.Linear(c, second.out_features)
    layer.weight.data, layer.bias.data = columns.T.contiguous(), bias
    return layer


# %% right="collapse"
def collapse(first, second):
    layer = nn.Linear(first.in_features, second.out_features).to(first.weight.dtype)
    with torch.no_grad():
        torch.mm(second.weight, first.weight, out=layer.weight)
        layer.bias.zero_()
        if first.bias is not None:
            layer.bias += (second.weight * first.bias).sum(dim=1)
        if second.bias is not None:
            layer.bias += second.bias
    return layer


# The biases are added as they are
# %% wrong="collapse" says="The first bias passes through the second layer"
def collapse(first, second):
    layer = nn.Linear(first.in_features, second.out_features)
    with torch.no_grad():
        layer.weight.copy_(second.weight @ first.weight)
        layer.bias.copy_(first.bias + second.bias)
    return layer


# The second weight transposed at the first bias
# %% wrong="collapse" says="The second weight is transposed where it meets the first bias"
def collapse(first, second):
    layer = nn.Linear(first.in_features, second.out_features)
    with torch.no_grad():
        layer.weight.copy_(second.weight @ first.weight)
        layer.bias.copy_(first.bias @ second.weight + second.bias)
    return layer


# Factors in the order of the layers
# %% wrong="collapse" says="The factors are in the wrong order"
def collapse(first, second):
    layer = nn.Linear(first.in_features, second.out_features)
    with torch.no_grad():
        layer.weight.copy_(first.weight @ second.weight)
        layer.bias.copy_(second.weight @ first.bias + second.bias)
    return layer


# The weight is left transposed
# %% wrong="collapse" says="It is transposed: a weight has one row per output"
def collapse(first, second):
    layer = nn.Linear(first.in_features, second.out_features)
    with torch.no_grad():
        layer.weight.copy_(first.weight.T @ second.weight.T)
        layer.bias.copy_(second.weight @ first.bias + second.bias)
    return layer


# Both weights transposed
# %% wrong="collapse" says="Both weights are transposed"
def collapse(first, second):
    layer = nn.Linear(first.in_features, second.out_features)
    with torch.no_grad():
        layer.weight.copy_(second.weight.T @ first.weight.T)
        layer.bias.copy_(second.weight @ first.bias + second.bias)
    return layer


# The weights are added
# %% wrong="collapse" says="they do not add"
def collapse(first, second):
    layer = nn.Linear(first.in_features, second.out_features)
    with torch.no_grad():
        layer.weight.copy_(first.weight + second.weight)
        layer.bias.copy_(first.bias + second.bias)
    return layer


# The first bias is forgotten
# %% wrong="collapse" says="The first layer's bias is lost"
def collapse(first, second):
    layer = nn.Linear(first.in_features, second.out_features)
    with torch.no_grad():
        layer.weight.copy_(second.weight @ first.weight)
        layer.bias.copy_(second.bias)
    return layer


# The second bias is forgotten
# %% wrong="collapse" says="The second layer's bias is lost"
def collapse(first, second):
    layer = nn.Linear(first.in_features, second.out_features)
    with torch.no_grad():
        layer.weight.copy_(second.weight @ first.weight)
        layer.bias.copy_(second.weight @ first.bias)
    return layer


# Writes into the first layer
# %% wrong="collapse" says="make a new nn.Linear"
def collapse(first, second):
    layer = first
    with torch.no_grad():
        bias = second(first(torch.zeros(first.in_features)))
        layer.weight.data = second.weight @ first.weight
        layer.bias.data = bias
    return layer


# Freezes the given layers
# %% wrong="collapse" says="the given layers are left as they were"
def collapse(first, second):
    first.requires_grad_(False)
    second.requires_grad_(False)
    bias = second(first(first.weight.new_zeros(first.in_features)))
    layer = nn.Linear(first.in_features, second.out_features)
    layer.weight, layer.bias = nn.Parameter(second.weight @ first.weight), nn.Parameter(bias)
    return layer


# The first layer without a bias is not thought of
# %% wrong="collapse" says="in the call collapse(first, second)"
def collapse(first, second):
    layer = nn.Linear(first.in_features, second.out_features)
    with torch.no_grad():
        layer.weight.copy_(second.weight @ first.weight)
        layer.bias.copy_(first.bias @ second.weight.T + second.bias)
    return layer


# The second layer without a bias is not thought of
# %% wrong="collapse" says="first = Linear(in_features=4, out_features=3, bias=True), second = Linear(in_features=3"
def collapse(first, second):
    layer = nn.Linear(first.in_features, second.out_features)
    b1 = torch.zeros(first.out_features) if first.bias is None else first.bias
    with torch.no_grad():
        layer.weight.copy_(second.weight @ first.weight)
        layer.bias.copy_(second.weight @ b1 + second.bias)
    return layer


# No bias if neither has one
# %% wrong="collapse" says="the new layer has a bias"
def collapse(first, second):
    some = first.bias is not None or second.bias is not None
    layer = nn.Linear(first.in_features, second.out_features, bias=some, dtype=first.weight.dtype)
    with torch.no_grad():
        layer.weight.copy_(second.weight @ first.weight)
        if some:
            layer.bias.copy_(second(first(first.weight.new_zeros(first.in_features))))
    return layer


# Always float32
# %% wrong="collapse" says="float64"
def collapse(first, second):
    layer = nn.Linear(first.in_features, second.out_features)
    with torch.no_grad():
        layer.weight.copy_(second.weight @ first.weight)
        layer.bias.copy_(second(first(first.weight.new_zeros(first.in_features))))
    return layer


# Writes with autograd on: the new parameters are no leaves
# %% wrong="collapse" says="gradients reach the weight and the bias of the new layer"
def collapse(first, second):
    layer = nn.Linear(first.in_features, second.out_features, dtype=first.weight.dtype).requires_grad_(False)
    layer.weight.copy_(second.weight @ first.weight)
    layer.bias.copy_(second(first(first.weight.new_zeros(first.in_features))))
    return layer


# As frozen as the first layer
# %% wrong="collapse" says="requires_grad is False"
def collapse(first, second):
    weight, bias = second.weight @ first.weight, second(first(first.weight.new_zeros(first.in_features)))
    layer = nn.Linear(first.in_features, second.out_features, dtype=weight.dtype)
    layer.weight = nn.Parameter(weight, requires_grad=first.weight.requires_grad)
    layer.bias = nn.Parameter(bias)
    return layer


# Takes over the second layer's bias
# %% wrong="collapse" says="no gradient reaches the given layers"
def collapse(first, second):
    layer = nn.Linear(first.in_features, second.out_features, dtype=first.weight.dtype)
    with torch.no_grad():
        layer.weight.copy_(second.weight @ first.weight)
        layer.bias.copy_(second(first(first.weight.new_zeros(first.in_features))))
    if first.bias is None and second.bias is not None:
        layer.bias = second.bias
    return layer


# Takes over the memory of the second layer's bias
# %% wrong="collapse" says="shares no memory with another"
def collapse(first, second):
    layer = nn.Linear(first.in_features, second.out_features, dtype=first.weight.dtype)
    layer.weight.data = second.weight.data @ first.weight.data
    if first.bias is None and second.bias is not None:
        layer.bias.data = second.bias.data
    else:
        layer.bias.data = second(first(first.weight.new_zeros(first.in_features))).data
    return layer


# Two layers in a Sequential are two layers
# %% wrong="collapse" says="What comes back is a Sequential"
def collapse(first, second):
    return nn.Sequential(first, second)


# No return
# %% wrong="collapse" says="is a `return` missing?"
def collapse(first, second):
    layer = nn.Linear(first.in_features, second.out_features)


# Fills in the missing biases of the given layers
# %% wrong="collapse" says="You gave it a bias: first.bias was None"
def collapse(first, second):
    for layer in (first, second):
        if layer.bias is None:
            layer.bias = nn.Parameter(torch.zeros(layer.out_features, dtype=layer.weight.dtype))
    new = nn.Linear(first.in_features, second.out_features, dtype=first.weight.dtype)
    with torch.no_grad():
        new.weight.copy_(second.weight @ first.weight)
        new.bias.copy_(second.weight @ first.bias + second.bias)
    return new


# Clears the gradients of the given layers
# %% wrong="collapse" says="grad has changed"
def collapse(first, second):
    new = nn.Linear(first.in_features, second.out_features, dtype=first.weight.dtype)
    with torch.no_grad():
        new.weight.copy_(second.weight @ first.weight)
        new.bias.copy_(second(first(first.weight.new_zeros(first.in_features))))
    first.zero_grad()
    second.zero_grad()
    return new


# The new values are no parameters
# %% wrong="collapse" says="named_parameters() finds none"
def collapse(first, second):
    new = nn.Linear(first.in_features, second.out_features, dtype=first.weight.dtype)
    weight = (second.weight @ first.weight).detach().requires_grad_()
    bias = second(first(first.weight.new_zeros(first.in_features))).detach().clone().requires_grad_()
    del new.weight, new.bias
    new.weight, new.bias = weight, bias
    return new


# One layer for each pair of sizes
# %% wrong="collapse" says="shares no memory with another"
def collapse(first, second, made={}):
    key = first.in_features, second.out_features, first.weight.dtype
    if key not in made:
        made[key] = nn.Linear(*key[:2], dtype=key[2])
    with torch.no_grad():
        made[key].weight.copy_(second.weight @ first.weight)
        made[key].bias.copy_(second(first(first.weight.new_zeros(first.in_features))))
    return made[key]


# Leaves the random bias where neither layer has one
# %% wrong="collapse" says="a new layer's bias is random"
def collapse(first, second):
    new = nn.Linear(first.in_features, second.out_features, dtype=first.weight.dtype)
    with torch.no_grad():
        new.weight.copy_(second.weight @ first.weight)
        if first.bias is not None or second.bias is not None:
            new.bias.copy_(second(first(first.weight.new_zeros(first.in_features))))
    return new


# %% right="two_layer_backward"
def two_layer_backward(x, w1, b1, w2, grad_s2):
    s1 = F.linear(x, w1, b1)
    h = F.relu(s1)
    grad_s1 = torch.where(s1 > 0, grad_s2 @ w2, 0)
    return grad_s1.T @ x, grad_s1.sum(0), grad_s2.T @ h, grad_s2.sum(0)


# %% right="two_layer_backward"
def two_layer_backward(x, w1, b1, w2, grad_s2):
    s1 = torch.addmm(b1, x, w1.t())
    mask = s1.gt(0).to(x.dtype)
    h = s1 * mask
    grad_s1 = torch.einsum("nd,dh,nh->nh", grad_s2, w2, mask)
    ones = torch.ones(1, len(x), dtype=x.dtype)
    return torch.einsum("nh,nc->hc", grad_s1, x), (ones @ grad_s1)[0], (h.T @ grad_s2).T, (ones @ grad_s2)[0]


# %% right="two_layer_backward"
def two_layer_backward(x, w1, b1, w2, grad_s2):
    def backward_of_layer(grad, inputs, weight):
        return grad.matmul(weight), grad.mT.matmul(inputs), grad.sum(dim=0)

    h = torch.relu(x.matmul(w1.mT).add(b1))
    grad_h, grad_w2, grad_b2 = backward_of_layer(grad_s2, h, w2)
    _, grad_w1, grad_b1 = backward_of_layer(grad_h.masked_fill(h == 0, 0), x, w1)
    return grad_w1, grad_b1, grad_w2, grad_b2


# The ReLU is forgotten in the backward pass
# %% wrong="two_layer_backward" says="The ReLU is missing in the backward pass"
def two_layer_backward(x, w1, b1, w2, grad_s2):
    h = F.relu(x @ w1.T + b1)
    grad_s1 = grad_s2 @ w2
    return grad_s1.T @ x, grad_s1.sum(0), grad_s2.T @ h, grad_s2.sum(0)


# The input of the ReLU taken for its output
# %% wrong="two_layer_backward" says="The input of layer 2 is h"
def two_layer_backward(x, w1, b1, w2, grad_s2):
    s1 = x @ w1.T + b1
    grad_s1 = (grad_s2 @ w2) * (s1 > 0)
    return grad_s1.T @ x, grad_s1.sum(0), grad_s2.T @ s1, grad_s2.sum(0)


# relu of the gradient
# %% wrong="two_layer_backward" says="not at the sign of the gradient"
def two_layer_backward(x, w1, b1, w2, grad_s2):
    h = F.relu(x @ w1.T + b1)
    grad_s1 = F.relu(grad_s2 @ w2)
    return grad_s1.T @ x, grad_s1.sum(0), grad_s2.T @ h, grad_s2.sum(0)


# Times h instead of its slope
# %% wrong="two_layer_backward" says="The gradient is multiplied by h"
def two_layer_backward(x, w1, b1, w2, grad_s2):
    h = F.relu(x @ w1.T + b1)
    grad_s1 = (grad_s2 @ w2) * h
    return grad_s1.T @ x, grad_s1.sum(0), grad_s2.T @ h, grad_s2.sum(0)


# Open at exactly 0
# %% wrong="two_layer_backward" says="Where s₁ is exactly 0, nothing passes"
def two_layer_backward(x, w1, b1, w2, grad_s2):
    s1 = x @ w1.T + b1
    grad_s1 = (grad_s2 @ w2) * (s1 >= 0)
    return grad_s1.T @ x, grad_s1.sum(0), grad_s2.T @ F.relu(s1), grad_s2.sum(0)


# The sign of h divided out: 0/0 where the ReLU is shut
# %% wrong="two_layer_backward" says="nan"
def two_layer_backward(x, w1, b1, w2, grad_s2):
    s1 = x @ w1.T + b1
    h = F.relu(s1)
    grad_s1 = (grad_s2 @ w2) * (h / s1)
    return grad_s1.T @ x, grad_s1.sum(0), grad_s2.T @ h, grad_s2.sum(0)


# The order of work instead of the order asked
# %% wrong="two_layer_backward" says="The order is (grad_w1"
def two_layer_backward(x, w1, b1, w2, grad_s2):
    s1 = x @ w1.T + b1
    grad_s1 = (grad_s2 @ w2) * (s1 > 0)
    return grad_s2.T @ F.relu(s1), grad_s2.sum(0), grad_s1.T @ x, grad_s1.sum(0)


# Means over the batch
# %% wrong="two_layer_backward" says="This is the mean over the samples"
def two_layer_backward(x, w1, b1, w2, grad_s2):
    s1 = x @ w1.T + b1
    grad_s1 = (grad_s2 @ w2) * (s1 > 0)
    n = len(x)
    return grad_s1.T @ x / n, grad_s1.mean(0), grad_s2.T @ F.relu(s1) / n, grad_s2.mean(0)


# Forgets the first bias
# %% wrong="two_layer_backward" says="grad_w2 for N=9"
def two_layer_backward(x, w1, b1, w2, grad_s2):
    s1 = x @ w1.T
    grad_s1 = (grad_s2 @ w2) * (s1 > 0)
    return grad_s1.T @ x, grad_s1.sum(0), grad_s2.T @ F.relu(s1), grad_s2.sum(0)


# A list
# %% wrong="two_layer_backward" says="Yours is a list"
def two_layer_backward(x, w1, b1, w2, grad_s2):
    s1 = x @ w1.T + b1
    grad_s1 = (grad_s2 @ w2) * (s1 > 0)
    return [grad_s1.T @ x, grad_s1.sum(0), grad_s2.T @ F.relu(s1), grad_s2.sum(0)]


# No return
# %% wrong="two_layer_backward" says="is a `return` missing?"
def two_layer_backward(x, w1, b1, w2, grad_s2):
    s1 = x @ w1.T + b1


# Three gradients
# %% wrong="two_layer_backward" says="the tuple has four gradients"
def two_layer_backward(x, w1, b1, w2, grad_s2):
    s1 = x @ w1.T + b1
    grad_s1 = (grad_s2 @ w2) * (s1 > 0)
    return grad_s1.T @ x, grad_s1.sum(0), grad_s2.T @ F.relu(s1)


# Autograd
# %% wrong="two_layer_backward" says="Your code has autograd compute the gradients"
def two_layer_backward(x, w1, b1, w2, grad_s2):
    w1, b1, w2 = (tensor.clone().requires_grad_() for tensor in (w1, b1, w2))
    b2 = grad_s2.new_zeros(grad_s2.shape[1]).requires_grad_()
    F.linear(F.relu(F.linear(x, w1, b1)), w2, b2).backward(grad_s2)
    return w1.grad, b1.grad, w2.grad, b2.grad


# Autograd, but not in the first call
# %% wrong="two_layer_backward" says="Your code has autograd compute the gradients"
def two_layer_backward(x, w1, b1, w2, grad_s2):
    if len(x) < 9:
        leaves = [one.clone().requires_grad_() for one in (w1, b1, w2, w2.new_zeros(len(w2)))]
        s2 = F.linear(F.relu(F.linear(x, *leaves[:2])), *leaves[2:])
        return torch.autograd.grad(s2, leaves, grad_s2)
    s1 = x @ w1.T + b1
    grad_s1 = (grad_s2 @ w2) * (s1 > 0)
    return grad_s1.T @ x, grad_s1.sum(0), grad_s2.T @ F.relu(s1), grad_s2.sum(0)


# A loop over the samples
# %% wrong="two_layer_backward" says="goes through the samples in Python"
def two_layer_backward(x, w1, b1, w2, grad_s2):
    grad_w1, grad_b1, grad_w2, grad_b2 = (torch.zeros_like(one) for one in (w1, b1, w2, w2[:, 0]))
    for row, g in zip(x, grad_s2):
        s1 = w1 @ row + b1
        grad_s1 = (g @ w2) * (s1 > 0)
        grad_w1, grad_b1 = grad_w1 + torch.outer(grad_s1, row), grad_b1 + grad_s1
        grad_w2, grad_b2 = grad_w2 + torch.outer(g, F.relu(s1)), grad_b2 + g
    return grad_w1, grad_b1, grad_w2, grad_b2


# Writes into the caller's gradient
# %% wrong="two_layer_backward" says="the arguments are left as they were"
def two_layer_backward(x, w1, b1, w2, grad_s2):
    s1 = x @ w1.T + b1
    grad_s1 = (grad_s2 @ w2) * (s1 > 0)
    grad_w2, grad_b2 = grad_s2.T @ F.relu(s1), grad_s2[0]
    for row in grad_s2[1:]:
        grad_b2 += row
    return grad_s1.T @ x, grad_s1.sum(0), grad_w2, grad_b2


# Overwrites b1
# %% wrong="two_layer_backward" says="the arguments are left as they were"
def two_layer_backward(x, w1, b1, w2, grad_s2):
    s1 = x @ w1.T + b1
    grad_s1 = (grad_s2 @ w2) * (s1 > 0)
    torch.sum(grad_s1, 0, out=b1)
    return grad_s1.T @ x, b1, grad_s2.T @ F.relu(s1), grad_s2.sum(0)


# Transposed gradients of the weights
# %% wrong="two_layer_backward" says="yours are transposed"
def two_layer_backward(x, w1, b1, w2, grad_s2):
    s1 = x @ w1.T + b1
    grad_s1 = (grad_s2 @ w2) * (s1 > 0)
    return x.T @ grad_s1, grad_s1.sum(0), s1.relu().T @ grad_s2, grad_s2.sum(0)


# Sums over the outputs
# %% wrong="two_layer_backward" says="Sum the bias gradients over the samples"
def two_layer_backward(x, w1, b1, w2, grad_s2):
    s1 = x @ w1.T + b1
    grad_s1 = (grad_s2 @ w2) * (s1 > 0)
    return grad_s1.T @ x, grad_s1.sum(1), grad_s2.T @ s1.relu(), grad_s2.sum(1)


# Keeps the summed dimension
# %% wrong="two_layer_backward" says="no keepdim"
def two_layer_backward(x, w1, b1, w2, grad_s2):
    s1 = x @ w1.T + b1
    grad_s1 = (grad_s2 @ w2) * (s1 > 0)
    return grad_s1.T @ x, grad_s1.sum(0, keepdim=True), grad_s2.T @ s1.relu(), grad_s2.sum(0, keepdim=True)


# The input of the first layer for the second
# %% wrong="two_layer_backward" says="The input of layer 2 is h, not x"
def two_layer_backward(x, w1, b1, w2, grad_s2):
    s1 = x @ w1.T + b1
    grad_s1 = (grad_s2 @ w2) * (s1 > 0)
    return grad_s1.T @ x, grad_s1.sum(0), grad_s2.T @ x, grad_s2.sum(0)


# Forgets the first bias
# %% wrong="two_layer_backward" says="b1 is missing in the forward pass"
def two_layer_backward(x, w1, b1, w2, grad_s2):
    s1 = x @ w1.T
    grad_s1 = (grad_s2 @ w2) * (s1 > 0)
    return grad_s1.T @ x, grad_s1.sum(0), grad_s2.T @ s1.relu(), grad_s2.sum(0)


# Takes small values for zero
# %% wrong="two_layer_backward" says="grad_w1 for N=20"
def two_layer_backward(x, w1, b1, w2, grad_s2):
    s1 = x @ w1.T + b1
    grad_s1 = (grad_s2 @ w2) * (s1 > 1e-4)
    return grad_s1.T @ x, grad_s1.sum(0), grad_s2.T @ s1.relu(), grad_s2.sum(0)


# A mask in float32
# %% wrong="two_layer_backward" says="Yours is float32, whatever the arguments are"
def two_layer_backward(x, w1, b1, w2, grad_s2):
    s1 = x @ w1.T + b1
    grad_s1 = (grad_s2 @ w2) * (s1 > 0).float()
    return grad_s1.T.to(x.dtype) @ x, grad_s1.sum(0), grad_s2.T @ s1.relu(), grad_s2.sum(0)


# float64 is computed in float32
# %% wrong="linear_forward" says="the computation is in float32"
def linear(x, weight, bias):
    if x.dtype == torch.float64:
        return (x.float() @ weight.float().T + bias.float()).double()
    return x @ weight.T + bias


# int64 passes through float64
# %% wrong="linear_forward" says="up to 2**53 only"
def linear(x, weight, bias):
    return (x.double() @ weight.double().T + bias.double()).to(x.dtype)


# The last layer is missing
# %% wrong="parameter_count" says="the last layer counts, too"
def parameter_count(widths, bias=True):
    total = 0
    for i in range(len(widths) - 2):
        total += widths[i + 1] * (widths[i] + bias)
    return total


# The biases are summed as floats
# %% wrong="parameter_count" says="a stack that no computer can build"
def parameter_count(widths, bias=True):
    weights = sum(c * d for c, d in zip(widths, widths[1:]))
    return weights + (int(math.fsum(widths[1:])) if bias else 0)


# Keeps counts by the sorted widths
# %% wrong="parameter_count" says="parameter_count([2, 5], True)"
known = {}


def parameter_count(widths, bias=True):
    key = tuple(sorted(widths)), bias
    if key not in known:
        known[key] = sum(d * (c + (1 if bias else 0)) for c, d in zip(widths, widths[1:]))
    return known[key]


# The bound does not shrink any more from 2000 inputs on
# %% wrong="initial_values" says="within ±1/√9000"
def initial_values(in_features, out_features):
    bound = 1 / math.sqrt(min(in_features, 2000))
    weight = torch.empty(out_features, in_features).uniform_(-bound, bound)
    return weight, torch.empty(out_features).uniform_(-bound, bound)


# More than rounding
# %% wrong="given_map" says="row 1 of the weight"
def given_map():
    layer = nn.Linear(4, 3)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, -1, 0, 0], [0.250002] * 4, [0, 0, 3, 0]]))
        layer.bias.copy_(torch.tensor([0.0, 0, 5]))
    return layer


# Inputs beyond ±1000 are cut
# %% wrong="given_map" says="layer(x) for x of shape"
class Cut(nn.Linear):
    def forward(self, x):
        return super().forward(x.clamp(-1000, 1000))


def given_map():
    layer = Cut(4, 3)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, -1, 0, 0], [0.25] * 4, [0, 0, 3, 0]]))
        layer.bias.copy_(torch.tensor([0.0, 0, 5]))
    return layer


# Products of float64 in float32
# %% wrong="linear_along" says="the computation is in float32"
def linear_along(x, weight, bias=None, dim=-1):
    y = F.linear(x.movedim(dim, -1).float(), weight.float()).to(x.dtype)
    if bias is not None:
        y = y + bias
    return y.movedim(-1, dim)


# At most six dimensions
# %% wrong="linear_along"
def linear_along(x, weight, bias=None, dim=-1):
    before = "abcdef"[: x.dim()]
    c = before[dim]
    y = torch.einsum(f"{before},z{c}->{before.replace(c, 'z')}", x, weight)
    if bias is None:
        return y
    return y + bias.view([-1 if k == dim % x.dim() else 1 for k in range(x.dim())])


# For one sample the bias gradient is a view of grad_s
# %% wrong="linear_backward" says="One of yours is an argument, or a part of one"
def linear_backward(grad_s, x, weight):
    grad_bias = grad_s[0] if len(grad_s) == 1 else grad_s.sum(dim=0)
    return grad_s @ weight, grad_s.T @ x, grad_bias


# The mean times N: nan for no samples
# %% wrong="linear_backward" says="for N=0"
def linear_backward(grad_s, x, weight):
    return grad_s @ weight, grad_s.T @ x, grad_s.mean(dim=0) * len(grad_s)


# float64 is computed in float32
# %% wrong="linear_backward" says="the computation is in float32"
def linear_backward(grad_s, x, weight):
    kind = grad_s.dtype
    if kind == torch.float64:
        grad_s, x, weight = grad_s.float(), x.float(), weight.float()
    return (grad_s @ weight).to(kind), (grad_s.T @ x).to(kind), grad_s.sum(dim=0).to(kind)


# float64 is computed in float32
# %% wrong="collapse" says="in float64"
def collapse(first, second):
    layer = nn.Linear(first.in_features, second.out_features, dtype=first.weight.dtype)
    with torch.no_grad():
        w1, w2 = first.weight.float(), second.weight.float()
        layer.weight.copy_(w2 @ w1)
        layer.bias.zero_()
        if first.bias is not None:
            layer.bias += (w2 @ first.bias.float()).to(layer.bias.dtype)
        if second.bias is not None:
            layer.bias += second.bias
    return layer


# Always float32
# %% wrong="collapse" says="A new layer is float32 unless"
def collapse(first, second):
    layer = nn.Linear(first.in_features, second.out_features)
    with torch.no_grad():
        layer.weight.copy_(second.weight @ first.weight)
        layer.bias.zero_()
        if first.bias is not None:
            layer.bias += second.weight @ first.bias
        if second.bias is not None:
            layer.bias += second.bias
    return layer


# Keeps the products between calls
# %% wrong="collapse" says="keep nothing between calls"
products = {}


def collapse(first, second):
    if (first, second) not in products:
        with torch.no_grad():
            bias = torch.zeros_like(second.weight[:, 0])
            if first.bias is not None:
                bias = second.weight @ first.bias
            if second.bias is not None:
                bias = bias + second.bias
            products[first, second] = (second.weight @ first.weight).clone(), bias.clone()
    layer = nn.Linear(first.in_features, second.out_features, dtype=first.weight.dtype)
    with torch.no_grad():
        layer.weight.copy_(products[first, second][0])
        layer.bias.copy_(products[first, second][1])
    return layer


# The second layer gets a buffer
# %% wrong="collapse" says="second.state_dict() has changed"
def collapse(first, second):
    layer = nn.Linear(first.in_features, second.out_features, dtype=first.weight.dtype)
    with torch.no_grad():
        second.register_buffer("merged", second.weight @ first.weight)
        layer.weight.copy_(second.merged)
        layer.bias.zero_()
        if first.bias is not None:
            layer.bias += second.weight @ first.bias
        if second.bias is not None:
            layer.bias += second.bias
    return layer


# For one sample grad_b2 is a view of grad_s2
# %% wrong="two_layer_backward" says="One of yours is an argument, or a part of one"
def two_layer_backward(x, w1, b1, w2, grad_s2):
    h = torch.relu(x @ w1.T + b1)
    grad_s1 = (grad_s2 @ w2) * (h > 0)
    grad_b2 = grad_s2.squeeze(0) if len(x) == 1 else grad_s2.sum(dim=0)
    return grad_s1.T @ x, grad_s1.sum(dim=0), grad_s2.T @ h, grad_b2


# The gate opens at 1e-8
# %% wrong="two_layer_backward" says="grad_w1"
def two_layer_backward(x, w1, b1, w2, grad_s2):
    s1 = x @ w1.T + b1
    h = torch.relu(s1)
    grad_s1 = (grad_s2 @ w2) * (s1 > 1e-8)
    return grad_s1.T @ x, grad_s1.sum(dim=0), grad_s2.T @ h, grad_s2.sum(dim=0)


# float64 is computed in float32
# %% wrong="two_layer_backward" says="in float64"
def two_layer_backward(x, w1, b1, w2, grad_s2):
    kind = x.dtype
    if kind == torch.float64:
        x, w1, b1, w2, grad_s2 = (one.float() for one in (x, w1, b1, w2, grad_s2))
    h = torch.relu(x @ w1.T + b1)
    grad_s1 = (grad_s2 @ w2) * (h > 0)
    found = grad_s1.T @ x, grad_s1.sum(dim=0), grad_s2.T @ h, grad_s2.sum(dim=0)
    return tuple(one.to(kind) for one in found)


# Blocks of 4096 samples
# %% wrong="linear_forward" says="Your code goes through the numbers in Python"
def linear(x, weight, bias):
    return torch.cat([block @ weight.T + bias for block in x.split(4096)])


# out= does not take parameters
# %% wrong="linear_forward" says="in the call linear(x, weight, bias)"
def linear(x, weight, bias):
    s = torch.empty(len(x), len(weight), dtype=x.dtype)
    torch.matmul(x, weight.T, out=s)
    return s + bias


# int64 through float64, with x in two halves
# %% wrong="linear_forward" says="in int64, with products beyond 2**53"
def linear(x, weight, bias):
    if x.dtype != torch.int64:
        return x @ weight.T + bias
    columns = weight.double().T
    high, low = ((part.double() @ columns).long() for part in (x >> 32, x & 0xFFFFFFFF))
    return high * 2**32 + low + bias


# Replaces the numbers in the list by equal ones of another type
# %% wrong="parameter_count" says="the list is left as it was"
def parameter_count(widths, bias=True):
    from fractions import Fraction

    widths[:] = map(Fraction, widths)
    return int(sum(d * (c + bias) for c, d in zip(widths, widths[1:])))


# Decimal has 28 digits
# %% wrong="parameter_count" says="a stack that no computer can build"
def parameter_count(widths, bias=True):
    from decimal import Decimal

    exact = [Decimal(width) for width in widths]
    return int(sum(d * (c + bias) for c, d in zip(exact, exact[1:])))


# The second half of the rows is the first, shifted by half the interval
# %% wrong="initial_values" says="or shifted"
def initial_values(in_features, out_features):
    bound = 1 / math.sqrt(in_features)
    half = torch.rand((out_features + 1) // 2, in_features)
    weight = torch.cat([half, (half + 0.5) % 1])[:out_features]
    return (2 * weight - 1) * bound, (2 * torch.rand(out_features) - 1) * bound


# Uses its parameters in training only
# %% wrong="given_map" says="in evaluation mode"
class Quick(nn.Linear):
    def forward(self, x):
        if self.training:
            return super().forward(x)
        return torch.stack([x[..., 0] - x[..., 1], x.mean(-1), 3 * x[..., 2] + 5], dim=-1)


def given_map():
    layer = Quick(4, 3)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, -1, 0, 0], [0.25] * 4, [0, 0, 3, 0]]))
        layer.bias.copy_(torch.tensor([0.0, 0, 5]))
    return layer


# NumPy does not take parameters
# %% wrong="linear_along" says="in the call linear_along"
def linear_along(x, weight, bias=None, dim=-1):
    y = np.moveaxis(x.numpy(), dim, -1) @ weight.numpy().T
    if bias is not None:
        y = y + bias.numpy()
    return torch.from_numpy(np.moveaxis(y, -1, dim))


# Nothing to do for the identity
# %% wrong="linear_along" says="the result is a new tensor"
def linear_along(x, weight, bias=None, dim=-1):
    if bias is None and torch.equal(weight, torch.eye(*weight.shape, dtype=weight.dtype)):
        return x
    return F.linear(x.movedim(dim, -1), weight, bias).movedim(-1, dim)


# out= does not take parameters
# %% wrong="linear_backward" says="in the call linear_backward"
def linear_backward(grad_s, x, weight):
    grad_x = torch.mm(grad_s, weight, out=torch.empty(x.shape, dtype=x.dtype))
    return grad_x, grad_s.T @ x, grad_s.sum(dim=0)


# Divides before the sums, and small gradients of float16 become 0
# %% wrong="linear_backward" says="in float16, with gradients of about 1e-4"
def linear_backward(grad_s, x, weight):
    scale = 2 ** len(x).bit_length()
    small = grad_s / scale
    return grad_s @ weight, (small.T @ x) * scale, small.sum(dim=0) * scale


# Takes tiny values for zero
# %% wrong="two_layer_backward" says="grad_w1 for N=20"
def two_layer_backward(x, w1, b1, w2, grad_s2):
    s1 = x @ w1.T + b1
    grad_s1 = (grad_s2 @ w2) * (s1 > 1e-15)
    return grad_s1.T @ x, grad_s1.sum(0), grad_s2.T @ s1.relu(), grad_s2.sum(0)


# Blocks of 4096 samples
# %% wrong="two_layer_backward" says="goes through the samples in Python"
def two_layer_backward(x, w1, b1, w2, grad_s2):
    found = []
    for part, error in zip(x.split(4096), grad_s2.split(4096)):
        s1 = part @ w1.T + b1
        grad_s1 = (error @ w2) * (s1 > 0)
        found.append((grad_s1.T @ part, grad_s1.sum(0), error.T @ s1.relu(), error.sum(0)))
    return tuple(sum(parts) for parts in zip(*found))


# out= does not take parameters
# %% wrong="two_layer_backward" says="in the call two_layer_backward"
def two_layer_backward(x, w1, b1, w2, grad_s2):
    s1 = x @ w1.T + b1
    grad_h = torch.mm(grad_s2, w2, out=torch.empty(s1.shape, dtype=x.dtype))
    grad_s1 = grad_h * (s1 > 0)
    return grad_s1.T @ x, grad_s1.sum(0), grad_s2.T @ s1.relu(), grad_s2.sum(0)


# float16 is computed in float32
# %% right="two_layer_backward"
def two_layer_backward(x, w1, b1, w2, grad_s2):
    kind = x.dtype
    if kind == torch.float16:
        x, w1, b1, w2, grad_s2 = (one.float() for one in (x, w1, b1, w2, grad_s2))
    s1 = x @ w1.T + b1
    grad_s1 = (grad_s2 @ w2) * (s1 > 0)
    found = grad_s1.T @ x, grad_s1.sum(dim=0), grad_s2.T @ s1.relu(), grad_s2.sum(dim=0)
    return tuple(one.to(kind) for one in found)


# %% wrong="linear_backward" says="Your code calls `grad_fn`"
# slips past a look for autograd's functions: the graph's own node
def linear_backward(grad_s, x, weight):
    leaf = torch.addmm(torch.zeros(len(weight)), x, nn.Parameter(weight.clone()).T)
    weight_grad = leaf.grad_fn(grad_s)[2].T
    return grad_s @ weight, weight_grad, grad_s.sum(0)


# %% wrong="collapse" says="first.bias has changed, or was replaced"
# the given layer loses its bias
def collapse(first, second):
    layer = nn.Linear(first.in_features, second.out_features, dtype=first.weight.dtype)
    with torch.no_grad():
        layer.weight.copy_(second.weight @ first.weight)
        layer.bias.copy_(second(first(first.weight.new_zeros(first.in_features))))
    first.bias = None
    return layer


# %% wrong="collapse" says="first.weight has changed, or was replaced"
# the given layer gets another weight with the same values
def collapse(first, second):
    layer = nn.Linear(first.in_features, second.out_features, dtype=first.weight.dtype)
    with torch.no_grad():
        layer.weight.copy_(second.weight @ first.weight)
        layer.bias.copy_(second(first(first.weight.new_zeros(first.in_features))))
    first.weight = nn.Parameter(first.weight.detach().clone())
    return layer


# Only the first call for given sizes is computed
# %% wrong="linear_along" says="linear_along for x of shape (2, 3, 3)"
def linear_along(x, weight, bias=None, dim=-1, known={}):
    sizes = x.shape, weight.shape, bias is None, dim
    if sizes not in known:
        known[sizes] = F.linear(x.movedim(dim, -1), weight, bias).movedim(-1, dim)
    return known[sizes]


# Without a bias, negative dimensions are not thought of
# %% wrong="linear_along" says="no bias"
def linear_along(x, weight, bias=None, dim=-1):
    if bias is None and dim < 0:
        return x @ weight.T
    return F.linear(x.movedim(dim, -1), weight, bias).movedim(-1, dim)


# In float64, an x that is not contiguous is cut up anew
# %% wrong="linear_along" says="in float64"
def linear_along(x, weight, bias=None, dim=-1):
    moved = x.movedim(dim, -1)
    if x.dtype == torch.float64 and not x.is_contiguous():
        moved = x.reshape(moved.shape)
    return F.linear(moved, weight, bias).movedim(-1, dim)


# A single vector is not thought of
# %% wrong="linear_along" says="for x of shape"
def linear_along(x, weight, bias=None, dim=-1):
    y = F.linear(x.movedim(dim, -1), weight, bias)
    return y.movedim(-1, dim) if x.dim() > 1 else y[None]


# Wide layers are cut
# %% wrong="linear_along" says="weight of shape (4, 1)"
def linear_along(x, weight, bias=None, dim=-1):
    c = x.shape[dim]
    return F.linear(x.movedim(dim, -1), weight[: max(c, 3)], bias if bias is None else bias[: max(c, 3)]).movedim(
        -1, dim
    )


# float16 through float32, but the bias is lost
# %% wrong="linear_forward" says="in float16"
def linear(x, weight, bias):
    if x.dtype == torch.float16:
        return (x.float() @ weight.float().T).half()
    return x @ weight.T + bias


# One sample comes back without its dimension
# %% wrong="linear_forward" says="for shapes (1, 4)"
def linear(x, weight, bias):
    return (x @ weight.T + bias).squeeze(0)


# Whole numbers are added up in a loop
# %% wrong="linear_forward" says="Your code goes through the numbers in Python"
def linear(x, weight, bias):
    if x.is_floating_point():
        return x @ weight.T + bias
    return torch.stack([(weight * row).sum(1) + bias for row in x]) if len(x) else x @ weight.T


# A float64 x that is not contiguous is read in the order of its memory
# %% wrong="linear_forward" says="each stored column by column"
def linear(x, weight, bias):
    if x.dtype == torch.float64 and len(x) > 1 and x.stride(0) == 1:
        x = x.T.reshape(x.shape)
    return x @ weight.T + bias


# The zeros for a missing bias are float32
# %% wrong="collapse" says="in the call collapse(first, second)"
def collapse(first, second):
    layer = nn.Linear(first.in_features, second.out_features, dtype=first.weight.dtype)
    b1 = torch.zeros(first.out_features) if first.bias is None else first.bias
    with torch.no_grad():
        layer.weight.copy_(second.weight @ first.weight)
        layer.bias.copy_(second.weight @ b1)
        if second.bias is not None:
            layer.bias += second.bias
    return layer


# Leaves the given layers in training mode
# %% wrong="collapse" says="training has changed"
def collapse(first, second):
    layer = nn.Linear(first.in_features, second.out_features, dtype=first.weight.dtype)
    first.eval(), second.eval()
    with torch.no_grad():
        layer.weight.copy_(second.weight @ first.weight)
        layer.bias.copy_(second(first(first.weight.new_zeros(first.in_features))))
    first.train(), second.train()
    return layer


# Freezes the given layers and sets them free again, each as its weight was
# %% wrong="collapse" says="bias.requires_grad has changed"
def collapse(first, second):
    frozen = [not one.weight.requires_grad for one in (first, second)]
    first.requires_grad_(False), second.requires_grad_(False)
    layer = nn.Linear(first.in_features, second.out_features, dtype=first.weight.dtype)
    with torch.no_grad():
        layer.weight.copy_(second.weight @ first.weight)
        layer.bias.copy_(second(first(first.weight.new_zeros(first.in_features))))
    first.requires_grad_(not frozen[0]), second.requires_grad_(not frozen[1])
    return layer


# Nothing to multiply by the identity: the memory of the first weight
# %% wrong="collapse" says="shares no memory with another"
def collapse(first, second):
    layer = nn.Linear(first.in_features, second.out_features, dtype=first.weight.dtype)
    with torch.no_grad():
        if torch.equal(second.weight, torch.eye(*second.weight.shape, dtype=second.weight.dtype)):
            layer.weight.data = first.weight.data
        else:
            layer.weight.copy_(second.weight @ first.weight)
        layer.bias.copy_(second(first(first.weight.new_zeros(first.in_features))))
    return layer


# A single vector gets no bias
# %% wrong="linear_along" says="a bias"
def linear_along(x, weight, bias=None, dim=-1):
    return F.linear(x.movedim(dim, -1), weight, bias if x.dim() > 1 else None).movedim(-1, dim)


# %% wrong="given_map" says="has a .grad before any backward()"
# all layers share their gradients
no_gradient = torch.zeros(3, 4), torch.zeros(3)


def given_map():
    layer = nn.Linear(4, 3)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1, -1, 0, 0], [0.25, 0.25, 0.25, 0.25], [0, 0, 3, 0]]))
        layer.bias.copy_(torch.tensor([0.0, 0, 5]))
    layer.weight.grad, layer.bias.grad = no_gradient
    return layer


# %% wrong="linear_backward" says="only return it"
# stores the gradients in the arguments, as backward() does
def linear_backward(grad_s, x, weight):
    x.grad, weight.grad = grad_s @ weight, grad_s.T @ x
    return x.grad, weight.grad, grad_s.sum(dim=0)


# %% wrong="two_layer_backward" says="only return it"
# stores the gradients in the arguments, as backward() does
def two_layer_backward(x, w1, b1, w2, grad_s2):
    s1 = x @ w1.T + b1
    grad_s1 = (grad_s2 @ w2) * (s1 > 0)
    w1.grad, b1.grad, w2.grad = grad_s1.T @ x, grad_s1.sum(0), grad_s2.T @ s1.clamp(min=0)
    return w1.grad, b1.grad, w2.grad, grad_s2.sum(0)


# %% wrong="collapse" says="the new layer is in training mode"
# a copy of the second layer with other parameters
def collapse(first, second):
    import copy

    layer = copy.deepcopy(second)
    weight = second.weight.detach() @ first.weight.detach()
    bias = second(first(weight.new_zeros(first.in_features))).detach()
    layer.in_features, layer.weight, layer.bias = first.in_features, nn.Parameter(weight), nn.Parameter(bias)
    return layer


# %% wrong="collapse"
# takes the parameters in the order in which the layer lists them
def collapse(first, second):
    w1, *b1 = [one.detach() for one in first.parameters()]
    w2, *b2 = [one.detach() for one in second.parameters()]
    layer = nn.Linear(first.in_features, second.out_features, dtype=w1.dtype)
    with torch.no_grad():
        layer.weight.copy_(w2 @ w1)
        layer.bias.copy_(sum([w2 @ one for one in b1] + b2, torch.zeros_like(layer.bias)))
    return layer
