# %% [markdown]
# # Right and wrong answers to the exercises of 16_capstone
#
# The checks must accept the right ones and reject the wrong ones, with the message that leads to the mistake.


# %% right="loss_and_gradients"
def loss_and_gradients(parameters, x, y):
    copies = [p.clone().requires_grad_(True) for p in parameters]
    h = x.reshape(len(x), -1)
    for i in range(0, len(copies), 2):
        h = h @ copies[i].t() + copies[i + 1]
        if i + 2 < len(copies):
            h = h.clamp(min=0)
    loss = nn.NLLLoss()(h.log_softmax(-1), y)
    loss.backward()
    return float(loss), [p.grad for p in copies]


# %% right="loss_and_gradients"
def loss_and_gradients(parameters, x, y):
    modules = []
    for w, b in zip(parameters[::2], parameters[1::2]):
        layer = nn.Linear(*reversed(w.shape))
        layer.weight, layer.bias = nn.Parameter(w.clone()), nn.Parameter(b.clone())
        modules += [layer, nn.ReLU()]
    net = nn.Sequential(nn.Flatten(), *modules[:-1])
    loss = F.cross_entropy(net(x), y)
    loss.backward()
    return loss.item(), [p.grad.clone() for p in net.parameters()]


# %% right="loss_and_gradients"
def loss_and_gradients(parameters, x, y):
    def compute(*ps):
        h = x.flatten(1)
        while len(ps) > 2:
            h, ps = torch.relu(F.linear(h, ps[0], ps[1])), ps[2:]
        return F.cross_entropy(F.linear(h, *ps), y)

    gradients, loss = torch.func.grad_and_value(compute, argnums=tuple(range(len(parameters))))(*parameters)
    return loss.item(), [*gradients]


# %% wrong="loss_and_gradients" says="There is a ReLU after the last layer"
# a ReLU after every layer
def loss_and_gradients(
    parameters: list[torch.Tensor], x: torch.Tensor, y: torch.Tensor
) -> tuple[float, list[torch.Tensor]]:
    """The mean cross-entropy of a net of linear layers with ReLUs between them, and its gradients.

    parameters: [w1, b1, w2, b2, …], weights of shape (D, C), biases of shape (D,). x: (N, …). y: (N,), int64.
    """
    leaves = [p.detach().requires_grad_() for p in parameters]
    x = x.flatten(1)
    for number, (weight, bias) in enumerate(zip(leaves[0::2], leaves[1::2])):
        x = F.relu(F.linear(x, weight, bias))
    loss = F.cross_entropy(x, y)
    return loss.item(), list(torch.autograd.grad(loss, leaves))


# %% wrong="loss_and_gradients" says="ReLUs between the layers are missing"
# linear only
def loss_and_gradients(
    parameters: list[torch.Tensor], x: torch.Tensor, y: torch.Tensor
) -> tuple[float, list[torch.Tensor]]:
    """The mean cross-entropy of a net of linear layers with ReLUs between them, and its gradients.

    parameters: [w1, b1, w2, b2, …], weights of shape (D, C), biases of shape (D,). x: (N, …). y: (N,), int64.
    """
    leaves = [p.detach().requires_grad_() for p in parameters]
    x = x.flatten(1)
    for number, (weight, bias) in enumerate(zip(leaves[0::2], leaves[1::2])):
        x = F.linear(x if number == 0 else x, weight, bias)
    loss = F.cross_entropy(x, y)
    return loss.item(), list(torch.autograd.grad(loss, leaves))


# %% wrong="loss_and_gradients" says="This is the sum over the samples"
# sum
def loss_and_gradients(
    parameters: list[torch.Tensor], x: torch.Tensor, y: torch.Tensor
) -> tuple[float, list[torch.Tensor]]:
    """The mean cross-entropy of a net of linear layers with ReLUs between them, and its gradients.

    parameters: [w1, b1, w2, b2, …], weights of shape (D, C), biases of shape (D,). x: (N, …). y: (N,), int64.
    """
    leaves = [p.detach().requires_grad_() for p in parameters]
    x = x.flatten(1)
    for number, (weight, bias) in enumerate(zip(leaves[0::2], leaves[1::2])):
        x = F.linear(x if number == 0 else F.relu(x), weight, bias)
    loss = F.cross_entropy(x, y, reduction="sum")
    return loss.item(), list(torch.autograd.grad(loss, leaves))


# %% wrong="loss_and_gradients" says="There is a softmax before the loss"
# softmax twice
def loss_and_gradients(
    parameters: list[torch.Tensor], x: torch.Tensor, y: torch.Tensor
) -> tuple[float, list[torch.Tensor]]:
    """The mean cross-entropy of a net of linear layers with ReLUs between them, and its gradients.

    parameters: [w1, b1, w2, b2, …], weights of shape (D, C), biases of shape (D,). x: (N, …). y: (N,), int64.
    """
    leaves = [p.detach().requires_grad_() for p in parameters]
    x = x.flatten(1)
    for number, (weight, bias) in enumerate(zip(leaves[0::2], leaves[1::2])):
        x = F.linear(x if number == 0 else F.relu(x), weight, bias)
    loss = F.cross_entropy(x.softmax(1), y)
    return loss.item(), list(torch.autograd.grad(loss, leaves))


# %% wrong="loss_and_gradients" says="The loss is a tensor"
# no item
def loss_and_gradients(
    parameters: list[torch.Tensor], x: torch.Tensor, y: torch.Tensor
) -> tuple[float, list[torch.Tensor]]:
    """The mean cross-entropy of a net of linear layers with ReLUs between them, and its gradients.

    parameters: [w1, b1, w2, b2, …], weights of shape (D, C), biases of shape (D,). x: (N, …). y: (N,), int64.
    """
    leaves = [p.detach().requires_grad_() for p in parameters]
    x = x.flatten(1)
    for number, (weight, bias) in enumerate(zip(leaves[0::2], leaves[1::2])):
        x = F.linear(x if number == 0 else F.relu(x), weight, bias)
    loss = F.cross_entropy(x, y)
    return loss.detach(), list(torch.autograd.grad(loss, leaves))


# %% wrong="loss_and_gradients" says="The gradients are a tuple"
# the tuple of autograd.grad
def loss_and_gradients(
    parameters: list[torch.Tensor], x: torch.Tensor, y: torch.Tensor
) -> tuple[float, list[torch.Tensor]]:
    """The mean cross-entropy of a net of linear layers with ReLUs between them, and its gradients.

    parameters: [w1, b1, w2, b2, …], weights of shape (D, C), biases of shape (D,). x: (N, …). y: (N,), int64.
    """
    leaves = [p.detach().requires_grad_() for p in parameters]
    x = x.flatten(1)
    for number, (weight, bias) in enumerate(zip(leaves[0::2], leaves[1::2])):
        x = F.linear(x if number == 0 else F.relu(x), weight, bias)
    loss = F.cross_entropy(x, y)
    return loss.item(), torch.autograd.grad(loss, leaves)


# %% wrong="loss_and_gradients" says="those of the weights only"
# forgets the biases
def loss_and_gradients(
    parameters: list[torch.Tensor], x: torch.Tensor, y: torch.Tensor
) -> tuple[float, list[torch.Tensor]]:
    """The mean cross-entropy of a net of linear layers with ReLUs between them, and its gradients.

    parameters: [w1, b1, w2, b2, …], weights of shape (D, C), biases of shape (D,). x: (N, …). y: (N,), int64.
    """
    leaves = [p.detach().requires_grad_() for p in parameters]
    x = x.flatten(1)
    for number, (weight, bias) in enumerate(zip(leaves[0::2], leaves[1::2])):
        x = F.linear(x if number == 0 else F.relu(x), weight, bias)
    loss = F.cross_entropy(x, y)
    return loss.item(), list(torch.autograd.grad(loss, leaves[0::2]))


# %% wrong="loss_and_gradients" says="in the reverse order"
# as the backward pass meets them
def loss_and_gradients(
    parameters: list[torch.Tensor], x: torch.Tensor, y: torch.Tensor
) -> tuple[float, list[torch.Tensor]]:
    """The mean cross-entropy of a net of linear layers with ReLUs between them, and its gradients.

    parameters: [w1, b1, w2, b2, …], weights of shape (D, C), biases of shape (D,). x: (N, …). y: (N,), int64.
    """
    leaves = [p.detach().requires_grad_() for p in parameters]
    x = x.flatten(1)
    for number, (weight, bias) in enumerate(zip(leaves[0::2], leaves[1::2])):
        x = F.linear(x if number == 0 else F.relu(x), weight, bias)
    loss = F.cross_entropy(x, y)
    return loss.item(), list(torch.autograd.grad(loss, leaves))[::-1]


# %% wrong="loss_and_gradients" says="This is the loss alone"
# no gradients
def loss_and_gradients(
    parameters: list[torch.Tensor], x: torch.Tensor, y: torch.Tensor
) -> tuple[float, list[torch.Tensor]]:
    """The mean cross-entropy of a net of linear layers with ReLUs between them, and its gradients.

    parameters: [w1, b1, w2, b2, …], weights of shape (D, C), biases of shape (D,). x: (N, …). y: (N,), int64.
    """
    leaves = [p.detach().requires_grad_() for p in parameters]
    x = x.flatten(1)
    for number, (weight, bias) in enumerate(zip(leaves[0::2], leaves[1::2])):
        x = F.linear(x if number == 0 else F.relu(x), weight, bias)
    loss = F.cross_entropy(x, y)
    return loss.item()


# %% wrong="loss_and_gradients" says="still require no gradient"
# requires_grad_ on the parameters themselves
def loss_and_gradients(
    parameters: list[torch.Tensor], x: torch.Tensor, y: torch.Tensor
) -> tuple[float, list[torch.Tensor]]:
    """The mean cross-entropy of a net of linear layers with ReLUs between them, and its gradients.

    parameters: [w1, b1, w2, b2, …], weights of shape (D, C), biases of shape (D,). x: (N, …). y: (N,), int64.
    """
    leaves = [p.requires_grad_() for p in parameters]
    x = x.flatten(1)
    for number, (weight, bias) in enumerate(zip(leaves[0::2], leaves[1::2])):
        x = F.linear(x if number == 0 else F.relu(x), weight, bias)
    loss = F.cross_entropy(x, y)
    return loss.item(), list(torch.autograd.grad(loss, leaves))


# %% wrong="loss_and_gradients"
# two layers only, as by hand
def loss_and_gradients(parameters, x, y):
    w1, b1, w2, b2 = [p.clone().requires_grad_() for p in parameters]
    loss = F.cross_entropy(F.linear(F.relu(F.linear(x.flatten(1), w1, b1)), w2, b2), y)
    return loss.item(), list(torch.autograd.grad(loss, [w1, b1, w2, b2]))


# %% wrong="loss_and_gradients"
# float32 always
def loss_and_gradients(
    parameters: list[torch.Tensor], x: torch.Tensor, y: torch.Tensor
) -> tuple[float, list[torch.Tensor]]:
    """The mean cross-entropy of a net of linear layers with ReLUs between them, and its gradients.

    parameters: [w1, b1, w2, b2, …], weights of shape (D, C), biases of shape (D,). x: (N, …). y: (N,), int64.
    """
    leaves = [p.detach().float().requires_grad_() for p in parameters]
    x = x.flatten(1).float()
    for number, (weight, bias) in enumerate(zip(leaves[0::2], leaves[1::2])):
        x = F.linear(x if number == 0 else F.relu(x), weight, bias)
    loss = F.cross_entropy(x, y)
    return loss.item(), list(torch.autograd.grad(loss, leaves))


# %% wrong="loss_and_gradients"
# takes a step as well
def loss_and_gradients(
    parameters: list[torch.Tensor], x: torch.Tensor, y: torch.Tensor
) -> tuple[float, list[torch.Tensor]]:
    """The mean cross-entropy of a net of linear layers with ReLUs between them, and its gradients.

    parameters: [w1, b1, w2, b2, …], weights of shape (D, C), biases of shape (D,). x: (N, …). y: (N,), int64.
    """
    leaves = [p.detach().requires_grad_() for p in parameters]
    x = x.flatten(1)
    for number, (weight, bias) in enumerate(zip(leaves[0::2], leaves[1::2])):
        x = F.linear(x if number == 0 else F.relu(x), weight, bias)
    loss = F.cross_entropy(x, y)
    gradients = list(torch.autograd.grad(loss, leaves))
    for p, gradient in zip(parameters, gradients):
        p -= 0.2 * gradient
    return loss.item(), gradients


# %% wrong="loss_and_gradients"
# an unstable softmax by hand
def loss_and_gradients(
    parameters: list[torch.Tensor], x: torch.Tensor, y: torch.Tensor
) -> tuple[float, list[torch.Tensor]]:
    """The mean cross-entropy of a net of linear layers with ReLUs between them, and its gradients.

    parameters: [w1, b1, w2, b2, …], weights of shape (D, C), biases of shape (D,). x: (N, …). y: (N,), int64.
    """
    leaves = [p.detach().requires_grad_() for p in parameters]
    x = x.flatten(1)
    for number, (weight, bias) in enumerate(zip(leaves[0::2], leaves[1::2])):
        x = F.linear(x if number == 0 else F.relu(x), weight, bias)
    loss = -(x.exp() / x.exp().sum(1, keepdim=True))[torch.arange(len(y)), y].log().mean()
    return loss.item(), list(torch.autograd.grad(loss, leaves))


# %% wrong="loss_and_gradients" says="and the gradients are a tuple"
# the loss is a tensor, the gradients are a tuple
def loss_and_gradients(parameters, x, y):
    ps = [p.detach().requires_grad_() for p in parameters]
    h = x.flatten(1)
    n = len(ps) // 2
    for k in range(n):
        h = F.linear(h, ps[2 * k], ps[2 * k + 1])
        if k < n - 1:
            h = F.relu(h)
    loss = F.cross_entropy(h, y)
    return loss, torch.autograd.grad(loss, ps)


# %% wrong="loss_and_gradients" says="keep the order of `parameters`"
# weights first, then biases
def loss_and_gradients(parameters, x, y):
    ws = [w.detach().requires_grad_() for w in parameters[0::2]]
    bs = [b.detach().requires_grad_() for b in parameters[1::2]]
    h = x.flatten(1)
    for k, (w, b) in enumerate(zip(ws, bs)):
        if k:
            h = F.relu(h)
        h = F.linear(h, w, b)
    loss = F.cross_entropy(h, y)
    return loss.item(), list(torch.autograd.grad(loss, ws + bs))


# %% wrong="loss_and_gradients" says="The gradients are None"
# .grad of the originals
def loss_and_gradients(parameters, x, y):
    ps = [p.clone().requires_grad_() for p in parameters]
    h = x.flatten(1)
    for k, (w, b) in enumerate(zip(ps[0::2], ps[1::2])):
        if k:
            h = F.relu(h)
        h = F.linear(h, w, b)
    loss = F.cross_entropy(h, y)
    loss.backward()
    return loss.item(), [p.grad for p in parameters]


# %% wrong="loss_and_gradients"
# view: x may be a transposed batch
def loss_and_gradients(parameters, x, y):
    ps = [p.detach().requires_grad_() for p in parameters]
    h = x.view(len(x), -1)
    for k, (w, b) in enumerate(zip(ps[::2], ps[1::2])):
        if k:
            h = F.relu(h)
        h = F.linear(h, w, b)
    loss = F.cross_entropy(h, y)
    return loss.item(), list(torch.autograd.grad(loss, ps))


# %% wrong="loss_and_gradients"
# float64 parameters are computed with in float32
def loss_and_gradients(parameters, x, y):
    ps = [p.detach().float().requires_grad_() for p in parameters]
    h = x.float().flatten(1)
    for k, (w, b) in enumerate(zip(ps[::2], ps[1::2])):
        if k:
            h = F.relu(h)
        h = F.linear(h, w, b)
    loss = F.cross_entropy(h, y)
    return loss.item(), [d.to(p.dtype) for d, p in zip(torch.autograd.grad(loss, ps), parameters)]


# %% wrong="loss_and_gradients" says="They have added up"
# tensors that are kept between calls, with their .grad
kept = {}


def loss_and_gradients(parameters, x, y):
    sizes = tuple(p.shape for p in parameters)
    leaves = kept.setdefault(sizes, [p.clone().requires_grad_() for p in parameters])
    h = x.flatten(1)
    for number, (weight, bias) in enumerate(zip(leaves[0::2], leaves[1::2])):
        h = F.linear(h if number == 0 else F.relu(h), weight, bias)
    loss = F.cross_entropy(h, y)
    loss.backward()
    return loss.item(), [p.grad for p in leaves]


# %% right="classifier"
class Classifier(nn.Module):
    def __init__(self, parameters):
        super().__init__()
        layers = []
        for w, b in (parameters[:2], parameters[2:]):
            layer = nn.Linear(w.size(1), w.size(0))
            layer.weight, layer.bias = nn.Parameter(w.clone()), nn.Parameter(b.clone())
            layers.append(layer)
        self.hidden, self.out = layers

    def forward(self, x):
        return self.out(self.hidden(x.reshape(len(x), -1)).relu())


# %% right="classifier"
class Classifier(nn.Module):
    def __init__(self, parameters):
        super().__init__()
        self.hidden = nn.Linear(parameters[0].shape[1], len(parameters[1])).to(parameters[0].dtype)
        self.out = nn.Linear(len(parameters[1]), len(parameters[3])).to(parameters[0].dtype)
        names = ["hidden.weight", "hidden.bias", "out.weight", "out.bias"]
        self.load_state_dict(dict(zip(names, parameters)))

    def forward(self, x):
        hidden = self.hidden(torch.flatten(x, start_dim=1))
        return self.out(torch.clamp(hidden, min=0))


# %% right="classifier"
class Classifier(nn.Module):
    def __init__(self, parameters):
        super().__init__()
        (d, c), k = parameters[0].shape, parameters[2].shape[0]
        self.hidden = nn.Linear(c, d)
        self.out = nn.Linear(d, k)
        for p, value in zip(self.parameters(), parameters):
            p.data = value.clone().detach()

    def forward(self, x):
        return F.linear(F.relu(self.hidden(x.flatten(1))), self.out.weight, self.out.bias)


# %% right="classifier"
class Classifier(nn.Module):
    def __init__(self, parameters):
        super().__init__()
        w1, b1, w2, b2 = (torch.nn.Parameter(p.detach().clone()) for p in parameters)
        self.out = nn.Linear(*reversed(w2.shape))
        self.hidden = nn.Linear(*reversed(w1.shape))
        self.out.weight, self.out.bias = w2, b2
        self.hidden.weight, self.hidden.bias = w1, b1

    def forward(self, x):
        for layer in (nn.Flatten(), self.hidden, nn.ReLU(), self.out):
            x = layer(x)
        return x


# %% wrong="classifier" says="The sizes are swapped"
# shape in the order of the weight
class Classifier(nn.Module):
    def __init__(self, parameters):
        super().__init__()
        w1, b1, w2, b2 = parameters
        self.hidden = nn.Linear(*w1.shape, dtype=w1.dtype)
        self.out = nn.Linear(*w2.shape, dtype=w2.dtype)

    def forward(self, x):
        return self.out(F.relu(self.hidden(x.flatten(1))))


# %% wrong="classifier" says="The layers are always float32"
# float32 on the way
class Classifier(nn.Module):
    """Two linear layers with a ReLU between them, which start with given values.

    parameters: [w1, b1, w2, b2], weights of shape (D, C), biases of shape (D,).
    """

    def __init__(self, parameters: list[torch.Tensor]):
        super().__init__()
        w1, b1, w2, b2 = parameters
        self.hidden = nn.Linear(w1.shape[1], w1.shape[0], dtype=torch.float32)
        self.out = nn.Linear(w2.shape[1], w2.shape[0], dtype=torch.float32)
        with torch.no_grad():
            for parameter, value in zip(self.parameters(), (w1, b1, w2, b2)):
                parameter.copy_(value)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The logits. x: (N, …). Returns: (N, K)."""
        return self.out(F.relu(self.hidden(x.flatten(1))))


# %% wrong="classifier" says="The ReLU between the layers is missing"
# linear
class Classifier(nn.Module):
    """Two linear layers with a ReLU between them, which start with given values.

    parameters: [w1, b1, w2, b2], weights of shape (D, C), biases of shape (D,).
    """

    def __init__(self, parameters: list[torch.Tensor]):
        super().__init__()
        w1, b1, w2, b2 = parameters
        self.hidden = nn.Linear(w1.shape[1], w1.shape[0], dtype=w1.dtype)
        self.out = nn.Linear(w2.shape[1], w2.shape[0], dtype=w2.dtype)
        with torch.no_grad():
            for parameter, value in zip(self.parameters(), (w1, b1, w2, b2)):
                parameter.copy_(value)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The logits. x: (N, …). Returns: (N, K)."""
        return self.out(self.hidden(x.flatten(1)))


# %% wrong="classifier" says="There is a ReLU after the output layer"
# ReLU at the end
class Classifier(nn.Module):
    """Two linear layers with a ReLU between them, which start with given values.

    parameters: [w1, b1, w2, b2], weights of shape (D, C), biases of shape (D,).
    """

    def __init__(self, parameters: list[torch.Tensor]):
        super().__init__()
        w1, b1, w2, b2 = parameters
        self.hidden = nn.Linear(w1.shape[1], w1.shape[0], dtype=w1.dtype)
        self.out = nn.Linear(w2.shape[1], w2.shape[0], dtype=w2.dtype)
        with torch.no_grad():
            for parameter, value in zip(self.parameters(), (w1, b1, w2, b2)):
                parameter.copy_(value)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The logits. x: (N, …). Returns: (N, K)."""
        return F.relu(self.out(F.relu(self.hidden(x.flatten(1)))))


# %% wrong="classifier" says="There is a softmax at the end"
# softmax
class Classifier(nn.Module):
    """Two linear layers with a ReLU between them, which start with given values.

    parameters: [w1, b1, w2, b2], weights of shape (D, C), biases of shape (D,).
    """

    def __init__(self, parameters: list[torch.Tensor]):
        super().__init__()
        w1, b1, w2, b2 = parameters
        self.hidden = nn.Linear(w1.shape[1], w1.shape[0], dtype=w1.dtype)
        self.out = nn.Linear(w2.shape[1], w2.shape[0], dtype=w2.dtype)
        with torch.no_grad():
            for parameter, value in zip(self.parameters(), (w1, b1, w2, b2)):
                parameter.copy_(value)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The logits. x: (N, …). Returns: (N, K)."""
        return self.out(F.relu(self.hidden(x.flatten(1)))).softmax(dim=1)


