using Xunit;
using static TorchSharp.torch;

namespace Workbook.Notebook.Tests;

public class CountTableTests
{
    [Fact]
    public void A_counted_model_shows_as_a_table_with_its_total()
    {
        using LeNet5 net = LeNet5.Classic(1);
        string text = ModelCount.Of(net, zeros(1, 1, 28, 28)).ToTable("LeNet-5").ToBundle()["text/plain"];

        Assert.Equal(
            """
            LeNet-5
            layer  kind    parameters  non-zero     MACs  effective MACs  dense (kB)  compressed (kB)
            -----  ------  ----------  --------  -------  --------------  ----------  ---------------
            conv1  Conv2d         156       150   86,400          86,400         0.6              0.6
            conv2  Conv2d       2,416     2,400  153,600         153,600         9.7              9.7
            fc1    Linear      30,840    30,720   30,720          30,720       123.4            123.4
            fc2    Linear      10,164    10,080   10,080          10,080        40.7             40.7
            fc3    Linear         850       840      840             840         3.4              3.4
            all                44,426    44,190  281,640         281,640       177.7            177.7
            """, text);
    }
    [Fact]
    public void Layers_that_are_in_no_sum_are_named_beside_it()
    {
        using TorchSharp.Modules.Sequential net = nn.Sequential(("attention", nn.TransformerEncoderLayer(4, 2, 8)), ("fc", nn.Linear(4, 2)));
        Assert.Contains("all (MACs not counted: attention)", ModelCount.Of(net, zeros(1, 5, 4)).ToTable().ToBundle()["text/plain"]);
    }
}
