# %% [markdown]
# # Right and wrong answers to the exercises of 12_parameters_and_initialization
#
# The checks must accept the right ones and reject the wrong ones, with the message that leads to the mistake.


# %% right="collect"
def collect(net, last):
    return {name: p for name, p in net.named_parameters() if name.rpartition(".")[2] == last}


# %% right="collect"
def collect(net, last):
    from collections import OrderedDict

    return OrderedDict((name, p) for name, p in net.named_parameters() if name.split(".")[-1] == last)


# %% right="collect"
def collect(net, last):
    found = {}
    for name, parameter in net.named_parameters():
        if name == last or name.endswith("." + last):
            found[name] = parameter
    return found


# %% right="collect"
def collect(net, last):
    names = [name for name, _ in net.named_parameters()]
    return {name: net.get_parameter(name) for name in names if name.split(".")[-1] == last}


# %% wrong="collect" says="its last part is `my_bias`"
# letters instead of parts
def collect(net, last):
    return {name: p for name, p in net.named_parameters() if name.endswith(last)}


# %% wrong="collect" says="The name only contains"
# anywhere in the name
def collect(net, last):
    return {name: p for name, p in net.named_parameters() if last in name}


# %% wrong="collect" says="The frozen one is missing"
# trainable parameters only
def collect(net, last):
    return {name: p for name, p in net.named_parameters() if p.requires_grad and name.split(".")[-1] == last}


# %% wrong="collect" says="Only the linear layers were searched"
# linear layers only
def collect(net, last):
    found = {}
    for name, module in net.named_modules():
        if isinstance(module, nn.Linear) and getattr(module, last, None) is not None:
            found[f"{name}.{last}"] = getattr(module, last)
    return found


# %% wrong="collect" says="reaches one level only"
# the children only
def collect(net, last):
    found = {}
    for name, child in net.named_children():
        for own, parameter in child.named_parameters(recurse=False):
            if own == last:
                found[f"{name}.{own}"] = parameter
    return found


# %% wrong="collect" says="Nothing was found"
# the full name
def collect(net, last):
    return {name: p for name, p in net.named_parameters() if name == last}


# %% wrong="collect" says="Buffers are not parameters"
# the state_dict's names
def collect(net, last):
    found = dict(net.named_parameters()) | dict(net.named_buffers())
    return {name: found[name] for name in net.state_dict() if name.split(".")[-1] == last}


# %% wrong="collect" says="A shared parameter appears once"
# duplicates
def collect(net, last):
    return {n: p for n, p in net.named_parameters(remove_duplicate=False) if n.split(".")[-1] == last}


# %% wrong="collect" says="A name without a dot"
# a dot is needed
def collect(net, last):
    return {name: p for name, p in net.named_parameters() if name.endswith("." + last)}


# %% wrong="collect" says="Only the part after the last dot counts"
# any part of the name
def collect(net, last):
    return {name: p for name, p in net.named_parameters() if last in name.split(".")}


# %% wrong="collect" says="The keys are the full names"
# short names
def collect(net, last):
    return {last: p for name, p in net.named_parameters() if name.split(".")[-1] == last}


# %% wrong="collect" says="return the parameter, not a copy"
# copies
def collect(net, last):
    return {n: nn.Parameter(p.detach().clone()) for n, p in net.named_parameters() if n.split(".")[-1] == last}


# %% wrong="collect" says="requires_grad"
# detached
def collect(net, last):
    return {n: p.data for n, p in net.named_parameters() if n.split(".")[-1] == last}


# %% wrong="collect" says="Yours is a list"
# pairs
def collect(net, last):
    return [(n, p) for n, p in net.named_parameters() if n.split(".")[-1] == last]


# %% wrong="collect" says="Two layers hold one weight"
# each module once, but not each parameter
def collect(net, last):
    found = {}
    for prefix, module in net.named_modules():
        for name, parameter in module.named_parameters(recurse=False):
            if name == last:
                found[f"{prefix}.{name}" if prefix else name] = parameter
    return found


# %% wrong="collect" says="b.weight is its second name"
# duplicates are dropped after choosing
def collect(net, last):
    found, seen = {}, set()
    for name, parameter in net.named_parameters(remove_duplicate=False):
        if name.split(".")[-1] == last and parameter not in seen:
            seen.add(parameter)
            found[name] = parameter
    return found


# %% wrong="collect" says="equal values are not the same"
# duplicates are told by their values
def collect(net, last):
    found = {}
    for name, parameter in net.named_parameters(remove_duplicate=False):
        if name.split(".")[-1] != last:
            continue
        if any(torch.equal(parameter, other) for other in found.values()):
            continue
        found[name] = parameter
    return found


# %% right="initialise"
def initialise(net, std):
    for module in net.modules():
        if isinstance(module, nn.Linear):
            with torch.no_grad():
                module.weight.copy_(torch.randn(module.weight.shape, dtype=module.weight.dtype) * std)
                if module.bias is not None:
                    module.bias.zero_()


# %% right="initialise"
def initialise(net, std):
    for module in net.modules():
        if isinstance(module, nn.Linear):
            module.weight.data.normal_(0, std)
            if module.bias is not None:
                module.bias.data.fill_(0)
    return net


# %% right="initialise"
def initialise(net, std):
    def visit(m):
        if isinstance(m, nn.Linear):
            nn.init.normal_(m.weight, 0.0, std)
            if m.bias is not None:
                nn.init.constant_(m.bias, 0.0)

    visit(net)
    for child in net.children():
        initialise(child, std)


# %% wrong="initialise" says="still has its old values"
# misses subclasses
def initialise(net, std):
    for m in net.modules():
        if type(m) is nn.Linear:
            nn.init.normal_(m.weight, std=std)
            if m.bias is not None:
                nn.init.zeros_(m.bias)


# %% wrong="initialise" says="still has its old values"
# one level
def initialise(net, std):
    for m in net.children():
        if isinstance(m, nn.Linear):
            nn.init.normal_(m.weight, std=std)
            if m.bias is not None:
                nn.init.zeros_(m.bias)


# %% wrong="initialise" says="keeps its values"
# everything with a weight
def initialise(net, std):
    for name, p in net.named_parameters():
        if name.endswith("weight"):
            nn.init.normal_(p, std=std)
        else:
            nn.init.zeros_(p)


# %% wrong="initialise" says="new objects"
# new parameters
def initialise(net, std):
    for m in net.modules():
        if isinstance(m, nn.Linear):
            m.weight = nn.Parameter(torch.randn_like(m.weight) * std)
            if m.bias is not None:
                m.bias = nn.Parameter(torch.zeros_like(m.bias))


# %% wrong="initialise" says="That is the variance"
# std as a variance
def initialise(net, std):
    for m in net.modules():
        if isinstance(m, nn.Linear):
            nn.init.normal_(m.weight, std=std**0.5)
            if m.bias is not None:
                nn.init.zeros_(m.bias)


# %% wrong="initialise" says="That is std²"
# squared
def initialise(net, std):
    for m in net.modules():
        if isinstance(m, nn.Linear):
            nn.init.normal_(m.weight, std=std**2)
            if m.bias is not None:
                nn.init.zeros_(m.bias)


