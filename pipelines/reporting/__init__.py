"""The night's report: facts, pictures and texts of one page for a retention manager."""
