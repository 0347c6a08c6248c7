# %% [markdown]
# Other answers to the exercises of `10_modules`: right ones that the checks must accept, wrong ones that they must
# reject with a message that leads to the mistake.


# %% right="trace_shapes"
def trace_shapes(net, x):
    return [tuple(net[:i](x).shape) for i in range(len(net) + 1)]


# %% right="trace_shapes"
def trace_shapes(net, x):
    shapes = [x.shape]
    for module in net.children():
        x = module(x)
        shapes += [x.shape]
    return shapes


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
# %% wrong="trace_shapes" says="The sample dimension belongs to the shape"
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


# No return
# %% wrong="trace_shapes" says="is a `return` missing?"
def trace_shapes(net, x):
    shapes = [tuple(x.shape)]
    for module in net:
        x = module(x)
        shapes.append(tuple(x.shape))


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


# A ReLU behind the last layer, too
# %% wrong="mlp" says="There is a ReLU behind the last layer"
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
# %% wrong="mlp" says="The first module is no linear layer"
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
# %% wrong="mlp" says="What comes back is no module"
def mlp(widths):
    modules = []
    for c, d in zip(widths, widths[1:]):
        modules += [nn.Linear(c, d), nn.ReLU()]
    return modules[:-1]


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


# Counts the tensors
# %% wrong="count_parameters" says="These are the tensors"
def count_parameters(net, trainable_only=False):
    return len([p for p in net.parameters() if p.requires_grad or not trainable_only])


# Weights alone
# %% wrong="count_parameters" says="The biases are missing"
def count_parameters(net, trainable_only=False):
    return sum(p.numel() for name, p in net.named_parameters() if "weight" in name)


# The flag is not looked at
# %% wrong="count_parameters" says="trainable_only makes no difference"
def count_parameters(net, trainable_only=False):
    return sum(p.numel() for p in net.parameters())


# Frozen ones never count
# %% wrong="count_parameters" says="only with trainable_only=True"
def count_parameters(net, trainable_only=False):
    return sum(p.numel() for p in net.parameters() if p.requires_grad)


# The condition the wrong way round
# %% wrong="count_parameters" says="These are the frozen ones"
def count_parameters(net, trainable_only=False):
    return sum(p.numel() for p in net.parameters() if not trainable_only or not p.requires_grad)


# The state_dict also holds buffers
# %% wrong="count_parameters" says="Buffers are no parameters"
def count_parameters(net, trainable_only=False):
    if trainable_only:
        return sum(p.numel() for p in net.parameters() if p.requires_grad)
    return sum(value.numel() for value in net.state_dict().values())


# Goes through the modules and into each again
# %% wrong="count_parameters" says="Each parameter is counted twice"
def count_parameters(net, trainable_only=False):
    return sum(p.numel() for m in net.modules() for p in m.parameters() if p.requires_grad or not trainable_only)


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
    outputs = []
    handles = [m.register_forward_hook(lambda module, args, out: outputs.append(out[0].numel())) for m in net]
    net(torch.zeros(1, *shape))
    for handle in handles:
        handle.remove()
    weights = [m.weight.numel() // m.weight.shape[0] if hasattr(m, "weight") else 0 for m in net]
    return [n * w for n, w in zip(outputs, weights)]


# Biases count as products
# %% wrong="count_products" says="A bias is added, not multiplied"
def count_products(net, shape):
    x, products = torch.zeros(1, *shape), []
    for module in net:
        x = module(x)
        has = isinstance(module, (nn.Conv2d, nn.Linear))
        products.append(x.numel() * (module.weight[0].numel() + 1) if has else 0)
    return products


# The weights, without the positions
# %% wrong="count_products" says="used again at every position"
def count_products(net, shape):
    return [m.weight.numel() if isinstance(m, (nn.Conv2d, nn.Linear)) else 0 for m in net]


# Parameters
# %% wrong="count_products" says="These are the parameters"
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
# %% wrong="count_products" says="A kernel reaches through all input channels"
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


# Groups are forgotten
# %% wrong="count_products" says="With groups each kernel sees C / groups channels"
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


# Modules without products are left out
# %% wrong="count_products" says="write 0 for the others"
def count_products(net, shape):
    x, products = torch.zeros(1, *shape), []
    for module in net:
        x = module(x)
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            products.append(x.numel() * module.weight[0].numel())
    return products


# Square kernels only
# %% wrong="count_products" says="kernel of 2×5"
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


# The sum alone
# %% wrong="count_products" says="This is the sum"
def count_products(net, shape):
    x, total = torch.zeros(1, *shape), 0
    for module in net:
        x = module(x)
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            total += x.numel() * module.weight[0].numel()
    return total


# %% right="lenet"
class LeNet(nn.Module):
    def __init__(self, classes=10):
        super(LeNet, self).__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 5), nn.Conv2d(32, 64, 5)
        self.pool1, self.pool2, self.relu, self.flatten = nn.MaxPool2d(3), nn.MaxPool2d(2), nn.ReLU(), nn.Flatten()
        self.fc1, self.fc2 = nn.Linear(256, 200), nn.Linear(200, classes)

    def forward(self, x):
        x = self.pool1(self.relu(self.conv1(x)))
        x = self.pool2(self.relu(self.conv2(x)))
        return self.fc2(self.relu(self.fc1(self.flatten(x))))


