"""The crawl of RAWG: bounded HTTP, the query, the client, pages kept and resumed, covers."""