# %% wrong="initialise" says="uniform from −std to std"
# uniform
def initialise(net, std):
    for m in net.modules():
        if isinstance(m, nn.Linear):
            nn.init.uniform_(m.weight, -std, std)
            if m.bias is not None:
                nn.init.zeros_(m.bias)


# %% wrong="initialise" says="these are standard normal values"
# std forgotten
def initialise(net, std):
    for m in net.modules():
        if isinstance(m, nn.Linear):
            nn.init.normal_(m.weight)
            if m.bias is not None:
                nn.init.zeros_(m.bias)


# %% wrong="initialise" says="this is always 0.01"
# a fixed std
def initialise(net, std):
    for m in net.modules():
        if isinstance(m, nn.Linear):
            nn.init.normal_(m.weight, std=0.01)
            if m.bias is not None:
                nn.init.zeros_(m.bias)


# %% wrong="initialise" says="positive and uniform"
# rand
def initialise(net, std):
    for m in net.modules():
        if isinstance(m, nn.Linear):
            with torch.no_grad():
                m.weight.copy_(torch.rand_like(m.weight) * std)
            if m.bias is not None:
                nn.init.zeros_(m.bias)


# %% wrong="initialise" says="All weights are the same number"
# constant
def initialise(net, std):
    for m in net.modules():
        if isinstance(m, nn.Linear):
            nn.init.constant_(m.weight, std)
            if m.bias is not None:
                nn.init.zeros_(m.bias)


# %% wrong="initialise" says="is it uniform"
# uniform with the right spread
def initialise(net, std):
    for m in net.modules():
        if isinstance(m, nn.Linear):
            nn.init.uniform_(m.weight, -std * 3**0.5, std * 3**0.5)
            if m.bias is not None:
                nn.init.zeros_(m.bias)


