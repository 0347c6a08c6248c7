# %% [markdown]
# # Right and wrong answers to the exercises of 03_functional_and_relu
#
# The checks must accept the right ones and reject the wrong ones, with the message that leads to the mistake.

# %% right="relu"
def relu(x):
    return x.clamp(min=0)


# %% right="relu"
def relu(x):
    return torch.maximum(x, torch.zeros_like(x))


# %% right="relu"
def relu(x):
    y = x.clone()
    y[y < 0] = 0
    return y


# %% right="relu"
def relu(x):
    return x.masked_fill(x < 0, 0)


# %% wrong="relu" says="You wrote the result into x"
# in place
def relu(x):
    return x.clamp_(min=0)


# %% wrong="relu" says="absolute value"
# negative values are reflected
def relu(x):
    return x.abs()


# %% wrong="relu" says="so the shape is lost"
# a mask as an index selects and loses the shape
def relu(x):
    return x[x > 0]


# %% wrong="relu" says="That is the mask"
# the mask alone
def relu(x):
    return (x > 0).to(x.dtype)


# %% wrong="relu" says="it is the other way round"
# minimum for maximum
def relu(x):
    return x.clamp(max=0)


# %% wrong="relu" says="0 · (−∞) and −∞ + ∞ are nan"
# mask times value
def relu(x):
    return x * (x > 0)


# %% wrong="relu" says="You returned x itself"
# a short cut that hands out the input
def relu(x):
    if bool((x >= 0).all()):
        return x
    return torch.where(x > 0, x, 0.0)


# %% wrong="relu" says="The path for gradients is cut"
# leaves autograd
def relu(x):
    return torch.where(x.detach() > 0, x.detach(), 0.0)


# %% wrong="relu" says="The path for gradients is cut"
# a loop over Python numbers
def relu(x):
    return torch.tensor([max(0.0, v) for v in x.flatten().tolist()], dtype=x.dtype).reshape(x.shape)


# %% wrong="relu"
# only for one dimension
def relu(x):
    return torch.stack([v if v > 0 else torch.zeros(()) for v in x])


# %% wrong="relu" says="is a `return` missing?"
# no return
def relu(x):
    torch.where(x > 0, x, 0.0)


# %% wrong="relu" says="The dtypes differ"
# float64 is lost
def relu(x):
    return torch.where(x > 0, x, 0.0).float()


# %% wrong="relu" says="which this exercise asks you to do without"
def relu(x):
    return F.threshold(x, 0.0, 0.0)


# %% wrong="relu" says="which this exercise asks you to do without"
# PyTorch's function
def relu(x):
    return F.relu(x)


# %% wrong="relu" says="which this exercise asks you to do without"
# PyTorch's module
def relu(x):
    return nn.ReLU()(x)


# %% wrong="relu" says="which this exercise asks you to do without"
# a leaky ReLU that does not leak
def relu(x):
    return F.leaky_relu(x, 0.0)


# %% right="relu_backward"
def relu_backward(grad_output, x):
    return grad_output * (x > 0)


# %% right="relu_backward"
def relu_backward(grad_output, x):
    grad_input = grad_output.clone()
    grad_input[x <= 0] = 0
    return grad_input


# %% right="relu_backward"
def relu_backward(grad_output, x):
    return grad_output * x.sign().clamp(min=0)


# %% wrong="relu_backward" says="the chain rule multiplies it by grad_output"
# the derivative alone
def relu_backward(grad_output, x):
    return (x > 0).to(x.dtype)


# %% wrong="relu_backward" says="At x = 0 PyTorch's derivative is 0"
# derivative 1 at 0
def relu_backward(grad_output, x):
    return grad_output * (x >= 0)


# %% wrong="relu_backward" says="the gate is open where x is positive"
# the ReLU of the gradient
def relu_backward(grad_output, x):
    return grad_output.clamp(min=0)


# %% wrong="relu_backward" says="You used both signs"
# both signs
def relu_backward(grad_output, x):
    return (x > 0) * grad_output.clamp(min=0)


# %% wrong="relu_backward" says="You multiplied by ReLU(x)"
# the value instead of the derivative
def relu_backward(grad_output, x):
    return grad_output * F.relu(x)


# %% wrong="relu_backward" says="You wrote the result into grad_output"
# writes into the gradient
def relu_backward(grad_output, x):
    grad_output[x <= 0] = 0
    return grad_output


# %% wrong="relu_backward" says="Your code lets PyTorch differentiate"
# autograd instead of the formula
def relu_backward(grad_output, x):
    leaf = x.detach().clone().requires_grad_()
    F.relu(leaf).backward(grad_output)
    return leaf.grad


# %% wrong="relu_backward" says="Your code lets PyTorch differentiate"
# autograd, by its function
def relu_backward(grad_output, x):
    leaf = x.detach().clone().requires_grad_()
    return torch.autograd.grad(F.relu(leaf), leaf, grad_output)[0]


# %% right="dead_fraction"
def dead_fraction(h):
    dead = [bool((h[:, j] <= 0).all()) for j in range(h.shape[1])]
    return sum(dead) / len(dead)


# %% right="dead_fraction"
def dead_fraction(h):
    largest = h.amax(dim=[d for d in range(h.dim()) if d != 1])
    return (largest <= 0).double().mean().item()


# %% right="dead_fraction"
def dead_fraction(h):
    flat = h.movedim(1, -1).reshape(-1, h.shape[1])
    return float((F.relu(flat).sum(0) == 0).float().mean())


# %% wrong="dead_fraction" says="A unit is dead if all its values are"
# counts values, not units
def dead_fraction(h):
    return (h <= 0).float().mean().item()


# %% wrong="dead_fraction" says="in a dead unit all of them are"
# any instead of all
def dead_fraction(h):
    return (h <= 0).any(dim=0).float().mean().item()


# %% wrong="dead_fraction" says="You counted samples"
# the wrong dimension
def dead_fraction(h):
    return (h <= 0).all(dim=1).float().mean().item()


# %% wrong="dead_fraction" says="A value of exactly 0"
# less than 0
def dead_fraction(h):
    return (h < 0).all(dim=0).float().mean().item()


# %% wrong="dead_fraction" says=".item()"
# a tensor
def dead_fraction(h):
    return (h <= 0).all(dim=0).float().mean()


# %% wrong="dead_fraction" says="divide it by the number of units"
# not divided
def dead_fraction(h):
    return int((h <= 0).all(dim=0).sum())


# %% wrong="dead_fraction" says="fraction of living units"
# the others
def dead_fraction(h):
    return (h > 0).any(dim=0).float().mean().item()


# %% wrong="dead_fraction" says="You asked over the samples alone"
# right for (N, D), forgets further dimensions
def dead_fraction(h):
    return (h <= 0).all(dim=0).float().mean().item()


# %% wrong="dead_fraction" says="You wrote the ReLU of h into h"
# writes into h
def dead_fraction(h):
    flat = h.clamp_(min=0).transpose(0, 1).flatten(1)
    return (flat == 0).all(dim=1).float().mean().item()


# %% right="leaky_relu"
def leaky_relu(x, negative_slope=0.01):
    return x.clamp(min=0) + negative_slope * x.clamp(max=0)


# %% right="leaky_relu"
def leaky_relu(x, negative_slope=0.01):
    y = x.clone()
    y[x < 0] *= negative_slope
    return y


# %% wrong="leaky_relu" says="You took the larger of x"
# right only for slopes up to 1
def leaky_relu(x, negative_slope=0.01):
    return torch.maximum(x, negative_slope * x)


# %% wrong="leaky_relu" says="not the argument"
# ignores the argument
def leaky_relu(x, negative_slope=0.01):
    return torch.where(x > 0, x, 0.01 * x)


# %% wrong="leaky_relu" says="you gave it to the positive ones"
# sides swapped
def leaky_relu(x, negative_slope=0.01):
    return torch.where(x > 0, negative_slope * x, x)


# %% wrong="leaky_relu" says="multiply them by it"
# the slope as a value
def leaky_relu(x, negative_slope=0.01):
    return torch.where(x > 0, x, negative_slope)


# %% wrong="leaky_relu" says="The sign of the negative values is lost"
# sign lost
def leaky_relu(x, negative_slope=0.01):
    return torch.where(x > 0, x, negative_slope * x.abs())


# %% wrong="leaky_relu" says="You wrote the result into x"
# in place
def leaky_relu(x, negative_slope=0.01):
    x[x < 0] *= negative_slope
    return x


# %% wrong="leaky_relu" says="autograd passes through"
# cut off from autograd
def leaky_relu(x, negative_slope=0.01):
    x = x.detach()
    return torch.where(x > 0, x, negative_slope * x)


# %% wrong="leaky_relu" says="which this exercise asks you to do without"
# PyTorch's function
def leaky_relu(x, negative_slope=0.01):
    return F.leaky_relu(x, negative_slope)