# %% wrong="classifier" says="These are log-probabilities"
# log-softmax
class Classifier(nn.Module):
    """Two linear layers with a ReLU between them, which start with given values.

    parameters: [w1, b1, w2, b2], weights of shape (D, C), biases of shape (D,).
    """

    def __init__(self, parameters: list[torch.Tensor]):
        super().__init__()
        w1, b1, w2, b2 = parameters
        self.hidden = nn.Linear(w1.shape[1], w1.shape[0], dtype=w1.dtype)
        self.out = nn.Linear(w2.shape[1], w2.shape[0], dtype=w2.dtype)
        with torch.no_grad():
            for parameter, value in zip(self.parameters(), (w1, b1, w2, b2)):
                parameter.copy_(value)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The logits. x: (N, …). Returns: (N, K)."""
        return self.out(F.relu(self.hidden(x.flatten(1)))).log_softmax(dim=1)


# %% wrong="classifier" says="shares the memory of w"
# Parameters around the given tensors
class Classifier(nn.Module):
    """Two linear layers with a ReLU between them, which start with given values.

    parameters: [w1, b1, w2, b2], weights of shape (D, C), biases of shape (D,).
    """

    def __init__(self, parameters: list[torch.Tensor]):
        super().__init__()
        w1, b1, w2, b2 = parameters
        self.hidden = nn.Linear(w1.shape[1], w1.shape[0], dtype=w1.dtype)
        self.out = nn.Linear(w2.shape[1], w2.shape[0], dtype=w2.dtype)
        self.hidden.weight, self.hidden.bias = nn.Parameter(w1), nn.Parameter(b1)
        self.out.weight, self.out.bias = nn.Parameter(w2), nn.Parameter(b2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The logits. x: (N, …). Returns: (N, K)."""
        return self.out(F.relu(self.hidden(x.flatten(1))))


# %% wrong="classifier" says="net.hidden is an nn.Linear"
# other names
class Classifier(nn.Module):
    """Two linear layers with a ReLU between them, which start with given values.

    parameters: [w1, b1, w2, b2], weights of shape (D, C), biases of shape (D,).
    """

    def __init__(self, parameters: list[torch.Tensor]):
        super().__init__()
        w1, b1, w2, b2 = parameters
        self.first = nn.Linear(w1.shape[1], w1.shape[0], dtype=w1.dtype)
        self.out = nn.Linear(w2.shape[1], w2.shape[0], dtype=w2.dtype)
        with torch.no_grad():
            for parameter, value in zip(self.parameters(), (w1, b1, w2, b2)):
                parameter.copy_(value)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The logits. x: (N, …). Returns: (N, K)."""
        return self.out(F.relu(self.first(x.flatten(1))))


# %% wrong="classifier" says="net.out is an nn.Linear"
# a Sequential
class Classifier(nn.Module):
    """Two linear layers with a ReLU between them, which start with given values.

    parameters: [w1, b1, w2, b2], weights of shape (D, C), biases of shape (D,).
    """

    def __init__(self, parameters: list[torch.Tensor]):
        super().__init__()
        w1, b1, w2, b2 = parameters
        self.hidden = nn.Linear(w1.shape[1], w1.shape[0], dtype=w1.dtype)
        self.out = nn.Sequential(nn.Linear(w2.shape[1], w2.shape[0], dtype=w2.dtype))
        with torch.no_grad():
            for parameter, value in zip(self.parameters(), (w1, b1, w2, b2)):
                parameter.copy_(value)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The logits. x: (N, …). Returns: (N, K)."""
        return self.out(F.relu(self.hidden(x.flatten(1))))


# %% wrong="classifier" says="a gradient reaches all four"
# detach in forward
class Classifier(nn.Module):
    """Two linear layers with a ReLU between them, which start with given values.

    parameters: [w1, b1, w2, b2], weights of shape (D, C), biases of shape (D,).
    """

    def __init__(self, parameters: list[torch.Tensor]):
        super().__init__()
        w1, b1, w2, b2 = parameters
        self.hidden = nn.Linear(w1.shape[1], w1.shape[0], dtype=w1.dtype)
        self.out = nn.Linear(w2.shape[1], w2.shape[0], dtype=w2.dtype)
        with torch.no_grad():
            for parameter, value in zip(self.parameters(), (w1, b1, w2, b2)):
                parameter.copy_(value)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The logits. x: (N, …). Returns: (N, K)."""
        return self.out(F.relu(self.hidden(x.flatten(1))).detach())


# %% wrong="classifier" says="all four are trainable"
# frozen
class Classifier(nn.Module):
    """Two linear layers with a ReLU between them, which start with given values.

    parameters: [w1, b1, w2, b2], weights of shape (D, C), biases of shape (D,).
    """

    def __init__(self, parameters: list[torch.Tensor]):
        super().__init__()
        w1, b1, w2, b2 = parameters
        self.hidden = nn.Linear(w1.shape[1], w1.shape[0], dtype=w1.dtype)
        self.out = nn.Linear(w2.shape[1], w2.shape[0], dtype=w2.dtype)
        with torch.no_grad():
            for parameter, value in zip(self.parameters(), (w1, b1, w2, b2)):
                parameter.copy_(value)
                parameter.requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The logits. x: (N, …). Returns: (N, K)."""
        return self.out(F.relu(self.hidden(x.flatten(1))))


# %% wrong="classifier" says="the values of the parameters"
# values never used
class Classifier(nn.Module):
    """Two linear layers with a ReLU between them, which start with given values.

    parameters: [w1, b1, w2, b2], weights of shape (D, C), biases of shape (D,).
    """

    def __init__(self, parameters: list[torch.Tensor]):
        super().__init__()
        w1, b1, w2, b2 = parameters
        self.hidden = nn.Linear(w1.shape[1], w1.shape[0], dtype=w1.dtype)
        self.out = nn.Linear(w2.shape[1], w2.shape[0], dtype=w2.dtype)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The logits. x: (N, …). Returns: (N, K)."""
        return self.out(F.relu(self.hidden(x.flatten(1))))


# %% wrong="classifier" says="names and shapes of the parameters"
# an extra parameter
class Classifier(nn.Module):
    """Two linear layers with a ReLU between them, which start with given values.

    parameters: [w1, b1, w2, b2], weights of shape (D, C), biases of shape (D,).
    """

    def __init__(self, parameters: list[torch.Tensor]):
        super().__init__()
        w1, b1, w2, b2 = parameters
        self.hidden = nn.Linear(w1.shape[1], w1.shape[0], dtype=w1.dtype)
        self.out = nn.Linear(w2.shape[1], w2.shape[0], dtype=w2.dtype)
        with torch.no_grad():
            for parameter, value in zip(self.parameters(), (w1, b1, w2, b2)):
                parameter.copy_(value)
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The logits. x: (N, …). Returns: (N, K)."""
        return self.out(F.relu(self.hidden(x.flatten(1))))


# %% wrong="classifier" says="before Module.__init__"
# no super().__init__()
class Classifier(nn.Module):
    """Two linear layers with a ReLU between them, which start with given values.

    parameters: [w1, b1, w2, b2], weights of shape (D, C), biases of shape (D,).
    """

    def __init__(self, parameters: list[torch.Tensor]):
        w1, b1, w2, b2 = parameters
        self.hidden = nn.Linear(w1.shape[1], w1.shape[0], dtype=w1.dtype)
        self.out = nn.Linear(w2.shape[1], w2.shape[0], dtype=w2.dtype)
        with torch.no_grad():
            for parameter, value in zip(self.parameters(), (w1, b1, w2, b2)):
                parameter.copy_(value)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The logits. x: (N, …). Returns: (N, K)."""
        return self.out(F.relu(self.hidden(x.flatten(1))))


# %% wrong="classifier"
# ReLU in place on the input
class Classifier(nn.Module):
    """Two linear layers with a ReLU between them, which start with given values.

    parameters: [w1, b1, w2, b2], weights of shape (D, C), biases of shape (D,).
    """

    def __init__(self, parameters: list[torch.Tensor]):
        super().__init__()
        w1, b1, w2, b2 = parameters
        self.hidden = nn.Linear(w1.shape[1], w1.shape[0], dtype=w1.dtype)
        self.out = nn.Linear(w2.shape[1], w2.shape[0], dtype=w2.dtype)
        with torch.no_grad():
            for parameter, value in zip(self.parameters(), (w1, b1, w2, b2)):
                parameter.copy_(value)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The logits. x: (N, …). Returns: (N, K)."""
        return self.out(F.relu(self.hidden(x.flatten(1).relu_())))


