"""Report of a night for a retention manager: values, charts and texts of one HTML page.

``collect`` gathers the values, ``write_report`` writes a page in each language of the lists.
"""