# %% right="lenet"
class LeNet(nn.Module):
    def __init__(self, classes: int = 10):
        super().__init__()
        self.fc2 = nn.Linear(200, classes)
        self.fc1 = nn.Linear(64 * 2 * 2, 200)
        self.conv2 = nn.Conv2d(32, 64, (5, 5))
        self.conv1 = nn.Conv2d(1, 32, (5, 5))

    def forward(self, x):
        h = F.max_pool2d(self.conv1(x), 3, 3).clamp(min=0)
        h = F.max_pool2d(self.conv2(h), 2, 2).clamp(min=0)
        h = h.view(x.shape[0], 256)
        return self.fc2(self.fc1(h).clamp(min=0))


# view(-1, 256)
# %% wrong="lenet" says="view(-1, 256) made 48 rows of 12 images"
class LeNet(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 5), nn.Conv2d(32, 64, 5)
        self.fc1, self.fc2 = nn.Linear(256, 200), nn.Linear(200, classes)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), kernel_size=3))
        x = F.relu(F.max_pool2d(self.conv2(x), kernel_size=2))
        return self.fc2(F.relu(self.fc1(x.view(-1, 256))))


# No ReLU behind fc1
# %% wrong="lenet" says="The ReLU behind fc1 is missing"
class LeNet(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 5), nn.Conv2d(32, 64, 5)
        self.fc1, self.fc2 = nn.Linear(256, 200), nn.Linear(200, classes)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), kernel_size=3))
        x = F.relu(F.max_pool2d(self.conv2(x), kernel_size=2))
        return self.fc2(self.fc1(x.flatten(1)))


# A ReLU on the logits
# %% wrong="lenet" says="There is a ReLU behind fc2"
class LeNet(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 5), nn.Conv2d(32, 64, 5)
        self.fc1, self.fc2 = nn.Linear(256, 200), nn.Linear(200, classes)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), kernel_size=3))
        x = F.relu(F.max_pool2d(self.conv2(x), kernel_size=2))
        return F.relu(self.fc2(F.relu(self.fc1(x.flatten(1)))))


# A softmax on the logits
# %% wrong="lenet" says="There is a softmax behind fc2"
class LeNet(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 5), nn.Conv2d(32, 64, 5)
        self.fc1, self.fc2 = nn.Linear(256, 200), nn.Linear(200, classes)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), kernel_size=3))
        x = F.relu(F.max_pool2d(self.conv2(x), kernel_size=2))
        return F.softmax(self.fc2(F.relu(self.fc1(x.flatten(1)))), dim=1)


