namespace Workbook;

/// <summary>An operation of an ONNX graph; its attributes are not read.</summary>
/// <param name="OpType">E.g. <c>MatMul</c>.</param>
/// <param name="Inputs">Names of initializers, of the graph's inputs or of other nodes' outputs; empty for one that is left out.</param>
/// <param name="Outputs">Names of what comes out.</param>
public sealed record OnnxNode(string OpType, IReadOnlyList<string> Inputs, IReadOnlyList<string> Outputs);
