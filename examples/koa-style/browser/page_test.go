package browser_test

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// look checks what must hold for every page, and keeps a screenshot of it.
func (b *tab) look(name string) {
	b.t.Helper()
	assert.Empty(b.t, ask[[]string](b, faults), name)
	assert.Empty(b.t, b.complaints(), name)
	shot, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	require.NoError(b.t, err)
	file := filepath.Join(b.t.ArtifactDir(), b.name+"-"+name+".png")
	require.NoError(b.t, os.WriteFile(file, shot, 0o600))
	picture, err := png.Decode(bytes.NewReader(shot))
	require.NoError(b.t, err, name)
	assert.Less(b.t, ofOneColour(picture), 0.99, "%s is blank", name)
}

// ofOneColour is the part of a picture that has its most frequent colour.
func ofOneColour(picture image.Image) float64 {
	plain := image.NewRGBA(picture.Bounds())
	draw.Draw(plain, plain.Bounds(), picture, plain.Bounds().Min, draw.Src)
	counts, most := map[[4]byte]int{}, 0
	for i := 0; i < len(plain.Pix); i += 4 {
		c := [4]byte(plain.Pix[i:])
		counts[c]++
		most = max(most, counts[c])
	}
	return float64(most) / float64(len(plain.Pix)/4)
}

func TestAPageIsBlank(t *testing.T) {
	blank := image.NewGray(image.Rect(0, 0, 20, 20))
	assert.Equal(t, 1.0, ofOneColour(blank))
	for x := range 20 {
		blank.Set(x, 3, color.White)
	}
	assert.Equal(t, .95, ofOneColour(blank))
}

// faults lists what would be in the way of a screen reader, a keyboard, or a small screen.
const faults = `(() => {
  const all = selector => [...document.querySelectorAll(selector)], found = [];
  const wrong = (is, what) => { if (is) found.push(what) };
  const page = document.documentElement;
  wrong(page.scrollWidth > page.clientWidth, "it scrolls sideways: " + page.scrollWidth + " in " + page.clientWidth);
  wrong(page.lang !== "en", "it does not say its language");
  wrong(!document.title, "it has no title");
  wrong(all("main").length !== 1, "it has not one main");
  wrong(all("h1").length !== 1, "it has not one h1");
  wrong(all("[style], style, script:not([src]), [onclick]").length, "it has inline styles or scripts");
  let last = 0;
  for (const h of all("h1, h2, h3, h4")) {
    const level = Number(h.tagName[1]);
    wrong(level > last + 1, "the heading " + h.textContent + " skips a level");
    last = level;
  }
  const ids = all("[id]").map(e => e.id);
  wrong(new Set(ids).size !== ids.length, "an id is there twice");
  for (const e of all("[aria-describedby], [aria-labelledby]"))
    for (const id of ((e.getAttribute("aria-describedby") ?? "") + " " + (e.getAttribute("aria-labelledby") ?? "")).split(" "))
      wrong(id && !ids.includes(id), "nothing has the id " + id);
  for (const e of all("input:not([type=hidden], [hidden]), select")) {
    wrong(!e.labels.length, "the field " + e.name + " has no label");
    wrong(e.type !== "checkbox" && e.getBoundingClientRect().height < 40, "the field " + e.name + " is too small for a finger");
  }
  for (const e of all("form:has([autocomplete=current-password])"))
    wrong(!e.querySelector("[autocomplete=username]"), "a form does not tell password managers whose password it asks for");
  const names = all("button").map(e => e.innerText.trim());
  wrong(names.some((name, i) => !name && !all("button")[i].hidden), "a button has no name");
  wrong(new Set(names).size !== names.length, "two buttons have one name: " + names);
  for (const e of all("img")) wrong(!e.hasAttribute("alt"), "a picture has no text");
  wrong(!all("link[rel=stylesheet]").every(e => e.sheet), "the style did not load");
  return found;
})()`