# The convolutions without a ReLU
# %% wrong="lenet" says="The ReLUs behind both convolutions are missing"
class LeNet(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 5), nn.Conv2d(32, 64, 5)
        self.fc1, self.fc2 = nn.Linear(256, 200), nn.Linear(200, classes)

    def forward(self, x):
        x = F.max_pool2d(self.conv1(x), kernel_size=3)
        x = F.max_pool2d(self.conv2(x), kernel_size=2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


# No return
# %% wrong="lenet" says="is a `return` missing?"
class LeNet(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 5), nn.Conv2d(32, 64, 5)
        self.fc1, self.fc2 = nn.Linear(256, 200), nn.Linear(200, classes)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), kernel_size=3))
        x = F.relu(F.max_pool2d(self.conv2(x), kernel_size=2))
        x = self.fc2(F.relu(self.fc1(x.flatten(1))))


# super() is forgotten
# %% wrong="lenet" says="before Module.__init__() call"
class LeNet(nn.Module):
    def __init__(self, classes=10):
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 5), nn.Conv2d(32, 64, 5)
        self.fc1, self.fc2 = nn.Linear(256, 200), nn.Linear(200, classes)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), kernel_size=3))
        x = F.relu(F.max_pool2d(self.conv2(x), kernel_size=2))
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


# Layers made anew in every call
# %% wrong="lenet" says="No part is registered"
class LeNet(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.classes = classes

    def forward(self, x):
        x = F.relu(F.max_pool2d(nn.Conv2d(1, 32, 5)(x), kernel_size=3))
        x = F.relu(F.max_pool2d(nn.Conv2d(32, 64, 5)(x), kernel_size=2))
        return nn.Linear(200, self.classes)(F.relu(nn.Linear(256, 200)(x.flatten(1))))


# Always ten classes
# %% wrong="lenet" says="LeNet(classes=7)"
class LeNet(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 5), nn.Conv2d(32, 64, 5)
        self.fc1, self.fc2 = nn.Linear(256, 200), nn.Linear(200, 10)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), kernel_size=3))
        x = F.relu(F.max_pool2d(self.conv2(x), kernel_size=2))
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


# %% right="committee"
class Committee(nn.Module):
    def __init__(self, in_features, classes, members):
        super().__init__()
        self.members = nn.ModuleList()
        for _ in range(members):
            self.members.append(nn.Linear(in_features, classes))

    def forward(self, x):
        return torch.stack([member(x) for member in self.members]).mean(dim=0)


# %% right="committee"
class Committee(nn.Module):
    def __init__(self, in_features, classes, members):
        super().__init__()
        self.members = nn.ModuleList(nn.Linear(in_features, classes) for _ in range(members))

    def forward(self, x):
        total = self.members[0](x)
        for i in range(1, len(self.members)):
            total = total + self.members[i](x)
        return total / len(self.members)


# Still a list
# %% wrong="committee" says="Still nothing is registered"
class Committee(nn.Module):
    def __init__(self, in_features, classes, members):
        super().__init__()
        self.members = [nn.Linear(in_features, classes) for _ in range(members)]

    def forward(self, x):
        return sum(member(x) for member in self.members) / len(self.members)


# One layer, many times
# %% wrong="committee" says="make a new nn.Linear for each"
class Committee(nn.Module):
    def __init__(self, in_features, classes, members):
        super().__init__()
        self.members = nn.ModuleList([nn.Linear(in_features, classes)] * members)

    def forward(self, x):
        return sum(member(x) for member in self.members) / len(self.members)


# The sum
# %% wrong="committee" says="This is the sum"
class Committee(nn.Module):
    def __init__(self, in_features, classes, members):
        super().__init__()
        self.members = nn.ModuleList([nn.Linear(in_features, classes) for _ in range(members)])

    def forward(self, x):
        return sum(member(x) for member in self.members)


# The mean over another dimension
# %% wrong="committee" says="it goes over the members"
class Committee(nn.Module):
    def __init__(self, in_features, classes, members):
        super().__init__()
        self.members = nn.ModuleList([nn.Linear(in_features, classes) for _ in range(members)])

    def forward(self, x):
        return torch.stack([member(x) for member in self.members]).mean(-1)


# The ModuleList is called like a Sequential
# %% wrong="committee" says="forward"
class Committee(nn.Module):
    def __init__(self, in_features, classes, members):
        super().__init__()
        self.members = nn.ModuleList([nn.Linear(in_features, classes) for _ in range(members)])

    def forward(self, x):
        return self.members(x) / len(self.members)


