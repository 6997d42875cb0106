"""Tracks as data: one TOML file per track, in this folder."""

from .track import ScoreRule, Track, all_tracks, find_track, load_track, quick

__all__ = ["ScoreRule", "Track", "all_tracks", "find_track", "load_track", "quick"]
