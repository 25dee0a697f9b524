"""What every room needs: errors, draws, files, texts, arguments."""
