# %% [markdown]
# Other answers to the exercises of `10_modules`: right ones that the checks must accept, wrong ones that they must
# reject with a message that leads to the mistake.


# %% right="trace_shapes"
def trace_shapes(net, x):
    return [tuple(net[:i](x).shape) for i in range(len(net) + 1)]


# %% right="trace_shapes"
def trace_shapes(net, x):
    shapes = [x.shape]
    for i in range(len(net)):
        x = net[i](x)
        shapes += [x.shape]
    return shapes


# %% right="trace_shapes"
def trace_shapes(net, x):
    if len(net) == 0:
        return [tuple(x.shape)]
    return [tuple(x.shape), *trace_shapes(net[1:], net[0](x))]


# %% right="trace_shapes"
def trace_shapes(net, x):
    from itertools import accumulate

    return [tuple(out.shape) for out in accumulate(net, lambda out, module: module(out), initial=x)]


# Each module gets the first input
# %% wrong="trace_shapes" says="Every module got the first x"
def trace_shapes(net, x):
    return [tuple(x.shape)] + [tuple(module(x).shape) for module in net]


# The input's own shape is forgotten
# %% wrong="trace_shapes" says="The shape of x itself is missing"
def trace_shapes(net, x):
    shapes = []
    for module in net:
        x = module(x)
        shapes.append(tuple(x.shape))
    return shapes


# Noted down before the module
# %% wrong="trace_shapes" says="The last shape is missing"
def trace_shapes(net, x):
    shapes = []
    for module in net:
        shapes.append(tuple(x.shape))
        x = module(x)
    return shapes


# Without the samples
# %% wrong="trace_shapes" says="The sample dimension is part of the shape"
def trace_shapes(net, x):
    shapes = [tuple(x.shape[1:])]
    for module in net:
        x = module(x)
        shapes.append(tuple(x.shape[1:]))
    return shapes


# The return is indented too far
# %% wrong="trace_shapes" says="You return inside the loop"
def trace_shapes(net, x):
    shapes = [tuple(x.shape)]
    for module in net:
        x = module(x)
        shapes.append(tuple(x.shape))
        return shapes


# Overwrites instead of collecting
# %% wrong="trace_shapes" says="This is only the last shape"
def trace_shapes(net, x):
    shapes = tuple(x.shape)
    for module in net:
        x = module(x)
        shapes = tuple(x.shape)
    return shapes


# children() visits a shared module once
# %% wrong="trace_shapes" says="The second ReLU is missing"
def trace_shapes(net, x):
    shapes = [tuple(x.shape)]
    for module in net.children():
        x = module(x)
        shapes.append(tuple(x.shape))
    return shapes


# Lists of lists
# %% wrong="trace_shapes" says="Each shape is a list here"
def trace_shapes(net, x):
    shapes = [list(x.shape)]
    for module in net:
        x = module(x)
        shapes.append(list(x.shape))
    return shapes


# Goes into nested nets
# %% wrong="trace_shapes" says="do not go into it"
def trace_shapes(net, x):
    shapes = [tuple(x.shape)]

    def visit(part):
        nonlocal x
        for module in part:
            if isinstance(module, nn.Sequential):
                visit(module)
            else:
                x = module(x)
                shapes.append(tuple(x.shape))

    visit(net)
    return shapes


# No return
# %% wrong="trace_shapes" says="is a `return` missing?"
def trace_shapes(net, x):
    shapes = [tuple(x.shape)]
    for module in net:
        x = module(x)
        shapes.append(tuple(x.shape))


# A tuple of shapes
# %% wrong="trace_shapes" says="A list was expected"
def trace_shapes(net, x):
    shapes = (tuple(x.shape),)
    for module in net:
        x = module(x)
        shapes += (tuple(x.shape),)
    return shapes


# Stops with an empty net
# %% wrong="trace_shapes"
def trace_shapes(net, x):
    shapes = [tuple(x.shape)]
    x = net[0](x)
    for module in net[1:]:
        shapes.append(tuple(x.shape))
        x = module(x)
    return [*shapes, tuple(x.shape)]


# %% right="mlp"
def mlp(widths):
    net = nn.Sequential(nn.Linear(widths[0], widths[1]))
    for i in range(2, len(widths)):
        net.append(nn.ReLU())
        net.append(nn.Linear(widths[i - 1], widths[i]))
    return net


# %% right="mlp"
def mlp(widths):
    modules = []
    for i, (c, d) in enumerate(zip(widths, widths[1:])):
        if i > 0:
            modules.append(nn.ReLU(inplace=True))
        modules.append(nn.Linear(in_features=c, out_features=d))
    return nn.Sequential(*modules)


# %% right="mlp"
def mlp(widths):
    net = nn.Sequential()
    for i in range(len(widths) - 1):
        net.add_module(str(2 * i), nn.Linear(widths[i], widths[i + 1]))
        if i < len(widths) - 2:
            net.add_module(str(2 * i + 1), nn.ReLU())
    return net


# %% right="mlp"
def mlp(widths):
    rest = list(widths)
    first = rest.pop(0)
    modules = [nn.Linear(first, rest[0])]
    while len(rest) > 1:
        first = rest.pop(0)
        modules.extend((nn.ReLU(), nn.Linear(first, rest[0])))
    return nn.Sequential(*modules)


# A ReLU after the last layer, too
# %% wrong="mlp" says="There is a ReLU after the last layer"
def mlp(widths):
    modules = []
    for c, d in zip(widths, widths[1:]):
        modules += [nn.Linear(c, d), nn.ReLU()]
    return nn.Sequential(*modules)


# No ReLU at all
# %% wrong="mlp" says="There is no ReLU between the linear layers"
def mlp(widths):
    return nn.Sequential(*[nn.Linear(c, d) for c, d in zip(widths, widths[1:])])


# ReLU first
# %% wrong="mlp" says="The first module is a ReLU"
def mlp(widths):
    modules = []
    for c, d in zip(widths, widths[1:]):
        modules += [nn.ReLU(), nn.Linear(c, d)]
    return nn.Sequential(*modules)


# One layer too few
# %% wrong="mlp" says="The last layer is missing"
def mlp(widths):
    modules = []
    for i in range(len(widths) - 2):
        modules += [nn.Linear(widths[i], widths[i + 1]), nn.ReLU()]
    return nn.Sequential(*modules[:-1])


# Nested
# %% wrong="mlp" says="put all modules into one"
def mlp(widths):
    parts = [nn.Sequential(nn.Linear(c, d), nn.ReLU()) for c, d in zip(widths, widths[1:])]
    parts[-1] = nn.Sequential(parts[-1][0])
    return nn.Sequential(*parts)


# A softmax in the place of the last ReLU
# %% wrong="mlp" says="There is a softmax at the end"
def mlp(widths):
    modules = []
    for c, d in zip(widths, widths[1:]):
        modules += [nn.Linear(c, d), nn.ReLU()]
    return nn.Sequential(*modules[:-1], nn.Softmax(dim=1))


# The list is handed over as one argument
# %% wrong="mlp" says="is not a Module subclass"
def mlp(widths):
    modules = []
    for c, d in zip(widths, widths[1:]):
        modules += [nn.Linear(c, d), nn.ReLU()]
    return nn.Sequential(modules[:-1])


# A list is returned
# %% wrong="mlp" says="put your modules into an nn.Sequential"
def mlp(widths):
    modules = []
    for c, d in zip(widths, widths[1:]):
        modules += [nn.Linear(c, d), nn.ReLU()]
    return modules[:-1]


# The list is used up
# %% wrong="mlp" says="You used up the list"
def mlp(widths):
    modules = []
    while len(widths) > 1:
        c = widths.pop(0)
        modules += [nn.Linear(c, widths[0]), nn.ReLU()]
    return nn.Sequential(*modules[:-1])


# Without biases
# %% wrong="mlp" says="The layers have no bias"
def mlp(widths):
    modules = []
    for c, d in zip(widths, widths[1:]):
        modules += [nn.Linear(c, d, bias=False), nn.ReLU()]
    return nn.Sequential(*modules[:-1])


# Identity in the place of the ReLU
# %% wrong="mlp" says="Nothing between the layers is nonlinear"
def mlp(widths):
    modules = []
    for c, d in zip(widths, widths[1:]):
        modules += [nn.Linear(c, d), nn.Identity()]
    return nn.Sequential(*modules[:-1])


# Slips past one net: calls with the same widths share their layers
# %% wrong="mlp" says="make new layers in every call"
NETS = {}


def mlp(widths):
    key = tuple(widths)
    if key not in NETS:
        modules = []
        for c, d in zip(widths, widths[1:]):
            modules += [nn.Linear(c, d), nn.ReLU()]
        NETS[key] = nn.Sequential(*modules[:-1])
    return NETS[key]


# Slips past values: the first layer is frozen
# %% wrong="mlp" says="No gradient reaches 0.weight"
def mlp(widths):
    modules = []
    for c, d in zip(widths, widths[1:]):
        modules += [nn.Linear(c, d), nn.ReLU()]
    modules[0].requires_grad_(False)
    return nn.Sequential(*modules[:-1])


# Slips past signs: another nonlinearity
# %% wrong="mlp" says="the modules of mlp"
def mlp(widths):
    modules = []
    for c, d in zip(widths, widths[1:]):
        modules += [nn.Linear(c, d), nn.GELU()]
    return nn.Sequential(*modules[:-1])


# Needs three widths
# %% wrong="mlp" says="IndexError"
def mlp(widths):
    modules = [nn.Linear(widths[0], widths[1]), nn.ReLU(), nn.Linear(widths[1], widths[2])]
    for i in range(2, len(widths) - 1):
        modules += [nn.ReLU(), nn.Linear(widths[i], widths[i + 1])]
    return nn.Sequential(*modules)


# %% right="count_parameters"
def count_parameters(net, trainable_only=False):
    total = 0
    for parameter in net.parameters():
        if trainable_only and not parameter.requires_grad:
            continue
        total += math.prod(parameter.shape)
    return total


# %% right="count_parameters"
def count_parameters(net, trainable_only=False):
    kept = filter(lambda p: p.requires_grad, net.parameters()) if trainable_only else net.parameters()
    return sum(len(p.flatten()) for p in kept)


# %% right="count_parameters"
def count_parameters(net, trainable_only=False):
    seen = {id(p): p for module in net.modules() for p in module.parameters(recurse=False)}
    return int(sum(p.nelement() for p in seen.values() if not trainable_only or p.requires_grad))


# Counts the tensors
# %% wrong="count_parameters" says="This is the number of tensors"
def count_parameters(net, trainable_only=False):
    return len([p for p in net.parameters() if p.requires_grad or not trainable_only])


# Weights alone
# %% wrong="count_parameters" says="The biases are missing"
def count_parameters(net, trainable_only=False):
    return sum(p.numel() for name, p in net.named_parameters() if "weight" in name)


# The flag is not looked at
# %% wrong="count_parameters" says="trainable_only has no effect"
def count_parameters(net, trainable_only=False):
    return sum(p.numel() for p in net.parameters())


# Frozen ones never count
# %% wrong="count_parameters" says="Leave out frozen parameters only with trainable_only=True"
def count_parameters(net, trainable_only=False):
    return sum(p.numel() for p in net.parameters() if p.requires_grad)


# The condition the wrong way round
# %% wrong="count_parameters" says="These are only the frozen parameters"
def count_parameters(net, trainable_only=False):
    return sum(p.numel() for p in net.parameters() if not trainable_only or not p.requires_grad)


# The state_dict also holds buffers
# %% wrong="count_parameters" says="Buffers are not parameters"
def count_parameters(net, trainable_only=False):
    if trainable_only:
        return sum(p.numel() for p in net.parameters() if p.requires_grad)
    return sum(value.numel() for value in net.state_dict().values())


# Goes through the modules and into each again
# %% wrong="count_parameters" says="Parameters are counted twice"
def count_parameters(net, trainable_only=False):
    return sum(p.numel() for m in net.modules() for p in m.parameters() if p.requires_grad or not trainable_only)


# The return is indented too far
# %% wrong="count_parameters" says="You return inside the loop"
def count_parameters(net, trainable_only=False):
    total = 0
    for p in net.parameters():
        if p.requires_grad or not trainable_only:
            total += p.numel()
        return total
    return total


# A tensor comes back
# %% wrong="count_parameters" says="A tensor came back"
def count_parameters(net, trainable_only=False):
    return torch.tensor([p.numel() for p in net.parameters() if p.requires_grad or not trainable_only]).sum()


# Only the children
# %% wrong="count_parameters" says="A module's own parameters are missing"
def count_parameters(net, trainable_only=False):
    kept = [p for child in net.children() for p in child.parameters()]
    return sum(p.numel() for p in kept if p.requires_grad or not trainable_only)


# Slips past nested nets: leaves alone
# %% wrong="count_parameters" says="you only look at the innermost modules"
def count_parameters(net, trainable_only=False):
    leaves = [module for module in net.modules() if not list(module.children())]
    kept = [p for leaf in leaves for p in leaf.parameters()]
    return sum(p.numel() for p in kept if p.requires_grad or not trainable_only)


# One level deep
# %% wrong="count_parameters" says="The Sequential inside is missing"
def count_parameters(net, trainable_only=False):
    kept = [p for module in [net, *net.children()] for p in module.parameters(recurse=False)]
    return sum(p.numel() for p in kept if p.requires_grad or not trainable_only)


# Slips past plain nets: shared parameters twice
# %% wrong="count_parameters" says="counts once"
def count_parameters(net, trainable_only=False):
    named = net.named_parameters(remove_duplicate=False)
    return sum(p.numel() for _, p in named if p.requires_grad or not trainable_only)


