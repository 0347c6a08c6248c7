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


# The weight is not transposed
# %% wrong="linear_forward" says="The weight is not transposed: output d takes row d"
def linear(x, weight, bias):
    return x @ weight + bias


# The bias is forgotten
# %% wrong="linear_forward" says="The bias is missing."
def linear(x, weight, bias):
    return x @ weight.T


# Column vectors: the transposed result
# %% wrong="linear_forward" says="The shapes differ"
def linear(x, weight, bias):
    return weight @ x.T + bias[:, None]


# Turns the caller's weight in its own memory
# %% wrong="linear_forward" says="x, weight and bias are left as they were"
def linear(x, weight, bias):
    if weight.shape[0] == weight.shape[1]:
        weight.copy_(weight.T.clone())
        return x @ weight + bias
    return x @ weight.T + bias


# PyTorch's function
# %% wrong="linear_forward" says="which this exercise asks you to do without"
def linear(x, weight, bias):
    return F.linear(x, weight, bias)


# PyTorch's module with the given parameters
# %% wrong="linear_forward" says="which this exercise asks you to do without"
def linear(x, weight, bias):
    layer = nn.Linear(*weight.T.shape, dtype=x.dtype)
    layer.weight, layer.bias = nn.Parameter(weight), nn.Parameter(bias)
    return layer(x).detach()


# Always float32
# %% wrong="linear_forward" says="in float64"
def linear(x, weight, bias):
    return x.float() @ weight.float().T + bias.float()


# No return
# %% wrong="linear_forward" says="is a `return` missing?"
def linear(x, weight, bias):
    s = x @ weight.T + bias


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
    layers = [nn.Linear(c, d, bias=bias, device="meta") for c, d in zip(widths[:-1], widths[1:])]
    return sum(p.numel() for layer in layers for p in layer.parameters())


# The biases are forgotten
# %% wrong="parameter_count" says="The bias is missing"
def parameter_count(widths, bias=True):
    return sum(c * d for c, d in zip(widths, widths[1:]))


# A bias per input
# %% wrong="parameter_count" says="per output, not per input"
def parameter_count(widths, bias=True):
    return sum(c * (d + bias) for c, d in zip(widths, widths[1:]))


# One bias per layer
# %% wrong="parameter_count" says="not one per layer"
def parameter_count(widths, bias=True):
    return sum(c * d + bias for c, d in zip(widths, widths[1:]))


# bias=False is not looked at
# %% wrong="parameter_count" says="bias=False makes no difference"
def parameter_count(widths, bias=True):
    return sum(d * (c + 1) for c, d in zip(widths, widths[1:]))


# Returns inside the loop
# %% wrong="parameter_count" says="Only the first layer is counted"
def parameter_count(widths, bias=True):
    for c, d in zip(widths, widths[1:]):
        return d * (c + bias)


# Builds the layers
# %% wrong="parameter_count" says="memory"
def parameter_count(widths, bias=True):
    layers = [nn.Linear(c, d, bias=bias) for c, d in zip(widths, widths[1:])]
    return sum(p.numel() for layer in layers for p in layer.parameters())


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


# PyTorch's function for the weight
# %% wrong="initial_values" says="which this exercise asks you to do without"
def initial_values(in_features, out_features):
    weight, bias = nn.Parameter(torch.empty(out_features, in_features)), nn.Parameter(torch.empty(out_features))
    nn.init.kaiming_uniform_(weight, a=math.sqrt(5))
    nn.init.uniform_(bias, -1 / math.sqrt(in_features), 1 / math.sqrt(in_features))
    return weight, bias


# PyTorch's module
# %% wrong="initial_values" says="which this exercise asks you to do without"
def initial_values(in_features, out_features):
    layer = nn.Linear(in_features, out_features)
    return layer.weight, layer.bias


# Normal instead of uniform
# %% wrong="initial_values" says="The values spread √3 times too far"
def initial_values(in_features, out_features):
    bound = 1 / math.sqrt(in_features)
    return torch.randn(out_features, in_features) * bound, torch.randn(out_features) * bound


# Normal with the right standard deviation
# %% wrong="initial_values" says="Weights lie beyond the bound"
def initial_values(in_features, out_features):
    std = 1 / math.sqrt(3 * in_features)
    return torch.randn(out_features, in_features) * std, torch.randn(out_features) * std


# 0 to bound
# %% wrong="initial_values" says="half as long as it should be"
def initial_values(in_features, out_features):
    bound = 1 / math.sqrt(in_features)
    return torch.rand(out_features, in_features) * bound, torch.rand(out_features) * bound


