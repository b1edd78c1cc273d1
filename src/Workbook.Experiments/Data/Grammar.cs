using System.Text;

namespace Workbook;

/// <summary>
/// Sentences drawn by rules whose entropy is known, so that nobody can predict their characters better than that: a sentence has a subject, a verb and an
/// object, some of them adjectives, and each word is drawn from a list of its own.
/// </summary>
/// <remarks>No two drawings give the same sentence, so the entropy of a text is that of the drawings: per character, that of a sentence over its mean
/// length.</remarks>
internal static class Grammar
{
    private const double AdjectiveChance = 0.5, PlaceChance = 0.25;

    private static readonly string[] s_adjectives =
    [
        "old", "white", "silent", "pale", "strange", "mighty", "gentle", "weary", "savage", "golden", "distant", "hollow", "bitter", "calm", "broken",
        "dark",
    ];

    private static readonly string[] s_nouns =
    [
        "whale", "captain", "ship", "sailor", "harpoon", "ocean", "island", "storm", "lantern", "mast", "boat", "prophet", "stranger", "gull", "anchor",
        "shark", "rope", "sail", "compass", "carpenter", "cook", "mate", "wave", "harbour",
    ];

    private static readonly string[] s_verbs =
    [
        "follows", "fears", "watches", "strikes", "carries", "forgets", "hunts", "loves", "leaves", "meets", "calls", "finds", "breaks", "guards", "answers",
        "dreads",
    ];

    private static readonly string[] s_places =
        ["at dawn", "in the dark", "on the deck", "far from home", "under the stars", "before the storm", "at sea", "by night"];

    /// <summary>The least loss that a model of the text can have, in nats for each character.</summary>
    internal static double Entropy
    {
        get
        {
            static double Coin(double p) => -(p * Math.Log(p)) - ((1 - p) * Math.Log(1 - p));
            double noun = Math.Log(s_nouns.Length) + Coin(AdjectiveChance) + (AdjectiveChance * Math.Log(s_adjectives.Length));
            double sentence = (2 * noun) + Math.Log(s_verbs.Length) + Coin(PlaceChance) + (PlaceChance * Math.Log(s_places.Length));
            return sentence / MeanLength;
        }
    }

    private static double MeanLength
    {
        get
        {
            double phrase = "the ".Length + (AdjectiveChance * (s_adjectives.Average(w => w.Length) + 1)) + s_nouns.Average(w => w.Length);
            return (2 * phrase) + 1 + s_verbs.Average(w => w.Length) + 1 + (PlaceChance * (s_places.Average(w => w.Length) + 1)) + ".\n".Length;
        }
    }

    /// <summary>Draws whole sentences, a line each, until there are as many characters.</summary>
    internal static string Draw(int characters)
    {
        StringBuilder text = new();
        for (int i = 0; text.Length < characters; i++)
        {
            DigitRandom random = new(1851, i);
            Noun(ref random);
            text.Append(' ').Append(One(ref random, s_verbs)).Append(' ');
            Noun(ref random);
            if (random.Uniform(0, 1) < PlaceChance)
            {
                text.Append(' ').Append(One(ref random, s_places));
            }

            text.Append(".\n");
        }

        return text.ToString();

        void Noun(ref DigitRandom random)
        {
            text.Append("the ");
            if (random.Uniform(0, 1) < AdjectiveChance)
            {
                text.Append(One(ref random, s_adjectives)).Append(' ');
            }

            text.Append(One(ref random, s_nouns));
        }

        static string One(ref DigitRandom random, string[] words) => words[random.Integer(words.Length)];
    }
}
