"""What people read and work from: workbooks, worklists and the page."""