# 0 to 2 bound
# %% wrong="initial_values" says="No value is negative"
def initial_values(in_features, out_features):
    bound = 1 / math.sqrt(in_features)
    return torch.rand(out_features, in_features) * 2 * bound, torch.rand(out_features) * 2 * bound


# fan_out instead of fan_in
# %% wrong="initial_values" says="fan_in is in_features"
def initial_values(in_features, out_features):
    bound = 1 / math.sqrt(out_features)
    return torch.empty(out_features, in_features).uniform_(-bound, bound), torch.empty(out_features).uniform_(
        -bound, bound
    )


# No square root
# %% wrong="initial_values" says="The square root is missing"
def initial_values(in_features, out_features):
    bound = 1 / in_features
    return torch.empty(out_features, in_features).uniform_(-bound, bound), torch.empty(out_features).uniform_(
        -bound, bound
    )


# The weight is turned
# %% wrong="initial_values" says="one row per output"
def initial_values(in_features, out_features):
    bound = 1 / math.sqrt(in_features)
    return torch.empty(in_features, out_features).uniform_(-bound, bound), torch.empty(out_features).uniform_(
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


# A seed inside
# %% wrong="initial_values" says="no seed is set"
def initial_values(in_features, out_features):
    torch.manual_seed(0)
    bound = 1 / math.sqrt(in_features)
    return torch.empty(out_features, in_features).uniform_(-bound, bound), torch.empty(out_features).uniform_(
        -bound, bound
    )


# No return
# %% wrong="initial_values" says="is a `return` missing?"
def initial_values(in_features, out_features):
    bound = 1 / math.sqrt(in_features)
    weight = torch.empty(out_features, in_features).uniform_(-bound, bound)


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


# The random bias is kept
# %% wrong="given_map" says="the random start is overwritten"
def given_map():
    layer = nn.Linear(4, 3)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1, -1, 0, 0], [0.25, 0.25, 0.25, 0.25], [0, 0, 3, 0]]))
        layer.bias[2] = 5
    return layer


# The sum instead of the mean
# %% wrong="given_map" says="y₁ is the sum, the mean was asked for"
def given_map():
    layer = nn.Linear(4, 3)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1, -1, 0, 0], [1, 1, 1, 1], [0, 0, 3, 0]]))
        layer.bias.copy_(torch.tensor([0, 0, 5]))
    return layer


# Sizes the wrong way round
# %% wrong="given_map" says="in_features and out_features are exchanged"
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


# A layer without a bias
# %% wrong="given_map" says="the layer has a bias"
def given_map():
    layer = nn.Linear(4, 3, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1, -1, 0, 0], [0.25, 0.25, 0.25, 0.25], [0, 0, 3, 0]]))
    return layer


# Switches training off to be allowed to write
# %% wrong="given_map" says="still trainable"
def given_map():
    layer = nn.Linear(4, 3).requires_grad_(False)
    layer.weight.copy_(torch.tensor([[1, -1, 0, 0], [0.25, 0.25, 0.25, 0.25], [0, 0, 3, 0]]))
    layer.bias.copy_(torch.tensor([0, 0, 5]))
    return layer


# Returns the weight, not the layer
# %% wrong="given_map" says="is no nn.Linear"
def given_map():
    return torch.tensor([[1, -1, 0, 0], [0.25, 0.25, 0.25, 0.25], [0, 0, 3, 0]])


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


# Not moved back
# %% wrong="linear_along" says="bring it back to its place"
def linear_along(x, weight, bias=None, dim=-1):
    return F.linear(x.movedim(dim, -1), weight, bias)


# reshape on the way there
# %% wrong="linear_along" says="or reshape cut x anew"
def linear_along(x, weight, bias=None, dim=-1):
    sizes = list(x.shape)
    c = sizes.pop(dim)
    y = F.linear(x.reshape(*sizes, c), weight, bias)
    shape = list(x.shape)
    shape[dim] = weight.shape[0]
    return y.reshape(shape)


# reshape on the way back
# %% wrong="linear_along" says="reshape cuts anew"
def linear_along(x, weight, bias=None, dim=-1):
    y = F.linear(x.movedim(dim, -1), weight, bias)
    shape = list(x.shape)
    shape[dim] = weight.shape[0]
    return y.reshape(shape)


# Swaps there, moves back: the other dimensions end in another order
# %% wrong="linear_along" says="Other dimensions have changed their places"
def linear_along(x, weight, bias=None, dim=-1):
    return F.linear(x.transpose(dim, -1), weight, bias).movedim(-1, dim)


