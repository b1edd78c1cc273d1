using System.Text;
using Spectre.Console;

namespace Workbook.Cli.Terminal;

/// <summary>
/// What goes to the terminal without control characters: notebooks, their exceptions and claims, mirrors and files of others have their say there, and
/// must not steer it. Colours and bars are Spectre.Console's, which writes past this.
/// </summary>
internal sealed class PlainText(TextWriter terminal) : TextWriter(System.Globalization.CultureInfo.InvariantCulture)
{
    public override Encoding Encoding => terminal.Encoding;

    /// <summary>From now on all of this program's words are plain.</summary>
    public static void Use()
    {
        AnsiConsole.Console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Out) });
        Console.SetOut(new PlainText(Console.Out));
        Console.SetError(new PlainText(Console.Error));
    }

    /// <summary>A text for <see cref="Markup"/>: neither markup nor control characters.</summary>
    public static string Markup(string text) => Spectre.Console.Markup.Escape(Of(text));

    public override void Write(char value) => terminal.Write(Of(value));

    public override void Write(char[] buffer, int index, int count) => terminal.Write(Of(new string(buffer, index, count)));

    public override void Write(string? value) => terminal.Write(Of(value ?? ""));

    public override void WriteLine(string? value) => terminal.Write(Of(value ?? "") + terminal.NewLine);

    public override void Flush() => terminal.Flush();

    /// <summary>The text with a mark in the place of each control character.</summary>
    public static string Of(string text) => text.Any(IsOdd) ? string.Create(text.Length, text, (plain, from) =>
    {
        for (int i = 0; i < plain.Length; i++)
        {
            plain[i] = Of(from[i]);
        }
    }) : text;

    private static char Of(char c) => IsOdd(c) ? '\uFFFD' : c;

    private static bool IsOdd(char c) => char.IsControl(c) && c is not ('\n' or '\t') && !(c == '\r' && OperatingSystem.IsWindows());
}
