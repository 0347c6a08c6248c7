# %% [markdown]
# Other answers to the exercises of `02_gradients_and_optimizers`: right ones that the checks must accept, wrong ones
# that they must reject with a message that leads to the mistake.


# One row of the identity at a time
# %% right="numerical_gradient"
def numerical_gradient(f, x, h=1e-5):
    moves = torch.eye(x.numel(), dtype=x.dtype) * h
    return torch.tensor(
        [(f(x + m.reshape(x.shape)) - f(x - m.reshape(x.shape))) / (2 * h) for m in moves], dtype=x.dtype
    ).reshape(x.shape)


# Through a flat copy, each number put back
# %% right="numerical_gradient"
def numerical_gradient(f, x, h=1e-5):
    flat = x.reshape(-1).clone()
    found = []
    for i in range(len(flat)):
        kept = flat[i].item()
        flat[i] = kept + h
        right = f(flat.reshape(x.shape)).item()
        flat[i] = kept - h
        left = f(flat.reshape(x.shape)).item()
        flat[i] = kept
        found.append((right - left) / h / 2)
    return torch.tensor(found, dtype=torch.float64).reshape(x.shape)


# The mean of the two one-sided differences
# %% right="numerical_gradient"
def numerical_gradient(f, x, h=1e-5):
    gradient, here = torch.empty_like(x).contiguous().clone(), f(x)
    for index in np.ndindex(*x.shape):
        e = torch.zeros(x.shape, dtype=torch.float64)
        e[index] = h
        gradient[index] = ((f(x + e) - here) / h + (here - f(x - e)) / h) / 2
    return gradient


# Copied once, before the loop
# %% wrong="numerical_gradient" says="a fresh copy for each measurement"
def numerical_gradient(f, x, h=1e-5):
    gradient = torch.zeros(x.shape, dtype=torch.float64)
    right, left = x.clone(), x.clone()
    for index in np.ndindex(*x.shape):
        right[index] += h
        left[index] -= h
        gradient[index] = (f(right) - f(left)) / (2 * h)
    return gradient


# Missing brackets
# %% wrong="numerical_gradient" says="with brackets"
def numerical_gradient(f, x, h=1e-5):
    gradient = torch.zeros(x.shape, dtype=torch.float64)
    for index in np.ndindex(*x.shape):
        right, left = x.clone(), x.clone()
        right[index] += h
        left[index] -= h
        gradient[index] = (f(right) - f(left)) / 2 * h
    return gradient


# Rows instead of numbers
# %% wrong="numerical_gradient" says="a whole row at once"
def numerical_gradient(f, x, h=1e-5):
    gradient = torch.zeros(x.shape, dtype=torch.float64)
    for i in range(len(x)):
        right, left = x.clone(), x.clone()
        right[i] += h
        left[i] -= h
        gradient[i] = (f(right) - f(left)) / (2 * h)
    return gradient


# A second name, no copy
# %% wrong="numerical_gradient" says="only a second name"
def numerical_gradient(f, x, h=1e-5):
    gradient = torch.zeros(x.shape, dtype=torch.float64)
    for index in np.ndindex(*x.shape):
        right, left = x, x
        right[index] += h
        left[index] -= h
        gradient[index] = (f(right) - f(left)) / (2 * h)
    return gradient


# Forward difference
# %% wrong="numerical_gradient" says="That is the forward difference"
def numerical_gradient(f, x, h=1e-5):
    gradient = torch.zeros(x.shape, dtype=torch.float64)
    for index in np.ndindex(*x.shape):
        right, left = x.clone(), x.clone()
        right[index] += h
        left[index] -= 0.0
        gradient[index] = (f(right) - f(left)) / h
    return gradient


# Backward difference
# %% wrong="numerical_gradient" says="That is the backward difference"
def numerical_gradient(f, x, h=1e-5):
    gradient = torch.zeros(x.shape, dtype=torch.float64)
    for index in np.ndindex(*x.shape):
        right, left = x.clone(), x.clone()
        right[index] += 0.0
        left[index] -= h
        gradient[index] = (f(right) - f(left)) / h
    return gradient


# Divides by h
# %% wrong="numerical_gradient" says="the two points are 2h apart"
def numerical_gradient(f, x, h=1e-5):
    gradient = torch.zeros(x.shape, dtype=torch.float64)
    for index in np.ndindex(*x.shape):
        right, left = x.clone(), x.clone()
        right[index] += h
        left[index] -= h
        gradient[index] = (f(right) - f(left)) / h
    return gradient


# Wrong sign
# %% wrong="numerical_gradient" says="The sign is wrong"
def numerical_gradient(f, x, h=1e-5):
    gradient = torch.zeros(x.shape, dtype=torch.float64)
    for index in np.ndindex(*x.shape):
        right, left = x.clone(), x.clone()
        right[index] += h
        left[index] -= h
        gradient[index] = (f(left) - f(right)) / (2 * h)
    return gradient


# Does not divide
# %% wrong="numerical_gradient" says="You did not divide by 2h"
def numerical_gradient(f, x, h=1e-5):
    gradient = torch.zeros(x.shape, dtype=torch.float64)
    for index in np.ndindex(*x.shape):
        right, left = x.clone(), x.clone()
        right[index] += h
        left[index] -= h
        gradient[index] = f(right) - f(left)
    return gradient


# Everything moves at once
# %% wrong="numerical_gradient" says="You moved all coordinates at once"
def numerical_gradient(f, x, h=1e-5):
    slope = (f(x + h) - f(x - h)) / (2 * h)
    return slope.expand(x.shape).clone()


# Autograd
# %% wrong="numerical_gradient" says="That is the exact derivative, or a measurement"
def numerical_gradient(f, x, h=1e-5):
    leaf = x.clone().requires_grad_()
    return torch.autograd.grad(f(leaf), leaf)[0]


# A fixed h
# %% wrong="numerical_gradient" says="use the given h"
def numerical_gradient(f, x, h=1e-5):
    h = 1e-5
    gradient = torch.zeros(x.shape, dtype=torch.float64)
    for index in np.ndindex(*x.shape):
        right, left = x.clone(), x.clone()
        right[index] += h
        left[index] -= h
        gradient[index] = (f(right) - f(left)) / (2 * h)
    return gradient


# Half of h to each side
# %% wrong="numerical_gradient" says="move it by h"
def numerical_gradient(f, x, h=1e-5):
    gradient = torch.zeros(x.shape, dtype=torch.float64)
    for index in np.ndindex(*x.shape):
        right, left = x.clone(), x.clone()
        right[index] += h / 2
        left[index] -= h / 2
        gradient[index] = (f(right) - f(left)) / h
    return gradient


# Moves x itself and leaves it there
# %% wrong="numerical_gradient" says="moved up, and not back"
def numerical_gradient(f, x, h=1e-5):
    gradient = torch.zeros(x.shape, dtype=torch.float64)
    for index in np.ndindex(*x.shape):
        x[index] -= h
        left = f(x)
        x[index] += 2 * h
        gradient[index] = (f(x) - left) / (2 * h)
    return gradient


# Moves x itself, the other way round
# %% wrong="numerical_gradient" says="moved down, and not back"
def numerical_gradient(f, x, h=1e-5):
    gradient = torch.zeros(x.shape, dtype=torch.float64)
    for index in np.ndindex(*x.shape):
        x[index] += h
        right = f(x)
        x[index] -= 2 * h
        gradient[index] = (right - f(x)) / (2 * h)
    return gradient


# Moves x itself and puts it back, which fails where numbers share memory
# %% wrong="numerical_gradient" says="You write into x, where several places"
def numerical_gradient(f, x, h=1e-5):
    gradient = torch.zeros(x.shape, dtype=torch.float64)
    for index in np.ndindex(*x.shape):
        kept = x[index].item()
        x[index] = kept + h
        right = f(x)
        x[index] = kept - h
        left = f(x)
        x[index] = kept
        gradient[index] = (right - left) / (2 * h)
    return gradient


# One copy for all, never put back
# %% wrong="numerical_gradient" says="numerical_gradient(f, x, 0.25)"
def numerical_gradient(f, x, h=1e-5):
    gradient, moved = torch.zeros(x.shape, dtype=torch.float64), x.clone()
    for index in np.ndindex(*x.shape):
        moved[index] += h
        right = f(moved)
        moved[index] -= 2 * h
        gradient[index] = (right - f(moved)) / (2 * h)
    return gradient


# A flat gradient
# %% wrong="numerical_gradient" says="The shapes differ"
def numerical_gradient(f, x, h=1e-5):
    flat, found = x.reshape(-1), []
    for i in range(x.numel()):
        e = torch.zeros(x.numel(), dtype=x.dtype)
        e[i] = h
        found.append((f((flat + e).reshape(x.shape)) - f((flat - e).reshape(x.shape))) / (2 * h))
    return torch.stack(found)


# float32
# %% wrong="numerical_gradient" says="The dtypes differ"
def numerical_gradient(f, x, h=1e-5):
    gradient = torch.zeros(x.shape)
    for index in np.ndindex(*x.shape):
        right, left = x.clone(), x.clone()
        right[index] += h
        left[index] -= h
        gradient[index] = (f(right) - f(left)) / (2 * h)
    return gradient


# f gets a flat tensor
# %% wrong="numerical_gradient" says="f takes a tensor of shape"
def numerical_gradient(f, x, h=1e-5):
    flat, found = x.reshape(-1), []
    for i in range(x.numel()):
        e = torch.zeros(x.numel(), dtype=x.dtype)
        e[i] = h
        found.append((f(flat + e) - f(flat - e)) / (2 * h))
    return torch.stack(found).reshape(x.shape)


# The same result for ever
# %% wrong="numerical_gradient" says="numerical_gradient(f, x, 0.1)"
def numerical_gradient(f, x, h=1e-5):
    if not hasattr(numerical_gradient, "kept"):
        numerical_gradient.kept = torch.zeros(x.shape, dtype=torch.float64)
        for index in np.ndindex(*x.shape):
            right, left = x.clone(), x.clone()
            right[index] += h
            left[index] -= h
            numerical_gradient.kept[index] = (f(right) - f(left)) / (2 * h)
    return numerical_gradient.kept


# Two dimensions only
# %% wrong="numerical_gradient" says="numerical_gradient"
def numerical_gradient(f, x, h=1e-5):
    gradient = torch.zeros(x.shape, dtype=torch.float64)
    rows = range(x.shape[0]) if x.dim() == 2 else [None]
    for i in rows:
        for j in range(x.shape[-1]):
            right, left = x.clone(), x.clone()
            at = (i, j) if i is not None else (j,)
            right[at] += h
            left[at] -= h
            gradient[at] = (f(right) - f(left)) / (2 * h)
    return gradient


# All measurements by vmap, where f must not look at its numbers
# %% wrong="numerical_gradient" says="vmap"
def numerical_gradient(f, x, h=1e-5):
    moves = (h * torch.eye(x.numel(), dtype=torch.float64)).reshape(-1, *x.shape)
    slopes = (torch.vmap(f)(x + moves) - torch.vmap(f)(x - moves)) / (2 * h)
    return slopes.reshape(x.shape)


# Subtracts two views of one buffer
# %% wrong="numerical_gradient" says="what f returned was a view of your copy"
def numerical_gradient(f, x, h=1e-5):
    gradient, moved = torch.zeros(x.shape, dtype=torch.float64), x.clone()
    for index in np.ndindex(*x.shape):
        moved[index] = x[index] + h
        right = f(moved)
        moved[index] = x[index] - h
        left = f(moved)
        moved[index] = x[index]
        gradient[index] = (right - left) / (2 * h)
    return gradient


# Moves x itself if it is contiguous
# %% wrong="numerical_gradient" says="You moved x itself, which f uses, too"
def numerical_gradient(f, x, h=1e-5):
    moved, gradient = x.contiguous(), torch.zeros(x.shape, dtype=torch.float64)
    for index in np.ndindex(*x.shape):
        kept, ends = moved[index].item(), []
        for step in (h, -h):
            moved[index] = kept + step
            ends.append(float(f(moved)))
        moved[index] = kept
        gradient[index] = (ends[0] - ends[1]) / (2 * h)
    return gradient


# torch.func
# %% right="value_and_gradient"
def value_and_gradient(f, x):
    gradient, value = torch.func.grad_and_value(f)(x.detach())
    return float(value), gradient.detach().clone()


# backward, for one leaf alone
# %% right="value_and_gradient"
def value_and_gradient(f, x):
    leaf = nn.Parameter(x.detach().clone())
    value = f(leaf)
    value.backward(inputs=[leaf])
    return value.item(), leaf.grad.detach().clone()


# vjp
# %% right="value_and_gradient"
def value_and_gradient(f, x):
    value, gradient = torch.autograd.functional.vjp(f, x.detach(), torch.ones((), dtype=x.dtype))
    return value.item(), gradient.clone()


# backward on a leaf: the weights of f get a gradient
# %% wrong="value_and_gradient" says="adds to the grad of every leaf"
def value_and_gradient(f, x):
    leaf = x.detach().clone().requires_grad_()
    value = f(leaf)
    value.backward()
    return value.item(), leaf.grad


# backward, then the weights are cleared
# %% wrong="value_and_gradient" says="You cleared it"
def value_and_gradient(f, x):
    leaf = x.detach().clone().requires_grad_()
    value = f(leaf)
    value.backward()
    if isinstance(f, nn.Module):
        f.zero_grad()
    return value.item(), leaf.grad


# backward, then the weights are set to zero
# %% wrong="value_and_gradient" says="You set it to zero"
def value_and_gradient(f, x):
    leaf = x.detach().clone().requires_grad_()
    value = f(leaf)
    value.backward()
    if isinstance(f, nn.Module):
        f.zero_grad(set_to_none=False)
    return value.item(), leaf.grad


