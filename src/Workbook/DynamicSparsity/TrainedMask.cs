using TorchSharp;
using TorchSharp.Modules;
using Workbook.GradientFlow;
using Workbook.Pruning;
using Workbook.Training;
using static TorchSharp.torch;

namespace Workbook.DynamicSparsity;

/// <summary>A schedule at work on the model that is trained.</summary>
internal sealed class TrainedMask : IDisposable
{
    private readonly nn.Module<Tensor, Tensor> _model;
    private readonly MaskSchedule _schedule;
    private readonly Action<MaskChange>? _onChange;
    private BoundMask _bound;

    internal TrainedMask(nn.Module<Tensor, Tensor> model, MaskSchedule schedule, long steps, Action<MaskChange>? onChange)
    {
        schedule.Check(steps);
        (_model, _schedule, _onChange) = (model, schedule, onChange);
        Mask = schedule.Start(model);
        _bound = Mask.Bind(model);
    }

    /// <summary>What is left now.</summary>
    internal Mask Mask { get; private set; }

    internal void Step(optim.Optimizer optimizer) => _bound.Step(optimizer);

    /// <summary>Changes the mask, if it is to change before this step.</summary>
    internal void Before(Tensor inputs, Tensor labels, TrainingMoment moment, optim.Optimizer optimizer)
    {
        if (!_schedule.ChangesAfter(moment.Step))
        {
            return;
        }

        using (new KeptBuffers(_model))
        {
            Trainer.Backward(_model, inputs, labels).Dispose();
        }

        MaskChange change = new(moment.Step, Mask, _schedule.Next(_model, Mask, moment), IsDone: false);
        _onChange?.Invoke(change);
        BoundMask next = change.After.Bind(_model);
        _bound.Dispose();
        (_bound, Mask) = (next, change.After);
        Forget(optimizer, change);
        _onChange?.Invoke(change with { IsDone = true });
    }

    public void Dispose() => _bound.Dispose();

    /// <summary>Empties what the optimizer remembers of the weights that went or came.</summary>
    private void Forget(optim.Optimizer optimizer, MaskChange change)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();

        // The states come in the order of the parameters; of their tensors only the pruned parameters' are of use.
        Dictionary<IntPtr, OptimizerState> states = optimizer.parameters().Zip(((OptimizerHelper)optimizer).state_dict().State)
            .ToDictionary(p => p.First.Handle, p => p.Second);
        foreach ((string name, Parameter parameter, Tensor after) in change.After.FitTo(_model))
        {
            Tensor left = change.Before.TryGetValue(name, out Tensor? before) ? before.logical_and(after) : after;
            Tensor gone = left.logical_not().to(parameter.device);
            foreach (Tensor? memory in Memories(states[parameter.Handle]))
            {
                memory?.masked_fill_(gone, 0);
            }
        }
    }

    private static Tensor?[] Memories(OptimizerState state) => state switch
    {
        SGD.State sgd => [sgd.momentum_buffer],
        Adam.State adam => [adam.exp_avg, adam.exp_avg_sq, adam.max_exp_avg_sq],
        _ => throw new InvalidOperationException($"no recipe has the optimizer of {state.GetType()}"),
    };
}