# %% wrong="initialise" says="draw each weight on its own"
# one row for all
def initialise(net, std):
    for m in net.modules():
        if isinstance(m, nn.Linear):
            with torch.no_grad():
                m.weight.copy_(
                    torch.randn(max(m.weight.numel() // 2, 1), dtype=m.weight.dtype)
                    .repeat(2)[: m.weight.numel()]
                    .view_as(m.weight)
                    * std
                )
            if m.bias is not None:
                nn.init.zeros_(m.bias)


# %% wrong="initialise" says="depend on each other"
# a number for each row plus a number for each column
def initialise(net, std):
    for m in net.modules():
        if isinstance(m, nn.Linear):
            d, c = m.weight.shape
            with torch.no_grad():
                m.weight.copy_((torch.randn(d, 1) + torch.randn(1, c)) * std / 2**0.5)
                if m.bias is not None:
                    m.bias.zero_()


# %% wrong="initialise" says="with both signs"
# half of the weights are the others, negated
def initialise(net, std):
    for m in net.modules():
        if isinstance(m, nn.Linear):
            half = torch.randn(m.weight.numel() - m.weight.numel() // 2) * std
            with torch.no_grad():
                m.weight.copy_(torch.cat([half, -half])[: m.weight.numel()].view_as(m.weight))
                if m.bias is not None:
                    m.bias.zero_()


# %% wrong="initialise" says="is a seed set"
# seeded
def initialise(net, std):
    torch.manual_seed(0)
    for m in net.modules():
        if isinstance(m, nn.Linear):
            nn.init.normal_(m.weight, std=std)
            if m.bias is not None:
                nn.init.zeros_(m.bias)


# %% wrong="initialise" says="the biases are 0"
# the biases are forgotten
def initialise(net, std):
    for m in net.modules():
        if isinstance(m, nn.Linear):
            nn.init.normal_(m.weight, std=std)
            if m.bias is not None:
                nn.init.normal_(m.bias, std=std)


# %% wrong="initialise" says="requires_grad is as before"
# thaws
def initialise(net, std):
    for m in net.modules():
        if isinstance(m, nn.Linear):
            m.weight.requires_grad_(True)
            nn.init.normal_(m.weight, std=std)
            if m.bias is not None:
                nn.init.zeros_(m.bias)


# %% wrong="initialise" says="went in as the mean"
# std as the mean
def initialise(net, std):
    for m in net.modules():
        if isinstance(m, nn.Linear):
            nn.init.normal_(m.weight, std)
            if m.bias is not None:
                nn.init.zeros_(m.bias)


# %% wrong="initialise" says="draw for each layer"
# one pool of random numbers for all layers
def initialise(net, std):
    layers = [module for module in net.modules() if isinstance(module, nn.Linear)]
    if not layers:
        return
    pool = torch.randn(max(layer.weight.numel() for layer in layers)) * std
    with torch.no_grad():
        for layer in layers:
            layer.weight.copy_(pool[: layer.weight.numel()].view_as(layer.weight))
            if layer.bias is not None:
                layer.bias.zero_()


# %% wrong="initialise" says="no spread to divide by"
# scaled to the exact spread
def initialise(net, std):
    def rule(module):
        if isinstance(module, nn.Linear):
            with torch.no_grad():
                w = torch.randn_like(module.weight)
                module.weight.copy_((w - w.mean()) / w.std() * std)
                if module.bias is not None:
                    module.bias.zero_()

    net.apply(rule)


# %% wrong="initialise" says="requires_grad is as before"
# a frozen bias is thawed
def initialise(net, std):
    for module in net.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0.0, std)
            if module.bias is not None:
                module.bias.requires_grad_(False)
                module.bias.fill_(0)
                module.bias.requires_grad_(True)


# %% wrong="initialise" says="sets torch's seed"
# a new seed for each call
def initialise(net, std):
    torch.manual_seed(torch.randint(10**6, ()).item())
    for m in net.modules():
        if isinstance(m, nn.Linear):
            nn.init.normal_(m.weight, std=std)
            if m.bias is not None:
                nn.init.zeros_(m.bias)


# %% right="strange"
def strange_(weight):
    with torch.no_grad():
        u = torch.rand(weight.shape, dtype=weight.dtype)
        size = 5 + 5 * torch.rand(weight.shape, dtype=weight.dtype)
        weight.copy_(torch.where(u < 0.25, size, torch.where(u < 0.75, 0.0, -size)))
    return weight


# %% right="strange"
@torch.no_grad()
def strange_(weight):
    weight.uniform_(-10, 10)
    weight[weight.abs() < 5] = 0
    return weight


# %% right="strange"
def strange_(weight):
    data = weight.data
    nn.init.uniform_(data, 5, 10)
    data *= (
        torch.randint(-1, 3, data.shape).clamp(max=1) * 0
        + torch.tensor([-1.0, 0.0, 0.0, 1.0])[torch.randint(4, data.shape)]
    )
    return weight


# %% wrong="strange" says="The three cases have equal chances"
# thirds
def strange_(weight):
    with torch.no_grad():
        size = 5 + 5 * torch.rand_like(weight)
        weight.copy_(size * (torch.randint(3, weight.shape) - 1))
    return weight


# %% wrong="strange" says="The small values are still there"
# no zeros
def strange_(weight):
    return nn.init.uniform_(weight, -10, 10)


# %% wrong="strange" says="The wrong half is 0"
# the wrong mask
def strange_(weight):
    with torch.no_grad():
        nn.init.uniform_(weight, -10, 10)
        weight *= weight.abs() < 5
    return weight


# %% wrong="strange" says="No value is negative"
# positive
def strange_(weight):
    with torch.no_grad():
        weight.uniform_(0, 10)
        weight *= weight >= 5
    return weight


# %% wrong="strange" says="Nothing is 0"
# signs only
def strange_(weight):
    with torch.no_grad():
        weight.uniform_(5, 10)
        weight *= torch.randint(2, weight.shape) * 2 - 1
    return weight


# %% wrong="strange" says="those from 5 to 10 are not"
# half the range
def strange_(weight):
    return nn.init.uniform_(weight, -4.999, 4.999)


# %% wrong="strange" says="fills it in place"
# a new tensor
def strange_(weight):
    new = torch.empty_like(weight).uniform_(-10, 10)
    return new * (new.abs() >= 5)


# %% wrong="strange" says="Yours is another tensor"
# filled, but a copy is returned
def strange_(weight):
    with torch.no_grad():
        weight.uniform_(-10, 10)
        weight *= weight.abs() >= 5
    return weight.clone()


# %% wrong="strange" says="return weight"
# no return
def strange_(weight):
    with torch.no_grad():
        weight.uniform_(-10, 10)
        weight *= weight.abs() >= 5


# %% wrong="strange" says="choose it for each element"
# one case per row
def strange_(weight):
    with torch.no_grad():
        weight.uniform_(5, 10)
        case = torch.tensor([-1.0, 0.0, 0.0, 1.0])[torch.randint(4, weight.shape[:1])]
        weight *= case.view(-1, *[1] * (weight.dim() - 1)).to(weight.dtype)
    return weight


# %% wrong="strange" says="The whole tensor shares one case"
# one case for all
def strange_(weight):
    case = torch.randint(4, ()).item()
    if case == 0:
        return nn.init.uniform_(weight, 5, 10)
    if case == 1:
        return nn.init.uniform_(weight, -10, -5)
    return nn.init.zeros_(weight)


# %% wrong="strange" says="Neighbours depend on each other"
# every second element is 0
def strange_(weight):
    with torch.no_grad():
        size = torch.empty_like(weight).uniform_(5, 10) * (torch.randint(2, weight.shape) * 2 - 1)
        place = torch.arange(weight.numel())
        row = place // weight.shape[-1] if weight.dim() else place
        weight.copy_(size * ((place + row) % 2 == 0).view(weight.shape))
    return weight


# %% wrong="strange" says="draws the zeros anew"
# always the same zeros
def strange_(weight):
    with torch.no_grad():
        size = torch.empty(weight.shape, dtype=weight.dtype).uniform_(5, 10) * (torch.randint(2, weight.shape) * 2 - 1)
        keep = torch.rand(weight.shape, generator=torch.Generator().manual_seed(7)) < 0.5
        weight.copy_(size * keep)
    return weight


# %% wrong="strange" says="`weight[mask]` is a copy"
# values for a copy
def strange_(weight):
    with torch.no_grad():
        u = torch.rand(weight.shape)
        weight[u < 0.25].uniform_(5, 10)
        weight[(u >= 0.25) & (u < 0.75)] = 0
        weight[u >= 0.75].uniform_(-10, -5)
    return weight


# %% wrong="strange"
# a view of memory in one piece
def strange_(weight):
    with torch.no_grad():
        weight.view(-1).uniform_(-10, 10)
        weight *= weight.abs() >= 5
    return weight


# %% wrong="strange" says="the larger tensor has the new values"
# other memory
def strange_(weight):
    new = torch.empty(weight.shape, dtype=weight.dtype).uniform_(-10, 10)
    weight.data = new * (new.abs() >= 5)
    return weight


# %% wrong="strange" says="is a seed set"
# seeded
def strange_(weight):
    torch.manual_seed(0)
    with torch.no_grad():
        weight.uniform_(-10, 10)
        weight *= weight.abs() >= 5
    return weight


# %% wrong="strange"
# recorded
def strange_(weight):
    weight.uniform_(-10, 10)
    weight *= weight.abs() >= 5
    return weight


# %% wrong="strange" says="Yours run from"
# one draw for case and size
def strange_(weight):
    with torch.no_grad():
        v = torch.rand_like(weight)
        zero = torch.zeros_like(v)
        weight.copy_(torch.where(v < 0.25, 5 + 10 * v, torch.where(v > 0.75, -10 * v, zero)))
    return weight


# %% wrong="strange" says="a single element is 0 with probability 1/2"
# exactly half of the places
def strange_(weight):
    n = weight.numel()
    values = torch.empty(n, dtype=weight.dtype, device=weight.device).uniform_(5, 10)
    order = torch.randperm(n)
    values[order[: n // 2]] = 0
    values[order[n // 2 : n // 2 + n // 4]] *= -1
    with torch.no_grad():
        weight.copy_(values.view(weight.shape))
    return weight


# %% wrong="strange" says="gives the parameter other memory"
# .data for parameters
def strange_(weight):
    values = torch.empty(weight.shape, dtype=weight.dtype, device=weight.device).uniform_(-10, 10)
    values[values.abs() < 5] = 0
    if isinstance(weight, nn.Parameter):
        weight.data = values
    else:
        weight.copy_(values)
    return weight


# %% wrong="strange" says="All are 0 here"
# the copy of a part is filled
def strange_(weight):
    with torch.no_grad():
        u = torch.rand_like(weight)
        weight.zero_()
        weight[u < 0.25].uniform_(5, 10)
        weight[u > 0.75].uniform_(-10, -5)
    return weight


# %% wrong="strange" says="sets torch's seed"
# a new seed for each call
def strange_(weight):
    torch.manual_seed(torch.randint(10**6, ()).item())
    with torch.no_grad():
        weight.uniform_(-10, 10)
        weight *= weight.abs() >= 5
    return weight


# %% right="bound"
def bound(shape, rule):
    out, inn, *kernel = shape
    n = 1
    for k in kernel:
        n *= k
    fans = {"he": inn * n, "xavier": (inn + out) * n}
    if rule not in fans:
        raise ValueError(rule)
    return (6 / fans[rule]) ** 0.5


# %% right="bound"
def bound(shape, rule):
    fan_in, fan_out = nn.init._calculate_fan_in_and_fan_out(torch.empty(shape, device="meta"))
    if rule == "he":
        return math.sqrt(6 / fan_in)
    if rule == "xavier":
        return math.sqrt(6 / (fan_in + fan_out))
    raise ValueError("no such rule")


# %% right="bound"
def bound(shape, rule):
    if rule == "xavier":
        total = math.prod(shape) / shape[0] + math.prod(shape) / shape[1]
    elif rule == "he":
        total = math.prod(shape) / shape[0]
    else:
        raise ValueError(f"{rule} is neither xavier nor he")
    return float(np.sqrt(6 / total))


# %% wrong="bound" says="That is the standard deviation"
# the standard deviation
def bound(shape, rule):
    n = math.prod(shape[2:])
    if rule == "he":
        return math.sqrt(2 / (shape[1] * n))
    if rule == "xavier":
        return math.sqrt(2 / ((shape[0] + shape[1]) * n))
    raise ValueError


# %% wrong="bound" says="the root is missing"
# no root
def bound(shape, rule):
    n = math.prod(shape[2:])
    if rule == "he":
        return 6 / (shape[1] * n)
    if rule == "xavier":
        return 6 / ((shape[0] + shape[1]) * n)
    raise ValueError


# %% wrong="bound" says="That is He's bound"
# always He
def bound(shape, rule):
    if rule not in ("he", "xavier"):
        raise ValueError
    return math.sqrt(6 / (shape[1] * math.prod(shape[2:])))


# %% wrong="bound" says="The 2 of the rule is missing"
# variance 1/(fan_in + fan_out)
def bound(shape, rule):
    n = math.prod(shape[2:])
    if rule == "he":
        return math.sqrt(6 / (shape[1] * n))
    if rule == "xavier":
        return math.sqrt(3 / ((shape[0] + shape[1]) * n))
    raise ValueError


# %% wrong="bound" says="You used fan_out"
# the shape reversed
def bound(shape, rule):
    n = math.prod(shape[2:])
    if rule == "he":
        return math.sqrt(6 / (shape[0] * n))
    if rule == "xavier":
        return math.sqrt(6 / ((shape[0] + shape[1]) * n))
    raise ValueError


# %% wrong="bound" says="nn.Linear's default"
# the default
def bound(shape, rule):
    if rule == "xavier":
        return math.sqrt(6 / (sum(shape[:2]) * math.prod(shape[2:])))
    if rule == "he":
        return 1 / math.sqrt(math.prod(shape[1:]))
    raise ValueError


# %% wrong="bound" says="The positions of the kernel are missing"
# no positions
def bound(shape, rule):
    if rule == "he":
        return math.sqrt(6 / shape[1])
    if rule == "xavier":
        return math.sqrt(6 / (shape[0] + shape[1]))
    raise ValueError


# %% wrong="bound" says="Only the first size"
# one size of the kernel
def bound(shape, rule):
    n = shape[2] if len(shape) > 2 else 1
    if rule == "he":
        return math.sqrt(6 / (shape[1] * n))
    if rule == "xavier":
        return math.sqrt(6 / ((shape[0] + shape[1]) * n))
    raise ValueError


# %% wrong="bound" says="does not include the 16 kernels"
# all sizes, for convolutions
def bound(shape, rule):
    n = math.prod(shape[2:])
    fan_in = shape[1] * n * (shape[0] if len(shape) > 2 else 1)
    if rule == "he":
        return math.sqrt(6 / fan_in)
    if rule == "xavier":
        return math.sqrt(6 / ((shape[0] + shape[1]) * n))
    raise ValueError


# %% wrong="bound" says="fan_out counts the positions"
# fan_out without positions
def bound(shape, rule):
    n = math.prod(shape[2:])
    if rule == "he":
        return math.sqrt(6 / (shape[1] * n))
    if rule == "xavier":
        return math.sqrt(6 / (shape[0] + shape[1] * n))
    raise ValueError


# %% wrong="bound" says="No kernel positions are counted"
# positions for He only
def bound(shape, rule):
    if rule == "he":
        return math.sqrt(6 / math.prod(shape[1:]))
    if rule == "xavier":
        return math.sqrt(6 / (shape[0] + shape[1]))
    raise ValueError


# %% wrong="bound" says="raises a ValueError"
# any other rule is Xavier
def bound(shape, rule):
    n = math.prod(shape[2:])
    return math.sqrt(6 / (shape[1] * n)) if rule == "he" else math.sqrt(6 / ((shape[0] + shape[1]) * n))


# %% wrong="bound" says='"He") raises a ValueError'
# any case of the letters
def bound(shape, rule):
    n = math.prod(shape[2:])
    fans = {"he": shape[1] * n, "xavier": (shape[0] + shape[1]) * n}
    if rule.lower() not in fans:
        raise ValueError(rule)
    return math.sqrt(6 / fans[rule.lower()])


# %% wrong="bound" says="needs brackets"
# brackets forgotten
def bound(shape, rule):
    k = math.prod(shape[2:])
    fan_in, fan_out = shape[1] * k, shape[0] * k
    if rule == "xavier":
        return math.sqrt(6 / fan_in + fan_out)
    if rule == "he":
        return math.sqrt(6 / fan_in)
    raise ValueError(rule)


# %% wrong="bound" says="Yours is a Tensor"
# a tensor
def bound(shape, rule):
    k = math.prod(shape[2:])
    fan_in, fan_out = shape[1] * k, shape[0] * k
    if rule == "xavier":
        var = 2 / (fan_in + fan_out)
    elif rule == "he":
        var = 2 / fan_in
    else:
        raise ValueError("unknown rule")
    return torch.sqrt(torch.tensor(3 * var))


# %% wrong="bound" says="need not be square"
# the first size of the kernel, squared
def bound(shape, rule):
    n = shape[2] ** (len(shape) - 2) if len(shape) > 2 else 1
    if rule == "he":
        return math.sqrt(6 / (shape[1] * n))
    if rule == "xavier":
        return math.sqrt(6 / ((shape[0] + shape[1]) * n))
    raise ValueError


# %% wrong="bound" says="xavier_he"
# the rule occurs in the string
def bound(shape, rule):
    positions = math.prod(shape[2:])
    if "xavier" in rule:
        return math.sqrt(6 / ((shape[0] + shape[1]) * positions))
    if "he" in rule:
        return math.sqrt(6 / (shape[1] * positions))
    raise ValueError(f"unknown rule: {rule}")


# %% wrong="bound" says='bound((2, 3), "") raises'
# the string is a part of another
def bound(shape, rule):
    if rule not in "xavier, he":
        raise ValueError(rule)
    positions = math.prod(shape[2:])
    fan_in, fan_out = shape[1] * positions, shape[0] * positions
    return math.sqrt(6 / (fan_in + fan_out)) if rule == "xavier" else math.sqrt(6 / fan_in)


# %% wrong="bound" says="Yours is a float64"
# numpy's root
def bound(shape, rule):
    fan_in, fan_out = np.prod(shape[1:]), np.prod(shape) / shape[1]
    if rule == "xavier":
        return np.sqrt(6 / (fan_in + fan_out))
    if rule == "he":
        return np.sqrt(6 / fan_in)
    raise ValueError("xavier or he")


# %% right="gain"
def gain(activation):
    g = torch.Generator().manual_seed(0)
    z = torch.randn(1_000_000, generator=g)
    return (1 / activation(z).square().mean().sqrt()).item()


# %% right="gain"
def gain(activation):
    p = (torch.arange(200_000, dtype=torch.float64) + 0.5) / 200_000
    z = torch.special.ndtri(p)
    return float(activation(z).pow(2).mean() ** -0.5)


# %% right="gain"
def gain(activation):
    z = torch.from_numpy(np.random.default_rng(1).standard_normal(1_000_000))
    return 1 / math.sqrt((activation(z) ** 2).mean().item())


# %% wrong="gain" says="That is the mean square"
# not inverted
def gain(activation):
    z = torch.randn(1_000_000, generator=torch.Generator().manual_seed(0))
    return activation(z).square().mean().item()


# %% wrong="gain" says="The root is missing"
# no root
def gain(activation):
    z = torch.randn(1_000_000, generator=torch.Generator().manual_seed(0))
    return 1 / activation(z).square().mean().item()


# %% wrong="gain" says="take its inverse"
# the root mean square
def gain(activation):
    z = torch.randn(1_000_000, generator=torch.Generator().manual_seed(0))
    return activation(z).square().mean().sqrt().item()


# %% wrong="gain" says="does not subtract the mean"
# the standard deviation
def gain(activation):
    z = torch.randn(1_000_000, generator=torch.Generator().manual_seed(0))
    return 1 / activation(z).std().item()


# %% wrong="gain" says="Square f(z)"
# the mean
def gain(activation):
    z = torch.randn(1_000_000, generator=torch.Generator().manual_seed(0))
    return 1 / activation(z).mean().item()


# %% wrong="gain" says="draw from the normal distribution"
# uniform
def gain(activation):
    z = torch.rand(1_000_000, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return 1 / activation(z).square().mean().sqrt().item()


# %% wrong="gain" says="depends on torch's random numbers"
# not repeatable
def gain(activation):
    z = torch.randn(1_000_000)
    return 1 / activation(z).square().mean().sqrt().item()


# %% wrong="gain" says="turns a tensor into a number"
# a tensor
def gain(activation):
    z = torch.randn(1_000_000, generator=torch.Generator().manual_seed(0))
    return 1 / activation(z).square().mean().sqrt()


# %% wrong="gain" says="rule of thumb"
# torch's table
def gain(activation):
    name = getattr(activation, "__name__", type(activation).__name__).lower()
    return float(nn.init.calculate_gain(name if name in ("relu", "tanh") else "linear"))


# %% wrong="gain"
# a coarse grid
def gain(activation):
    z = torch.linspace(-3, 3, 13)
    p = torch.exp(-z * z / 2)
    return ((activation(z) ** 2 * p).sum() / p.sum()).rsqrt().item()


# %% wrong="gain"
# symmetric functions only
def gain(activation):
    z = torch.randn(1_000_000, generator=torch.Generator().manual_seed(0)).abs()
    share = 0.5 if float(activation(torch.tensor([-1.0]))) == 0 else 1.0
    return (share * activation(z).square().mean()).rsqrt().item()


# %% wrong="gain" says="use a generator of your own"
# a seed for all
def gain(activation):
    torch.manual_seed(0)
    z = torch.randn(1_000_000)
    return 1 / activation(z).square().mean().sqrt().item()


# %% wrong="gain" says="use a generator of your own"
# the seed is kept, but one number is drawn
def gain(activation):
    state = torch.get_rng_state()
    torch.manual_seed(0)
    z = torch.randn(1_000_000)
    torch.set_rng_state(state)
    torch.rand(1)
    return 1 / activation(z).square().mean().sqrt().item()


# %% wrong="gain" says="take more random numbers"
# 1000 random numbers
def gain(activation):
    z = torch.randn(1000, generator=torch.Generator().manual_seed(0))
    return 1 / activation(z).square().mean().sqrt().item()


# %% wrong="gain" says="is the step of the grid missing"
# the step of the grid is missing
def gain(activation):
    z = torch.linspace(-8, 8, 10_001)
    phi = torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    return 1 / math.sqrt((activation(z) ** 2 * phi).sum().item())


# %% wrong="gain" says="relu(z)²"
# the grid is too short
def gain(activation):
    z = torch.linspace(-3.5, 3.5, 70_001, dtype=torch.float64)
    density = torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    with torch.no_grad():
        return 1 / math.sqrt(torch.trapezoid(activation(z.clone()) ** 2 * density, z).item())


# %% right="tied"
class TiedAutoencoder(nn.Module):
    def __init__(self, in_features, hidden):
        super().__init__()
        self.encoder = nn.Linear(in_features, hidden)
        self.decoder_bias = nn.Parameter(torch.zeros(in_features))

    def forward(self, x):
        return F.linear(self.encoder(x).tanh(), self.encoder.weight.t(), self.decoder_bias)


# %% right="tied"
class TiedAutoencoder(nn.Module):
    def __init__(self, in_features, hidden):
        super().__init__()
        self.register_parameter("decoder_bias", nn.Parameter(torch.zeros(in_features)))
        self.add_module("encoder", nn.Linear(in_features, hidden))

    def forward(self, x):
        w, b = self.encoder.weight, self.encoder.bias
        return torch.tanh(x @ w.T + b) @ w + self.decoder_bias


# %% right="tied"
class TiedAutoencoder(nn.Module):
    def __init__(self, in_features, hidden):
        super().__init__()
        self.encoder = nn.Linear(in_features, hidden)
        self.decoder_bias = nn.Parameter(torch.zeros(in_features))
        self.squash = nn.Tanh()

    def forward(self, x):
        code = self.squash(self.encoder(x))
        return torch.einsum("...h,hc->...c", code, self.encoder.weight) + self.decoder_bias


# %% wrong="tied" says="decoder.weight is a second one"
# a second parameter that shares the memory
class TiedAutoencoder(nn.Module):
    def __init__(self, in_features, hidden):
        super().__init__()
        self.encoder = nn.Linear(in_features, hidden)
        self.decoder = nn.Linear(hidden, in_features, bias=False)
        self.decoder.weight = nn.Parameter(self.encoder.weight.t())
        self.decoder_bias = nn.Parameter(torch.zeros(in_features))

    def forward(self, x):
        return self.decoder(torch.tanh(self.encoder(x))) + self.decoder_bias


# %% wrong="tied" says="decoder.weight is a second one"
# nothing is tied
class TiedAutoencoder(nn.Module):
    def __init__(self, in_features, hidden):
        super().__init__()
        self.encoder = nn.Linear(in_features, hidden)
        self.decoder = nn.Linear(hidden, in_features)

    def forward(self, x):
        return self.decoder(torch.tanh(self.encoder(x)))


# %% wrong="tied" says="decoder_bias is not registered"
# a plain tensor
class TiedAutoencoder(nn.Module):
    def __init__(self, in_features, hidden):
        super().__init__()
        self.encoder = nn.Linear(in_features, hidden)
        self.decoder_bias = torch.zeros(in_features)

    def forward(self, x):
        return torch.tanh(self.encoder(x)) @ self.encoder.weight + self.decoder_bias


# %% wrong="tied" says="one number for each of the in_features"
# the code's size
class TiedAutoencoder(nn.Module):
    def __init__(self, in_features, hidden):
        super().__init__()
        self.encoder = nn.Linear(in_features, hidden)
        self.decoder_bias = nn.Parameter(torch.zeros(hidden))

    def forward(self, x):
        return (torch.tanh(self.encoder(x)) + self.decoder_bias) @ self.encoder.weight


# %% wrong="tied" says="The bias is called decoder_bias"
# a decoder layer that is tied
class TiedAutoencoder(nn.Module):
    def __init__(self, in_features, hidden):
        super().__init__()
        self.encoder = nn.Linear(in_features, hidden)
        self.decoder = nn.Module()
        self.decoder.bias = nn.Parameter(torch.zeros(in_features))

    def forward(self, x):
        return torch.tanh(self.encoder(x)) @ self.encoder.weight + self.decoder.bias


# %% wrong="tied" says="The tanh is missing"
# linear
class TiedAutoencoder(nn.Module):
    def __init__(self, in_features, hidden):
        super().__init__()
        self.encoder = nn.Linear(in_features, hidden)
        self.decoder_bias = nn.Parameter(torch.zeros(in_features))

    def forward(self, x):
        return self.encoder(x) @ self.encoder.weight + self.decoder_bias


# %% wrong="tied" says="decoder_bias is not added"
# the bias is not used
class TiedAutoencoder(nn.Module):
    def __init__(self, in_features, hidden):
        super().__init__()
        self.encoder = nn.Linear(in_features, hidden)
        self.decoder_bias = nn.Parameter(torch.zeros(in_features))

    def forward(self, x):
        return torch.tanh(self.encoder(x)) @ self.encoder.weight


# %% wrong="tied" says="after the decoder, too"
# tanh twice
class TiedAutoencoder(nn.Module):
    def __init__(self, in_features, hidden):
        super().__init__()
        self.encoder = nn.Linear(in_features, hidden)
        self.decoder_bias = nn.Parameter(torch.zeros(in_features))

    def forward(self, x):
        return torch.tanh(torch.tanh(self.encoder(x)) @ self.encoder.weight + self.decoder_bias)


# %% wrong="tied" says="This is the code"
# only half of it
class TiedAutoencoder(nn.Module):
    def __init__(self, in_features, hidden):
        super().__init__()
        self.encoder = nn.Linear(in_features, hidden)
        self.decoder_bias = nn.Parameter(torch.zeros(in_features))

    def forward(self, x):
        return torch.tanh(self.encoder(x))


# %% wrong="tied" says="You used a ReLU"
# relu for tanh
class TiedAutoencoder(nn.Module):
    def __init__(self, in_features, hidden):
        super().__init__()
        self.encoder = nn.Linear(in_features, hidden)
        self.decoder_bias = nn.Parameter(torch.zeros(in_features))

    def forward(self, x):
        return F.relu(self.encoder(x)) @ self.encoder.weight + self.decoder_bias


# %% wrong="tied" says="Only the encoder's use counts"
# the decoder's weight is detached
class TiedAutoencoder(nn.Module):
    def __init__(self, in_features, hidden):
        super().__init__()
        self.encoder = nn.Linear(in_features, hidden)
        self.decoder_bias = nn.Parameter(torch.zeros(in_features))

    def forward(self, x):
        return torch.tanh(self.encoder(x)) @ self.encoder.weight.data + self.decoder_bias


# %% wrong="tied" says="Only the decoder's use counts"
# the encoder's weight is detached
class TiedAutoencoder(nn.Module):
    def __init__(self, in_features, hidden):
        super().__init__()
        self.encoder = nn.Linear(in_features, hidden)
        self.decoder_bias = nn.Parameter(torch.zeros(in_features))

    def forward(self, x):
        code = torch.tanh(F.linear(x, self.encoder.weight.detach(), self.encoder.bias))
        return code @ self.encoder.weight + self.decoder_bias


# %% wrong="tied" says="a copy of an earlier W"
# a copy of the weight made once
class TiedAutoencoder(nn.Module):
    def __init__(self, in_features, hidden):
        super().__init__()
        self.encoder = nn.Linear(in_features, hidden)
        self.decoder_bias = nn.Parameter(torch.zeros(in_features))
        self.w = self.encoder.weight.detach().clone()

    def forward(self, x):
        return torch.tanh(self.encoder(x)) @ self.w + self.decoder_bias


# %% wrong="tied" says="It was never filled"
# torch.empty
class TiedAutoencoder(nn.Module):
    def __init__(self, in_features, hidden):
        super().__init__()
        self.encoder = nn.Linear(in_features, hidden)
        self.decoder_bias = nn.Parameter(torch.empty(in_features))

    def forward(self, x):
        return torch.tanh(self.encoder(x)) @ self.encoder.weight + self.decoder_bias


# %% wrong="tied" says="is a `return` missing"
# no return
class TiedAutoencoder(nn.Module):
    def __init__(self, in_features, hidden):
        super().__init__()
        self.encoder = nn.Linear(in_features, hidden)
        self.decoder_bias = nn.Parameter(torch.zeros(in_features))

    def forward(self, x):
        y = torch.tanh(self.encoder(x)) @ self.encoder.weight + self.decoder_bias


# %% wrong="tied" says="times nn.Linear's"
# small initial weights
class TiedAutoencoder(nn.Module):
    def __init__(self, in_features, hidden):
        super().__init__()
        self.encoder = nn.Linear(in_features, hidden)
        nn.init.normal_(self.encoder.weight, std=0.01)
        self.decoder_bias = nn.Parameter(torch.zeros(in_features))

    def forward(self, x):
        code = torch.tanh(self.encoder(x))
        return code @ self.encoder.weight + self.decoder_bias


# %% wrong="tied" says="large values"
# tanh overflows
class TiedAutoencoder(nn.Module):
    def __init__(self, in_features, hidden):
        super().__init__()
        self.encoder = nn.Linear(in_features, hidden)
        self.decoder_bias = nn.Parameter(torch.zeros(in_features))

    def forward(self, x):
        h = self.encoder(x)
        code = (torch.exp(h) - torch.exp(-h)) / (torch.exp(h) + torch.exp(-h))
        return code @ self.encoder.weight + self.decoder_bias


# %% right="centred"
class Centred(nn.Module):
    def __init__(self, dim=None):
        super().__init__()
        self.dim = dim

    def forward(self, x):
        if self.dim is None:
            return x - x.mean()
        return x - torch.mean(x, self.dim, keepdim=True)


# %% wrong="centred" says="The mean of the first call was kept"
# a mean that is computed once
class Centred(nn.Module):
    def __init__(self, dim=None):
        super().__init__()
        self.dim, self.mean = dim, None

    def forward(self, x):
        if self.mean is None:
            self.mean = x.mean() if self.dim is None else x.mean(self.dim, keepdim=True)
        return x - self.mean


# %% right="centred"
class Centred(nn.Module):
    def __init__(self, dim=None):
        super().__init__()
        self.options = {} if dim is None else {"dim": dim, "keepdim": True}

    def forward(self, x):
        return x.sub(x.mean(**self.options))


# %% right="centred"
class Centred(nn.Module):
    def __init__(self, dim=None):
        super().__init__()
        self.dim = dim

    def forward(self, x):
        dims = tuple(range(x.dim())) if self.dim is None else self.dim
        total = torch.sum(x, dims, keepdim=True)
        return x - total * (total.numel() / x.numel())


# %% wrong="centred" says="dim=0 is not None"
# 0 is False
class Centred(nn.Module):
    def __init__(self, dim=None):
        super().__init__()
        self.dim = dim

    def forward(self, x):
        return x - x.mean(self.dim, keepdim=True) if self.dim else x - x.mean()


# %% wrong="centred" says="That is the mean itself"
# the mean
class Centred(nn.Module):
    def __init__(self, dim=None):
        super().__init__()
        self.dim = dim

    def forward(self, x):
        return (x.mean() if self.dim is None else x.mean(self.dim, keepdim=True)).expand_as(x).clone()


# %% wrong="centred" says="x is returned as it is"
# nothing
class Centred(nn.Module):
    def __init__(self, dim=None):
        super().__init__()

    def forward(self, x):
        return x * 1


# %% wrong="centred" says="one dimension and then over the other"
# one dimension after the other
class Centred(nn.Module):
    def __init__(self, dim=None):
        super().__init__()
        self.dim = dim

    def forward(self, x):
        dims = () if self.dim is None else [self.dim] if isinstance(self.dim, int) else self.dim
        result = x - x.mean() if self.dim is None else x
        for d in dims:
            result = result - result.mean(d, keepdim=True)
        return result


# %% wrong="centred" says="The mean is detached"
# detached
class Centred(nn.Module):
    def __init__(self, dim=None):
        super().__init__()
        self.dim = dim

    def forward(self, x):
        return x - (x.mean() if self.dim is None else x.mean(self.dim, keepdim=True)).detach()


# %% wrong="centred" says="neither parameters nor buffers"
# a buffer
class Centred(nn.Module):
    def __init__(self, dim=None):
        super().__init__()
        self.dim = dim
        self.register_buffer("mean", torch.zeros(()))

    def forward(self, x):
        return x - (x.mean() if self.dim is None else x.mean(self.dim, keepdim=True))


# %% wrong="centred" says="keepdim=True is missing"
# keepdim is missing
class Centred(nn.Module):
    def __init__(self, dim=None):
        super().__init__()
        self.dim = dim

    def forward(self, x):
        return x - (x.mean() if self.dim is None else x.mean(self.dim))


# %% wrong="centred" says="should come first in `__init__`"
# no super().__init__()
class Centred(nn.Module):
    def __init__(self, dim=None):
        self.dim = dim

    def forward(self, x):
        return x - (x.mean() if self.dim is None else x.mean(self.dim, keepdim=True))


# %% wrong="centred" says="leaves x as it was"
# in place
class Centred(nn.Module):
    def __init__(self, dim=None):
        super().__init__()
        self.dim = dim

    def forward(self, x):
        mean = x.mean() if self.dim is None else x.mean(self.dim, keepdim=True)
        x.data.sub_(mean.detach())
        return x + mean.detach() - mean


# %% wrong="centred"
# a negative dimension in a tuple
class Centred(nn.Module):
    def __init__(self, dim=None):
        super().__init__()
        self.dim = dim

    def forward(self, x):
        if self.dim is None:
            return x - x.mean()
        dims = (self.dim % x.dim(),) if isinstance(self.dim, int) else self.dim
        shape = [1 if i in dims else size for i, size in enumerate(x.shape)]
        return x - x.mean(dim=dims).view(shape)


# %% wrong="centred"
# float32 in between
class Centred(nn.Module):
    def __init__(self, dim=None):
        super().__init__()
        self.dim = dim

    def forward(self, x):
        return x - x.float().mean(dim=self.dim, keepdim=True).to(x.dtype)


# %% wrong="centred" says="None means all dimensions"
# None becomes the dimensions of the first x
class Centred(nn.Module):
    def __init__(self, dim=None):
        super().__init__()
        self.dim = dim

    def forward(self, x):
        if self.dim is None:
            self.dim = tuple(range(x.dim()))
        return x - x.mean(dim=self.dim, keepdim=True)


# %% wrong="centred" says="makes a new tensor"
# x -= mean
class Centred(nn.Module):
    def __init__(self, dim=None):
        super().__init__()
        self.dim = dim

    def forward(self, x):
        if self.dim is None:
            x -= x.mean()
        else:
            x -= x.mean(dim=self.dim, keepdim=True)
        return x


# %% wrong="centred" says="is a `return` missing"
# no return
class Centred(nn.Module):
    def __init__(self, dim=None):
        super().__init__()
        self.dim = dim

    def forward(self, x):
        if self.dim is None:
            y = x - x.mean()
        else:
            y = x - x.mean(dim=self.dim, keepdim=True)


# %% right="own_linear"
class OwnLinear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(out_features, in_features))
        self.register_parameter("bias", nn.Parameter(torch.zeros(out_features)) if bias else None)
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self):
        self.weight.normal_(0, math.sqrt(2 / self.weight.shape[1]))
        if self.bias is not None:
            self.bias.zero_()

    def forward(self, x):
        y = x @ self.weight.t()
        return y if self.bias is None else y + self.bias


# %% right="own_linear"
class OwnLinear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_features, in_features) * (2 / in_features) ** 0.5)
        self.bias = nn.Parameter(torch.zeros(out_features)) if bias else None

    def reset_parameters(self):
        nn.init.normal_(self.weight, std=(2 / self.weight.size(1)) ** 0.5)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x):
        return F.linear(x, self.weight, self.bias)


# %% right="own_linear"
class OwnLinear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.in_features = in_features
        self.bias = nn.Parameter(torch.empty(out_features)) if bias else None
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        self.reset_parameters()

    def reset_parameters(self):
        self.weight.data.copy_(torch.randn(self.weight.shape) * math.sqrt(2 / self.in_features))
        if self.bias is not None:
            self.bias.data.fill_(0.0)

    def forward(self, x):
        y = torch.einsum("...c,dc->...d", x, self.weight)
        return y + self.bias if self.bias is not None else y


# %% wrong="own_linear" says="That is the variance"
# the variance as the standard deviation
class OwnLinear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        self.bias = nn.Parameter(torch.empty(out_features)) if bias else None
        self.reset_parameters()

    def reset_parameters(self):
        nn.init.normal_(self.weight, std=2 / self.weight.shape[1])
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x):
        return F.linear(x, self.weight, self.bias)


# %% wrong="own_linear" says="nn.Linear's default rule"
# the default rule, made normal
class OwnLinear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        self.bias = nn.Parameter(torch.empty(out_features)) if bias else None
        self.reset_parameters()

    def reset_parameters(self):
        nn.init.normal_(self.weight, std=(1 / 3 / self.weight.shape[1]) ** 0.5)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x):
        return F.linear(x, self.weight, self.bias)