# %% right="voting_committee"
class VotingCommittee(nn.Module):
    def __init__(self, in_features, classes, members):
        super().__init__()
        self.names = [(f"vote{i}", f"member{i}") for i in range(members)]
        for vote, member in self.names:
            setattr(self, vote, nn.Parameter(torch.ones(()) / members))
            setattr(self, member, nn.Linear(in_features, classes))

    def forward(self, x):
        total = 0
        for vote, member in self.names:
            total = total + getattr(self, vote) * getattr(self, member)(x)
        return total


# %% right="voting_committee"
class VotingCommittee(nn.Module):
    def __init__(self, in_features, classes, members):
        super().__init__()
        self.n = members
        for i in range(members):
            self.register_module(f"member{i}", nn.Linear(in_features, classes))
        for i in range(members):
            self.register_parameter(f"vote{i}", nn.Parameter(torch.full((), 1 / members)))

    def forward(self, x):
        votes = torch.stack([self.get_parameter(f"vote{i}") for i in range(self.n)])
        outputs = torch.stack([self.get_submodule(f"member{i}")(x) for i in range(self.n)])
        return torch.einsum("i,inc->nc", votes, outputs)


# Plain lists
# %% wrong="voting_committee" says="Nothing is registered"
class VotingCommittee(nn.Module):
    def __init__(self, in_features, classes, members):
        super().__init__()
        self.members = [nn.Linear(in_features, classes) for _ in range(members)]
        self.votes = [nn.Parameter(torch.tensor(1 / members)) for _ in range(members)]

    def forward(self, x):
        return sum(vote * member(x) for vote, member in zip(self.votes, self.members))


# Votes are plain tensors
# %% wrong="voting_committee" says="The votes are not registered"
class VotingCommittee(nn.Module):
    def __init__(self, in_features, classes, members):
        super().__init__()
        self.count = members
        for i in range(members):
            self.add_module(f"member{i}", nn.Linear(in_features, classes))
            setattr(self, f"vote{i}", torch.tensor(1 / members, requires_grad=True))

    def forward(self, x):
        return sum(getattr(self, f"vote{i}") * getattr(self, f"member{i}")(x) for i in range(self.count))


# Containers
# %% wrong="voting_committee" says="Register them in the module itself"
class VotingCommittee(nn.Module):
    def __init__(self, in_features, classes, members):
        super().__init__()
        self.members = nn.ModuleList([nn.Linear(in_features, classes) for _ in range(members)])
        self.votes = nn.ParameterList([nn.Parameter(torch.tensor(1 / members)) for _ in range(members)])

    def forward(self, x):
        return sum(vote * member(x) for vote, member in zip(self.votes, self.members))


# Votes of shape (1,)
# %% wrong="voting_committee" says="0-d tensors were asked for"
class VotingCommittee(nn.Module):
    def __init__(self, in_features, classes, members):
        super().__init__()
        self.count = members
        for i in range(members):
            self.add_module(f"member{i}", nn.Linear(in_features, classes))
            self.register_parameter(f"vote{i}", nn.Parameter(torch.tensor([1 / members])))

    def forward(self, x):
        return sum(getattr(self, f"vote{i}") * getattr(self, f"member{i}")(x) for i in range(self.count))


# Votes of 1, divided in forward
# %% wrong="voting_committee" says="1 / members was asked for"
class VotingCommittee(nn.Module):
    def __init__(self, in_features, classes, members):
        super().__init__()
        self.count = members
        for i in range(members):
            self.add_module(f"member{i}", nn.Linear(in_features, classes))
            self.register_parameter(f"vote{i}", nn.Parameter(torch.tensor(1.0)))

    def forward(self, x):
        return sum(getattr(self, f"vote{i}") * getattr(self, f"member{i}")(x) for i in range(self.count)) / self.count


# The votes are not used
# %% wrong="voting_committee" says="The votes are not used: this is the mean"
class VotingCommittee(nn.Module):
    def __init__(self, in_features, classes, members):
        super().__init__()
        self.count = members
        for i in range(members):
            self.add_module(f"member{i}", nn.Linear(in_features, classes))
            self.register_parameter(f"vote{i}", nn.Parameter(torch.tensor(1 / members)))

    def forward(self, x):
        return sum(getattr(self, f"member{i}")(x) for i in range(self.count)) / self.count