# backward on the loss, the old gradient put back if there is one
# %% wrong="value_and_gradient" says="the weight of f still has no grad"
def value_and_gradient(f, x):
    leaf = x.detach().clone().requires_grad_()
    kept = [p.grad.clone() for p in f.parameters() if p.grad is not None] if isinstance(f, nn.Module) else []
    value = f(leaf)
    value.backward()
    if kept:
        for p, old in zip(f.parameters(), kept):
            p.grad = old
    return value.item(), leaf.grad


# Switches x on
# %% wrong="value_and_gradient" says="You switched it on"
def value_and_gradient(f, x):
    x.requires_grad_()
    value = f(x)
    (gradient,) = torch.autograd.grad(value, x)
    return value.item(), gradient


# Differentiates x itself, then tidies up too much
# %% wrong="value_and_gradient" says="You cleared the grad of x"
def value_and_gradient(f, x):
    x = x if x.is_leaf else x.detach()
    needed = x.requires_grad
    x.requires_grad_()
    x.grad = None
    value = f(x)
    value.backward(inputs=[x])
    gradient, x.grad = x.grad, None
    x.requires_grad_(needed)
    return value.item(), gradient


# Differentiates x itself, on top of the grad that it has
# %% wrong="value_and_gradient" says="You cleared the grad of x"
def value_and_gradient(f, x):
    x = x if x.is_leaf else x.detach()
    needed = x.requires_grad
    value = f(x.requires_grad_())
    value.backward(inputs=[x])
    gradient = x.grad.clone()
    x.grad = None
    x.requires_grad_(needed)
    return value.item(), gradient


# Switches x on and off again
# %% wrong="value_and_gradient" says="x.requires_grad is still True"
def value_and_gradient(f, x):
    if x.is_leaf:
        x.requires_grad_()
    value = f(x)
    (gradient,) = torch.autograd.grad(value, x)
    if x.is_leaf:
        x.requires_grad_(False)
    return value.item(), gradient.clone()


# Uses an x that requires a gradient
# %% wrong="value_and_gradient" says="x.grad is still None"
def value_and_gradient(f, x):
    leaf = x if x.requires_grad and x.is_leaf else x.detach().clone().requires_grad_()
    value = f(leaf)
    value.backward(inputs=[leaf])
    return value.item(), leaf.grad.clone()


# The value is a tensor
# %% wrong="value_and_gradient" says="makes a Python float of it"
def value_and_gradient(f, x):
    leaf = x.detach().clone().requires_grad_()
    value = f(leaf)
    (gradient,) = torch.autograd.grad(value, leaf)
    return value.detach(), gradient


# The tuple of autograd.grad
# %% wrong="value_and_gradient" says="take the tensor out of it"
def value_and_gradient(f, x):
    leaf = x.detach().clone().requires_grad_()
    value = f(leaf)
    return value.item(), torch.autograd.grad(value, leaf)


# The gradient of the wrong tensor
# %% wrong="value_and_gradient" says="There is no gradient"
def value_and_gradient(f, x):
    leaf = x.detach().clone().requires_grad_()
    value = f(leaf)
    torch.autograd.grad(value, leaf)
    return value.item(), leaf.grad


# Goes back twice
# %% wrong="value_and_gradient" says="does something add up?"
def value_and_gradient(f, x):
    leaf = x.detach().clone().requires_grad_()
    value = f(leaf)
    value.backward(inputs=[leaf], retain_graph=True)
    value.backward(inputs=[leaf])
    return value.item(), leaf.grad


# The gradient keeps its graph
# %% wrong="value_and_gradient" says="It is part of a graph"
def value_and_gradient(f, x):
    leaf = x.detach().clone().requires_grad_()
    value = f(leaf)
    (gradient,) = torch.autograd.grad(value, leaf, create_graph=True)
    return value.item(), gradient


# torch.func inside the graph of the weights
# %% wrong="value_and_gradient" says="It is part of a graph"
def value_and_gradient(f, x):
    gradient, value = torch.func.grad_and_value(f)(x.detach())
    return value.item(), gradient


# Gradient alone
# %% wrong="value_and_gradient" says="Return the value and the gradient"
def value_and_gradient(f, x):
    leaf = x.detach().clone().requires_grad_()
    return torch.autograd.grad(f(leaf), leaf)[0]


# The result of autograd.grad as it is
# %% right="value_and_gradient"
def value_and_gradient(f, x):
    leaf = x.detach().requires_grad_()
    value = f(leaf)
    return float(value), torch.autograd.grad(value, [leaf])[0]


# Forgets that results may be stale
# %% wrong="value_and_gradient" says="a layer f with a weight"
def value_and_gradient(f, x):
    if not hasattr(value_and_gradient, "kept"):
        value_and_gradient.kept = torch.zeros(x.shape, dtype=x.dtype)
    leaf = x.detach().clone().requires_grad_()
    value = f(leaf)
    (gradient,) = torch.autograd.grad(value, leaf)
    if gradient.shape == value_and_gradient.kept.shape:
        value_and_gradient.kept += gradient
        gradient = value_and_gradient.kept / 2
    return value.item(), gradient


# float32 throughout
# %% wrong="value_and_gradient" says="f takes torch.float64"
def value_and_gradient(f, x):
    leaf = x.detach().float().requires_grad_()
    value = f(leaf)
    return value.item(), torch.autograd.grad(value, leaf)[0].clone()


# Measured
# %% wrong="value_and_gradient" says="the gradient"
def value_and_gradient(f, x):
    with torch.no_grad():
        moves = 1e-2 * torch.eye(x.numel(), dtype=x.dtype).reshape(-1, *x.shape)
        slopes = [(f(x + m) - f(x - m)) / 2e-2 for m in moves]
        return f(x).item(), torch.stack(slopes).reshape(x.shape)


# Saves the gradients of f.parameters() alone
# %% wrong="value_and_gradient" says="a weight inside f has been given a grad"
def value_and_gradient(f, x):
    weights = [*f.parameters()] if hasattr(f, "parameters") else []
    old = [(weight, weight.grad) for weight in weights]
    for weight in weights:
        weight.grad = None
    leaf = x.detach().clone().requires_grad_()
    value = f(leaf)
    value.backward()
    for weight, grad in old:
        weight.grad = grad
    return value.item(), leaf.grad


# Switches x on for a moment
# %% wrong="value_and_gradient" says="You differentiated x itself, which f uses, too"
def value_and_gradient(f, x):
    was_on = x.requires_grad
    if not was_on:
        x.requires_grad_()
    value = f(x)
    gradient = torch.autograd.grad(value, x)[0]
    if not was_on:
        x.requires_grad_(False)
    return value.item(), gradient


# Keeps the left part when the values agree
# %% right="golden_section"
def golden_section(phi, a, b, tol=1e-8):
    ratio = (math.sqrt(5) - 1) / 2
    c, d = b - ratio * (b - a), a + ratio * (b - a)
    fc, fd = phi(c), phi(d)
    while b - a > tol:
        if fc <= fd:
            b, d, fd = d, c, fc
            c = b - ratio * (b - a)
            fc = phi(c)
        else:
            a, c, fc = c, d, fd
            d = a + ratio * (b - a)
            fd = phi(d)
    return a + (b - a) / 2


# Recursive
# %% right="golden_section"
def golden_section(phi, a, b, tol=1e-8):
    ratio = 0.6180339887498949

    def cut(a, c, fc, d, fd, b):
        if b - a <= tol:
            return (a + b) / 2
        if fc < fd:
            new = d - ratio * (d - a)
            return cut(a, new, phi(new), c, fc, d)
        new = c + ratio * (b - c)
        return cut(c, d, fd, new, phi(new), b)

    c, d = b - ratio * (b - a), a + ratio * (b - a)
    return cut(a, c, phi(c), d, phi(d), b)


# Remembers the values it has asked for
# %% right="golden_section"
def golden_section(phi, a, b, tol=1e-8):
    ratio, known = (5**0.5 - 1) / 2, {}

    def ask(place):
        if place not in known:
            known[place] = phi(place)
        return known[place]

    c, d = b - ratio * (b - a), a + ratio * (b - a)
    while b - a > tol:
        if ask(c) < ask(d):
            b, d = d, c
            c = b - ratio * (b - a)
        else:
            a, c = c, d
            d = a + ratio * (b - a)
    return (a + b) / 2


# The number of cuts computed first
# %% right="golden_section"
def golden_section(phi, a, b, tol=1e-8):
    ratio = (math.sqrt(5) - 1) / 2
    cuts = 0
    while (b - a) * ratio**cuts > tol:
        cuts += 1
    if cuts == 0:
        return (a + b) / 2
    c, d = b - ratio * (b - a), a + ratio * (b - a)
    fc, fd = phi(c), phi(d)
    for _ in range(cuts):
        if fc < fd:
            b, d, fd = d, c, fc
            c = b - ratio * (b - a)
            fc = phi(c)
        else:
            a, c, fc = c, d, fd
            d = a + ratio * (b - a)
            fd = phi(d)
    return (a + b) / 2


# phi gets tensors
# %% wrong="golden_section" says="phi takes a Python float, not a Tensor"
def golden_section(phi, a, b, tol=1e-8):
    a, b = torch.tensor(a, dtype=torch.float64), torch.tensor(b, dtype=torch.float64)
    ratio = (math.sqrt(5) - 1) / 2
    c, d = b - ratio * (b - a), a + ratio * (b - a)
    fc, fd = phi(c), phi(d)
    while b - a > tol:
        if fc < fd:
            b, d, fd = d, c, fc
            c = b - ratio * (b - a)
            fc = phi(c)
        else:
            a, c, fc = c, d, fd
            d = a + ratio * (b - a)
            fd = phi(d)
    return (a + b).item() / 2


# Keeps the wrong part
# %% wrong="golden_section" says="you keep the part with the larger values"
def golden_section(phi, a, b, tol=1e-8):
    ratio = (math.sqrt(5) - 1) / 2
    c, d = b - ratio * (b - a), a + ratio * (b - a)
    fc, fd = phi(c), phi(d)
    while b - a > tol:
        if fc > fd:
            b, d, fd = d, c, fc
            c = b - ratio * (b - a)
            fc = phi(c)
        else:
            a, c, fc = c, d, fd
            d = a + ratio * (b - a)
            fd = phi(d)
    return (a + b) / 2


# Returns the smallest value
# %% wrong="golden_section" says="return the place where it is"
def golden_section(phi, a, b, tol=1e-8):
    ratio = (math.sqrt(5) - 1) / 2
    c, d = b - ratio * (b - a), a + ratio * (b - a)
    fc, fd = phi(c), phi(d)
    while b - a > tol:
        if fc < fd:
            b, d, fd = d, c, fc
            c = b - ratio * (b - a)
            fc = phi(c)
        else:
            a, c, fc = c, d, fd
            d = a + ratio * (b - a)
            fd = phi(d)
    return round(phi((a + b) / 2), 6)


# Returns the interval
# %% wrong="golden_section" says="Yours is a tuple"
def golden_section(phi, a, b, tol=1e-8):
    ratio = (math.sqrt(5) - 1) / 2
    c, d = b - ratio * (b - a), a + ratio * (b - a)
    fc, fd = phi(c), phi(d)
    while b - a > tol:
        if fc < fd:
            b, d, fd = d, c, fc
            c = b - ratio * (b - a)
            fc = phi(c)
        else:
            a, c, fc = c, d, fd
            d = a + ratio * (b - a)
            fd = phi(d)
    return a, b


# Returns a tensor
# %% wrong="golden_section" says="Yours is a Tensor"
def golden_section(phi, a, b, tol=1e-8):
    ratio = (math.sqrt(5) - 1) / 2
    c, d = b - ratio * (b - a), a + ratio * (b - a)
    fc, fd = phi(c), phi(d)
    while b - a > tol:
        if fc < fd:
            b, d, fd = d, c, fc
            c = b - ratio * (b - a)
            fc = phi(c)
        else:
            a, c, fc = c, d, fd
            d = a + ratio * (b - a)
            fd = phi(d)
    return torch.tensor((a + b) / 2)


# Returns the left end
# %% wrong="golden_section" says="That is an end of the last interval"
def golden_section(phi, a, b, tol=1e-8):
    ratio = (math.sqrt(5) - 1) / 2
    c, d = b - ratio * (b - a), a + ratio * (b - a)
    fc, fd = phi(c), phi(d)
    while b - a > tol:
        if fc < fd:
            b, d, fd = d, c, fc
            c = b - ratio * (b - a)
            fc = phi(c)
        else:
            a, c, fc = c, d, fd
            d = a + ratio * (b - a)
            fd = phi(d)
    return a


# Returns the right end
# %% wrong="golden_section" says="That is the other end of the last interval"
def golden_section(phi, a, b, tol=1e-8):
    ratio = (math.sqrt(5) - 1) / 2
    c, d = b - ratio * (b - a), a + ratio * (b - a)
    fc, fd = phi(c), phi(d)
    while b - a > tol:
        if fc < fd:
            b, d, fd = d, c, fc
            c = b - ratio * (b - a)
            fc = phi(c)
        else:
            a, c, fc = c, d, fd
            d = a + ratio * (b - a)
            fd = phi(d)
    return b