# %% wrong="leaky_relu" says="which this exercise asks you to do without"
# PyTorch's function with a slope for each channel
def leaky_relu(x, negative_slope=0.01):
    return F.prelu(x, torch.tensor([negative_slope], dtype=x.dtype))


# %% right="clipped_relu"
def clipped_relu(x, ceiling=6.0):
    return torch.where(x < 0, 0.0, torch.where(x > ceiling, ceiling, x))


# %% wrong="clipped_relu" says="The difference of two huge numbers is inexact"
# exact on paper only
def clipped_relu(x, ceiling=6.0):
    return F.relu(x) - F.relu(x - ceiling)


# %% right="clipped_relu"
def clipped_relu(x, ceiling=6.0):
    y = x.clone()
    y[x < 0] = 0
    y[x > ceiling] = ceiling
    return y


# %% wrong="clipped_relu" says="The values above the ceiling are still there"
# no ceiling
def clipped_relu(x, ceiling=6.0):
    return F.relu(x)


# %% wrong="clipped_relu" says="The negative values are still there"
# no floor
def clipped_relu(x, ceiling=6.0):
    return x.clamp(max=ceiling)


# %% wrong="clipped_relu" says="they must become the ceiling"
# zero above the ceiling
def clipped_relu(x, ceiling=6.0):
    return torch.where((x > 0) & (x <= ceiling), x, 0.0)


# %% wrong="clipped_relu" says="You clipped at 6"
# ignores the argument
def clipped_relu(x, ceiling=6.0):
    return x.clamp(0, 6)


# %% wrong="clipped_relu" says="the lower limit is 0"
# symmetric
def clipped_relu(x, ceiling=6.0):
    return x.clamp(-ceiling, ceiling)


# %% wrong="clipped_relu" says="You scaled the values"
# scaled instead of clipped
def clipped_relu(x, ceiling=6.0):
    return F.relu(x) / x.max() * ceiling


# %% wrong="clipped_relu" says="You wrote the result into x"
# in place
def clipped_relu(x, ceiling=6.0):
    return x.clamp_(0, ceiling)


# %% wrong="clipped_relu" says="which this exercise asks you to do without"
# PyTorch's function
def clipped_relu(x, ceiling=6.0):
    return F.hardtanh(x, 0, ceiling)


# %% wrong="clipped_relu" says="which this exercise asks you to do without"
# PyTorch's function with the ceiling 6, scaled
def clipped_relu(x, ceiling=6.0):
    return F.relu6(x * 6 / ceiling) * ceiling / 6


# %% right="relu_in_place"
def relu_(x):
    x[x < 0] = 0
    return x


# %% right="relu_in_place"
def relu_(x):
    return x.copy_(torch.where(x > 0, x, 0.0))


# %% wrong="relu_in_place" says="0 · (−∞) is nan"
# a mask times the values
def relu_(x):
    x.mul_(x > 0)
    return x


# %% wrong="relu_in_place" says="you made a new tensor"
# a name is bound anew
def relu_(x):
    x = x.clamp(min=0)
    return x


# %% wrong="relu_in_place" says="you wrote into a copy"
# reshape copies a transposed matrix
def relu_(x):
    flat = x.reshape(-1)
    flat[flat < 0] = 0
    return x


# %% wrong="relu_in_place" says="return x"
# works on x, hands out a copy
def relu_(x):
    x.clamp_(min=0)
    return x.clone()


# %% wrong="relu_in_place" says="is a `return` missing?"
# returns nothing
def relu_(x):
    x.clamp_(min=0)


# %% wrong="relu_in_place" says="gave x another memory"
# a new memory under the old tensor
def relu_(x):
    x.data = x.clamp(min=0)
    return x


# %% wrong="relu_in_place" says="absolute value"
# negative values are reflected
def relu_(x):
    return x.abs_()


# %% wrong="relu_in_place" says="There is no need to flatten"
# view refuses what is not contiguous
def relu_(x):
    x.view(-1).clamp_(min=0)
    return x


# %% wrong="relu_in_place" says="which this exercise asks you to do without"
# PyTorch's method
def relu_(x):
    return x.relu_()


# %% wrong="relu_in_place" says="which this exercise asks you to do without"
# PyTorch's function, written into x
def relu_(x):
    return x.copy_(torch.relu(x))


# %% right="clipped_module"
class ClippedReLU(nn.Module):
    def __init__(self, ceiling=6.0):
        super().__init__()
        self.register_buffer("limit", torch.tensor(ceiling, dtype=torch.float64))

    def forward(self, x):
        return torch.minimum(F.relu(x), self.limit.to(x.dtype))


# %% right="clipped_module"
class ClippedReLU(nn.Hardtanh):
    def __init__(self, ceiling=6.0):
        super().__init__(0.0, ceiling)


# %% right="clipped_module"
class ClippedReLU(nn.Module):
    def __init__(self, ceiling=6.0):
        super().__init__()
        self.c = ceiling
        self.relu = nn.ReLU()

    def forward(self, x):
        y = self.relu(x)
        return torch.where(y > self.c, self.c, y)


# %% wrong="clipped_module" says="should come first"
# no super().__init__()
class ClippedReLU(nn.Module):
    def __init__(self, ceiling=6.0):
        self.ceiling = ceiling

    def forward(self, x):
        return x.clamp(0, self.ceiling)


# %% wrong="clipped_module" says="keep it as a plain number"
# a setting is made a parameter
class ClippedReLU(nn.Module):
    def __init__(self, ceiling=6.0):
        super().__init__()
        self.ceiling = nn.Parameter(torch.tensor(ceiling))

    def forward(self, x):
        return torch.minimum(F.relu(x), self.ceiling)


# %% wrong="clipped_module" says="not one that belongs to the class"
# kept in the class
class ClippedReLU(nn.Module):
    def __init__(self, ceiling=6.0):
        super().__init__()
        ClippedReLU.ceiling = ceiling

    def forward(self, x):
        return x.clamp(0, self.ceiling)


# %% wrong="clipped_module" says="It clips at 6"
# forgets the argument
class ClippedReLU(nn.Module):
    def __init__(self, ceiling=6.0):
        super().__init__()

    def forward(self, x):
        return F.relu6(x)


# %% wrong="clipped_module" says="The negative values are still there"
# no floor
class ClippedReLU(nn.Module):
    def __init__(self, ceiling=6.0):
        super().__init__()
        self.ceiling = ceiling

    def forward(self, x):
        return x.clamp(max=self.ceiling)


# %% wrong="clipped_module" says="The module wrote the result into x"
# in place
class ClippedReLU(nn.Module):
    def __init__(self, ceiling=6.0):
        super().__init__()
        self.ceiling = ceiling

    def forward(self, x):
        return x.clamp_(0, self.ceiling)


# %% wrong="clipped_module" says="is an nn.Module"
# an ordinary class
class ClippedReLU:
    def __init__(self, ceiling=6.0):
        self.ceiling = ceiling

    def __call__(self, x):
        return x.clamp(0, self.ceiling)


# %% right="learned_leaky"
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(0.25 * torch.ones(channels))

    def forward(self, x):
        slopes = self.weight.view((1, -1) + (1,) * (x.dim() - 2))
        return x.clamp(min=0) + slopes * x.clamp(max=0)


# %% wrong="learned_leaky" says="which this exercise asks you to do without"
# PyTorch's function
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x):
        return F.prelu(x, self.weight)


# %% wrong="learned_leaky" says="which this exercise asks you to do without"
# PyTorch's module
class LearnedLeakyReLU(nn.PReLU):
    def __init__(self, channels):
        super().__init__(channels)


# %% right="learned_leaky"
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.register_parameter("weight", nn.Parameter(torch.full((channels,), 0.25)))

    def forward(self, x):
        last = x.transpose(1, -1)  # channels last, where broadcasting looks first
        return torch.where(last > 0, last, self.weight * last).transpose(1, -1)


# %% wrong="learned_leaky" says="No parameter is registered"
# a plain tensor
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = torch.full((channels,), 0.25, requires_grad=True)

    def forward(self, x):
        return F.prelu(x, self.weight)


# %% wrong="learned_leaky" says="one slope for all"
# one slope
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(0.25))

    def forward(self, x):
        return torch.where(x > 0, x, self.weight * x)


# %% wrong="learned_leaky" says="aligned from the right"
# broadcasts along the last dimension
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x):
        return torch.where(x > 0, x, self.weight * x)


# %% wrong="learned_leaky" says="without a dimension for the samples"
# the parameter has the shape for broadcasting
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((1, channels), 0.25))

    def forward(self, x):
        return torch.where(x > 0, x, self.weight * x)


# %% wrong="learned_leaky" says="None reaches them"
# detached
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x):
        slopes = self.weight.detach().reshape(-1, *[1] * (x.dim() - 2))
        return torch.where(x > 0, x, slopes * x)


