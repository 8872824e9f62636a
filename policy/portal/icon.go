package portal

import (
	"bytes"
	"image"
	"image/png"
	"math"
)

// The sign of pages/icon.svg as a picture, for phones that take no SVG on their home screen. Its outlines are those of the
// file, in units of a square of 48; a test holds the colours together.
var (
	iconSky  = [3]int{0xdc, 0xef, 0xe9}
	iconRoof = [3]int{0xc9, 0x6f, 0x4a}
	iconFire = [3]int{0xf6, 0xc6, 0x67}
)

// gable is the outline of the roof and the walls.
var gable = []point{{24, 9}, {9, 22.5}, {13.5, 22.5}, {13.5, 37.5}, {34.5, 37.5}, {34.5, 22.5}, {39, 22.5}}

// fire is the flame: a curve to the right, half a circle beneath, and a curve back.
var fire = func() (outline []point) {
	at := func(x, y float64) point { return point{6 + 1.5*x, 6 + 1.5*y} }
	outline = curve(at(12, 10), at(14.6, 12.3), at(15.6, 14), at(15.6, 15.6))
	for i := range 33 {
		s, c := math.Sincos(math.Pi * float64(i) / 32)
		outline = append(outline, at(12+3.6*c, 15.6+3.6*s))
	}
	return append(outline, curve(at(8.4, 15.6), at(8.4, 14), at(9.8, 12.6), at(12, 10))...)
}()

type point struct{ x, y float64 }

// curve is a Bézier curve as points.
func curve(a, b, c, d point) (line []point) {
	const steps = 16
	for i := range steps + 1 {
		t := float64(i) / steps
		u := 1 - t
		line = append(line, point{
			u*u*u*a.x + 3*u*u*t*b.x + 3*u*t*t*c.x + t*t*t*d.x,
			u*u*u*a.y + 3*u*u*t*b.y + 3*u*t*t*c.y + t*t*t*d.y,
		})
	}
	return line
}

// crossings are where a line across at the height y meets an outline.
func crossings(y float64, outline []point) (at []float64) {
	last := outline[len(outline)-1]
	for _, next := range outline {
		if (next.y > y) != (last.y > y) {
			at = append(at, (last.x-next.x)*(y-next.y)/(last.y-next.y)+next.x)
		}
		last = next
	}
	return at
}

// inside says whether a point of such a line lies within the outline, by the crossings to its right.
func inside(x float64, crossings []float64) (in bool) {
	for _, at := range crossings {
		if x < at {
			in = !in
		}
	}
	return in
}

// Icon draws the sign of Hearth as a PNG with size pixels a side, to its edges: phones round the corners themselves.
func Icon(size int) []byte {
	const fine = 4 // samples a pixel and direction
	picture := image.NewRGBA(image.Rect(0, 0, size, size))
	place := func(pixel, part int) float64 { return (float64(pixel) + (float64(part)+0.5)/fine) * 48 / float64(size) }
	for y := range size {
		var fires, houses [fine][]float64
		for part := range fine {
			fires[part], houses[part] = crossings(place(y, part), fire), crossings(place(y, part), gable)
		}
		for x := range size {
			var sum [3]int
			for i := range fine * fine {
				c, at := iconSky, place(x, i%fine)
				if inside(at, fires[i/fine]) {
					c = iconFire
				} else if inside(at, houses[i/fine]) {
					c = iconRoof
				}
				for part := range c {
					sum[part] += c[part]
				}
			}
			at := picture.Pix[picture.PixOffset(x, y):]
			for part := range sum {
				at[part] = uint8(sum[part] / (fine * fine)) //nolint:gosec // a mean of octets
			}
			at[3] = 0xff
		}
	}
	var file bytes.Buffer
	_ = png.Encode(&file, picture) // into memory, of a size that PNG has
	return file.Bytes()
}