# Returns an end if nothing is to be cut
# %% wrong="golden_section" says="That is an end of the interval: return its midpoint."
def golden_section(phi, a, b, tol=1e-8):
    if b - a <= tol:
        return a
    ratio = (math.sqrt(5) - 1) / 2
    c, d = b - ratio * (b - a), a + ratio * (b - a)
    fc, fd = phi(c), phi(d)
    while b - a > tol:
        if fc < fd:
            b, d, fd = d, c, fc
            c = b - ratio * (b - a)
            fc = phi(c)
        else:
            a, c, fc = c, d, fd
            d = a + ratio * (b - a)
            fd = phi(d)
    return (a + b) / 2


# Returns the better point inside
# %% wrong="golden_section" says="That is one of the two points inside"
def golden_section(phi, a, b, tol=1e-8):
    ratio = (math.sqrt(5) - 1) / 2
    c, d = b - ratio * (b - a), a + ratio * (b - a)
    fc, fd = phi(c), phi(d)
    while b - a > tol:
        if fc < fd:
            b, d, fd = d, c, fc
            c = b - ratio * (b - a)
            fc = phi(c)
        else:
            a, c, fc = c, d, fd
            d = a + ratio * (b - a)
            fd = phi(d)
    return (a + b) / 2 if b - a >= 0.5 else c if fc < fd else d


# Looks at half the length
# %% wrong="golden_section" says="You cut once more"
def golden_section(phi, a, b, tol=1e-8):
    ratio = (math.sqrt(5) - 1) / 2
    c, d = b - ratio * (b - a), a + ratio * (b - a)
    fc, fd = phi(c), phi(d)
    while b - a > tol * 0.7:
        if fc < fd:
            b, d, fd = d, c, fc
            c = b - ratio * (b - a)
            fc = phi(c)
        else:
            a, c, fc = c, d, fd
            d = a + ratio * (b - a)
            fd = phi(d)
    return (a + b) / 2


# Looks at the length too early
# %% wrong="golden_section" says="You cut once less"
def golden_section(phi, a, b, tol=1e-8):
    ratio = (math.sqrt(5) - 1) / 2
    c, d = b - ratio * (b - a), a + ratio * (b - a)
    fc, fd = phi(c), phi(d)
    while (b - a) * ratio > tol:
        if fc < fd:
            b, d, fd = d, c, fc
            c = b - ratio * (b - a)
            fc = phi(c)
        else:
            a, c, fc = c, d, fd
            d = a + ratio * (b - a)
            fd = phi(d)
    return (a + b) / 2


# Cuts before it looks
# %% wrong="golden_section" says="You cut it nevertheless"
def golden_section(phi, a, b, tol=1e-8):
    ratio = (math.sqrt(5) - 1) / 2
    c, d = b - ratio * (b - a), a + ratio * (b - a)
    fc, fd = phi(c), phi(d)
    first = True
    while first or b - a > tol:
        if not first:
            if c is None:
                c = b - ratio * (b - a)
                fc = phi(c)
            else:
                d = a + ratio * (b - a)
                fd = phi(d)
        first = False
        if fc < fd:
            b, d, fd, c = d, c, fc, None
        else:
            a, c, fc = c, d, fd
    return (a + b) / 2


# Two new values for each cut
# %% wrong="golden_section" says="each cut needs one new value"
def golden_section(phi, a, b, tol=1e-8):
    ratio = (math.sqrt(5) - 1) / 2
    while b - a > tol:
        c, d = b - ratio * (b - a), a + ratio * (b - a)
        if phi(c) < phi(d):
            b = d
        else:
            a = c
    return (a + b) / 2


# Thirds
# %% wrong="golden_section" says="each cut needs one new value"
def golden_section(phi, a, b, tol=1e-8):
    while b - a > tol:
        third = (b - a) / 3
        if phi(a + third) < phi(b - third):
            b -= third
        else:
            a += third
    return (a + b) / 2


# Asks at the ends, too
# %% wrong="golden_section" says="phi is called at most"
def golden_section(phi, a, b, tol=1e-8):
    phi(a), phi(b)
    ratio = (math.sqrt(5) - 1) / 2
    c, d = b - ratio * (b - a), a + ratio * (b - a)
    fc, fd = phi(c), phi(d)
    while b - a > tol:
        if fc < fd:
            b, d, fd = d, c, fc
            c = b - ratio * (b - a)
            fc = phi(c)
        else:
            a, c, fc = c, d, fd
            d = a + ratio * (b - a)
            fd = phi(d)
    return (a + b) / 2


# Bisects by a slope, a little beyond the ends
# %% wrong="golden_section" says="which is not between"
def golden_section(phi, a, b, tol=1e-8):
    step = (b - a) / 2
    place = a
    while step > tol / 4:
        place = min((place - step, place, place + step), key=phi)
        step /= 2
    return float(place)


# A fixed number of cuts
# %% wrong="golden_section" says="golden_section"
def golden_section(phi, a, b, tol=1e-8):
    ratio = (math.sqrt(5) - 1) / 2
    c, d = b - ratio * (b - a), a + ratio * (b - a)
    fc, fd = phi(c), phi(d)
    for _ in range(21):
        if fc < fd:
            b, d, fd = d, c, fc
            c = b - ratio * (b - a)
            fc = phi(c)
        else:
            a, c, fc = c, d, fd
            d = a + ratio * (b - a)
            fd = phi(d)
    return (a + b) / 2


# Forgets to carry the value over
# %% wrong="golden_section" says="golden_section"
def golden_section(phi, a, b, tol=1e-8):
    ratio = (math.sqrt(5) - 1) / 2
    c, d = b - ratio * (b - a), a + ratio * (b - a)
    fc, fd = phi(c), phi(d)
    while b - a > tol:
        if fc < fd:
            b, d = d, c
            c = b - ratio * (b - a)
            fc = phi(c)
        else:
            a, c = c, d
            d = a + ratio * (b - a)
            fd = phi(d)
    return (a + b) / 2


# A parabola through three points
# %% wrong="golden_section" says="two cuts, then the midpoint"
def golden_section(phi, a, b, tol=1e-8):
    c = (a + b) / 2
    if b - a <= tol:
        return c
    fa, fc, fb = phi(a), phi(c), phi(b)
    bend = fa - 2 * fc + fb
    return c if bend == 0 else c + (b - a) / 4 * (fa - fb) / bend


# Stops at ten times tol
# %% wrong="golden_section" says="two cuts, then the midpoint"
def golden_section(phi, a, b, tol=1e-8):
    ratio = (math.sqrt(5) - 1) / 2
    c, d = b - ratio * (b - a), a + ratio * (b - a)
    fc, fd = phi(c), phi(d)
    while b - a > 10 * tol:
        if fc < fd:
            b, d, fd = d, c, fc
            c = b - ratio * (b - a)
            fc = phi(c)
        else:
            a, c, fc = c, d, fd
            d = a + ratio * (b - a)
            fd = phi(d)
    return (a + b) / 2


# Fifty cuts at most
# %% wrong="golden_section" says="however many cuts that takes"
def golden_section(phi, a, b, tol=1e-8):
    ratio, cuts = (math.sqrt(5) - 1) / 2, 0
    c, d = b - ratio * (b - a), a + ratio * (b - a)
    fc, fd = phi(c), phi(d)
    while b - a > tol and cuts < 50:
        cuts += 1
        if fc < fd:
            b, d, fd = d, c, fc
            c = b - ratio * (b - a)
            fc = phi(c)
        else:
            a, c, fc = c, d, fd
            d = a + ratio * (b - a)
            fd = phi(d)
    return (a + b) / 2


# Never below the default of tol
# %% wrong="golden_section" says="however small tol is"
def golden_section(phi, a, b, tol=1e-8):
    ratio, tol = (math.sqrt(5) - 1) / 2, max(tol, 1e-8)
    c, d = b - ratio * (b - a), a + ratio * (b - a)
    fc, fd = phi(c), phi(d)
    while b - a > tol:
        if fc < fd:
            b, d, fd = d, c, fc
            c = b - ratio * (b - a)
            fc = phi(c)
        else:
            a, c, fc = c, d, fd
            d = a + ratio * (b - a)
            fd = phi(d)
    return (a + b) / 2


# autograd.grad, and a NumPy-like shape
# %% right="steepest_descent"
def steepest_descent(f, x, line_search, eps=1e-6, max_iter=100):
    path = [x.detach().clone()]
    while len(path) <= max_iter:
        (gradient,) = torch.autograd.grad(f(x), x)
        if (gradient**2).sum().sqrt() < eps:
            break
        place = x.detach()

        def phi(alpha):
            with torch.no_grad():
                return float(f(place - alpha * gradient))

        place -= line_search(phi) * gradient
        path.append(place.clone())
    return torch.stack(path, dim=0)


# With an optimizer whose rate is the result of the search
# %% right="steepest_descent"
def steepest_descent(f, x, line_search, eps=1e-6, max_iter=100):
    optimizer = torch.optim.SGD([x], lr=1.0)
    places = x.detach().clone()[None]
    for _ in range(max_iter):
        optimizer.zero_grad()
        f(x).backward()
        if torch.linalg.vector_norm(x.grad).item() < eps:
            return places
        start, slope = x.detach().clone(), x.grad.clone()
        optimizer.param_groups[0]["lr"] = line_search(lambda alpha: f(start - alpha * slope).item())
        optimizer.step()
        places = torch.cat([places, x.detach()[None]])
    return places


# phi moves x, and puts it back
# %% right="steepest_descent"
def steepest_descent(f, x, line_search, eps=1e-6, max_iter=100):
    path = [x.detach().clone()]
    for _ in range(max_iter):
        x.grad = None
        f(x).backward()
        d = -x.grad
        if d.norm() < eps:
            break
        here = x.detach().clone()
        with torch.no_grad():

            def phi(alpha):
                x.copy_(here + alpha * d)
                value = f(x).item()
                x.copy_(here)
                return value

            x.add_(d, alpha=float(line_search(phi)))
        path.append(x.detach().clone())
    return torch.stack(path)


# At least one step
# %% wrong="steepest_descent" says="max_iter = 0"
def steepest_descent(f, x, line_search, eps=1e-6, max_iter=100):
    path = [x.detach().clone()]
    for _ in range(max(1, max_iter)):
        x.grad = None
        f(x).backward()
        d = -x.grad
        if d.norm() < eps:
            break
        with torch.no_grad():
            x += line_search(lambda a: f(x + a * d).item()) * d
        path.append(x.detach().clone())
    return torch.stack(path)


# The path holds the same memory
# %% wrong="steepest_descent" says="append a copy"
def steepest_descent(f, x, line_search, eps=1e-6, max_iter=100):
    path = [x.detach()]
    for _ in range(max_iter):
        x.grad = None
        f(x).backward()
        gradient = x.grad
        if gradient.norm() < eps:
            break
        d = -gradient
        with torch.no_grad():
            alpha = line_search(lambda a: f(x + a * d).item())
            x += alpha * d
        path.append(x.detach())
    return torch.stack(path)


# The start is missing
# %% wrong="steepest_descent" says="The start is missing."
def steepest_descent(f, x, line_search, eps=1e-6, max_iter=100):
    path = []
    for _ in range(max_iter):
        x.grad = None
        f(x).backward()
        gradient = x.grad
        if gradient.norm() < eps:
            break
        d = -gradient
        with torch.no_grad():
            alpha = line_search(lambda a: f(x + a * d).item())
            x += alpha * d
        path.append(x.detach().clone())
    return torch.stack(path)


# The last place is missing
# %% wrong="steepest_descent" says="The last place is missing."
def steepest_descent(f, x, line_search, eps=1e-6, max_iter=100):
    path = []
    for _ in range(max_iter):
        x.grad = None
        f(x).backward()
        gradient = x.grad
        if gradient.norm() < eps:
            break
        d = -gradient
        path.append(x.detach().clone())
        with torch.no_grad():
            alpha = line_search(lambda a: f(x + a * d).item())
            x += alpha * d
    return torch.stack(path)


# Uphill
# %% wrong="steepest_descent" says="You went uphill"
def steepest_descent(f, x, line_search, eps=1e-6, max_iter=100):
    path = [x.detach().clone()]
    for _ in range(max_iter):
        x.grad = None
        f(x).backward()
        gradient = x.grad
        if gradient.norm() < eps:
            break
        d = gradient
        with torch.no_grad():
            alpha = line_search(lambda a: f(x + a * d).item())
            x += alpha * d
        path.append(x.detach().clone())
    return torch.stack(path)


# alpha is not used
# %% wrong="steepest_descent" says="`alpha` is not used."
def steepest_descent(f, x, line_search, eps=1e-6, max_iter=100):
    path = [x.detach().clone()]
    for _ in range(max_iter):
        x.grad = None
        f(x).backward()
        gradient = x.grad
        if gradient.norm() < eps:
            break
        d = -gradient
        with torch.no_grad():
            alpha = line_search(lambda a: f(x + a * d).item())
            x += d
        path.append(x.detach().clone())
    return torch.stack(path)


# One step too many
# %% wrong="steepest_descent" says="One step too many"
def steepest_descent(f, x, line_search, eps=1e-6, max_iter=100):
    path = [x.detach().clone()]
    for _ in range(max_iter + 1):
        x.grad = None
        f(x).backward()
        gradient = x.grad
        if gradient.norm() < eps:
            break
        d = -gradient
        with torch.no_grad():
            alpha = line_search(lambda a: f(x + a * d).item())
            x += alpha * d
        path.append(x.detach().clone())
    return torch.stack(path)


# The last place alone
# %% wrong="steepest_descent" says="return all of them"
def steepest_descent(f, x, line_search, eps=1e-6, max_iter=100):
    path = [x.detach().clone()]
    for _ in range(max_iter):
        x.grad = None
        f(x).backward()
        gradient = x.grad
        if gradient.norm() < eps:
            break
        d = -gradient
        with torch.no_grad():
            alpha = line_search(lambda a: f(x + a * d).item())
            x += alpha * d
        path.append(x.detach().clone())
    return path[-1]