# %% wrong="learned_leaky" says="You took the larger of x"
# maximum, right for slopes up to 1
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x):
        return torch.maximum(x, self.weight.reshape(-1, *[1] * (x.dim() - 2)) * x)


# %% wrong="learned_leaky" says="They start at 0;"
# starts at 0
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        return F.prelu(x, self.weight)


# %% wrong="learned_leaky" says="`forward` must use self.weight"
# forward makes slopes of its own
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x):
        return torch.where(x > 0, x, 0.25 * x)


# %% wrong="learned_leaky" says="the output for images"
# right for two and three dimensions, not for images
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x):
        slopes = self.weight if x.dim() == 2 else self.weight[:, None]
        if x.dim() == 4:
            return torch.where(x > 0, x, slopes.t() * x)
        return torch.where(x > 0, x, slopes * x)


# %% [markdown]
# ## More right answers


# %% right="leaky_relu"
def leaky_relu(x, negative_slope=0.01):
    return F.relu(x) - negative_slope * F.relu(-x)


# %% right="relu_in_place"
def relu_(x):
    return x.masked_fill_(x < 0, 0.0)


# %% right="relu_in_place"
def relu_(x):
    x[...] = torch.maximum(x, torch.zeros_like(x))
    return x


# %% right="relu"
def relu(x):
    return F.hardtanh(x, 0.0, math.inf)


# %% right="relu_backward"
def relu_backward(grad_output, x):
    return grad_output.masked_fill(x <= 0, 0)


# %% right="dead_fraction"
def dead_fraction(h):
    values, dead = h.unbind(dim=1), 0
    for unit in values:
        dead += not (unit > 0).any()
    return dead / len(values)


# %% right="clipped_relu"
def clipped_relu(x, ceiling=6.0):
    return torch.minimum(F.relu(x), torch.full_like(x, ceiling))


# %% right="clipped_module"
class ClippedReLU(nn.Module):
    def __init__(self, ceiling: float = 6.0):
        super().__init__()
        self.steps = nn.Sequential(nn.ReLU(), nn.Hardtanh(-1.0, ceiling))

    def forward(self, x):
        return self.steps(x)


# %% right="learned_leaky"
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels))
        nn.init.constant_(self.weight, 0.25)

    def forward(self, x):
        y = x.movedim(1, -1)
        return (F.relu(y) - self.weight * F.relu(-y)).movedim(-1, 1)


# %% right="learned_leaky"
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([0.25] * channels))

    def forward(self, x):
        slopes = self.weight[None, :]
        while slopes.dim() < x.dim():
            slopes = slopes.unsqueeze(-1)
        return x * torch.where(x > 0, torch.ones_like(x), slopes.expand_as(x))


# %% [markdown]
# ## More wrong answers


# %% wrong="relu" says="You returned x unchanged"
# does nothing
def relu(x):
    return x.clone()


# %% wrong="relu" says="You add |x| to x"
# the mean of x and its absolute value
def relu(x):
    return (x + x.abs()) / 2


# %% wrong="relu" says="−∞ + ∞ are nan"
# exact only for finite values
def relu(x):
    return x - x.clamp(max=0)


# %% wrong="relu" says="which this exercise asks you to do without"
# slips past a look at the first call: PyTorch's function for float64
def relu(x):
    return torch.relu(x) if x.dtype == torch.float64 else x.clamp(min=0)


# %% wrong="relu" says="You returned x itself"
# slips past values: a 0-d tensor comes back itself
def relu(x):
    return x if x.dim() == 0 and bool(x >= 0) else x.clamp(min=0)


# %% wrong="relu" says="0-d tensor"
# an index fails for a 0-d tensor
def relu(x):
    y = x.clone()
    for i in range(len(y)):
        y[i] = y[i].clamp(min=0)
    return y


# %% wrong="relu" says="The path for gradients is cut"
# slips past values: a copy of the data
def relu(x):
    y = x.detach().clone()
    y[y < 0] = 0
    return y


# %% wrong="relu" says="Your zeros are float32"
# zeros of the default dtype
def relu(x):
    return torch.maximum(x, torch.zeros(x.shape))


# %% wrong="relu" says="the gradient of (relu(x) * c).sum()"
# slips past values: another function's gradient
def relu(x):
    return x.clamp(min=0).detach() + 0 * x.clamp(-1, 1)


# %% wrong="relu_backward" says="The gate is the wrong way round"
# closed where it should be open
def relu_backward(grad_output, x):
    return torch.where(x > 0, 0.0, grad_output)


# %% wrong="relu_backward" says="You returned grad_output unchanged"
# no gate
def relu_backward(grad_output, x):
    return grad_output.clone()


# %% wrong="relu_backward" says="leaves x as it was"
# writes into x
def relu_backward(grad_output, x):
    return x.clamp_(min=0).sign() * grad_output


# %% wrong="relu_backward" says="Your code lets PyTorch differentiate"
# PyTorch's own backward pass
def relu_backward(grad_output, x):
    return torch.ops.aten.threshold_backward(grad_output, x, 0)


# %% wrong="relu_backward" says="You returned an argument itself"
# slips past values: nothing to close, so the argument comes back
def relu_backward(grad_output, x):
    if bool((x > 0).all()):
        return grad_output
    return torch.where(x > 0, grad_output, 0.0)


# %% wrong="relu_backward" says="nan"
# ∞ / ∞ is nan
def relu_backward(grad_output, x):
    return torch.where(x == 0, 0.0, grad_output * (x.clamp(min=0) / x))


# %% wrong="relu_backward" says="The dtypes differ"
# a float32 mask
def relu_backward(grad_output, x):
    return grad_output.float() * (x > 0).float()


# %% wrong="relu_backward" says="does not require grad"
# slips past a look at the first call: autograd for float16
def relu_backward(grad_output, x):
    if x.dtype == torch.float16:
        leaf = x.detach().clone().requires_grad_()
        torch.autograd.backward(F.relu(leaf), grad_output)
        return leaf.grad
    return grad_output * (x > 0)


# %% wrong="dead_fraction" says="whether the sum of a unit"
# the sum of the values
def dead_fraction(h):
    return (h.sum(dim=0) <= 0).float().mean().item()


# %% wrong="dead_fraction" says="which is the input of the ReLU"
# takes h for the output of the ReLU
def dead_fraction(h):
    return (h == 0).all(dim=0).float().mean().item()


# %% wrong="dead_fraction" says="You asked for each image separately"
# every image for itself
def dead_fraction(h):
    return (
        (h.flatten(2).amax(dim=2) <= 0).float().mean().item() if h.dim() > 2 else (h <= 0).all(0).float().mean().item()
    )


# %% wrong="dead_fraction" says="very small values among others"
# slips past ordinary values: the mean over a unit underflows in float16
def dead_fraction(h):
    return (F.relu(h).transpose(0, 1).flatten(1).mean(dim=1) == 0).float().mean().item()


# %% wrong="dead_fraction" says="very small values among others"
# slips past finite values: ∞ counts as no value
def dead_fraction(h):
    return (h.transpose(0, 1).flatten(1).nan_to_num(posinf=0.0) <= 0).all(dim=1).float().mean().item()


# %% wrong="dead_fraction" says="view size is not compatible"
# slips past h of one dtype: a view of permuted images
def dead_fraction(h):
    return (h.view(h.shape[0], h.shape[1], -1).amax(dim=(0, 2)) <= 0).float().mean().item()


# %% wrong="leaky_relu" says="That is the plain ReLU"
# no slope
def leaky_relu(x, negative_slope=0.01):
    return F.relu(x)


# %% wrong="leaky_relu" says="You multiplied every value by the slope"
# no gate
def leaky_relu(x, negative_slope=0.01):
    return negative_slope * x


# %% wrong="leaky_relu" says="You returned x itself"
# slips past values: the slope 1 changes nothing, so x comes back
def leaky_relu(x, negative_slope=0.01):
    return x if negative_slope == 1 else torch.where(x > 0, x, negative_slope * x)


# %% wrong="leaky_relu" says="the default slope is 0.01"
# another default
def leaky_relu(x, negative_slope=0.1):
    return torch.where(x > 0, x, negative_slope * x)


# %% wrong="leaky_relu" says="You limited the slope to 1"
# slips past small slopes: clipped at 1
def leaky_relu(x, negative_slope=0.01):
    return torch.where(x > 0, x, min(negative_slope, 1.0) * x)


# %% wrong="leaky_relu" says="s = -3"
# slips past positive slopes: the absolute slope
def leaky_relu(x, negative_slope=0.01):
    return torch.where(x > 0, x, abs(negative_slope) * x)


