using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace Workbook;

// TorchSharp's own steps hand each number to libtorch in a Scalar that nothing holds: a garbage collection on another
// thread may free it before libtorch has read it, which in long trainings ends in "Expected false to be true" or in a
// wrong number. These steps hold theirs, and are the same to the bit otherwise.

/// <summary>Stochastic gradient descent with momentum.</summary>
internal sealed class SafeSgd(IEnumerable<TorchSharp.Modules.SGD.ParamGroup> groups, double rate, double momentum) : TorchSharp.Modules.SGD(groups, rate,
    momentum)
{
    /// <inheritdoc/>
    public override Tensor step(Func<Tensor>? closure = null) => _step<ParamGroup>(
        group =>
        {
            Options options = group.Options;
            foreach (Parameter parameter in group.Parameters)
            {
                if (parameter.grad is { } gradient)
                {
                    State state = (State)_state[parameter.Handle];
                    state.momentum_buffer = Descent.Step(parameter, gradient, state.momentum_buffer, options.momentum!.Value, options.weight_decay!.Value,
                        options.LearningRate!.Value);
                }
            }
        },
        closure);
}

/// <summary>Adam (Kingma and Ba 2015).</summary>
internal sealed class SafeAdam(IEnumerable<TorchSharp.Modules.Adam.ParamGroup> groups, double rate) : TorchSharp.Modules.Adam(groups, rate)
{
    /// <inheritdoc/>
    public override Tensor step(Func<Tensor>? closure = null) => _step<ParamGroup>(
        group =>
        {
            Options options = (Options)group.Options;
            double beta1 = options.beta1!.Value, beta2 = options.beta2!.Value;
            using Scalar decay = options.weight_decay!.Value, keep1 = beta1, add1 = 1 - beta1, keep2 = beta2, add2 = 1 - beta2, epsilon = options.eps!.Value,
                one = 1.0;
            foreach (Parameter parameter in group.Parameters)
            {
                if (parameter.grad is not { } gradient)
                {
                    continue;
                }

                State state = (State)_state[parameter.Handle];
                state.step++;
                using Scalar correction = Math.Sqrt(1 - Math.Pow(beta2, state.step)), size = -options.LearningRate!.Value / (1 - Math.Pow(beta1, state.step));
                Tensor change = options.weight_decay == 0 ? gradient : gradient.add(parameter, decay);
                state.exp_avg.mul_(keep1).add_(change, add1);
                state.exp_avg_sq.mul_(keep2).addcmul_(change, change, add2);
                parameter.addcdiv_(state.exp_avg, state.exp_avg_sq.sqrt().div(correction).add_(epsilon, one), size);
            }
        },
        closure);
}