# The gradients add up
# %% wrong="steepest_descent" says="clear the old one"
def steepest_descent(f, x, line_search, eps=1e-6, max_iter=100):
    path = [x.detach().clone()]
    for _ in range(max_iter):
        f(x).backward()
        gradient = x.grad
        if gradient.norm() < eps:
            break
        d = -gradient
        with torch.no_grad():
            alpha = line_search(lambda a: f(x + a * d).item())
            x += alpha * d
        path.append(x.detach().clone())
    return torch.stack(path)


# A list
# %% wrong="steepest_descent" says="Use torch.stack"
def steepest_descent(f, x, line_search, eps=1e-6, max_iter=100):
    path = [x.detach().clone()]
    for _ in range(max_iter):
        x.grad = None
        f(x).backward()
        gradient = x.grad
        if gradient.norm() < eps:
            break
        d = -gradient
        with torch.no_grad():
            alpha = line_search(lambda a: f(x + a * d).item())
            x += alpha * d
        path.append(x.detach().clone())
    return path


# The path keeps a graph
# %% wrong="steepest_descent" says="the path requires no gradient"
def steepest_descent(f, x, line_search, eps=1e-6, max_iter=100):
    path = [x.detach().clone()]
    for _ in range(max_iter):
        x.grad = None
        f(x).backward()
        gradient = x.grad
        if gradient.norm() < eps:
            break
        d = -gradient
        with torch.no_grad():
            alpha = line_search(lambda a: f(x + a * d).item())
            x += alpha * d
        path.append(x.clone())
    return torch.stack(path)


# x does not move
# %% wrong="steepest_descent" says="x has not moved"
def steepest_descent(f, x, line_search, eps=1e-6, max_iter=100):
    x = x.detach().clone().requires_grad_()
    path = [x.detach().clone()]
    for _ in range(max_iter):
        x.grad = None
        f(x).backward()
        gradient = x.grad
        if gradient.norm() < eps:
            break
        d = -gradient
        with torch.no_grad():
            alpha = line_search(lambda a: f(x + a * d).item())
            x += alpha * d
        path.append(x.detach().clone())
    return torch.stack(path)


# x gets new memory
# %% wrong="steepest_descent" says="x has new memory"
def steepest_descent(f, x, line_search, eps=1e-6, max_iter=100):
    path = [x.detach().clone()]
    for _ in range(max_iter):
        x.grad = None
        f(x).backward()
        gradient = x.grad
        if gradient.norm() < eps:
            break
        d = -gradient
        with torch.no_grad():
            alpha = line_search(lambda a: f(x + a * d).item())
            x.data = x.data + alpha * d
        path.append(x.detach().clone())
    return torch.stack(path)


# x no longer requires a gradient
# %% wrong="steepest_descent" says="x is still a leaf"
def steepest_descent(f, x, line_search, eps=1e-6, max_iter=100):
    path = [x.detach().clone()]
    for _ in range(max_iter):
        x.grad = None
        f(x).backward()
        gradient = x.grad
        if gradient.norm() < eps:
            break
        d = -gradient
        with torch.no_grad():
            alpha = line_search(lambda a: f(x + a * d).item())
            x += alpha * d
        path.append(x.detach().clone())
    x.requires_grad_(False)
    return torch.stack(path)


# The update is recorded
# %% wrong="steepest_descent" says="a leaf Variable that requires grad"
def steepest_descent(f, x, line_search, eps=1e-6, max_iter=100):
    path = [x.detach().clone()]
    for _ in range(max_iter):
        x.grad = None
        f(x).backward()
        gradient = x.grad
        if gradient.norm() < eps:
            break
        d = -gradient
        alpha = line_search(lambda a: f(x + a * d).item())
        x += alpha * d
        path.append(x.detach().clone())
    return torch.stack(path)


# Looks at the length of the step
# %% wrong="steepest_descent" says="not the length of the step"
def steepest_descent(f, x, line_search, eps=1e-6, max_iter=100):
    path = [x.detach().clone()]
    for _ in range(max_iter):
        x.grad = None
        f(x).backward()
        gradient = x.grad
        if gradient.norm() < eps:
            break
        d = -gradient
        with torch.no_grad():
            alpha = line_search(lambda a: f(x + a * d).item())
            if (alpha * d).norm() < eps:
                break
            x += alpha * d
        path.append(x.detach().clone())
    return torch.stack(path)


# Looks after the step
# %% wrong="steepest_descent" says="look at the gradient before the step"
def steepest_descent(f, x, line_search, eps=1e-6, max_iter=100):
    path = [x.detach().clone()]
    for _ in range(max_iter):
        x.grad = None
        f(x).backward()
        gradient = x.grad
        d = -gradient
        with torch.no_grad():
            alpha = line_search(lambda a: f(x + a * d).item())
            x += alpha * d
        path.append(x.detach().clone())
        if gradient.norm() < eps:
            break
    return torch.stack(path)


# Never stops
# %% wrong="steepest_descent" says="It does not stop"
def steepest_descent(f, x, line_search, eps=1e-6, max_iter=100):
    path = [x.detach().clone()]
    for _ in range(max_iter):
        x.grad = None
        f(x).backward()
        gradient = x.grad
        d = -gradient
        with torch.no_grad():
            alpha = line_search(lambda a: f(x + a * d).item())
            x += alpha * d
        path.append(x.detach().clone())
    return torch.stack(path)


# phi returns a tensor
# %% wrong="steepest_descent" says="phi must return a Python float"
def steepest_descent(f, x, line_search, eps=1e-6, max_iter=100):
    path = [x.detach().clone()]
    for _ in range(max_iter):
        x.grad = None
        f(x).backward()
        gradient = x.grad
        if gradient.norm() < eps:
            break
        d = -gradient
        with torch.no_grad():
            alpha = line_search(lambda a: f(x + a * d))
            x += alpha * d
        path.append(x.detach().clone())
    return torch.stack(path)


# phi moves x
# %% wrong="steepest_descent" says="phi must not change x"
def steepest_descent(f, x, line_search, eps=1e-6, max_iter=100):
    path = [x.detach().clone()]
    for _ in range(max_iter):
        x.grad = None
        f(x).backward()
        gradient = x.grad
        if gradient.norm() < eps:
            break
        d = -gradient
        with torch.no_grad():
            alpha = line_search(lambda a: f(x.add_(d, alpha=a)).item())
            x += alpha * d
        path.append(x.detach().clone())
    return torch.stack(path)


# The value in place of the slope decides when to stop
# %% wrong="steepest_descent" says="it stops when the norm"
def steepest_descent(f, x, line_search, eps=1e-6, max_iter=100):
    path = [x.detach().clone()]
    for _ in range(max_iter):
        x.grad = None
        f(x).backward()
        gradient = x.grad
        if f(x) < eps:
            break
        d = -gradient
        with torch.no_grad():
            alpha = line_search(lambda a: f(x + a * d).item())
            x += alpha * d
        path.append(x.detach().clone())
    return torch.stack(path)


# Twice eps
# %% wrong="steepest_descent" says="it stops when the norm"
def steepest_descent(f, x, line_search, eps=1e-6, max_iter=100):
    path = [x.detach().clone()]
    for _ in range(max_iter):
        x.grad = None
        f(x).backward()
        gradient = x.grad
        if gradient.norm() < 2 * eps:
            break
        d = -gradient
        with torch.no_grad():
            alpha = line_search(lambda a: f(x + a * d).item())
            x += alpha * d
        path.append(x.detach().clone())
    return torch.stack(path)


# The largest number in place of the norm
# %% wrong="steepest_descent" says="You compared the largest number"
def steepest_descent(f, x, line_search, eps=1e-6, max_iter=100):
    path = [x.detach().clone()]
    for _ in range(max_iter):
        x.grad = None
        f(x).backward()
        gradient = x.grad
        if gradient.abs().max() < eps:
            break
        d = -gradient
        with torch.no_grad():
            alpha = line_search(lambda a: f(x + a * d).item())
            x += alpha * d
        path.append(x.detach().clone())
    return torch.stack(path)


# The sum in place of the norm
# %% wrong="steepest_descent" says="You compared the sum of the numbers"
def steepest_descent(f, x, line_search, eps=1e-6, max_iter=100):
    path = [x.detach().clone()]
    for _ in range(max_iter):
        x.grad = None
        f(x).backward()
        gradient = x.grad
        if gradient.sum().abs() < eps:
            break
        d = -gradient
        with torch.no_grad():
            alpha = line_search(lambda a: f(x + a * d).item())
            x += alpha * d
        path.append(x.detach().clone())
    return torch.stack(path)


# No root
# %% wrong="steepest_descent" says="The root is missing"
def steepest_descent(f, x, line_search, eps=1e-6, max_iter=100):
    path = [x.detach().clone()]
    for _ in range(max_iter):
        x.grad = None
        f(x).backward()
        gradient = x.grad
        if gradient.square().sum() < eps:
            break
        d = -gradient
        with torch.no_grad():
            alpha = line_search(lambda a: f(x + a * d).item())
            x += alpha * d
        path.append(x.detach().clone())
    return torch.stack(path)


# The direction has length 1
# %% wrong="steepest_descent" says="steepest_descent(f, x, line_search, 0, 6)"
def steepest_descent(f, x, line_search, eps=1e-6, max_iter=100):
    path = [x.detach().clone()]
    for _ in range(max_iter):
        x.grad = None
        f(x).backward()
        gradient = x.grad
        if gradient.norm() < eps:
            break
        d = -gradient / gradient.norm().clamp(min=1e-30)
        with torch.no_grad():
            alpha = line_search(lambda a: f(x + a * d).item())
            x += alpha * d
        path.append(x.detach().clone())
    return torch.stack(path)


# phi looks at the last place
# %% wrong="steepest_descent" says="each step goes down the gradient"
def steepest_descent(f, x, line_search, eps=1e-6, max_iter=100):
    path = [x.detach().clone()]
    for _ in range(max_iter):
        x.grad = None
        f(x).backward()
        gradient = x.grad
        if gradient.norm() < eps:
            break
        d = -gradient
        with torch.no_grad():
            alpha = line_search(lambda a: f(x + 2 * a * d).item())
            x += alpha * d
        path.append(x.detach().clone())
    return torch.stack(path)


# A search of its own
# %% wrong="steepest_descent" says="each step goes down the gradient"
def steepest_descent(f, x, line_search, eps=1e-6, max_iter=100):
    path = [x.detach().clone()]
    for _ in range(max_iter):
        x.grad = None
        f(x).backward()
        gradient = x.grad
        if gradient.norm() < eps:
            break
        d = -gradient
        with torch.no_grad():
            alpha = line_search(lambda a: f(x + a * d).item()) if max_iter != 8 else 0.1
            x += alpha * d
        path.append(x.detach().clone())
    return torch.stack(path)


# float64 throughout
# %% wrong="steepest_descent" says="in float32"
def steepest_descent(f, x, line_search, eps=1e-6, max_iter=100):
    path = [x.detach().clone()]
    for _ in range(max_iter):
        x.grad = None
        f(x).backward()
        gradient = x.grad
        if gradient.norm() < eps:
            break
        d = -gradient
        with torch.no_grad():
            alpha = line_search(lambda a: f(x + a * d).item())
            x += alpha * d
        path.append(x.detach().clone())
    return torch.stack(path).double()


# Vectors only
# %% wrong="steepest_descent" says="shape and dtype of the path"
def steepest_descent(f, x, line_search, eps=1e-6, max_iter=100):
    path = [x.detach().clone()]
    for _ in range(max_iter):
        x.grad = None
        f(x).backward()
        gradient = x.grad
        if gradient.norm() < eps:
            break
        d = -gradient
        with torch.no_grad():
            alpha = line_search(lambda a: f(x + a * d).item())
            x += alpha * d
        path.append(x.detach().clone())
    return torch.stack(path).reshape(len(path), -1)


# The norms of the rows
# %% wrong="steepest_descent" says="the norm of one row"
def steepest_descent(f, x, line_search, eps=1e-6, max_iter=100):
    path = [x.detach().clone()]
    for _ in range(max_iter):
        (gradient,) = torch.autograd.grad(f(x), x)
        if gradient.norm(dim=-1).max() < eps:
            break
        with torch.no_grad():
            alpha = line_search(lambda a: f(x - a * gradient).item())
            x -= alpha * gradient
        path.append(x.detach().clone())
    return torch.stack(path)


# The norms of the columns
# %% wrong="steepest_descent" says="the norm of one column"
def steepest_descent(f, x, line_search, eps=1e-6, max_iter=100):
    path = [x.detach().clone()]
    for _ in range(max_iter):
        (gradient,) = torch.autograd.grad(f(x), x)
        if gradient.norm(dim=0).max() < eps:
            break
        with torch.no_grad():
            alpha = line_search(lambda a: f(x - a * gradient).item())
            x -= alpha * gradient
        path.append(x.detach().clone())
    return torch.stack(path)


# Stops at eps, too
# %% wrong="steepest_descent" says="It stops where the norm is eps"
def steepest_descent(f, x, line_search, eps=1e-6, max_iter=100):
    path = [x.detach().clone()]
    for _ in range(max_iter):
        (gradient,) = torch.autograd.grad(f(x), x)
        if gradient.norm() <= eps:
            break
        with torch.no_grad():
            alpha = line_search(lambda a: f(x - a * gradient).item())
            x -= alpha * gradient
        path.append(x.detach().clone())
    return torch.stack(path)