# The votes are read as numbers: no gradient
# %% wrong="voting_committee" says="the gradient of each vote"
class VotingCommittee(nn.Module):
    def __init__(self, in_features, classes, members):
        super().__init__()
        self.count = members
        for i in range(members):
            self.add_module(f"member{i}", nn.Linear(in_features, classes))
            self.register_parameter(f"vote{i}", nn.Parameter(torch.tensor(1 / members)))

    def forward(self, x):
        return sum(getattr(self, f"vote{i}").item() * getattr(self, f"member{i}")(x) for i in range(self.count))


# %% right="residual"
class Residual(nn.Module):
    def __init__(self, channels, kernel_size=3):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, kernel_size, padding="same")
        self.conv2 = nn.Conv2d(channels, channels, kernel_size, padding="same")

    def forward(self, x):
        f = self.conv1(x).relu()
        f = self.conv2(f)
        f += x
        return f.relu()


# %% right="residual"
class Residual(nn.Module):
    def __init__(self, channels, kernel_size=3):
        super().__init__()
        for name in ("conv1", "conv2"):
            self.add_module(name, nn.Conv2d(channels, channels, kernel_size, 1, (kernel_size - 1) // 2))
        self.relu = nn.ReLU()

    def forward(self, x):
        shortcut = x
        x = self.relu(self.conv1(x))
        x = self.conv2(x)
        return self.relu(torch.add(x, shortcut))


# The input is not added
# %% wrong="residual" says="The input is not added: that is the chain alone"
class Residual(nn.Module):
    def __init__(self, channels, kernel_size=3):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, kernel_size, padding=kernel_size // 2)
        self.conv2 = nn.Conv2d(channels, channels, kernel_size, padding=kernel_size // 2)

    def forward(self, x):
        return F.relu(self.conv2(F.relu(self.conv1(x))))


# x is overwritten before the sum
# %% wrong="residual" says="the output of conv1: x was overwritten"
class Residual(nn.Module):
    def __init__(self, channels, kernel_size=3):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, kernel_size, padding=kernel_size // 2)
        self.conv2 = nn.Conv2d(channels, channels, kernel_size, padding=kernel_size // 2)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        return F.relu(x + self.conv2(x))


# The last ReLU comes too early
# %% wrong="residual" says="The last ReLU comes before the sum"
class Residual(nn.Module):
    def __init__(self, channels, kernel_size=3):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, kernel_size, padding=kernel_size // 2)
        self.conv2 = nn.Conv2d(channels, channels, kernel_size, padding=kernel_size // 2)

    def forward(self, x):
        return x + F.relu(self.conv2(F.relu(self.conv1(x))))


# The last ReLU is missing
# %% wrong="residual" says="The ReLU at the end is missing"
class Residual(nn.Module):
    def __init__(self, channels, kernel_size=3):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, kernel_size, padding=kernel_size // 2)
        self.conv2 = nn.Conv2d(channels, channels, kernel_size, padding=kernel_size // 2)

    def forward(self, x):
        return x + self.conv2(F.relu(self.conv1(x)))


# x is changed in place
# %% wrong="residual" says="x is as it was"
class Residual(nn.Module):
    def __init__(self, channels, kernel_size=3):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, kernel_size, padding=kernel_size // 2)
        self.conv2 = nn.Conv2d(channels, channels, kernel_size, padding=kernel_size // 2)

    def forward(self, x):
        x += self.conv2(F.relu(self.conv1(x)))
        return F.relu(x)


# One convolution, used twice
# %% wrong="residual" says="There is one convolution only"
class Residual(nn.Module):
    def __init__(self, channels, kernel_size=3):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, kernel_size, padding=kernel_size // 2)

    def forward(self, x):
        return F.relu(x + self.conv1(F.relu(self.conv1(x))))


# Padding of 1 whatever the kernel
# %% wrong="residual"
class Residual(nn.Module):
    def __init__(self, channels, kernel_size=3):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, kernel_size, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, kernel_size, padding=1)

    def forward(self, x):
        return F.relu(x + self.conv2(F.relu(self.conv1(x))))


# A ReLU too many
# %% wrong="residual" says="between conv2 and the sum"
class Residual(nn.Module):
    def __init__(self, channels, kernel_size=3):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, kernel_size, padding="same")
        self.conv2 = nn.Conv2d(channels, channels, kernel_size, padding="same")

    def forward(self, x):
        return F.relu(x + F.relu(self.conv2(F.relu(self.conv1(x)))))


# %% right="training_step"
def training_step(net, x, labels, lr):
    parameters = [parameter for parameter in net.parameters() if parameter.requires_grad]
    loss = F.cross_entropy(net(x), labels)
    gradients = torch.autograd.grad(loss, parameters)
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients):
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


# The gradients add up
# %% wrong="training_step" says="The gradients of the first step were still there"
def training_step(net, x, labels, lr):
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    loss = F.cross_entropy(net(x), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


# No step
# %% wrong="training_step" says="The parameters did not change in the net"
def training_step(net, x, labels, lr):
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    optimizer.zero_grad()
    loss = F.cross_entropy(net(x), labels)
    loss.backward()
    return loss.item()


# Binds a name instead of changing the parameter
# %% wrong="training_step" says="The parameters did not change in the net"
def training_step(net, x, labels, lr):
    net.zero_grad()
    loss = F.cross_entropy(net(x), labels)
    loss.backward()
    for parameter in net.parameters():
        parameter = parameter - lr * parameter.grad
    return loss.item()


# The loss after the step
# %% wrong="training_step" says="This is the loss after the step"
def training_step(net, x, labels, lr):
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    optimizer.zero_grad()
    F.cross_entropy(net(x), labels).backward()
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


# A tensor comes back
# %% wrong="training_step" says="loss.item() makes a number of it"
def training_step(net, x, labels, lr):
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    optimizer.zero_grad()
    loss = F.cross_entropy(net(x), labels)
    loss.backward()
    optimizer.step()
    return loss.detach()


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
# %% wrong="training_step" says="This is a step of Adam"
def training_step(net, x, labels, lr):
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    optimizer.zero_grad()
    loss = F.cross_entropy(net(x), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


# The gradients are thrown away before the step
# %% wrong="training_step" says="set to zero before it"
def training_step(net, x, labels, lr):
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    loss = F.cross_entropy(net(x), labels)
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()
    return loss.item()


# %% right="train"
def train(images, labels, epochs, batch_size, lr):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(1, 32, 5), nn.Conv2d(32, 64, 5)
            self.fc1, self.fc2 = nn.Linear(256, 200), nn.Linear(200, 10)

        def forward(self, x):
            x = F.relu(F.max_pool2d(self.conv1(x), 3))
            x = F.relu(F.max_pool2d(self.conv2(x), 2))
            return self.fc2(F.relu(self.fc1(x.flatten(1))))

    net, losses = Net(), []
    optimizer = torch.optim.Adam(net.parameters(), lr)
    for _ in range(epochs):
        order = torch.randperm(len(labels))
        for i in range(0, len(labels), batch_size):
            batch = order[i : i + batch_size]
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss))
    return net, losses


# %% right="train"
def train(images, labels, epochs, batch_size, lr):
    convolutions = nn.Sequential(
        nn.Conv2d(1, 32, 5), nn.ReLU(), nn.MaxPool2d(3), nn.Conv2d(32, 64, 5), nn.ReLU(), nn.MaxPool2d(2)
    )
    net = nn.Sequential(convolutions, nn.Flatten(), nn.Linear(256, 200), nn.ReLU(), nn.Linear(200, 10))
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(images, labels), batch_size=batch_size, shuffle=True
    )
    optimizer, losses = torch.optim.Adam(net.parameters(), lr=lr), []
    for _ in range(epochs):
        for x, y in loader:
            net.zero_grad()
            loss = nn.functional.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return [net, losses]


# The images are shuffled, the labels are not
# %% wrong="train" says="each epoch visits every image once"
def train(images, labels, epochs, batch_size, lr):
    net = nn.Sequential(
        *[nn.Conv2d(1, 32, 5), nn.MaxPool2d(3), nn.ReLU(), nn.Conv2d(32, 64, 5), nn.MaxPool2d(2), nn.ReLU()],
        *[nn.Flatten(), nn.Linear(256, 200), nn.ReLU(), nn.Linear(200, 10)],
    )
    optimizer, losses = torch.optim.Adam(net.parameters(), lr=lr), []
    for _ in range(epochs):
        images = images[torch.randperm(len(images))]
        for x, y in zip(images.split(batch_size), labels.split(batch_size)):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
    return net, losses


# Never shuffled
# %% wrong="train" says="They come as they lie"
def train(images, labels, epochs, batch_size, lr):
    net = nn.Sequential(
        *[nn.Conv2d(1, 32, 5), nn.MaxPool2d(3), nn.ReLU(), nn.Conv2d(32, 64, 5), nn.MaxPool2d(2), nn.ReLU()],
        *[nn.Flatten(), nn.Linear(256, 200), nn.ReLU(), nn.Linear(200, 10)],
    )
    optimizer, losses = torch.optim.Adam(net.parameters(), lr=lr), []
    for _ in range(epochs):
        for x, y in zip(images.split(batch_size), labels.split(batch_size)):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
    return net, losses


# Shuffled once, before the epochs
# %% wrong="train" says="Draw a new order in each epoch"
def train(images, labels, epochs, batch_size, lr):
    net = nn.Sequential(
        *[nn.Conv2d(1, 32, 5), nn.MaxPool2d(3), nn.ReLU(), nn.Conv2d(32, 64, 5), nn.MaxPool2d(2), nn.ReLU()],
        *[nn.Flatten(), nn.Linear(256, 200), nn.ReLU(), nn.Linear(200, 10)],
    )
    optimizer, losses = torch.optim.Adam(net.parameters(), lr=lr), []
    order = torch.randperm(len(images))
    for _ in range(epochs):
        for batch in order.split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
    return net, losses


# The last, smaller batch is dropped
# %% wrong="train" says="The last batch, of 3 images, is missing"
def train(images, labels, epochs, batch_size, lr):
    net = nn.Sequential(
        *[nn.Conv2d(1, 32, 5), nn.MaxPool2d(3), nn.ReLU(), nn.Conv2d(32, 64, 5), nn.MaxPool2d(2), nn.ReLU()],
        *[nn.Flatten(), nn.Linear(256, 200), nn.ReLU(), nn.Linear(200, 10)],
    )
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
    return net, losses


# One loss per epoch
# %% wrong="train" says="One loss per epoch: one per step was asked for"
def train(images, labels, epochs, batch_size, lr):
    net = nn.Sequential(
        *[nn.Conv2d(1, 32, 5), nn.MaxPool2d(3), nn.ReLU(), nn.Conv2d(32, 64, 5), nn.MaxPool2d(2), nn.ReLU()],
        *[nn.Flatten(), nn.Linear(256, 200), nn.ReLU(), nn.Linear(200, 10)],
    )
    optimizer, losses = torch.optim.Adam(net.parameters(), lr=lr), []
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            loss.backward()
            optimizer.step()
        losses.append(loss.item())
    return net, losses


# A softmax too many
# %% wrong="train" says="There is a softmax before the loss"
def train(images, labels, epochs, batch_size, lr):
    net = nn.Sequential(
        *[nn.Conv2d(1, 32, 5), nn.MaxPool2d(3), nn.ReLU(), nn.Conv2d(32, 64, 5), nn.MaxPool2d(2), nn.ReLU()],
        *[nn.Flatten(), nn.Linear(256, 200), nn.ReLU(), nn.Linear(200, 10)],
    )
    optimizer, losses = torch.optim.Adam(net.parameters(), lr=lr), []
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]).softmax(1), labels[batch])
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
    return net, losses