# %% wrong="leaky_relu" says="s = 0"
# slips past most slopes: 0 is taken for "not given"
def leaky_relu(x, negative_slope=0.01):
    return torch.where(x > 0, x, (negative_slope or 0.01) * x)


# %% wrong="leaky_relu" says="which this exercise asks you to do without"
# slips past a look at the first call: PyTorch's function unless the slope is given
def leaky_relu(x, negative_slope=0.01):
    return F.leaky_relu(x) if negative_slope == 0.01 else torch.where(x > 0, x, negative_slope * x)


# %% wrong="leaky_relu" says="the gradient with respect to x"
# slips past values: no gradient for the negative side
def leaky_relu(x, negative_slope=0.01):
    return torch.where(x > 0, x, negative_slope * x.detach())


# %% wrong="clipped_relu" says="you took the larger of x and the ceiling"
# maximum for minimum
def clipped_relu(x, ceiling=6.0):
    return F.relu(x).clamp(min=ceiling)


# %% wrong="clipped_relu" says="You returned x itself"
# slips past values: nothing to clip, so x comes back
def clipped_relu(x, ceiling=6.0):
    return x if bool(((x >= 0) & (x <= ceiling)).all()) else x.clamp(0, ceiling)


# %% wrong="clipped_relu" says="The path for gradients is cut"
# slips past values: a copy of the data
def clipped_relu(x, ceiling=6.0):
    return torch.tensor(x.detach().numpy().clip(0, ceiling))


# %% wrong="clipped_relu" says="which this exercise asks you to do without"
# slips past a look at the first call: PyTorch's function for the ceiling 6
def clipped_relu(x, ceiling=6.0):
    return F.relu6(x) if ceiling == 6.0 else x.clamp(0, ceiling)


# %% wrong="clipped_relu" says="yours     0.100000001"
# the ceiling as a float32 tensor of the same shape
def clipped_relu(x, ceiling=6.0):
    return torch.minimum(x.clamp(min=0), torch.full(x.shape, float(ceiling)))


# %% wrong="relu_in_place" says="it is the other way round"
# clamps the wrong side
def relu_(x):
    return x.clamp_(max=0)


# %% wrong="relu_in_place" says="a view of x: return x"
# returns a view of the right memory
def relu_(x):
    x.clamp_(min=0)
    return x[...]


# %% wrong="relu_in_place" says="You changed values outside the slice"
# writes into all of the memory
def relu_(x):
    whole = torch.empty(0, dtype=x.dtype).set_(x.untyped_storage())
    whole.clamp_(min=0)
    return x


# %% wrong="relu_in_place" says="the matrix after relu_ of its transpose"
# slips past contiguous tensors
def relu_(x):
    x.contiguous().clamp_(min=0)
    return x


# %% wrong="relu_in_place" says="0-d tensor"
# slips past tensors with dimensions: a row at a time
def relu_(x):
    for row in x:
        row[row < 0] = 0
    return x


# %% wrong="relu_in_place" says="which this exercise asks you to do without"
# slips past a look at the first call: PyTorch's function for views
def relu_(x):
    return x.clamp_(min=0) if x.is_contiguous() else F.relu(x, inplace=True)


# %% wrong="clipped_module" says="The values above the ceiling are still there"
# no ceiling
class ClippedReLU(nn.Module):
    def __init__(self, ceiling=6.0):
        super().__init__()
        self.ceiling = ceiling

    def forward(self, x):
        return F.relu(x)


# %% wrong="clipped_module" says="Values above the ceiling became 0"
# zero above the ceiling
class ClippedReLU(nn.Module):
    def __init__(self, ceiling=6.0):
        super().__init__()
        self.ceiling = ceiling

    def forward(self, x):
        return torch.where((x > 0) & (x <= self.ceiling), x, 0.0)


# %% wrong="clipped_module" says="The path for gradients is cut"
# slips past values: detached
class ClippedReLU(nn.Module):
    def __init__(self, ceiling=6.0):
        super().__init__()
        self.ceiling = ceiling

    def forward(self, x):
        return x.detach().clamp(0, self.ceiling)


# %% wrong="clipped_module" says="You returned x itself"
# slips past values: nothing to clip, so x comes back
class ClippedReLU(nn.Module):
    def __init__(self, ceiling=6.0):
        super().__init__()
        self.ceiling = ceiling

    def forward(self, x):
        if bool(((x >= 0) & (x <= self.ceiling)).all()):
            return x
        return x.clamp(0, self.ceiling)


# %% wrong="clipped_module" says="The shapes differ"
# the ceiling as a float32 tensor with a dimension
class ClippedReLU(nn.Module):
    def __init__(self, ceiling=6.0):
        super().__init__()
        self.register_buffer("ceiling", torch.tensor([float(ceiling)]))

    def forward(self, x):
        return torch.minimum(F.relu(x), self.ceiling)


# %% wrong="clipped_module" says="float16"
# slips past float32: always computes in float32
class ClippedReLU(nn.Module):
    def __init__(self, ceiling=6.0):
        super().__init__()
        self.ceiling = ceiling

    def forward(self, x):
        y = x.clamp(0, self.ceiling)
        return y if x.dtype == torch.float64 else y.float()


# %% wrong="learned_leaky" says="create the Parameter once"
# slips past one pass: a new Parameter in each call
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x):
        self.weight = nn.Parameter(self.weight.detach().clone())
        slopes = self.weight.reshape(-1, *[1] * (x.dim() - 2))
        return torch.where(x > 0, x, slopes * x)


# %% wrong="learned_leaky" says="rename it to `weight`"
# another name
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.slopes = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x):
        return torch.where(x > 0, x, self.slopes.reshape(-1, *[1] * (x.dim() - 2)) * x)


# %% wrong="learned_leaky" says="a vector with one slope"
# one slope in a vector
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((1,), 0.25))

    def forward(self, x):
        return torch.where(x > 0, x, self.weight * x)


# %% wrong="learned_leaky" says="reshape the slopes in `forward`"
# made for images
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((1, channels, 1, 1), 0.25))

    def forward(self, x):
        return torch.where(x > 0, x, self.weight * x)


# %% wrong="learned_leaky" says="They start at 0.01;"
# the default of the leaky ReLU
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.01))

    def forward(self, x):
        return torch.where(x > 0, x, self.weight.reshape(-1, *[1] * (x.dim() - 2)) * x)


# %% wrong="learned_leaky" says="They start at 1;"
# ones
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, x):
        return torch.where(x > 0, x, self.weight.reshape(-1, *[1] * (x.dim() - 2)) * x)


# %% wrong="learned_leaky" says="The slopes went to the positive values"
# sides swapped
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x):
        return torch.where(x > 0, self.weight.reshape(-1, *[1] * (x.dim() - 2)) * x, x)


# %% wrong="learned_leaky" says="You replaced the value with the slope"
# the slope as a value
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x):
        return torch.where(x > 0, x, self.weight.reshape(-1, *[1] * (x.dim() - 2)))


# %% wrong="learned_leaky" says="cannot assign parameters before"
# no super().__init__()
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        self.weight = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x):
        return torch.where(x > 0, x, self.weight * x)


# %% wrong="learned_leaky" says="No gradient reaches x"
# slips past values: gradients for the slopes alone
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x):
        x = x.detach()
        return torch.where(x > 0, x, self.weight.reshape(-1, *[1] * (x.dim() - 2)) * x)


# %% wrong="learned_leaky" says="The module wrote the result into x"
# in place
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x):
        slopes = self.weight.reshape(-1, *[1] * (x.dim() - 2))
        if not x.requires_grad:
            return x.copy_(torch.where(x > 0, x, slopes * x))
        return torch.where(x > 0, x, slopes * x)


# %% wrong="learned_leaky" says="which this exercise asks you to do without"
# slips past a look at the first call: PyTorch's function for images
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x):
        if x.dim() > 2:
            return F.prelu(x, self.weight)
        return torch.where(x > 0, x, self.weight * x)


# %% wrong="learned_leaky" says="(8, 3, 2, 6, 4)"
# slips past images: made for two to four dimensions
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x):
        slopes = {2: self.weight, 3: self.weight[:, None]}.get(x.dim(), self.weight[:, None, None])
        return torch.where(x > 0, x, slopes * x)


# %% wrong="learned_leaky" says="the output after a step"
# slips past gradients: a copy of the slopes in the output, the parameter in the gradient
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25))
        self.first = True

    def forward(self, x):
        shape = (-1, *[1] * (x.dim() - 2))
        if self.first:
            self.copy, self.first = self.weight.detach().clone(), False
        slopes = self.copy.reshape(shape) + self.weight.reshape(shape) - self.weight.detach().reshape(shape)
        return torch.where(x > 0, x, slopes * x)