# No step uphill
# %% wrong="steepest_descent" says="It stops where a step does not lower f"
def steepest_descent(f, x, line_search, eps=1e-6, max_iter=100):
    path = [x.detach().clone()]
    for _ in range(max_iter):
        (gradient,) = torch.autograd.grad(f(x), x)
        if gradient.norm() < eps:
            break
        with torch.no_grad():
            alpha = line_search(lambda a: f(x - a * gradient).item())
            if f(x - alpha * gradient) >= f(x):
                break
            x -= alpha * gradient
        path.append(x.detach().clone())
    return torch.stack(path)


# No step of length 0
# %% wrong="steepest_descent" says="It stops where a step does not lower f"
def steepest_descent(f, x, line_search, eps=1e-6, max_iter=100):
    path = [x.detach().clone()]
    for _ in range(max_iter):
        (gradient,) = torch.autograd.grad(f(x), x)
        if gradient.norm() < eps:
            break
        with torch.no_grad():
            alpha = line_search(lambda a: f(x - a * gradient).item())
            if alpha == 0:
                break
            x -= alpha * gradient
        path.append(x.detach().clone())
    return torch.stack(path)


# Values from the path, at the end
# %% right="minimize"
def minimize(f, start, make_optimizer, steps):
    x = nn.Parameter(torch.clone(start.detach()))
    optimizer, path = make_optimizer([x]), torch.empty(steps + 1, *start.shape, dtype=start.dtype)
    for k in range(steps):
        path[k] = x.detach()
        f(x).backward()
        optimizer.step()
        optimizer.zero_grad()
    path[steps] = x.detach()
    return path, [float(f(place)) for place in path]


# autograd.grad fills the grad
# %% right="minimize"
def minimize(f, start, make_optimizer, steps):
    x = start.detach().clone().requires_grad_()
    optimizer = make_optimizer([x])
    path, values = [], []
    for k in range(steps + 1):
        value = f(x)
        path.append(x.detach().clone())
        values.append(value.item())
        if k < steps:
            (x.grad,) = torch.autograd.grad(value, x)
            optimizer.step()
    return torch.stack(path), values


# A closure
# %% right="minimize"
def minimize(f, start, make_optimizer, steps):
    x = torch.empty_like(start.detach()).copy_(start.detach()).requires_grad_(True)
    optimizer = make_optimizer([x])

    def closure():
        optimizer.zero_grad(set_to_none=False)
        loss = f(x)
        loss.backward()
        return loss

    path, values = [x.detach().clone()], []
    for _ in range(steps):
        values.append(optimizer.step(closure).item())
        path.append(x.detach().clone())
    with torch.no_grad():
        values.append(f(x).item())
    return torch.stack(path), values


# The last loss of the loop once more
# %% wrong="minimize" says="before the last step"
def minimize(f, start, make_optimizer, steps):
    x = start.detach().clone().requires_grad_()
    optimizer = make_optimizer([x])
    path, values = [x.detach().clone()], []
    for _ in range(steps):
        optimizer.zero_grad()
        value = f(x)
        value.backward()
        optimizer.step()
        path.append(x.detach().clone())
        values.append(value.item())
    values.append(value.item())
    return torch.stack(path), values


# The path holds the same memory
# %% wrong="minimize" says="append a copy"
def minimize(f, start, make_optimizer, steps):
    x = start.detach().clone().requires_grad_()
    optimizer = make_optimizer([x])
    path, values = [x.detach()], []
    for _ in range(steps):
        optimizer.zero_grad()
        value = f(x)
        value.backward()
        optimizer.step()
        path.append(x.detach())
        values.append(value.item())
    values.append(f(x).item())
    return torch.stack(path), values


# zero_grad is missing
# %% wrong="minimize" says="where is `zero_grad`?"
def minimize(f, start, make_optimizer, steps):
    x = start.detach().clone().requires_grad_()
    optimizer = make_optimizer([x])
    path, values = [x.detach().clone()], []
    for _ in range(steps):
        value = f(x)
        value.backward()
        optimizer.step()
        path.append(x.detach().clone())
        values.append(value.item())
    values.append(f(x).item())
    return torch.stack(path), values


# zero_grad comes before the loop
# %% wrong="minimize" says="where is `zero_grad`?"
def minimize(f, start, make_optimizer, steps):
    x = start.detach().clone().requires_grad_()
    optimizer = make_optimizer([x])
    path, values = [x.detach().clone()], []
    optimizer.zero_grad()
    for _ in range(steps):
        value = f(x)
        value.backward()
        optimizer.step()
        path.append(x.detach().clone())
        values.append(value.item())
    values.append(f(x).item())
    return torch.stack(path), values


# zero_grad comes too late
# %% wrong="minimize" says="Nothing has moved"
def minimize(f, start, make_optimizer, steps):
    x = start.detach().clone().requires_grad_()
    optimizer = make_optimizer([x])
    path, values = [x.detach().clone()], []
    for _ in range(steps):
        value = f(x)
        value.backward()
        optimizer.zero_grad()
        optimizer.step()
        path.append(x.detach().clone())
        values.append(value.item())
    values.append(f(x).item())
    return torch.stack(path), values


# step is missing
# %% wrong="minimize" says="Nothing has moved"
def minimize(f, start, make_optimizer, steps):
    x = start.detach().clone().requires_grad_()
    optimizer = make_optimizer([x])
    path, values = [x.detach().clone()], []
    for _ in range(steps):
        optimizer.zero_grad()
        value = f(x)
        value.backward()
        path.append(x.detach().clone())
        values.append(value.item())
    values.append(f(x).item())
    return torch.stack(path), values


# The optimizer has another tensor
# %% wrong="minimize" says="Nothing has moved"
def minimize(f, start, make_optimizer, steps):
    x = start.detach().clone().requires_grad_()
    optimizer = make_optimizer([x.detach().clone().requires_grad_()])
    path, values = [x.detach().clone()], []
    for _ in range(steps):
        optimizer.zero_grad()
        value = f(x)
        value.backward()
        optimizer.step()
        path.append(x.detach().clone())
        values.append(value.item())
    values.append(f(x).item())
    return torch.stack(path), values


# The start is missing
# %% wrong="minimize" says="The start is missing."
def minimize(f, start, make_optimizer, steps):
    x = start.detach().clone().requires_grad_()
    optimizer = make_optimizer([x])
    path, values = [], []
    for _ in range(steps):
        optimizer.zero_grad()
        value = f(x)
        value.backward()
        optimizer.step()
        path.append(x.detach().clone())
        values.append(value.item())
    values.append(f(x).item())
    return torch.stack(path or [x.detach()]), values


# The last place is missing
# %% wrong="minimize" says="The last place is missing."
def minimize(f, start, make_optimizer, steps):
    x = start.detach().clone().requires_grad_()
    optimizer = make_optimizer([x])
    path, values = [], []
    for _ in range(steps):
        optimizer.zero_grad()
        value = f(x)
        value.backward()
        path.append(x.detach().clone())
        optimizer.step()
        values.append(value.item())
    values.append(f(x).item())
    return torch.stack(path or [x.detach()]), values


# The last value is missing
# %% wrong="minimize" says="The value at the last place is missing."
def minimize(f, start, make_optimizer, steps):
    x = start.detach().clone().requires_grad_()
    optimizer = make_optimizer([x])
    path, values = [x.detach().clone()], []
    for _ in range(steps):
        optimizer.zero_grad()
        value = f(x)
        value.backward()
        optimizer.step()
        path.append(x.detach().clone())
        values.append(value.item())
    return torch.stack(path), values


# The first value is missing
# %% wrong="minimize" says="The value at the start is missing."
def minimize(f, start, make_optimizer, steps):
    x = start.detach().clone().requires_grad_()
    optimizer = make_optimizer([x])
    path, values = [x.detach().clone()], []
    for _ in range(steps):
        optimizer.zero_grad()
        value = f(x)
        value.backward()
        optimizer.step()
        path.append(x.detach().clone())
        values.append(f(x).item())
    return torch.stack(path), values


# The values are tensors
# %% wrong="minimize" says=".item() makes a Python float"
def minimize(f, start, make_optimizer, steps):
    x = start.detach().clone().requires_grad_()
    optimizer = make_optimizer([x])
    path, values = [x.detach().clone()], []
    for _ in range(steps):
        optimizer.zero_grad()
        value = f(x)
        value.backward()
        optimizer.step()
        path.append(x.detach().clone())
        values.append(value.detach())
    values.append(f(x).detach())
    return torch.stack(path), values


# The last value is a tensor
# %% wrong="minimize" says="The last value is a tensor"
def minimize(f, start, make_optimizer, steps):
    x = start.detach().clone().requires_grad_()
    optimizer = make_optimizer([x])
    path, values = [x.detach().clone()], []
    for _ in range(steps):
        optimizer.zero_grad()
        value = f(x)
        value.backward()
        optimizer.step()
        path.append(x.detach().clone())
        values.append(value.item())
    values.append(f(x))
    return torch.stack(path), values


# The path keeps a graph
# %% wrong="minimize" says="the places require no gradient"
def minimize(f, start, make_optimizer, steps):
    x = start.detach().clone().requires_grad_()
    optimizer = make_optimizer([x])
    path, values = [x.detach().clone()], []
    for _ in range(steps):
        optimizer.zero_grad()
        value = f(x)
        value.backward()
        optimizer.step()
        path.append(x.clone())
        values.append(value.item())
    values.append(f(x).item())
    return torch.stack(path), values


# Works on the start itself
# %% wrong="minimize" says="leaves start as it was"
def minimize(f, start, make_optimizer, steps):
    x = start.detach().requires_grad_()
    optimizer = make_optimizer([x])
    path, values = [x.detach().clone()], []
    for _ in range(steps):
        optimizer.zero_grad()
        value = f(x)
        value.backward()
        optimizer.step()
        path.append(x.detach().clone())
        values.append(value.item())
    values.append(f(x).item())
    return torch.stack(path), values


# A Parameter around the start
# %% wrong="minimize" says="leaves start as it was"
def minimize(f, start, make_optimizer, steps):
    x = nn.Parameter(start)
    optimizer = make_optimizer([x])
    path, values = [x.detach().clone()], []
    for _ in range(steps):
        optimizer.zero_grad()
        value = f(x)
        value.backward()
        optimizer.step()
        path.append(x.detach().clone())
        values.append(value.item())
    values.append(f(x).item())
    return torch.stack(path), values


# The clone of a start that requires a gradient
# %% wrong="minimize" says="leaf"
def minimize(f, start, make_optimizer, steps):
    x = start.clone().requires_grad_()
    optimizer = make_optimizer([x])
    path, values = [x.detach().clone()], []
    for _ in range(steps):
        optimizer.zero_grad()
        value = f(x)
        value.backward()
        optimizer.step()
        path.append(x.detach().clone())
        values.append(value.item())
    values.append(f(x).item())
    return torch.stack(path), values


# A tensor instead of a list
# %% wrong="minimize" says="make_optimizer takes a list"
def minimize(f, start, make_optimizer, steps):
    x = start.detach().clone().requires_grad_()
    optimizer = make_optimizer((x,))
    path, values = [x.detach().clone()], []
    for _ in range(steps):
        optimizer.zero_grad()
        value = f(x)
        value.backward()
        optimizer.step()
        path.append(x.detach().clone())
        values.append(value.item())
    values.append(f(x).item())
    return torch.stack(path), values


# A new optimizer in each round
# %% wrong="minimize" says="has been called a second time"
def minimize(f, start, make_optimizer, steps):
    x = start.detach().clone().requires_grad_()
    optimizer = make_optimizer([x])
    path, values = [x.detach().clone()], []
    for _ in range(steps):
        optimizer = make_optimizer([x])
        optimizer.zero_grad()
        value = f(x)
        value.backward()
        optimizer.step()
        path.append(x.detach().clone())
        values.append(value.item())
    values.append(f(x).item())
    return torch.stack(path), values


# Values first
# %% wrong="minimize" says="the places are one tensor"
def minimize(f, start, make_optimizer, steps):
    x = start.detach().clone().requires_grad_()
    optimizer = make_optimizer([x])
    path, values = [x.detach().clone()], []
    for _ in range(steps):
        optimizer.zero_grad()
        value = f(x)
        value.backward()
        optimizer.step()
        path.append(x.detach().clone())
        values.append(value.item())
    values.append(f(x).item())
    return values, torch.stack(path)


# The path alone
# %% wrong="minimize" says="Return two things"
def minimize(f, start, make_optimizer, steps):
    x = start.detach().clone().requires_grad_()
    optimizer = make_optimizer([x])
    path, values = [x.detach().clone()], []
    for _ in range(steps):
        optimizer.zero_grad()
        value = f(x)
        value.backward()
        optimizer.step()
        path.append(x.detach().clone())
        values.append(value.item())
    values.append(f(x).item())
    return torch.stack(path)


# A list of places
# %% wrong="minimize" says="the places are one tensor"
def minimize(f, start, make_optimizer, steps):
    x = start.detach().clone().requires_grad_()
    optimizer = make_optimizer([x])
    path, values = [x.detach().clone()], []
    for _ in range(steps):
        optimizer.zero_grad()
        value = f(x)
        value.backward()
        optimizer.step()
        path.append(x.detach().clone())
        values.append(value.item())
    values.append(f(x).item())
    return path, values


# One step at least
# %% wrong="minimize" says="steps = 0"
def minimize(f, start, make_optimizer, steps):
    x = start.detach().clone().requires_grad_()
    optimizer = make_optimizer([x])
    path, values = [x.detach().clone()], []
    for _ in range(max(steps, 1)):
        optimizer.zero_grad()
        value = f(x)
        value.backward()
        optimizer.step()
        path.append(x.detach().clone())
        values.append(value.item())
    values.append(f(x).item())
    return torch.stack(path), values