# %% right="count_products"
def count_products(net, shape):
    products = []
    for module in net:
        if isinstance(module, nn.Conv2d):
            (h, w), (kh, kw), (ph, pw) = shape[1:], module.kernel_size, module.padding
            (sh, sw), (dh, dw) = module.stride, module.dilation
            out = (h + 2 * ph - dh * (kh - 1) - 1) // sh + 1, (w + 2 * pw - dw * (kw - 1) - 1) // sw + 1
            products.append(module.out_channels * math.prod(out) * module.in_channels // module.groups * kh * kw)
        elif isinstance(module, nn.Linear):
            products.append(module.in_features * module.out_features)
        else:
            products.append(0)
        shape = tuple(module(torch.zeros(1, *shape)).shape[1:])
    return products


# %% right="count_products"
def count_products(net, shape):
    counts = []
    for i, module in enumerate(net):
        weight = getattr(module, "weight", None)
        outputs = net[: i + 1](torch.zeros(3, *shape)).numel() // 3
        counts.append(0 if weight is None else outputs * weight.numel() // weight.shape[0])
    return counts


# %% right="count_products"
@torch.no_grad()
def count_products(net, shape):
    x, products = torch.rand(1, *shape), []
    for module in net:
        out = module(x)
        match module:
            case nn.Linear():
                products.append(module.weight.numel())
            case nn.Conv2d():
                positions = out.shape[-2] * out.shape[-1]
                products.append(positions * module.weight.numel())
            case _:
                products.append(0)
        x = out
    return products


# Biases count as products
# %% wrong="count_products" says="A bias is added, not multiplied"
def count_products(net, shape):
    x, products = torch.zeros(1, *shape), []
    for module in net:
        x = module(x)
        if isinstance(module, nn.Conv2d):
            products.append(x.numel() * (module.weight[0].numel() + 1))
        elif isinstance(module, nn.Linear):
            products.append(x.numel() * (module.weight[0].numel() + 1))
        else:
            products.append(0)
    return products


# The weights, without the positions
# %% wrong="count_products" says="reuses each one at every output position"
def count_products(net, shape):
    return [m.weight.numel() if isinstance(m, (nn.Conv2d, nn.Linear)) else 0 for m in net]


# Parameters
# %% wrong="count_products" says="These are the numbers of parameters"
def count_products(net, shape):
    return [sum(p.numel() for p in m.parameters()) for m in net]


# The positions of the input
# %% wrong="count_products" says="not those of the input"
def count_products(net, shape):
    x, products = torch.zeros(1, *shape), []
    for module in net:
        if isinstance(module, nn.Conv2d):
            products.append(x.shape[2] * x.shape[3] * module.weight.numel())
        elif isinstance(module, nn.Linear):
            products.append(module.weight.numel())
        else:
            products.append(0)
        x = module(x)
    return products


# The input channels are forgotten
# %% wrong="count_products" says="A kernel spans all input channels"
def count_products(net, shape):
    x, products = torch.zeros(1, *shape), []
    for module in net:
        x = module(x)
        if isinstance(module, nn.Conv2d):
            products.append(x.numel() * module.kernel_size[0] * module.kernel_size[1])
        elif isinstance(module, nn.Linear):
            products.append(module.weight.numel())
        else:
            products.append(0)
    return products


# The output channels are forgotten
# %% wrong="count_products" says="The output channels are missing"
def count_products(net, shape):
    x, products = torch.zeros(1, *shape), []
    for module in net:
        x = module(x)
        if isinstance(module, nn.Conv2d):
            products.append(x.shape[2] * x.shape[3] * module.weight[0].numel())
        elif isinstance(module, nn.Linear):
            products.append(module.weight.numel())
        else:
            products.append(0)
    return products


# Outputs alone
# %% wrong="count_products" says="These are the numbers of outputs"
def count_products(net, shape):
    x, products = torch.zeros(1, *shape), []
    for module in net:
        x = module(x)
        if isinstance(module, nn.Conv2d):
            products.append(x.numel())
        elif isinstance(module, nn.Linear):
            products.append(x.numel())
        else:
            products.append(0)
    return products


# Groups are forgotten
# %% wrong="count_products" says="With groups, each kernel sees only C / groups channels"
def count_products(net, shape):
    x, products = torch.zeros(1, *shape), []
    for module in net:
        x = module(x)
        if isinstance(module, nn.Conv2d):
            products.append(x.numel() * module.in_channels * module.kernel_size[0] * module.kernel_size[1])
        elif isinstance(module, nn.Linear):
            products.append(module.weight.numel())
        else:
            products.append(0)
    return products


# Square kernels only
# %% wrong="count_products" says="The kernel is not square"
def count_products(net, shape):
    x, products = torch.zeros(1, *shape), []
    for module in net:
        x = module(x)
        if isinstance(module, nn.Conv2d):
            products.append(x.numel() * module.in_channels // module.groups * module.kernel_size[0] ** 2)
        elif isinstance(module, nn.Linear):
            products.append(module.weight.numel())
        else:
            products.append(0)
    return products


# Modules without products are left out
# %% wrong="count_products" says="write 0 for the others"
def count_products(net, shape):
    x, products = torch.zeros(1, *shape), []
    for module in net:
        x = module(x)
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            products.append(x.numel() * module.weight[0].numel())
    return products


# The sum alone
# %% wrong="count_products" says="This is the sum"
def count_products(net, shape):
    x, total = torch.zeros(1, *shape), 0
    for module in net:
        x = module(x)
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            total += x.numel() * module.weight[0].numel()
    return total


# First numbers of stride and padding for both directions
# %% wrong="count_products" says="The first number of each pair was used for both"
def count_products(net, shape):
    x, products = torch.zeros(1, *shape), []
    for module in net:
        if isinstance(module, nn.Conv2d):
            (kh, kw), s, p, d = module.kernel_size, module.stride[0], module.padding[0], module.dilation[0]
            positions = ((x.shape[2] + 2 * p - d * (kh - 1) - 1) // s + 1) * (
                (x.shape[3] + 2 * p - d * (kw - 1) - 1) // s + 1
            )
            products.append(positions * module.weight.numel())
        else:
            products.append(module.weight.numel() if isinstance(module, nn.Linear) else 0)
        x = module(x)
    return products


# Slips past chains of different modules: counts kept by module
# %% wrong="count_products" says="A module that occurs twice does its work twice"
def count_products(net, shape):
    x, counts = torch.zeros(1, *shape), {}
    for module in net:
        x = module(x)
        counts[module] = x.numel() * module.weight[0].numel() if isinstance(module, (nn.Conv2d, nn.Linear)) else 0
    return [counts[module] for module in net]


# Slips past undilated kernels: the size formula without dilation
# %% wrong="count_products" says="The size of the output depends on the dilation"
def count_products(net, shape):
    x, products = torch.zeros(1, *shape), []
    for module in net:
        if isinstance(module, nn.Conv2d):
            sizes = zip(x.shape[2:], module.kernel_size, module.padding, module.stride)
            positions = math.prod((side + 2 * p - k) // s + 1 for side, k, p, s in sizes)
            products.append(positions * module.weight.numel())
        else:
            products.append(module.weight.numel() if isinstance(module, nn.Linear) else 0)
        x = module(x)
    return products


# Floats
# %% wrong="count_products" says="The types differ"
def count_products(net, shape):
    x, products = torch.zeros(1, *shape), []
    for module in net:
        x = module(x)
        if isinstance(module, nn.Conv2d):
            products.append(x.numel() * module.weight.numel() / module.out_channels)
        elif isinstance(module, nn.Linear):
            products.append(float(module.weight.numel()))
        else:
            products.append(0)
    return products


# Subtracts a bias that need not be there
# %% wrong="count_products" says="NoneType"
def count_products(net, shape):
    x, products = torch.zeros(1, *shape), []
    for module in net:
        x = module(x)
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            numbers = sum(p.numel() for p in module.parameters()) - module.bias.numel()
            products.append(x.numel() * numbers // module.weight.shape[0])
        else:
            products.append(0)
    return products


# %% right="lenet"
class LeNet(nn.Module):
    def __init__(self, channels=1, size=(28, 28), classes=10):
        super(LeNet, self).__init__()
        self.conv1, self.conv2 = nn.Conv2d(channels, 32, 5), nn.Conv2d(32, 64, 5)
        self.pool1, self.pool2, self.relu, self.flatten = nn.MaxPool2d(3), nn.MaxPool2d(2), nn.ReLU(), nn.Flatten()
        with torch.no_grad():
            features = self.convolutions(torch.zeros(1, channels, *size)).shape[1]
        self.fc1, self.fc2 = nn.Linear(features, 200), nn.Linear(200, classes)

    def convolutions(self, x):
        x = self.pool1(self.relu(self.conv1(x)))
        return self.flatten(self.pool2(self.relu(self.conv2(x))))

    def forward(self, x):
        return self.fc2(self.relu(self.fc1(self.convolutions(x))))


# %% right="lenet"
class LeNet(nn.Module):
    def __init__(self, channels: int = 1, size: tuple[int, int] = (28, 28), classes: int = 10):
        super().__init__()
        h, w = size
        self.features = 64 * ((((h - 5 + 1) // 3) - 5 + 1) // 2) * ((((w - 5 + 1) // 3) - 5 + 1) // 2)
        self.fc2 = nn.Linear(200, classes)
        self.fc1 = nn.Linear(self.features, 200)
        self.conv2 = nn.Conv2d(32, 64, (5, 5))
        self.conv1 = nn.Conv2d(channels, 32, (5, 5))

    def forward(self, x):
        h = F.max_pool2d(self.conv1(x), 3, 3).clamp(min=0)
        h = F.max_pool2d(self.conv2(h), 2, 2).clamp(min=0)
        h = h.reshape(x.shape[0], self.features)
        return self.fc2(self.fc1(h).clamp(min=0))


# %% right="lenet"
class LeNet(nn.Module):
    def __init__(self, channels=1, size=(28, 28), classes=10):
        super().__init__()
        self.size = tuple(size)
        self.conv1 = nn.Conv2d(channels, 32, kernel_size=5)
        self.conv2 = nn.Conv2d(32, 64, kernel_size=5)
        x = F.max_pool2d(self.conv2(F.max_pool2d(self.conv1(torch.zeros(1, channels, *size)), 3)), 2)
        self.fc1 = nn.Linear(x.numel(), 200)
        self.fc2 = nn.Linear(200, classes)

    def forward(self, x):
        if tuple(x.shape[2:]) != self.size:
            raise ValueError(f"images of {self.size} are wanted")
        x = F.max_pool2d(F.relu_(self.conv1(x)), 3)
        x = F.max_pool2d(F.relu_(self.conv2(x)), 2)
        x = torch.flatten(x, start_dim=1)
        return self.fc2(F.relu_(self.fc1(x)))


# view(-1, features)
# %% wrong="lenet" says="view(-1, …) changes the number of rows"
class LeNet(nn.Module):
    def __init__(self, channels=1, size=(28, 28), classes=10):
        super().__init__()
        height, width = (((side - 4) // 3 - 4) // 2 for side in size)
        self.features = 64 * height * width
        self.conv1, self.conv2 = nn.Conv2d(channels, 32, 5), nn.Conv2d(32, 64, 5)
        self.fc1, self.fc2 = nn.Linear(self.features, 200), nn.Linear(200, classes)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), kernel_size=3))
        x = F.relu(F.max_pool2d(self.conv2(x), kernel_size=2))
        return self.fc2(F.relu(self.fc1(x.view(-1, self.features))))


# No ReLU after fc1
# %% wrong="lenet" says="The ReLU after fc1 is missing"
class LeNet(nn.Module):
    def __init__(self, channels=1, size=(28, 28), classes=10):
        super().__init__()
        height, width = (((side - 4) // 3 - 4) // 2 for side in size)
        self.conv1, self.conv2 = nn.Conv2d(channels, 32, 5), nn.Conv2d(32, 64, 5)
        self.fc1, self.fc2 = nn.Linear(64 * height * width, 200), nn.Linear(200, classes)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), kernel_size=3))
        x = F.relu(F.max_pool2d(self.conv2(x), kernel_size=2))
        return self.fc2(self.fc1(x.flatten(1)))


# A ReLU on the logits
# %% wrong="lenet" says="There is a ReLU after fc2"
class LeNet(nn.Module):
    def __init__(self, channels=1, size=(28, 28), classes=10):
        super().__init__()
        height, width = (((side - 4) // 3 - 4) // 2 for side in size)
        self.conv1, self.conv2 = nn.Conv2d(channels, 32, 5), nn.Conv2d(32, 64, 5)
        self.fc1, self.fc2 = nn.Linear(64 * height * width, 200), nn.Linear(200, classes)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), kernel_size=3))
        x = F.relu(F.max_pool2d(self.conv2(x), kernel_size=2))
        return F.relu(self.fc2(F.relu(self.fc1(x.flatten(1)))))


# A softmax on the logits
# %% wrong="lenet" says="There is a softmax after fc2"
class LeNet(nn.Module):
    def __init__(self, channels=1, size=(28, 28), classes=10):
        super().__init__()
        height, width = (((side - 4) // 3 - 4) // 2 for side in size)
        self.conv1, self.conv2 = nn.Conv2d(channels, 32, 5), nn.Conv2d(32, 64, 5)
        self.fc1, self.fc2 = nn.Linear(64 * height * width, 200), nn.Linear(200, classes)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), kernel_size=3))
        x = F.relu(F.max_pool2d(self.conv2(x), kernel_size=2))
        return F.softmax(self.fc2(F.relu(self.fc1(x.flatten(1)))), dim=1)


# The convolutions without a ReLU
# %% wrong="lenet" says="The ReLUs after both convolutions are missing"
class LeNet(nn.Module):
    def __init__(self, channels=1, size=(28, 28), classes=10):
        super().__init__()
        height, width = (((side - 4) // 3 - 4) // 2 for side in size)
        self.conv1, self.conv2 = nn.Conv2d(channels, 32, 5), nn.Conv2d(32, 64, 5)
        self.fc1, self.fc2 = nn.Linear(64 * height * width, 200), nn.Linear(200, classes)

    def forward(self, x):
        x = F.max_pool2d(self.conv1(x), kernel_size=3)
        x = F.max_pool2d(self.conv2(x), kernel_size=2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


# No ReLU anywhere
# %% wrong="lenet" says="There is no ReLU at all"
class LeNet(nn.Module):
    def __init__(self, channels=1, size=(28, 28), classes=10):
        super().__init__()
        height, width = (((side - 4) // 3 - 4) // 2 for side in size)
        self.conv1, self.conv2 = nn.Conv2d(channels, 32, 5), nn.Conv2d(32, 64, 5)
        self.fc1, self.fc2 = nn.Linear(64 * height * width, 200), nn.Linear(200, classes)

    def forward(self, x):
        x = F.max_pool2d(self.conv1(x), kernel_size=3)
        x = F.max_pool2d(self.conv2(x), kernel_size=2)
        return self.fc2(self.fc1(x.flatten(1)))


# Pools by 2, then by 3
# %% wrong="lenet" says="The pooling windows are swapped"
class LeNet(nn.Module):
    def __init__(self, channels=1, size=(28, 28), classes=10):
        super().__init__()
        height, width = (((side - 4) // 3 - 4) // 2 for side in size)
        self.conv1, self.conv2 = nn.Conv2d(channels, 32, 5), nn.Conv2d(32, 64, 5)
        self.fc1, self.fc2 = nn.Linear(64 * height * width, 200), nn.Linear(200, classes)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), kernel_size=2))
        x = F.relu(F.max_pool2d(self.conv2(x), kernel_size=3))
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


# No return
# %% wrong="lenet" says="is a `return` missing?"
class LeNet(nn.Module):
    def __init__(self, channels=1, size=(28, 28), classes=10):
        super().__init__()
        height, width = (((side - 4) // 3 - 4) // 2 for side in size)
        self.conv1, self.conv2 = nn.Conv2d(channels, 32, 5), nn.Conv2d(32, 64, 5)
        self.fc1, self.fc2 = nn.Linear(64 * height * width, 200), nn.Linear(200, classes)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), kernel_size=3))
        x = F.relu(F.max_pool2d(self.conv2(x), kernel_size=2))
        x = self.fc2(F.relu(self.fc1(x.flatten(1))))


# super() is forgotten
# %% wrong="lenet" says="before Module.__init__() call"
class LeNet(nn.Module):
    def __init__(self, channels=1, size=(28, 28), classes=10):
        height, width = (((side - 4) // 3 - 4) // 2 for side in size)
        self.conv1, self.conv2 = nn.Conv2d(channels, 32, 5), nn.Conv2d(32, 64, 5)
        self.fc1, self.fc2 = nn.Linear(64 * height * width, 200), nn.Linear(200, classes)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), kernel_size=3))
        x = F.relu(F.max_pool2d(self.conv2(x), kernel_size=2))
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


# Layers made anew in every call
# %% wrong="lenet" says="No layer is registered"
class LeNet(nn.Module):
    def __init__(self, channels=1, size=(28, 28), classes=10):
        super().__init__()
        self.channels, self.classes = channels, classes

    def forward(self, x):
        x = F.relu(F.max_pool2d(nn.Conv2d(self.channels, 32, 5)(x), kernel_size=3))
        x = F.relu(F.max_pool2d(nn.Conv2d(32, 64, 5)(x), kernel_size=2)).flatten(1)
        return nn.Linear(200, self.classes)(F.relu(nn.Linear(x.shape[1], 200)(x)))


# Without biases
# %% wrong="lenet" says="The biases are missing"
class LeNet(nn.Module):
    def __init__(self, channels=1, size=(28, 28), classes=10):
        super().__init__()
        height, width = (((side - 4) // 3 - 4) // 2 for side in size)
        self.conv1, self.conv2 = nn.Conv2d(channels, 32, 5, bias=False), nn.Conv2d(32, 64, 5, bias=False)
        self.fc1, self.fc2 = nn.Linear(64 * height * width, 200, bias=False), nn.Linear(200, classes, bias=False)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), kernel_size=3))
        x = F.relu(F.max_pool2d(self.conv2(x), kernel_size=2))
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


# 256 features for ever
# %% wrong="lenet" says="fc1 takes 256 features whatever the size"
class LeNet(nn.Module):
    def __init__(self, channels=1, size=(28, 28), classes=10):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(channels, 32, 5), nn.Conv2d(32, 64, 5)
        self.fc1, self.fc2 = nn.Linear(256, 200), nn.Linear(200, classes)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), kernel_size=3))
        x = F.relu(F.max_pool2d(self.conv2(x), kernel_size=2))
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


# Always ten classes
# %% wrong="lenet" says="The argument classes is not used"
class LeNet(nn.Module):
    def __init__(self, channels=1, size=(28, 28), classes=10):
        super().__init__()
        height, width = (((side - 4) // 3 - 4) // 2 for side in size)
        self.conv1, self.conv2 = nn.Conv2d(channels, 32, 5), nn.Conv2d(32, 64, 5)
        self.fc1, self.fc2 = nn.Linear(64 * height * width, 200), nn.Linear(200, 10)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), kernel_size=3))
        x = F.relu(F.max_pool2d(self.conv2(x), kernel_size=2))
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


# Always one channel
# %% wrong="lenet" says="The argument channels is not used"
class LeNet(nn.Module):
    def __init__(self, channels=1, size=(28, 28), classes=10):
        super().__init__()
        height, width = (((side - 4) // 3 - 4) // 2 for side in size)
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 5), nn.Conv2d(32, 64, 5)
        self.fc1, self.fc2 = nn.Linear(64 * height * width, 200), nn.Linear(200, classes)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), kernel_size=3))
        x = F.relu(F.max_pool2d(self.conv2(x), kernel_size=2))
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