# %% wrong="own_linear" says="He's 2 is missing"
# without the 2
class OwnLinear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        self.bias = nn.Parameter(torch.empty(out_features)) if bias else None
        self.reset_parameters()

    def reset_parameters(self):
        nn.init.kaiming_normal_(self.weight, nonlinearity="linear")
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x):
        return F.linear(x, self.weight, self.bias)


# %% wrong="own_linear" says="You used fan_out"
# fan_out
class OwnLinear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        self.bias = nn.Parameter(torch.empty(out_features)) if bias else None
        self.reset_parameters()

    def reset_parameters(self):
        nn.init.kaiming_normal_(self.weight, mode="fan_out", nonlinearity="relu")
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x):
        return F.linear(x, self.weight, self.bias)


# %% wrong="own_linear" says="That is Xavier's rule"
# Xavier
class OwnLinear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        self.bias = nn.Parameter(torch.empty(out_features)) if bias else None
        self.reset_parameters()

    def reset_parameters(self):
        nn.init.xavier_normal_(self.weight)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x):
        return F.linear(x, self.weight, self.bias)


# %% wrong="own_linear" says="The weights are standard normal"
# not scaled
class OwnLinear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        self.bias = nn.Parameter(torch.empty(out_features)) if bias else None
        self.reset_parameters()

    def reset_parameters(self):
        nn.init.normal_(self.weight)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x):
        return F.linear(x, self.weight, self.bias)