# No step
# %% wrong="train" says="no step is taken"
def train(images, labels, epochs, batch_size, lr):
    net = nn.Sequential(
        *[nn.Conv2d(1, 32, 5), nn.MaxPool2d(3), nn.ReLU(), nn.Conv2d(32, 64, 5), nn.MaxPool2d(2), nn.ReLU()],
        *[nn.Flatten(), nn.Linear(256, 200), nn.ReLU(), nn.Linear(200, 10)],
    )
    optimizer, losses = torch.optim.Adam(net.parameters(), lr=lr), []
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            losses.append(loss.item())
            loss.backward()
    return net, losses


# The gradients add up
# %% wrong="train" says="The gradients of earlier steps are still there"
def train(images, labels, epochs, batch_size, lr):
    net = nn.Sequential(
        *[nn.Conv2d(1, 32, 5), nn.MaxPool2d(3), nn.ReLU(), nn.Conv2d(32, 64, 5), nn.MaxPool2d(2), nn.ReLU()],
        *[nn.Flatten(), nn.Linear(256, 200), nn.ReLU(), nn.Linear(200, 10)],
    )
    optimizer, losses = torch.optim.Adam(net.parameters(), lr=lr), []
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
    return net, losses


# Gradients set to zero once in an epoch
# %% wrong="train" says="The gradients of earlier steps are still there"
def train(images, labels, epochs, batch_size, lr):
    net = nn.Sequential(
        *[nn.Conv2d(1, 32, 5), nn.MaxPool2d(3), nn.ReLU(), nn.Conv2d(32, 64, 5), nn.MaxPool2d(2), nn.ReLU()],
        *[nn.Flatten(), nn.Linear(256, 200), nn.ReLU(), nn.Linear(200, 10)],
    )
    losses = []
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    for _ in range(epochs):
        optimizer.zero_grad()
        for batch in torch.randperm(len(images)).split(batch_size):
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
    return net, losses