# Square images only
# %% wrong="lenet" says="you used the height for both"
class LeNet(nn.Module):
    def __init__(self, channels=1, size=(28, 28), classes=10):
        super().__init__()
        height = width = ((size[0] - 4) // 3 - 4) // 2
        self.conv1, self.conv2 = nn.Conv2d(channels, 32, 5), nn.Conv2d(32, 64, 5)
        self.fc1, self.fc2 = nn.Linear(64 * height * width, 200), nn.Linear(200, classes)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), kernel_size=3))
        x = F.relu(F.max_pool2d(self.conv2(x), kernel_size=2))
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


# Slips past values: conv1 is frozen
# %% wrong="lenet" says="No gradient reaches conv1.weight"
class LeNet(nn.Module):
    def __init__(self, channels=1, size=(28, 28), classes=10):
        super().__init__()
        height, width = (((side - 4) // 3 - 4) // 2 for side in size)
        self.conv1, self.conv2 = nn.Conv2d(channels, 32, 5), nn.Conv2d(32, 64, 5)
        self.fc1, self.fc2 = nn.Linear(64 * height * width, 200), nn.Linear(200, classes)
        self.conv1.requires_grad_(False)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), kernel_size=3))
        x = F.relu(F.max_pool2d(self.conv2(x), kernel_size=2))
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


# Slips past values: the features are detached
# %% wrong="lenet" says="No gradient reaches conv1.weight, conv1.bias"
class LeNet(nn.Module):
    def __init__(self, channels=1, size=(28, 28), classes=10):
        super().__init__()
        height, width = (((side - 4) // 3 - 4) // 2 for side in size)
        self.conv1, self.conv2 = nn.Conv2d(channels, 32, 5), nn.Conv2d(32, 64, 5)
        self.fc1, self.fc2 = nn.Linear(64 * height * width, 200), nn.Linear(200, classes)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), kernel_size=3))
        x = F.relu(F.max_pool2d(self.conv2(x), kernel_size=2))
        return self.fc2(F.relu(self.fc1(x.flatten(1).detach())))


# Slips past batches: squeeze takes away the dimension of a single image
# %% wrong="lenet" says="x of shape (1, 3, 40, 52)"
class LeNet(nn.Module):
    def __init__(self, channels=1, size=(28, 28), classes=10):
        super().__init__()
        height, width = (((side - 4) // 3 - 4) // 2 for side in size)
        self.conv1, self.conv2 = nn.Conv2d(channels, 32, 5), nn.Conv2d(32, 64, 5)
        self.fc1, self.fc2 = nn.Linear(64 * height * width, 200), nn.Linear(200, classes)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), kernel_size=3))
        x = F.relu(F.max_pool2d(self.conv2(x), kernel_size=2))
        return self.fc2(F.relu(self.fc1(x.flatten(1)))).squeeze()


# Slips past images of the right size: pools whatever is left
# %% wrong="lenet" says="raises an error"
class LeNet(nn.Module):
    def __init__(self, channels=1, size=(28, 28), classes=10):
        super().__init__()
        self.out = tuple(((side - 4) // 3 - 4) // 2 for side in size)
        self.conv1, self.conv2 = nn.Conv2d(channels, 32, 5), nn.Conv2d(32, 64, 5)
        self.fc1, self.fc2 = nn.Linear(64 * math.prod(self.out), 200), nn.Linear(200, classes)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), kernel_size=3))
        x = F.relu(F.adaptive_max_pool2d(F.max_pool2d(self.conv2(x), kernel_size=2), self.out))
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


# Slips past the forward pass: fc1 finds its features in the first call
# %% wrong="lenet"
class LeNet(nn.Module):
    def __init__(self, channels=1, size=(28, 28), classes=10):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(channels, 32, 5), nn.Conv2d(32, 64, 5)
        self.fc1, self.fc2 = nn.LazyLinear(200), nn.Linear(200, classes)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), kernel_size=3))
        x = F.relu(F.max_pool2d(self.conv2(x), kernel_size=2))
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


# %% right="committee"
class Committee(nn.Module):
    def __init__(self, in_features, classes, members):
        super().__init__()
        self.members = nn.ModuleList(nn.Linear(in_features, classes) for _ in range(members))
        self.votes = nn.Parameter(torch.ones(members) / members)

    def forward(self, x):
        return torch.einsum("m,mnc->nc", self.votes, torch.stack([member(x) for member in self.members]))


# %% right="committee"
class Committee(nn.Module):
    def __init__(self, in_features, classes, members):
        super().__init__()
        self.register_parameter("votes", nn.Parameter(torch.tensor([1 / members] * members)))
        self.members = nn.ModuleList()
        for _ in range(members):
            self.members.append(nn.Linear(in_features, classes))

    def forward(self, x):
        total = torch.zeros(len(x), self.members[0].out_features)
        for i, member in enumerate(self.members):
            total = total + self.votes[i] * member(x)
        return total


# %% right="committee"
class Committee(nn.Module):
    def __init__(self, in_features, classes, members):
        super().__init__()
        self.members = nn.Sequential(*[nn.Linear(in_features, classes) for _ in range(members)])
        self.votes = nn.Parameter(torch.empty(members))
        nn.init.constant_(self.votes, 1 / members)

    def forward(self, x):
        outputs = torch.stack([member(x) for member in self.members], dim=-1)
        return outputs @ self.votes


# As it was
# %% wrong="committee" says="Nothing is registered yet"
class Committee(nn.Module):
    def __init__(self, in_features, classes, members):
        super().__init__()
        self.members = [nn.Linear(in_features, classes) for _ in range(members)]
        self.votes = torch.full((members,), 1 / members)

    def forward(self, x):
        return sum(vote * member(x) for vote, member in zip(self.votes, self.members))


# Votes are a plain tensor that requires a gradient
# %% wrong="committee" says="The members are registered, the votes are not"
class Committee(nn.Module):
    def __init__(self, in_features, classes, members):
        super().__init__()
        self.members = nn.ModuleList([nn.Linear(in_features, classes) for _ in range(members)])
        self.votes = torch.full((members,), 1 / members, requires_grad=True)

    def forward(self, x):
        return sum(vote * member(x) for vote, member in zip(self.votes, self.members))


# Votes are a buffer
# %% wrong="committee" says="votes is a buffer"
class Committee(nn.Module):
    def __init__(self, in_features, classes, members):
        super().__init__()
        self.members = nn.ModuleList([nn.Linear(in_features, classes) for _ in range(members)])
        self.register_buffer("votes", torch.full((members,), 1 / members))

    def forward(self, x):
        return sum(vote * member(x) for vote, member in zip(self.votes, self.members))


# Members still in a list
# %% wrong="committee" says="The votes are registered, the members are not"
class Committee(nn.Module):
    def __init__(self, in_features, classes, members):
        super().__init__()
        self.members = [nn.Linear(in_features, classes) for _ in range(members)]
        self.votes = nn.Parameter(torch.full((members,), 1 / members))

    def forward(self, x):
        return sum(vote * member(x) for vote, member in zip(self.votes, self.members))


# One layer, many times
# %% wrong="committee" says="make a new nn.Linear for each"
class Committee(nn.Module):
    def __init__(self, in_features, classes, members):
        super().__init__()
        self.members = nn.ModuleList([nn.Linear(in_features, classes)] * members)
        self.votes = nn.Parameter(torch.full((members,), 1 / members))

    def forward(self, x):
        return sum(vote * member(x) for vote, member in zip(self.votes, self.members))