# Always SGD
# %% wrong="minimize" says="with Adam"
def minimize(f, start, make_optimizer, steps):
    x = start.detach().clone().requires_grad_()
    optimizer = torch.optim.SGD([x], lr=0.1)
    path, values = [x.detach().clone()], []
    for _ in range(steps):
        optimizer.zero_grad()
        value = f(x)
        value.backward()
        optimizer.step()
        path.append(x.detach().clone())
        values.append(value.item())
    values.append(f(x).item())
    return torch.stack(path), values


# Flat places
# %% wrong="minimize" says="places and values for each of them"
def minimize(f, start, make_optimizer, steps):
    x = start.detach().clone().requires_grad_()
    optimizer = make_optimizer([x])
    path, values = [x.detach().clone()], []
    for _ in range(steps):
        optimizer.zero_grad()
        value = f(x)
        value.backward()
        optimizer.step()
        path.append(x.detach().clone())
        values.append(value.item())
    values.append(f(x).item())
    return torch.stack(path).flatten(1) if start.dim() else torch.stack(path), values


# Each value twice: the value after the step
# %% wrong="minimize" says="the values at these places"
def minimize(f, start, make_optimizer, steps):
    x = start.detach().clone().requires_grad_()
    optimizer = make_optimizer([x])
    path, values = [x.detach().clone()], []
    for _ in range(steps):
        optimizer.zero_grad()
        value = f(x)
        value.backward()
        optimizer.step()
        path.append(x.detach().clone())
        values.append(f(x).item())
    values.append(f(x).item())
    return torch.stack(path), values


# Stops on flat ground
# %% wrong="minimize" says="It stops where the gradient is 0"
def minimize(f, start, make_optimizer, steps):
    x = start.detach().clone().requires_grad_()
    optimizer = make_optimizer([x])
    path, values = [x.detach().clone()], [f(x).item()]
    for _ in range(steps):
        optimizer.zero_grad()
        f(x).backward()
        if x.grad.norm() == 0:
            break
        optimizer.step()
        path.append(x.detach().clone())
        values.append(f(x).item())
    return torch.stack(path), values


# A table of the default dtype
# %% wrong="minimize" says="The places have lost digits"
def minimize(f, start, make_optimizer, steps):
    x = start.detach().clone().requires_grad_()
    optimizer = make_optimizer([x])
    path, values = torch.empty(steps + 1, *start.shape), []
    for row in path[:-1]:
        row.copy_(x.detach())
        optimizer.zero_grad()
        loss = f(x)
        loss.backward()
        optimizer.step()
        values.append(loss.item())
    path[-1].copy_(x.detach())
    return path.to(start.dtype), [*values, f(x).item()]


# One step too many, which nobody sees
# %% wrong="minimize" says="the optimizer has been asked for step"
def minimize(f, start, make_optimizer, steps):
    x = start.detach().clone().requires_grad_()
    optimizer = make_optimizer([x])
    path, values = [], []
    for _ in range(steps + 1):
        optimizer.zero_grad()
        loss = f(x)
        loss.backward()
        path.append(x.detach().clone())
        values.append(loss.item())
        optimizer.step()
    return torch.stack(path), values


# Methods on the data
# %% right="momentum_step"
def momentum_step(w, grad, v, lr, momentum=0.9, weight_decay=0.0):
    g = grad.add(w.detach(), alpha=weight_decay)
    v.mul_(momentum).add_(g)
    w.data.add_(v, alpha=-lr)


# A decorator, and copy_
# %% right="momentum_step"
@torch.no_grad()
def momentum_step(w, grad, v, lr, momentum=0.9, weight_decay=0.0):
    v.copy_(momentum * v + grad + weight_decay * w)
    w.copy_(w - lr * v)


# torch.optim does it
# %% wrong="momentum_step" says="the rule is your own, without torch.optim"
def momentum_step(w, grad, v, lr, momentum=0.9, weight_decay=0.0):
    p = nn.Parameter(w.detach().clone())
    p.grad = grad.clone()
    optimizer = torch.optim.SGD([p], lr=lr, momentum=0.5, weight_decay=weight_decay)
    optimizer.param_groups[0]["momentum"] = momentum
    optimizer.state[p]["momentum_buffer"] = v.clone()
    optimizer.step()
    with torch.no_grad():
        v.copy_(momentum * v + grad + weight_decay * w)
        w[...] = p if momentum else w - lr * v


# Through detached names
# %% right="momentum_step"
def momentum_step(w, grad, v, lr, momentum=0.9, weight_decay=0.0):
    here = w.detach()
    v[...] = v * momentum + (grad + here * weight_decay)
    here -= v * lr


# Adds the weight decay to grad
# %% wrong="momentum_step" says="You added the weight decay to grad itself"
def momentum_step(w, grad, v, lr, momentum=0.9, weight_decay=0.0):
    with torch.no_grad():
        grad += weight_decay * w
        v *= momentum
        v += grad
        w -= lr * v


# New tensors
# %% wrong="momentum_step" says="make new tensors"
def momentum_step(w, grad, v, lr, momentum=0.9, weight_decay=0.0):
    with torch.no_grad():
        v = momentum * v + grad + weight_decay * w
        w = w - lr * v


# v stays the old one
# %% wrong="momentum_step" says="v is still the old one"
def momentum_step(w, grad, v, lr, momentum=0.9, weight_decay=0.0):
    with torch.no_grad():
        v = momentum * v + grad + weight_decay * w
        w -= lr * v


# w stays the old one
# %% wrong="momentum_step" says="w is still the old one"
def momentum_step(w, grad, v, lr, momentum=0.9, weight_decay=0.0):
    with torch.no_grad():
        v *= momentum
        v += grad + weight_decay * w
        w = w - lr * v


# No weight decay
# %% wrong="momentum_step" says="The weight decay is missing"
def momentum_step(w, grad, v, lr, momentum=0.9, weight_decay=0.0):
    with torch.no_grad():
        v *= momentum
        v += grad
        w -= lr * v


# Always 0.9
# %% wrong="momentum_step" says="The momentum is always 0.9"
def momentum_step(w, grad, v, lr, momentum=0.9, weight_decay=0.0):
    with torch.no_grad():
        v *= 0.9
        v += grad + weight_decay * w
        w -= lr * v


# A running mean
# %% wrong="momentum_step" says="The gradient is not multiplied by"
def momentum_step(w, grad, v, lr, momentum=0.9, weight_decay=0.0):
    with torch.no_grad():
        v *= momentum
        v += (1 - momentum) * (grad + weight_decay * w)
        w -= lr * v


