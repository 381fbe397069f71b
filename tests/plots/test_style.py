"""Figures show themselves without pyplot, in one style."""

import io
import subprocess
import sys

from matplotlib.figure import Figure
from PIL import Image

from gamerec.plots import style


def test_a_figure_shows_itself_as_a_sharp_picture_of_its_size() -> None:
    figure = style.new_figure(5, 3)
    figure.subplots().plot([1, 2])
    data, size = figure._repr_png_()
    assert size == {"width": 400, "height": 240}
    picture = Image.open(io.BytesIO(data))
    assert picture.size == (600, 360)
    assert picture.convert("RGB").getpixel((1, 1)) == (255, 255, 255)


def test_axes_carry_the_style_and_settings_elsewhere_stay_as_they_are() -> None:
    axes = style.new_figure().subplots(1, 2)[1]
    (line,) = axes.plot([1, 2])
    assert line.get_color() == style.BLUE
    assert not axes.spines["top"].get_visible()
    plain = Figure().subplots()
    assert plain.spines["top"].get_visible()


def test_a_label_holds_title_and_units() -> None:
    axes = style.label(style.new_figure().subplots(), "Title", "hours", "games")
    assert axes.get_title(loc="left") == "Title"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("hours", "games")


def test_legends_stand_inside_or_below() -> None:
    figure = style.new_figure()
    axes = figure.subplots()
    axes.plot([1, 2], label="a line")
    style.legend(axes, loc="upper left")
    style.legend_below(axes)
    assert not axes.get_legend().get_frame_on()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a line"]


def test_pyplot_is_never_imported() -> None:
    code = "import sys; import gamerec.plots.games; print('matplotlib.pyplot' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