# A list of votes
# %% wrong="committee" says="one tensor of shape (members,) was asked for"
class Committee(nn.Module):
    def __init__(self, in_features, classes, members):
        super().__init__()
        self.members = nn.ModuleList([nn.Linear(in_features, classes) for _ in range(members)])
        self.votes = nn.ParameterList([nn.Parameter(torch.tensor(1 / members)) for _ in range(members)])

    def forward(self, x):
        return sum(vote * member(x) for vote, member in zip(self.votes, self.members))


# Votes of 1, divided in forward
# %% wrong="committee" says="divide by the number of members"
class Committee(nn.Module):
    def __init__(self, in_features, classes, members):
        super().__init__()
        self.members = nn.ModuleList([nn.Linear(in_features, classes) for _ in range(members)])
        self.votes = nn.Parameter(torch.ones(members))

    def forward(self, x):
        return sum(vote * member(x) for vote, member in zip(self.votes, self.members)) / len(self.members)


# Divided once more
# %% wrong="committee" says="The output is divided by the number of members"
class Committee(nn.Module):
    def __init__(self, in_features, classes, members):
        super().__init__()
        self.members = nn.ModuleList([nn.Linear(in_features, classes) for _ in range(members)])
        self.votes = nn.Parameter(torch.full((members,), 1 / members))

    def forward(self, x):
        return sum(vote * member(x) for vote, member in zip(self.votes, self.members)) / len(self.members)


# The votes are not used
# %% wrong="committee" says="this is the mean"
class Committee(nn.Module):
    def __init__(self, in_features, classes, members):
        super().__init__()
        self.members = nn.ModuleList([nn.Linear(in_features, classes) for _ in range(members)])
        self.votes = nn.Parameter(torch.full((members,), 1 / members))

    def forward(self, x):
        return torch.stack([member(x) for member in self.members]).mean(dim=0)


# Votes that add up to 1
# %% wrong="committee" says="The votes went through a softmax"
class Committee(nn.Module):
    def __init__(self, in_features, classes, members):
        super().__init__()
        self.members = nn.ModuleList([nn.Linear(in_features, classes) for _ in range(members)])
        self.votes = nn.Parameter(torch.full((members,), 1 / members))

    def forward(self, x):
        return sum(vote * member(x) for vote, member in zip(self.votes.softmax(0), self.members))


# Returns in the first turn
# %% wrong="committee" says="Only the first member is used"
class Committee(nn.Module):
    def __init__(self, in_features, classes, members):
        super().__init__()
        self.members = nn.ModuleList([nn.Linear(in_features, classes) for _ in range(members)])
        self.votes = nn.Parameter(torch.full((members,), 1 / members))

    def forward(self, x):
        total = 0
        for vote, member in zip(self.votes, self.members):
            total = total + vote * member(x)
            return total


# Slips past values: the votes are read as numbers
# %% wrong="committee" says="No gradient reaches votes"
class Committee(nn.Module):
    def __init__(self, in_features, classes, members):
        super().__init__()
        self.members = nn.ModuleList([nn.Linear(in_features, classes) for _ in range(members)])
        self.votes = nn.Parameter(torch.full((members,), 1 / members))

    def forward(self, x):
        return sum(vote.item() * member(x) for vote, member in zip(self.votes, self.members))


# Slips past values: the votes are frozen
# %% wrong="committee" says="No gradient reaches votes"
class Committee(nn.Module):
    def __init__(self, in_features, classes, members):
        super().__init__()
        self.members = nn.ModuleList([nn.Linear(in_features, classes) for _ in range(members)])
        self.votes = nn.Parameter(torch.full((members,), 1 / members), requires_grad=False)

    def forward(self, x):
        return sum(vote * member(x) for vote, member in zip(self.votes, self.members))


# Slips past values: the members' outputs are detached
# %% wrong="committee" says="No gradient reaches members.0.weight"
class Committee(nn.Module):
    def __init__(self, in_features, classes, members):
        super().__init__()
        self.members = nn.ModuleList([nn.Linear(in_features, classes) for _ in range(members)])
        self.votes = nn.Parameter(torch.full((members,), 1 / members))

    def forward(self, x):
        return sum(vote * member(x).detach() for vote, member in zip(self.votes, self.members))


# Slips past values: nothing learns
# %% wrong="committee" says="No parameter learns"
class Committee(nn.Module):
    def __init__(self, in_features, classes, members):
        super().__init__()
        self.members = nn.ModuleList([nn.Linear(in_features, classes) for _ in range(members)])
        self.votes = nn.Parameter(torch.full((members,), 1 / members))

    @torch.no_grad()
    def forward(self, x):
        return sum(vote * member(x) for vote, member in zip(self.votes, self.members))


# Slips past names: copies of one layer
# %% wrong="committee" says="Two members are copies of each other"
class Committee(nn.Module):
    def __init__(self, in_features, classes, members):
        import copy

        super().__init__()
        member = nn.Linear(in_features, classes)
        self.members = nn.ModuleList([copy.deepcopy(member) for _ in range(members)])
        self.votes = nn.Parameter(torch.full((members,), 1 / members))

    def forward(self, x):
        return sum(vote * member(x) for vote, member in zip(self.votes, self.members))


# A ModuleList is called like a Sequential
# %% wrong="committee" says="forward"
class Committee(nn.Module):
    def __init__(self, in_features, classes, members):
        super().__init__()
        self.members = nn.ModuleList([nn.Linear(in_features, classes) for _ in range(members)])
        self.votes = nn.Parameter(torch.full((members,), 1 / members))

    def forward(self, x):
        return self.members(x) * self.votes


# %% right="residual"
class Residual(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, 1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding="same")
        if stride == 1 and in_channels == out_channels:
            self.shortcut = None
        else:
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride)

    def forward(self, x):
        f = self.conv1(x).relu()
        f = self.conv2(f)
        f += x if self.shortcut is None else self.shortcut(x)
        return f.relu()


# %% right="residual"
class Residual(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.keeps = in_channels == out_channels and stride == 1
        self.relu = nn.ReLU()
        if not self.keeps:
            self.add_module("shortcut", nn.Conv2d(in_channels, out_channels, kernel_size=(1, 1), stride=stride))
        for name, channels, step in (("conv1", in_channels, stride), ("conv2", out_channels, 1)):
            self.add_module(name, nn.Conv2d(channels, out_channels, kernel_size=3, stride=step, padding=1))

    def forward(self, x):
        shortcut = x if self.keeps else self.shortcut(x)
        x = self.relu(self.conv1(x))
        x = self.conv2(x)
        return self.relu(torch.add(x, shortcut))


# %% right="residual"
class Residual(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, (3, 3), (stride, stride), (1, 1))
        self.conv2 = nn.Conv2d(out_channels, out_channels, (3, 3), padding=(1, 1))
        self.shortcut = nn.Sequential()
        if (in_channels, stride) != (out_channels, 1):
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1, (stride, stride))

    def forward(self, x):
        h = F.relu_(self.conv1(F.pad(x, (0, 0, 0, 0))))
        return (self.conv2(h) + self.shortcut(x)).clamp(min=0)


# The shortcut is not added
# %% wrong="residual" says="The shortcut is not added"
class Residual(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.shortcut = nn.Identity()
        if in_channels != out_channels or stride != 1:
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride=stride)

    def forward(self, x):
        f = self.conv2(F.relu(self.conv1(x)))
        return F.relu(f)


# The last ReLU is missing
# %% wrong="residual" says="The ReLU at the end is missing"
class Residual(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.shortcut = nn.Identity()
        if in_channels != out_channels or stride != 1:
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride=stride)

    def forward(self, x):
        f = self.conv2(F.relu(self.conv1(x)))
        return self.shortcut(x) + f


# The last ReLU comes too early
# %% wrong="residual" says="The last ReLU comes before the sum"
class Residual(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.shortcut = nn.Identity()
        if in_channels != out_channels or stride != 1:
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride=stride)

    def forward(self, x):
        f = self.conv2(F.relu(self.conv1(x)))
        return self.shortcut(x) + F.relu(f)


# A ReLU too many
# %% wrong="residual" says="between conv2 and the sum"
class Residual(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.shortcut = nn.Identity()
        if in_channels != out_channels or stride != 1:
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride=stride)

    def forward(self, x):
        f = self.conv2(F.relu(self.conv1(x)))
        return F.relu(self.shortcut(x) + F.relu(f))


# One ReLU only
# %% wrong="residual" says="The ReLU between the convolutions is missing"
class Residual(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.shortcut = nn.Identity()
        if in_channels != out_channels or stride != 1:
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride=stride)

    def forward(self, x):
        f = self.conv2(self.conv1(x))
        return F.relu(self.shortcut(x) + f)


# x is overwritten before the sum
# %% wrong="residual" says="The output of conv1 was added instead of x: x was overwritten"
class Residual(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.shortcut = nn.Identity()
        if in_channels != out_channels or stride != 1:
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride=stride)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        return F.relu(self.shortcut(x) + self.conv2(x))


# x is overwritten twice
# %% wrong="residual" says="f(x) was added a second time instead of x: x was overwritten"
class Residual(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.shortcut = nn.Identity()
        if in_channels != out_channels or stride != 1:
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride=stride)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = self.conv2(x)
        return F.relu(x + x)


# x is changed in place
# %% wrong="residual" says="write x = x + …, not x += …"
class Residual(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.shortcut = nn.Identity()
        if in_channels != out_channels or stride != 1:
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride=stride)

    def forward(self, x):
        f = self.conv2(F.relu(self.conv1(x)))
        x = self.shortcut(x)
        x += f
        return F.relu(x)


# A layer on every shortcut
# %% wrong="residual" says="no layer on the shortcut"
class Residual(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.shortcut = nn.Identity()
        if True:
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride=stride)

    def forward(self, x):
        f = self.conv2(F.relu(self.conv1(x)))
        return F.relu(self.shortcut(x) + f)


# Only the channels are looked at
# %% wrong="residual" says="There is no layer on the shortcut, though the shape changes"
class Residual(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.shortcut = nn.Identity()
        if in_channels != out_channels:
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride=stride)

    def forward(self, x):
        f = self.conv2(F.relu(self.conv1(x)))
        return F.relu(self.shortcut(x) + f)


# Only the stride is looked at
# %% wrong="residual" says="There is no layer on the shortcut, though the shape changes"
class Residual(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.shortcut = nn.Identity()
        if stride != 1:
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride=stride)

    def forward(self, x):
        f = self.conv2(F.relu(self.conv1(x)))
        return F.relu(self.shortcut(x) + f)


# A 3×3 kernel on the shortcut
# %% wrong="residual" says="1×1 was asked for"
class Residual(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.shortcut = nn.Identity()
        if in_channels != out_channels or stride != 1:
            self.shortcut = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1)

    def forward(self, x):
        f = self.conv2(F.relu(self.conv1(x)))
        return F.relu(self.shortcut(x) + f)


# The stride is at conv2
# %% wrong="residual" says="The stride belongs to conv1"
class Residual(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, stride=stride, padding=1)
        self.shortcut = nn.Identity()
        if in_channels != out_channels or stride != 1:
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride=stride)

    def forward(self, x):
        f = self.conv2(F.relu(self.conv1(x)))
        return F.relu(self.shortcut(x) + f)


# Without biases
# %% wrong="residual" says="The biases are missing"
class Residual(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.shortcut = nn.Identity()
        if in_channels != out_channels or stride != 1:
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False)

    def forward(self, x):
        f = self.conv2(F.relu(self.conv1(x)))
        return F.relu(self.shortcut(x) + f)


# The shortcut has no stride
# %% wrong="residual" says="The shortcut needs the stride, too"
class Residual(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.shortcut = nn.Identity()
        if in_channels != out_channels or stride != 1:
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride=1)

    def forward(self, x):
        f = self.conv2(F.relu(self.conv1(x)))
        return F.relu(self.shortcut(x) + f)


# No padding
# %% wrong="residual" says="conv1 and conv2 need padding=1"
class Residual(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3)
        self.shortcut = nn.Identity()
        if in_channels != out_channels or stride != 1:
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride=stride)

    def forward(self, x):
        f = self.conv2(F.relu(self.conv1(x)))
        return F.relu(self.shortcut(x) + f)


# super() is forgotten
# %% wrong="residual" says="before Module.__init__() call"
class Residual(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.shortcut = nn.Identity()
        if in_channels != out_channels or stride != 1:
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride=stride)

    def forward(self, x):
        f = self.conv2(F.relu(self.conv1(x)))
        return F.relu(self.shortcut(x) + f)


# Layers in a dict
# %% wrong="residual" says="No layer is registered"
class Residual(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.parts = {
            "conv1": nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1),
            "conv2": nn.Conv2d(out_channels, out_channels, 3, padding=1),
            "shortcut": nn.Identity(),
        }
        if in_channels != out_channels or stride != 1:
            self.parts["shortcut"] = nn.Conv2d(in_channels, out_channels, 1, stride=stride)

    def forward(self, x):
        return F.relu(self.parts["shortcut"](x) + self.parts["conv2"](F.relu(self.parts["conv1"](x))))


# Slips past values: f is detached
# %% wrong="residual" says="is something frozen or detached"
class Residual(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.shortcut = nn.Identity()
        if in_channels != out_channels or stride != 1:
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride=stride)

    def forward(self, x):
        f = self.conv2(F.relu(self.conv1(x)))
        return F.relu(self.shortcut(x) + f.detach())


# Slips past values: no gradient through the shortcut
# %% wrong="residual" says="No gradient comes back through the shortcut"
class Residual(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.shortcut = nn.Identity()
        if in_channels != out_channels or stride != 1:
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride=stride)

    def forward(self, x):
        f = self.conv2(F.relu(self.conv1(x)))
        return F.relu(self.shortcut(x).detach() + f)