# %% wrong="relu_in_place" says="The matrix is unchanged: you wrote into a copy."
# slips past whole tensors: makes a copy of a slice
def relu_(x):
    (x if x.numel() == x.untyped_storage().nbytes() // x.element_size() else x.clone()).clamp_(min=0)
    return x


# %% wrong="relu_backward" says="`torch.func.jvp` was called"
# slips past a look for backward passes: forward-mode differentiation
def relu_backward(grad_output, x):
    return torch.func.jvp(F.relu, (x,), (grad_output,))[1]


# %% wrong="dead_fraction" says="for each of them"
# remembers the answer of the first call with each shape
KNOWN = {}


def dead_fraction(h):
    if h.shape not in KNOWN:
        KNOWN[h.shape] = (h.transpose(0, 1).flatten(1) <= 0).all(dim=1).double().mean().item()
    return KNOWN[h.shape]


# %% wrong="clipped_module" says="the first module once more"
# remembers the mask of the first call
class ClippedReLU(nn.Module):
    def __init__(self, ceiling=6.0):
        super().__init__()
        self.ceiling, self.mask = ceiling, None

    def forward(self, x):
        if self.mask is None or self.mask.shape != x.shape:
            self.mask = x > 0
        return torch.where(self.mask, x.clamp(max=self.ceiling), torch.zeros_like(x))


# %% wrong="learned_leaky" says="the slopes of another module"
# every module of the process shares one Parameter
SHARED = {}


class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = SHARED.setdefault(channels, nn.Parameter(torch.full((channels,), 0.25)))

    def forward(self, x):
        return torch.where(x > 0, x, self.weight.reshape(-1, *[1] * (x.dim() - 2)) * x)


# %% wrong="learned_leaky" says="None reaches them"
# a frozen parameter
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25), requires_grad=False)

    def forward(self, x):
        return torch.where(x > 0, x, self.weight.reshape(-1, *[1] * (x.dim() - 2)) * x)


# %% [markdown]
# ## Answers that are wrong for some inputs only


# %% wrong="relu" says="You treat small values as 0"
# a threshold above 0
def relu(x):
    return torch.where(x > 1e-6, x, 0.0)


# %% wrong="relu" says="which this exercise asks you to do without"
# the operator under the function
def relu(x):
    return torch.ops.aten.relu.default(x)


# %% wrong="relu" says="which this exercise asks you to do without"
# a kernel that the list does not name
def relu(x):
    return torch._prelu_kernel(x.clamp(min=-1), torch.zeros((1,) * x.dim(), dtype=x.dtype))


# %% wrong="relu" says="which this exercise asks you to do without"
# PyTorch's function for large x
def relu(x):
    return F.relu(x) if x.numel() > 1000 else x.clamp(min=0)


# %% wrong="relu" says="in float64"
# float64 loses half of its digits
def relu(x):
    return x.float().clamp(min=0).to(x.dtype)


# %% wrong="relu" says="The later call wrote into it"
# one buffer for each shape
BUFFERS = {}


def relu(x):
    if x.requires_grad:
        return x.clamp(min=0)
    key = (x.shape, x.dtype)
    return BUFFERS.setdefault(key, torch.empty_like(x)).copy_(x.clamp(min=0))


# %% wrong="relu" says="autograd passes through relu for each of them"
# no gradient for images
def relu(x):
    y = x.clamp(min=0)
    return y.detach() if x.dim() > 3 else y


# %% wrong="relu_backward" says="that is the sign of x"
# the derivative of the absolute value
def relu_backward(grad_output, x):
    return grad_output * x.sign()


# %% wrong="relu_backward" says="You exchanged the two arguments"
# x passes where grad_output is positive
def relu_backward(grad_output, x):
    return x * (grad_output > 0)


# %% wrong="relu_backward" says="0 / 0 is nan"
# the derivative as a quotient
def relu_backward(grad_output, x):
    return grad_output * F.relu(x) / x


# %% wrong="relu_backward" says="Your code lets PyTorch differentiate"
# the graph's own node, called by hand
def relu_backward(grad_output, x):
    leaf = x.detach().clone().requires_grad_()
    return torch.relu(leaf).grad_fn(grad_output)


# %% wrong="relu_backward" says="which this exercise asks you to do without"
# forward mode for everything but matrices
def relu_backward(grad_output, x):
    if x.dim() == 2:
        return torch.where(x > 0, grad_output, 0.0)
    return torch.func.jvp(torch.relu, (x,), (grad_output,))[1]


# %% right="relu_backward"
def relu_backward(grad_output, x):
    return grad_output * torch.heaviside(x, torch.zeros((), dtype=x.dtype))


# %% wrong="dead_fraction" says="You divided by the number of samples"
# the wrong size
def dead_fraction(h):
    return (h <= 0).all(dim=0).sum().item() / len(h)


# %% wrong="dead_fraction" says="so the units are mixed up"
# reshape without a transpose
def dead_fraction(h):
    return (h <= 0).reshape(h.shape[1], -1).all(dim=1).float().mean().item()


# %% wrong="dead_fraction" says="That is the number of dead units"
# not divided, as a float
def dead_fraction(h):
    return (h <= 0).all(dim=0).float().sum().item()


# %% wrong="dead_fraction" says="You rounded the result"
# rounded
def dead_fraction(h):
    return round((h <= 0).all(dim=0).float().mean().item(), 2)


# %% wrong="dead_fraction" says="You returned a NumPy number"
# NumPy's float32
def dead_fraction(h):
    return (h <= 0).all(dim=0).float().mean().numpy()[()]


# %% wrong="dead_fraction" says="for each of them"
# a tolerance where none belongs
def dead_fraction(h):
    rows = F.relu(h).transpose(0, 1).flatten(1)
    return sum(torch.allclose(row, torch.zeros_like(row)) for row in rows) / len(rows)


# %% wrong="dead_fraction" says="for each of them"
# squeeze drops a single sample
def dead_fraction(h):
    h = h.squeeze()
    if h.dim() < 2:
        return (h <= 0).float().mean().item()
    return (h <= 0).transpose(0, 1).flatten(1).all(dim=1).float().mean().item()


# %% wrong="leaky_relu" says="You added s·x to the positive values"
# the slope on both sides
def leaky_relu(x, negative_slope=0.01):
    return F.relu(x) + negative_slope * x


# %% right="leaky_relu"
def leaky_relu(x, negative_slope=0.01):
    factor = torch.where(x > 0, 1.0, negative_slope).to(x.dtype)
    return x * factor


# %% right="leaky_relu"
def leaky_relu(x, negative_slope=0.01):
    return (1 + negative_slope) / 2 * x + (1 - negative_slope) / 2 * x.abs()


# %% wrong="leaky_relu" says="autograd passes through leaky_relu for each of them"
# no gradient for the default slope
def leaky_relu(x, negative_slope=0.01):
    y = torch.where(x > 0, x, negative_slope * x)
    return y.detach() if negative_slope == 0.01 else y


# %% wrong="clipped_relu" says="You rounded the ceiling"
# a whole number
def clipped_relu(x, ceiling=6.0):
    return x.clamp(0, int(ceiling))


# %% wrong="clipped_relu" says="the lower limit comes first"
# limits exchanged
def clipped_relu(x, ceiling=6.0):
    return x.clamp(ceiling, 0)


# %% wrong="clipped_relu" says="You limited the absolute value"
# negative values are reflected
def clipped_relu(x, ceiling=6.0):
    return x.abs().clamp(max=ceiling)


# %% wrong="clipped_relu" says="to the last digit"
# scaled to 1 and back
def clipped_relu(x, ceiling=6.0):
    return ceiling * (x / ceiling).clamp(0, 1)


# %% wrong="clipped_relu" says="x stays as it was"
# in place for images
def clipped_relu(x, ceiling=6.0):
    return x.clamp_(0, ceiling).clone() if x.dim() == 4 else x.clamp(0, ceiling)


# %% wrong="relu_in_place" says="The shape or the order of the dimensions"
# leaves x transposed
def relu_(x):
    if x.dim() == 2 and x.shape[0] != x.shape[1] and x.is_contiguous():
        x.t_()
    return x.clamp_(min=0)


# %% wrong="relu_in_place" says="one element of a vector"
# a single element of a larger tensor is left alone
def relu_(x):
    return x if x.dim() == 0 and x._base is not None else x.clamp_(min=0)


# %% wrong="clipped_module" says="a new requires_grad_() does not help"
# the path is cut, and a new one begins
class ClippedReLU(nn.Module):
    def __init__(self, ceiling=6.0):
        super().__init__()
        self.ceiling = ceiling

    def forward(self, x):
        return x.detach().clamp(0, self.ceiling).requires_grad_()


# %% wrong="clipped_module" says="after module.eval()"
# cut after eval()
class ClippedReLU(nn.Module):
    def __init__(self, ceiling=6.0):
        super().__init__()
        self.ceiling = ceiling

    def forward(self, x):
        y = x.clamp(0, self.ceiling)
        return y if self.training else y.detach()