# %% wrong="classifier"
# flattens the batch, too
class Classifier(nn.Module):
    """Two linear layers with a ReLU between them, which start with given values.

    parameters: [w1, b1, w2, b2], weights of shape (D, C), biases of shape (D,).
    """

    def __init__(self, parameters: list[torch.Tensor]):
        super().__init__()
        w1, b1, w2, b2 = parameters
        self.hidden = nn.Linear(w1.shape[1], w1.shape[0], dtype=w1.dtype)
        self.out = nn.Linear(w2.shape[1], w2.shape[0], dtype=w2.dtype)
        with torch.no_grad():
            for parameter, value in zip(self.parameters(), (w1, b1, w2, b2)):
                parameter.copy_(value)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The logits. x: (N, …). Returns: (N, K)."""
        return self.out(F.relu(self.hidden(x.flatten())))


# %% wrong="classifier" says="leave out squeeze()"
# squeeze: one image has logits of shape (K,)
class Classifier(nn.Module):
    def __init__(self, parameters):
        super().__init__()
        w1, b1, w2, b2 = parameters
        self.hidden = nn.Linear(w1.shape[1], w1.shape[0], dtype=w1.dtype)
        self.out = nn.Linear(w2.shape[1], w2.shape[0], dtype=w1.dtype)
        with torch.no_grad():
            for p, q in zip(self.parameters(), parameters):
                p.copy_(q)

    def forward(self, x):
        return self.out(F.relu(self.hidden(x.flatten(1)))).squeeze()


# %% wrong="classifier"
# view: x may be a transposed batch
class Classifier(nn.Module):
    def __init__(self, parameters):
        super().__init__()
        w1, b1, w2, b2 = parameters
        self.hidden = nn.Linear(w1.shape[1], w1.shape[0], dtype=w1.dtype)
        self.out = nn.Linear(w2.shape[1], w2.shape[0], dtype=w1.dtype)
        with torch.no_grad():
            for p, q in zip(self.parameters(), parameters):
                p.copy_(q)

    def forward(self, x):
        return self.out(F.relu(self.hidden(x.view(x.shape[0], -1))))


# %% wrong="classifier" says="a gradient reaches all four"
# the parameters are not used
class Classifier(nn.Module):
    def __init__(self, parameters):
        super().__init__()
        w1, b1, w2, b2 = self.given = [p.clone() for p in parameters]
        self.hidden = nn.Linear(w1.shape[1], w1.shape[0], dtype=w1.dtype)
        self.out = nn.Linear(w2.shape[1], w2.shape[0], dtype=w1.dtype)
        with torch.no_grad():
            for p, q in zip(self.parameters(), parameters):
                p.copy_(q)

    def forward(self, x):
        w1, b1, w2, b2 = self.given
        return F.linear(F.relu(F.linear(x.flatten(1), w1, b1)), w2, b2)


# %% right="fit_best"
def fit_best(net, train_batches, valid_batches, epochs, lr):
    import copy

    optimizer = torch.optim.Adam(net.parameters(), lr)
    history, best, kept = [], None, None
    for epoch in range(epochs):
        net.train()
        losses, sizes = [], []
        for x, y in train_batches:
            loss = nn.CrossEntropyLoss()(net(x), y)
            net.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            sizes.append(len(y))
        net.eval()
        with torch.inference_mode():
            pairs = [(net(x), y) for x, y in valid_batches]
        logits, y = torch.cat([a for a, _ in pairs]), torch.cat([b for _, b in pairs])
        valid = F.cross_entropy(logits, y).item()
        right = (logits.argmax(1) == y).double().mean().item()
        history.append((float(np.average(losses, weights=sizes)), valid, right))
        if best is None or valid < best:
            best, kept = valid, copy.deepcopy(net.state_dict())
    net.load_state_dict(kept)
    return history


# %% right="fit_best"
def fit_best(net, train_batches, valid_batches, epochs, lr):
    opt = torch.optim.Adam(net.parameters(), lr=lr, betas=(0.9, 0.999))
    rows, states = [], []

    def sweep(batches, learn):
        net.train(learn)
        total, hits, n = 0.0, 0, 0
        for x, y in batches:
            with torch.set_grad_enabled(learn):
                out = net(x)
                loss = F.cross_entropy(out, y, reduction="sum")
            if learn:
                opt.zero_grad(set_to_none=False)
                (loss / y.numel()).backward()
                opt.step()
            total, hits, n = total + loss.item(), hits + int((out.max(dim=1).indices == y).sum()), n + y.numel()
        return total / n, hits / n

    for _ in range(epochs):
        first, _ = sweep(train_batches, True)
        rows.append((first, *sweep(valid_batches, False)))
        states.append([value.clone() for value in net.state_dict().values()])
    chosen = states[[row[1] for row in rows].index(min(row[1] for row in rows))]
    with torch.no_grad():
        for value, saved in zip(net.state_dict().values(), chosen):
            value.copy_(saved)
    return rows


# %% right="fit_best"
def fit_best(net, train_batches, valid_batches, epochs, lr):
    import io

    optimizer, history, file = torch.optim.Adam(net.parameters(), lr=lr), [], None
    while len(history) < epochs:
        net.train(True)
        sums = torch.zeros(2, dtype=torch.float64)
        for x, y in train_batches:
            for p in net.parameters():
                p.grad = None
            loss = F.nll_loss(F.log_softmax(net(x), 1), y)
            loss.backward()
            optimizer.step()
            sums += torch.tensor([loss.item() * len(x), len(x)], dtype=torch.float64)
        net.train(False)
        held = torch.zeros(3, dtype=torch.float64)
        for x, y in valid_batches:
            with torch.no_grad():
                s = net(x)
            right = float((s.argmax(1) == y).sum())
            held += torch.tensor([F.cross_entropy(s, y).item() * len(x), right, len(x)], dtype=torch.float64)
        row = ((sums[0] / sums[1]).item(), (held[0] / held[2]).item(), (held[1] / held[2]).item())
        if not history or row[1] < min(old[1] for old in history):
            file = io.BytesIO()
            torch.save(net.state_dict(), file)
        history.append(row)
    file.seek(0)
    net.load_state_dict(torch.load(file))
    return history


# %% wrong="fit_best" says="You validate in training mode: call net.eval()"
# no eval
def fit_best(net: nn.Module, train_batches, valid_batches, epochs: int, lr: float) -> list[tuple[float, float, float]]:
    """Train a net with Adam on the cross-entropy; leave its best state in it.

    Returns: for each epoch, training loss, validation loss and validation accuracy.
    """
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    history, best = [], float("inf")
    for _ in range(epochs):
        net.train()
        train_loss = seen = 0
        for x, y in train_batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            train_loss += loss.item() * len(y)
            seen += len(y)
        valid_loss = right = held = 0
        with torch.no_grad():
            for x, y in valid_batches:
                logits = net(x)
                valid_loss += F.cross_entropy(logits, y).item() * len(y)
                right += (logits.argmax(dim=1) == y).sum().item()
                held += len(y)
        history.append((train_loss / seen, valid_loss / held, right / held))
        if valid_loss / held < best:
            best = valid_loss / held
            state = {name: value.clone() for name, value in net.state_dict().items()}
    net.eval()
    net.load_state_dict(state)
    return history


# %% wrong="fit_best" says="The validation records gradients"
# eval only
def fit_best(net: nn.Module, train_batches, valid_batches, epochs: int, lr: float) -> list[tuple[float, float, float]]:
    """Train a net with Adam on the cross-entropy; leave its best state in it.

    Returns: for each epoch, training loss, validation loss and validation accuracy.
    """
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    history, best = [], float("inf")
    for _ in range(epochs):
        net.train()
        train_loss = seen = 0
        for x, y in train_batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            train_loss += loss.item() * len(y)
            seen += len(y)
        net.eval()
        valid_loss = right = held = 0
        with torch.enable_grad():
            for x, y in valid_batches:
                logits = net(x)
                valid_loss += F.cross_entropy(logits, y).item() * len(y)
                right += (logits.argmax(dim=1) == y).sum().item()
                held += len(y)
        history.append((train_loss / seen, valid_loss / held, right / held))
        if valid_loss / held < best:
            best = valid_loss / held
            state = {name: value.clone() for name, value in net.state_dict().items()}
    net.load_state_dict(state)
    return history


# %% wrong="fit_best" says="You validate in training mode, and gradients are recorded"
# neither
def fit_best(net: nn.Module, train_batches, valid_batches, epochs: int, lr: float) -> list[tuple[float, float, float]]:
    """Train a net with Adam on the cross-entropy; leave its best state in it.

    Returns: for each epoch, training loss, validation loss and validation accuracy.
    """
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    history, best = [], float("inf")
    for _ in range(epochs):
        net.train()
        train_loss = seen = 0
        for x, y in train_batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            train_loss += loss.item() * len(y)
            seen += len(y)
        valid_loss = right = held = 0
        if True:
            for x, y in valid_batches:
                logits = net(x)
                valid_loss += F.cross_entropy(logits, y).item() * len(y)
                right += (logits.argmax(dim=1) == y).sum().item()
                held += len(y)
        history.append((train_loss / seen, valid_loss / held, right / held))
        if valid_loss / held < best:
            best = valid_loss / held
            state = {name: value.clone() for name, value in net.state_dict().items()}
    net.load_state_dict(state)
    return history


# %% wrong="fit_best" says="call net.train() in every epoch"
# train() before the loop
def fit_best(net: nn.Module, train_batches, valid_batches, epochs: int, lr: float) -> list[tuple[float, float, float]]:
    """Train a net with Adam on the cross-entropy; leave its best state in it.

    Returns: for each epoch, training loss, validation loss and validation accuracy.
    """
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    net.train()
    history, best = [], float("inf")
    for _ in range(epochs):
        train_loss = seen = 0
        for x, y in train_batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            train_loss += loss.item() * len(y)
            seen += len(y)
        net.eval()
        valid_loss = right = held = 0
        with torch.no_grad():
            for x, y in valid_batches:
                logits = net(x)
                valid_loss += F.cross_entropy(logits, y).item() * len(y)
                right += (logits.argmax(dim=1) == y).sum().item()
                held += len(y)
        history.append((train_loss / seen, valid_loss / held, right / held))
        if valid_loss / held < best:
            best = valid_loss / held
            state = {name: value.clone() for name, value in net.state_dict().items()}
    net.load_state_dict(state)
    return history


# %% wrong="fit_best" says="the mode that net arrived in"
# no train()
def fit_best(net: nn.Module, train_batches, valid_batches, epochs: int, lr: float) -> list[tuple[float, float, float]]:
    """Train a net with Adam on the cross-entropy; leave its best state in it.

    Returns: for each epoch, training loss, validation loss and validation accuracy.
    """
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    history, best = [], float("inf")
    for _ in range(epochs):
        train_loss = seen = 0
        for x, y in train_batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            train_loss += loss.item() * len(y)
            seen += len(y)
        net.eval()
        valid_loss = right = held = 0
        with torch.no_grad():
            for x, y in valid_batches:
                logits = net(x)
                valid_loss += F.cross_entropy(logits, y).item() * len(y)
                right += (logits.argmax(dim=1) == y).sum().item()
                held += len(y)
        history.append((train_loss / seen, valid_loss / held, right / held))
        if valid_loss / held < best:
            best = valid_loss / held
            state = {name: value.clone() for name, value in net.state_dict().items()}
    net.load_state_dict(state)
    return history


# %% wrong="fit_best" says="is the return indented too far"
# returns in the loop
def fit_best(net: nn.Module, train_batches, valid_batches, epochs: int, lr: float) -> list[tuple[float, float, float]]:
    """Train a net with Adam on the cross-entropy; leave its best state in it.

    Returns: for each epoch, training loss, validation loss and validation accuracy.
    """
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    history, best = [], float("inf")
    for _ in range(epochs):
        net.train()
        train_loss = seen = 0
        for x, y in train_batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            train_loss += loss.item() * len(y)
            seen += len(y)
        net.eval()
        valid_loss = right = held = 0
        with torch.no_grad():
            for x, y in valid_batches:
                logits = net(x)
                valid_loss += F.cross_entropy(logits, y).item() * len(y)
                right += (logits.argmax(dim=1) == y).sum().item()
                held += len(y)
        history.append((train_loss / seen, valid_loss / held, right / held))
        if valid_loss / held < best:
            best = valid_loss / held
            state = {name: value.clone() for name, value in net.state_dict().items()}
        net.load_state_dict(state)
        return history


# %% wrong="fit_best" says="The losses are means of batch means"
# unweighted
def fit_best(net: nn.Module, train_batches, valid_batches, epochs: int, lr: float) -> list[tuple[float, float, float]]:
    """Train a net with Adam on the cross-entropy; leave its best state in it.

    Returns: for each epoch, training loss, validation loss and validation accuracy.
    """
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    history, best = [], float("inf")
    for _ in range(epochs):
        net.train()
        train_loss = seen = 0
        for x, y in train_batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            train_loss += loss.item()
            seen += 1
        net.eval()
        valid_loss = right = held = n = 0
        with torch.no_grad():
            for x, y in valid_batches:
                logits = net(x)
                valid_loss += F.cross_entropy(logits, y).item()
                right += (logits.argmax(dim=1) == y).sum().item()
                held += len(y)
                n += 1
        history.append((train_loss / seen, valid_loss / n, right / held))
        if valid_loss / n < best:
            best = valid_loss / n
            state = {name: value.clone() for name, value in net.state_dict().items()}
    net.load_state_dict(state)
    return history


# %% wrong="fit_best" says="The training losses are means of batch means"
# unweighted in training
def fit_best(net: nn.Module, train_batches, valid_batches, epochs: int, lr: float) -> list[tuple[float, float, float]]:
    """Train a net with Adam on the cross-entropy; leave its best state in it.

    Returns: for each epoch, training loss, validation loss and validation accuracy.
    """
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    history, best = [], float("inf")
    for _ in range(epochs):
        net.train()
        train_loss = seen = 0
        for x, y in train_batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            train_loss += loss.item()
            seen += 1
        net.eval()
        valid_loss = right = held = 0
        with torch.no_grad():
            for x, y in valid_batches:
                logits = net(x)
                valid_loss += F.cross_entropy(logits, y).item() * len(y)
                right += (logits.argmax(dim=1) == y).sum().item()
                held += len(y)
        history.append((train_loss / seen, valid_loss / held, right / held))
        if valid_loss / held < best:
            best = valid_loss / held
            state = {name: value.clone() for name, value in net.state_dict().items()}
    net.load_state_dict(state)
    return history


# %% wrong="fit_best" says="Accuracies and losses are means of batch means"
# unweighted everywhere
def fit_best(net: nn.Module, train_batches, valid_batches, epochs: int, lr: float) -> list[tuple[float, float, float]]:
    """Train a net with Adam on the cross-entropy; leave its best state in it.

    Returns: for each epoch, training loss, validation loss and validation accuracy.
    """
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    history, best = [], float("inf")
    for _ in range(epochs):
        net.train()
        train_loss = seen = 0
        for x, y in train_batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            train_loss += loss.item()
            seen += 1
        net.eval()
        valid_loss = right = held = 0
        with torch.no_grad():
            for x, y in valid_batches:
                logits = net(x)
                valid_loss += F.cross_entropy(logits, y).item()
                right += (logits.argmax(dim=1) == y).float().mean().item()
                held += 1
        history.append((train_loss / seen, valid_loss / held, right / held))
        if valid_loss / held < best:
            best = valid_loss / held
            state = {name: value.clone() for name, value in net.state_dict().items()}
    net.load_state_dict(state)
    return history


# %% wrong="fit_best" says="The accuracies are percentages"
# percent
def fit_best(net: nn.Module, train_batches, valid_batches, epochs: int, lr: float) -> list[tuple[float, float, float]]:
    """Train a net with Adam on the cross-entropy; leave its best state in it.

    Returns: for each epoch, training loss, validation loss and validation accuracy.
    """
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    history, best = [], float("inf")
    for _ in range(epochs):
        net.train()
        train_loss = seen = 0
        for x, y in train_batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            train_loss += loss.item() * len(y)
            seen += len(y)
        net.eval()
        valid_loss = right = held = 0
        with torch.no_grad():
            for x, y in valid_batches:
                logits = net(x)
                valid_loss += F.cross_entropy(logits, y).item() * len(y)
                right += (logits.argmax(dim=1) == y).sum().item()
                held += len(y)
        history.append((train_loss / seen, valid_loss / held, 100 * right / held))
        if valid_loss / held < best:
            best = valid_loss / held
            state = {name: value.clone() for name, value in net.state_dict().items()}
    net.load_state_dict(state)
    return history


# %% wrong="fit_best" says="Each epoch is a list"
# lists
def fit_best(net: nn.Module, train_batches, valid_batches, epochs: int, lr: float) -> list[tuple[float, float, float]]:
    """Train a net with Adam on the cross-entropy; leave its best state in it.

    Returns: for each epoch, training loss, validation loss and validation accuracy.
    """
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    history, best = [], float("inf")
    for _ in range(epochs):
        net.train()
        train_loss = seen = 0
        for x, y in train_batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            train_loss += loss.item() * len(y)
            seen += len(y)
        net.eval()
        valid_loss = right = held = 0
        with torch.no_grad():
            for x, y in valid_batches:
                logits = net(x)
                valid_loss += F.cross_entropy(logits, y).item() * len(y)
                right += (logits.argmax(dim=1) == y).sum().item()
                held += len(y)
        history.append([train_loss / seen, valid_loss / held, right / held])
        if valid_loss / held < best:
            best = valid_loss / held
            state = {name: value.clone() for name, value in net.state_dict().items()}
    net.load_state_dict(state)
    return history


# %% wrong="fit_best" says="The accuracy is missing"
# pairs
def fit_best(net: nn.Module, train_batches, valid_batches, epochs: int, lr: float) -> list[tuple[float, float, float]]:
    """Train a net with Adam on the cross-entropy; leave its best state in it.

    Returns: for each epoch, training loss, validation loss and validation accuracy.
    """
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    history, best = [], float("inf")
    for _ in range(epochs):
        net.train()
        train_loss = seen = 0
        for x, y in train_batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            train_loss += loss.item() * len(y)
            seen += len(y)
        net.eval()
        valid_loss = right = held = 0
        with torch.no_grad():
            for x, y in valid_batches:
                logits = net(x)
                valid_loss += F.cross_entropy(logits, y).item() * len(y)
                right += (logits.argmax(dim=1) == y).sum().item()
                held += len(y)
        history.append((train_loss / seen, valid_loss / held))
        if valid_loss / held < best:
            best = valid_loss / held
            state = {name: value.clone() for name, value in net.state_dict().items()}
    net.load_state_dict(state)
    return history


# %% wrong="fit_best" says="Only the best epoch is reported"
# the best row
def fit_best(net: nn.Module, train_batches, valid_batches, epochs: int, lr: float) -> list[tuple[float, float, float]]:
    """Train a net with Adam on the cross-entropy; leave its best state in it.

    Returns: for each epoch, training loss, validation loss and validation accuracy.
    """
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    history, best = [], float("inf")
    for _ in range(epochs):
        net.train()
        train_loss = seen = 0
        for x, y in train_batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            train_loss += loss.item() * len(y)
            seen += len(y)
        net.eval()
        valid_loss = right = held = 0
        with torch.no_grad():
            for x, y in valid_batches:
                logits = net(x)
                valid_loss += F.cross_entropy(logits, y).item() * len(y)
                right += (logits.argmax(dim=1) == y).sum().item()
                held += len(y)
        history.append((train_loss / seen, valid_loss / held, right / held))
        if valid_loss / held < best:
            best = valid_loss / held
            chosen = history[-1:]
            state = {name: value.clone() for name, value in net.state_dict().items()}
    net.load_state_dict(state)
    return chosen


# %% wrong="fit_best" says="This is AdamW"
# AdamW
def fit_best(net: nn.Module, train_batches, valid_batches, epochs: int, lr: float) -> list[tuple[float, float, float]]:
    """Train a net with Adam on the cross-entropy; leave its best state in it.

    Returns: for each epoch, training loss, validation loss and validation accuracy.
    """
    optimizer = torch.optim.AdamW(net.parameters(), lr=lr)
    history, best = [], float("inf")
    for _ in range(epochs):
        net.train()
        train_loss = seen = 0
        for x, y in train_batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            train_loss += loss.item() * len(y)
            seen += len(y)
        net.eval()
        valid_loss = right = held = 0
        with torch.no_grad():
            for x, y in valid_batches:
                logits = net(x)
                valid_loss += F.cross_entropy(logits, y).item() * len(y)
                right += (logits.argmax(dim=1) == y).sum().item()
                held += len(y)
        history.append((train_loss / seen, valid_loss / held, right / held))
        if valid_loss / held < best:
            best = valid_loss / held
            state = {name: value.clone() for name, value in net.state_dict().items()}
    net.load_state_dict(state)
    return history


# %% wrong="fit_best" says="This is SGD"
# SGD
def fit_best(net: nn.Module, train_batches, valid_batches, epochs: int, lr: float) -> list[tuple[float, float, float]]:
    """Train a net with Adam on the cross-entropy; leave its best state in it.

    Returns: for each epoch, training loss, validation loss and validation accuracy.
    """
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    history, best = [], float("inf")
    for _ in range(epochs):
        net.train()
        train_loss = seen = 0
        for x, y in train_batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            train_loss += loss.item() * len(y)
            seen += len(y)
        net.eval()
        valid_loss = right = held = 0
        with torch.no_grad():
            for x, y in valid_batches:
                logits = net(x)
                valid_loss += F.cross_entropy(logits, y).item() * len(y)
                right += (logits.argmax(dim=1) == y).sum().item()
                held += len(y)
        history.append((train_loss / seen, valid_loss / held, right / held))
        if valid_loss / held < best:
            best = valid_loss / held
            state = {name: value.clone() for name, value in net.state_dict().items()}
    net.load_state_dict(state)
    return history


# %% wrong="fit_best" says="A new optimizer in each epoch"
# optimizer in the loop
def fit_best(net: nn.Module, train_batches, valid_batches, epochs: int, lr: float) -> list[tuple[float, float, float]]:
    """Train a net with Adam on the cross-entropy; leave its best state in it.

    Returns: for each epoch, training loss, validation loss and validation accuracy.
    """
    history, best = [], float("inf")
    for _ in range(epochs):
        net.train()
        optimizer = torch.optim.Adam(net.parameters(), lr=lr)
        train_loss = seen = 0
        for x, y in train_batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            train_loss += loss.item() * len(y)
            seen += len(y)
        net.eval()
        valid_loss = right = held = 0
        with torch.no_grad():
            for x, y in valid_batches:
                logits = net(x)
                valid_loss += F.cross_entropy(logits, y).item() * len(y)
                right += (logits.argmax(dim=1) == y).sum().item()
                held += len(y)
        history.append((train_loss / seen, valid_loss / held, right / held))
        if valid_loss / held < best:
            best = valid_loss / held
            state = {name: value.clone() for name, value in net.state_dict().items()}
    net.load_state_dict(state)
    return history


# %% wrong="fit_best" says="Gradients of earlier batches were included"
# no zero_grad
def fit_best(net: nn.Module, train_batches, valid_batches, epochs: int, lr: float) -> list[tuple[float, float, float]]:
    """Train a net with Adam on the cross-entropy; leave its best state in it.

    Returns: for each epoch, training loss, validation loss and validation accuracy.
    """
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    history, best = [], float("inf")
    for _ in range(epochs):
        net.train()
        train_loss = seen = 0
        for x, y in train_batches:
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            train_loss += loss.item() * len(y)
            seen += len(y)
        net.eval()
        valid_loss = right = held = 0
        with torch.no_grad():
            for x, y in valid_batches:
                logits = net(x)
                valid_loss += F.cross_entropy(logits, y).item() * len(y)
                right += (logits.argmax(dim=1) == y).sum().item()
                held += len(y)
        history.append((train_loss / seen, valid_loss / held, right / held))
        if valid_loss / held < best:
            best = valid_loss / held
            state = {name: value.clone() for name, value in net.state_dict().items()}
    net.load_state_dict(state)
    return history


# %% wrong="fit_best" says="There is a softmax before the loss"
# softmax
def fit_best(net: nn.Module, train_batches, valid_batches, epochs: int, lr: float) -> list[tuple[float, float, float]]:
    """Train a net with Adam on the cross-entropy; leave its best state in it.

    Returns: for each epoch, training loss, validation loss and validation accuracy.
    """
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    history, best = [], float("inf")
    for _ in range(epochs):
        net.train()
        train_loss = seen = 0
        for x, y in train_batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x).softmax(1), y)
            loss.backward()
            optimizer.step()
            train_loss += loss.item() * len(y)
            seen += len(y)
        net.eval()
        valid_loss = right = held = 0
        with torch.no_grad():
            for x, y in valid_batches:
                logits = net(x).softmax(1)
                valid_loss += F.cross_entropy(logits, y).item() * len(y)
                right += (logits.argmax(dim=1) == y).sum().item()
                held += len(y)
        history.append((train_loss / seen, valid_loss / held, right / held))
        if valid_loss / held < best:
            best = valid_loss / held
            state = {name: value.clone() for name, value in net.state_dict().items()}
    net.load_state_dict(state)
    return history


# %% wrong="fit_best" says="This is the last state, not the best"
# state_dict without a copy
def fit_best(net: nn.Module, train_batches, valid_batches, epochs: int, lr: float) -> list[tuple[float, float, float]]:
    """Train a net with Adam on the cross-entropy; leave its best state in it.

    Returns: for each epoch, training loss, validation loss and validation accuracy.
    """
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    history, best = [], float("inf")
    for _ in range(epochs):
        net.train()
        train_loss = seen = 0
        for x, y in train_batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            train_loss += loss.item() * len(y)
            seen += len(y)
        net.eval()
        valid_loss = right = held = 0
        with torch.no_grad():
            for x, y in valid_batches:
                logits = net(x)
                valid_loss += F.cross_entropy(logits, y).item() * len(y)
                right += (logits.argmax(dim=1) == y).sum().item()
                held += len(y)
        history.append((train_loss / seen, valid_loss / held, right / held))
        if valid_loss / held < best:
            best = valid_loss / held
            state = net.state_dict()
    net.load_state_dict(state)
    return history


# %% wrong="fit_best" says="the buffers are those of the last epoch"
# parameters only
def fit_best(net: nn.Module, train_batches, valid_batches, epochs: int, lr: float) -> list[tuple[float, float, float]]:
    """Train a net with Adam on the cross-entropy; leave its best state in it.

    Returns: for each epoch, training loss, validation loss and validation accuracy.
    """
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    history, best = [], float("inf")
    for _ in range(epochs):
        net.train()
        train_loss = seen = 0
        for x, y in train_batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            train_loss += loss.item() * len(y)
            seen += len(y)
        net.eval()
        valid_loss = right = held = 0
        with torch.no_grad():
            for x, y in valid_batches:
                logits = net(x)
                valid_loss += F.cross_entropy(logits, y).item() * len(y)
                right += (logits.argmax(dim=1) == y).sum().item()
                held += len(y)
        history.append((train_loss / seen, valid_loss / held, right / held))
        if valid_loss / held < best:
            best = valid_loss / held
            state = {name: value.detach().clone() for name, value in net.named_parameters()}
    net.load_state_dict(state, strict=False)
    return history


# %% wrong="fit_best" says="with the largest validation loss"
# the wrong way round
def fit_best(net: nn.Module, train_batches, valid_batches, epochs: int, lr: float) -> list[tuple[float, float, float]]:
    """Train a net with Adam on the cross-entropy; leave its best state in it.

    Returns: for each epoch, training loss, validation loss and validation accuracy.
    """
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    history, best = [], -1.0
    for _ in range(epochs):
        net.train()
        train_loss = seen = 0
        for x, y in train_batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            train_loss += loss.item() * len(y)
            seen += len(y)
        net.eval()
        valid_loss = right = held = 0
        with torch.no_grad():
            for x, y in valid_batches:
                logits = net(x)
                valid_loss += F.cross_entropy(logits, y).item() * len(y)
                right += (logits.argmax(dim=1) == y).sum().item()
                held += len(y)
        history.append((train_loss / seen, valid_loss / held, right / held))
        if valid_loss / held > best:
            best = valid_loss / held
            state = {name: value.clone() for name, value in net.state_dict().items()}
    net.load_state_dict(state)
    return history


# %% wrong="fit_best" says="the smallest training loss"
# decides by the training loss
def fit_best(net: nn.Module, train_batches, valid_batches, epochs: int, lr: float) -> list[tuple[float, float, float]]:
    """Train a net with Adam on the cross-entropy; leave its best state in it.

    Returns: for each epoch, training loss, validation loss and validation accuracy.
    """
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    history, best = [], float("inf")
    for _ in range(epochs):
        net.train()
        train_loss = seen = 0
        for x, y in train_batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            train_loss += loss.item() * len(y)
            seen += len(y)
        net.eval()
        valid_loss = right = held = 0
        with torch.no_grad():
            for x, y in valid_batches:
                logits = net(x)
                valid_loss += F.cross_entropy(logits, y).item() * len(y)
                right += (logits.argmax(dim=1) == y).sum().item()
                held += len(y)
        history.append((train_loss / seen, valid_loss / held, right / held))
        if train_loss / seen < best:
            best = train_loss / seen
            state = {name: value.clone() for name, value in net.state_dict().items()}
    net.load_state_dict(state)
    return history


# %% wrong="fit_best" says="This is the state at the beginning"
# restores the start
def fit_best(net: nn.Module, train_batches, valid_batches, epochs: int, lr: float) -> list[tuple[float, float, float]]:
    """Train a net with Adam on the cross-entropy; leave its best state in it.

    Returns: for each epoch, training loss, validation loss and validation accuracy.
    """
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    history, best = [], float("inf")
    state = {name: value.clone() for name, value in net.state_dict().items()}
    for _ in range(epochs):
        net.train()
        train_loss = seen = 0
        for x, y in train_batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            train_loss += loss.item() * len(y)
            seen += len(y)
        net.eval()
        valid_loss = right = held = 0
        with torch.no_grad():
            for x, y in valid_batches:
                logits = net(x)
                valid_loss += F.cross_entropy(logits, y).item() * len(y)
                right += (logits.argmax(dim=1) == y).sum().item()
                held += len(y)
        history.append((train_loss / seen, valid_loss / held, right / held))
        if valid_loss / held < best:
            best = valid_loss / held
    net.load_state_dict(state)
    return history


# %% wrong="fit_best" says="Of equal losses the first counts"
# <=
def fit_best(net: nn.Module, train_batches, valid_batches, epochs: int, lr: float) -> list[tuple[float, float, float]]:
    """Train a net with Adam on the cross-entropy; leave its best state in it.

    Returns: for each epoch, training loss, validation loss and validation accuracy.
    """
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    history, best = [], float("inf")
    for _ in range(epochs):
        net.train()
        train_loss = seen = 0
        for x, y in train_batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            train_loss += loss.item() * len(y)
            seen += len(y)
        net.eval()
        valid_loss = right = held = 0
        with torch.no_grad():
            for x, y in valid_batches:
                logits = net(x)
                valid_loss += F.cross_entropy(logits, y).item() * len(y)
                right += (logits.argmax(dim=1) == y).sum().item()
                held += len(y)
        history.append((train_loss / seen, valid_loss / held, right / held))
        if valid_loss / held <= best:
            best = valid_loss / held
            state = {name: value.clone() for name, value in net.state_dict().items()}
    net.load_state_dict(state)
    return history


# %% wrong="fit_best" says="net is in evaluation mode at the end"
# training mode at the end
def fit_best(net: nn.Module, train_batches, valid_batches, epochs: int, lr: float) -> list[tuple[float, float, float]]:
    """Train a net with Adam on the cross-entropy; leave its best state in it.

    Returns: for each epoch, training loss, validation loss and validation accuracy.
    """
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    history, best = [], float("inf")
    for _ in range(epochs):
        net.train()
        train_loss = seen = 0
        for x, y in train_batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            train_loss += loss.item() * len(y)
            seen += len(y)
        net.eval()
        valid_loss = right = held = 0
        with torch.no_grad():
            for x, y in valid_batches:
                logits = net(x)
                valid_loss += F.cross_entropy(logits, y).item() * len(y)
                right += (logits.argmax(dim=1) == y).sum().item()
                held += len(y)
        history.append((train_loss / seen, valid_loss / held, right / held))
        if valid_loss / held < best:
            best = valid_loss / held
            state = {name: value.clone() for name, value in net.state_dict().items()}
    net.load_state_dict(state)
    net.train()
    return history


# %% wrong="fit_best"
# trains a copy of the net
def fit_best(net: nn.Module, train_batches, valid_batches, epochs: int, lr: float) -> list[tuple[float, float, float]]:
    """Train a net with Adam on the cross-entropy; leave its best state in it.

    Returns: for each epoch, training loss, validation loss and validation accuracy.
    """
    import copy

    net = copy.deepcopy(net)
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    history, best = [], float("inf")
    for _ in range(epochs):
        net.train()
        train_loss = seen = 0
        for x, y in train_batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            train_loss += loss.item() * len(y)
            seen += len(y)
        net.eval()
        valid_loss = right = held = 0
        with torch.no_grad():
            for x, y in valid_batches:
                logits = net(x)
                valid_loss += F.cross_entropy(logits, y).item() * len(y)
                right += (logits.argmax(dim=1) == y).sum().item()
                held += len(y)
        history.append((train_loss / seen, valid_loss / held, right / held))
        if valid_loss / held < best:
            best = valid_loss / held
            state = {name: value.clone() for name, value in net.state_dict().items()}
    net.load_state_dict(state)
    return history


# %% wrong="fit_best"
# materialises the batches once
def fit_best(net: nn.Module, train_batches, valid_batches, epochs: int, lr: float) -> list[tuple[float, float, float]]:
    """Train a net with Adam on the cross-entropy; leave its best state in it.

    Returns: for each epoch, training loss, validation loss and validation accuracy.
    """
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    train_batches, valid_batches = list(train_batches), list(valid_batches)
    history, best = [], float("inf")
    for _ in range(epochs):
        net.train()
        train_loss = seen = 0
        for x, y in train_batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            train_loss += loss.item() * len(y)
            seen += len(y)
        net.eval()
        valid_loss = right = held = 0
        with torch.no_grad():
            for x, y in valid_batches:
                logits = net(x)
                valid_loss += F.cross_entropy(logits, y).item() * len(y)
                right += (logits.argmax(dim=1) == y).sum().item()
                held += len(y)
        history.append((train_loss / seen, valid_loss / held, right / held))
        if valid_loss / held < best:
            best = valid_loss / held
            state = {name: value.clone() for name, value in net.state_dict().items()}
    net.load_state_dict(state)
    return history


# %% wrong="fit_best"
# old gradients in the first step
def fit_best(net: nn.Module, train_batches, valid_batches, epochs: int, lr: float) -> list[tuple[float, float, float]]:
    """Train a net with Adam on the cross-entropy; leave its best state in it.

    Returns: for each epoch, training loss, validation loss and validation accuracy.
    """
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    history, best = [], float("inf")
    for _ in range(epochs):
        net.train()
        train_loss = seen = 0
        for x, y in train_batches:
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            train_loss += loss.item() * len(y)
            seen += len(y)
        net.eval()
        valid_loss = right = held = 0
        with torch.no_grad():
            for x, y in valid_batches:
                logits = net(x)
                valid_loss += F.cross_entropy(logits, y).item() * len(y)
                right += (logits.argmax(dim=1) == y).sum().item()
                held += len(y)
        history.append((train_loss / seen, valid_loss / held, right / held))
        if valid_loss / held < best:
            best = valid_loss / held
            state = {name: value.clone() for name, value in net.state_dict().items()}
    net.load_state_dict(state)
    return history


# %% wrong="fit_best" says="with the largest validation accuracy"
# chooses the epoch by accuracy
def fit_best(net, train_batches, valid_batches, epochs, lr):
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    history, best = [], -1.0
    for _ in range(epochs):
        net.train()
        total, count = 0.0, 0
        for x, y in train_batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(y)
            count += len(y)
        net.eval()
        v_total, v_count, right = 0.0, 0, 0
        with torch.no_grad():
            for x, y in valid_batches:
                logits = net(x)
                v_total += F.cross_entropy(logits, y).item() * len(y)
                right += (logits.argmax(1) == y).sum().item()
                v_count += len(y)
        history.append((total / count, v_total / v_count, right / v_count))
        if history[-1][2] > best:
            best = history[-1][2]
            state = {k: v.clone() for k, v in net.state_dict().items()}
    net.load_state_dict(state)
    return history


# %% wrong="fit_best" says="that were in net at the beginning"
# gradients are cleared after the step
def fit_best(net, train_batches, valid_batches, epochs, lr):
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    history, best = [], float("inf")
    for _ in range(epochs):
        net.train()
        total, count = 0.0, 0
        for x, y in train_batches:
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            total += loss.item() * len(y)
            count += len(y)
        net.eval()
        v_total, v_count, right = 0.0, 0, 0
        with torch.no_grad():
            for x, y in valid_batches:
                logits = net(x)
                v_total += F.cross_entropy(logits, y).item() * len(y)
                right += (logits.argmax(1) == y).sum().item()
                v_count += len(y)
        history.append((total / count, v_total / v_count, right / v_count))
        if history[-1][1] < best:
            best = history[-1][1]
            state = {k: v.clone() for k, v in net.state_dict().items()}
    net.load_state_dict(state)
    return history


# %% wrong="fit_best" says="load it once, after the last epoch"
# goes back to the best after every epoch
def fit_best(net, train_batches, valid_batches, epochs, lr):
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    history, best = [], float("inf")
    for _ in range(epochs):
        net.train()
        total, count = 0.0, 0
        for x, y in train_batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(y)
            count += len(y)
        net.eval()
        v_total, v_count, right = 0.0, 0, 0
        with torch.no_grad():
            for x, y in valid_batches:
                logits = net(x)
                v_total += F.cross_entropy(logits, y).item() * len(y)
                right += (logits.argmax(1) == y).sum().item()
                v_count += len(y)
        history.append((total / count, v_total / v_count, right / v_count))
        if history[-1][1] < best:
            best = history[-1][1]
            state = {k: v.clone() for k, v in net.state_dict().items()}
        net.load_state_dict(state)
    return history


# %% wrong="fit_best" says="is that of the last batch"
# the training loss of the last batch
def fit_best(net, train_batches, valid_batches, epochs, lr):
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    history, best = [], float("inf")
    for _ in range(epochs):
        net.train()
        for x, y in train_batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
        net.eval()
        v_total, v_count, right = 0.0, 0, 0
        with torch.no_grad():
            for x, y in valid_batches:
                logits = net(x)
                v_total += F.cross_entropy(logits, y).item() * len(y)
                right += (logits.argmax(1) == y).sum().item()
                v_count += len(y)
        history.append((loss.item(), v_total / v_count, right / v_count))
        if history[-1][1] < best:
            best = history[-1][1]
            state = {k: v.clone() for k, v in net.state_dict().items()}
    net.load_state_dict(state)
    return history


# %% wrong="fit_best" says="The accuracies are tensors"
# the accuracy is a tensor
def fit_best(net, train_batches, valid_batches, epochs, lr):
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    history, best = [], float("inf")
    for _ in range(epochs):
        net.train()
        total, count = 0.0, 0
        for x, y in train_batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(y)
            count += len(y)
        net.eval()
        v_total, v_count, right = 0.0, 0, 0
        with torch.no_grad():
            for x, y in valid_batches:
                logits = net(x)
                v_total += F.cross_entropy(logits, y).item() * len(y)
                right += (logits.argmax(1) == y).sum()
                v_count += len(y)
        history.append((total / count, v_total / v_count, right / v_count))
        if history[-1][1] < best:
            best = history[-1][1]
            state = {k: v.clone() for k, v in net.state_dict().items()}
    net.load_state_dict(state)
    return history


# %% wrong="fit_best" says="however small the difference"
# better only if better by 0.001
def fit_best(net, train_batches, valid_batches, epochs, lr):
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    history, best = [], float("inf")
    for _ in range(epochs):
        net.train()
        total, count = 0.0, 0
        for x, y in train_batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(y)
            count += len(y)
        net.eval()
        v_total, v_count, right = 0.0, 0, 0
        with torch.no_grad():
            for x, y in valid_batches:
                logits = net(x)
                v_total += F.cross_entropy(logits, y).item() * len(y)
                right += (logits.argmax(1) == y).sum().item()
                v_count += len(y)
        history.append((total / count, v_total / v_count, right / v_count))
        if history[-1][1] < best - 1e-3:
            best = history[-1][1]
            state = {k: v.clone() for k, v in net.state_dict().items()}
    net.load_state_dict(state)
    return history


# %% wrong="fit_best"
# the best starts at 10
def fit_best(net, train_batches, valid_batches, epochs, lr):
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    history, best, state = [], 10.0, None
    for _ in range(epochs):
        net.train()
        total, count = 0.0, 0
        for x, y in train_batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(y)
            count += len(y)
        net.eval()
        v_total, v_count, right = 0.0, 0, 0
        with torch.no_grad():
            for x, y in valid_batches:
                logits = net(x)
                v_total += F.cross_entropy(logits, y).item() * len(y)
                right += (logits.argmax(1) == y).sum().item()
                v_count += len(y)
        history.append((total / count, v_total / v_count, right / v_count))
        if history[-1][1] < best:
            best = history[-1][1]
            state = {k: v.clone() for k, v in net.state_dict().items()}
    net.load_state_dict(state)
    return history


# %% wrong="fit_best" says="its parameters are still the same tensors"
# assign=True: new parameters
def fit_best(net, train_batches, valid_batches, epochs, lr):
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    history, best = [], float("inf")
    for _ in range(epochs):
        net.train()
        total, count = 0.0, 0
        for x, y in train_batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(y)
            count += len(y)
        net.eval()
        v_total, v_count, right = 0.0, 0, 0
        with torch.no_grad():
            for x, y in valid_batches:
                logits = net(x)
                v_total += F.cross_entropy(logits, y).item() * len(y)
                right += (logits.argmax(1) == y).sum().item()
                v_count += len(y)
        history.append((total / count, v_total / v_count, right / v_count))
        if history[-1][1] < best:
            best = history[-1][1]
            state = {k: v.clone() for k, v in net.state_dict().items()}
    net.load_state_dict(state, assign=True)
    return history


# %% wrong="fit_best" says="These are tensors"
# no item
def fit_best(net: nn.Module, train_batches, valid_batches, epochs: int, lr: float) -> list[tuple[float, float, float]]:
    """Train a net with Adam on the cross-entropy; leave its best state in it.

    Returns: for each epoch, training loss, validation loss and validation accuracy.
    """
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    history, best = [], float("inf")
    for _ in range(epochs):
        net.train()
        train_loss = seen = 0
        for x, y in train_batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            train_loss += loss.detach() * len(y)
            seen += len(y)
        net.eval()
        valid_loss = right = held = 0
        with torch.no_grad():
            for x, y in valid_batches:
                logits = net(x)
                valid_loss += F.cross_entropy(logits, y) * len(y)
                right += (logits.argmax(dim=1) == y).sum()
                held += len(y)
        history.append((train_loss / seen, valid_loss / held, right / held))
        if valid_loss / held < best:
            best = valid_loss / held
            state = {name: value.clone() for name, value in net.state_dict().items()}
    net.load_state_dict(state)
    return history


# %% wrong="fit_best"
# gradients are clipped
def fit_best(net, train_batches, valid_batches, epochs, lr):
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    history, best = [], float("inf")
    for _ in range(epochs):
        net.train()
        total, count = 0.0, 0
        for x, y in train_batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimizer.step()
            total += loss.item() * len(y)
            count += len(y)
        net.eval()
        v_total, v_count, right = 0.0, 0, 0
        with torch.no_grad():
            for x, y in valid_batches:
                logits = net(x)
                v_total += F.cross_entropy(logits, y).item() * len(y)
                right += (logits.argmax(1) == y).sum().item()
                v_count += len(y)
        history.append((total / count, v_total / v_count, right / v_count))
        if history[-1][1] < best:
            best = history[-1][1]
            state = {k: v.clone() for k, v in net.state_dict().items()}
    net.load_state_dict(state)
    return history


# %% right="as_convolution"
def as_convolution(linear, shape):
    c, h, w = shape
    conv = nn.Conv2d(c, len(linear.weight), (h, w), bias=linear.bias is not None).to(linear.weight.dtype)
    state = {
        name: value.view(-1, c, h, w) if name == "weight" else value for name, value in linear.state_dict().items()
    }
    conv.load_state_dict(state)
    return conv


# %% right="as_convolution"
def as_convolution(linear, shape):
    weight = linear.weight.detach().clone().unflatten(1, shape)
    conv = nn.Conv2d(shape[0], weight.shape[0], kernel_size=tuple(shape[1:]), bias=False)
    conv.weight = nn.Parameter(weight)
    if linear.bias is not None:
        conv.bias = nn.Parameter(linear.bias.detach().clone())
    return conv


# %% right="as_convolution"
def as_convolution(linear, shape):
    c, h, w = shape
    conv = nn.Conv2d(c, linear.out_features, (h, w), bias=linear.bias is not None, dtype=linear.weight.dtype)
    rows = linear.weight.detach()
    for d in range(linear.out_features):
        conv.weight.data[d] = torch.stack([part.reshape(h, w) for part in rows[d].chunk(c)])
    if conv.bias is not None:
        conv.bias.data[:] = linear.bias.data
    return conv


# %% wrong="as_convolution" says="so the convolution needs bias=False"
# always a bias
def as_convolution(linear: nn.Linear, shape: tuple[int, int, int]) -> nn.Conv2d:
    """A convolution that computes what a linear layer computes on flattened images of a shape (C, H, W)."""
    channels, height, width = shape
    has_bias = linear.bias is not None
    conv = nn.Conv2d(channels, linear.out_features, kernel_size=(height, width), dtype=linear.weight.dtype)
    with torch.no_grad():
        conv.weight.copy_(linear.weight.reshape(conv.weight.shape))
        if has_bias:
            conv.bias.copy_(linear.bias)
        else:
            conv.bias.zero_()
    return conv


# %% wrong="as_convolution" says="Height and width are swapped"
# (W, H)
def as_convolution(linear: nn.Linear, shape: tuple[int, int, int]) -> nn.Conv2d:
    """A convolution that computes what a linear layer computes on flattened images of a shape (C, H, W)."""
    channels, height, width = shape
    has_bias = linear.bias is not None
    conv = nn.Conv2d(
        channels, linear.out_features, kernel_size=(width, height), bias=has_bias, dtype=linear.weight.dtype
    )
    with torch.no_grad():
        conv.weight.copy_(linear.weight.reshape(conv.weight.shape))
        if has_bias:
            conv.bias.copy_(linear.bias)
    return conv


# %% wrong="as_convolution" says="The bias is missing"
# never a bias
def as_convolution(linear: nn.Linear, shape: tuple[int, int, int]) -> nn.Conv2d:
    """A convolution that computes what a linear layer computes on flattened images of a shape (C, H, W)."""
    channels, height, width = shape
    has_bias = linear.bias is not None
    conv = nn.Conv2d(channels, linear.out_features, kernel_size=(height, width), bias=False, dtype=linear.weight.dtype)
    with torch.no_grad():
        conv.weight.copy_(linear.weight.reshape(conv.weight.shape))
    return conv


# %% wrong="as_convolution" says="The kernel has size 1×1"
# 1×1
def as_convolution(linear: nn.Linear, shape: tuple[int, int, int]) -> nn.Conv2d:
    """A convolution that computes what a linear layer computes on flattened images of a shape (C, H, W)."""
    channels, height, width = shape
    has_bias = linear.bias is not None
    conv = nn.Conv2d(channels, linear.out_features, kernel_size=1, bias=has_bias, dtype=linear.weight.dtype)
    with torch.no_grad():
        conv.weight.copy_(linear.weight[:, :channels, None, None])
        if has_bias:
            conv.bias.copy_(linear.bias)
    return conv


# %% wrong="as_convolution" says="The rows and columns of the kernel"
# transposed
def as_convolution(linear: nn.Linear, shape: tuple[int, int, int]) -> nn.Conv2d:
    """A convolution that computes what a linear layer computes on flattened images of a shape (C, H, W)."""
    channels, height, width = shape
    has_bias = linear.bias is not None
    conv = nn.Conv2d(
        channels, linear.out_features, kernel_size=(height, width), bias=has_bias, dtype=linear.weight.dtype
    )
    with torch.no_grad():
        conv.weight.copy_(linear.weight.reshape(-1, channels, width, height).transpose(2, 3))
        if has_bias:
            conv.bias.copy_(linear.bias)
    return conv


# %% wrong="as_convolution" says="The channels come last in your kernels"
# channels last
def as_convolution(linear: nn.Linear, shape: tuple[int, int, int]) -> nn.Conv2d:
    """A convolution that computes what a linear layer computes on flattened images of a shape (C, H, W)."""
    channels, height, width = shape
    has_bias = linear.bias is not None
    conv = nn.Conv2d(
        channels, linear.out_features, kernel_size=(height, width), bias=has_bias, dtype=linear.weight.dtype
    )
    with torch.no_grad():
        conv.weight.copy_(linear.weight.reshape(-1, height, width, channels).permute(0, 3, 1, 2))
        if has_bias:
            conv.bias.copy_(linear.bias)
    return conv


# %% wrong="as_convolution" says="Your kernels are flipped"
# as a mathematician convolves
def as_convolution(linear: nn.Linear, shape: tuple[int, int, int]) -> nn.Conv2d:
    """A convolution that computes what a linear layer computes on flattened images of a shape (C, H, W)."""
    channels, height, width = shape
    has_bias = linear.bias is not None
    conv = nn.Conv2d(
        channels, linear.out_features, kernel_size=(height, width), bias=has_bias, dtype=linear.weight.dtype
    )
    with torch.no_grad():
        conv.weight.copy_(linear.weight.reshape(conv.weight.shape).flip(2, 3))
        if has_bias:
            conv.bias.copy_(linear.bias)
    return conv


# %% wrong="as_convolution" says="The kernels of different outputs are mixed up"
# channels before outputs
def as_convolution(linear: nn.Linear, shape: tuple[int, int, int]) -> nn.Conv2d:
    """A convolution that computes what a linear layer computes on flattened images of a shape (C, H, W)."""
    channels, height, width = shape
    has_bias = linear.bias is not None
    conv = nn.Conv2d(
        channels, linear.out_features, kernel_size=(height, width), bias=has_bias, dtype=linear.weight.dtype
    )
    with torch.no_grad():
        conv.weight.copy_(linear.weight.reshape(channels, -1, height, width).transpose(0, 1))
        if has_bias:
            conv.bias.copy_(linear.bias)
    return conv


# %% wrong="as_convolution" says="The bias has not been copied"
# zero bias
def as_convolution(linear: nn.Linear, shape: tuple[int, int, int]) -> nn.Conv2d:
    """A convolution that computes what a linear layer computes on flattened images of a shape (C, H, W)."""
    channels, height, width = shape
    has_bias = linear.bias is not None
    conv = nn.Conv2d(
        channels, linear.out_features, kernel_size=(height, width), bias=has_bias, dtype=linear.weight.dtype
    )
    with torch.no_grad():
        conv.weight.copy_(linear.weight.reshape(conv.weight.shape))
        if has_bias:
            conv.bias.zero_()
    return conv


# %% wrong="as_convolution" says="Both share their memory"
# shares weight and bias
def as_convolution(linear, shape):
    channels, height, width = shape
    conv = nn.Conv2d(channels, linear.out_features, (height, width), bias=linear.bias is not None)
    conv.weight = nn.Parameter(linear.weight.data.view(-1, channels, height, width))
    if linear.bias is not None:
        conv.bias = nn.Parameter(linear.bias.data)
    return conv


# %% wrong="as_convolution" says="Both share the weight's memory"
# shares the weight
def as_convolution(linear, shape):
    channels, height, width = shape
    conv = nn.Conv2d(channels, linear.out_features, (height, width), bias=linear.bias is not None)
    conv.weight = nn.Parameter(linear.weight.data.view(-1, channels, height, width))
    if linear.bias is not None:
        conv.bias = nn.Parameter(linear.bias.data.clone())
    return conv


# %% wrong="as_convolution" says="Both share the bias"
# shares the bias
def as_convolution(linear, shape):
    channels, height, width = shape
    conv = nn.Conv2d(channels, linear.out_features, (height, width), bias=linear.bias is not None)
    conv.weight = nn.Parameter(linear.weight.data.view(-1, channels, height, width).clone())
    if linear.bias is not None:
        conv.bias = nn.Parameter(linear.bias.data)
    return conv


# %% wrong="as_convolution" says="all its parameters are trainable"
# requires_grad of the frozen layer
def as_convolution(linear: nn.Linear, shape: tuple[int, int, int]) -> nn.Conv2d:
    """A convolution that computes what a linear layer computes on flattened images of a shape (C, H, W)."""
    channels, height, width = shape
    has_bias = linear.bias is not None
    conv = nn.Conv2d(
        channels, linear.out_features, kernel_size=(height, width), bias=has_bias, dtype=linear.weight.dtype
    )
    with torch.no_grad():
        conv.weight.copy_(linear.weight.reshape(conv.weight.shape))
        if has_bias:
            conv.bias.copy_(linear.bias)
    for p, q in zip(conv.parameters(), linear.parameters()):
        p.requires_grad_(q.requires_grad)
    return conv


# %% wrong="as_convolution" says="the dtype is float64"
# float32 always
def as_convolution(linear: nn.Linear, shape: tuple[int, int, int]) -> nn.Conv2d:
    """A convolution that computes what a linear layer computes on flattened images of a shape (C, H, W)."""
    channels, height, width = shape
    has_bias = linear.bias is not None
    conv = nn.Conv2d(channels, linear.out_features, kernel_size=(height, width), bias=has_bias)
    with torch.no_grad():
        conv.weight.copy_(linear.weight.reshape(conv.weight.shape))
        if has_bias:
            conv.bias.copy_(linear.bias)
    return conv


# %% wrong="as_convolution" says="the result is an nn.Conv2d"
# a Sequential
def as_convolution(linear: nn.Linear, shape: tuple[int, int, int]) -> nn.Conv2d:
    """A convolution that computes what a linear layer computes on flattened images of a shape (C, H, W)."""
    channels, height, width = shape
    has_bias = linear.bias is not None
    conv = nn.Conv2d(
        channels, linear.out_features, kernel_size=(height, width), bias=has_bias, dtype=linear.weight.dtype
    )
    with torch.no_grad():
        conv.weight.copy_(linear.weight.reshape(conv.weight.shape))
        if has_bias:
            conv.bias.copy_(linear.bias)
    return nn.Sequential(conv)


# %% wrong="as_convolution"
# only square images
def as_convolution(linear: nn.Linear, shape: tuple[int, int, int]) -> nn.Conv2d:
    """A convolution that computes what a linear layer computes on flattened images of a shape (C, H, W)."""
    channels, height, width = shape
    has_bias = linear.bias is not None
    conv = nn.Conv2d(channels, linear.out_features, kernel_size=height, bias=has_bias, dtype=linear.weight.dtype)
    with torch.no_grad():
        conv.weight.copy_(linear.weight.reshape(conv.weight.shape))
        if has_bias:
            conv.bias.copy_(linear.bias)
    return conv


# %% wrong="as_convolution"
# padding keeps the size
def as_convolution(linear: nn.Linear, shape: tuple[int, int, int]) -> nn.Conv2d:
    """A convolution that computes what a linear layer computes on flattened images of a shape (C, H, W)."""
    channels, height, width = shape
    has_bias = linear.bias is not None
    conv = nn.Conv2d(
        channels,
        linear.out_features,
        kernel_size=(height, width),
        padding=(height // 2, width // 2),
        bias=has_bias,
        dtype=linear.weight.dtype,
    )
    with torch.no_grad():
        conv.weight.copy_(linear.weight.reshape(conv.weight.shape))
        if has_bias:
            conv.bias.copy_(linear.bias)
    return conv


# %% wrong="as_convolution"
# stride as large as the kernel
def as_convolution(linear: nn.Linear, shape: tuple[int, int, int]) -> nn.Conv2d:
    """A convolution that computes what a linear layer computes on flattened images of a shape (C, H, W)."""
    channels, height, width = shape
    has_bias = linear.bias is not None
    conv = nn.Conv2d(
        channels,
        linear.out_features,
        kernel_size=(height, width),
        stride=(height, width),
        bias=has_bias,
        dtype=linear.weight.dtype,
    )
    with torch.no_grad():
        conv.weight.copy_(linear.weight.reshape(conv.weight.shape))
        if has_bias:
            conv.bias.copy_(linear.bias)
    return conv


# %% wrong="as_convolution"
# changes the linear layer
def as_convolution(linear: nn.Linear, shape: tuple[int, int, int]) -> nn.Conv2d:
    """A convolution that computes what a linear layer computes on flattened images of a shape (C, H, W)."""
    channels, height, width = shape
    has_bias = linear.bias is not None
    conv = nn.Conv2d(
        channels, linear.out_features, kernel_size=(height, width), bias=has_bias, dtype=linear.weight.dtype
    )
    with torch.no_grad():
        conv.weight.copy_(linear.weight.reshape(conv.weight.shape))
        if has_bias:
            conv.bias.copy_(linear.bias)
    linear.requires_grad_(False)
    return conv


# %% wrong="as_convolution" says="the dtype is bfloat16"
# float64 or float32, nothing else
def as_convolution(linear, shape):
    c, h, w = shape
    conv = nn.Conv2d(c, linear.out_features, (h, w), bias=linear.bias is not None)
    if linear.weight.dtype == torch.float64:
        conv = conv.double()
    with torch.no_grad():
        conv.weight.copy_(linear.weight.reshape(-1, c, h, w))
        if linear.bias is not None:
            conv.bias.copy_(linear.bias)
    return conv


# %% wrong="as_convolution" says="the output"
# through float32 numbers
def as_convolution(linear, shape):
    c, h, w = shape
    conv = nn.Conv2d(c, linear.out_features, (h, w), bias=linear.bias is not None, dtype=linear.weight.dtype)
    with torch.no_grad():
        conv.weight.copy_(torch.tensor(linear.weight.tolist()).reshape(-1, c, h, w))
        if linear.bias is not None:
            conv.bias.copy_(torch.tensor(linear.bias.tolist()))
    return conv


# %% wrong="as_convolution" says="A bias of zeros is one"
# a bias of zeros is taken for none
def as_convolution(linear, shape):
    c, h, w = shape
    has_bias = linear.bias is not None and bool(linear.bias.any())
    conv = nn.Conv2d(c, linear.out_features, (h, w), bias=has_bias, dtype=linear.weight.dtype)
    with torch.no_grad():
        conv.weight.copy_(linear.weight.reshape(-1, c, h, w))
        if has_bias:
            conv.bias.copy_(linear.bias)
    return conv


# %% wrong="as_convolution" says="The bias has not been copied"
# the bias is not copied
def as_convolution(linear, shape):
    c, h, w = shape
    conv = nn.Conv2d(c, linear.out_features, (h, w), bias=linear.bias is not None, dtype=linear.weight.dtype)
    conv.weight.data = linear.weight.data.reshape(-1, c, h, w).clone()
    return conv


# %% wrong="as_convolution" says="reshape it"
# the weight keeps its shape
def as_convolution(linear, shape):
    channels, height, width = shape
    conv = nn.Conv2d(channels, linear.out_features, (height, width), bias=linear.bias is not None)
    conv.weight = nn.Parameter(linear.weight.detach().clone())
    if linear.bias is not None:
        conv.bias = nn.Parameter(linear.bias.detach().clone())
    return conv


# %% right="convnet"
def convnet(channels, side=28, classes=10, batch_norm=False, dropout=0.0):
    net = nn.Sequential()
    for c, d in zip((1, *channels), channels):
        net.append(nn.Conv2d(c, d, (3, 3), padding="same", bias=not batch_norm))
        if batch_norm:
            net.append(nn.BatchNorm2d(d))
        net.append(nn.ReLU(inplace=True))
        net.append(nn.MaxPool2d((2, 2)))
    net.append(nn.Flatten())
    if dropout:
        net.append(nn.Dropout(p=dropout))
    net.append(nn.Linear(channels[-1] * (side // 2 ** len(channels)) ** 2, classes))
    return net


# %% right="convnet"
def convnet(channels, side=28, classes=10, batch_norm=False, dropout=0.0):
    def block(c, d):
        yield nn.Conv2d(c, d, 3, 1, 1, bias=not batch_norm)
        if batch_norm:
            yield nn.BatchNorm2d(d)
        yield from (nn.ReLU(), nn.MaxPool2d(2))

    body = [module for c, d in zip([1, *channels], channels) for module in block(c, d)]
    with torch.no_grad():
        features = nn.Sequential(*body).eval()(torch.zeros(1, 1, side, side)).numel()
    return nn.Sequential(
        *body, nn.Flatten(), *([nn.Dropout(dropout)] if dropout > 0 else []), nn.Linear(features, classes)
    )


# %% right="convnet"
def convnet(channels, side=28, classes=10, batch_norm=False, dropout=0.0):
    from collections import OrderedDict

    modules, c = OrderedDict(), 1
    for number, d in enumerate(channels):
        modules[f"conv{number}"] = nn.Conv2d(c, d, kernel_size=3, padding=1, bias=(not batch_norm))
        if batch_norm:
            modules[f"norm{number}"] = nn.BatchNorm2d(d)
        modules[f"relu{number}"], modules[f"pool{number}"] = nn.ReLU(), nn.MaxPool2d(kernel_size=2, stride=2)
        side >>= 1
        c = d
    modules["flatten"] = nn.Flatten(start_dim=1)
    if dropout > 0:
        modules["dropout"] = nn.Dropout(dropout)
    modules["linear"] = nn.Linear(c * side**2, classes)
    return nn.Sequential(modules)


# %% wrong="convnet" says="The dropout comes before the Flatten"
# dropout first
def convnet(
    channels: tuple[int, ...], side: int = 28, classes: int = 10, batch_norm: bool = False, dropout: float = 0.0
) -> nn.Sequential:
    """Blocks of convolution, ReLU and pooling, then one linear layer, for images of shape (1, side, side)."""
    modules, before = [], 1
    for after in channels:
        modules.append(nn.Conv2d(before, after, kernel_size=3, padding=1, bias=not batch_norm))
        if batch_norm:
            modules.append(nn.BatchNorm2d(after))
        modules += [nn.ReLU(), nn.MaxPool2d(2)]
        before, side = after, side // 2
    if dropout > 0:
        modules.append(nn.Dropout(dropout))
    modules.append(nn.Flatten())
    modules.append(nn.Linear(before * side * side, classes))
    return nn.Sequential(*modules)


# %% wrong="convnet" says="although dropout is 0"
# always a dropout
def convnet(
    channels: tuple[int, ...], side: int = 28, classes: int = 10, batch_norm: bool = False, dropout: float = 0.0
) -> nn.Sequential:
    """Blocks of convolution, ReLU and pooling, then one linear layer, for images of shape (1, side, side)."""
    modules, before = [], 1
    for after in channels:
        modules.append(nn.Conv2d(before, after, kernel_size=3, padding=1, bias=not batch_norm))
        if batch_norm:
            modules.append(nn.BatchNorm2d(after))
        modules += [nn.ReLU(), nn.MaxPool2d(2)]
        before, side = after, side // 2
    modules.append(nn.Flatten())
    modules.append(nn.Dropout(dropout))
    modules.append(nn.Linear(before * side * side, classes))
    return nn.Sequential(*modules)


# %% wrong="convnet" says="There is a softmax at the end"
# softmax
def convnet(
    channels: tuple[int, ...], side: int = 28, classes: int = 10, batch_norm: bool = False, dropout: float = 0.0
) -> nn.Sequential:
    """Blocks of convolution, ReLU and pooling, then one linear layer, for images of shape (1, side, side)."""
    modules, before = [], 1
    for after in channels:
        modules.append(nn.Conv2d(before, after, kernel_size=3, padding=1, bias=not batch_norm))
        if batch_norm:
            modules.append(nn.BatchNorm2d(after))
        modules += [nn.ReLU(), nn.MaxPool2d(2)]
        before, side = after, side // 2
    modules.append(nn.Flatten())
    if dropout > 0:
        modules.append(nn.Dropout(dropout))
    modules.append(nn.Linear(before * side * side, classes))
    modules.append(nn.Softmax(dim=1))
    return nn.Sequential(*modules)


# %% wrong="convnet" says="There is only one block"
# outside of the loop
def convnet(
    channels: tuple[int, ...], side: int = 28, classes: int = 10, batch_norm: bool = False, dropout: float = 0.0
) -> nn.Sequential:
    """Blocks of convolution, ReLU and pooling, then one linear layer, for images of shape (1, side, side)."""
    modules, before = [], 1
    for after in channels[:1]:
        modules.append(nn.Conv2d(before, after, kernel_size=3, padding=1, bias=not batch_norm))
        if batch_norm:
            modules.append(nn.BatchNorm2d(after))
        modules += [nn.ReLU(), nn.MaxPool2d(2)]
        before, side = after, side // 2
    modules.append(nn.Flatten())
    if dropout > 0:
        modules.append(nn.Dropout(dropout))
    modules.append(nn.Linear(before * side * side, classes))
    return nn.Sequential(*modules)


# %% wrong="convnet" says="The modules are nested"
# Sequential of Sequentials
def convnet(channels, side=28, classes=10, batch_norm=False, dropout=0.0):
    blocks, c = [], 1
    for d in channels:
        norm = [nn.BatchNorm2d(d)] if batch_norm else []
        blocks.append(
            nn.Sequential(nn.Conv2d(c, d, 3, padding=1, bias=not batch_norm), *norm, nn.ReLU(), nn.MaxPool2d(2))
        )
        c, side = d, side // 2
    drop = [nn.Dropout(dropout)] if dropout > 0 else []
    return nn.Sequential(*blocks, nn.Flatten(), *drop, nn.Linear(c * side * side, classes))


# %% wrong="convnet" says="The batch norm comes after the ReLU"
# ReLU first
def convnet(
    channels: tuple[int, ...], side: int = 28, classes: int = 10, batch_norm: bool = False, dropout: float = 0.0
) -> nn.Sequential:
    """Blocks of convolution, ReLU and pooling, then one linear layer, for images of shape (1, side, side)."""
    modules, before = [], 1
    for after in channels:
        modules.append(nn.Conv2d(before, after, kernel_size=3, padding=1, bias=not batch_norm))
        modules.append(nn.ReLU())
        if batch_norm:
            modules.append(nn.BatchNorm2d(after))
        modules.append(nn.MaxPool2d(2))
        before, side = after, side // 2
    modules.append(nn.Flatten())
    if dropout > 0:
        modules.append(nn.Dropout(dropout))
    modules.append(nn.Linear(before * side * side, classes))
    return nn.Sequential(*modules)


# %% wrong="convnet" says="The batch norm is missing"
# no batch norm
def convnet(
    channels: tuple[int, ...], side: int = 28, classes: int = 10, batch_norm: bool = False, dropout: float = 0.0
) -> nn.Sequential:
    """Blocks of convolution, ReLU and pooling, then one linear layer, for images of shape (1, side, side)."""
    modules, before = [], 1
    for after in channels:
        modules.append(nn.Conv2d(before, after, kernel_size=3, padding=1, bias=not batch_norm))
        modules += [nn.ReLU(), nn.MaxPool2d(2)]
        before, side = after, side // 2
    modules.append(nn.Flatten())
    if dropout > 0:
        modules.append(nn.Dropout(dropout))
    modules.append(nn.Linear(before * side * side, classes))
    return nn.Sequential(*modules)


# %% wrong="convnet" says="The dropout is missing"
# no dropout
def convnet(
    channels: tuple[int, ...], side: int = 28, classes: int = 10, batch_norm: bool = False, dropout: float = 0.0
) -> nn.Sequential:
    """Blocks of convolution, ReLU and pooling, then one linear layer, for images of shape (1, side, side)."""
    modules, before = [], 1
    for after in channels:
        modules.append(nn.Conv2d(before, after, kernel_size=3, padding=1, bias=not batch_norm))
        if batch_norm:
            modules.append(nn.BatchNorm2d(after))
        modules += [nn.ReLU(), nn.MaxPool2d(2)]
        before, side = after, side // 2
    modules.append(nn.Flatten())
    modules.append(nn.Linear(before * side * side, classes))
    return nn.Sequential(*modules)


# %% wrong="convnet" says="There is a batch norm although"
# always
def convnet(
    channels: tuple[int, ...], side: int = 28, classes: int = 10, batch_norm: bool = False, dropout: float = 0.0
) -> nn.Sequential:
    """Blocks of convolution, ReLU and pooling, then one linear layer, for images of shape (1, side, side)."""
    modules, before = [], 1
    for after in channels:
        modules.append(nn.Conv2d(before, after, kernel_size=3, padding=1, bias=not batch_norm))
        modules.append(nn.BatchNorm2d(after))
        modules += [nn.ReLU(), nn.MaxPool2d(2)]
        before, side = after, side // 2
    modules.append(nn.Flatten())
    if dropout > 0:
        modules.append(nn.Dropout(dropout))
    modules.append(nn.Linear(before * side * side, classes))
    return nn.Sequential(*modules)


# %% wrong="convnet" says="no convolution has a bias"
# a useless bias
def convnet(
    channels: tuple[int, ...], side: int = 28, classes: int = 10, batch_norm: bool = False, dropout: float = 0.0
) -> nn.Sequential:
    """Blocks of convolution, ReLU and pooling, then one linear layer, for images of shape (1, side, side)."""
    modules, before = [], 1
    for after in channels:
        modules.append(nn.Conv2d(before, after, kernel_size=3, padding=1))
        if batch_norm:
            modules.append(nn.BatchNorm2d(after))
        modules += [nn.ReLU(), nn.MaxPool2d(2)]
        before, side = after, side // 2
    modules.append(nn.Flatten())
    if dropout > 0:
        modules.append(nn.Dropout(dropout))
    modules.append(nn.Linear(before * side * side, classes))
    return nn.Sequential(*modules)


# %% wrong="convnet" says="each convolution has a bias"
# never a bias
def convnet(
    channels: tuple[int, ...], side: int = 28, classes: int = 10, batch_norm: bool = False, dropout: float = 0.0
) -> nn.Sequential:
    """Blocks of convolution, ReLU and pooling, then one linear layer, for images of shape (1, side, side)."""
    modules, before = [], 1
    for after in channels:
        modules.append(nn.Conv2d(before, after, kernel_size=3, padding=1, bias=False))
        if batch_norm:
            modules.append(nn.BatchNorm2d(after))
        modules += [nn.ReLU(), nn.MaxPool2d(2)]
        before, side = after, side // 2
    modules.append(nn.Flatten())
    if dropout > 0:
        modules.append(nn.Dropout(dropout))
    modules.append(nn.Linear(before * side * side, classes))
    return nn.Sequential(*modules)


# %% wrong="convnet" says="the probability of the dropout"
# 0.5 always
def convnet(
    channels: tuple[int, ...], side: int = 28, classes: int = 10, batch_norm: bool = False, dropout: float = 0.0
) -> nn.Sequential:
    """Blocks of convolution, ReLU and pooling, then one linear layer, for images of shape (1, side, side)."""
    modules, before = [], 1
    for after in channels:
        modules.append(nn.Conv2d(before, after, kernel_size=3, padding=1, bias=not batch_norm))
        if batch_norm:
            modules.append(nn.BatchNorm2d(after))
        modules += [nn.ReLU(), nn.MaxPool2d(2)]
        before, side = after, side // 2
    modules.append(nn.Flatten())
    if dropout > 0:
        modules.append(nn.Dropout())
    modules.append(nn.Linear(before * side * side, classes))
    return nn.Sequential(*modules)


# %% wrong="convnet" says="a second call makes a new net"
# the first net again
CACHE = {}


def convnet(
    channels: tuple[int, ...], side: int = 28, classes: int = 10, batch_norm: bool = False, dropout: float = 0.0
) -> nn.Sequential:
    """Blocks of convolution, ReLU and pooling, then one linear layer, for images of shape (1, side, side)."""
    modules, before = [], 1
    for after in channels:
        modules.append(nn.Conv2d(before, after, kernel_size=3, padding=1, bias=not batch_norm))
        if batch_norm:
            modules.append(nn.BatchNorm2d(after))
        modules += [nn.ReLU(), nn.MaxPool2d(2)]
        before, side = after, side // 2
    modules.append(nn.Flatten())
    if dropout > 0:
        modules.append(nn.Dropout(dropout))
    modules.append(nn.Linear(before * side * side, classes))
    return CACHE.setdefault((channels, side, classes, batch_norm, dropout), nn.Sequential(*modules))


# %% wrong="convnet" says="the shapes of the parameters"
# 28 pixels only
def convnet(
    channels: tuple[int, ...], side: int = 28, classes: int = 10, batch_norm: bool = False, dropout: float = 0.0
) -> nn.Sequential:
    """Blocks of convolution, ReLU and pooling, then one linear layer, for images of shape (1, side, side)."""
    modules, before = [], 1
    for after in channels:
        modules.append(nn.Conv2d(before, after, kernel_size=3, padding=1, bias=not batch_norm))
        if batch_norm:
            modules.append(nn.BatchNorm2d(after))
        modules += [nn.ReLU(), nn.MaxPool2d(2)]
        before, side = after, side // 2
    modules.append(nn.Flatten())
    if dropout > 0:
        modules.append(nn.Dropout(dropout))
    modules.append(nn.Linear(before * (28 >> len(channels)) ** 2, classes))
    return nn.Sequential(*modules)


# %% wrong="convnet"
# average pooling
def convnet(
    channels: tuple[int, ...], side: int = 28, classes: int = 10, batch_norm: bool = False, dropout: float = 0.0
) -> nn.Sequential:
    """Blocks of convolution, ReLU and pooling, then one linear layer, for images of shape (1, side, side)."""
    modules, before = [], 1
    for after in channels:
        modules.append(nn.Conv2d(before, after, kernel_size=3, padding=1, bias=not batch_norm))
        if batch_norm:
            modules.append(nn.BatchNorm2d(after))
        modules += [nn.ReLU(), nn.AvgPool2d(2)]
        before, side = after, side // 2
    modules.append(nn.Flatten())
    if dropout > 0:
        modules.append(nn.Dropout(dropout))
    modules.append(nn.Linear(before * side * side, classes))
    return nn.Sequential(*modules)


# %% wrong="convnet"
# no padding
def convnet(
    channels: tuple[int, ...], side: int = 28, classes: int = 10, batch_norm: bool = False, dropout: float = 0.0
) -> nn.Sequential:
    """Blocks of convolution, ReLU and pooling, then one linear layer, for images of shape (1, side, side)."""
    modules, before = [], 1
    for after in channels:
        modules.append(nn.Conv2d(before, after, kernel_size=3, bias=not batch_norm))
        if batch_norm:
            modules.append(nn.BatchNorm2d(after))
        modules += [nn.ReLU(), nn.MaxPool2d(2)]
        before, side = after, (side - 2) // 2
    modules.append(nn.Flatten())
    if dropout > 0:
        modules.append(nn.Dropout(dropout))
    modules.append(nn.Linear(before * side * side, classes))
    return nn.Sequential(*modules)


# %% wrong="convnet" says="is an nn.Sequential"
# a list
def convnet(
    channels: tuple[int, ...], side: int = 28, classes: int = 10, batch_norm: bool = False, dropout: float = 0.0
) -> nn.Sequential:
    """Blocks of convolution, ReLU and pooling, then one linear layer, for images of shape (1, side, side)."""
    modules, before = [], 1
    for after in channels:
        modules.append(nn.Conv2d(before, after, kernel_size=3, padding=1, bias=not batch_norm))
        if batch_norm:
            modules.append(nn.BatchNorm2d(after))
        modules += [nn.ReLU(), nn.MaxPool2d(2)]
        before, side = after, side // 2
    modules.append(nn.Flatten())
    if dropout > 0:
        modules.append(nn.Dropout(dropout))
    modules.append(nn.Linear(before * side * side, classes))
    return modules


# %% wrong="convnet"
# rounds up
def convnet(
    channels: tuple[int, ...], side: int = 28, classes: int = 10, batch_norm: bool = False, dropout: float = 0.0
) -> nn.Sequential:
    """Blocks of convolution, ReLU and pooling, then one linear layer, for images of shape (1, side, side)."""
    modules, before = [], 1
    for after in channels:
        modules.append(nn.Conv2d(before, after, kernel_size=3, padding=1, bias=not batch_norm))
        if batch_norm:
            modules.append(nn.BatchNorm2d(after))
        modules += [nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True)]
        before, side = after, -(-side // 2)
    modules.append(nn.Flatten())
    if dropout > 0:
        modules.append(nn.Dropout(dropout))
    modules.append(nn.Linear(before * side * side, classes))
    return nn.Sequential(*modules)


# %% wrong="convnet" says="a second call makes a new net"
# ReLU, pooling and Flatten outside the function
RELU, POOL, FLATTEN = nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()


def convnet(channels, side=28, classes=10, batch_norm=False, dropout=0.0):
    layers, c = [], 1
    for d in channels:
        layers.append(nn.Conv2d(c, d, 3, padding=1, bias=not batch_norm))
        if batch_norm:
            layers.append(nn.BatchNorm2d(d))
        layers += [RELU, POOL]
        c, side = d, side // 2
    layers.append(FLATTEN)
    if dropout > 0:
        layers.append(nn.Dropout(dropout))
    layers.append(nn.Linear(c * side * side, classes))
    return nn.Sequential(*layers)


# %% wrong="convnet" says="eps and momentum"
# another momentum in the batch norm
def convnet(channels, side=28, classes=10, batch_norm=False, dropout=0.0):
    layers, c = [], 1
    for d in channels:
        layers.append(nn.Conv2d(c, d, 3, padding=1, bias=not batch_norm))
        if batch_norm:
            layers.append(nn.BatchNorm2d(d, momentum=0.9))
        layers += [nn.ReLU(), nn.MaxPool2d(2)]
        c, side = d, side // 2
    layers.append(nn.Flatten())
    if dropout > 0:
        layers.append(nn.Dropout(dropout))
    layers.append(nn.Linear(c * side * side, classes))
    return nn.Sequential(*layers)


# %% wrong="convnet" says="is ready to be trained"
# evaluation mode, frozen
def convnet(channels, side=28, classes=10, batch_norm=False, dropout=0.0):
    layers, c = [], 1
    for d in channels:
        layers.append(nn.Conv2d(c, d, 3, padding=1, bias=not batch_norm))
        if batch_norm:
            layers.append(nn.BatchNorm2d(d))
        layers += [nn.ReLU(), nn.MaxPool2d(2)]
        c = d
    body = nn.Sequential(*layers, nn.Flatten()).eval().requires_grad_(False)
    features = body(torch.zeros(1, 1, side, side)).shape[1]
    if dropout > 0:
        body.append(nn.Dropout(dropout))
    body.append(nn.Linear(features, classes))
    return body


# %% wrong="convnet" says="is the pixel of padding missing"
# no padding
def convnet(channels, side=28, classes=10, batch_norm=False, dropout=0.0):
    layers, c = [], 1
    for d in channels:
        layers.append(nn.Conv2d(c, d, 3, bias=not batch_norm))
        if batch_norm:
            layers.append(nn.BatchNorm2d(d))
        layers += [nn.ReLU(), nn.MaxPool2d(2)]
        c, side = d, side // 2
    layers.append(nn.Flatten())
    if dropout > 0:
        layers.append(nn.Dropout(dropout))
    layers.append(nn.Linear(c * side * side, classes))
    return nn.Sequential(*layers)


# %% wrong="convnet" says="as the one before it has outputs"
# one input channel everywhere
def convnet(channels, side=28, classes=10, batch_norm=False, dropout=0.0):
    layers, c = [], 1
    for d in channels:
        layers.append(nn.Conv2d(c, d, 3, padding=1, bias=not batch_norm))
        if batch_norm:
            layers.append(nn.BatchNorm2d(d))
        layers += [nn.ReLU(), nn.MaxPool2d(2)]
        side = side // 2
    layers.append(nn.Flatten())
    if dropout > 0:
        layers.append(nn.Dropout(dropout))
    layers.append(nn.Linear(channels[-1] * side * side, classes))
    return nn.Sequential(*layers)


# %% wrong="convnet" says="`side` is squared"
# the side is not squared
def convnet(channels, side=28, classes=10, batch_norm=False, dropout=0.0):
    layers, c = [], 1
    for d in channels:
        layers.append(nn.Conv2d(c, d, 3, padding=1, bias=not batch_norm))
        if batch_norm:
            layers.append(nn.BatchNorm2d(d))
        layers += [nn.ReLU(), nn.MaxPool2d(2)]
        c, side = d, side // 2
    layers.append(nn.Flatten())
    if dropout > 0:
        layers.append(nn.Dropout(dropout))
    layers.append(nn.Linear(c * side, classes))
    return nn.Sequential(*layers)


# %% wrong="convnet" says="halves the side and rounds down"
# rounds up
def convnet(channels, side=28, classes=10, batch_norm=False, dropout=0.0):
    layers, c = [], 1
    for d in channels:
        layers.append(nn.Conv2d(c, d, 3, padding=1, bias=not batch_norm))
        if batch_norm:
            layers.append(nn.BatchNorm2d(d))
        layers += [nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True)]
        c, side = d, (side + 1) // 2
    layers.append(nn.Flatten())
    if dropout > 0:
        layers.append(nn.Dropout(dropout))
    layers.append(nn.Linear(c * side * side, classes))
    return nn.Sequential(*layers)


# %% wrong="convnet" says="after *each* pooling"
# rounds once
def convnet(channels, side=28, classes=10, batch_norm=False, dropout=0.0):
    layers, c = [], 1
    for d in channels:
        layers.append(nn.Conv2d(c, d, 3, padding=1, bias=not batch_norm))
        if batch_norm:
            layers.append(nn.BatchNorm2d(d))
        layers += [nn.ReLU(), nn.MaxPool2d(2)]
        c, side = d, side / 2
    layers.append(nn.Flatten())
    if dropout > 0:
        layers.append(nn.Dropout(dropout))
    layers.append(nn.Linear(int(c * side * side), classes))
    return nn.Sequential(*layers)


# %% right="confusion"
def confusion(predicted, labels, k):
    table = torch.zeros(k, k, dtype=torch.int64)
    for i, j in zip(labels.tolist(), predicted.tolist()):
        table[i, j] += 1
    return table


# %% right="confusion"
def confusion(predicted, labels, k):
    return F.one_hot(labels, k).T @ F.one_hot(predicted, k)


# %% right="confusion"
def confusion(predicted, labels, k):
    table = torch.zeros(k, k, dtype=torch.int64)
    return table.index_put((labels, predicted), torch.ones_like(labels), accumulate=True)


# %% wrong="confusion" says="Rows and columns are swapped"
# predicted first
def confusion(predicted: torch.Tensor, labels: torch.Tensor, k: int) -> torch.Tensor:
    """How often each class (row) was predicted as each class (column): (k, k), int64.

    predicted, labels: (N,), int64, 0 to k - 1.
    """
    return torch.bincount(predicted * k + labels, minlength=k * k).reshape(k, k)


# %% wrong="confusion" says="does not accumulate"
# += with repeated pairs
def confusion(predicted, labels, k):
    table = torch.zeros(k, k, dtype=torch.int64)
    table[labels, predicted] += 1
    return table


# %% wrong="confusion" says="These are shares: the numbers"
# shares of all
def confusion(predicted: torch.Tensor, labels: torch.Tensor, k: int) -> torch.Tensor:
    """How often each class (row) was predicted as each class (column): (k, k), int64.

    predicted, labels: (N,), int64, 0 to k - 1.
    """
    return torch.bincount(labels * k + predicted, minlength=k * k).reshape(k, k) / len(labels)


# %% wrong="confusion" says="These are shares of each class"
# rows normalised
def confusion(predicted: torch.Tensor, labels: torch.Tensor, k: int) -> torch.Tensor:
    """How often each class (row) was predicted as each class (column): (k, k), int64.

    predicted, labels: (N,), int64, 0 to k - 1.
    """
    table = torch.bincount(labels * k + predicted, minlength=k * k).reshape(k, k)
    return table / table.sum(1, keepdim=True)


# %% wrong="confusion" says="The numbers are floats"
# float table
def confusion(predicted: torch.Tensor, labels: torch.Tensor, k: int) -> torch.Tensor:
    """How often each class (row) was predicted as each class (column): (k, k), int64.

    predicted, labels: (N,), int64, 0 to k - 1.
    """
    return torch.bincount(labels * k + predicted, minlength=k * k).reshape(k, k).float()


# %% wrong="confusion" says="Only the right answers are counted"
# diagonal
def confusion(predicted: torch.Tensor, labels: torch.Tensor, k: int) -> torch.Tensor:
    """How often each class (row) was predicted as each class (column): (k, k), int64.

    predicted, labels: (N,), int64, 0 to k - 1.
    """
    return torch.bincount(labels * k + predicted, minlength=k * k).reshape(k, k).diagonal().diag()


# %% wrong="confusion" says="Only the wrong answers are counted"
# off the diagonal
def confusion(predicted: torch.Tensor, labels: torch.Tensor, k: int) -> torch.Tensor:
    """How often each class (row) was predicted as each class (column): (k, k), int64.

    predicted, labels: (N,), int64, 0 to k - 1.
    """
    return torch.bincount(labels * k + predicted, minlength=k * k).reshape(k, k).fill_diagonal_(0)


# %% wrong="confusion"
# no minlength
def confusion(predicted: torch.Tensor, labels: torch.Tensor, k: int) -> torch.Tensor:
    """How often each class (row) was predicted as each class (column): (k, k), int64.

    predicted, labels: (N,), int64, 0 to k - 1.
    """
    return torch.bincount(labels * k + predicted).reshape(k, k)


# %% wrong="confusion" says="the arguments are left as they were"
# in place
def confusion(predicted: torch.Tensor, labels: torch.Tensor, k: int) -> torch.Tensor:
    """How often each class (row) was predicted as each class (column): (k, k), int64.

    predicted, labels: (N,), int64, 0 to k - 1.
    """
    return torch.bincount(labels.mul_(k).add_(predicted), minlength=k * k).reshape(k, k)


# %% wrong="confusion"
# as many classes as occur
def confusion(predicted, labels, k):
    k = int(max(predicted.max(), labels.max())) + 1
    return torch.bincount(labels * k + predicted, minlength=k * k).reshape(k, k)


# %% wrong="confusion"
# a list of lists
def confusion(predicted: torch.Tensor, labels: torch.Tensor, k: int) -> torch.Tensor:
    """How often each class (row) was predicted as each class (column): (k, k), int64.

    predicted, labels: (N,), int64, 0 to k - 1.
    """
    return torch.bincount(labels * k + predicted, minlength=k * k).reshape(k, k).tolist()


# %% wrong="confusion" says="uint8 ends at 255"
# counts in uint8
def confusion(predicted, labels, k):
    table = torch.zeros(k, k, dtype=torch.uint8)
    for i, j in zip(labels.tolist(), predicted.tolist()):
        table[i, j] += 1
    return table.long()


# %% wrong="confusion"
# two-digit decimal numbers
def confusion(predicted, labels, k):
    numbers = 10 * labels + predicted
    return torch.bincount(numbers, minlength=100).reshape(10, 10)[:k, :k].clone()


# %% wrong="confusion"
# float16 products
def confusion(predicted, labels, k):
    a, b = F.one_hot(labels, k).half(), F.one_hot(predicted, k).half()
    return (a.T @ b).long()


# %% right="most_wrong"
def most_wrong(logits, labels, k):
    loss = nn.CrossEntropyLoss(reduction="none")(logits, labels)
    right = logits.argmax(1) == labels
    order = loss.masked_fill(right, -1.0).argsort(descending=True)
    return order[: min(k, int((~right).sum()))]


# %% right="most_wrong"
def most_wrong(logits, labels, k):
    log_p = logits.log_softmax(dim=-1).gather(1, labels[:, None]).squeeze(1)
    wrong = torch.where(logits.max(dim=1).indices != labels)[0]
    chosen = log_p[wrong].topk(min(k, len(wrong)), largest=False, sorted=True).indices
    return wrong[chosen]


# %% right="most_wrong"
def most_wrong(logits, labels, k):
    rows = []
    for n, (row, label) in enumerate(zip(logits.double(), labels.tolist())):
        if int(row.argmax()) != label:
            rows.append((float(row.logsumexp(0) - row[label]), n))
    return torch.tensor([n for _, n in sorted(rows, reverse=True)[:k]], dtype=torch.long)


# %% wrong="most_wrong" says="They come in the wrong order"
# reversed
def most_wrong(logits: torch.Tensor, labels: torch.Tensor, k: int) -> torch.Tensor:
    """The positions of the k wrong answers with the largest cross-entropy, largest first.

    logits: (N, C). labels: (N,), int64. Returns: at most k positions, int64.
    """
    loss = F.cross_entropy(logits, labels, reduction="none")
    wrong = (logits.argmax(dim=1) != labels).nonzero()[:, 0]
    order = loss[wrong].argsort(descending=True)
    return wrong[order][:k].flip(0)


# %% wrong="most_wrong" says="These are the smallest losses"
# ascending
def most_wrong(logits: torch.Tensor, labels: torch.Tensor, k: int) -> torch.Tensor:
    """The positions of the k wrong answers with the largest cross-entropy, largest first.

    logits: (N, C). labels: (N,), int64. Returns: at most k positions, int64.
    """
    loss = F.cross_entropy(logits, labels, reduction="none")
    wrong = (logits.argmax(dim=1) != labels).nonzero()[:, 0]
    order = loss[wrong].argsort(descending=False)
    return wrong[order][:k]


# %% wrong="most_wrong" says="Samples that are right are among them"
# all samples
def most_wrong(logits: torch.Tensor, labels: torch.Tensor, k: int) -> torch.Tensor:
    """The positions of the k wrong answers with the largest cross-entropy, largest first.

    logits: (N, C). labels: (N,), int64. Returns: at most k positions, int64.
    """
    loss = F.cross_entropy(logits, labels, reduction="none")
    wrong = torch.arange(len(labels))
    order = loss[wrong].argsort(descending=True)
    return wrong[order][:k]


# %% wrong="most_wrong" says="All wrong samples are returned"
# no k
def most_wrong(logits: torch.Tensor, labels: torch.Tensor, k: int) -> torch.Tensor:
    """The positions of the k wrong answers with the largest cross-entropy, largest first.

    logits: (N, C). labels: (N,), int64. Returns: at most k positions, int64.
    """
    loss = F.cross_entropy(logits, labels, reduction="none")
    wrong = (logits.argmax(dim=1) != labels).nonzero()[:, 0]
    order = loss[wrong].argsort(descending=True)
    return wrong[order][:]


# %% wrong="most_wrong" says="These are positions among the wrong samples"
# order of the selection
def most_wrong(logits: torch.Tensor, labels: torch.Tensor, k: int) -> torch.Tensor:
    """The positions of the k wrong answers with the largest cross-entropy, largest first.

    logits: (N, C). labels: (N,), int64. Returns: at most k positions, int64.
    """
    loss = F.cross_entropy(logits, labels, reduction="none")
    wrong = (logits.argmax(dim=1) != labels).nonzero()[:, 0]
    order = loss[wrong].argsort(descending=True)
    return order[:k]


# %% wrong="most_wrong" says="They are in the order of the batch"
# not sorted
def most_wrong(logits: torch.Tensor, labels: torch.Tensor, k: int) -> torch.Tensor:
    """The positions of the k wrong answers with the largest cross-entropy, largest first.

    logits: (N, C). labels: (N,), int64. Returns: at most k positions, int64.
    """
    loss = F.cross_entropy(logits, labels, reduction="none")
    wrong = (logits.argmax(dim=1) != labels).nonzero()[:, 0]
    order = loss[wrong].argsort(descending=True)
    return wrong[:k]


# %% wrong="most_wrong" says="These are the losses"
# values
def most_wrong(logits: torch.Tensor, labels: torch.Tensor, k: int) -> torch.Tensor:
    """The positions of the k wrong answers with the largest cross-entropy, largest first.

    logits: (N, C). labels: (N,), int64. Returns: at most k positions, int64.
    """
    loss = F.cross_entropy(logits, labels, reduction="none")
    wrong = (logits.argmax(dim=1) != labels).nonzero()[:, 0]
    order = loss[wrong].argsort(descending=True)
    return loss[wrong][order][:k]


# %% wrong="most_wrong" says="drop the last dimension"
# nonzero without [:, 0]
def most_wrong(logits: torch.Tensor, labels: torch.Tensor, k: int) -> torch.Tensor:
    """The positions of the k wrong answers with the largest cross-entropy, largest first.

    logits: (N, C). labels: (N,), int64. Returns: at most k positions, int64.
    """
    loss = F.cross_entropy(logits, labels, reduction="none")
    wrong = (logits.argmax(dim=1) != labels).nonzero()[:, 0]
    order = loss[wrong].argsort(descending=True)
    return wrong[order][:k, None]


# %% wrong="most_wrong" says="sorted by the largest logit"
# confidence by logit
def most_wrong(logits: torch.Tensor, labels: torch.Tensor, k: int) -> torch.Tensor:
    """The positions of the k wrong answers with the largest cross-entropy, largest first.

    logits: (N, C). labels: (N,), int64. Returns: at most k positions, int64.
    """
    loss = F.cross_entropy(logits, labels, reduction="none")
    wrong = (logits.argmax(dim=1) != labels).nonzero()[:, 0]
    order = logits.amax(dim=1)[wrong].argsort(descending=True)
    return wrong[order][:k]


# %% wrong="most_wrong" says="This is a list"
# a list
def most_wrong(logits: torch.Tensor, labels: torch.Tensor, k: int) -> torch.Tensor:
    """The positions of the k wrong answers with the largest cross-entropy, largest first.

    logits: (N, C). labels: (N,), int64. Returns: at most k positions, int64.
    """
    loss = F.cross_entropy(logits, labels, reduction="none")
    wrong = (logits.argmax(dim=1) != labels).nonzero()[:, 0]
    order = loss[wrong].argsort(descending=True)
    return wrong[order][:k].tolist()


# %% wrong="most_wrong"
# probabilities that underflow
def most_wrong(logits: torch.Tensor, labels: torch.Tensor, k: int) -> torch.Tensor:
    """The positions of the k wrong answers with the largest cross-entropy, largest first.

    logits: (N, C). labels: (N,), int64. Returns: at most k positions, int64.
    """
    loss = -logits.softmax(1)[torch.arange(len(labels)), labels].log()
    wrong = (logits.argmax(dim=1) != labels).nonzero()[:, 0]
    order = loss[wrong].argsort(descending=True)
    return wrong[order][:k]


# %% wrong="most_wrong"
# topk that asks for too many
def most_wrong(logits, labels, k):
    loss = F.cross_entropy(logits, labels, reduction="none")
    loss[logits.argmax(1) == labels] = -1
    return loss.topk(k).indices


# %% wrong="most_wrong"
# sorts by the probability of the predicted class
def most_wrong(logits: torch.Tensor, labels: torch.Tensor, k: int) -> torch.Tensor:
    """The positions of the k wrong answers with the largest cross-entropy, largest first.

    logits: (N, C). labels: (N,), int64. Returns: at most k positions, int64.
    """
    loss = F.cross_entropy(logits, labels, reduction="none")
    wrong = (logits.argmax(dim=1) != labels).nonzero()[:, 0]
    order = logits.softmax(1).amax(1)[wrong].argsort(descending=True)
    return wrong[order][:k]


# %% wrong="most_wrong" says="the arguments are left as they were"
# logits in place
def most_wrong(logits: torch.Tensor, labels: torch.Tensor, k: int) -> torch.Tensor:
    """The positions of the k wrong answers with the largest cross-entropy, largest first.

    logits: (N, C). labels: (N,), int64. Returns: at most k positions, int64.
    """
    logits -= logits.amax(dim=1, keepdim=True)
    loss = F.cross_entropy(logits, labels, reduction="none")
    wrong = (logits.argmax(dim=1) != labels).nonzero()[:, 0]
    order = loss[wrong].argsort(descending=True)
    return wrong[order][:k]


# %% wrong="most_wrong" says="how sure the net is of its answer"
# sorted by how sure the net is
def most_wrong(logits, labels, k):
    sure = logits.softmax(dim=1).amax(dim=1)
    wrong = (logits.argmax(dim=1) != labels).nonzero()[:, 0]
    return wrong[sure[wrong].argsort(descending=True)][:k]


# %% wrong="most_wrong" says="The probabilities round to 0"
# probabilities that round to 0
def most_wrong(logits, labels, k):
    p = logits.softmax(1).gather(1, labels[:, None])[:, 0]
    wrong = torch.where(logits.argmax(1) != labels)[0]
    return wrong[p[wrong].argsort()][:k]


# %% wrong="most_wrong"
# almost right is taken for right
def most_wrong(logits, labels, k):
    losses = F.cross_entropy(logits, labels, reduction="none")
    true = logits.gather(1, labels[:, None])[:, 0]
    wrong = (~torch.isclose(true, logits.amax(dim=1))).nonzero()[:, 0]
    return wrong[losses[wrong].argsort(descending=True)[:k]]


# %% wrong="most_wrong"
# float64 is compared in float32
def most_wrong(logits, labels, k):
    logits = logits.float()
    losses = F.cross_entropy(logits, labels, reduction="none")
    wrong = (logits.argmax(dim=1) != labels).nonzero()[:, 0]
    return wrong[losses[wrong].argsort(descending=True)[:k]]


# %% right="train_cnn"
class SmallNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Conv2d(1, 12, 3, padding=1), nn.BatchNorm2d(12)
        self.second = nn.Conv2d(12, 24, 3, padding=1)
        self.out = nn.Linear(24 * 4, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.norm(self.first(x))), 2)
        return self.out(F.max_pool2d(F.relu(self.second(x)), 2).flatten(1))


def train_cnn(images, labels):
    net = SmallNet()
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.01)
    for epoch in range(10):
        net.train()
        for batch in torch.randperm(len(images)).split(25):
            i, j = random.randint(-1, 1), random.randint(-1, 1)
            x = torch.zeros_like(images[batch])
            x[..., max(i, 0) : 8 + min(i, 0), max(j, 0) : 8 + min(j, 0)] = images[batch][
                ..., max(-i, 0) : 8 + min(-i, 0), max(-j, 0) : 8 + min(-j, 0)
            ]
            loss = F.cross_entropy(net(x), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    net.eval()
    return net


# %% right="train_cnn"
def train_cnn(images, labels):
    padded = F.pad(images, (1, 1, 1, 1))
    x = torch.cat([padded[:, :, i : i + 8, j : j + 8] for i in range(3) for j in range(3)])
    y = labels.repeat(9)
    net = nn.Sequential(nn.Conv2d(1, 20, 5, padding=2), nn.MaxPool2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(320, 10))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    for _ in range(2):
        for batch in torch.randperm(len(x)).split(40):
            optimizer.zero_grad()
            F.cross_entropy(net(x[batch]), y[batch]).backward()
            optimizer.step()
    return net.eval()


# %% right="train_cnn"
def train_cnn(images, labels):
    net = nn.Sequential(
        *[nn.Conv2d(1, 24, (3, 3)), nn.LeakyReLU(), nn.Conv2d(24, 24, (3, 2), stride=2), nn.LeakyReLU()],
        *[nn.Flatten(), nn.Dropout(0.1), nn.LazyLinear(10)],
    )
    net(images[:2])
    optimizer = torch.optim.Adam(net.parameters(), lr=0.005)
    for _ in range(16):
        places = torch.randint(0, 3, (2, 20)).tolist()
        padded = F.pad(images, (1, 1, 1, 1))
        for number, batch in enumerate(torch.randperm(len(images)).chunk(20)):
            i, j = places[0][number], places[1][number]
            optimizer.zero_grad()
            F.cross_entropy(net(padded[batch, :, i : i + 8, j : j + 8]), labels[batch]).backward()
            optimizer.step()
    return net.eval()


# %% wrong="train_cnn" says="Show it shifted digits in training"
# no augmentation
def train_cnn(images: torch.Tensor, labels: torch.Tensor) -> nn.Module:
    """A trained CNN for 8×8 digits, in evaluation mode.

    images: (N, 1, 8, 8), values 0 to 1. labels: (N,), int64, 0 to 9.
    """
    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * 2 * 2, 10),
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    padded = F.pad(images, (1, 1, 1, 1))
    x = torch.cat([images for i in range(3) for j in range(3)])  # all nine shifts
    y = labels.repeat(9)
    for batch in torch.randperm(len(x)).split(40):
        optimizer.zero_grad()
        F.cross_entropy(net(x[batch]), y[batch]).backward()
        optimizer.step()
    return net.eval()


# %% wrong="train_cnn" says="is it an MLP"
# no convolution
def train_cnn(images: torch.Tensor, labels: torch.Tensor) -> nn.Module:
    """A trained CNN for 8×8 digits, in evaluation mode.

    images: (N, 1, 8, 8), values 0 to 1. labels: (N,), int64, 0 to 9.
    """
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    padded = F.pad(images, (1, 1, 1, 1))
    x = torch.cat([padded[:, :, i : i + 8, j : j + 8] for i in range(3) for j in range(3)])  # all nine shifts
    y = labels.repeat(9)
    for batch in torch.randperm(5 * len(x)).remainder(len(x)).split(40):
        optimizer.zero_grad()
        F.cross_entropy(net(x[batch]), y[batch]).backward()
        optimizer.step()
    return net.eval()


# %% wrong="train_cnn" says="call net.eval() at the end"
# training mode
def train_cnn(images: torch.Tensor, labels: torch.Tensor) -> nn.Module:
    """A trained CNN for 8×8 digits, in evaluation mode.

    images: (N, 1, 8, 8), values 0 to 1. labels: (N,), int64, 0 to 9.
    """
    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * 2 * 2, 10),
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    padded = F.pad(images, (1, 1, 1, 1))
    x = torch.cat([padded[:, :, i : i + 8, j : j + 8] for i in range(3) for j in range(3)])  # all nine shifts
    y = labels.repeat(9)
    for batch in torch.randperm(len(x)).split(40):
        optimizer.zero_grad()
        F.cross_entropy(net(x[batch]), y[batch]).backward()
        optimizer.step()
    return net


# %% wrong="train_cnn" says="at most 20,000 parameters"
# too wide
def train_cnn(images: torch.Tensor, labels: torch.Tensor) -> nn.Module:
    """A trained CNN for 8×8 digits, in evaluation mode.

    images: (N, 1, 8, 8), values 0 to 1. labels: (N,), int64, 0 to 9.
    """
    net = nn.Sequential(
        nn.Conv2d(1, 64, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(64, 64, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(64 * 2 * 2, 10),
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    padded = F.pad(images, (1, 1, 1, 1))
    x = torch.cat([padded[:, :, i : i + 8, j : j + 8] for i in range(3) for j in range(3)])  # all nine shifts
    y = labels.repeat(9)
    for batch in torch.randperm(len(x)).split(40):
        optimizer.zero_grad()
        F.cross_entropy(net(x[batch]), y[batch]).backward()
        optimizer.step()
    return net.eval()


# %% wrong="train_cnn" says="leave the softmax out"
# probabilities
def train_cnn(images: torch.Tensor, labels: torch.Tensor) -> nn.Module:
    """A trained CNN for 8×8 digits, in evaluation mode.

    images: (N, 1, 8, 8), values 0 to 1. labels: (N,), int64, 0 to 9.
    """
    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * 2 * 2, 10),
        nn.Softmax(dim=1),
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    padded = F.pad(images, (1, 1, 1, 1))
    x = torch.cat([padded[:, :, i : i + 8, j : j + 8] for i in range(3) for j in range(3)])  # all nine shifts
    y = labels.repeat(9)
    for batch in torch.randperm(len(x)).split(40):
        optimizer.zero_grad()
        F.nll_loss(net(x[batch]).log(), y[batch]).backward()
        optimizer.step()
    return net.eval()


# %% wrong="train_cnn" says="some path goes around"
# a linear path beside the convolution
class Beside(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.mlp = nn.Sequential(nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
        self.out = nn.Linear(144, 10)

    def forward(self, x):
        return self.mlp(x) + self.out(F.relu(self.conv(x)).flatten(1))


def train_cnn(images, labels):
    net = Beside()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.005)
    padded = F.pad(images, (1, 1, 1, 1))
    for _ in range(25):
        for batch in torch.randperm(len(images)).split(30):
            i, j = torch.randint(0, 3, (2,)).tolist()
            optimizer.zero_grad()
            F.cross_entropy(net(padded[batch, :, i : i + 8, j : j + 8]), labels[batch]).backward()
            optimizer.step()
    return net.eval()


# %% wrong="train_cnn" says="Its kernels are 1×1"
# a 1×1 convolution in front of an MLP
def train_cnn(images: torch.Tensor, labels: torch.Tensor) -> nn.Module:
    """A trained CNN for 8×8 digits, in evaluation mode.

    images: (N, 1, 8, 8), values 0 to 1. labels: (N,), int64, 0 to 9.
    """
    net = nn.Sequential(nn.Conv2d(1, 1, 1), nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    padded = F.pad(images, (1, 1, 1, 1))
    x = torch.cat([padded[:, :, i : i + 8, j : j + 8] for i in range(3) for j in range(3)])  # all nine shifts
    y = labels.repeat(9)
    for batch in torch.randperm(5 * len(x)).remainder(len(x)).split(40):
        optimizer.zero_grad()
        F.cross_entropy(net(x[batch]), y[batch]).backward()
        optimizer.step()
    return net.eval()


# %% wrong="train_cnn" says="close to guessing"
# no step
def train_cnn(images: torch.Tensor, labels: torch.Tensor) -> nn.Module:
    """A trained CNN for 8×8 digits, in evaluation mode.

    images: (N, 1, 8, 8), values 0 to 1. labels: (N,), int64, 0 to 9.
    """
    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * 2 * 2, 10),
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    padded = F.pad(images, (1, 1, 1, 1))
    x = torch.cat([padded[:, :, i : i + 8, j : j + 8] for i in range(3) for j in range(3)])  # all nine shifts
    y = labels.repeat(9)
    for batch in torch.randperm(len(x)).split(40):
        optimizer.zero_grad()
        F.cross_entropy(net(x[batch]), y[batch]).backward()
    return net.eval()


# %% wrong="train_cnn" says="train_cnn returns a module"
# returns the accuracy
def train_cnn(images: torch.Tensor, labels: torch.Tensor) -> nn.Module:
    """A trained CNN for 8×8 digits, in evaluation mode.

    images: (N, 1, 8, 8), values 0 to 1. labels: (N,), int64, 0 to 9.
    """
    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * 2 * 2, 10),
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    padded = F.pad(images, (1, 1, 1, 1))
    x = torch.cat([padded[:, :, i : i + 8, j : j + 8] for i in range(3) for j in range(3)])  # all nine shifts
    y = labels.repeat(9)
    for batch in torch.randperm(len(x)).split(40):
        optimizer.zero_grad()
        F.cross_entropy(net(x[batch]), y[batch]).backward()
        optimizer.step()
    return (net.eval()(images).argmax(1) == labels).float().mean().item()


# %% wrong="train_cnn" says="images and labels are left as they were"
# normalises in place
def train_cnn(images: torch.Tensor, labels: torch.Tensor) -> nn.Module:
    """A trained CNN for 8×8 digits, in evaluation mode.

    images: (N, 1, 8, 8), values 0 to 1. labels: (N,), int64, 0 to 9.
    """
    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * 2 * 2, 10),
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    images -= images.mean()
    padded = F.pad(images, (1, 1, 1, 1))
    x = torch.cat([padded[:, :, i : i + 8, j : j + 8] for i in range(3) for j in range(3)])  # all nine shifts
    y = labels.repeat(9)
    for batch in torch.randperm(len(x)).split(40):
        optimizer.zero_grad()
        F.cross_entropy(net(x[batch]), y[batch]).backward()
        optimizer.step()
    return net.eval()


# %% wrong="train_cnn"
# gradients are never cleared
def train_cnn(images: torch.Tensor, labels: torch.Tensor) -> nn.Module:
    """A trained CNN for 8×8 digits, in evaluation mode.

    images: (N, 1, 8, 8), values 0 to 1. labels: (N,), int64, 0 to 9.
    """
    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * 2 * 2, 10),
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
    padded = F.pad(images, (1, 1, 1, 1))
    x = torch.cat([padded[:, :, i : i + 8, j : j + 8] for i in range(3) for j in range(3)])  # all nine shifts
    y = labels.repeat(9)
    for batch in torch.randperm(len(x)).split(40):
        F.cross_entropy(net(x[batch]), y[batch]).backward()
        optimizer.step()
    return net.eval()


# %% wrong="train_cnn" says="Leave out squeeze()"
# squeeze: one image has logits of shape (10,)
class SmallNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(1, 16, 3, padding=1), nn.Conv2d(16, 32, 3, padding=1)
        self.c = nn.Conv2d(32, 10, 4)

    def forward(self, x):
        x = F.relu(self.a(x))
        x = F.max_pool2d(F.relu(self.b(x)), 2)
        return self.c(x).squeeze()


def train_cnn(images, labels):
    padded = F.pad(images, (1, 1, 1, 1))
    net = SmallNet()
    opt = torch.optim.Adam(net.parameters(), lr=0.005)
    for step in range(300):
        n = torch.randint(len(labels), (40,))
        i, j = random.randint(0, 2), random.randint(0, 2)
        opt.zero_grad()
        F.cross_entropy(net(padded[n, :, i : i + 8, j : j + 8]), labels[n]).backward()
        opt.step()
    return net.eval()


# %% wrong="train_cnn" says="does `forward` use random numbers"
# dropout in evaluation mode
class NoisyNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(1, 16, 3, padding=1), nn.Conv2d(16, 32, 3, padding=1)
        self.c = nn.Linear(512, 10)

    def forward(self, x):
        x = F.relu(self.a(F.dropout(x, 0.05)))
        x = F.max_pool2d(F.relu(self.b(x)), 2)
        return self.c(x.flatten(1))


def train_cnn(images, labels):
    padded = F.pad(images, (1, 1, 1, 1))
    net = NoisyNet()
    opt = torch.optim.Adam(net.parameters(), lr=0.005)
    for step in range(300):
        n = torch.randint(len(labels), (40,))
        i, j = random.randint(0, 2), random.randint(0, 2)
        opt.zero_grad()
        F.cross_entropy(net(padded[n, :, i : i + 8, j : j + 8]), labels[n]).backward()
        opt.step()
    return net.eval()


# %% wrong="train_cnn" says="numbers computed from the whole batch"
# the batch's own mean and spread
class BatchNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(1, 16, 3, padding=1), nn.Conv2d(16, 32, 3, padding=1)
        self.c = nn.Linear(512, 10)

    def forward(self, x):
        x = (x - x.mean(0)) / (x.std(0) + 1e-3)
        x = F.relu(self.a(x))
        x = F.max_pool2d(F.relu(self.b(x)), 2)
        return self.c(x.flatten(1))


def train_cnn(images, labels):
    padded = F.pad(images, (1, 1, 1, 1))
    net = BatchNet()
    opt = torch.optim.Adam(net.parameters(), lr=0.003)
    for step in range(400):
        n = torch.randint(len(labels), (100,))
        i, j = random.randint(0, 2), random.randint(0, 2)
        opt.zero_grad()
        F.cross_entropy(net(padded[n, :, i : i + 8, j : j + 8]), labels[n]).backward()
        opt.step()
    return net.eval()


# %% wrong="train_cnn" says="Its kernels are 8×8"
# a kernel as large as the image
def train_cnn(images, labels):
    padded = F.pad(images, (1, 1, 1, 1))
    net = nn.Sequential(nn.Conv2d(1, 64, 8), nn.ReLU(), nn.Flatten(), nn.Linear(64, 10))
    opt = torch.optim.Adam(net.parameters(), lr=0.01)
    for step in range(300):
        n = torch.randint(len(labels), (40,))
        i, j = random.randint(0, 2), random.randint(0, 2)
        opt.zero_grad()
        F.cross_entropy(net(padded[n, :, i : i + 8, j : j + 8]), labels[n]).backward()
        opt.step()
    return net.eval()


# %% right="model_card"
def model_card(net, classes, logits, labels):
    guess = logits.max(dim=1).indices
    right = guess == labels
    recall = {}
    for i, name in enumerate(classes):
        mine = labels == i
        recall[name] = float(right[mine].sum()) / int(mine.sum()) if mine.any() else None
    pairs = {}
    for i, j in zip(labels.tolist(), guess.tolist()):
        if i != j:
            pairs[i, j] = pairs.get((i, j), 0) + 1
    confusion = None
    if pairs:
        i, j = max(pairs, key=pairs.get)
        confusion = (classes[i], classes[j], pairs[i, j])
    tensors = list(net.parameters()) + list(net.buffers())
    smallest = min(value for value in recall.values() if value is not None)
    return {
        "parameters": sum(p.numel() for p in net.parameters()),
        "bytes": sum(t.element_size() * t.numel() for t in tensors),
        "accuracy": right.sum().item() / len(labels),
        "recall": recall,
        "weakest": next(name for name in classes if recall[name] == smallest),
        "confusion": confusion,
    }


# %% right="model_card"
def model_card(net, classes, logits, labels):
    from collections import Counter

    counted = Counter(zip(labels.tolist(), logits.argmax(-1).tolist()))
    totals = Counter(labels.tolist())
    recall = {name: counted[i, i] / totals[i] if totals[i] else None for i, name in enumerate(classes)}
    mistakes = Counter({pair: n for pair, n in counted.items() if pair[0] != pair[1]}).most_common(1)
    card = dict.fromkeys(["parameters", "bytes"], 0)
    for p in net.parameters():
        card["parameters"] += math.prod(p.shape)
        card["bytes"] += p.nbytes
    card["bytes"] += sum(b.nbytes for b in net.buffers())
    card["accuracy"] = sum(counted[i, i] for i in totals) / labels.numel()
    card["recall"] = recall
    card["weakest"] = min((value, i, name) for i, (name, value) in enumerate(recall.items()) if value is not None)[2]
    card["confusion"] = None
    for (i, j), n in mistakes:
        card["confusion"] = (classes[i], classes[j], n)
    return card


# %% right="model_card"
def model_card(net, classes, logits, labels):
    k = len(classes)
    table = torch.zeros(k, k, dtype=torch.float64)
    for i, j in zip(labels, logits.argmax(1)):
        table[i, j] += 1
    totals, good = table.sum(1), table.diagonal().clone()
    shares = [float(good[i] / totals[i]) if totals[i] > 0 else None for i in range(k)]
    weakest = min(range(k), key=lambda i: 2.0 if shares[i] is None else shares[i])
    off = table - torch.diag(good)
    i, j = divmod(int(off.flatten().argmax()), k)
    return dict(
        confusion=(classes[i], classes[j], int(off[i, j])) if off.sum() > 0 else None,
        weakest=classes[weakest],
        recall=dict(zip(classes, shares)),
        accuracy=(good.sum() / table.sum()).item(),
        bytes=sum(
            t.untyped_storage().nbytes() for t in {id(t): t for t in net.state_dict(keep_vars=True).values()}.values()
        ),
        parameters=sum(p.flatten().shape[0] for p in net.parameters()),
    )


# %% wrong="model_card" says="Frozen parameters count, too"
# trainable only
def model_card(net: nn.Module, classes: list[str], logits: torch.Tensor, labels: torch.Tensor) -> dict:
    """The facts about a trained classifier.

    classes: K names. logits: (N, K), the answers to N test images. labels: (N,), int64.
    """
    k = len(classes)
    predicted = logits.argmax(dim=1)
    counts = torch.bincount(labels * k + predicted, minlength=k * k).reshape(k, k).tolist()
    recall = {name: row[i] / sum(row) if sum(row) else None for i, (name, row) in enumerate(zip(classes, counts))}
    known = [name for name in classes if recall[name] is not None]
    mistakes = [(counts[i][j], i, j) for i in range(k) for j in range(k) if i != j and counts[i][j]]
    often, i, j = max(mistakes, default=(0, 0, 0))
    return {
        "parameters": sum(p.numel() for p in net.parameters() if p.requires_grad),
        "bytes": sum(t.numel() * t.element_size() for t in [*net.parameters(), *net.buffers()]),
        "accuracy": sum(counts[i][i] for i in range(k)) / len(labels),
        "recall": recall,
        "weakest": min(known, key=recall.get),
        "confusion": (classes[i], classes[j], often) if often else None,
    }


# %% wrong="model_card" says="This is the number of tensors"
# tensors counted
def model_card(net: nn.Module, classes: list[str], logits: torch.Tensor, labels: torch.Tensor) -> dict:
    """The facts about a trained classifier.

    classes: K names. logits: (N, K), the answers to N test images. labels: (N,), int64.
    """
    k = len(classes)
    predicted = logits.argmax(dim=1)
    counts = torch.bincount(labels * k + predicted, minlength=k * k).reshape(k, k).tolist()
    recall = {name: row[i] / sum(row) if sum(row) else None for i, (name, row) in enumerate(zip(classes, counts))}
    known = [name for name in classes if recall[name] is not None]
    mistakes = [(counts[i][j], i, j) for i in range(k) for j in range(k) if i != j and counts[i][j]]
    often, i, j = max(mistakes, default=(0, 0, 0))
    return {
        "parameters": len(list(net.parameters())),
        "bytes": sum(t.numel() * t.element_size() for t in [*net.parameters(), *net.buffers()]),
        "accuracy": sum(counts[i][i] for i in range(k)) / len(labels),
        "recall": recall,
        "weakest": min(known, key=recall.get),
        "confusion": (classes[i], classes[j], often) if often else None,
    }


# %% wrong="model_card" says="The buffers are missing"
# parameters only
def model_card(net: nn.Module, classes: list[str], logits: torch.Tensor, labels: torch.Tensor) -> dict:
    """The facts about a trained classifier.

    classes: K names. logits: (N, K), the answers to N test images. labels: (N,), int64.
    """
    k = len(classes)
    predicted = logits.argmax(dim=1)
    counts = torch.bincount(labels * k + predicted, minlength=k * k).reshape(k, k).tolist()
    recall = {name: row[i] / sum(row) if sum(row) else None for i, (name, row) in enumerate(zip(classes, counts))}
    known = [name for name in classes if recall[name] is not None]
    mistakes = [(counts[i][j], i, j) for i in range(k) for j in range(k) if i != j and counts[i][j]]
    often, i, j = max(mistakes, default=(0, 0, 0))
    return {
        "parameters": sum(p.numel() for p in net.parameters()),
        "bytes": sum(t.numel() * t.element_size() for t in net.parameters()),
        "accuracy": sum(counts[i][i] for i in range(k)) / len(labels),
        "recall": recall,
        "weakest": min(known, key=recall.get),
        "confusion": (classes[i], classes[j], often) if often else None,
    }


# %% wrong="model_card" says="Not every element takes four bytes"
# 4 bytes each
def model_card(net: nn.Module, classes: list[str], logits: torch.Tensor, labels: torch.Tensor) -> dict:
    """The facts about a trained classifier.

    classes: K names. logits: (N, K), the answers to N test images. labels: (N,), int64.
    """
    k = len(classes)
    predicted = logits.argmax(dim=1)
    counts = torch.bincount(labels * k + predicted, minlength=k * k).reshape(k, k).tolist()
    recall = {name: row[i] / sum(row) if sum(row) else None for i, (name, row) in enumerate(zip(classes, counts))}
    known = [name for name in classes if recall[name] is not None]
    mistakes = [(counts[i][j], i, j) for i in range(k) for j in range(k) if i != j and counts[i][j]]
    often, i, j = max(mistakes, default=(0, 0, 0))
    return {
        "parameters": sum(p.numel() for p in net.parameters()),
        "bytes": sum(4 * t.numel() for t in [*net.parameters(), *net.buffers()]),
        "accuracy": sum(counts[i][i] for i in range(k)) / len(labels),
        "recall": recall,
        "weakest": min(known, key=recall.get),
        "confusion": (classes[i], classes[j], often) if often else None,
    }


# %% wrong="model_card" says="A shared tensor is counted twice"
# by the state_dict
def model_card(net: nn.Module, classes: list[str], logits: torch.Tensor, labels: torch.Tensor) -> dict:
    """The facts about a trained classifier.

    classes: K names. logits: (N, K), the answers to N test images. labels: (N,), int64.
    """
    k = len(classes)
    predicted = logits.argmax(dim=1)
    counts = torch.bincount(labels * k + predicted, minlength=k * k).reshape(k, k).tolist()
    recall = {name: row[i] / sum(row) if sum(row) else None for i, (name, row) in enumerate(zip(classes, counts))}
    known = [name for name in classes if recall[name] is not None]
    mistakes = [(counts[i][j], i, j) for i in range(k) for j in range(k) if i != j and counts[i][j]]
    often, i, j = max(mistakes, default=(0, 0, 0))
    return {
        "parameters": sum(p.numel() for p in net.parameters()),
        "bytes": sum(t.numel() * t.element_size() for t in net.state_dict().values()),
        "accuracy": sum(counts[i][i] for i in range(k)) / len(labels),
        "recall": recall,
        "weakest": min(known, key=recall.get),
        "confusion": (classes[i], classes[j], often) if often else None,
    }


# %% wrong="model_card" says="This is a tensor: .item()"
# tensor
def model_card(net: nn.Module, classes: list[str], logits: torch.Tensor, labels: torch.Tensor) -> dict:
    """The facts about a trained classifier.

    classes: K names. logits: (N, K), the answers to N test images. labels: (N,), int64.
    """
    k = len(classes)
    predicted = logits.argmax(dim=1)
    counts = torch.bincount(labels * k + predicted, minlength=k * k).reshape(k, k).tolist()
    recall = {name: row[i] / sum(row) if sum(row) else None for i, (name, row) in enumerate(zip(classes, counts))}
    known = [name for name in classes if recall[name] is not None]
    mistakes = [(counts[i][j], i, j) for i in range(k) for j in range(k) if i != j and counts[i][j]]
    often, i, j = max(mistakes, default=(0, 0, 0))
    return {
        "parameters": sum(p.numel() for p in net.parameters()),
        "bytes": sum(t.numel() * t.element_size() for t in [*net.parameters(), *net.buffers()]),
        "accuracy": (predicted == labels).float().mean(),
        "recall": recall,
        "weakest": min(known, key=recall.get),
        "confusion": (classes[i], classes[j], often) if often else None,
    }


# %% wrong="model_card" says="This is a percentage"
# percent
def model_card(net: nn.Module, classes: list[str], logits: torch.Tensor, labels: torch.Tensor) -> dict:
    """The facts about a trained classifier.

    classes: K names. logits: (N, K), the answers to N test images. labels: (N,), int64.
    """
    k = len(classes)
    predicted = logits.argmax(dim=1)
    counts = torch.bincount(labels * k + predicted, minlength=k * k).reshape(k, k).tolist()
    recall = {name: row[i] / sum(row) if sum(row) else None for i, (name, row) in enumerate(zip(classes, counts))}
    known = [name for name in classes if recall[name] is not None]
    mistakes = [(counts[i][j], i, j) for i in range(k) for j in range(k) if i != j and counts[i][j]]
    often, i, j = max(mistakes, default=(0, 0, 0))
    return {
        "parameters": sum(p.numel() for p in net.parameters()),
        "bytes": sum(t.numel() * t.element_size() for t in [*net.parameters(), *net.buffers()]),
        "accuracy": 100 * sum(counts[i][i] for i in range(k)) / len(labels),
        "recall": recall,
        "weakest": min(known, key=recall.get),
        "confusion": (classes[i], classes[j], often) if often else None,
    }


# %% wrong="model_card" says="This is the share of wrong answers"
# error rate
def model_card(net: nn.Module, classes: list[str], logits: torch.Tensor, labels: torch.Tensor) -> dict:
    """The facts about a trained classifier.

    classes: K names. logits: (N, K), the answers to N test images. labels: (N,), int64.
    """
    k = len(classes)
    predicted = logits.argmax(dim=1)
    counts = torch.bincount(labels * k + predicted, minlength=k * k).reshape(k, k).tolist()
    recall = {name: row[i] / sum(row) if sum(row) else None for i, (name, row) in enumerate(zip(classes, counts))}
    known = [name for name in classes if recall[name] is not None]
    mistakes = [(counts[i][j], i, j) for i in range(k) for j in range(k) if i != j and counts[i][j]]
    often, i, j = max(mistakes, default=(0, 0, 0))
    return {
        "parameters": sum(p.numel() for p in net.parameters()),
        "bytes": sum(t.numel() * t.element_size() for t in [*net.parameters(), *net.buffers()]),
        "accuracy": sum(predicted != labels).item() / len(labels),
        "recall": recall,
        "weakest": min(known, key=recall.get),
        "confusion": (classes[i], classes[j], often) if often else None,
    }


# %% wrong="model_card" says="This is the number of right answers"
# not divided
def model_card(net: nn.Module, classes: list[str], logits: torch.Tensor, labels: torch.Tensor) -> dict:
    """The facts about a trained classifier.

    classes: K names. logits: (N, K), the answers to N test images. labels: (N,), int64.
    """
    k = len(classes)
    predicted = logits.argmax(dim=1)
    counts = torch.bincount(labels * k + predicted, minlength=k * k).reshape(k, k).tolist()
    recall = {name: row[i] / sum(row) if sum(row) else None for i, (name, row) in enumerate(zip(classes, counts))}
    known = [name for name in classes if recall[name] is not None]
    mistakes = [(counts[i][j], i, j) for i in range(k) for j in range(k) if i != j and counts[i][j]]
    often, i, j = max(mistakes, default=(0, 0, 0))
    return {
        "parameters": sum(p.numel() for p in net.parameters()),
        "bytes": sum(t.numel() * t.element_size() for t in [*net.parameters(), *net.buffers()]),
        "accuracy": sum(counts[i][i] for i in range(k)),
        "recall": recall,
        "weakest": min(known, key=recall.get),
        "confusion": (classes[i], classes[j], often) if often else None,
    }


# %% wrong="model_card" says="(precision)"
# columns
def model_card(net: nn.Module, classes: list[str], logits: torch.Tensor, labels: torch.Tensor) -> dict:
    """The facts about a trained classifier.

    classes: K names. logits: (N, K), the answers to N test images. labels: (N,), int64.
    """
    k = len(classes)
    predicted = logits.argmax(dim=1)
    counts = torch.bincount(predicted * k + labels, minlength=k * k).reshape(k, k).tolist()
    recall = {name: row[i] / sum(row) if sum(row) else None for i, (name, row) in enumerate(zip(classes, counts))}
    known = [name for name in classes if recall[name] is not None]
    mistakes = [(counts[i][j], i, j) for i in range(k) for j in range(k) if i != j and counts[i][j]]
    often, i, j = max(mistakes, default=(0, 0, 0))
    return {
        "parameters": sum(p.numel() for p in net.parameters()),
        "bytes": sum(t.numel() * t.element_size() for t in [*net.parameters(), *net.buffers()]),
        "accuracy": sum(counts[i][i] for i in range(k)) / len(labels),
        "recall": recall,
        "weakest": min(known, key=recall.get),
        "confusion": (classes[i], classes[j], often) if often else None,
    }


# %% wrong="model_card" says="has the recall None, not 0"
# zero
def model_card(net: nn.Module, classes: list[str], logits: torch.Tensor, labels: torch.Tensor) -> dict:
    """The facts about a trained classifier.

    classes: K names. logits: (N, K), the answers to N test images. labels: (N,), int64.
    """
    k = len(classes)
    predicted = logits.argmax(dim=1)
    counts = torch.bincount(labels * k + predicted, minlength=k * k).reshape(k, k).tolist()
    recall = {name: row[i] / max(1, sum(row)) for i, (name, row) in enumerate(zip(classes, counts))}
    known = [name for name in classes if recall[name] is not None]
    mistakes = [(counts[i][j], i, j) for i in range(k) for j in range(k) if i != j and counts[i][j]]
    often, i, j = max(mistakes, default=(0, 0, 0))
    return {
        "parameters": sum(p.numel() for p in net.parameters()),
        "bytes": sum(t.numel() * t.element_size() for t in [*net.parameters(), *net.buffers()]),
        "accuracy": sum(counts[i][i] for i in range(k)) / len(labels),
        "recall": recall,
        "weakest": min(known, key=recall.get),
        "confusion": (classes[i], classes[j], often) if often else None,
    }


# %% wrong="model_card" says="has the recall None, not nan"
# nan
def model_card(net: nn.Module, classes: list[str], logits: torch.Tensor, labels: torch.Tensor) -> dict:
    """The facts about a trained classifier.

    classes: K names. logits: (N, K), the answers to N test images. labels: (N,), int64.
    """
    k = len(classes)
    predicted = logits.argmax(dim=1)
    counts = torch.bincount(labels * k + predicted, minlength=k * k).reshape(k, k).tolist()
    recall = {
        name: row[i] / sum(row) if sum(row) else float("nan") for i, (name, row) in enumerate(zip(classes, counts))
    }
    known = [name for name in classes if recall[name] is not None]
    mistakes = [(counts[i][j], i, j) for i in range(k) for j in range(k) if i != j and counts[i][j]]
    often, i, j = max(mistakes, default=(0, 0, 0))
    return {
        "parameters": sum(p.numel() for p in net.parameters()),
        "bytes": sum(t.numel() * t.element_size() for t in [*net.parameters(), *net.buffers()]),
        "accuracy": sum(counts[i][i] for i in range(k)) / len(labels),
        "recall": recall,
        "weakest": min(known, key=recall.get),
        "confusion": (classes[i], classes[j], often) if often else None,
    }


# %% wrong="model_card" says="These are numbers of images"
# counts
def model_card(net: nn.Module, classes: list[str], logits: torch.Tensor, labels: torch.Tensor) -> dict:
    """The facts about a trained classifier.

    classes: K names. logits: (N, K), the answers to N test images. labels: (N,), int64.
    """
    k = len(classes)
    predicted = logits.argmax(dim=1)
    counts = torch.bincount(labels * k + predicted, minlength=k * k).reshape(k, k).tolist()
    recall = {name: row[i] for i, (name, row) in enumerate(zip(classes, counts))}
    known = [name for name in classes if recall[name] is not None]
    mistakes = [(counts[i][j], i, j) for i in range(k) for j in range(k) if i != j and counts[i][j]]
    often, i, j = max(mistakes, default=(0, 0, 0))
    return {
        "parameters": sum(p.numel() for p in net.parameters()),
        "bytes": sum(t.numel() * t.element_size() for t in [*net.parameters(), *net.buffers()]),
        "accuracy": sum(counts[i][i] for i in range(k)) / len(labels),
        "recall": recall,
        "weakest": min(known, key=recall.get),
        "confusion": (classes[i], classes[j], often) if often else None,
    }


# %% wrong="model_card" says="The keys are numbers"
# numbers
def model_card(net: nn.Module, classes: list[str], logits: torch.Tensor, labels: torch.Tensor) -> dict:
    """The facts about a trained classifier.

    classes: K names. logits: (N, K), the answers to N test images. labels: (N,), int64.
    """
    k = len(classes)
    predicted = logits.argmax(dim=1)
    counts = torch.bincount(labels * k + predicted, minlength=k * k).reshape(k, k).tolist()
    recall = {name: row[i] / sum(row) if sum(row) else None for i, (name, row) in enumerate(zip(classes, counts))}
    known = [name for name in classes if recall[name] is not None]
    mistakes = [(counts[i][j], i, j) for i in range(k) for j in range(k) if i != j and counts[i][j]]
    often, i, j = max(mistakes, default=(0, 0, 0))
    return {
        "parameters": sum(p.numel() for p in net.parameters()),
        "bytes": sum(t.numel() * t.element_size() for t in [*net.parameters(), *net.buffers()]),
        "accuracy": sum(counts[i][i] for i in range(k)) / len(labels),
        "recall": dict(enumerate(recall.values())),
        "weakest": min(known, key=recall.get),
        "confusion": (classes[i], classes[j], often) if often else None,
    }


# %% wrong="model_card" says="Classes without images are missing"
# left out
def model_card(net: nn.Module, classes: list[str], logits: torch.Tensor, labels: torch.Tensor) -> dict:
    """The facts about a trained classifier.

    classes: K names. logits: (N, K), the answers to N test images. labels: (N,), int64.
    """
    k = len(classes)
    predicted = logits.argmax(dim=1)
    counts = torch.bincount(labels * k + predicted, minlength=k * k).reshape(k, k).tolist()
    recall = {name: row[i] / sum(row) if sum(row) else None for i, (name, row) in enumerate(zip(classes, counts))}
    known = [name for name in classes if recall[name] is not None]
    mistakes = [(counts[i][j], i, j) for i in range(k) for j in range(k) if i != j and counts[i][j]]
    often, i, j = max(mistakes, default=(0, 0, 0))
    return {
        "parameters": sum(p.numel() for p in net.parameters()),
        "bytes": sum(t.numel() * t.element_size() for t in [*net.parameters(), *net.buffers()]),
        "accuracy": sum(counts[i][i] for i in range(k)) / len(labels),
        "recall": {name: recall[name] for name in known},
        "weakest": min(known, key=recall.get),
        "confusion": (classes[i], classes[j], often) if often else None,
    }


# %% wrong="model_card" says="This is the class with the largest recall"
# max
def model_card(net: nn.Module, classes: list[str], logits: torch.Tensor, labels: torch.Tensor) -> dict:
    """The facts about a trained classifier.

    classes: K names. logits: (N, K), the answers to N test images. labels: (N,), int64.
    """
    k = len(classes)
    predicted = logits.argmax(dim=1)
    counts = torch.bincount(labels * k + predicted, minlength=k * k).reshape(k, k).tolist()
    recall = {name: row[i] / sum(row) if sum(row) else None for i, (name, row) in enumerate(zip(classes, counts))}
    known = [name for name in classes if recall[name] is not None]
    mistakes = [(counts[i][j], i, j) for i in range(k) for j in range(k) if i != j and counts[i][j]]
    often, i, j = max(mistakes, default=(0, 0, 0))
    return {
        "parameters": sum(p.numel() for p in net.parameters()),
        "bytes": sum(t.numel() * t.element_size() for t in [*net.parameters(), *net.buffers()]),
        "accuracy": sum(counts[i][i] for i in range(k)) / len(labels),
        "recall": recall,
        "weakest": max(known, key=recall.get),
        "confusion": (classes[i], classes[j], often) if often else None,
    }


# %% wrong="model_card" says="This is the last of several"
# last
def model_card(net: nn.Module, classes: list[str], logits: torch.Tensor, labels: torch.Tensor) -> dict:
    """The facts about a trained classifier.

    classes: K names. logits: (N, K), the answers to N test images. labels: (N,), int64.
    """
    k = len(classes)
    predicted = logits.argmax(dim=1)
    counts = torch.bincount(labels * k + predicted, minlength=k * k).reshape(k, k).tolist()
    recall = {name: row[i] / sum(row) if sum(row) else None for i, (name, row) in enumerate(zip(classes, counts))}
    known = [name for name in classes if recall[name] is not None]
    mistakes = [(counts[i][j], i, j) for i in range(k) for j in range(k) if i != j and counts[i][j]]
    often, i, j = max(mistakes, default=(0, 0, 0))
    return {
        "parameters": sum(p.numel() for p in net.parameters()),
        "bytes": sum(t.numel() * t.element_size() for t in [*net.parameters(), *net.buffers()]),
        "accuracy": sum(counts[i][i] for i in range(k)) / len(labels),
        "recall": recall,
        "weakest": min(known[::-1], key=recall.get),
        "confusion": (classes[i], classes[j], often) if often else None,
    }


# %% wrong="model_card" says="This class has the most mistakes"
# most mistakes
def model_card(net: nn.Module, classes: list[str], logits: torch.Tensor, labels: torch.Tensor) -> dict:
    """The facts about a trained classifier.

    classes: K names. logits: (N, K), the answers to N test images. labels: (N,), int64.
    """
    k = len(classes)
    predicted = logits.argmax(dim=1)
    counts = torch.bincount(labels * k + predicted, minlength=k * k).reshape(k, k).tolist()
    recall = {name: row[i] / sum(row) if sum(row) else None for i, (name, row) in enumerate(zip(classes, counts))}
    known = [name for name in classes if recall[name] is not None]
    mistakes = [(counts[i][j], i, j) for i in range(k) for j in range(k) if i != j and counts[i][j]]
    often, i, j = max(mistakes, default=(0, 0, 0))
    return {
        "parameters": sum(p.numel() for p in net.parameters()),
        "bytes": sum(t.numel() * t.element_size() for t in [*net.parameters(), *net.buffers()]),
        "accuracy": sum(counts[i][i] for i in range(k)) / len(labels),
        "recall": recall,
        "weakest": max(
            classes,
            key=lambda name: sum(counts[classes.index(name)]) - counts[classes.index(name)][classes.index(name)],
        ),
        "confusion": (classes[i], classes[j], often) if often else None,
    }


# %% wrong="model_card" says="True and predicted class are swapped"
# swapped
def model_card(net: nn.Module, classes: list[str], logits: torch.Tensor, labels: torch.Tensor) -> dict:
    """The facts about a trained classifier.

    classes: K names. logits: (N, K), the answers to N test images. labels: (N,), int64.
    """
    k = len(classes)
    predicted = logits.argmax(dim=1)
    counts = torch.bincount(labels * k + predicted, minlength=k * k).reshape(k, k).tolist()
    recall = {name: row[i] / sum(row) if sum(row) else None for i, (name, row) in enumerate(zip(classes, counts))}
    known = [name for name in classes if recall[name] is not None]
    mistakes = [(counts[i][j], i, j) for i in range(k) for j in range(k) if i != j and counts[i][j]]
    often, i, j = max(mistakes, default=(0, 0, 0))
    return {
        "parameters": sum(p.numel() for p in net.parameters()),
        "bytes": sum(t.numel() * t.element_size() for t in [*net.parameters(), *net.buffers()]),
        "accuracy": sum(counts[i][i] for i in range(k)) / len(labels),
        "recall": recall,
        "weakest": min(known, key=recall.get),
        "confusion": (classes[j], classes[i], often) if often else None,
    }


# %% wrong="model_card" says="The classes are numbers"
# numbers in the mistake
def model_card(net: nn.Module, classes: list[str], logits: torch.Tensor, labels: torch.Tensor) -> dict:
    """The facts about a trained classifier.

    classes: K names. logits: (N, K), the answers to N test images. labels: (N,), int64.
    """
    k = len(classes)
    predicted = logits.argmax(dim=1)
    counts = torch.bincount(labels * k + predicted, minlength=k * k).reshape(k, k).tolist()
    recall = {name: row[i] / sum(row) if sum(row) else None for i, (name, row) in enumerate(zip(classes, counts))}
    known = [name for name in classes if recall[name] is not None]
    mistakes = [(counts[i][j], i, j) for i in range(k) for j in range(k) if i != j and counts[i][j]]
    often, i, j = max(mistakes, default=(0, 0, 0))
    return {
        "parameters": sum(p.numel() for p in net.parameters()),
        "bytes": sum(t.numel() * t.element_size() for t in [*net.parameters(), *net.buffers()]),
        "accuracy": sum(counts[i][i] for i in range(k)) / len(labels),
        "recall": recall,
        "weakest": min(known, key=recall.get),
        "confusion": (i, j, often) if often else None,
    }


# %% wrong="model_card" says="This is a list: a tuple"
# list
def model_card(net: nn.Module, classes: list[str], logits: torch.Tensor, labels: torch.Tensor) -> dict:
    """The facts about a trained classifier.

    classes: K names. logits: (N, K), the answers to N test images. labels: (N,), int64.
    """
    k = len(classes)
    predicted = logits.argmax(dim=1)
    counts = torch.bincount(labels * k + predicted, minlength=k * k).reshape(k, k).tolist()
    recall = {name: row[i] / sum(row) if sum(row) else None for i, (name, row) in enumerate(zip(classes, counts))}
    known = [name for name in classes if recall[name] is not None]
    mistakes = [(counts[i][j], i, j) for i in range(k) for j in range(k) if i != j and counts[i][j]]
    often, i, j = max(mistakes, default=(0, 0, 0))
    return {
        "parameters": sum(p.numel() for p in net.parameters()),
        "bytes": sum(t.numel() * t.element_size() for t in [*net.parameters(), *net.buffers()]),
        "accuracy": sum(counts[i][i] for i in range(k)) / len(labels),
        "recall": recall,
        "weakest": min(known, key=recall.get),
        "confusion": [classes[i], classes[j], often] if often else None,
    }


# %% wrong="model_card" says="The number is missing"
# pair
def model_card(net: nn.Module, classes: list[str], logits: torch.Tensor, labels: torch.Tensor) -> dict:
    """The facts about a trained classifier.

    classes: K names. logits: (N, K), the answers to N test images. labels: (N,), int64.
    """
    k = len(classes)
    predicted = logits.argmax(dim=1)
    counts = torch.bincount(labels * k + predicted, minlength=k * k).reshape(k, k).tolist()
    recall = {name: row[i] / sum(row) if sum(row) else None for i, (name, row) in enumerate(zip(classes, counts))}
    known = [name for name in classes if recall[name] is not None]
    mistakes = [(counts[i][j], i, j) for i in range(k) for j in range(k) if i != j and counts[i][j]]
    often, i, j = max(mistakes, default=(0, 0, 0))
    return {
        "parameters": sum(p.numel() for p in net.parameters()),
        "bytes": sum(t.numel() * t.element_size() for t in [*net.parameters(), *net.buffers()]),
        "accuracy": sum(counts[i][i] for i in range(k)) / len(labels),
        "recall": recall,
        "weakest": min(known, key=recall.get),
        "confusion": (classes[i], classes[j]) if often else None,
    }


# %% wrong="model_card" says="confusion"
# no mistake is a crash or a pair
def model_card(net: nn.Module, classes: list[str], logits: torch.Tensor, labels: torch.Tensor) -> dict:
    """The facts about a trained classifier.

    classes: K names. logits: (N, K), the answers to N test images. labels: (N,), int64.
    """
    k = len(classes)
    predicted = logits.argmax(dim=1)
    counts = torch.bincount(labels * k + predicted, minlength=k * k).reshape(k, k).tolist()
    recall = {name: row[i] / sum(row) if sum(row) else None for i, (name, row) in enumerate(zip(classes, counts))}
    known = [name for name in classes if recall[name] is not None]
    mistakes = [(counts[i][j], i, j) for i in range(k) for j in range(k) if i != j and counts[i][j]]
    often, i, j = max(mistakes, default=(0, 0, 0))
    return {
        "parameters": sum(p.numel() for p in net.parameters()),
        "bytes": sum(t.numel() * t.element_size() for t in [*net.parameters(), *net.buffers()]),
        "accuracy": sum(counts[i][i] for i in range(k)) / len(labels),
        "recall": recall,
        "weakest": min(known, key=recall.get),
        "confusion": (classes[i], classes[j], often),
    }


# %% wrong="model_card" says="net stays in its mode"
# eval()
def model_card(net: nn.Module, classes: list[str], logits: torch.Tensor, labels: torch.Tensor) -> dict:
    """The facts about a trained classifier.

    classes: K names. logits: (N, K), the answers to N test images. labels: (N,), int64.
    """
    net.eval()
    k = len(classes)
    predicted = logits.argmax(dim=1)
    counts = torch.bincount(labels * k + predicted, minlength=k * k).reshape(k, k).tolist()
    recall = {name: row[i] / sum(row) if sum(row) else None for i, (name, row) in enumerate(zip(classes, counts))}
    known = [name for name in classes if recall[name] is not None]
    mistakes = [(counts[i][j], i, j) for i in range(k) for j in range(k) if i != j and counts[i][j]]
    often, i, j = max(mistakes, default=(0, 0, 0))
    return {
        "parameters": sum(p.numel() for p in net.parameters()),
        "bytes": sum(t.numel() * t.element_size() for t in [*net.parameters(), *net.buffers()]),
        "accuracy": sum(counts[i][i] for i in range(k)) / len(labels),
        "recall": recall,
        "weakest": min(known, key=recall.get),
        "confusion": (classes[i], classes[j], often) if often else None,
    }


# %% wrong="model_card" says="the keys"
# a key is missing
def model_card(net: nn.Module, classes: list[str], logits: torch.Tensor, labels: torch.Tensor) -> dict:
    """The facts about a trained classifier.

    classes: K names. logits: (N, K), the answers to N test images. labels: (N,), int64.
    """
    k = len(classes)
    predicted = logits.argmax(dim=1)
    counts = torch.bincount(labels * k + predicted, minlength=k * k).reshape(k, k).tolist()
    recall = {name: row[i] / sum(row) if sum(row) else None for i, (name, row) in enumerate(zip(classes, counts))}
    known = [name for name in classes if recall[name] is not None]
    mistakes = [(counts[i][j], i, j) for i in range(k) for j in range(k) if i != j and counts[i][j]]
    often, i, j = max(mistakes, default=(0, 0, 0))
    return {
        "parameters": sum(p.numel() for p in net.parameters()),
        "bytes": sum(t.numel() * t.element_size() for t in [*net.parameters(), *net.buffers()]),
        "accuracy": sum(counts[i][i] for i in range(k)) / len(labels),
        "recall": recall,
        "confusion": (classes[i], classes[j], often) if often else None,
    }


# %% wrong="model_card" says="has no images here"
# an absent class counts as perfect
def model_card(net, classes, logits, labels):
    k = len(classes)
    m = torch.bincount(k * labels + logits.argmax(1), minlength=k * k).reshape(k, k)
    recall = {c: m[i, i].item() / m[i].sum().item() if m[i].sum() else None for i, c in enumerate(classes)}
    off = m.clone().fill_diagonal_(0)
    i, j = divmod(off.argmax().item(), k)
    return {
        "parameters": sum(p.numel() for p in net.parameters()),
        "bytes": sum(t.numel() * t.element_size() for t in [*net.parameters(), *net.buffers()]),
        "accuracy": m.trace().item() / len(labels),
        "recall": recall,
        "weakest": min(classes, key=lambda c: 1.0 if recall[c] is None else recall[c]),
        "confusion": (classes[i], classes[j], off[i, j].item()) if off.any() else None,
    }


# %% wrong="model_card" says="do not add them up"
# both directions together
def model_card(net, classes, logits, labels):
    k = len(classes)
    m = torch.bincount(k * labels + logits.argmax(1), minlength=k * k).reshape(k, k)
    recall = {c: m[i, i].item() / m[i].sum().item() if m[i].sum() else None for i, c in enumerate(classes)}
    off = m.clone().fill_diagonal_(0)
    i, j = divmod((off + off.T).argmax().item(), k)
    if off[j, i] > off[i, j]:
        i, j = j, i
    return {
        "parameters": sum(p.numel() for p in net.parameters()),
        "bytes": sum(t.numel() * t.element_size() for t in [*net.parameters(), *net.buffers()]),
        "accuracy": m.trace().item() / len(labels),
        "recall": recall,
        "weakest": min((c for c in classes if recall[c] is not None), key=recall.get),
        "confusion": (classes[i], classes[j], off[i, j].item()) if off.any() else None,
    }


# %% wrong="model_card" says="bytes"
# eight bytes or four
def model_card(net, classes, logits, labels):
    k = len(classes)
    m = torch.bincount(k * labels + logits.argmax(1), minlength=k * k).reshape(k, k)
    recall = {c: m[i, i].item() / m[i].sum().item() if m[i].sum() else None for i, c in enumerate(classes)}
    off = m.clone().fill_diagonal_(0)
    i, j = divmod(off.argmax().item(), k)
    return {
        "parameters": sum(p.numel() for p in net.parameters()),
        "bytes": sum(
            t.numel() * (8 if t.dtype in (torch.float64, torch.int64) else 4)
            for t in [*net.parameters(), *net.buffers()]
        ),
        "accuracy": m.trace().item() / len(labels),
        "recall": recall,
        "weakest": min((c for c in classes if recall[c] is not None), key=recall.get),
        "confusion": (classes[i], classes[j], off[i, j].item()) if off.any() else None,
    }


# %% wrong="model_card" says="Without a mistake"
# a pair although there is no mistake
def model_card(net, classes, logits, labels):
    k = len(classes)
    m = torch.bincount(k * labels + logits.argmax(1), minlength=k * k).reshape(k, k)
    recall = {c: m[i, i].item() / m[i].sum().item() if m[i].sum() else None for i, c in enumerate(classes)}
    off = m.clone().fill_diagonal_(0)
    i, j = divmod(off.argmax().item(), k)
    return {
        "parameters": sum(p.numel() for p in net.parameters()),
        "bytes": sum(t.numel() * t.element_size() for t in [*net.parameters(), *net.buffers()]),
        "accuracy": m.trace().item() / len(labels),
        "recall": recall,
        "weakest": min((c for c in classes if recall[c] is not None), key=recall.get),
        "confusion": (classes[i], classes[j], off[i, j].item()),
    }


# %% wrong="model_card" says="leave out the diagonal"
# the diagonal is not left out
def model_card(net, classes, logits, labels):
    k = len(classes)
    m = torch.bincount(k * labels + logits.argmax(1), minlength=k * k).reshape(k, k)
    recall = {c: m[i, i].item() / m[i].sum().item() if m[i].sum() else None for i, c in enumerate(classes)}
    i, j = divmod(m.argmax().item(), k)
    return {
        "parameters": sum(p.numel() for p in net.parameters()),
        "bytes": sum(t.numel() * t.element_size() for t in [*net.parameters(), *net.buffers()]),
        "accuracy": m.trace().item() / len(labels),
        "recall": recall,
        "weakest": min((c for c in classes if recall[c] is not None), key=recall.get),
        "confusion": (classes[i], classes[j], m[i, j].item()),
    }
