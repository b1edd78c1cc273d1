// The members of .NET Interactive that the adapter reaches by name, with the shapes of its last version.
#pragma warning disable IDE0130 // The namespaces are the kernel's.
using Microsoft.DotNet.Interactive.Commands;
using Microsoft.DotNet.Interactive.Events;
using Microsoft.DotNet.Interactive.Formatting;

namespace Microsoft.DotNet.Interactive.Formatting
{
    public class FormattedValue(string mimeType, string value)
    {
        public string MimeType { get; } = mimeType;

        public string Value { get; } = value;
    }

    public static class Formatter
    {
        public static Dictionary<string, Action<object, TextWriter>> Registered { get; } = [];

        public static Dictionary<Type, string[]> Preferred { get; } = [];

        public static void Register(Type type, Action<object, TextWriter> formatter, string mimeType = "text/plain") => Registered[$"{type} {mimeType}"] = formatter;

        public static void SetPreferredMimeTypesFor(Type type, params string[] preferredMimeTypes) => Preferred[type] = preferredMimeTypes;
    }
}

namespace Microsoft.DotNet.Interactive.Commands
{
    public class KernelCommand;
}

namespace Microsoft.DotNet.Interactive.Events
{
    public abstract class KernelEvent(KernelCommand command)
    {
        public KernelCommand Command { get; } = command;
    }

    public abstract class DisplayEvent(object value, KernelCommand command, IReadOnlyCollection<FormattedValue>? formattedValues, string? valueId) : KernelEvent(command)
    {
        public object Value { get; } = value;

        public IReadOnlyCollection<FormattedValue> FormattedValues { get; } = formattedValues ?? [];

        public string? ValueId { get; } = valueId;
    }

    public class DisplayedValueProduced(object value, KernelCommand command, IReadOnlyCollection<FormattedValue>? formattedValues = null, string? valueId = null)
        : DisplayEvent(value, command, formattedValues, valueId);

    public class DisplayedValueUpdated(object value, string valueId, KernelCommand command, IReadOnlyCollection<FormattedValue>? formattedValues = null)
        : DisplayEvent(value, command, formattedValues, valueId);
}

namespace Microsoft.DotNet.Interactive
{
    public class KernelInvocationContext
    {
        private static readonly AsyncLocal<KernelInvocationContext?> s_current = new();

        public static KernelInvocationContext? Current => s_current.Value;

        public KernelCommand Command { get; } = new();

        public List<KernelEvent> Published { get; } = [];

        public static KernelInvocationContext Enter() => s_current.Value = new KernelInvocationContext();

        public void Publish(KernelEvent @event) => Publish(@event, false);

        public void Publish(KernelEvent @event, bool publishOnAmbientContextOnly)
        {
            lock (Published)
            {
                Published.Add(@event);
            }
        }
    }
}