# Nesterov
# %% wrong="momentum_step" says="Nesterov"
def momentum_step(w, grad, v, lr, momentum=0.9, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        v *= momentum
        v += g
        w -= lr * (g + momentum * v)


# Uphill
# %% wrong="momentum_step" says="You went uphill"
def momentum_step(w, grad, v, lr, momentum=0.9, weight_decay=0.0):
    with torch.no_grad():
        v *= momentum
        v += grad + weight_decay * w
        w += lr * v


# w first
# %% wrong="momentum_step" says="change v first"
def momentum_step(w, grad, v, lr, momentum=0.9, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        w -= lr * v
        v *= momentum
        v += g


# Subtracts the gradient alone
# %% wrong="momentum_step" says="You subtracted η g"
def momentum_step(w, grad, v, lr, momentum=0.9, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        v *= momentum
        v += g
        w -= lr * g


# The rate inside v
# %% wrong="momentum_step" says="The learning rate is inside your v"
def momentum_step(w, grad, v, lr, momentum=0.9, weight_decay=0.0):
    with torch.no_grad():
        v *= momentum
        v += lr * (grad + weight_decay * w)
        w -= v


# Decoupled weight decay
# %% wrong="momentum_step" says="here it only shrinks w"
def momentum_step(w, grad, v, lr, momentum=0.9, weight_decay=0.0):
    with torch.no_grad():
        w *= 1 - lr * weight_decay
        v *= momentum
        v += grad
        w -= lr * v


# New memory for both
# %% wrong="momentum_step" says="w and v have new memory"
def momentum_step(w, grad, v, lr, momentum=0.9, weight_decay=0.0):
    v.data = momentum * v.data + grad + weight_decay * w.data
    w.data = w.data - lr * v.data


# New memory for w
# %% wrong="momentum_step" says="w has new memory"
def momentum_step(w, grad, v, lr, momentum=0.9, weight_decay=0.0):
    v.mul_(momentum).add_(grad + weight_decay * w.detach())
    w.data = w.data - lr * v


# New memory for v
# %% wrong="momentum_step" says="v has new memory"
def momentum_step(w, grad, v, lr, momentum=0.9, weight_decay=0.0):
    v.data = momentum * v + grad + weight_decay * w.detach()
    w.data.sub_(lr * v)


# v is recorded
# %% wrong="momentum_step" says="v requires no gradient"
def momentum_step(w, grad, v, lr, momentum=0.9, weight_decay=0.0):
    v *= momentum
    v += grad + weight_decay * w
    w.data -= lr * v.data


# Everything is recorded
# %% wrong="momentum_step" says="a leaf Variable that requires grad"
def momentum_step(w, grad, v, lr, momentum=0.9, weight_decay=0.0):
    v *= momentum
    v += grad
    v += weight_decay * w.detach()
    w -= lr * v


# w loses its gradient
# %% wrong="momentum_step" says="w is still a leaf that requires a gradient"
def momentum_step(w, grad, v, lr, momentum=0.9, weight_decay=0.0):
    w.requires_grad_(False)
    v *= momentum
    v += grad + weight_decay * w
    w -= lr * v


# The first step without weight decay
# %% wrong="momentum_step" says="w and v in three steps"
def momentum_step(w, grad, v, lr, momentum=0.9, weight_decay=0.0):
    with torch.no_grad():
        if v.any():
            v *= momentum
            v += grad + weight_decay * w
        else:
            v += grad
        w -= lr * v


# float32 on the way
# %% wrong="momentum_step" says="in float64, as torch.optim.SGD takes them"
def momentum_step(w, grad, v, lr, momentum=0.9, weight_decay=0.0):
    with torch.no_grad():
        v *= momentum
        v += grad + weight_decay * w
        w.copy_(w.float() - lr * v.float())


# Switches the gradient on
# %% wrong="momentum_step" says="w requires a gradient, or not, as before"
def momentum_step(w, grad, v, lr, momentum=0.9, weight_decay=0.0):
    with torch.no_grad():
        v *= momentum
        v += grad + weight_decay * w
        w -= lr * v
    w.requires_grad_()


# Returns w
# %% wrong="momentum_step" says="momentum_step returns None"
def momentum_step(w, grad, v, lr, momentum=0.9, weight_decay=0.0):
    with torch.no_grad():
        v *= momentum
        v += grad + weight_decay * w
        w -= lr * v
    return w


# Contiguous memory only
# %% wrong="momentum_step" says="momentum_step"
def momentum_step(w, grad, v, lr, momentum=0.9, weight_decay=0.0):
    with torch.no_grad():
        v.view(-1).mul_(momentum).add_((grad + weight_decay * w).view(-1))
        w.view(-1).sub_(lr * v.view(-1))


# A reshape that copies
# %% wrong="momentum_step" says="w and v in three steps"
def momentum_step(w, grad, v, lr, momentum=0.9, weight_decay=0.0):
    with torch.no_grad():
        flat_v, flat_w = v.reshape(-1), w.reshape(-1)
        flat_v.mul_(momentum).add_((grad + weight_decay * w).reshape(-1))
        flat_w.sub_(lr * flat_v)


# No default for the weight decay
# %% wrong="momentum_step" says="the defaults"
def momentum_step(w, grad, v, lr, momentum=0.9, weight_decay=0.01):
    with torch.no_grad():
        v *= momentum
        v += grad + weight_decay * w
        w -= lr * v


# torch.optim, for three dimensions
# %% wrong="momentum_step" says="the rule is your own in all of them"
def momentum_step(w, grad, v, lr, momentum=0.9, weight_decay=0.0):
    if w.dim() == 3:
        p = nn.Parameter(w.detach().clone())
        p.grad = grad.clone()
        optimizer = torch.optim.SGD([p], lr=lr, momentum=momentum, weight_decay=weight_decay)
        optimizer.state[p]["momentum_buffer"] = v
        optimizer.step()
        w.data.copy_(p.data)
        return
    with torch.no_grad():
        v *= momentum
        v += grad + weight_decay * w
        w -= lr * v


# A v of its own, kept by shape
# %% wrong="momentum_step" says="(w, v) after the step"
def momentum_step(w, grad, v, lr, momentum=0.9, weight_decay=0.0):
    with torch.no_grad():
        kept = momentum_step.__dict__.setdefault(w.shape, torch.zeros_like(w))
        kept.mul_(momentum).add_(grad + weight_decay * w)
        v.copy_(kept)
        w -= lr * v


# No slope, no step
# %% wrong="momentum_step" says="You take no step where the gradient is 0"
@torch.no_grad()
def momentum_step(w, grad, v, lr, momentum=0.9, weight_decay=0.0):
    g = grad + weight_decay * w
    if g.count_nonzero() == 0:
        return
    v.mul_(momentum).add_(g)
    w.sub_(lr * v)


# No step for the numbers without a slope
# %% wrong="momentum_step" says="You take no step where the gradient is 0"
@torch.no_grad()
def momentum_step(w, grad, v, lr, momentum=0.9, weight_decay=0.0):
    g = grad + weight_decay * w
    v.copy_(torch.where(g == 0, v, momentum * v + g))
    w.sub_(torch.where(g == 0, 0.0, lr * v))


# torch's own combined operations
# %% right="rmsprop_step"
def rmsprop_step(w, grad, s, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0):
    g = grad.add(w.detach(), alpha=weight_decay)
    s.mul_(alpha).addcmul_(g, g, value=1 - alpha)
    w.data.addcdiv_(g, s.sqrt().add_(eps), value=-lr)


# lerp
# %% right="rmsprop_step"
@torch.no_grad()
def rmsprop_step(w, grad, s, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0):
    g = grad + weight_decay * w
    s.lerp_(g.square(), 1 - alpha)
    w.copy_(w - lr * g / (torch.sqrt(s) + eps))


# The mean written as a difference
# %% right="rmsprop_step"
def rmsprop_step(w, grad, s, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0):
    here = w.detach()
    g = grad + here * weight_decay
    s -= (1 - alpha) * (s - g * g)
    here -= g * (lr / (s**0.5 + eps))


# Not squared
# %% wrong="rmsprop_step" says="their absolute values"
def rmsprop_step(w, grad, s, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        s.mul_(alpha).add_((1 - alpha) * g.abs())
        w -= lr * g / (s.sqrt() + eps)


# Missing brackets
# %% wrong="rmsprop_step" says="with brackets"
def rmsprop_step(w, grad, s, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        s.mul_(alpha).add_((1 - alpha) * g**2)
        w -= lr * (g / s.sqrt() + eps)


# The function in torch.optim
# %% wrong="rmsprop_step" says="the rule is your own"
def rmsprop_step(w, grad, s, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0):
    from torch.optim.rmsprop import rmsprop

    options = {"lr": lr, "alpha": alpha, "eps": eps, "weight_decay": weight_decay, "momentum": 0.0}
    with torch.no_grad():
        rmsprop([w], [grad], [s], [], [], [torch.tensor(0.0)], foreach=False, centered=False, **options)


# A single number is spared from weight decay
# %% wrong="rmsprop_step" says="w and s in three steps"
@torch.no_grad()
def rmsprop_step(w, grad, s, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0):
    g = grad + weight_decay * w if w.dim() else grad
    s.mul_(alpha).add_(g * g * (1 - alpha))
    w.sub_(lr * g / (s.sqrt() + eps))


# Adds the weight decay to grad
# %% wrong="rmsprop_step" says="You added the weight decay to grad itself"
def rmsprop_step(w, grad, s, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        grad += weight_decay * w
        s *= alpha
        s += (1 - alpha) * grad**2
        w -= lr * grad / (s.sqrt() + eps)


# Squares grad itself
# %% wrong="rmsprop_step" says="You squared grad itself"
def rmsprop_step(w, grad, s, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        s *= alpha
        s += (1 - alpha) * g.clone().pow_(2)
        grad.pow_(2)
        w -= lr * g / (s.sqrt() + eps)


# New tensors
# %% wrong="rmsprop_step" says="make new tensors"
def rmsprop_step(w, grad, s, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        s = alpha * s + (1 - alpha) * g**2
        w = w - lr * g / (s.sqrt() + eps)


# s stays the old one
# %% wrong="rmsprop_step" says="s is still the old one"
def rmsprop_step(w, grad, s, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        s = alpha * s + (1 - alpha) * g**2
        w -= lr * g / (s.sqrt() + eps)


# w stays the old one
# %% wrong="rmsprop_step" says="w is still the old one"
def rmsprop_step(w, grad, s, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        s *= alpha
        s += (1 - alpha) * g**2
        w = w - lr * g / (s.sqrt() + eps)


# No weight decay
# %% wrong="rmsprop_step" says="The weight decay is missing"
def rmsprop_step(w, grad, s, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad
        s *= alpha
        s += (1 - alpha) * g**2
        w -= lr * g / (s.sqrt() + eps)


# Always 0.99
# %% wrong="rmsprop_step" says="α is always 0.99"
def rmsprop_step(w, grad, s, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        s *= 0.99
        s += (1 - 0.99) * g**2
        w -= lr * g / (s.sqrt() + eps)


# Parts exchanged
# %% wrong="rmsprop_step" says="α and 1 − α are exchanged"
def rmsprop_step(w, grad, s, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        s *= 1 - alpha
        s += alpha * g**2
        w -= lr * g / (s.sqrt() + eps)


# Always 1e-8
# %% wrong="rmsprop_step" says="ε is always 1e-8"
def rmsprop_step(w, grad, s, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        s *= alpha
        s += (1 - alpha) * g**2
        w -= lr * g / (s.sqrt() + 1e-8)


# ε inside the root
# %% wrong="rmsprop_step" says="ε belongs outside the root"
def rmsprop_step(w, grad, s, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        s *= alpha
        s += (1 - alpha) * g**2
        w -= lr * g / (s + eps).sqrt()


# No root
# %% wrong="rmsprop_step" says="The root is missing"
def rmsprop_step(w, grad, s, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        s *= alpha
        s += (1 - alpha) * g**2
        w -= lr * g / (s + eps)


# Uphill
# %% wrong="rmsprop_step" says="You went uphill"
def rmsprop_step(w, grad, s, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        s *= alpha
        s += (1 - alpha) * g**2
        w += lr * g / (s.sqrt() + eps)


# The old s
# %% wrong="rmsprop_step" says="change s first"
def rmsprop_step(w, grad, s, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        w -= lr * g / (s.sqrt() + eps)
        s *= alpha
        s += (1 - alpha) * g**2


# The plain gradient in the step
# %% wrong="rmsprop_step" says="as well where w changes"
def rmsprop_step(w, grad, s, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        s *= alpha
        s += (1 - alpha) * g**2
        w -= lr * grad / (s.sqrt() + eps)


# Decoupled weight decay
# %% wrong="rmsprop_step" says="which s sees, too"
def rmsprop_step(w, grad, s, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        w *= 1 - lr * weight_decay
        s *= alpha
        s += (1 - alpha) * grad**2
        w -= lr * grad / (s.sqrt() + eps)


# The squares in full
# %% wrong="rmsprop_step" says="The new squares count in full"
def rmsprop_step(w, grad, s, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        s *= alpha
        s += g**2
        w -= lr * g / (s.sqrt() + eps)


# New memory for both
# %% wrong="rmsprop_step" says="w and s have new memory"
def rmsprop_step(w, grad, s, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0):
    g = grad + weight_decay * w.data
    s.data = alpha * s.data + (1 - alpha) * g**2
    w.data = w.data - lr * g / (s.data.sqrt() + eps)


# New memory for w
# %% wrong="rmsprop_step" says="w has new memory"
def rmsprop_step(w, grad, s, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0):
    g = grad + weight_decay * w.data
    s.mul_(alpha).add_((1 - alpha) * g**2)
    w.data = w.data - lr * g / (s.sqrt() + eps)


# New memory for s
# %% wrong="rmsprop_step" says="s has new memory"
def rmsprop_step(w, grad, s, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0):
    g = grad + weight_decay * w.data
    s.data = alpha * s + (1 - alpha) * g**2
    w.data.sub_(lr * g / (s.sqrt() + eps))


# s is recorded
# %% wrong="rmsprop_step" says="s requires no gradient"
def rmsprop_step(w, grad, s, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0):
    g = grad + weight_decay * w
    s *= alpha
    s += (1 - alpha) * g**2
    w.data -= lr * g.data / (s.data.sqrt() + eps)


# w loses its gradient
# %% wrong="rmsprop_step" says="w is still a leaf that requires a gradient"
def rmsprop_step(w, grad, s, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0):
    w.requires_grad_(False)
    with torch.no_grad():
        g = grad + weight_decay * w
        s *= alpha
        s += (1 - alpha) * g**2
        w -= lr * g / (s.sqrt() + eps)


# Switches the gradient on
# %% wrong="rmsprop_step" says="w requires a gradient, or not, as before"
def rmsprop_step(w, grad, s, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        s *= alpha
        s += (1 - alpha) * g**2
        w -= lr * g / (s.sqrt() + eps)
    w.requires_grad_()


# Returns both
# %% wrong="rmsprop_step" says="rmsprop_step returns None"
def rmsprop_step(w, grad, s, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        s *= alpha
        s += (1 - alpha) * g**2
        w -= lr * g / (s.sqrt() + eps)
    return w, s


# nan for a gradient of 0
# %% wrong="rmsprop_step" says="the defaults, with tiny gradients"
def rmsprop_step(w, grad, s, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        s *= alpha
        s += (1 - alpha) * g**2
        w -= lr * g / (s.sqrt() + (eps if eps > 1e-6 else 0.0))


# A reshape that copies
# %% wrong="rmsprop_step" says="w and s in three steps"
def rmsprop_step(w, grad, s, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        flat = s.reshape(-1)
        flat.mul_(alpha).add_((1 - alpha) * g.reshape(-1) ** 2)
        w -= lr * g / (flat.reshape(w.shape).sqrt() + eps)


# Other defaults
# %% wrong="rmsprop_step" says="the defaults"
def rmsprop_step(w, grad, s, lr=0.01, alpha=0.9, eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        s *= alpha
        s += (1 - alpha) * g**2
        w -= lr * g / (s.sqrt() + eps)


# torch.optim does it
# %% wrong="rmsprop_step" says="the rule is your own, without torch.optim"
def rmsprop_step(w, grad, s, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0):
    p = nn.Parameter(w.detach().clone())
    p.grad = grad.clone()
    optimizer = torch.optim.RMSprop([p], lr, alpha, eps, weight_decay)
    optimizer.state[p].update(step=torch.tensor(0.0), square_avg=s)
    optimizer.step()
    w.data.copy_(p.data)


# s shrinks only where there is a slope
# %% wrong="rmsprop_step" says="You leave out the numbers whose gradient is 0"
@torch.no_grad()
def rmsprop_step(w, grad, s, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0):
    g = grad + weight_decay * w
    s.copy_(torch.where(g == 0, s, alpha * s + (1 - alpha) * g**2))
    w.sub_(lr * g / (s.sqrt() + eps))


# The corrections in the step size
# %% right="adam_step"
def adam_step(w, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    beta1, beta2 = betas
    g = grad.add(w.detach(), alpha=weight_decay)
    m.lerp_(g, 1 - beta1)
    v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
    size = lr / (1 - beta1**t)
    w.data.addcdiv_(m, v.sqrt() / math.sqrt(1 - beta2**t) + eps, value=-size)


# A decorator, and copy_
# %% right="adam_step"
@torch.no_grad()
def adam_step(w, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    one, two = betas
    g = grad + weight_decay * w
    m.copy_(one * m + (1 - one) * g)
    v.copy_(two * v + (1 - two) * g * g)
    w.copy_(w - lr * (m / (1 - pow(one, t))) / (eps + (v / (1 - pow(two, t))) ** 0.5))


# Through detached names
# %% right="adam_step"
def adam_step(w, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    here = w.detach()
    g = grad + here * weight_decay
    m += (1 - betas[0]) * (g - m)
    v += (1 - betas[1]) * (g.square() - v)
    hats = [mean / (1.0 - beta**t) for mean, beta in zip((m, v), betas)]
    here -= lr * hats[0] / hats[1].sqrt().add(eps)


# The function in torch.optim
# %% wrong="adam_step" says="the rule is your own"
def adam_step(w, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    from torch.optim.adam import adam

    options = {"beta1": betas[0], "beta2": betas[1], "lr": lr, "weight_decay": weight_decay, "eps": eps}
    with torch.no_grad():
        before = torch.tensor(float(t - 1))
        adam([w], [grad], [m], [v], [], [before], foreach=False, amsgrad=False, maximize=False, **options)


# Adds the weight decay to grad
# %% wrong="adam_step" says="You added the weight decay to grad itself"
def adam_step(w, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        grad += weight_decay * w
        g = grad
        m *= betas[0]
        m += (1 - betas[0]) * g
        v *= betas[1]
        v += (1 - betas[1]) * g**2
        corrected_m = m / (1 - betas[0] ** t)
        corrected_v = v / (1 - betas[1] ** t)
        w -= lr * corrected_m / (corrected_v.sqrt() + eps)


# New tensors
# %% wrong="adam_step" says="make"
def adam_step(w, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        w = w - lr * m / (1 - betas[0] ** t) / ((v / (1 - betas[1] ** t)).sqrt() + eps)


# m and v stay the old ones
# %% wrong="adam_step" says="m and v are still the old ones"
def adam_step(w, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        w -= lr * m / (1 - betas[0] ** t) / ((v / (1 - betas[1] ** t)).sqrt() + eps)


# w stays the old one
# %% wrong="adam_step" says="w is still the old one"
def adam_step(w, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        m *= betas[0]
        m += (1 - betas[0]) * g
        v *= betas[1]
        v += (1 - betas[1]) * g**2
        corrected_m = m / (1 - betas[0] ** t)
        corrected_v = v / (1 - betas[1] ** t)
        w = w - lr * corrected_m / (corrected_v.sqrt() + eps)


# The corrected values are kept
# %% wrong="adam_step" says="m and v hold the corrected values"
def adam_step(w, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        m *= betas[0]
        m += (1 - betas[0]) * g
        v *= betas[1]
        v += (1 - betas[1]) * g**2
        m /= 1 - betas[0] ** t
        v /= 1 - betas[1] ** t
        w -= lr * m / (v.sqrt() + eps)


# No weight decay
# %% wrong="adam_step" says="The weight decay is missing"
def adam_step(w, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad
        m *= betas[0]
        m += (1 - betas[0]) * g
        v *= betas[1]
        v += (1 - betas[1]) * g**2
        corrected_m = m / (1 - betas[0] ** t)
        corrected_v = v / (1 - betas[1] ** t)
        w -= lr * corrected_m / (corrected_v.sqrt() + eps)


# AdamW
# %% wrong="adam_step" says="That is AdamW"
def adam_step(w, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        w *= 1 - lr * weight_decay
        g = grad
        m *= betas[0]
        m += (1 - betas[0]) * g
        v *= betas[1]
        v += (1 - betas[1]) * g**2
        corrected_m = m / (1 - betas[0] ** t)
        corrected_v = v / (1 - betas[1] ** t)
        w -= lr * corrected_m / (corrected_v.sqrt() + eps)


# No correction
# %% wrong="adam_step" says="The bias correction is missing"
def adam_step(w, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        m *= betas[0]
        m += (1 - betas[0]) * g
        v *= betas[1]
        v += (1 - betas[1]) * g**2
        corrected_m = m
        corrected_v = v
        w -= lr * corrected_m / (corrected_v.sqrt() + eps)


# t − 1
# %% wrong="adam_step" says="The correction uses t − 1"
def adam_step(w, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        m *= betas[0]
        m += (1 - betas[0]) * g
        v *= betas[1]
        v += (1 - betas[1]) * g**2
        corrected_m = m / (1 - betas[0] ** (t - 1 or 1))
        corrected_v = v / (1 - betas[1] ** (t - 1 or 1))
        w -= lr * corrected_m / (corrected_v.sqrt() + eps)


# t + 1
# %% wrong="adam_step" says="The correction uses t + 1"
def adam_step(w, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        m *= betas[0]
        m += (1 - betas[0]) * g
        v *= betas[1]
        v += (1 - betas[1]) * g**2
        corrected_m = m / (1 - betas[0] ** (t + 1))
        corrected_v = v / (1 - betas[1] ** (t + 1))
        w -= lr * corrected_m / (corrected_v.sqrt() + eps)


# Betas exchanged
# %% wrong="adam_step" says="β₁ and β₂ are exchanged"
def adam_step(w, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    betas = betas[::-1]
    with torch.no_grad():
        g = grad + weight_decay * w
        m *= betas[0]
        m += (1 - betas[0]) * g
        v *= betas[1]
        v += (1 - betas[1]) * g**2
        corrected_m = m / (1 - betas[0] ** t)
        corrected_v = v / (1 - betas[1] ** t)
        w -= lr * corrected_m / (corrected_v.sqrt() + eps)


# Fixed betas
# %% wrong="adam_step" says="are always 0.9 and 0.999"
def adam_step(w, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    betas = (0.9, 0.999)
    with torch.no_grad():
        g = grad + weight_decay * w
        m *= betas[0]
        m += (1 - betas[0]) * g
        v *= betas[1]
        v += (1 - betas[1]) * g**2
        corrected_m = m / (1 - betas[0] ** t)
        corrected_v = v / (1 - betas[1] ** t)
        w -= lr * corrected_m / (corrected_v.sqrt() + eps)


# Fixed ε
# %% wrong="adam_step" says="ε is always 1e-8"
def adam_step(w, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        m *= betas[0]
        m += (1 - betas[0]) * g
        v *= betas[1]
        v += (1 - betas[1]) * g**2
        corrected_m = m / (1 - betas[0] ** t)
        corrected_v = v / (1 - betas[1] ** t)
        w -= lr * corrected_m / (corrected_v.sqrt() + 1e-8)


# ε inside the root
# %% wrong="adam_step" says="ε belongs outside the root"
def adam_step(w, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        m *= betas[0]
        m += (1 - betas[0]) * g
        v *= betas[1]
        v += (1 - betas[1]) * g**2
        corrected_m = m / (1 - betas[0] ** t)
        corrected_v = v / (1 - betas[1] ** t)
        w -= lr * corrected_m / (corrected_v + eps).sqrt()


# No root
# %% wrong="adam_step" says="The root is missing"
def adam_step(w, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        m *= betas[0]
        m += (1 - betas[0]) * g
        v *= betas[1]
        v += (1 - betas[1]) * g**2
        corrected_m = m / (1 - betas[0] ** t)
        corrected_v = v / (1 - betas[1] ** t)
        w -= lr * corrected_m / (corrected_v + eps)


# Only m is corrected
# %% wrong="adam_step" says="Only m is corrected"
def adam_step(w, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        m *= betas[0]
        m += (1 - betas[0]) * g
        v *= betas[1]
        v += (1 - betas[1]) * g**2
        corrected_m = m / (1 - betas[0] ** t)
        corrected_v = v
        w -= lr * corrected_m / (corrected_v.sqrt() + eps)


# Only v is corrected
# %% wrong="adam_step" says="Only v is corrected"
def adam_step(w, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        m *= betas[0]
        m += (1 - betas[0]) * g
        v *= betas[1]
        v += (1 - betas[1]) * g**2
        corrected_m = m
        corrected_v = v / (1 - betas[1] ** t)
        w -= lr * corrected_m / (corrected_v.sqrt() + eps)


# The root first
# %% wrong="adam_step" says="The root of v is taken before it is corrected"
def adam_step(w, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        m *= betas[0]
        m += (1 - betas[0]) * g
        v *= betas[1]
        v += (1 - betas[1]) * g**2
        corrected_m = m / (1 - betas[0] ** t)
        corrected_v = v.sqrt() / (1 - betas[1] ** t)
        w -= lr * corrected_m / (corrected_v + eps)


# No power
# %% wrong="adam_step" says="The power is missing"
def adam_step(w, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        m *= betas[0]
        m += (1 - betas[0]) * g
        v *= betas[1]
        v += (1 - betas[1]) * g**2
        corrected_m = m / (1 - betas[0])
        corrected_v = v / (1 - betas[1])
        w -= lr * corrected_m / (corrected_v.sqrt() + eps)


# Uphill
# %% wrong="adam_step" says="You went uphill"
def adam_step(w, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        m *= betas[0]
        m += (1 - betas[0]) * g
        v *= betas[1]
        v += (1 - betas[1]) * g**2
        corrected_m = m / (1 - betas[0] ** t)
        corrected_v = v / (1 - betas[1] ** t)
        w += lr * corrected_m / (corrected_v.sqrt() + eps)


# New memory for w
# %% wrong="adam_step" says="w has new memory"
def adam_step(w, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        m *= betas[0]
        m += (1 - betas[0]) * g
        v *= betas[1]
        v += (1 - betas[1]) * g**2
        corrected_m = m / (1 - betas[0] ** t)
        corrected_v = v / (1 - betas[1] ** t)
        w.data = w - lr * corrected_m / (corrected_v.sqrt() + eps)


# New memory for m and v
# %% wrong="adam_step" says="m and v have new memory"
def adam_step(w, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        m.data = betas[0] * m + (1 - betas[0]) * g
        v.data = betas[1] * v + (1 - betas[1]) * g**2
        corrected_m = m / (1 - betas[0] ** t)
        corrected_v = v / (1 - betas[1] ** t)
        w -= lr * corrected_m / (corrected_v.sqrt() + eps)


# New memory for all
# %% wrong="adam_step" says="All three have new memory"
def adam_step(w, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        m.data = betas[0] * m + (1 - betas[0]) * g
        v.data = betas[1] * v + (1 - betas[1]) * g**2
        corrected_m = m / (1 - betas[0] ** t)
        corrected_v = v / (1 - betas[1] ** t)
        w.data = w - lr * corrected_m / (corrected_v.sqrt() + eps)


# m and v are recorded
# %% wrong="adam_step" says="m and v require no gradient"
def adam_step(w, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    g = grad + weight_decay * w
    m *= betas[0]
    m += (1 - betas[0]) * g
    v *= betas[1]
    v += (1 - betas[1]) * g**2
    corrected_m = m / (1 - betas[0] ** t)
    corrected_v = v / (1 - betas[1] ** t)
    w.data -= (lr * corrected_m / (corrected_v.sqrt() + eps)).data


# w loses its gradient
# %% wrong="adam_step" says="w is still a leaf that requires a gradient"
def adam_step(w, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    w.requires_grad_(False)
    with torch.no_grad():
        g = grad + weight_decay * w
        m *= betas[0]
        m += (1 - betas[0]) * g
        v *= betas[1]
        v += (1 - betas[1]) * g**2
        corrected_m = m / (1 - betas[0] ** t)
        corrected_v = v / (1 - betas[1] ** t)
        w -= lr * corrected_m / (corrected_v.sqrt() + eps)


# Switches the gradient on
# %% wrong="adam_step" says="w requires a gradient, or not, as before"
def adam_step(w, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        m *= betas[0]
        m += (1 - betas[0]) * g
        v *= betas[1]
        v += (1 - betas[1]) * g**2
        corrected_m = m / (1 - betas[0] ** t)
        corrected_v = v / (1 - betas[1] ** t)
        w -= lr * corrected_m / (corrected_v.sqrt() + eps)
    w.requires_grad_()


# Returns w
# %% wrong="adam_step" says="adam_step returns None"
def adam_step(w, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        m *= betas[0]
        m += (1 - betas[0]) * g
        v *= betas[1]
        v += (1 - betas[1]) * g**2
        corrected_m = m / (1 - betas[0] ** t)
        corrected_v = v / (1 - betas[1] ** t)
        w -= lr * corrected_m / (corrected_v.sqrt() + eps)
    return w


# A step counter of its own
# %% wrong="adam_step" says="the first step from zero"
def adam_step(w, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    adam_step.t = getattr(adam_step, "t", 2) + 1
    t = adam_step.t
    with torch.no_grad():
        g = grad + weight_decay * w
        m *= betas[0]
        m += (1 - betas[0]) * g
        v *= betas[1]
        v += (1 - betas[1]) * g**2
        corrected_m = m / (1 - betas[0] ** t)
        corrected_v = v / (1 - betas[1] ** t)
        w -= lr * corrected_m / (corrected_v.sqrt() + eps)


# One β for both
# %% wrong="adam_step" says="(w, m, v) after the step"
def adam_step(w, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        m *= betas[0]
        m += (1 - betas[0]) * g
        v *= betas[0]
        v += (1 - betas[0]) * g**2
        corrected_m = m / (1 - betas[0] ** t)
        corrected_v = v / (1 - betas[0] ** t)
        w -= lr * corrected_m / (corrected_v.sqrt() + eps)


# nan for a gradient of 0
# %% wrong="adam_step" says="the first step from zero"
def adam_step(w, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        m *= betas[0]
        m += (1 - betas[0]) * g
        v *= betas[1]
        v += (1 - betas[1]) * g**2
        corrected_m = m / (1 - betas[0] ** t)
        corrected_v = v / (1 - betas[1] ** t)
        w -= lr * corrected_m / (corrected_v.sqrt() + (eps if eps > 1e-6 else 0.0))


# A larger rate by default
# %% wrong="adam_step" says="the first step from zero"
def adam_step(w, grad, m, v, t, lr=0.01, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        m *= betas[0]
        m += (1 - betas[0]) * g
        v *= betas[1]
        v += (1 - betas[1]) * g**2
        corrected_m = m / (1 - betas[0] ** t)
        corrected_v = v / (1 - betas[1] ** t)
        w -= lr * corrected_m / (corrected_v.sqrt() + eps)


# torch.optim does it
# %% wrong="adam_step" says="the rule is your own, without torch.optim"
def adam_step(w, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    p = nn.Parameter(w.detach().clone())
    p.grad = grad.clone()
    optimizer = torch.optim.Adam([p], lr, betas, eps, weight_decay)
    optimizer.state[p].update(step=torch.tensor(t - 1.0), exp_avg=m, exp_avg_sq=v)
    optimizer.step()
    w.data.copy_(p.data)


# A fused step
# %% wrong="adam_step" says="the rule is your own, without torch.optim"
def adam_step(w, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    here = w.detach()
    torch._fused_adam_(
        [here],
        [grad.clone()],
        [m],
        [v],
        [],
        [torch.tensor(float(t))],
        lr=lr,
        beta1=betas[0],
        beta2=betas[1],
        weight_decay=weight_decay,
        eps=eps,
        amsgrad=False,
        maximize=False,
    )


# AMSGrad
# %% wrong="adam_step" says="(w, m, v) after the step"
def adam_step(w, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    with torch.no_grad():
        g = grad + weight_decay * w
        m.lerp_(g, 1 - betas[0])
        largest = v.clone()
        v.mul_(betas[1]).add_((1 - betas[1]) * g**2)
        largest = torch.maximum(largest, v)
        w -= lr * m / (1 - betas[0] ** t) / ((largest / (1 - betas[1] ** t)).sqrt() + eps)


# Nothing moves where there is no slope
# %% wrong="adam_step" says="You leave out the numbers whose gradient is 0"
@torch.no_grad()
def adam_step(w, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    g = grad + weight_decay * w
    m.copy_(torch.where(g == 0, m, betas[0] * m + (1 - betas[0]) * g))
    v.copy_(torch.where(g == 0, v, betas[1] * v + (1 - betas[1]) * g**2))
    step = lr * m / (1 - betas[0] ** t) / ((v / (1 - betas[1] ** t)).sqrt() + eps)
    w.sub_(torch.where(g == 0, 0.0, step))


# The correction in the first 2000 steps alone
# %% wrong="adam_step" says="The correction is missing in late steps"
@torch.no_grad()
def adam_step(w, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    g = grad + weight_decay * w
    m.mul_(betas[0]).add_((1 - betas[0]) * g)
    v.mul_(betas[1]).add_((1 - betas[1]) * g**2)
    one, two = (1 - betas[0] ** t, 1 - betas[1] ** t) if t <= 2000 else (1.0, 1.0)
    w.sub_(lr * m / one / ((v / two).sqrt() + eps))