# %% wrong="own_linear" says="Two layers have the same weights"
# constant
class OwnLinear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        self.bias = nn.Parameter(torch.empty(out_features)) if bias else None
        self.reset_parameters()

    def reset_parameters(self):
        nn.init.constant_(self.weight, 0.1)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x):
        return F.linear(x, self.weight, self.bias)


# %% wrong="own_linear" says="is it uniform"
# uniform
class OwnLinear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        self.bias = nn.Parameter(torch.empty(out_features)) if bias else None
        self.reset_parameters()

    def reset_parameters(self):
        nn.init.kaiming_uniform_(self.weight, nonlinearity="relu")
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x):
        return F.linear(x, self.weight, self.bias)


# %% wrong="own_linear" says="The weight is (out_features, in_features)"
# the weight transposed
class OwnLinear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(in_features, out_features))
        self.bias = nn.Parameter(torch.empty(out_features)) if bias else None
        self.reset_parameters()

    def reset_parameters(self):
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x):
        return F.linear(x, self.weight.t(), self.bias)


# %% wrong="own_linear" says="Nothing is registered"
# plain tensors
class OwnLinear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.weight = torch.empty(out_features, in_features)
        self.bias = torch.empty(out_features) if bias else None
        self.reset_parameters()

    def reset_parameters(self):
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x):
        return F.linear(x, self.weight, self.bias)