# lr is not used
# %% wrong="train" says="The argument lr is not used"
def train(images, labels, epochs, batch_size, lr):
    net = nn.Sequential(
        *[nn.Conv2d(1, 32, 5), nn.MaxPool2d(3), nn.ReLU(), nn.Conv2d(32, 64, 5), nn.MaxPool2d(2), nn.ReLU()],
        *[nn.Flatten(), nn.Linear(256, 200), nn.ReLU(), nn.Linear(200, 10)],
    )
    losses = []
    optimizer = torch.optim.Adam(net.parameters())
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
    return net, losses


# The loss after the step
# %% wrong="train" says="note the loss down before the step"
def train(images, labels, epochs, batch_size, lr):
    net = nn.Sequential(
        *[nn.Conv2d(1, 32, 5), nn.MaxPool2d(3), nn.ReLU(), nn.Conv2d(32, 64, 5), nn.MaxPool2d(2), nn.ReLU()],
        *[nn.Flatten(), nn.Linear(256, 200), nn.ReLU(), nn.Linear(200, 10)],
    )
    losses = []
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            loss.backward()
            optimizer.step()
            losses.append(F.cross_entropy(net(images[batch]), labels[batch]).item())
    return net, losses


# A new optimizer in every epoch
# %% wrong="train" says="make it once"
def train(images, labels, epochs, batch_size, lr):
    net = nn.Sequential(
        *[nn.Conv2d(1, 32, 5), nn.MaxPool2d(3), nn.ReLU(), nn.Conv2d(32, 64, 5), nn.MaxPool2d(2), nn.ReLU()],
        *[nn.Flatten(), nn.Linear(256, 200), nn.ReLU(), nn.Linear(200, 10)],
    )
    losses = []
    for _ in range(epochs):
        optimizer = torch.optim.Adam(net.parameters(), lr=lr)
        for batch in torch.randperm(len(images)).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
    return net, losses


# SGD
# %% wrong="train" says="This is SGD"
def train(images, labels, epochs, batch_size, lr):
    net = nn.Sequential(
        *[nn.Conv2d(1, 32, 5), nn.MaxPool2d(3), nn.ReLU(), nn.Conv2d(32, 64, 5), nn.MaxPool2d(2), nn.ReLU()],
        *[nn.Flatten(), nn.Linear(256, 200), nn.ReLU(), nn.Linear(200, 10)],
    )
    losses = []
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
    return net, losses