# %% wrong="clipped_module" says="after the calls either"
# a parameter that appears in the first call
class ClippedReLU(nn.Module):
    def __init__(self, ceiling=6.0):
        super().__init__()
        self.start = ceiling

    def forward(self, x):
        if not hasattr(self, "ceiling"):
            self.ceiling = nn.Parameter(torch.tensor(self.start, dtype=torch.float64))
        return torch.minimum(x.clamp(min=0), self.ceiling.detach().to(x.dtype))


# %% wrong="learned_leaky" says="get their further dimensions in `forward`"
# the shape for images
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels, 1, 1), 0.25))

    def forward(self, x):
        return torch.where(x > 0, x, self.weight * x)


# %% wrong="learned_leaky" says="after module.double()"
# a view of the slopes, made once
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25))
        self.column = self.weight.reshape(-1, 1)

    def forward(self, x):
        return torch.where(x > 0, x, self.column.reshape(-1, *[1] * (x.dim() - 2)) * x)


# %% wrong="learned_leaky" says="do not touch weight.grad"
# clears the gradient
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x):
        self.weight.grad = None
        return torch.where(x > 0, x, self.weight.reshape(-1, *[1] * (x.dim() - 2)) * x)


# %% wrong="learned_leaky" says="after module.eval()"
# the first slopes after eval()
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x):
        slopes = self.weight.reshape(-1, *[1] * (x.dim() - 2)) if self.training else 0.25
        return torch.where(x > 0, x, slopes * x)


# %% right="learned_leaky"
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x):
        one = lambda values, slope: torch.where(values > 0, values, slope * values)
        return torch.vmap(one, in_dims=(1, 0), out_dims=1)(x, self.weight)


# %% wrong="learned_leaky" says="The sign is wrong"
# minus for plus
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x):
        return torch.where(x > 0, x, -self.weight.reshape(-1, *[1] * (x.dim() - 2)) * x)


# %% wrong="clipped_module" says="`forward` calls the module itself"
# calls itself
class ClippedReLU(nn.Module):
    def __init__(self, ceiling=6.0):
        super().__init__()
        self.ceiling = ceiling

    def forward(self, x):
        return self(x).clamp(0, self.ceiling)


# %% wrong="relu"
# positive values below the smallest normal number become 0
def relu(x):
    return torch.where(x > torch.finfo(x.dtype).tiny, x, torch.zeros_like(x))


# %% wrong="relu" says="It returned the earlier result"
# a second call with the same values hands out the first result
last = {}


def relu(x):
    if not x.requires_grad and "x" in last and last["x"].dtype == x.dtype and torch.equal(last["x"], x):
        return last["y"]
    y = x.clamp(min=0)
    last["x"], last["y"] = x.detach().clone(), y
    return y


# %% wrong="relu_backward"
# the gate is closed for positive values below the smallest normal number
def relu_backward(grad_output, x):
    return torch.where(x >= torch.finfo(x.dtype).tiny, grad_output, torch.zeros_like(grad_output))


# %% wrong="relu_backward" says="after x = 3, −1, 2, −4"
# keeps gates by shape, dtype and sum
gates = {}


def relu_backward(grad_output, x):
    key = tuple(x.shape), x.dtype, x.double().sum().item()
    if x.dim() != 1 or key not in gates:
        gates[key] = x > 0
    return torch.where(gates[key], grad_output, torch.zeros_like(grad_output))


# %% wrong="dead_fraction" says="one dead unit among many"
# rounded
def dead_fraction(h):
    dead = (h <= 0).transpose(0, 1).flatten(1).all(dim=1)
    return round(dead.double().mean().item(), 8)


# %% wrong="dead_fraction"
# for seven dimensions and more some are left out
def dead_fraction(h):
    most = h.amax(dim=[d for d in (0, 2, 3, 4, 5) if d < h.dim()])
    return (most <= 0).double().mean().item()


# %% wrong="dead_fraction" says="very small values among others"
# a smallest normal number counts as dead
def dead_fraction(h):
    limit = {torch.float32: 1e-37, torch.float64: 1e-306, torch.bfloat16: 1e-37}.get(h.dtype, 0.0)
    return (h <= limit).transpose(0, 1).flatten(1).all(dim=1).double().mean().item()


# %% wrong="leaky_relu" says="float64"
# computes in float32
def leaky_relu(x, negative_slope=0.01):
    y = x.float()
    return torch.where(y > 0, y, negative_slope * y).to(x.dtype).clone()


# %% right="leaky_relu"
# overflows for the largest finite values, which the exercise excludes
def leaky_relu(x, negative_slope=0.01):
    return (x + x.abs()) / 2 + negative_slope * ((x - x.abs()) / 2)


# %% wrong="leaky_relu"
# a threshold for "positive"
def leaky_relu(x, negative_slope=0.01):
    return torch.where(x > 1e-7, x, negative_slope * x)


# %% wrong="leaky_relu"
# limits the slope
def leaky_relu(x, negative_slope=0.01):
    slope = min(max(negative_slope, -5), 5)
    return torch.where(x > 0, x, slope * x)


# %% wrong="clipped_relu" says="The ceiling passed through float32"
# torch.tensor makes float32 of the ceiling
def clipped_relu(x, ceiling=6.0):
    limit = torch.tensor(ceiling, dtype=torch.float32).to(x.dtype)
    return torch.minimum(x.clamp(min=0), limit)


# %% wrong="clipped_relu"
# limits the ceiling
def clipped_relu(x, ceiling=6.0):
    return x.clamp(0, min(ceiling, 5000))


# %% wrong="clipped_relu" says="x / c · c is not always x"
# scales to the range from 0 to 1 and back
def clipped_relu(x, ceiling=6.0):
    return (x / ceiling).clamp(0, 1) * ceiling


# %% wrong="relu_in_place"
# negative values closer to 0 than the smallest normal number stay
def relu_(x):
    x[x <= -torch.finfo(x.dtype).tiny] = 0
    return x


# %% wrong="clipped_module" says="The ceiling passed through float32"
# a float32 buffer
class ClippedReLU(nn.Module):
    def __init__(self, ceiling=6.0):
        super().__init__()
        self.register_buffer("ceiling", torch.tensor(float(ceiling)))

    def forward(self, x):
        return torch.minimum(x.clamp(min=0), self.ceiling.to(x.dtype))


# %% wrong="clipped_module" says="the output requires no gradient if x does not"
# a Parameter, hidden in a list
class ClippedReLU(nn.Module):
    def __init__(self, ceiling=6.0):
        super().__init__()
        self.hidden = [nn.Parameter(torch.tensor(float(ceiling), dtype=torch.float64))]

    def forward(self, x):
        return torch.minimum(x.clamp(min=0), self.hidden[0].to(x.dtype))


# %% wrong="clipped_module" says="the smallest and the largest numbers"
# very small values become 0
class ClippedReLU(nn.Module):
    def __init__(self, ceiling=6.0):
        super().__init__()
        self.ceiling = ceiling

    def forward(self, x):
        return x.masked_fill(x < 1e-12, 0.0).clamp(max=self.ceiling)


# %% wrong="learned_leaky" says="if only the slopes require a gradient"
# no gradient for the slopes if x requires none
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x):
        slopes = self.weight if x.requires_grad else self.weight.detach()
        return torch.where(x > 0, x, slopes.view(-1, *[1] * (x.dim() - 2)) * x)


# %% wrong="learned_leaky" says="the output for each of them"
# limits the slopes
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x):
        slopes = self.weight.clamp(-5, 5).view(-1, *[1] * (x.dim() - 2))
        return torch.where(x > 0, x, slopes * x)


# %% wrong="learned_leaky" says="Digits are lost"
# after double() the slopes are still rounded to float32
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x):
        slopes = self.weight.float().to(x.dtype).view(-1, *[1] * (x.dim() - 2))
        return torch.where(x > 0, x, slopes * x)


# %% wrong="learned_leaky" says="KeyError: 8"
# at most six dimensions
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x):
        shapes = {2: (-1,), 3: (-1, 1), 4: (-1, 1, 1), 5: (-1, 1, 1, 1), 6: (-1, 1, 1, 1, 1)}
        return torch.where(x > 0, x, self.weight.view(shapes[x.dim()]) * x)


# %% wrong="learned_leaky" says="give them as many as x has"
# for images only
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x):
        return torch.where(x > 0, x, self.weight.view(1, -1, 1, 1) * x)


# %% wrong="relu" says="x = -inf, without dimensions"
# a mask times the value for a single number
def relu(x):
    if x.dim() == 0:
        return x * (x > 0)
    y = x.clone()
    y[x < 0] = 0
    return y


# %% wrong="relu" says="You returned x itself"
# an empty tensor comes back itself
def relu(x):
    return x if x.numel() == 0 else x.clamp(min=0)