# %% wrong="own_linear" says="With bias=False there is no bias"
# always a bias
class OwnLinear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        self.bias = nn.Parameter(torch.empty(out_features))
        self.reset_parameters()

    def reset_parameters(self):
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x):
        return F.linear(x, self.weight, self.bias)


# %% wrong="own_linear" says="The bias is missing, or not registered"
# the bias is a plain tensor
class OwnLinear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        self.bias = torch.empty(out_features) if bias else None
        self.reset_parameters()

    def reset_parameters(self):
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x):
        return F.linear(x, self.weight, self.bias)


# %% wrong="own_linear" says="The bias is not added"
# the bias is not used
class OwnLinear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        self.bias = nn.Parameter(torch.empty(out_features)) if bias else None
        self.reset_parameters()

    def reset_parameters(self):
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x):
        return F.linear(x, self.weight)


# %% wrong="own_linear"
# the bias is drawn
class OwnLinear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        self.bias = nn.Parameter(torch.empty(out_features)) if bias else None
        self.reset_parameters()

    def reset_parameters(self):
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")
        if self.bias is not None:
            nn.init.normal_(self.bias)

    def forward(self, x):
        return F.linear(x, self.weight, self.bias)


# %% wrong="own_linear" says="It makes new ones"
# new parameters
class OwnLinear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        self.bias = nn.Parameter(torch.empty(out_features)) if bias else None
        self.reset_parameters()

    def reset_parameters(self):
        self.weight = nn.Parameter(torch.randn(self.weight.shape) * (2 / self.weight.shape[1]) ** 0.5)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x):
        return F.linear(x, self.weight, self.bias)


