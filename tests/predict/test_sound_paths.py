import shutil

import pytest

from pooled_bert.base.errors import InputError
from pooled_bert.benchmarks.emodb import EMODB
from pooled_bert.data.sample import write_sample
from pooled_bert.predict.sound_paths import find_sources, read_sources, sources_in_csv, speaker_note


@pytest.fixture(scope="module")
def wav(tmp_path_factory):
    folder = tmp_path_factory.mktemp("emodb")
    write_sample(folder, EMODB, rows=20, test_rows=0, seed=3)
    return folder / "wav"


def test_files_and_folders_are_taken_in_order(wav):
    sources = find_sources([str(wav / "02a01Wa.wav"), str(wav)], EMODB)
    assert len(sources) == 21
    assert sources[0].path.name == "02a01Wa.wav"
    assert [source.path.name for source in sources[1:]] == sorted(path.name for path in wav.iterdir())
    files = list(read_sources(sources[:2]))
    assert files[0].item.speaker == "02"
    assert files[0].shown.endswith(" s")


def test_csv_gives_ids_and_speakers_and_its_paths_are_relative_to_it(wav):
    table = wav.parent / "list.csv"
    table.write_text("path,id,speaker\nwav/02a01Wa.wav,first,anna\nwav/03a01Wa.wav,second,\n")
    sources = sources_in_csv(table, None, EMODB)
    assert [(source.id, source.speaker) for source in sources] == [("first", "anna"), ("second", "03")]
    assert len(list(read_sources(sources))) == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("path\nwav/02a01Wa.wav\nwav/missing.wav\n", "line 3: 'wav/missing.wav' is no file"),
        ("a,b\n1,2\n", "which column holds the paths"),
    ],
)
def test_mistakes_in_a_csv_are_named(wav, content, said):
    table = wav.parent / "mistake.csv"
    table.write_text(content)
    with pytest.raises(InputError, match=said):
        sources_in_csv(table, None, EMODB)


def test_path_that_does_not_exist_and_folder_without_sounds_are_refused(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        find_sources([str(tmp_path / "x.wav")], EMODB)
    with pytest.raises(InputError, match="holds no sound files"):
        find_sources([str(tmp_path)], EMODB)


def test_unknown_speakers_are_noted_only_if_they_matter(wav, tmp_path):
    shutil.copy(wav / "02a01Wa.wav", tmp_path / "my voice.wav")
    unknown, known = find_sources([str(tmp_path)], EMODB), find_sources([str(wav)], EMODB)
    assert "1 sounds of unknown speakers" in str(speaker_note(unknown, by_speaker=True))
    assert speaker_note(unknown, by_speaker=False) is None
    assert speaker_note(known, by_speaker=True) is None