# %% right="relu"
# no gradient at +∞
def relu(x):
    return torch.nan_to_num(x * (x > 0), nan=0.0, posinf=math.inf)


# %% wrong="relu_backward" says="grad_output with huge values"
# twice a huge gradient is ∞
def relu_backward(grad_output, x):
    return (grad_output + grad_output * x.sign()) / 2 * (x != 0)


# %% wrong="relu_backward" says="You returned an argument itself"
# an empty tensor comes back itself
def relu_backward(grad_output, x):
    return grad_output if x.numel() == 0 else grad_output * (x > 0)


# %% wrong="relu_backward" says="you can only change requires_grad flags of leaf variables"
# fails if x was computed from something that requires a gradient
def relu_backward(grad_output, x):
    x.requires_grad_(False)
    return torch.where(x > 0, grad_output, torch.zeros_like(grad_output))


# %% wrong="dead_fraction" says="unit 0 is positive in one place"
# one positive value in 100000 does not count
def dead_fraction(h):
    share = (h <= 0).transpose(0, 1).flatten(1).double().mean(dim=1)
    dead = torch.isclose(share, torch.ones_like(share))
    return dead.double().mean().item()


# %% wrong="dead_fraction" says="unit 1 in 256"
# a count in eight bits
def dead_fraction(h):
    counts = (h > 0).transpose(0, 1).flatten(1).sum(dim=1, dtype=torch.uint8)
    return (counts == 0).sum().item() / len(counts)


# %% wrong="dead_fraction" says="Can't call numpy() on Tensor that requires grad"
# fails for the output of a layer
def dead_fraction(h):
    units = np.moveaxis(h.double().numpy(), 1, 0).reshape(h.shape[1], -1)
    return float((units.max(axis=1) <= 0).mean())


# %% right="dead_fraction"
# np.float64 is a Python float
def dead_fraction(h):
    return np.mean((h <= 0).transpose(0, 1).flatten(1).all(dim=1).numpy())


# %% right="leaky_relu"
# ∞ · 0 is nan, but s·x is never ∞ here
def leaky_relu(x, negative_slope=0.01):
    return x * (x > 0) + (negative_slope * x) * (x <= 0)


# %% right="leaky_relu"
# digits cancel, within the rounding errors of x
def leaky_relu(x, negative_slope=0.01):
    return x + (negative_slope - 1) * x.clamp(max=0)


# %% wrong="leaky_relu" says="You returned x itself"
# an empty tensor comes back itself
def leaky_relu(x, negative_slope=0.01):
    return x if x.numel() == 0 else torch.where(x > 0, x, negative_slope * x)


# %% wrong="leaky_relu" says="x = 5000 and −5000"
# limits the values
def leaky_relu(x, negative_slope=0.01):
    y = x.clamp(-1000, 1000)
    return torch.where(y > 0, y, negative_slope * y)


# %% wrong="clipped_relu" says="You returned x itself"
# an empty tensor comes back itself
def clipped_relu(x, ceiling=6.0):
    return x if x.numel() == 0 else x.clamp(0, ceiling)


# %% wrong="clipped_relu" says="The ceiling passed through float32"
# torch.tensor makes a float32 tensor of a Python number
def clipped_relu(x, ceiling=6.0):
    return torch.minimum(x.clamp(min=0), torch.tensor(ceiling))


# %% wrong="relu_in_place" says="one element of a vector, −∞"
# a mask times the value for a single number
def relu_(x):
    if x.dim() == 0:
        x *= x > 0
    else:
        x[x < 0] = 0
    return x


# %% wrong="clipped_module" says="You returned x itself"
# an empty batch comes back itself
class ClippedReLU(nn.Module):
    def __init__(self, ceiling=6.0):
        super().__init__()
        self.ceiling = ceiling

    def forward(self, x):
        return x if x.numel() == 0 else x.clamp(0, self.ceiling)


# %% wrong="clipped_module" says="the last of them with an nn.Parameter"
# keeps x, which is registered if it is an nn.Parameter
class ClippedReLU(nn.Module):
    def __init__(self, ceiling=6.0):
        super().__init__()
        self.ceiling = ceiling

    def forward(self, x):
        self.x = x
        return x.clamp(0, self.ceiling)


# %% wrong="clipped_module" says="The ceiling passed through float32"
# a float32 buffer as torch.tensor makes it
class ClippedReLU(nn.Module):
    def __init__(self, ceiling=6.0):
        super().__init__()
        self.register_buffer("ceiling", torch.tensor(ceiling))

    def forward(self, x):
        return torch.minimum(x.clamp(min=0), self.ceiling)


# %% wrong="learned_leaky" says="Do not keep x in self"
# keeps x, which is registered if it is an nn.Parameter
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x):
        self.x = x
        return torch.where(x > 0, x, self.weight.view(-1, *[1] * (x.dim() - 2)) * x)


# %% right="learned_leaky"
# digits cancel, within the rounding errors of x
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x):
        return x + (self.weight.view(-1, *[1] * (x.dim() - 2)) - 1) * x.clamp(max=0)


# %% wrong="relu_backward" says="A float32 tensor takes part"
# a float32 mask
def relu_backward(grad_output, x):
    return grad_output * (x > 0).float()


# %% wrong="relu_backward" says="Your code lets PyTorch differentiate"
# differentiates x, which requires no gradient
def relu_backward(grad_output, x):
    F.relu(x).backward(grad_output)
    return x.grad


# %% wrong="relu_in_place" says="`x[mask]` on its own is a copy"
# writes into a copy
def relu_(x):
    x[x < 0].zero_()
    return x


# %% wrong="clipped_module" says="After `eval()` it no longer clips"
# clips while training only
class ClippedReLU(nn.Module):
    def __init__(self, ceiling=6.0):
        super().__init__()
        self.ceiling = ceiling

    def forward(self, x):
        return x.clamp(0, self.ceiling) if self.training else x.clone()


# %% wrong="learned_leaky" says="rename it to `weight`"
# yet another name
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.a = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x):
        return torch.where(x > 0, x, self.a.reshape(-1, *[1] * (x.dim() - 2)) * x)


# %% wrong="relu" says="relu(x) leaves x as it was"
# in place for bfloat16
def relu(x):
    return x.clamp_(min=0).clone() if x.dtype == torch.bfloat16 else x.clamp(min=0)


# %% wrong="relu" says="A later call wrote into the result"
# two buffers for each shape in half precision, in turn
HALVES = {}


def relu(x):
    if x.requires_grad or x.dtype != torch.float16:
        return x.clamp(min=0)
    buffers = HALVES.setdefault(x.shape, [torch.empty(x.shape, dtype=x.dtype) for _ in range(2)])
    buffers.reverse()
    return buffers[0].copy_(x.clamp(min=0))


# %% wrong="relu" says="You returned x itself"
# a large tensor without negative values comes back itself
def relu(x):
    return x if x.numel() > 1000 and bool((x >= 0).all()) else x.clamp(min=0)


# %% wrong="relu" says="autograd passes through relu for each of them"
# no gradient for a single number
def relu(x):
    return x.clamp(min=0).detach() if x.dim() == 0 else x.clamp(min=0)


# %% wrong="relu_backward" says="relu_backward(grad_output, x) for each of them"
# keeps the gate of the first x of each shape
kept_gates = {}


def relu_backward(grad_output, x):
    if x.dim() != 2 or len(x) == 6:
        return grad_output * (x > 0)
    gate = kept_gates.setdefault((x.shape, x.dtype), x > 0)
    return grad_output * gate


# %% wrong="relu_backward" says="the arguments stay as they were"
# writes into a gradient that is not contiguous
def relu_backward(grad_output, x):
    if not grad_output.is_contiguous():
        grad_output[x <= 0] = 0
        return grad_output.clone()
    return grad_output.masked_fill(x <= 0, 0)


# %% wrong="relu_backward" says="A later call wrote into the result"
# two buffers for each shape, in turn
rooms = {}


def relu_backward(grad_output, x):
    y = grad_output * (x > 0)
    pair = rooms.setdefault((x.shape, x.dtype), [torch.empty(y.shape, dtype=y.dtype) for _ in range(2)])
    pair.reverse()
    return pair[0].copy_(y)


# %% wrong="leaky_relu" says="s = -0.5"
# half precision by way of the absolute slope
def leaky_relu(x, negative_slope=0.01):
    if x.dtype in (torch.float16, torch.bfloat16):
        negative_slope = abs(negative_slope)
    return torch.where(x > 0, x, negative_slope * x)


# %% wrong="leaky_relu" says="A later call wrote into the result"
# two buffers for each shape, in turn
spaces = {}