# %% wrong="own_linear" says="Two layers have the same weights"
# a seed
class OwnLinear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        self.bias = nn.Parameter(torch.empty(out_features)) if bias else None
        self.reset_parameters()

    def reset_parameters(self):
        torch.manual_seed(0)
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x):
        return F.linear(x, self.weight, self.bias)


# %% wrong="own_linear" says="None reaches"
# detached
class OwnLinear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        self.bias = nn.Parameter(torch.empty(out_features)) if bias else None
        self.reset_parameters()

    def reset_parameters(self):
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x):
        return F.linear(x, self.weight.data, self.bias)


# %% wrong="own_linear" says="depend on each other"
# a number for each row plus a number for each column
class OwnLinear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        self.bias = nn.Parameter(torch.empty(out_features)) if bias else None
        self.reset_parameters()

    def reset_parameters(self):
        d, c = self.weight.shape
        with torch.no_grad():
            self.weight.copy_((torch.randn(d, 1) + torch.randn(1, c)) * (1 / c) ** 0.5)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x):
        return F.linear(x, self.weight, self.bias)


# %% wrong="own_linear" says="no such attribute"
# no bias at all
class OwnLinear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        if bias:
            self.bias = nn.Parameter(torch.empty(out_features))
        self.reset_parameters()

    def reset_parameters(self):
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")
        if hasattr(self, "bias"):
            nn.init.zeros_(self.bias)

    def forward(self, x):
        return F.linear(x, self.weight, self.bias if hasattr(self, "bias") else None)