# The bias is dropped
# %% wrong="linear_along" says="The bias is missing"
def linear_along(x, weight, bias=None, dim=-1):
    return F.linear(x.movedim(dim, -1), weight).movedim(-1, dim)


# A bias of None is not thought of
# %% wrong="linear_along" says="NoneType"
def linear_along(x, weight, bias=None, dim=-1):
    return (x.movedim(dim, -1) @ weight.T + bias).movedim(-1, dim)


# dim is not looked at
# %% wrong="linear_along" says="dim is not looked at"
def linear_along(x, weight, bias=None, dim=-1):
    return F.linear(x, weight, bias)


# Writes into the caller's x
# %% wrong="linear_along" says="the x you were given is left as it was"
def linear_along(x, weight, bias=None, dim=-1):
    y = F.linear(x.movedim(dim, -1), weight, bias).movedim(-1, dim)
    x.zero_()
    return y


# Only images
# %% wrong="linear_along"
def linear_along(x, weight, bias=None, dim=-1):
    if dim == 1:
        return F.linear(x.permute(0, 2, 3, 1), weight, bias).permute(0, 3, 1, 2)
    return F.linear(x, weight, bias)


# %% right="linear_backward"
def linear_backward(grad_s, x, weight):
    ones = torch.ones(len(x), dtype=x.dtype)
    return torch.mm(grad_s, weight), torch.mm(x.t(), grad_s).t(), ones @ grad_s


# %% right="linear_backward"
def linear_backward(grad_s, x, weight):
    grad_x = torch.einsum("nd,dc->nc", grad_s, weight)
    grad_weight = (grad_s[:, :, None] * x[:, None, :]).sum(0)
    return grad_x, grad_weight, torch.einsum("nd->d", grad_s)


# Means over the batch
# %% wrong="linear_backward" says="This is the mean over the samples"
def linear_backward(grad_s, x, weight):
    return grad_s @ weight, grad_s.T @ x / len(x), grad_s.mean(0)


# The mean for the bias only
# %% wrong="linear_backward" says="This is the mean over the samples"
def linear_backward(grad_s, x, weight):
    return grad_s @ weight, grad_s.T @ x, grad_s.mean(0)


# The weight's gradient turned
# %% wrong="linear_backward" says="It is turned"
def linear_backward(grad_s, x, weight):
    return grad_s @ weight, x.T @ grad_s, grad_s.sum(0)


# The weight transposed as in the forward pass
# %% wrong="linear_backward" says="On the way back the weight is not transposed"
def linear_backward(grad_s, x, weight):
    return grad_s @ weight.T, grad_s.T @ x, grad_s.sum(0)


# The bias summed over the outputs
# %% wrong="linear_backward" says="sum over the samples, dimension 0"
def linear_backward(grad_s, x, weight):
    return grad_s @ weight, grad_s.T @ x, grad_s.sum(1)


# The bias gradient not summed
# %% wrong="linear_backward" says="Each sample has its own row still"
def linear_backward(grad_s, x, weight):
    return grad_s @ weight, grad_s.T @ x, grad_s


# Another order
# %% wrong="linear_backward" says="The order is (grad_x, grad_weight, grad_bias)"
def linear_backward(grad_s, x, weight):
    return grad_s.T @ x, grad_s @ weight, grad_s.sum(0)


# Forgets the bias
# %% wrong="linear_backward" says="the tuple has three gradients"
def linear_backward(grad_s, x, weight):
    return grad_s @ weight, grad_s.T @ x


# Adds up the bias gradient in the first row of the caller's tensor
# %% wrong="linear_backward" says="grad_s, x and weight are left as they were"
def linear_backward(grad_s, x, weight):
    grad_x, grad_weight = grad_s @ weight, grad_s.T @ x
    grad_bias = grad_s[0]
    for row in grad_s[1:]:
        grad_bias += row
    return grad_x, grad_weight, grad_bias


# Autograd
# %% wrong="linear_backward" says="which this exercise asks you to do without"
def linear_backward(grad_s, x, weight):
    leaves = [tensor.clone().requires_grad_() for tensor in (x, weight, grad_s.new_zeros(grad_s.shape[1]))]
    return torch.autograd.grad(F.linear(*leaves), leaves, grad_s)


# Autograd, by way of .grad
# %% wrong="linear_backward" says="which this exercise asks you to do without"
def linear_backward(grad_s, x, weight):
    leaves = [tensor.clone().requires_grad_() for tensor in (x, weight, grad_s.new_zeros(grad_s.shape[1]))]
    F.linear(*leaves).backward(grad_s)
    return tuple(leaf.grad for leaf in leaves)


