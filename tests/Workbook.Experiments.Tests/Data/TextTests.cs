using System.Text;
using System.Text.RegularExpressions;
using Xunit;

namespace Workbook.Tests;

public sealed class TextTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_grammars_entropy_is_that_of_what_it_draws()
    {
        string text = Grammar.Draw(400_000);
        Assert.Equal(text, Grammar.Draw(400_000));
        string[] sentences = text.TrimEnd('\n').Split('\n');
        // Adjectives are a coin and one of 16; nouns one of 24, verbs one of 16; places a coin of a quarter and one of 8.
        double nats = sentences.Sum(sentence =>
        {
            Match parts = Regex.Match(sentence, @"^the (\w+ )?\w+ \w+ the (\w+ )?\w+( (at|in|on|far|under|before|by) .*)?\.$");
            Assert.True(parts.Success, sentence);
            int adjectives = parts.Groups[1].Captures.Count + parts.Groups[2].Captures.Count;
            bool isPlaced = parts.Groups[3].Success;
            return (2 * Math.Log(2)) + (adjectives * Math.Log(16)) + (2 * Math.Log(24)) + Math.Log(16)
                + (isPlaced ? Math.Log(4) + Math.Log(8) : Math.Log(4.0 / 3));
        });
        Assert.InRange(nats / text.Length / Grammar.Entropy, 0.99, 1.01);
    }

    [Fact]
    public void A_text_of_ones_own_is_used_and_said_to_be_another()
    {
        Write(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("The sea was calm that night, and cold. It rained!\r\n\r\nA short one.\n", 2000))));
        TextSource text = Texts.Open(_folder.Path);
        Assert.Equal("Moby Dick from the folder that was named; its content is not the published one", text.Source);
        Assert.DoesNotContain('\r', text.Content);
        Assert.Equal(["The sea was calm that night, and cold."], text.Sentences(1, (6, 16), (0, 1)));
        Assert.Equal("Moby Dick has 1 sentences of 6 to 16 words there, 2 are asked for: take fewer, or a longer text",
            Assert.Throws<WorkbookException>(() => text.Sentences(2, (6, 16), (0, 1))).Message);
        Assert.Null(text.Entropy);
    }

    [Theory]
    [InlineData("is no text in UTF-8", new byte[] { 0xff, 0xfe, 0xfa })]
    [InlineData("is no text to learn from", new byte[] { 65, 0, 66 })]
    [InlineData("is no text to learn from", new byte[0])]
    public void What_is_no_text_says_so(string fault, byte[] content)
    {
        Write(content);
        Assert.Contains(fault, Assert.Throws<WorkbookException>(() => Texts.Open(_folder.Path)).Message, StringComparison.Ordinal);
    }

    private void Write(byte[] content)
    {
        Directory.CreateDirectory(Path.Combine(_folder.Path, "text"));
        File.WriteAllBytes(Path.Combine(_folder.Path, "text", "moby-dick.txt"), content);
    }
}