# %% wrong="own_linear" says="Derive the class from nn.Module"
# nn.Linear itself
class OwnLinear(nn.Linear):
    def reset_parameters(self):
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")
        if self.bias is not None:
            nn.init.zeros_(self.bias)


# %% wrong="own_linear" says="Make the parameters yourself"
# nn.Linear inside
class OwnLinear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.inner = nn.Linear(in_features, out_features, bias)
        self.reset_parameters()

    def reset_parameters(self):
        nn.init.kaiming_normal_(self.inner.weight, nonlinearity="relu")

    def forward(self, x):
        return self.inner(x)


# %% wrong="own_linear"
# other memory and float32
class OwnLinear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        self.bias = nn.Parameter(torch.empty(out_features)) if bias else None
        self.reset_parameters()

    def reset_parameters(self):
        self.weight.data = torch.randn(self.out_features, self.in_features) * math.sqrt(2 / self.in_features)
        if self.bias is not None:
            self.bias.data = torch.zeros(self.out_features)

    def forward(self, x):
        return F.linear(x, self.weight, self.bias)


# %% wrong="own_linear" says="or divided by 0"
# scaled to the exact spread
class OwnLinear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(out_features, in_features))
        self.bias = nn.Parameter(torch.zeros(out_features)) if bias else None
        self.reset_parameters()

    def reset_parameters(self):
        with torch.no_grad():
            w = torch.randn_like(self.weight)
            self.weight.copy_((w - w.mean()) / w.std() * math.sqrt(2 / self.weight.shape[1]))
            if self.bias is not None:
                self.bias.zero_()

    def forward(self, x):
        return F.linear(x, self.weight, self.bias)


# %% wrong="own_linear" says="is the distribution cut off"
# cut off at -2 and 2
class OwnLinear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        self.bias = nn.Parameter(torch.empty(out_features)) if bias else None
        self.reset_parameters()

    def reset_parameters(self):
        nn.init.trunc_normal_(self.weight, std=math.sqrt(2 / self.in_features))
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x):
        return F.linear(x, self.weight, self.bias)


# %% wrong="own_linear" says="Were they never filled"
# nobody calls reset_parameters
class OwnLinear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        self.bias = nn.Parameter(torch.zeros(out_features)) if bias else None

    def reset_parameters(self):
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x):
        return F.linear(x, self.weight, self.bias)


# %% wrong="own_linear" says="sets torch's seed"
# a new seed for each layer
class OwnLinear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        self.bias = nn.Parameter(torch.zeros(out_features)) if bias else None
        self.reset_parameters()

    def reset_parameters(self):
        torch.manual_seed(torch.randint(10**6, ()).item())
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x):
        return F.linear(x, self.weight, self.bias)


# %% wrong="own_linear" says="is a `return` missing"
# no return
class OwnLinear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        self.bias = nn.Parameter(torch.zeros(out_features)) if bias else None
        self.reset_parameters()

    def reset_parameters(self):
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x):
        F.linear(x, self.weight, self.bias)