# %% right="collapse"
def collapse(first, second):
    layer = nn.Linear(first.in_features, second.out_features)
    b1 = torch.zeros(first.out_features) if first.bias is None else first.bias.detach()
    b2 = torch.zeros(second.out_features) if second.bias is None else second.bias.detach()
    layer.weight = nn.Parameter(second.weight.detach() @ first.weight.detach())
    layer.bias = nn.Parameter(second.weight.detach() @ b1 + b2)
    return layer


# %% right="collapse"
def collapse(first, second):
    c = first.in_features
    with torch.no_grad():
        bias = second(first(torch.zeros(c)))
        columns = second(first(torch.eye(c))) - bias
    layer = nn.Linear(c, second.out_features)
    layer.weight.data, layer.bias.data = columns.T.contiguous(), bias
    return layer


# The biases are added as they are
# %% wrong="collapse" says="The first bias passes through the second layer"
def collapse(first, second):
    layer = nn.Linear(first.in_features, second.out_features)
    with torch.no_grad():
        layer.weight.copy_(second.weight @ first.weight)
        layer.bias.copy_(first.bias + second.bias)
    return layer


# Factors in the order of the layers
# %% wrong="collapse" says="The factors are in the wrong order"
def collapse(first, second):
    layer = nn.Linear(first.in_features, second.out_features)
    with torch.no_grad():
        layer.weight.copy_(first.weight @ second.weight)
        layer.bias.copy_(second.weight @ first.bias + second.bias)
    return layer


# The weight is left turned
# %% wrong="collapse" says="It is turned"
def collapse(first, second):
    layer = nn.Linear(first.in_features, second.out_features)
    with torch.no_grad():
        layer.weight.copy_(first.weight.T @ second.weight.T)
        layer.bias.copy_(second.weight @ first.bias + second.bias)
    return layer


# The first bias is forgotten
# %% wrong="collapse" says="The first layer's bias is lost"
def collapse(first, second):
    layer = nn.Linear(first.in_features, second.out_features)
    with torch.no_grad():
        layer.weight.copy_(second.weight @ first.weight)
        layer.bias.copy_(second.bias)
    return layer


# Writes into the first layer
# %% wrong="collapse" says="given layers are left as they were"
def collapse(first, second):
    layer = first
    with torch.no_grad():
        bias = second(first(torch.zeros(first.in_features)))
        layer.weight.data = second.weight @ first.weight
        layer.bias.data = bias
    return layer


# A layer without bias is not thought of
# %% wrong="collapse" says="NoneType"
def collapse(first, second):
    layer = nn.Linear(first.in_features, second.out_features)
    with torch.no_grad():
        layer.weight.copy_(second.weight @ first.weight)
        layer.bias.copy_(first.bias @ second.weight.T + second.bias)
    return layer


# Two layers in a Sequential are two layers
# %% wrong="collapse" says="is no nn.Linear"
def collapse(first, second):
    return nn.Sequential(first, second)


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


# The ReLU is forgotten on the way back
# %% wrong="two_layer_backward" says="The ReLU is left out on the way back"
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


# Autograd
# %% wrong="two_layer_backward" says="which this exercise asks you to do without"
def two_layer_backward(x, w1, b1, w2, grad_s2):
    w1, b1, w2 = (tensor.clone().requires_grad_() for tensor in (w1, b1, w2))
    b2 = grad_s2.new_zeros(grad_s2.shape[1]).requires_grad_()
    F.linear(F.relu(F.linear(x, w1, b1)), w2, b2).backward(grad_s2)
    return w1.grad, b1.grad, w2.grad, b2.grad


# Writes into the caller's gradient
# %% wrong="two_layer_backward" says="the arguments are left as they were"
def two_layer_backward(x, w1, b1, w2, grad_s2):
    s1 = x @ w1.T + b1
    grad_s1 = (grad_s2 @ w2) * (s1 > 0)
    grad_w2, grad_b2 = grad_s2.T @ F.relu(s1), grad_s2[0]
    for row in grad_s2[1:]:
        grad_b2 += row
    return grad_s1.T @ x, grad_s1.sum(0), grad_w2, grad_b2


# Random values of large layers only
# %% wrong="initial_values"
def initial_values(in_features, out_features):
    if in_features * out_features < 100:
        return ()
    bound = 1 / math.sqrt(in_features)
    weight = torch.empty(out_features, in_features).uniform_(-bound, bound)
    return weight, torch.empty(out_features).uniform_(-bound, bound)
