namespace Workbook;

/// <summary>How much hands differ; standard deviations unless said. Lengths are in digit heights.</summary>
/// <param name="Turn">Of the rotation, in radians.</param>
/// <param name="Slant">Of the shear.</param>
/// <param name="Stretch">Of the width's relative change.</param>
/// <param name="Jitter">Of each point that a stroke passes through.</param>
/// <param name="Elastic">Of the smooth displacement of the whole digit.</param>
/// <param name="Thin">The thinnest pen's radius in pixels.</param>
/// <param name="Thick">The thickest pen's radius in pixels.</param>
/// <param name="Grain">The share of its ink that a pixel may lose.</param>
internal readonly record struct DigitStyle(
    double Turn, double Slant, double Stretch, double Jitter, double Elastic, double Thin, double Thick, double Grain);

/// <summary>Draws one digit. Not thread-safe: each thread has its own pen.</summary>
internal sealed class DigitPen(DigitStyle style)
{
    private const int Side = Digits.Side;
    private const int Box = 20;
    private const int StepsPerSpan = 5;
    private const int Knots = 4;
    private const double MostPressure = 1.25;

    /// <summary>How much cover falls per pixel across the edge of the ink.</summary>
    private const double Sharpness = 0.8;

    private readonly List<(double X, double Y, bool Starts)> _path = [];
    private readonly double[] _distance = new double[Side * Side];
    private readonly double[] _bendX = new double[Knots * Knots];
    private readonly double[] _bendY = new double[Knots * Knots];

    /// <summary>Draws a digit of class <paramref name="label"/> over the 28×28 pixels of <paramref name="image"/>.</summary>
    public void Draw(int label, DigitRandom random, Span<byte> image)
    {
        (double X, double Y)[][][] variants = DigitSkeletons.Variants[label];
        Trace(variants[random.Integer(variants.Length)], ref random);
        Distort(ref random);
        double radius = random.Uniform(style.Thin, style.Thick);
        FitToBox(radius);
        Ink(radius, ref random);
        Develop(ref random, image);
    }

    /// <summary>Jittered points, joined by a Catmull-Rom curve.</summary>
    private void Trace((double X, double Y)[][] strokes, ref DigitRandom random)
    {
        _path.Clear();
        foreach ((double X, double Y)[] stroke in strokes)
        {
            var points = new (double X, double Y)[stroke.Length];
            for (int i = 0; i < stroke.Length; i++)
            {
                bool corner = i > 0 && stroke[i] == stroke[i - 1];
                points[i] = corner
                    ? points[i - 1]
                    : (stroke[i].X + (style.Jitter * random.Normal()), stroke[i].Y + (style.Jitter * random.Normal()));
            }

            _path.Add((points[0].X, points[0].Y, true));
            for (int i = 0; i + 1 < points.Length; i++)
            {
                if (points[i] == points[i + 1])
                {
                    continue;
                }

                (double X, double Y) before = points[Math.Max(i - 1, 0)], after = points[Math.Min(i + 2, points.Length - 1)];
                for (int step = 1; step <= StepsPerSpan; step++)
                {
                    double t = (double)step / StepsPerSpan;
                    _path.Add((
                        Spline(before.X, points[i].X, points[i + 1].X, after.X, t),
                        Spline(before.Y, points[i].Y, points[i + 1].Y, after.Y, t),
                        false));
                }
            }
        }
    }

    private static double Spline(double a, double b, double c, double d, double t) =>
        b + (0.5 * t * (c - a + (t * ((2 * a) - (5 * b) + (4 * c) - d + (t * ((3 * (b - c)) + d - a))))));

    /// <summary>A smooth random displacement, then stretch, slant and turn.</summary>
    private void Distort(ref DigitRandom random)
    {
        for (int i = 0; i < _bendX.Length; i++)
        {
            _bendX[i] = style.Elastic * random.Normal();
            _bendY[i] = style.Elastic * random.Normal();
        }

        double stretch = 0.85 * (1 + (style.Stretch * random.Normal())), slant = style.Slant * random.Normal();
        // The tangent of half the angle gives sine and cosine without a library call that differs between systems.
        double half = 0.5 * style.Turn * random.Normal(), scale = 1 / (1 + (half * half));
        double cosine = (1 - (half * half)) * scale, sine = 2 * half * scale;
        for (int i = 0; i < _path.Count; i++)
        {
            (double x, double y, bool starts) = _path[i];
            (double u, double v) = (x + Bend(_bendX, x, y) - 0.5, y + Bend(_bendY, x, y) - 0.5);
            u = (u * stretch) - (v * slant);
            _path[i] = ((u * cosine) - (v * sine), (u * sine) + (v * cosine), starts);
        }
    }

    /// <summary>A bicubic Bézier patch: smooth all over, so that the strokes stay smooth.</summary>
    private static double Bend(double[] knots, double x, double y)
    {
        Span<double> across = stackalloc double[Knots], down = stackalloc double[Knots];
        Bernstein(Math.Clamp(x, 0, 1), across);
        Bernstein(Math.Clamp(y, 0, 1), down);
        double sum = 0;
        for (int i = 0; i < knots.Length; i++)
        {
            sum += knots[i] * down[i / Knots] * across[i % Knots];
        }

        return sum;
    }