# Slips past values: nothing learns
# %% wrong="residual" says="autograd follows Residual"
class Residual(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.shortcut = nn.Identity()
        if in_channels != out_channels or stride != 1:
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride=stride)

    def forward(self, x):
        with torch.no_grad():
            f = self.conv2(F.relu(self.conv1(x)))
            return F.relu(self.shortcut(x) + f)


# %% right="training_step"
def training_step(net, x, labels, lr):
    parameters = [parameter for parameter in net.parameters() if parameter.requires_grad]
    loss = F.cross_entropy(net(x), labels)
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients):
            if gradient is not None:
                parameter -= lr * gradient
    return loss.item()


# %% right="training_step"
def training_step(net, x, labels, lr):
    net.zero_grad()
    loss = nn.CrossEntropyLoss()(net(x), labels)
    loss.backward()
    for parameter in net.parameters():
        if parameter.grad is not None:
            parameter.data.add_(parameter.grad, alpha=-lr)
    return float(loss)


# %% right="training_step"
def training_step(net, x, labels, lr):
    for parameter in net.parameters():
        if parameter.grad is not None:
            parameter.grad.zero_()
    loss = F.nll_loss(net(x).log_softmax(dim=1), labels)
    loss.backward()
    torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr).step()
    return loss.detach().tolist()


# The gradients add up
# %% wrong="training_step" says="Old gradients were included"
def training_step(net, x, labels, lr):
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    loss = F.cross_entropy(net(x), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


# Slips past a fresh net: clears the gradients after the step, not before
# %% wrong="training_step" says="Old gradients were included"
def training_step(net, x, labels, lr):
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    loss = F.cross_entropy(net(x), labels)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss.item()


# No step
# %% wrong="training_step" says="Nothing changed in the net"
def training_step(net, x, labels, lr):
    net.zero_grad()
    loss = F.cross_entropy(net(x), labels)
    loss.backward()
    return loss.item()


# Binds a name instead of changing the parameter
# %% wrong="training_step" says="Nothing changed in the net"
def training_step(net, x, labels, lr):
    net.zero_grad()
    loss = F.cross_entropy(net(x), labels)
    loss.backward()
    for parameter in net.parameters():
        if parameter.requires_grad:
            parameter = parameter - lr * parameter.grad
    return loss.item()


# The gradients are thrown away before the step
# %% wrong="training_step" says="Nothing changed in the net"
def training_step(net, x, labels, lr):
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    loss = F.cross_entropy(net(x), labels)
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()
    return loss.item()


# The loss after the step
# %% wrong="training_step" says="This is the loss after the step"
def training_step(net, x, labels, lr):
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    optimizer.zero_grad()
    loss = F.cross_entropy(net(x), labels)
    loss.backward()
    optimizer.step()
    return F.cross_entropy(net(x), labels).item()


# Uphill
# %% wrong="training_step" says="The step goes uphill"
def training_step(net, x, labels, lr):
    net.zero_grad()
    loss = F.cross_entropy(net(x), labels)
    loss.backward()
    with torch.no_grad():
        for parameter in net.parameters():
            if parameter.requires_grad:
                parameter += lr * parameter.grad
    return loss.item()


# Softmax before the loss
# %% wrong="training_step" says="There is a softmax before the loss"
def training_step(net, x, labels, lr):
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    optimizer.zero_grad()
    loss = F.cross_entropy(net(x).softmax(1), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


# The sum over the samples
# %% wrong="training_step" says="This is the sum over the samples"
def training_step(net, x, labels, lr):
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    optimizer.zero_grad()
    loss = F.cross_entropy(net(x), labels, reduction="sum")
    loss.backward()
    optimizer.step()
    return loss.item()


# The mean is returned, the sum descended
# %% wrong="training_step" says="This is the gradient of the sum"
def training_step(net, x, labels, lr):
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    optimizer.zero_grad()
    loss = F.cross_entropy(net(x), labels, reduction="sum")
    loss.backward()
    optimizer.step()
    return loss.item() / len(x)


# A tensor comes back
# %% wrong="training_step" says="loss.item() turns it into a number"
def training_step(net, x, labels, lr):
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    optimizer.zero_grad()
    loss = F.cross_entropy(net(x), labels)
    loss.backward()
    optimizer.step()
    return loss.detach()


# Without lr
# %% wrong="training_step" says="lr is not used"
def training_step(net, x, labels, lr):
    net.zero_grad()
    loss = F.cross_entropy(net(x), labels)
    loss.backward()
    with torch.no_grad():
        for parameter in net.parameters():
            if parameter.requires_grad:
                parameter -= parameter.grad
    return loss.item()


# Frozen parameters have no gradient
# %% wrong="training_step" says="NoneType"
def training_step(net, x, labels, lr):
    net.zero_grad()
    loss = F.cross_entropy(net(x), labels)
    loss.backward()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter -= lr * parameter.grad
    return loss.item()


# Adam, as in the cells of the page
# %% wrong="training_step" says="This is an Adam step"
def training_step(net, x, labels, lr):
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    optimizer.zero_grad()
    loss = F.cross_entropy(net(x), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


# Slips past nets that learn: unfreezes everything
# %% wrong="training_step" says="Frozen parameters took the step"
def training_step(net, x, labels, lr):
    net.requires_grad_(True)
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    optimizer.zero_grad()
    loss = F.cross_entropy(net(x), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


# Slips past plain nets: a shared parameter moves twice
# %% wrong="training_step" says="A parameter that is used twice took the step twice"
def training_step(net, x, labels, lr):
    net.zero_grad()
    loss = F.cross_entropy(net(x), labels)
    loss.backward()
    with torch.no_grad():
        for _, parameter in net.named_parameters(remove_duplicate=False):
            if parameter.grad is not None:
                parameter -= lr * parameter.grad
    return loss.item()


# Slips past plain nets: new parameters in the place of the old ones
# %% wrong="training_step" says="with shared parameters"
def training_step(net, x, labels, lr):
    net.zero_grad()
    loss = F.cross_entropy(net(x), labels)
    loss.backward()
    for name, parameter in list(net.named_parameters()):
        if parameter.requires_grad:
            place, _, last = name.rpartition(".")
            setattr(net.get_submodule(place), last, nn.Parameter((parameter - lr * parameter.grad).detach()))
    return loss.item()


# Slips past one step: momentum
# %% wrong="training_step" says="the parameters after the step"
VELOCITY = {}


def training_step(net, x, labels, lr):
    net.zero_grad()
    loss = F.cross_entropy(net(x), labels)
    loss.backward()
    with torch.no_grad():
        for parameter in net.parameters():
            if parameter.grad is not None:
                VELOCITY[parameter] = 0.9 * VELOCITY.get(parameter, 0) + parameter.grad
                parameter -= lr * VELOCITY[parameter]
    return loss.item()


# %% right="train"
def train(net, images, labels, epochs, batch_size, lr):
    net.train()
    orders = [torch.randperm(len(labels)) for _ in range(epochs)]
    optimizer, losses = torch.optim.Adam(net.parameters(), lr), []
    for order in orders:
        for i in range(0, len(labels), batch_size):
            batch = order[i : i + batch_size]
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss))
    return losses


# %% right="train"
def train(net, images, labels, epochs, batch_size, lr):
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(images, labels), batch_size=batch_size, shuffle=True
    )
    optimizer, losses = torch.optim.Adam(net.parameters(), lr=lr), []
    for _ in range(epochs):
        net.train()
        for x, y in loader:
            net.zero_grad()
            loss = nn.functional.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses


# %% right="train"
def train(net, images, labels, epochs, batch_size, lr):
    optimizer = torch.optim.Adam(net.train().parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        positions = list(range(len(images)))
        random.shuffle(positions)
        while positions:
            batch, positions = positions[:batch_size], positions[batch_size:]
            scores = net(images[batch])
            loss = -scores.log_softmax(1)[torch.arange(len(batch)), labels[batch]].mean()
            for parameter in net.parameters():
                parameter.grad = None
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    net.eval()
    return losses


# The images are shuffled, the labels are not
# %% wrong="train" says="use the same positions for both"
def train(net, images, labels, epochs, batch_size, lr):
    net.train()
    optimizer, losses = torch.optim.Adam(net.parameters(), lr=lr), []
    for _ in range(epochs):
        shuffled = images[torch.randperm(len(images))]
        for x, y in zip(shuffled.split(batch_size), labels.split(batch_size)):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
    return losses


# Never shuffled
# %% wrong="train" says="They come in the order in which they are stored"
def train(net, images, labels, epochs, batch_size, lr):
    net.train()
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        for batch in torch.arange(len(images)).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
    return losses


# Shuffled once, before the epochs
# %% wrong="train" says="draw a new one inside the outer loop"
def train(net, images, labels, epochs, batch_size, lr):
    net.train()
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    losses = []
    order = torch.randperm(len(images))
    for _ in range(epochs):
        for batch in order.split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
    return losses


# A seed inside
# %% wrong="train" says="do not set a seed"
def train(net, images, labels, epochs, batch_size, lr):
    net.train()
    torch.manual_seed(0)
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
    return losses


# The last, smaller batch is dropped
# %% wrong="train" says="The last, smaller batch is missing"
def train(net, images, labels, epochs, batch_size, lr):
    net.train()
    optimizer, losses = torch.optim.Adam(net.parameters(), lr=lr), []
    for _ in range(epochs):
        order = torch.randperm(len(images))
        for i in range(len(images) // batch_size):
            batch = order[i * batch_size : (i + 1) * batch_size]
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
    return losses


# Returns after the first epoch
# %% wrong="train" says="This is only one epoch"
def train(net, images, labels, epochs, batch_size, lr):
    net.train()
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
        return losses
    return losses


# Returns after the first batch
# %% wrong="train" says="You return inside the inner loop"
def train(net, images, labels, epochs, batch_size, lr):
    net.train()
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
            return losses
    return losses


# Without batches
# %% wrong="train" says="All images went through at once"
def train(net, images, labels, epochs, batch_size, lr):
    net.train()
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(len(images)):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
    return losses


# One image at a time
# %% wrong="train" says="The images went through one by one"
def train(net, images, labels, epochs, batch_size, lr):
    net.train()
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(1):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
    return losses


# The loss is computed twice
# %% wrong="train" says="net is called twice for each batch"
def train(net, images, labels, epochs, batch_size, lr):
    net.train()
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            losses.append(F.cross_entropy(net(images[batch]), labels[batch]).item())
            loss.backward()
            optimizer.step()
    return losses


# A copy is trained
# %% wrong="train" says="net was never called"
def train(net, images, labels, epochs, batch_size, lr):
    import copy

    net = copy.deepcopy(net).train()
    optimizer, losses = torch.optim.Adam(net.parameters(), lr=lr), []
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
    return losses


# Draws with replacement
# %% wrong="train" says="cut one random order of all positions into batches"
def train(net, images, labels, epochs, batch_size, lr):
    net.train()
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        for batch in torch.randint(len(images), (len(images),)).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
    return losses


# The mode is left as it is
# %% wrong="train" says="Call net.train() before the loops"
def train(net, images, labels, epochs, batch_size, lr):
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
    return losses


# Slips past the first epoch: eval() after each
# %% wrong="train" says="Call net.train() before the loops"
def train(net, images, labels, epochs, batch_size, lr):
    net.train()
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
        net.eval()
    return losses


# One loss per epoch
# %% wrong="train" says="One loss per epoch: one per step was asked for"
def train(net, images, labels, epochs, batch_size, lr):
    net.train()
    optimizer, losses = torch.optim.Adam(net.parameters(), lr=lr), []
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            loss.backward()
            optimizer.step()
        losses.append(loss.item())
    return losses


# A softmax too many
# %% wrong="train" says="There is a softmax before the loss"
def train(net, images, labels, epochs, batch_size, lr):
    net.train()
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]).softmax(1), labels[batch])
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
    return losses


# MSE
# %% wrong="train" says="This is the squared error"
def train(net, images, labels, epochs, batch_size, lr):
    net.train()
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    losses, classes = [], list(net.parameters())[-1].shape[0]
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            optimizer.zero_grad()
            loss = F.mse_loss(net(images[batch]), F.one_hot(labels[batch], classes).float())
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
    return losses


# The sum over the samples
# %% wrong="train" says="This is the sum over the samples"
def train(net, images, labels, epochs, batch_size, lr):
    net.train()
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[batch], reduction="sum")
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
    return losses


# Losses times the batch size
# %% wrong="train" says="These are the losses times the batch size"
def train(net, images, labels, epochs, batch_size, lr):
    net.train()
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            losses.append(loss.item() * len(batch))
            loss.backward()
            optimizer.step()
    return losses


# Tensors in the list
# %% wrong="train" says="loss.item() turns each into a number"
def train(net, images, labels, epochs, batch_size, lr):
    net.train()
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            losses.append(loss.detach())
            loss.backward()
            optimizer.step()
    return losses


# No step
# %% wrong="train" says="No step is taken"
def train(net, images, labels, epochs, batch_size, lr):
    net.train()
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            losses.append(loss.item())
            loss.backward()
    return losses


# The gradients add up
# %% wrong="train" says="Clear them in each step"
def train(net, images, labels, epochs, batch_size, lr):
    net.train()
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
    return losses


# Gradients cleared once in an epoch
# %% wrong="train" says="not once per epoch"
def train(net, images, labels, epochs, batch_size, lr):
    net.train()
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        optimizer.zero_grad()
        for batch in torch.randperm(len(images)).split(batch_size):
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
    return losses


