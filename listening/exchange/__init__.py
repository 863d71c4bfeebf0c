"""Files in and out: ratings read into tidy frames, tables written from them. Frames only, no database."""
