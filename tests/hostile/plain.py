"""Checks as graders usually have them: a few calls, and the values that they should return.

The attacks are shown to work against these where answer and check share an interpreter. The course's own checks try so
much more that some attacks would not get past them even there.
"""

PLAIN = {
    "relu": """
g = torch.Generator().manual_seed(11)
x = torch.randn(3, 4, 5, generator=g)
before = x.clone()
y = relu(x)
expect(y, before.clamp(min=0), "relu(x)")
x = torch.randn(2, 7, 3, 4, generator=g, dtype=torch.float64)
expect(relu(x), x.clamp(min=0), "relu(x) in float64, shape (2, 7, 3, 4)")
""",
    "relu_backward": """
g = torch.Generator().manual_seed(12)
x, grad_output = torch.randn(4, 6, generator=g), torch.randn(4, 6, generator=g)
expect(
    relu_backward(grad_output, x),
    (x > 0) * grad_output,
    "relu_backward(grad_output, x)",
)
""",
    "dead_fraction": """
def same(answer, expected):
    assert float(answer) == expected, f"yours {answer}, expected {expected}"

same(dead_fraction(torch.tensor([[0.3, -1.0], [-0.1, -2.0]])), 0.5)
same(dead_fraction(torch.ones(2, 3)), 0.0)
same(dead_fraction(-torch.ones(2, 3)), 1.0)
""",
    "linear_forward": """
g = torch.Generator().manual_seed(11)
x, weight, bias = (torch.randn(size, generator=g, dtype=torch.float64) for size in [(5, 3), (3, 3), (3,)])
answer = linear(x, weight, bias)
expect(answer, x @ weight.T + bias, "linear for 5 samples, 3 inputs, 3 outputs")
### BEGIN HIDDEN TESTS
for n, c, d in [(6, 5, 2), (9, 1, 3)]:
    x, weight, bias = (torch.randn(size, generator=g, dtype=torch.float64) for size in [(n, c), (d, c), (d,)])
    answer = linear(x, weight, bias)
    expect(answer, x @ weight.T + bias, f"linear for {n} samples, {c} inputs, {d} outputs")
### END HIDDEN TESTS
""",
    "parameter_count": """
assert parameter_count([10, 4]) == 44
assert parameter_count([256, 200, 10]) == 53410
assert parameter_count([256, 200, 10], bias=False) == 53200
""",
    "linear_backward": """
g = torch.Generator().manual_seed(15)
grad_s, x, weight = (torch.randn(size, generator=g) for size in [(7, 3), (7, 5), (3, 5)])
copies = [tensor.clone().requires_grad_() for tensor in (x, weight, torch.zeros(3))]
wanted_x, wanted_weight, wanted_bias = torch.autograd.grad(F.linear(*copies), copies, grad_s)
answer = linear_backward(grad_s, x, weight)
assert type(answer).__name__ == "tuple" and len(answer) == 3
expect(answer[0], wanted_x, "grad_x", rtol=1e-4, atol=1e-5)
expect(answer[1], wanted_weight, "grad_weight", rtol=1e-4, atol=1e-5)
expect(answer[2], wanted_bias, "grad_bias", rtol=1e-4, atol=1e-5)
""",
    "two_layer_backward": """
g = torch.Generator().manual_seed(17)
for n, c, hidden, d in [(9, 4, 6, 3), (8, 1, 4, 6)]:
    sizes = [(n, c), (hidden, c), (hidden,), (d, hidden), (n, d)]
    x, w1, b1, w2, grad_s2 = (torch.randn(size, generator=g) for size in sizes)
    copies = [tensor.clone().requires_grad_() for tensor in (w1, b1, w2, torch.zeros(d))]
    s2 = F.linear(F.relu(F.linear(x, copies[0], copies[1])), copies[2], copies[3])
    wanted = torch.autograd.grad(s2, copies, grad_s2)
    torch.testing.assert_close(two_layer_backward(x, w1, b1, w2, grad_s2), wanted)
""",
    "trace_shapes": """
net = nn.Sequential(nn.MaxPool2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
wanted = [(3, 2, 20, 12), (3, 2, 10, 6), (3, 2, 10, 6), (3, 2, 5, 3), (3, 30)]
expect(trace_shapes(net, torch.zeros(3, 2, 20, 12)), wanted, "trace_shapes(net, x)")
""",
    "mlp": """
g = torch.Generator().manual_seed(102)
net = mlp([10, 100, 50, 2])
assert isinstance(net, nn.Module)
sizes = {"0.weight": (100, 10), "0.bias": (100,), "2.weight": (50, 100), "2.bias": (50,), "4.weight": (2, 50)}
sizes["4.bias"] = (2,)
expect({name: tuple(one.shape) for name, one in net.named_parameters()}, sizes, "names and shapes")
values = {name: torch.randn(tuple(one.shape), generator=g) / 5 for name, one in net.state_dict().items()}
net.load_state_dict(values)
x = torch.randn(7, 10, generator=g)
h = F.relu(F.linear(F.relu(F.linear(x, values["0.weight"], values["0.bias"])), values["2.weight"], values["2.bias"]))
s = F.linear(h, values["4.weight"], values["4.bias"])
expect(net(x).detach(), s, "the output", rtol=1e-4, atol=1e-5)
""",
    "lenet": """
g = torch.Generator().manual_seed(105)
net = LeNet()
p = {name: torch.randn(tuple(one.shape), generator=g) / 9 for name, one in net.state_dict().items()}
net.load_state_dict(p)
x = torch.randn(12, 1, 28, 28, generator=g)


def wanted():
    h = F.relu(F.max_pool2d(F.conv2d(x, p["conv1.weight"], p["conv1.bias"]), 3))
    h = F.relu(F.max_pool2d(F.conv2d(h, p["conv2.weight"], p["conv2.bias"]), 2))
    return F.linear(F.relu(F.linear(h.flatten(1), p["fc1.weight"], p["fc1.bias"])), p["fc2.weight"], p["fc2.bias"])


s = wanted()
with torch.no_grad():
    expect(net(x), s, "LeNet()(x)", rtol=1e-3, atol=1e-4)
try:
    net(torch.zeros(12, 1, 40, 40))
except Exception:
    pass
else:
    raise AssertionError("12 images of 40×40 lead to an error")
""",
    "committee": """
g = torch.Generator().manual_seed(106)
net = Committee(5, 4, members=3)
p = {name: torch.randn(tuple(one.shape), generator=g) for name, one in net.state_dict().items()}
net.load_state_dict(p)
x = torch.randn(6, 5, generator=g)
outputs = [F.linear(x, p[f"members.{i}.weight"], p[f"members.{i}.bias"]) for i in range(3)]
expect(net(x).detach(), sum(outputs) / 3, "the mean of the members' outputs", rtol=1e-4, atol=1e-5)
""",
}