# Slips past a fresh net: cleared after the step, not before
# %% wrong="train" says="clear them before it"
def train(net, images, labels, epochs, batch_size, lr):
    net.train()
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    return losses


# lr is not used
# %% wrong="train" says="lr is not used"
def train(net, images, labels, epochs, batch_size, lr):
    net.train()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    losses = []
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
    return losses


# A new optimizer in every epoch
# %% wrong="train" says="A new optimizer in each epoch"
def train(net, images, labels, epochs, batch_size, lr):
    net.train()
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        optimizer = torch.optim.Adam(net.parameters(), lr=lr)
        for batch in torch.randperm(len(images)).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
    return losses


# A new optimizer in every step
# %% wrong="train" says="A new optimizer in each step"
def train(net, images, labels, epochs, batch_size, lr):
    net.train()
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            optimizer = torch.optim.Adam(net.parameters(), lr=lr)
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
    return losses


# SGD
# %% wrong="train" says="This is SGD"
def train(net, images, labels, epochs, batch_size, lr):
    net.train()
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
    return losses


# Slips past rough tolerances: AdamW
# %% wrong="train" says="This is AdamW"
def train(net, images, labels, epochs, batch_size, lr):
    net.train()
    optimizer = torch.optim.AdamW(net.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
    return losses


# No return
# %% wrong="train" says="is a `return` missing?"
def train(net, images, labels, epochs, batch_size, lr):
    net.train()
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            losses.append(loss.item())
            loss.backward()
            optimizer.step()


# Slips past small values: a ReLU that is cut off at 6
# %% wrong="mlp" says="the modules of mlp"
def mlp(widths):
    modules = []
    for c, d in zip(widths, widths[1:]):
        modules += [nn.Linear(c, d), nn.ReLU6()]
    return nn.Sequential(*modules[:-1])


# Slips past small values: cut off at 6
# %% wrong="residual" says="for x of shape"
class Residual(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.shortcut = nn.Identity()
        if in_channels != out_channels or stride != 1:
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride=stride)

    def forward(self, x):
        f = self.conv2(F.relu(self.conv1(x)))
        return F.relu6(self.shortcut(x) + f)


# Slips past rough tolerances: weight decay
# %% wrong="training_step" says="the parameters after the step"
def training_step(net, x, labels, lr):
    optimizer = torch.optim.SGD(net.parameters(), lr=lr, weight_decay=1e-3)
    optimizer.zero_grad()
    loss = F.cross_entropy(net(x), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


# Slips past rough tolerances: weight decay
# %% wrong="train" says="the parameters after the training"
def train(net, images, labels, epochs, batch_size, lr):
    net.train()
    optimizer = torch.optim.Adam(net.parameters(), lr=lr, weight_decay=1e-4)
    losses = []
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
    return losses


# A generator of its own that starts the same each time
# %% wrong="train" says="do not set a seed"
def train(net, images, labels, epochs, batch_size, lr):
    net.train()
    g = torch.Generator()
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        for batch in torch.randperm(len(images), generator=g).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
    return losses


# Trains in evaluation mode
# %% wrong="train" says="Call net.train() before the loops"
def train(net, images, labels, epochs, batch_size, lr):
    net.eval()
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
    return losses


# Slips past full batches: the learning rate falls in each epoch
# %% wrong="train" says="the losses"
def train(net, images, labels, epochs, batch_size, lr):
    net.train()
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
        optimizer.param_groups[0]["lr"] *= 0.9
    return losses


# Slips past Linear layers: knows weights and biases only
# %% wrong="count_parameters" says="or at weights and biases"
def count_parameters(net, trainable_only=False):
    total, seen = 0, set()
    for module in net.modules():
        for name in ("weight", "bias"):
            p = getattr(module, name, None)
            if isinstance(p, nn.Parameter) and id(p) not in seen and (p.requires_grad or not trainable_only):
                seen.add(id(p))
                total += p.numel()
    return total


# Two modules that share a parameter
# %% wrong="count_parameters" says="Two modules may share one parameter"
def count_parameters(net, trainable_only=False):
    kept = [p for m in net.modules() for p in m.parameters(recurse=False)]
    return sum(p.numel() for p in kept if p.requires_grad or not trainable_only)


# len is the first dimension
# %% wrong="count_parameters" says="Only the first dimensions were added up"
def count_parameters(net, trainable_only=False):
    return sum(len(p) for p in net.parameters() if p.requires_grad or not trainable_only)


# The modules inside are left out
# %% wrong="count_parameters" says="recurse=False leaves them out"
def count_parameters(net, trainable_only=False):
    return sum(p.numel() for p in net.parameters(recurse=False) if p.requires_grad or not trainable_only)


# A NumPy number
# %% wrong="count_parameters" says="A NumPy number came back"
def count_parameters(net, trainable_only=False):
    return np.sum([p.numel() for p in net.parameters() if p.requires_grad or not trainable_only])


# The widths the wrong way round
# %% wrong="mlp" says="The widths are swapped"
def mlp(widths):
    modules = []
    for a, b in zip(widths, widths[1:]):
        modules += [nn.Linear(b, a), nn.ReLU()]
    return nn.Sequential(*modules[:-1])


# Names of its own
# %% right="mlp"
def mlp(widths):
    from collections import OrderedDict

    parts = OrderedDict()
    for i in range(len(widths) - 1):
        if i > 0:
            parts[f"relu{i}"] = nn.ReLU()
        parts[f"fc{i}"] = nn.Linear(widths[i], widths[i + 1])
    return nn.Sequential(parts)


# Running totals
# %% wrong="count_products" says="These are running totals"
def count_products(net, shape):
    x, total, products = torch.zeros(1, *shape), 0, []
    for module in net:
        x = module(x)
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            total += x.numel() * module.weight[0].numel()
        products.append(total)
    return products


# The formula without padding
# %% wrong="count_products" says="Padding makes the image larger"
def count_products(net, shape):
    x, products = torch.zeros(1, *shape), []
    for m in net:
        if isinstance(m, nn.Conv2d):
            sizes = zip(x.shape[2:], m.kernel_size, m.stride, m.dilation)
            positions = math.prod((s - d * (k - 1) - 1) // t + 1 for s, k, t, d in sizes)
            products.append(positions * m.weight.numel())
        else:
            products.append(m.weight.numel() if isinstance(m, nn.Linear) else 0)
        x = m(x)
    return products


# children() visits a module once
# %% wrong="count_products" says="net.children() visits each once"
def count_products(net, shape):
    x, products = torch.zeros(1, *shape), []
    for module in net.children():
        x = module(x)
        known = isinstance(module, (nn.Conv2d, nn.Linear))
        products.append(x.numel() * module.weight[0].numel() if known else 0)
    return products


# Means in the place of maxima
# %% wrong="lenet" says="These are the means of the windows"
class LeNet(nn.Module):
    def __init__(self, channels=1, size=(28, 28), classes=10):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(channels, 32, 5), nn.Conv2d(32, 64, 5)
        h, w = (((s - 4) // 3 - 4) // 2 for s in size)
        self.fc1, self.fc2 = nn.Linear(64 * h * w, 200), nn.Linear(200, classes)

    def forward(self, x):
        x = F.relu(F.avg_pool2d(self.conv1(x), 3))
        x = F.relu(F.avg_pool2d(self.conv2(x), 2))
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


# A second name for its parts
# %% right="lenet"
class LeNet(nn.Module):
    def __init__(self, channels=1, size=(28, 28), classes=10):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(channels, 32, 5), nn.Conv2d(32, 64, 5)
        parts = [self.conv1, nn.MaxPool2d(3), nn.ReLU(), self.conv2, nn.MaxPool2d(2), nn.ReLU(), nn.Flatten()]
        self.features = nn.Sequential(*parts)
        self.fc1 = nn.Linear(self.features(torch.zeros(1, channels, *size)).shape[1], 200)
        self.fc2 = nn.Linear(200, classes)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(self.features(x))))


# Votes in a column
# %% wrong="committee" says="The votes are a matrix"
class Committee(nn.Module):
    def __init__(self, in_features, classes, members):
        super().__init__()
        self.members = nn.ModuleList([nn.Linear(in_features, classes) for _ in range(members)])
        self.votes = nn.Parameter(torch.full((members, 1), 1 / members))

    def forward(self, x):
        return sum(vote * member(x) for vote, member in zip(self.votes, self.members))


# Every layer has the stride
# %% wrong="residual" says="conv2 has stride 1"
class Residual(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, 1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, stride, 1)
        keeps = in_channels == out_channels and stride == 1
        self.shortcut = nn.Identity() if keeps else nn.Conv2d(in_channels, out_channels, 1, stride)

    def forward(self, x):
        return F.relu(self.shortcut(x) + self.conv2(F.relu(self.conv1(x))))


# Frozen parameters go along their old gradients
# %% wrong="training_step" says="A frozen parameter took a step with its old gradient"
def training_step(net, x, labels, lr):
    for p in net.parameters():
        if p.requires_grad:
            p.grad = None
    loss = F.cross_entropy(net(x), labels)
    loss.backward()
    with torch.no_grad():
        for p in net.parameters():
            if p.grad is not None:
                p -= lr * p.grad
    return loss.item()


# lr is not handed on
# %% wrong="training_step" says="0.001 is SGD's default"
def training_step(net, x, labels, lr):
    optimizer = torch.optim.SGD(net.parameters())
    optimizer.zero_grad()
    loss = F.cross_entropy(net(x), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


# Keeps the shapes of a net that has changed since
# %% wrong="trace_shapes" says="with a Linear(30, 4) appended"
_traced = {}


def trace_shapes(net: nn.Sequential, x: torch.Tensor) -> list[tuple[int, ...]]:
    key = (net, tuple(x.shape))
    if key not in _traced:
        shapes = [tuple(x.shape)]
        for module in net:
            x = module(x)
            shapes.append(tuple(x.shape))
        _traced[key] = shapes
    return _traced[key]


# Sends zeros through the net, whatever x holds
# %% wrong="trace_shapes" says="not zeros of its shape"
def trace_shapes(net: nn.Sequential, x: torch.Tensor) -> list[tuple[int, ...]]:
    shapes, x = [tuple(x.shape)], torch.zeros_like(x)
    for module in net:
        x = module(x)
        shapes.append(tuple(x.shape))
    return shapes


# The third net of the same widths is the first one again
# %% wrong="mlp" says="two calls of"
_nets = {}


def mlp(widths: list[int]) -> nn.Sequential:
    made = _nets.setdefault(tuple(widths), [])
    if len(made) < 2:
        parts = []
        for a, b in zip(widths, widths[1:]):
            parts += [nn.Linear(a, b), nn.ReLU()]
        made.append(nn.Sequential(*parts[:-1]))
        return made[-1]
    made.reverse()
    return made[-1]


# A class of its own in place of nn.ReLU
# %% wrong="mlp" says="your own ReLU"
class ReLU(nn.Module):
    def forward(self, x):
        return x.clamp(0, 10000)


def mlp(widths: list[int]) -> nn.Sequential:
    parts = []
    for a, b in zip(widths, widths[1:]):
        parts += [nn.Linear(a, b), ReLU()]
    return nn.Sequential(*parts[:-1])


# Adds up in float32
# %% wrong="count_parameters"
def count_parameters(net: nn.Module, trainable_only: bool = False) -> int:
    counts = [p.numel() for p in net.parameters() if p.requires_grad or not trainable_only]
    return int(torch.tensor([0.0, *counts]).sum())


# Keeps the count of a net in which a layer has been replaced
# %% wrong="count_parameters" says="has become an nn.Linear(200, 11)"
_counts = {}


def count_parameters(net: nn.Module, trainable_only: bool = False) -> int:
    flags = tuple((name, p.requires_grad) for name, p in net.named_parameters())
    key = (net, flags, trainable_only)
    if key not in _counts:
        _counts[key] = sum(p.numel() for p in net.parameters() if p.requires_grad or not trainable_only)
    return _counts[key]


# Multiplies in float32
# %% wrong="count_products"
def count_products(net: nn.Sequential, shape: tuple[int, ...]) -> list[int]:
    x, result = torch.zeros(1, *shape), []
    for m in net:
        x = m(x)
        weighted = isinstance(m, (nn.Conv2d, nn.Linear))
        result.append(int(torch.tensor([float(x.numel()), float(m.weight[0].numel())]).prod()) if weighted else 0)
    return result


# The first number of each pair of a pooling for both directions
# %% wrong="count_products"
def count_products(net: nn.Sequential, shape: tuple[int, ...]) -> list[int]:
    def pair(v):
        return v if isinstance(v, tuple) else (v, v)

    def size(side, k, p, s, d):
        return (side + 2 * p - (1 + (k - 1) * d)) // s + 1

    result = []
    for m in net:
        if isinstance(m, nn.Linear):
            shape = (m.out_features,)
            result.append(m.in_features * m.out_features)
        elif isinstance(m, nn.Conv2d):
            sides = zip(shape[1:], m.kernel_size, m.padding, m.stride, m.dilation)
            shape = (m.out_channels, *(size(*side) for side in sides))
            result.append(m.weight.numel() * shape[1] * shape[2])
        elif isinstance(m, nn.MaxPool2d):
            k = pair(m.kernel_size)
            s = k if m.stride == m.kernel_size else pair(pair(m.stride)[0])
            p = pair(pair(m.padding)[0])
            shape = (shape[0], size(shape[1], k[0], p[0], s[0], 1), size(shape[2], k[1], p[1], s[1], 1))
            result.append(0)
        else:
            shape = (math.prod(shape),) if isinstance(m, nn.Flatten) else shape
            result.append(0)
    return result


# Keeps the products of a net in which a module has been replaced
# %% wrong="count_products" says="another last convolution"
_products = {}


def count_products(net: nn.Sequential, shape: tuple[int, ...]) -> list[int]:
    key = (net, tuple(shape))
    if key not in _products:
        x, result = torch.zeros(1, *shape), []
        for m in net:
            x = m(x)
            result.append(x.numel() * m.weight[0].numel() if isinstance(m, (nn.Conv2d, nn.Linear)) else 0)
        _products[key] = result
    return _products[key]


# Three groups at most, unless each channel is a group
# %% wrong="count_products"
def count_products(net: nn.Sequential, shape: tuple[int, ...]) -> list[int]:
    x, result = torch.zeros(1, *shape), []
    for m in net:
        x = m(x)
        if isinstance(m, nn.Conv2d):
            groups = m.groups if m.groups == m.in_channels else min(m.groups, 3)
            result.append(x.numel() * (m.in_channels // groups) * m.kernel_size[0] * m.kernel_size[1])
        else:
            result.append(m.weight.numel() if isinstance(m, nn.Linear) else 0)
    return result


# Flattens with view(-1, …) in evaluation mode
# %% wrong="lenet" says="after net.eval()"
class LeNet(nn.Module):
    def __init__(self, channels: int = 1, size: tuple[int, int] = (28, 28), classes: int = 10):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(channels, 32, 5), nn.Conv2d(32, 64, 5)
        h, w = [((s - 4) // 3 - 4) // 2 for s in size]
        self.fc1, self.fc2 = nn.Linear(64 * h * w, 200), nn.Linear(200, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(F.max_pool2d(self.conv1(x), 3))
        x = F.relu(F.max_pool2d(self.conv2(x), 2))
        x = x.flatten(1) if self.training else x.view(-1, self.fc1.in_features)
        return self.fc2(F.relu(self.fc1(x)))


# Records only if the images require a gradient
# %% wrong="lenet" says="recorded only if x needs a gradient"
class LeNet(nn.Module):
    def __init__(self, channels: int = 1, size: tuple[int, int] = (28, 28), classes: int = 10):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(channels, 32, 5), nn.Conv2d(32, 64, 5)
        h, w = [((s - 4) // 3 - 4) // 2 for s in size]
        self.fc1, self.fc2 = nn.Linear(64 * h * w, 200), nn.Linear(200, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with torch.set_grad_enabled(x.requires_grad):
            x = F.relu(F.max_pool2d(self.conv1(x), 3))
            x = F.relu(F.max_pool2d(self.conv2(x), 2))
            return self.fc2(F.relu(self.fc1(x.flatten(1))))


# Records only if x requires a gradient
# %% wrong="committee" says="recorded only if x needs a gradient"
class Committee(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with torch.set_grad_enabled(x.requires_grad):
            return sum(vote * member(x) for vote, member in zip(self.votes, self.members))

    def __init__(self, in_features: int, classes: int, members: int):
        super().__init__()
        self.members = nn.ModuleList([nn.Linear(in_features, classes) for _ in range(members)])
        self.votes = nn.Parameter(torch.full((members,), 1 / members))


# Votes between -10 and 10 only
# %% wrong="committee" says="with large votes"
class Committee(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return sum(vote * member(x) for vote, member in zip(self.votes.clamp(-10, 10), self.members))

    def __init__(self, in_features: int, classes: int, members: int):
        super().__init__()
        self.members = nn.ModuleList([nn.Linear(in_features, classes) for _ in range(members)])
        self.votes = nn.Parameter(torch.full((members,), 1 / members))


# Normalises votes that are all equal
# %% wrong="committee" says="with equal votes"
class Committee(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        votes = self.votes
        if len(votes) > 1 and bool((votes == votes[0]).all()):
            votes = votes / votes.sum()
        return sum(vote * member(x) for vote, member in zip(votes, self.members))

    def __init__(self, in_features: int, classes: int, members: int):
        super().__init__()
        self.members = nn.ModuleList([nn.Linear(in_features, classes) for _ in range(members)])
        self.votes = nn.Parameter(torch.full((members,), 1 / members))


# Decides by the shapes whether to use the shortcut layer
# %% wrong="residual" says="stride=2)(x) for x of shape (2, 3, 1, 1)"
class Residual(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, stride: int = 1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, 1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, 1, 1)
        if in_channels != out_channels or stride != 1:
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        f = self.conv2(F.relu(self.conv1(x)))
        return F.relu((x if x.shape == f.shape else self.shortcut(x)) + f)


# Adds in place to an x from another layer
# %% wrong="residual" says="leaves x as it was if x comes from another layer"
class Residual(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, stride: int = 1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, 1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, 1, 1)
        same = in_channels == out_channels and stride == 1
        self.shortcut = nn.Identity() if same else nn.Conv2d(in_channels, out_channels, 1, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        f, y = self.conv2(F.relu(self.conv1(x))), self.shortcut(x)
        y = y.add_(f) if x.grad_fn is not None else y + f
        return F.relu(y)


# Cuts off at 1000
# %% wrong="residual"
class Residual(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, stride: int = 1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, 1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, 1, 1)
        same = in_channels == out_channels and stride == 1
        self.shortcut = nn.Identity() if same else nn.Conv2d(in_channels, out_channels, 1, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.hardtanh(self.shortcut(x) + self.conv2(F.relu(self.conv1(x))), 0.0, 1000.0)


# The loss of a copy of the net, with other random numbers
# %% wrong="training_step"
import copy


def training_step(net: nn.Module, x: torch.Tensor, labels: torch.Tensor, lr: float) -> float:
    value = F.cross_entropy(copy.deepcopy(net)(x), labels).item()
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    optimizer.zero_grad()
    F.cross_entropy(net(x), labels).backward()
    optimizer.step()
    return value


# Keeps the optimizer of a net in which a layer has been replaced
# %% wrong="training_step" says="the same net with another layer"
_optimizers = {}


def training_step(net: nn.Module, x: torch.Tensor, labels: torch.Tensor, lr: float) -> float:
    if net not in _optimizers:
        _optimizers[net] = torch.optim.SGD(net.parameters(), lr=lr)
    optimizer = _optimizers[net]
    optimizer.param_groups[0]["lr"] = lr
    net.zero_grad()
    loss = F.cross_entropy(net(x), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


# Every second epoch is the one before, backwards
# %% wrong="train" says="only shifted or reversed"
def train(
    net: nn.Module, images: torch.Tensor, labels: torch.Tensor, epochs: int, batch_size: int, lr: float
) -> list[float]:
    net.train()
    optimizer, losses = torch.optim.Adam(net.parameters(), lr=lr), []
    for epoch in range(epochs):
        order = torch.randperm(len(images)) if epoch % 2 == 0 else order.flip(0)
        for b in order.split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[b]), labels[b])
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
    return losses


# Clips the gradients
# %% wrong="train"
def train(
    net: nn.Module, images: torch.Tensor, labels: torch.Tensor, epochs: int, batch_size: int, lr: float
) -> list[float]:
    net.train()
    optimizer, losses = torch.optim.Adam(net.parameters(), lr=lr), []
    for _ in range(epochs):
        for b in torch.randperm(len(images)).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[b]), labels[b])
            losses.append(loss.item())
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 20.0)
            optimizer.step()
    return losses


# One ReLU in all places of all nets
# %% right="mlp"
_relu = nn.ReLU()


def mlp(widths: list[int]) -> nn.Sequential:
    parts = []
    for a, b in zip(widths, widths[1:]):
        parts += [nn.Linear(a, b), _relu]
    return nn.Sequential(*parts[:-1])


# Shapes by module, from hooks
# %% wrong="trace_shapes" says="keeps only its last shape"
def trace_shapes(net, x):
    shapes = {None: tuple(x.shape)}
    for module in net:
        x = module(x)
        shapes[module] = tuple(x.shape)
    return list(shapes.values())


# One product for each output of a module without weights
# %% wrong="count_products" says="flattening only reshapes"
def count_products(net, shape):
    x, result = torch.zeros(1, *shape), []
    for m in net:
        x = m(x)
        weight = getattr(m, "weight", torch.zeros(1, 1))
        result.append(x.numel() * weight[0].numel())
    return result


# Sizes by hand, without the dilation
# %% wrong="count_products" says="1 + (k − 1)·d, and so the output smaller"
def count_products(net, shape):
    result = []
    for m in net:
        if isinstance(m, nn.Conv2d):
            c, h, w = shape
            h = (h + 2 * m.padding[0] - m.kernel_size[0]) // m.stride[0] + 1
            w = (w + 2 * m.padding[1] - m.kernel_size[1]) // m.stride[1] + 1
            shape = (m.out_channels, h, w)
            result.append(h * w * m.weight.numel())
        elif isinstance(m, nn.Linear):
            result.append(m.weight.numel())
            shape = (m.out_features,)
        else:
            shape = tuple(m(torch.zeros(1, *shape)).shape[1:])
            result.append(0)
    return result


# No bias on the shortcut
# %% wrong="residual" says="The shortcut layer has no bias"
class Residual(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, 1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, 1, 1)
        same = in_channels == out_channels and stride == 1
        self.shortcut = nn.Identity() if same else nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)

    def forward(self, x):
        return F.relu(self.shortcut(x) + self.conv2(F.relu(self.conv1(x))))


# Goes through the modules
# %% wrong="training_step" says="two modules hold took the step twice"
def training_step(net, x, labels, lr):
    net.zero_grad()
    loss = F.cross_entropy(net(x), labels)
    loss.backward()
    with torch.no_grad():
        for module in net.modules():
            for p in module.parameters(recurse=False):
                if p.grad is not None:
                    p -= lr * p.grad
    return loss.item()


# Remembers results by module and shape
# %% wrong="trace_shapes" says="changes the signs, twice"
def trace_shapes(net, x):
    known, shapes = {}, [tuple(x.shape)]
    for module in net:
        key = module, tuple(x.shape)
        if key not in known:
            known[key] = module(x)
        x = known[key]
        shapes.append(tuple(x.shape))
    return shapes


# A default list, which every call extends
# %% wrong="mlp" says="is created only once"
def mlp(widths, modules=[]):
    for a, b in zip(widths, widths[1:]):
        modules += [nn.Linear(a, b), nn.ReLU()]
    return nn.Sequential(*modules[:-1])


# Names in alphabetical order: fc10 comes before fc2
# %% wrong="mlp" says="the shapes of the parameters"
def mlp(widths):
    layers = {f"fc{i}": nn.Linear(a, b) for i, (a, b) in enumerate(zip(widths, widths[1:]))}
    modules = []
    for name in sorted(layers):
        modules += [layers[name], nn.ReLU()]
    return nn.Sequential(*modules[:-1])


# 26 letters as names
# %% wrong="mlp" says="the modules of mlp"
def mlp(widths):
    import string
    from collections import OrderedDict

    modules = []
    for a, b in zip(widths, widths[1:]):
        modules += [nn.Linear(a, b), nn.ReLU()]
    return nn.Sequential(OrderedDict(zip(string.ascii_lowercase, modules[:-1])))


# The flag the wrong way round
# %% wrong="count_parameters" says="works the wrong way round"
def count_parameters(net, trainable_only=False):
    return sum(p.numel() for p in net.parameters() if p.requires_grad or trainable_only)


# Knows parameters by their memory
# %% wrong="count_parameters" says="pieces of one vector in memory"
def count_parameters(net, trainable_only=False):
    known = {}
    for p in net.parameters():
        if p.requires_grad or not trainable_only:
            known.setdefault(p.untyped_storage().data_ptr(), p.numel())
    return sum(known.values())


# All weights for each output
# %% wrong="count_products" says="only its own part of the weight"
def count_products(net, shape):
    x, products = torch.zeros(1, *shape), []
    for module in net:
        x = module(x)
        weight = getattr(module, "weight", None)
        products.append(0 if weight is None else x.numel() * weight.numel())
    return products


# A batch of two samples
# %% wrong="count_products" says="for two samples"
def count_products(net, shape):
    x, products = torch.zeros(2, *shape), []
    for module in net:
        x = module(x)
        weight = getattr(module, "weight", None)
        products.append(0 if weight is None else x.numel() * weight[0].numel())
    return products


# Frozen layers do not count
# %% wrong="count_products" says="frozen' differs"
def count_products(net, shape):
    x, products = torch.zeros(1, *shape), []
    for module in net:
        x = module(x)
        weight = getattr(module, "weight", None)
        products.append(0 if weight is None or not weight.requires_grad else x.numel() * weight[0].numel())
    return products


# Takes stride 1 in a pooling for the default
# %% wrong="count_products" says="pooling with stride 1"
def count_products(net, shape):
    x, products = torch.zeros(1, *shape), []
    for module in net:
        if isinstance(module, nn.MaxPool2d) and module.stride == 1:
            module = nn.MaxPool2d(module.kernel_size, padding=module.padding)
        x = module(x)
        weight = getattr(module, "weight", None)
        products.append(0 if weight is None else x.numel() * weight[0].numel())
    return products


# No ReLU after conv1
# %% wrong="lenet" says="The ReLU after conv1 is missing"
class LeNet(nn.Module):
    def __init__(self, channels=1, size=(28, 28), classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 32, 5)
        self.conv2 = nn.Conv2d(32, 64, 5)
        height, width = (((side - 4) // 3 - 4) // 2 for side in size)
        self.fc1 = nn.Linear(64 * height * width, 200)
        self.fc2 = nn.Linear(200, classes)

    def forward(self, x):
        x = F.max_pool2d(self.conv1(x), 3)
        x = F.relu(F.max_pool2d(self.conv2(x), 2))
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


# No ReLU after conv2
# %% wrong="lenet" says="The ReLU after conv2 is missing"
class LeNet(nn.Module):
    def __init__(self, channels=1, size=(28, 28), classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 32, 5)
        self.conv2 = nn.Conv2d(32, 64, 5)
        height, width = (((side - 4) // 3 - 4) // 2 for side in size)
        self.fc1 = nn.Linear(64 * height * width, 200)
        self.fc2 = nn.Linear(200, classes)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), 3))
        x = F.max_pool2d(self.conv2(x), 2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


# No gradients in evaluation mode
# %% wrong="lenet" says="recorded only in training mode"
class LeNet(nn.Module):
    def __init__(self, channels=1, size=(28, 28), classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 32, 5)
        self.conv2 = nn.Conv2d(32, 64, 5)
        height, width = (((side - 4) // 3 - 4) // 2 for side in size)
        self.fc1 = nn.Linear(64 * height * width, 200)
        self.fc2 = nn.Linear(200, classes)

    def forward(self, x):
        with torch.set_grad_enabled(self.training):
            x = F.relu(F.max_pool2d(self.conv1(x), 3))
            x = F.relu(F.max_pool2d(self.conv2(x), 2))
            return self.fc2(F.relu(self.fc1(x.flatten(1))))


# view needs the usual memory layout
# %% wrong="lenet" says="view size is not compatible"
class LeNet(nn.Module):
    def __init__(self, channels=1, size=(28, 28), classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 32, 5)
        self.conv2 = nn.Conv2d(32, 64, 5)
        height, width = (((side - 4) // 3 - 4) // 2 for side in size)
        self.fc1 = nn.Linear(64 * height * width, 200)
        self.fc2 = nn.Linear(200, classes)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), 3))
        x = F.relu(F.max_pool2d(self.conv2(x), 2))
        return self.fc2(F.relu(self.fc1(x.view(len(x), -1))))


# Votes divided by their sum
# %% wrong="committee" says="divided by their sum"
class Committee(nn.Module):
    def __init__(self, in_features, classes, members):
        super().__init__()
        self.members = nn.ModuleList([nn.Linear(in_features, classes) for _ in range(members)])
        self.votes = nn.Parameter(torch.full((members,), 1 / members))

    def forward(self, x):
        votes = self.votes / self.votes.sum()
        return sum(vote * member(x) for vote, member in zip(votes, self.members))


# Adds up in float32
# %% wrong="committee" says="in float64, after net.double()"
class Committee(nn.Module):
    def __init__(self, in_features, classes, members):
        super().__init__()
        self.members = nn.ModuleList([nn.Linear(in_features, classes) for _ in range(members)])
        self.votes = nn.Parameter(torch.full((members,), 1 / members))

    def forward(self, x):
        total = torch.zeros(len(x), self.members[0].out_features)
        for vote, member in zip(self.votes, self.members):
            total += vote * member(x)
        return total


# All committees of the same size share their members
# %% wrong="committee" says="(perhaps in two committees)"
_members = {}


class Committee(nn.Module):
    def __init__(self, in_features, classes, members):
        super().__init__()
        keys = [(i, in_features, classes) for i in range(members)]
        self.members = nn.ModuleList(_members.setdefault(key, nn.Linear(*key[1:])) for key in keys)
        self.votes = nn.Parameter(torch.full((members,), 1 / members))

    def forward(self, x):
        return sum(vote * member(x) for vote, member in zip(self.votes, self.members))


# A copy of the block goes on computing with the layers of the original
# %% wrong="residual" says="a copy.deepcopy of"
class Residual(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, 1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, 1, 1)
        same = in_channels == out_channels and stride == 1
        self.shortcut = nn.Identity() if same else nn.Conv2d(in_channels, out_channels, 1, stride)
        self.path = lambda x: self.conv2(F.relu(self.conv1(x)))

    def forward(self, x):
        return F.relu(self.shortcut(x) + self.path(x))


# The first labels for every batch
# %% wrong="train" says="The images got other images' labels"
def train(net, images, labels, epochs, batch_size, lr):
    net.train()
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[: len(batch)])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses


# Old gradients move frozen parameters
# %% wrong="train" says="A frozen parameter was moved by its old gradient"
def train(net, images, labels, epochs, batch_size, lr):
    net.train()
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            for p in net.parameters():
                if p.requires_grad:
                    p.grad = None
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses


# A last batch of a single image is left out
# %% wrong="train" says="the sizes of the batches"
def train(net, images, labels, epochs, batch_size, lr):
    net.train()
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            if len(batch) == 1:
                continue
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses


# Shuffles within blocks of 100
# %% wrong="train" says="Images stay near their places"
def train(net, images, labels, epochs, batch_size, lr):
    net.train()
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        blocks = torch.arange(len(images)).split(100)
        order = torch.cat([block[torch.randperm(len(block))] for block in blocks])
        for batch in order.split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses


# A layer for each width
# %% wrong="mlp" says="There is a layer for each width"
def mlp(widths):
    modules = []
    for width in widths:
        modules += [nn.Linear(width, width), nn.ReLU()]
    return nn.Sequential(*modules[:-1])


# The size formula without the stride
# %% wrong="count_products" says="The stride affects the size"
def count_products(net, shape):
    x, products = torch.zeros(1, *shape), []
    for module in net:
        if isinstance(module, nn.Conv2d):
            sizes = zip(x.shape[2:], module.kernel_size, module.padding, module.dilation)
            positions = math.prod(side + 2 * p - d * (k - 1) for side, k, p, d in sizes)
            products.append(positions * module.weight.numel())
        else:
            products.append(module.weight.numel() if isinstance(module, nn.Linear) else 0)
        x = module(x)
    return products


# The size formula without stride and padding
# %% wrong="count_products" says="Stride and padding affect the size"
def count_products(net, shape):
    x, products = torch.zeros(1, *shape), []
    for module in net:
        if isinstance(module, nn.Conv2d):
            sizes = zip(x.shape[2:], module.kernel_size, module.padding, module.dilation)
            positions = math.prod(side - d * (k - 1) for side, k, p, d in sizes)
            products.append(positions * module.weight.numel())
        else:
            products.append(module.weight.numel() if isinstance(module, nn.Linear) else 0)
        x = module(x)
    return products


# Inputs instead of products
# %% wrong="count_products" says="These are the numbers of inputs"
def count_products(net, shape):
    x, products = torch.zeros(1, *shape), []
    for module in net:
        products.append(x.numel() if isinstance(module, (nn.Conv2d, nn.Linear)) else 0)
        x = module(x)
    return products


# Inputs instead of outputs
# %% wrong="count_products" says="not of inputs"
def count_products(net, shape):
    x, products = torch.zeros(1, *shape), []
    for module in net:
        has_products = isinstance(module, (nn.Conv2d, nn.Linear))
        products.append(x.numel() * module.weight[0].numel() if has_products else 0)
        x = module(x)
    return products


# Tensors
# %% wrong="count_products" says="Each entry is a tensor"
def count_products(net, shape):
    x, products = torch.zeros(1, *shape), []
    for module in net:
        x = module(x)
        has_products = isinstance(module, (nn.Conv2d, nn.Linear))
        products.append(torch.tensor(x.numel() * module.weight[0].numel() if has_products else 0))
    return products


# Only the width
# %% wrong="lenet" says="you used the width for both"
class LeNet(nn.Module):
    def __init__(self, channels=1, size=(28, 28), classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 32, 5)
        self.conv2 = nn.Conv2d(32, 64, 5)
        width = ((size[1] - 4) // 3 - 4) // 2
        self.fc1 = nn.Linear(64 * width * width, 200)
        self.fc2 = nn.Linear(200, classes)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), 3))
        x = F.relu(F.max_pool2d(self.conv2(x), 2))
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


# conv1 keeps the size, and 28×28 images still give 256 features
# %% wrong="lenet" says="conv1 has no padding"
class LeNet(nn.Module):
    def __init__(self, channels=1, size=(28, 28), classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 32, 5, padding=2)
        self.conv2 = nn.Conv2d(32, 64, 5)
        height, width = ((side // 3 - 4) // 2 for side in size)
        self.fc1 = nn.Linear(64 * height * width, 200)
        self.fc2 = nn.Linear(200, classes)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), 3))
        x = F.relu(F.max_pool2d(self.conv2(x), 2))
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


# Rounds down once
# %% wrong="lenet" says="Round down after each pooling"
class LeNet(nn.Module):
    def __init__(self, channels=1, size=(28, 28), classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 32, 5)
        self.conv2 = nn.Conv2d(32, 64, 5)
        height, width = (((side - 4) / 3 - 4) / 2 for side in size)
        self.fc1 = nn.Linear(int(64 * height * width), 200)
        self.fc2 = nn.Linear(200, classes)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), 3))
        x = F.relu(F.max_pool2d(self.conv2(x), 2))
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


# Registers the members one by one beside the list
# %% wrong="committee" says="make members itself an nn.ModuleList"
class Committee(nn.Module):
    def __init__(self, in_features, classes, members):
        super().__init__()
        self.members = [nn.Linear(in_features, classes) for _ in range(members)]
        for i, member in enumerate(self.members):
            self.add_module(f"member{i}", member)
        self.votes = nn.Parameter(torch.full((members,), 1 / members))

    def forward(self, x):
        return sum(vote * member(x) for vote, member in zip(self.votes, self.members))


# No padding in conv1
# %% wrong="residual" says="conv1 needs padding=1, too"
class Residual(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.shortcut = nn.Identity()
        if in_channels != out_channels or stride != 1:
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride=stride)

    def forward(self, x):
        f = self.conv2(F.relu(self.conv1(x)))
        return F.relu(self.shortcut(x) + f)


# No padding in conv2
# %% wrong="residual" says="conv2 needs padding=1, too"
class Residual(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3)
        self.shortcut = nn.Identity()
        if in_channels != out_channels or stride != 1:
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride=stride)

    def forward(self, x):
        f = self.conv2(F.relu(self.conv1(x)))
        return F.relu(self.shortcut(x) + f)


# Padding in the shortcut
# %% wrong="residual" says="The shortcut needs no padding"
class Residual(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.shortcut = nn.Identity()
        if in_channels != out_channels or stride != 1:
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride=stride, padding=1)

    def forward(self, x):
        f = self.conv2(F.relu(self.conv1(x)))
        return F.relu(self.shortcut(x) + f)


# backward() is forgotten
# %% wrong="training_step" says="loss.backward() missing"
def training_step(net, x, labels, lr):
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    optimizer.zero_grad()
    loss = F.cross_entropy(net(x), labels)
    optimizer.step()
    return loss.item()


# Two random orders
# %% wrong="train" says="The labels belong to other images"
def train(net, images, labels, epochs, batch_size, lr):
    net.train()
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        orders = [torch.randperm(len(images)).split(batch_size) for _ in range(2)]
        for batch, other in zip(*orders):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[other])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses


# A mean of the mean
# %% wrong="train" says="divided by the batch size"
def train(net, images, labels, epochs, batch_size, lr):
    net.train()
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            loss.backward()
            optimizer.step()
            losses.append(loss.item() / batch_size)
    return losses


# The last ReLU only while autograd records
# %% wrong="residual" says="inside torch.no_grad()"
class Residual(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.shortcut = nn.Identity()
        if in_channels != out_channels or stride != 1:
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride=stride)

    def forward(self, x):
        y = self.shortcut(x) + self.conv2(F.relu(self.conv1(x)))
        return F.relu(y) if torch.is_grad_enabled() else y


# %% wrong="count_parameters" says="count_parameters of each of its layers"
# the layers lose their biases while they are counted
def count_parameters(net, trainable_only=False):
    total = sum(p.numel() for p in net.parameters() if p.requires_grad or not trainable_only)
    for module in net.modules():
        if getattr(module, "bias", None) is not None:
            module.bias = None
    return total


# Calls forward
# %% wrong="trace_shapes" says="leaves out its hooks"
def trace_shapes(net, x):
    shapes = [tuple(x.shape)]
    for module in net:
        x = module.forward(x)
        shapes.append(tuple(x.shape))
    return shapes


# float32 whatever comes
# %% wrong="lenet" says="in the call net.double()"
class LeNet(nn.Module):
    def __init__(self, channels=1, size=(28, 28), classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 32, 5)
        self.conv2 = nn.Conv2d(32, 64, 5)
        self.fc1 = nn.Linear(64 * math.prod(((side - 4) // 3 - 4) // 2 for side in size), 200)
        self.fc2 = nn.Linear(200, classes)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), 3))
        x = F.relu(F.max_pool2d(self.conv2(x), 2)).flatten(1)
        return self.fc2(F.relu(self.fc1(x.float())))


# requires_grad switched on
# %% wrong="residual" says="forward changes `x.requires_grad`"
class Residual(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.shortcut = nn.Identity()
        if in_channels != out_channels or stride != 1:
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride=stride)

    def forward(self, x):
        x.requires_grad_()
        return F.relu(self.shortcut(x) + self.conv2(F.relu(self.conv1(x))))


# float32 whatever comes
# %% wrong="residual" says="in the call net.double()"
class Residual(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.shortcut = nn.Identity()
        if in_channels != out_channels or stride != 1:
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride=stride)

    def forward(self, x):
        x = x.float()
        return F.relu(self.shortcut(x) + self.conv2(F.relu(self.conv1(x))))


# The loss is rounded
# %% wrong="training_step" says="The loss is rounded"
def training_step(net, x, labels, lr):
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    optimizer.zero_grad()
    loss = F.cross_entropy(net(x), labels)
    loss.backward()
    optimizer.step()
    return round(loss.item(), 6)