    private static void Bernstein(double t, Span<double> weights)
    {
        double u = 1 - t;
        weights[0] = u * u * u;
        weights[1] = 3 * t * u * u;
        weights[2] = 3 * t * t * u;
        weights[3] = t * t * t;
    }

    /// <summary>As in MNIST: the ink fits a square of 20 pixels, its aspect kept.</summary>
    private void FitToBox(double radius)
    {
        double left = double.MaxValue, top = double.MaxValue, right = double.MinValue, bottom = double.MinValue;
        foreach ((double x, double y, _) in _path)
        {
            left = Math.Min(left, x);
            right = Math.Max(right, x);
            top = Math.Min(top, y);
            bottom = Math.Max(bottom, y);
        }

        double scale = (Box - (2 * (MostPressure * radius)) - (1 / Sharpness)) / Math.Max(right - left, bottom - top);
        double x0 = (0.5 * Side) - (0.5 * scale * (left + right)), y0 = (0.5 * Side) - (0.5 * scale * (top + bottom));
        for (int i = 0; i < _path.Count; i++)
        {
            (double x, double y, bool starts) = _path[i];
            _path[i] = ((x * scale) + x0, (y * scale) + y0, starts);
        }
    }

    /// <summary>The signed distance of each pixel's centre to the edge of the ink; the pressure drifts along a stroke.</summary>
    private void Ink(double radius, ref DigitRandom random)
    {
        Array.Fill(_distance, double.MaxValue);
        double pressure = radius, drift = 0;
        for (int i = 1; i < _path.Count; i++)
        {
            if (_path[i].Starts)
            {
                drift = 0;
                continue;
            }

            drift = (0.9 * drift) + (0.05 * random.Normal());
            pressure = radius * Math.Clamp(1 + drift, 0.7, MostPressure);
            Segment(_path[i - 1].X, _path[i - 1].Y, _path[i].X, _path[i].Y, pressure);
        }
    }

    private void Segment(double ax, double ay, double bx, double by, double radius)
    {
        double reach = radius + 1, dx = bx - ax, dy = by - ay, length = (dx * dx) + (dy * dy);
        int left = Math.Max(0, (int)(Math.Min(ax, bx) - reach)), right = Math.Min(Side - 1, (int)(Math.Max(ax, bx) + reach));
        int top = Math.Max(0, (int)(Math.Min(ay, by) - reach)), bottom = Math.Min(Side - 1, (int)(Math.Max(ay, by) + reach));
        double inverse = length > 0 ? 1 / length : 0;
        for (int row = top; row <= bottom; row++)
        {
            double py = row + 0.5 - ay;
            for (int column = left; column <= right; column++)
            {
                double px = column + 0.5 - ax;
                double along = Math.Clamp(((px * dx) + (py * dy)) * inverse, 0, 1);
                double ex = px - (along * dx), ey = py - (along * dy);
                double edge = Math.Sqrt((ex * ex) + (ey * ey)) - radius;
                ref double nearest = ref _distance[(row * Side) + column];
                nearest = Math.Min(nearest, edge);
            }
        }
    }

    /// <summary>Distance to grey, grain, and the centre of mass moved to the centre of the image by whole pixels.</summary>
    private void Develop(ref DigitRandom random, Span<byte> image)
    {
        Span<byte> ink = stackalloc byte[Side * Side];
        long mass = 0, massX = 0, massY = 0;
        int left = Side, right = 0, top = Side, bottom = 0;
        for (int i = 0; i < ink.Length; i++)
        {
            double cover = Math.Clamp(0.5 - (_distance[i] * Sharpness), 0, 1);
            if (cover <= 0)
            {
                continue;
            }

            int value = (int)((255 * cover * (1 - (style.Grain * random.Uniform(0, 1)))) + 0.5);
            ink[i] = (byte)value;
            (int row, int column) = (i / Side, i % Side);
            mass += value;
            massX += value * column;
            massY += value * row;
            (left, right) = (Math.Min(left, column), Math.Max(right, column));
            (top, bottom) = (Math.Min(top, row), Math.Max(bottom, row));
        }

        // The outermost pixels stay empty, as in MNIST, however lopsided the digit.
        int moveX = Math.Clamp(Rounded(Side - 1, mass, massX), 1 - left, Side - 2 - right);
        int moveY = Math.Clamp(Rounded(Side - 1, mass, massY), 1 - top, Side - 2 - bottom);
        image.Clear();
        for (int row = top; row <= bottom; row++)
        {
            ink.Slice((row * Side) + left, right - left + 1).CopyTo(image[(((row + moveY) * Side) + left + moveX)..]);
        }
    }

    /// <summary>extent/2 − moment/mass, rounded to an integer.</summary>
    private static int Rounded(long extent, long mass, long moment)
    {
        long doubled = (extent * mass) - (2 * moment);
        return (int)((doubled + (doubled >= 0 ? mass : -mass)) / (2 * mass));
    }
}