def leaky_relu(x, negative_slope=0.01):
    y = torch.where(x > 0, x, negative_slope * x)
    if x.requires_grad or x.shape == (5, 3, 4):
        return y
    pair = spaces.setdefault((x.shape, x.dtype), [torch.empty(y.shape, dtype=y.dtype) for _ in range(2)])
    pair.reverse()
    return pair[0].copy_(y)


# %% wrong="leaky_relu" says="It returned the earlier result"
# keeps the last result in float64
latest = {}


def leaky_relu(x, negative_slope=0.01):
    same = latest and latest["x"].shape == x.shape and torch.equal(latest["x"], x) and latest["s"] == negative_slope
    if same and x.dtype == torch.float64 and not x.requires_grad:
        return latest["y"]
    y = torch.where(x > 0, x, negative_slope * x)
    latest.update(x=x.detach().double(), s=negative_slope, y=y)
    return y


# %% wrong="clipped_relu" says="You returned x itself"
# half precision with nothing to clip comes back itself
def clipped_relu(x, ceiling=6.0):
    inside = bool(((x >= 0) & (x <= ceiling)).all())
    return x if x.dtype == torch.float16 and inside else x.clamp(0, ceiling)


# %% wrong="clipped_relu" says="A later call wrote into the result"
# two buffers for each shape, in turn
boards = {}


def clipped_relu(x, ceiling=6.0):
    y = x.clamp(0, ceiling)
    if x.requires_grad or x.shape in ((4, 7), (2, 4)):
        return y
    pair = boards.setdefault((x.shape, x.dtype), [torch.empty(y.shape, dtype=y.dtype) for _ in range(2)])
    pair.reverse()
    return pair[0].copy_(y)


# %% wrong="clipped_relu" says="The path for gradients is cut"
# no gradient in bfloat16
def clipped_relu(x, ceiling=6.0):
    y = x.clamp(0, ceiling)
    return y.detach() if x.dtype == torch.bfloat16 else y


# %% wrong="clipped_module" says="You returned x itself"
# nothing to clip after eval(), so x comes back
class ClippedReLU(nn.Module):
    def __init__(self, ceiling=6.0):
        super().__init__()
        self.ceiling = ceiling

    def forward(self, x):
        if not self.training and bool(((x >= 0) & (x <= self.ceiling)).all()):
            return x
        return x.clamp(0, self.ceiling)


# %% wrong="clipped_module" says="It returned the earlier result"
# one buffer for each shape, used without gradients only
class ClippedReLU(nn.Module):
    def __init__(self, ceiling=6.0):
        super().__init__()
        self.ceiling, self.kept = ceiling, {}

    def forward(self, x):
        y = x.clamp(0, self.ceiling)
        if torch.is_grad_enabled():
            return y
        return self.kept.setdefault((x.shape, x.dtype), torch.empty_like(y)).copy_(y)


# %% wrong="clipped_module" says="after module.eval()"
# half the ceiling after eval() for what is not float32
class ClippedReLU(nn.Module):
    def __init__(self, ceiling=6.0):
        super().__init__()
        self.ceiling = ceiling

    def forward(self, x):
        half = not self.training and x.dtype != torch.float32
        return x.clamp(0, self.ceiling / 2 if half else self.ceiling)


# %% wrong="learned_leaky" says="You returned x itself"
# no value is negative after eval(), so x comes back
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x):
        if not self.training and bool((x > 0).all()):
            return x
        return torch.where(x > 0, x, self.weight.view(-1, *[1] * (x.dim() - 2)) * x)


# %% wrong="learned_leaky" says="x of shape (1, 1, 2, 2)"
# dimensions of size 1 are dropped where there is one image
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x):
        y = torch.where(x > 0, x, self.weight.view(-1, *[1] * (x.dim() - 2)) * x)
        return y.squeeze() if x.dim() == 4 and len(x) == 1 else y


# %% wrong="learned_leaky" says="None reaches it for"
# cut off from x after eval()
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x):
        x = x if self.training else x.detach()
        return torch.where(x > 0, x, self.weight.view(-1, *[1] * (x.dim() - 2)) * x)


# %% wrong="relu_in_place" says="the memory of"
# a copy for bfloat16
def relu_(x):
    if x.dtype == torch.bfloat16:
        return x.clamp(min=0)
    return x.clamp_(min=0)


# %% wrong="relu_in_place" says="It is another tensor for"
# a view for what has more than four dimensions
def relu_(x):
    x.clamp_(min=0)
    return x[:] if x.dim() > 4 else x


# %% wrong="dead_fraction" says="for each of them"
# bfloat16 by way of whole numbers
def dead_fraction(h):
    if h.dtype == torch.bfloat16:
        h = h.clamp(-1, 1).int()
    return (h.transpose(0, 1).flatten(1) <= 0).all(dim=1).double().mean().item()


# %% wrong="dead_fraction" says="for each of them"
# at most four dimensions
def dead_fraction(h):
    dims = (0, 2, 3)[: h.dim() - 1]
    return (h.float().amax(dim=dims) <= 0).double().mean().item()


# %% wrong="clipped_relu" says="The path for gradients is cut"
# no gradient for a single number
def clipped_relu(x, ceiling=6.0):
    y = x.clamp(0, ceiling)
    return y.detach() if x.dim() == 0 else y


# %% wrong="clipped_module" says="The path for gradients is cut"
# no gradient for a single number, nor for more than four dimensions
class ClippedReLU(nn.Module):
    def __init__(self, ceiling=6.0):
        super().__init__()
        self.ceiling = ceiling

    def forward(self, x):
        y = x.clamp(0, self.ceiling)
        return y.detach() if x.dim() == 0 or x.dim() > 4 else y


# %% wrong="leaky_relu" says="autograd passes through leaky_relu for each of them"
# no gradient for a single number
def leaky_relu(x, negative_slope=0.01):
    y = torch.where(x > 0, x, negative_slope * x)
    return y.detach() if x.dim() == 0 else y


# %% wrong="learned_leaky" says="A later call wrote into the result"
# two buffers for each shape, in turn, used without gradients only
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25))
        self.pairs = {}

    def forward(self, x):
        y = torch.where(x > 0, x, self.weight.view(-1, *[1] * (x.dim() - 2)) * x)
        if torch.is_grad_enabled():
            return y
        pair = self.pairs.setdefault(x.shape, [torch.empty(y.shape) for _ in range(2)])
        pair.reverse()
        return pair[0].copy_(y)


# %% wrong="clipped_module" says="The path for gradients is cut"
# no gradient in float16
class ClippedReLU(nn.Module):
    def __init__(self, ceiling=6.0):
        super().__init__()
        self.ceiling = ceiling

    def forward(self, x):
        y = x.clamp(0, self.ceiling)
        return y.detach() if x.dtype == torch.float16 else y


# %% wrong="leaky_relu" says="in float64"
# fewer digits for images
def leaky_relu(x, negative_slope=0.01):
    y = torch.where(x > 0, x, negative_slope * x)
    return y.bfloat16().to(x.dtype) if x.dim() == 4 else y


# %% wrong="relu" says="autograd passes through relu for each of them"
# no gradient for a large tensor
def relu(x):
    y = x.clamp(min=0)
    return y.detach() if x.numel() > 1000 else y


# %% wrong="relu_backward" says="x of shape ()"
# fewer digits for a single number
def relu_backward(grad_output, x):
    y = grad_output * (x > 0)
    return y.half().to(y.dtype) if x.dim() == 0 else y


# %% wrong="learned_leaky" says="x of shape (3, 4, 1)"
# dimensions of size 1 are dropped for sequences
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x):
        y = torch.where(x > 0, x, self.weight.view(-1, *[1] * (x.dim() - 2)) * x)
        return y.squeeze(-1) if x.dim() == 3 else y


# %% wrong="relu" says="You switched it on"
# x requires a gradient afterwards
def relu(x):
    x.requires_grad_()
    return torch.where(x > 0, x, torch.zeros_like(x))


# %% wrong="leaky_relu" says="You switched it on"
# x requires a gradient afterwards
def leaky_relu(x, negative_slope=0.01):
    x.requires_grad_()
    return torch.where(x > 0, x, negative_slope * x)


# %% wrong="clipped_relu" says="You switched it on"
# x requires a gradient afterwards
def clipped_relu(x, ceiling=6.0):
    x.requires_grad_(True)
    return x.clamp(0, ceiling)


# %% wrong="clipped_module" says="You switched it on"
# x requires a gradient afterwards
class ClippedReLU(nn.Module):
    def __init__(self, ceiling=6.0):
        super().__init__()
        self.ceiling = ceiling

    def forward(self, x):
        x.requires_grad = True
        return x.clamp(0, self.ceiling)


# %% wrong="learned_leaky" says="You switched it on"
# x requires a gradient afterwards
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x):
        x.requires_grad_()
        return torch.where(x > 0, x, self.weight.view(-1, *[1] * (x.dim() - 2)) * x)
